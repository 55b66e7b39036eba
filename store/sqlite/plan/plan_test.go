package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/plan"
)

func collection(name string, fields ...*roundtrip.Field) *roundtrip.Collection {
	c := roundtrip.NewCollection(name, roundtrip.Pos{})
	for _, f := range fields {
		c.Add(f)
	}
	return c
}

func field(name string, t roundtrip.FieldType) *roundtrip.Field {
	return &roundtrip.Field{Name: name, Type: t}
}

func now() time.Time { return time.UnixMicro(1_800_000_000_000_000).UTC() }

// after returns the history of a database that holds records and has these collections.
func after(collections ...*roundtrip.Collection) *plan.History {
	return then(&plan.History{}, collections...)
}

func then(h *plan.History, collections ...*roundtrip.Collection) *plan.History {
	next := plan.Make(h, roundtrip.NewSchema("x", collections...), now()).History
	for i := range next.Collections {
		next.Collections[i].Empty = false
	}
	return next
}

func to(h *plan.History, collections ...*roundtrip.Collection) *plan.Plan {
	return plan.Make(h, roundtrip.NewSchema("x", collections...), now())
}

func texts(p *plan.Plan) []string {
	var all []string
	for _, s := range p.Steps {
		all = append(all, s.Risk.String()+": "+s.Text)
	}
	return all
}

// notes has a text with an index, a file, and a ref to itself.
func notes(but ...string) *roundtrip.Collection {
	c := collection("notes")
	parent := field("parent", roundtrip.TypeRef)
	parent.To = c
	for _, f := range []*roundtrip.Field{field("title", roundtrip.TypeText), field("image", roundtrip.TypeFile), parent} {
		if !slices.Contains(but, f.Name) {
			c.Add(f)
		}
	}
	if i, ok := c.Lookup("title"); ok {
		c.Indexes = []roundtrip.Index{{Fields: []int{i}, Unique: true}}
	}
	return c
}

func TestPlan_DropsInOrder(t *testing.T) {
	t.Parallel()
	tags := collection("tags", field("word", roundtrip.TypeText))
	p := to(after(notes(), tags, collection("old", field("scan", roundtrip.TypeFile))), notes("title", "image", "parent"))
	want := []string{
		"loses data: drop notes.title", "loses data: drop notes.image", "loses data: drop notes.parent",
		"loses data: drop the collection tags", "loses data: drop the collection old",
	}
	if got := texts(p); !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
	if sql := p.Steps[0].SQL; !slices.Equal(sql, []string{`DROP INDEX IF EXISTS "_u1_16"`, `ALTER TABLE "notes" DROP COLUMN "title"`}) {
		t.Fatalf("%q", sql)
	}
	if loss := p.Steps[4].Loss; !slices.Equal(loss.Files, []string{"scan"}) || !slices.Equal(loss.Stay, []string{"notes"}) {
		t.Fatalf("%+v", loss)
	}
	if sql := strings.Join(p.Steps[3].SQL, "; "); !strings.Contains(sql, `DELETE FROM "tags"; DELETE FROM "old"`) || !strings.HasSuffix(sql, `DROP TABLE "tags"`) {
		t.Fatal(sql)
	}
}

func TestPlan_AppliesWhatIsNamedAlone(t *testing.T) {
	t.Parallel()
	p := to(after(notes(), collection("tags")), notes("title", "image"))
	if err := p.Allow([]string{"notes.title"}); err != nil {
		t.Fatal(err)
	}
	e := roundtrip.AsError(p.Err())
	if e.Kind != roundtrip.Unprocessable || len(e.Details) != 2 || len(p.Refused()) != 2 || strings.Contains(e.Public, "notes.title") ||
		!strings.Contains(e.Public, "or start once with --allow-data-loss notes.image\n") || !strings.HasSuffix(e.Public, "--allow-data-loss tags") {
		t.Fatal(e)
	}
	if err := p.Allow([]string{"notes.image", "tags"}); err != nil {
		t.Fatal(err)
	}
	if err := p.Err(); err != nil || strings.Contains(p.String(), "--allow-data-loss") {
		t.Fatal(err, p)
	}
}

