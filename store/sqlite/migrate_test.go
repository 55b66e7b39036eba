package sqlite_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
)

// notes is a small schema that the tests change.
func notes(change func(notes, tags *roundtrip.Collection)) *roundtrip.Schema {
	n, g := roundtrip.NewCollection("notes", roundtrip.Pos{}), roundtrip.NewCollection("tags", roundtrip.Pos{})
	n.Add(&roundtrip.Field{Name: "title", Type: roundtrip.TypeText, Required: true})
	n.Add(&roundtrip.Field{Name: "stars", Type: roundtrip.TypeInt})
	g.Add(&roundtrip.Field{Name: "note", Type: roundtrip.TypeRef, To: n, Required: true, OnDelete: roundtrip.Cascade})
	n.Children = append(n.Children, roundtrip.Child{From: g, Ref: roundtrip.FirstField})
	if change != nil {
		change(n, g)
	}
	for _, c := range []*roundtrip.Collection{n, g} {
		for _, a := range []roundtrip.Action{roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
			c.Rules[a] = roundtrip.Rule{Source: "true"}
		}
	}
	return roundtrip.NewSchema("notes", n, g)
}

func create(t *testing.T, s *sqlite.Store, schema *roundtrip.Schema, collection string, f map[string]roundtrip.Value) *roundtrip.Record {
	t.Helper()
	result, err := s.Write(t.Context(), creating(t, schema, collection, f))
	if err != nil {
		t.Fatal(err)
	}
	return result.Records[0]
}

func tryCreate(t *testing.T, s *sqlite.Store, schema *roundtrip.Schema, collection string, f map[string]roundtrip.Value) error {
	t.Helper()
	_, err := s.Write(t.Context(), creating(t, schema, collection, f))
	return err
}

