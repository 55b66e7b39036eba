// Package laws checks the house against its own plan: the floor table of ARCHITECTURE.md, package comments and file
// lengths. It parses the files itself, because what a `go list` reads is unknown to the test cache, and a stale "ok" is
// worse than no test.
package laws

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// LinesMax is the hard limit of a file's length; 300 is what to aim at.
const LinesMax = 600

// Module is the import path of the root package.
const Module = "github.com/roundtrip-dev/roundtrip"

// Plan is the floor table: which folder may import which.
type Plan struct {
	floor map[string]int
	may   map[string][]string
}

// ReadPlan reads the table below the heading "The floors" of an ARCHITECTURE.md. It refuses a table that allows an import
// from a lower floor to a higher one.
func ReadPlan(markdown string) (*Plan, error) {
	_, table, ok := strings.Cut(markdown, "## The floors")
	if !ok {
		return nil, fmt.Errorf(`ARCHITECTURE.md has no heading "The floors"`)
	}
	p := &Plan{floor: map[string]int{}, may: map[string][]string{}}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(cells[1]))
		if err != nil {
			continue // the head of the table
		}
		for _, room := range strings.Fields(cells[2]) {
			p.floor[room] = n
			p.may[room] = strings.Fields(cells[3])
		}
	}
	if len(p.floor) == 0 {
		return nil, fmt.Errorf("the floor table of ARCHITECTURE.md is empty")
	}
	return p, p.expand()
}

// expand turns the table's phrases into lists of rooms and checks that each arrow falls.
func (p *Plan) expand() error {
	for room, words := range p.may {
		switch phrase := strings.Join(words, " "); phrase {
		case "everything below":
			words = nil
			for other, n := range p.floor {
				if n < p.floor[room] {
					words = append(words, other)
				}
			}
		case "nothing of ours":
			words = nil
		}
		for _, w := range words {
			n, ok := p.floor[w]
			if !ok {
				return fmt.Errorf("the floor table lets %s import %s, which has no floor: add a row for it", room, w)
			}
			if n >= p.floor[room] {
				return fmt.Errorf("the floor table lets %s (floor %d) import %s (floor %d): arrows must fall", room, p.floor[room], w, n)
			}
		}
		p.may[room] = words
	}
	return nil
}

// file is what the laws look at in one Go file.
type file struct {
	path     string // slash-separated, from the root
	pkg      string
	imports  []string // ours only: folders from the root, "." for the root package
	doc      bool
	lines    int
	operator bool // makes a roundtrip.Operator
}

// room returns the folder at the root in which a folder lies; the root package is the room "root".
func room(folder string) string {
	if folder == "." {
		return "root"
	}
	first, _, _ := strings.Cut(folder, "/")
	return first
}

// Check reads all Go files of a tree and returns one sentence for each breach, sorted.
func Check(tree fs.FS, p *Plan) ([]string, error) {
	files, err := readFiles(tree)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, f := range files {
		wrong = append(wrong, p.judge(f)...)
	}
	wrong = append(wrong, comments(files)...)
	wrong = append(wrong, circles(files)...)
	slices.Sort(wrong)
	return slices.Compact(wrong), nil
}

func (p *Plan) judge(f file) []string {
	var wrong []string
	from := room(path.Dir(f.path))
	if _, ok := p.floor[from]; !ok {
		return []string{fmt.Sprintf("%s: the folder %s has no floor: give it a row in the table of ARCHITECTURE.md", f.path, from)}
	}
	if f.lines > LinesMax {
		wrong = append(wrong, fmt.Sprintf("%s: %d lines, more than %d: split it by idea", f.path, f.lines, LinesMax))
	}
	if f.operator && from != "app" && from != "root" {
		wrong = append(wrong, f.path+": operators come from the console's session through package app alone: nothing else may make one (roundtrip.Operator)")
	}
	for _, folder := range f.imports {
		to := room(folder)
		if to == from || slices.Contains(p.may[from], to) {
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s: %s (floor %d) may not import %s (floor %d): declare the small interface that you need and let app hand it in",
			f.path, from, p.floor[from], to, p.floor[to]))
	}
	return wrong
}

// comments wants exactly one package comment in each package; test packages need none.
func comments(files []file) []string {
	docs := map[string][]string{}
	for _, f := range files {
		key := path.Dir(f.path) + " " + f.pkg
		if strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		if _, ok := docs[key]; !ok {
			docs[key] = nil
		}
		if f.doc {
			docs[key] = append(docs[key], f.path)
		}
	}
	var wrong []string
	for key, at := range docs {
		folder, pkg, _ := strings.Cut(key, " ")
		switch len(at) {
		case 0:
			wrong = append(wrong, fmt.Sprintf("%s: package %s has no comment: say what the room is for in %s.go", folder, pkg, pkg))
		case 1:
		default:
			wrong = append(wrong, fmt.Sprintf("%s: package %s has %d comments (%s): keep one", folder, pkg, len(at), strings.Join(at, ", ")))
		}
	}
	return wrong
}

// circles finds folders of the root that import each other, through whatever subfolder.
func circles(files []file) []string {
	arrows := map[string]map[string]string{}
	for _, f := range files {
		from := room(path.Dir(f.path))
		for _, folder := range f.imports {
			if to := room(folder); to != from {
				if arrows[from] == nil {
					arrows[from] = map[string]string{}
				}
				arrows[from][to] = f.path
			}
		}
	}
	var wrong []string
	for from := range arrows {
		for to, at := range arrows[from] {
			if back, ok := reach(arrows, to, from, map[string]bool{}); ok {
				wrong = append(wrong, fmt.Sprintf("%s: %s imports %s, which leads back to %s (%s): a circle; move what both need to a lower floor", at, from, to, from, back))
			}
		}
	}
	return wrong
}

func reach(arrows map[string]map[string]string, from, goal string, seen map[string]bool) (string, bool) {
	if seen[from] {
		return "", false
	}
	seen[from] = true
	for to, at := range arrows[from] {
		if to == goal {
			return at, true
		}
		if back, ok := reach(arrows, to, goal, seen); ok {
			return back, true
		}
	}
	return "", false
}

// readFiles parses every Go file of the tree, except what lies in folders that are no part of the module.
func readFiles(tree fs.FS) ([]file, error) {
	var files []file
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipFolder(tree, name)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := readFile(tree, name)
		if err == nil {
			files = append(files, f)
		}
		return err
	})
	return files, err
}

func skipFolder(tree fs.FS, name string) error {
	base := path.Base(name)
	if name != "." && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "testdata") {
		return fs.SkipDir
	}
	if name != "." {
		if _, err := fs.Stat(tree, path.Join(name, "go.mod")); err == nil {
			return fs.SkipDir // a module of its own
		}
	}
	return nil
}

func readFile(tree fs.FS, name string) (file, error) {
	source, err := fs.ReadFile(tree, name)
	if err != nil {
		return file{}, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return file{}, err
	}
	f := file{path: name, pkg: parsed.Name.Name, doc: parsed.Doc != nil}
	f.operator = !strings.HasSuffix(name, "_test.go") && bytes.Contains(source, []byte("roundtrip."+"Operator{"))
	f.lines = bytes.Count(source, []byte("\n"))
	for _, spec := range parsed.Imports {
		at, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		if at == Module {
			f.imports = append(f.imports, ".")
		} else if folder, ok := strings.CutPrefix(at, Module+"/"); ok {
			f.imports = append(f.imports, folder)
		}
	}
	return f, nil
}

// Root opens the tree whose root is n folders above the working directory of a test.
func Root(n int) fs.FS { return os.DirFS(strings.Repeat("../", n) + ".") }