func TestPlan_NamesThatDropNothing(t *testing.T) {
	t.Parallel()
	typed := collection("notes", field("title", roundtrip.TypeInt))
	for _, tt := range []struct {
		name string
		p    *plan.Plan
		says string // "" is no error
	}{
		{"notes.titel", to(after(notes()), notes("title")), `did you mean "notes.title"?`},
		{"notes", to(after(notes()), notes("title", "image")), "what it drops is notes.title, notes.image"},
		{"notes.title", to(after(notes()), notes()), "drops no field or collection of this name"},
		{"notes.title", to(after(collection("notes", field("title", roundtrip.TypeText))), typed), "drops no field"}, // a changed type is no drop
		{"notes.title", to(then(after(notes()), notes("title")), notes("title")), ""},
		{"notes.title", to(then(after(notes()), notes("title")), notes()), "drops no field"}, // it is back
		{"notes", to(then(after(notes(), collection("tags")), collection("tags")), collection("tags")), ""},
		{"notes.title", to(then(after(notes(), collection("tags")), collection("tags")), collection("tags")), ""},
		{"", to(after(notes()), notes()), "drops no field"},
	} {
		err := tt.p.Allow([]string{tt.name})
		switch {
		case tt.says == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.says != "" && (err == nil || !strings.Contains(roundtrip.AsError(err).Public, tt.says)):
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.says)
		}
	}
}

func TestPlan_TypeChangeSaysTheWayRound(t *testing.T) {
	t.Parallel()
	p := to(after(notes("image", "parent")), collection("notes", field("title", roundtrip.TypeInt)))
	i := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.Risk == plan.Rewrites })
	if i < 0 || p.Steps[i].SQL != nil || !strings.Contains(p.Steps[i].Fix, "copy the values, then drop the old field with --allow-data-loss notes.title") {
		t.Fatal(p)
	}
}

func TestPlan_NumbersGrowOnly(t *testing.T) {
	t.Parallel()
	h := after(notes(), collection("tags"))
	h = then(h, notes("image"))
	tags, again := collection("tags"), notes()
	h = then(h, again, tags)
	image, _ := again.Lookup("image")
	title, _ := again.Lookup("title")
	if again.Number != 1 || tags.Number != 3 || again.Fields[title].Number != 16 || again.Fields[image].Number != 19 {
		t.Fatal(again.Number, tags.Number, again.Fields[title].Number, again.Fields[image].Number)
	}
	if names := h.Indexes; !slices.Contains(names, "_u1_16") {
		t.Fatal(names)
	}
}

func TestPlan_UniqueSaysWhereTheValuesAre(t *testing.T) {
	t.Parallel()
	pages := collection("pages", field("headline", roundtrip.TypeText), field("kind", roundtrip.TypeText), field("mood", roundtrip.TypeText), field("since", roundtrip.TypeTime))
	pages.Was, pages.Fields[4].Was = "notes", "title"
	pages.Fields[5].Default = roundtrip.Default{Source: roundtrip.DefaultConstant, Value: roundtrip.Text("it's")}
	pages.Fields[7].Default = roundtrip.Default{Source: roundtrip.DefaultNow}
	pages.Indexes = []roundtrip.Index{{Fields: []int{4, 5, 6, 7, roundtrip.FieldCreateTime}, Unique: true}}
	p := to(after(collection("notes", field("title", roundtrip.TypeText))), pages)
	u := p.Steps[len(p.Steps)-1].Unique
	if u == nil || u.Table != "notes" || u.Collection != "pages" ||
		!slices.Equal(u.Columns, []string{`"title"`, `'it''s'`, "NULL", "1800000000000000", `"create_time"`}) {
		t.Fatalf("%+v", u)
	}
	fresh := collection("tags", field("word", roundtrip.TypeText))
	fresh.Fields[4].Unique = true
	p = to(after(), fresh)
	if u := p.Steps[len(p.Steps)-1].Unique; u == nil || u.Table != "" {
		t.Fatalf("%+v", u)
	}
}