func creating(t *testing.T, schema *roundtrip.Schema, collection string, f map[string]roundtrip.Value) *policy.Permit {
	t.Helper()
	rules, err := policy.New(schema, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	r := roundtrip.NewRecord(schema.Lookup(collection))
	for name, v := range f {
		r.PutName(name, v)
	}
	p, err := rules.Decide(&roundtrip.Call{Action: roundtrip.Create, Collection: r.Collection, Input: r}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func load(t *testing.T, s *sqlite.Store, c *roundtrip.Collection, schema *roundtrip.Schema, id roundtrip.ID) *roundtrip.Record {
	t.Helper()
	rules, err := policy.New(schema, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	p, err := rules.Decide(&roundtrip.Call{Action: roundtrip.Get, Collection: c, ID: id}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var r *roundtrip.Record
	err = s.View(t.Context(), func(v store.View) error {
		return v.Get(p, func(row roundtrip.Row) error {
			r = roundtrip.CopyRow(c, row)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPlan_AppliesWhatAdds(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	first := notes(nil)
	apply(t, s, first)
	note := create(t, s, first, "notes", map[string]roundtrip.Value{"title": roundtrip.Text("a")})
	create(t, s, first, "tags", map[string]roundtrip.Value{"note": roundtrip.Ref(note.ID())})

	second := notes(func(n, g *roundtrip.Collection) {
		n.Add(&roundtrip.Field{Name: "mood", Type: roundtrip.TypeText, Required: true, Default: roundtrip.Default{Source: roundtrip.DefaultConstant, Value: roundtrip.Text("it's fine")}})
		n.Add(&roundtrip.Field{Name: "since", Type: roundtrip.TypeTime, Required: true, Default: roundtrip.Default{Source: roundtrip.DefaultNow}})
		n.Add(&roundtrip.Field{Name: "parent", Type: roundtrip.TypeRef, To: n})
		n.Children = append(n.Children, roundtrip.Child{From: n, Ref: len(n.Fields) - 1})
		n.Add(&roundtrip.Field{Name: "tags", Type: roundtrip.TypeCount, To: g, Of: roundtrip.FirstField})
		g.Counters = append(g.Counters, roundtrip.Counter{Ref: roundtrip.FirstField, Holder: n, Field: len(n.Fields) - 1})
		n.Indexes = append(n.Indexes, roundtrip.Index{Fields: []int{roundtrip.FirstField}}, roundtrip.Index{Fields: []int{roundtrip.FirstField, roundtrip.FirstField + 1}, Unique: true})
	})
	apply(t, s, second)
	got := load(t, s, second.Lookup("notes"), second, note.ID())
	if got.Get("mood").Text() != "it's fine" || got.Get("tags").Int() != 1 || got.Get("since").IsNull() || !got.Get("parent").IsNull() {
		t.Fatalf("%v", got.Values)
	}
	create(t, s, second, "tags", map[string]roundtrip.Value{"note": roundtrip.Ref(note.ID())})
	if n := load(t, s, second.Lookup("notes"), second, note.ID()).Get("tags").Int(); n != 2 {
		t.Fatalf("%d tags", n)
	}
	again, err := s.Plan(t.Context(), second)
	if err != nil || !again.Empty() {
		t.Fatalf("still to do: %v %v", again, err)
	}
	apply(t, s, notes(func(n, _ *roundtrip.Collection) { // indexes may go; the fields stay
		*n = *second.Lookup("notes")
		n.Indexes = nil
	}))
}

func TestPlan_RenamesByWas(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	first := notes(nil)
	apply(t, s, first)
	note := create(t, s, first, "notes", map[string]roundtrip.Value{"title": roundtrip.Text("a")})

	n, g := roundtrip.NewCollection("pages", roundtrip.Pos{}), roundtrip.NewCollection("tags", roundtrip.Pos{})
	n.Was = "notes"
	n.Add(&roundtrip.Field{Name: "headline", Was: "title", Type: roundtrip.TypeText, Required: true})
	n.Add(&roundtrip.Field{Name: "stars", Type: roundtrip.TypeInt})
	g.Add(&roundtrip.Field{Name: "note", Type: roundtrip.TypeRef, To: n, Required: true, OnDelete: roundtrip.Cascade})
	n.Rules[roundtrip.Get] = roundtrip.Rule{Source: "true"}
	second := roundtrip.NewSchema("notes", n, g)
	apply(t, s, second)
	if got := load(t, s, n, second, note.ID()).Get("headline").Text(); got != "a" {
		t.Fatalf("headline %q", got)
	}
	if n.Number != first.Lookup("notes").Number || n.Fields[roundtrip.FirstField].Number != first.Lookup("notes").Fields[roundtrip.FirstField].Number {
		t.Fatal("a rename keeps the numbers")
	}
	changes, err := s.Changes(t.Context(), 0, 10)
	if err != nil || len(changes) != 1 || changes[0].Collection != n {
		t.Fatal(changes, err)
	}
}

func TestPlan_RefusesTheRest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(n, g *roundtrip.Collection)
		says   []string
	}{
		"required field without a default": {func(n, _ *roundtrip.Collection) {
			n.Add(&roundtrip.Field{Name: "mood", Type: roundtrip.TypeText, Required: true})
		}, []string{"rewrites", "add notes.mood (text)", "give it a default"}},
		"other type": {func(n, _ *roundtrip.Collection) { n.Fields[5].Type = roundtrip.TypeText }, []string{"rewrites", "from int to text"}},
		"required":   {func(n, _ *roundtrip.Collection) { n.Fields[5].Required = true }, []string{"make notes.stars required"}},
		"dropped field": {func(n, _ *roundtrip.Collection) {
			kept := roundtrip.NewCollection("notes", roundtrip.Pos{})
			kept.Add(n.Fields[4])
			*n = *kept
		}, []string{"loses data", "drop notes.stars, 0 values", "or start once with --allow-data-loss notes.stars"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
			first := notes(nil)
			apply(t, s, first)
			create(t, s, first, "notes", map[string]roundtrip.Value{"title": roundtrip.Text("a")})
			schema := notes(c.change)
			p, err := s.Plan(t.Context(), schema)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Apply(t.Context(), schema, p)
			e := roundtrip.AsError(err)
			if e.Kind != roundtrip.Unprocessable {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.says {
				if !strings.Contains(e.Public, want) {
					t.Fatalf("%q is not in %q", want, e.Public)
				}
			}
		})
	}
}

func TestPlan_RefusesADroppedCollection(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	apply(t, s, notes(nil))
	alone := roundtrip.NewSchema("notes", notes(nil).Lookup("notes"))
	alone.Lookup("notes").Children = nil
	p, err := s.Plan(t.Context(), alone)
	if err != nil {
		t.Fatal(err)
	}
	if refused := p.Refused(); len(refused) != 1 || !strings.Contains(p.String(), "drop the collection tags") {
		t.Fatalf("%s", p)
	}
}

func TestPlan_UniqueMeetsDuplicates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	s := open(t, path, newClock())
	first := notes(nil)
	apply(t, s, first)
	var note *roundtrip.Record
	for range 2 {
		note = create(t, s, first, "notes", map[string]roundtrip.Value{"title": roundtrip.Text("twice")})
	}
	for range 2 {
		create(t, s, first, "tags", map[string]roundtrip.Value{"note": roundtrip.Ref(note.ID())})
	}
	schema := notes(func(n, g *roundtrip.Collection) {
		n.Fields[4].Unique, n.Fields[5].Unique, g.Fields[4].Unique = true, true, true // stars are null: not in the way
		n.Add(&roundtrip.Field{Name: "mood", Type: roundtrip.TypeText, Unique: true, Default: roundtrip.Default{Source: roundtrip.DefaultConstant, Value: roundtrip.Text("fine")}})
	})
	p, err := s.Plan(t.Context(), schema)
	if err != nil {
		t.Fatal(err)
	}
	beside, err := s.Preview(t.Context(), schema)
	if err != nil || beside.String() != p.String() {
		t.Fatalf("%v\n%s\n%s", err, p, beside)
	}
	e := roundtrip.AsError(s.Apply(t.Context(), schema, p))
	for _, want := range []string{`same title, such as "twice" (2 times)`, "same note, such as " + note.ID().String() + " (2 times)", `same mood, such as "fine" (2 times)`, "blocked"} {
		if e.Kind != roundtrip.Unprocessable || !strings.Contains(e.Public, want) {
			t.Fatalf("%q is not in %v", want, e)
		}
	}
	if len(p.Refused()) != 3 {
		t.Fatalf("%s", p)
	}
	if again, err := s.Plan(t.Context(), first); err != nil || !again.Empty() {
		t.Fatalf("the failed change left something: %v %v", again, err)
	}
}

func TestPlan_UniqueMeetsDuplicatesThatCameLate(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	first := notes(nil)
	apply(t, s, first)
	schema := notes(func(n, _ *roundtrip.Collection) { n.Fields[4].Unique = true })
	p, err := s.Plan(t.Context(), schema)
	if err != nil || len(p.Refused()) != 0 {
		t.Fatal(p, err)
	}
	for range 2 {
		create(t, s, first, "notes", map[string]roundtrip.Value{"title": roundtrip.Text("twice")})
	}
	e := roundtrip.AsError(s.Apply(t.Context(), schema, p))
	if e.Kind != roundtrip.Conflict || !strings.Contains(e.Public, `"twice" (2 times)`) {
		t.Fatalf("got %v", e)
	}
}
