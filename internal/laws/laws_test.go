package laws_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/roundtrip-dev/roundtrip/internal/laws"
)

// TestLaws_House holds the whole house to the plan of ARCHITECTURE.md.
func TestLaws_House(t *testing.T) {
	t.Parallel()
	tree := laws.Root(2)
	text, err := fs.ReadFile(tree, "ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := laws.ReadPlan(string(text))
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := laws.Check(tree, plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

const plan = `
## The floors

| floor | folder | may import (ours) |
| --- | --- | --- |
| 3 | app | everything below |
| 2 | store | root internal |
| 1 | root internal | nothing of ours |
`

func goFile(comment, pkg string, imports ...string) *fstest.MapFile {
	var b strings.Builder
	if comment != "" {
		b.WriteString("// " + comment + "\n")
	}
	b.WriteString("package " + pkg + "\n")
	for _, i := range imports {
		b.WriteString("import _ \"" + i + "\"\n")
	}
	return &fstest.MapFile{Data: []byte(b.String())}
}

// TestLaws_Breaches shows that each law can be broken, and that the sentence says what to do.
func TestLaws_Breaches(t *testing.T) {
	t.Parallel()
	m := laws.Module
	for _, tt := range []struct {
		name string
		tree fstest.MapFS
		want string
	}{
		{"up", fstest.MapFS{"store/store.go": goFile("Package store.", "store", m+"/app")}, "store (floor 2) may not import app (floor 3)"},
		{"up in a test", fstest.MapFS{
			"store/store.go":   goFile("Package store.", "store"),
			"store/up_test.go": goFile("", "store_test", m+"/app"),
		}, "store/up_test.go: store (floor 2) may not import app (floor 3)"},
		{"root imports", fstest.MapFS{"x.go": goFile("Package roundtrip.", "roundtrip", m+"/internal/x")}, "root (floor 1) may not import internal (floor 1)"},
		{"no floor", fstest.MapFS{"attic/attic.go": goFile("Package attic.", "attic")}, "the folder attic has no floor"},
		{"no comment", fstest.MapFS{"store/store.go": goFile("", "store")}, "package store has no comment"},
		{"two comments", fstest.MapFS{
			"store/a.go": goFile("Package store.", "store"),
			"store/b.go": goFile("Package store.", "store"),
		}, "package store has 2 comments (store/a.go, store/b.go)"},
		{"long", fstest.MapFS{"store/store.go": {Data: []byte("// Package store.\npackage store\n" + strings.Repeat("\n", laws.LinesMax))}}, "602 lines, more than 600"},
		{"operator", fstest.MapFS{"store/store.go": {Data: []byte("// Package store.\npackage store\n\nvar who = &roundtrip.Operator{Data: true}\n")}}, "nothing else may make one"},
		{"circle", fstest.MapFS{
			"app/app.go":       goFile("Package app.", "app", m+"/store"),
			"store/store.go":   goFile("Package store.", "store"),
			"store/up/up.go":   goFile("Package up.", "up", m+"/app/x"),
			"app/x/x.go":       goFile("Package x.", "x"),
			"internal/in/i.go": goFile("Package in.", "in"),
		}, "app imports store, which leads back to app"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := laws.ReadPlan(plan)
			if err != nil {
				t.Fatal(err)
			}
			wrong, err := laws.Check(tt.tree, p)
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(wrong, "\n"); !strings.Contains(all, tt.want) {
				t.Errorf("breaches:\n%s\nwant one with: %s", all, tt.want)
			}
		})
	}
}

func TestLaws_TableMustFall(t *testing.T) {
	t.Parallel()
	_, err := laws.ReadPlan(strings.Replace(plan, "root internal | nothing of ours", "root internal | store", 1))
	if err == nil || !strings.Contains(err.Error(), "arrows must fall") {
		t.Errorf("a table that points upward was accepted: %v", err)
	}
}
