package trace_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
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
	b.WriteString(pageHead)
	var layers []trace.Layer
	rows := map[trace.Layer][]trace.Reason{}
	for _, r := range trace.Reasons() {
		if rows[r.Layer()] == nil {
			layers = append(layers, r.Layer())
		}
		rows[r.Layer()] = append(rows[r.Layer()], r)
	}
	slices.Sort(layers)
	for _, l := range layers {
		fmt.Fprintf(&b, "\n## %s\n\n| flag | code | what it means | what to try first |\n| --- | --- | --- | --- |\n", l)
		for _, r := range rows[l] {
			fmt.Fprintf(&b, "| %s | <a id=%q></a>`%s` | %s | %s |\n", r.Flag(), r.Code(), r.Code(), r.Text(), r.Fix())
		}
	}
	golden(t, filepath.Join("..", "docs", "reasons.md"), b.String())
}

const pageHead = `# Reasons

Why a station of the path decided as it did, station by station. A code never changes its meaning; the three letters are its short
form. ` + "`roundtrip reasons CODE`" + ` prints one of them. The code is the same wherever it leaves:

| door | where it stands |
| --- | --- |
| HTTP | member ` + "`reason`" + ` of the problem (RFC 9457), beside ` + "`journey`" + `, the id of the journey that shows how it came to it |
| a proxy route | also ` + "`details`" + ` of the header ` + "`Proxy-Status`" + ` (RFC 9209), with that RFC's word for the error |
| WebSocket | the first word of the close frame's reason (RFC 6455): ` + "`auth.expired: the session has ended; sign in again`" + ` |
| server-sent events, messages of ` + "`live`" + ` | member ` + "`reason`" + ` of the ` + "`error`" + ` |
| DNS | Extended DNS Errors (RFC 8914): the code of the RFC that comes nearest, and a sentence |
| access log | ` + "`reason`" + `, ` + "`flag`" + ` and ` + "`hop`" + ` of the line |
| journeys | the reason of the hop that decided; in ` + "`roundtrip journey`" + `, the console, and the metrics' label ` + "`reason`" + ` |

This page is made from ` + "`trace/reasons.go`" + ` by ` + "`go test ./trace -update`" + `.
`

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

// A code that nothing can produce is a promise that is not kept: it goes, or its station says it.
func TestReasons_AreAllProduced(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for path, file := range sources(t) {
		if rel := filepath.ToSlash(path); strings.HasPrefix(rel, "../trace/reasons") || strings.HasPrefix(rel, "../config/") || strings.HasPrefix(rel, "../test/") {
			continue
		}
		ast.Inspect(file.tree, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					said[text] = true
				}
			}
			return true
		})
	}
	for _, r := range trace.Reasons() {
		if !said[r.Code()] {
			t.Errorf("nothing in the source says %s %s: let its station say it, or take the row out of trace/reasons.go", r.Flag(), r.Code())
		}
	}
	if n := len(trace.Reasons()); n < 110 {
		t.Errorf("only %d reasons", n)
	}
}

// Every refusal says why: an error has its reason, and so has a step that let nothing pass.
func TestReasons_StandAtEveryRefusal(t *testing.T) {
	t.Parallel()
	for path, file := range sources(t) {
		if strings.HasPrefix(filepath.ToSlash(path), "../trace/") {
			continue
		}
		ast.Inspect(file.tree, func(n ast.Node) bool {
			if what := unreasoned(n, file.tree.Name.Name == "roundtrip"); what != "" {
				t.Errorf("%s:%d: %s without a reason: give it a code of trace/reasons.go", path, file.set.Position(n.Pos()).Line, what)
			}
			return true
		})
	}
}

// unreasoned says what a node refuses without a reason, "" where it does not.
func unreasoned(n ast.Node, root bool) string {
	switch n := n.(type) {
	case *ast.CallExpr:
		switch {
		case called(n) == "End" && len(n.Args) == 2 && refuses(n.Args[0]) && last(n.Args[1]) == "None":
			return "a step that refuses"
		case called(n) == "E" && len(n.Args) >= 3 && isEmpty(n.Args[1]):
			return "an error"
		}
	case *ast.CompositeLit:
		fields := map[string]ast.Expr{}
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				fields[last(kv.Key)] = kv.Value
			}
		}
		why, has := fields["Reason"]
		switch sel, ok := n.Type.(*ast.SelectorExpr); {
		case ok && sel.Sel.Name == "Hop" && last(sel.X) == "trace":
			if refuses(fields["Verdict"]) && (!has || last(why) == "None") {
				return "a hop that refuses"
			}
		case ok && sel.Sel.Name == "Error" && last(sel.X) == "roundtrip", root && !ok && last(n.Type) == "Error":
			if len(n.Elts) > 0 && (!has || isEmpty(why)) {
				return "an error"
			}
		}
	}
	return ""
}

func refuses(e ast.Expr) bool {
	switch last(e) {
	case "Deny", "Fail", "Timeout":
		return true
	}
	return false
}

// last is the name at the end of an expression, "" where it has none.
func last(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func isEmpty(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	return ok && lit.Value == `""`
}

func TestReason_KnowsItsLayer(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]trace.Layer{
		"dns.no_name": trace.DNS, "firewall.no_rule": trace.Firewall, "connection.too_many": trace.TCP, "tls.handshake_failed": trace.TLS,
		"route.no_path": trace.Route, "cors.origin_not_allowed": trace.CORS, "limit.rate": trace.Limit, "static.not_found": trace.Static,
		"proxy.reset": trace.Proxy, "auth.missing": trace.Auth, "access.hidden": trace.Access, "schema.invalid": trace.Schema,
		"store.pool_exhausted": trace.Pool, "store.unique": trace.SQL, "file.type": trace.Files, "stream.topics": trace.Stream,
		"client.aborted": trace.Client, "app.panic": trace.App, "request.json": trace.App,
	} {
		if got := trace.ReasonOf(code).Layer(); got != want {
			t.Errorf("%s is of %s, want %s", code, got, want)
		}
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
