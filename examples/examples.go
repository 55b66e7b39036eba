// Package examples holds the declarations that `roundtrip init` starts from.
package examples

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// files are the templates. The data that running one of them leaves behind is none of it.
//
//go:embed all:empty gallery/roundtrip.yaml gallery/demo.yaml all:gallery/web
var files embed.FS

// Names returns the names of the templates.
func Names() []string { return []string{"gallery", "empty"} }

// Template returns the files of a template. The error says which ones there are.
func Template(name string) (fs.FS, error) {
	switch name {
	case "gallery", "empty":
		return fs.Sub(files, name)
	case "proxy":
		return nil, fmt.Errorf("the template proxy needs the reverse proxy, which is not in this version of Roundtrip; there are gallery and empty")
	}
	return nil, fmt.Errorf("there is no template %q; there are %s", name, strings.Join(Names(), " and "))
}
