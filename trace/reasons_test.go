package trace_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestReasons_AreUniqueAndComplete(t *testing.T) {
	t.Parallel()
	codes, flags := map[string]bool{}, map[string]bool{}
	code, flag := regexp.MustCompile(`^[a-z]+(\.[a-z_]+)+$`), regexp.MustCompile(`^[A-Z]{3}$`)
	for _, r := range trace.Reasons() {
		if codes[r.Code()] || flags[r.Flag()] {
			t.Errorf("%s %s is there twice", r.Flag(), r.Code())
		}
		codes[r.Code()], flags[r.Flag()] = true, true
		if !code.MatchString(r.Code()) || !flag.MatchString(r.Flag()) || r.Text() == "" || r.Fix() == "" {
			t.Errorf("%q %q: %q, %q", r.Flag(), r.Code(), r.Text(), r.Fix())
		}
		if trace.ReasonOf(r.Code()) != r {
			t.Errorf("ReasonOf(%q) is another one", r.Code())
		}
	}
	if trace.ReasonOf("no.such") != trace.ReasonOf("app.internal") || trace.ReasonOf("") != trace.None {
		t.Error("an unknown code must be app.internal, an empty one None")
	}
	if got := trace.Reason(60_000); got.Code() != "" || got.Text() != "" {
		t.Error("a reason out of the table has words")
	}
}

func TestReasons_PageIsTheTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# Reasons\n\nWhy a station of the path decided as it did. Each code stands in error answers (`reason`), in the access log and in\n" +
		"journeys; the three letters are its short form in logs. A code never changes its meaning. This page is made from\n" +
		"`trace/reasons.go` by `go test ./trace -update`.\n\n| flag | code | what it means | what to try first |\n| --- | --- | --- | --- |\n")
	for _, r := range trace.Reasons() {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", r.Flag(), r.Code(), r.Text(), r.Fix())
	}
	golden(t, filepath.Join("..", "docs", "reasons.md"), b.String())
}

// The catalogue is complete when every code that the program can answer with is in it. The source is read in-process,
// so that the test cache sees it.
func TestReasons_HoldEveryCodeInTheSource(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, r := range trace.Reasons() {
		known[r.Code()] = true
	}
	seen := 0
	for path, file := range sources(t) {
		ast.Inspect(file.tree, func(n ast.Node) bool {
			for _, lit := range reasonsIn(n) {
				seen++
				if code, err := strconv.Unquote(lit.Value); err != nil || !known[code] {
					t.Errorf("%s:%d: reason %s is not in trace/reasons.go: add a row at the end of its group, or correct it",
						path, file.set.Position(lit.Pos()).Line, lit.Value)
				}
			}
			return true
		})
	}
	if seen < 10 {
		t.Errorf("only %d reasons were found: does this test still look at the right places?", seen)
	}
}

type source struct {
	set  *token.FileSet
	tree *ast.File
}

// sources parses every Go file of the repository that is no test.
func sources(t *testing.T) map[string]source {
	t.Helper()
	files := map[string]source{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != ".." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		files[path] = source{set, tree}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// reasonsIn returns the reason codes that a node holds: the second argument of E, the argument of ReasonOf, the member
// Reason of a literal, and what is assigned to a field Reason.
func reasonsIn(n ast.Node) []*ast.BasicLit {
	var found []*ast.BasicLit
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING && lit.Value != `""` {
			found = append(found, lit)
		}
	}
	switch n := n.(type) {
	case *ast.CallExpr:
		switch called(n) {
		case "E":
			if len(n.Args) >= 3 {
				add(n.Args[1])
			}
		case "ReasonOf":
			add(n.Args[0])
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Reason" {
			add(n.Value)
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if field, ok := left.(*ast.SelectorExpr); ok && field.Sel.Name == "Reason" && len(n.Rhs) == len(n.Lhs) {
				add(n.Rhs[i])
			}
		}
	}
	return found
}

func called(c *ast.CallExpr) string {
	switch fun := c.Fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		return fun.Sel.Name
	}
	return ""
}
