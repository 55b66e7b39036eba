package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/clients"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/examples"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// schemaFile is the JSON Schema that the first line of each template names.
const schemaFile = "roundtrip.schema.json"

// Init writes a template into a folder. It overwrites nothing: if any of its files is there already, it writes none.
func Init(folder, template string, out io.Writer) error {
	tree, err := examples.Template(template)
	if err != nil {
		if near := nearest.Of(template, examples.Names()); near != "" {
			err = fmt.Errorf("%w; did you mean %q?", err, near)
		}
		return err
	}
	names, err := filesOf(tree)
	if err != nil {
		return err
	}
	for _, name := range append([]string{schemaFile}, names...) {
		at := filepath.Join(folder, name)
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			return roundtrip.E(roundtrip.Conflict, "command.invalid", "%s is there already: give init an empty folder, nothing was written", at)
		}
	}
	if err := writeTree(folder, tree, names); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(folder, schemaFile), config.JSONSchema()); err != nil {
		return err
	}
	fmt.Fprintf(out, "wrote %s\n\n", filepath.Join(folder, "roundtrip.yaml"))
	if client := examples.ClientFolder(template); client != "" {
		if err := writeClient(filepath.Join(folder, client)); err != nil {
			return err
		}
		fmt.Fprintf(out, "page:      (cd %s && npm ci && npm run build)   needs Node\n", terminal.ShellWord(filepath.Dir(filepath.Join(folder, client))))
	}
	fmt.Fprintf(out, "run it:    roundtrip dev %s\ncheck it:  roundtrip check %s\n", terminal.ShellWord(folder), terminal.ShellWord(folder))
	return nil
}

// writeClient writes the sources of the JavaScript client, which the page of a template is built with.
func writeClient(folder string) error {
	tree, err := clients.JS()
	if err != nil {
		return err
	}
	names, err := filesOf(tree)
	if err != nil {
		return err
	}
	return writeTree(folder, tree, names)
}

// filesOf returns the names of all files of a tree.
func filesOf(tree fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

func writeTree(folder string, tree fs.FS, names []string) error {
	for _, name := range names {
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(folder, name), text); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(at string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil { //nolint:gosec // a project's files, which others may read
		return err
	}
	return os.WriteFile(at, text, 0o644) //nolint:gosec // as above
}
