// Package clients holds the client libraries as sources, so that a new project gets the one that speaks this version's API.
package clients

import (
	"embed"
	"io/fs"
)

//go:embed js/README.md js/package.json js/tsconfig.json js/src
var files embed.FS

// JS returns the JavaScript client.
func JS() (fs.FS, error) { return fs.Sub(files, "js") }
