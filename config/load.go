package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
)

// FileName is the name of a declaration in its folder.
const FileName = "roundtrip.yaml"

// Load reads the declaration at path, or roundtrip.yaml in it when path is a folder. getenv looks up environment
// variables. Error and answer are those of [Parse].
func Load(path string, getenv func(string) (string, bool)) (*Config, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, FileName)
	}
	source, err := read(path)
	if err != nil {
		problems := NewProblems(path, nil)
		if errors.Is(err, fs.ErrNotExist) {
			problems.Add(roundtrip.Pos{}, "there is no such file").
				Expect("a declaration; `roundtrip init` writes a first one")
		} else {
			problems.Add(roundtrip.Pos{}, "the file can't be read: %v", err)
		}
		return nil, problems
	}
	return Parse(path, source, getenv)
}

// read reads a little more than a declaration may have, so that Parse sees that it is too long.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	return io.ReadAll(io.LimitReader(f, maxBytes+1))
}

// Parse reads a declaration. file is its path: positions name it, and relative paths of the declaration start in its
// folder. The error is a *[Problems] with every mistake. When the text could be parsed, the declaration is returned
// beside the error, as far as it was understood, so that later rooms can add their mistakes to the list.
func Parse(file string, source []byte, getenv func(string) (string, bool)) (*Config, error) {
	problems := NewProblems(file, source)
	start := roundtrip.Pos{File: file, Line: 1, Column: 1}
	switch at := invalidByte(source); {
	case len(source) > maxBytes, bytes.Count(source, []byte("\n")) > maxLines:
		problems.Add(roundtrip.Pos{}, "the declaration is too long").Expect("at most 1 MiB and %s lines", thousands(maxLines))
	case at >= 0:
		line := bytes.Count(source[:at], []byte("\n"))
		column := utf8.RuneCount(source[bytes.LastIndexByte(source[:at], '\n')+1 : at])
		problems.Add(roundtrip.Pos{File: file, Line: line + 1, Column: column + 1}, "the file is no UTF-8 text from here on").
			Expect("a text file in UTF-8")
	}
	if len(problems.List) > 0 {
		return nil, problems
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		problems.Add(start, "the folder of the file can't be found: %v", err)
		return nil, problems
	}
	root := readTree(file, source, problems)
	if root == nil {
		return nil, problems.Err()
	}
	c := &Config{File: file, Dir: dir, Source: source}
	d := &decoder{problems: problems, getenv: getenv, dir: dir}
	keys := rootKeys()
	d.defaults(c, keys)
	d.block(root, c, keys)
	if i := slices.IndexFunc(root.pairs, func(p pair) bool { return p.key == "sites" }); i >= 0 {
		checkSites(d, c, root.pairs[i].value)
	}
	if c.Store.Database == "" {
		c.Store.Database = d.path("data/" + c.Name + ".db")
	}
	if c.Store.PoolMax == 0 {
		c.Store.PoolMax = 2 * runtime.GOMAXPROCS(0)
	}
	c.CheckPrivate(problems)
	return c, problems.Err()
}

// invalidByte returns the place of the first byte that is no text, or -1.
func invalidByte(source []byte) int {
	for i := 0; i < len(source); {
		r, size := utf8.DecodeRune(source[i:])
		if r == utf8.RuneError && size == 1 || r == 0 {
			return i
		}
		i += size
	}
	return -1
}

// Join adds the mistakes of another room, which an error carries, to the list; those at a place that has one already are
// left out, for they follow from it. It reports whether err was a list of mistakes.
func (p *Problems) Join(err error) bool {
	var other *Problems
	if !errors.As(err, &other) {
		return err == nil
	}
	for file, lines := range other.beside {
		if p.beside == nil {
			p.beside = map[string][]string{}
		}
		p.beside[file] = lines
	}
	seen := map[roundtrip.Pos]bool{}
	for _, problem := range p.List {
		seen[problem.Pos] = true
	}
	for _, problem := range other.List {
		if !seen[problem.Pos] {
			p.List = append(p.List, problem)
		}
	}
	return true
}
