package sqlite_test

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// withCount declares notes with a count of their tags.
func withCount() *roundtrip.Schema {
	return notes(func(n, g *roundtrip.Collection) {
		n.Add(&roundtrip.Field{Name: "tags", Type: roundtrip.TypeCount, To: g, Of: roundtrip.FirstField})
		g.Counters = append(g.Counters, roundtrip.Counter{Ref: roundtrip.FirstField, Holder: n, Field: len(n.Fields) - 1})
	})
}

// withPins declares a third collection that points to notes by a field in another place, and a second ref of tags.
func withPins(onDelete roundtrip.OnDelete) *roundtrip.Schema {
	n, g, p := roundtrip.NewCollection("notes", roundtrip.Pos{}), roundtrip.NewCollection("tags", roundtrip.Pos{}), roundtrip.NewCollection("pins", roundtrip.Pos{})
	n.Add(&roundtrip.Field{Name: "title", Type: roundtrip.TypeText, Required: true})
	n.Add(&roundtrip.Field{Name: "stars", Type: roundtrip.TypeInt})
	g.Add(&roundtrip.Field{Name: "word", Type: roundtrip.TypeText}) // moves note to another place
	g.Add(&roundtrip.Field{Name: "note", Type: roundtrip.TypeRef, To: n, Required: true, OnDelete: roundtrip.Cascade})
	p.Add(&roundtrip.Field{Name: "note", Type: roundtrip.TypeRef, To: n, OnDelete: onDelete})
	p.Add(&roundtrip.Field{Name: "tag", Type: roundtrip.TypeRef, To: g, OnDelete: roundtrip.Cascade})
	n.Children = []roundtrip.Child{{From: g, Ref: 5}, {From: p, Ref: 4}}
	g.Children = []roundtrip.Child{{From: p, Ref: 5}}
	n.Add(&roundtrip.Field{Name: "tags", Type: roundtrip.TypeCount, To: g, Of: 5})
	g.Counters = []roundtrip.Counter{{Ref: 5, Holder: n, Field: len(n.Fields) - 1}}
	for _, c := range []*roundtrip.Collection{n, g, p} {
		for _, a := range []roundtrip.Action{roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
			c.Rules[a] = roundtrip.Rule{Source: "true"}
		}
	}
	return roundtrip.NewSchema("notes", n, g, p)
}

// TestApply_OldPermitsKeepTheNewSchema does with permits of a schema what a reload has replaced: they count in the new count
// field, and their deletes take along, or are held by, the children of the new collection.
func TestApply_OldPermitsKeepTheNewSchema(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	first := notes(nil)
	apply(t, s, first)
	a := create(t, s, first, "notes", titled("a"))
	b := create(t, s, first, "notes", titled("b"))
	tag := create(t, s, first, "tags", on(a.ID()))
	for range 3 { // one schema ago, and long ago
		now := withPins(roundtrip.Cascade)
		apply(t, s, now)
		more := create(t, s, first, "tags", on(a.ID()))
		if err := making(t, s, first, "tags", on(a.ID()))(); err != nil {
			t.Fatal(err)
		}
		if err := updating(t, s, first, "tags", more.ID(), on(b.ID()))(); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[roundtrip.ID]string{a.ID(): "a", b.ID(): "b"} {
			n, err := s.Number(t.Context(), "SELECT count(*) FROM tags WHERE note = (SELECT id FROM notes WHERE title = '"+want+"')")
			if got := load(t, s, now.Lookup("notes"), now, id).Get("tags").Int(); err != nil || got != n || n == 0 {
				t.Fatalf("%s counts %d tags and has %d (%v)", want, got, n, err)
			}
		}
	}
	now := withPins(roundtrip.Cascade)
	apply(t, s, now)
	create(t, s, now, "pins", map[string]roundtrip.Value{"note": roundtrip.Ref(b.ID())})
	create(t, s, now, "pins", map[string]roundtrip.Value{"tag": roundtrip.Ref(tag.ID())})
	for _, gone := range []func() error{deleting(t, s, first, "tags", tag.ID()), deleting(t, s, first, "notes", b.ID())} {
		if err := gone(); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Number(t.Context(), "SELECT count(*) FROM pins"); err != nil || n != 0 {
		t.Fatalf("%d pins (%v): they go with what they point to", n, err)
	}
	apply(t, s, withPins(roundtrip.Restrict))
	create(t, s, now, "pins", map[string]roundtrip.Value{"note": roundtrip.Ref(a.ID())})
	if err := deleting(t, s, first, "notes", a.ID())(); reason(err) != "store.restricted" {
		t.Fatalf("got %v", err)
	}
}

// TestApply_CountsUnderWrites adds a count field while permits of the old schema, and later of the new one, write.
func TestApply_CountsUnderWrites(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	first := notes(nil)
	apply(t, s, first)
	note := create(t, s, first, "notes", titled("a"))
	second := withCount()
	p, err := s.Plan(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	engine := func(schema *roundtrip.Schema) *policy.Engine {
		e, err := policy.New(schema, make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	old, fresh := engine(first), engine(second)
	var written atomic.Int64
	var swapped atomic.Bool
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for n := 0; written.Load() < 400; n++ {
				rules, schema := old, first
				if swapped.Load() && i%2 == 0 { // the others are requests that last
					rules, schema = fresh, second
				}
				r := record(schema, "tags", on(note.ID()))
				p, err := rules.Decide(&roundtrip.Call{Action: roundtrip.Create, Collection: r.Collection, Input: r}, nil)
				if err != nil {
					t.Error(err)
					return
				}
				result, err := s.Write(t.Context(), p)
				if err != nil {
					t.Error(err)
					return
				}
				written.Add(1)
				if n%3 > 0 {
					continue
				}
				p, err = rules.Decide(&roundtrip.Call{Action: roundtrip.Delete, Collection: r.Collection, ID: result.Records[0].ID()}, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := s.Write(t.Context(), p); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	within(t, "some are written", func() bool { return written.Load() > 100 })
	if err := s.Apply(t.Context(), second, p); err != nil {
		t.Error(err)
	}
	swapped.Store(true)
	writers.Wait()
	n, err := s.Number(t.Context(), "SELECT count(*) FROM tags")
	if got := load(t, s, second.Lookup("notes"), second, note.ID()).Get("tags").Int(); err != nil || got != n || n == 0 {
		t.Fatalf("the note counts %d tags and has %d (%v)", got, n, err)
	}
}

// TestApply_CountsWhatCameAfterThePlan plans over empty collections.
func TestApply_CountsWhatCameAfterThePlan(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "x.db"), newClock())
	first := notes(nil)
	apply(t, s, first)
	second := withCount()
	p, err := s.Plan(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	note := create(t, s, first, "notes", titled("a"))
	create(t, s, first, "tags", on(note.ID()))
	if err := s.Apply(t.Context(), second, p); err != nil {
		t.Fatal(err)
	}
	if got := load(t, s, second.Lookup("notes"), second, note.ID()).Get("tags").Int(); got != 1 {
		t.Fatalf("%d tags", got)
	}
}
