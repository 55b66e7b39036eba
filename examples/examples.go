// Package examples holds the declarations that `roundtrip init` starts from.
package examples

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// files are the templates: what people write, not what running and building leaves behind.
//
//go:embed all:empty all:proxy gallery/roundtrip.yaml gallery/demo.yaml gallery/.gitignore
//go:embed gallery/web/README.md gallery/web/index.html gallery/web/package.json gallery/web/package-lock.json
//go:embed gallery/web/tsconfig.json gallery/web/vite.config.ts gallery/web/src gallery/web/public
var files embed.FS

// ClientFolder is where a template wants the JavaScript client, "" where it wants none.
func ClientFolder(name string) string {
	if name == "gallery" {
		return "web/client"
	}
	return ""
}

// Names returns the names of the templates.
func Names() []string { return []string{"gallery", "empty", "proxy"} }

// Template returns the files of a template. The error says which ones there are.
func Template(name string) (fs.FS, error) {
	switch name {
	case "gallery", "empty", "proxy":
		return fs.Sub(files, name)
	}
	return nil, fmt.Errorf("there is no template %q; there are %s", name, strings.Join(Names(), ", "))
}
