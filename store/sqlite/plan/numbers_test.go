package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/plan"
)

// which is a field over all its names: the numbers of its collection and of its column.
type which struct{ collection, column int32 }

// ledger is what all programs together know, that were ever made of a schema.
type ledger struct {
	fields map[string]map[int32]which // by message and number
	record map[int32]bool             // the numbers of collections
}

// learn notes what a schema says, and fails where it contradicts what was said before.
func (l *ledger) learn(t *testing.T, s *roundtrip.Schema) {
	t.Helper()
	for _, c := range s.Collections {
		message := protobuf.MessageName(s, c)
		if l.fields[message] == nil {
			l.fields[message] = map[int32]which{}
		}
		seen := map[int32]bool{}
		for _, f := range c.Fields[roundtrip.FirstField:] {
			is := which{c.Number, f.Column}
			if was, known := l.fields[message][f.Number]; known && was != is {
				t.Fatalf("%s = %d of %s was another field: %v, now %v", f.Name, f.Number, message, was, is)
			}
			if f.Number < plan.FirstFieldNumber || f.Column < plan.FirstFieldNumber || seen[f.Number] {
				t.Fatalf("%s.%s has the number %d and the column %d", c.Name, f.Name, f.Number, f.Column)
			}
			l.fields[message][f.Number] = is
			seen[f.Number] = true
		}
		for n := range l.fields[message] {
			if retired := slices.ContainsFunc(c.Retired, func(r roundtrip.Retired) bool { return r.Number == n }); retired == seen[n] {
				t.Fatalf("%d of %s is declared: %v, and retired: %v", n, message, seen[n], retired)
			}
		}
		l.record[c.Number] = true
	}
	for n := range l.record {
		lives := slices.ContainsFunc(s.Collections, func(c *roundtrip.Collection) bool { return c.Number == n })
		if retired := slices.ContainsFunc(s.Retired, func(r roundtrip.Retired) bool { return r.Number == n }); retired == lives {
			t.Fatalf("collection %d is declared: %v, and retired: %v", n, lives, retired)
		}
	}
}

// change makes the next declaration of one: names come from few, so that they live again often.
func change(r *rand.Rand, before *roundtrip.Schema) *roundtrip.Schema {
	var next []*roundtrip.Collection
	taken := map[string]bool{}
	for _, c := range before.Collections {
		name := c.Name
		switch r.IntN(8) {
		case 0:
			continue
		case 1:
			name = []string{"photo", "photos", "news", "notes", "notess"}[r.IntN(5)]
		}
		message := protobuf.MessageOf(name)
		if taken[message] || name != c.Name && before.Lookup(name) != nil {
			continue
		}
		taken[message] = true
		n := collection(name)
		if name != c.Name {
			n.Was = c.Name
		}
		for _, f := range c.Fields[roundtrip.FirstField:] {
			g := field(f.Name, f.Type)
			switch r.IntN(5) {
			case 0:
				continue
			case 1:
				if g.Name = fmt.Sprint("f", r.IntN(6)); g.Name != f.Name {
					g.Was = f.Name
				}
			}
			_, twice := n.Lookup(g.Name)
			_, lives := c.Lookup(g.Name)
			if !twice && (g.Was == "" || !lives) {
				n.Add(g)
			}
		}
		more(r, n, c)
		next = append(next, n)
	}
	for range r.IntN(3) {
		if name := []string{"photo", "photos", "news", "notes"}[r.IntN(4)]; !taken[protobuf.MessageOf(name)] {
			taken[protobuf.MessageOf(name)] = true
			n := collection(name)
			more(r, n, n)
			next = append(next, n)
		}
	}
	return roundtrip.NewSchema("x", next...)
}

// more adds fields that a collection has not had in the declaration before.
func more(r *rand.Rand, c, before *roundtrip.Collection) {
	for range r.IntN(4) {
		name := fmt.Sprint("f", r.IntN(6))
		_, had := before.Lookup(name)
		if _, has := c.Lookup(name); !has && !had {
			c.Add(field(name, []roundtrip.FieldType{roundtrip.TypeText, roundtrip.TypeInt, roundtrip.TypeJSON}[r.IntN(3)]))
		}
	}
}

func TestMake_NumbersAreNeverUsedAgain(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 6))
		l := &ledger{fields: map[string]map[int32]which{}, record: map[int32]bool{}}
		h, s := &plan.History{}, roundtrip.NewSchema("x")
		for range 25 {
			s = change(r, s)
			h = plan.Make(h, s, now()).History
			for i := range h.Collections {
				h.Collections[i].Empty = false
			}
			l.learn(t, s)
		}
	}
}

func TestMake_ATypeChangesOnlyWhereTheSameBytesAreGood(t *testing.T) {
	t.Parallel()
	for _, from := range roundtrip.FieldTypes() {
		for _, to := range roundtrip.FieldTypes() {
			make := func(typ string) *roundtrip.Collection {
				c := collection("notes")
				parsed, _ := roundtrip.ParseFieldType(typ)
				c.Add(field("parent", roundtrip.TypeRef))
				f := field("x", parsed)
				c.Fields[roundtrip.FirstField].To = c
				if f.To = c; parsed == roundtrip.TypeCount {
					f.Of = roundtrip.FirstField
				}
				c.Add(f)
				return c
			}
			changed := make(to)
			p := plan.Make(after(make(from)), roundtrip.NewSchema("x", changed), now())
			old := roundtrip.NewSchema("x", make(from))
			plan.Make(&plan.History{}, old, now())
			if len(p.Refused()) == 0 && kind(t, old) != kind(t, roundtrip.NewSchema("x", changed)) {
				t.Errorf("%s may become %s, and is other bytes then", from, to)
			}
			if len(p.Refused()) > 0 && from == to {
				t.Errorf("%s may not stay: %s", from, p)
			}
		}
	}
}

// kind is the proto type of notes.x.
func kind(t *testing.T, s *roundtrip.Schema) string {
	t.Helper()
	api, err := protobuf.Build(s, protobuf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := api.Message("Note").Fields().ByName("x")
	if f.Message() != nil {
		return string(f.Message().FullName())
	}
	return f.Kind().String()
}

func TestMake_SkipsTheNumbersThatProtobufKeeps(t *testing.T) {
	t.Parallel()
	h := after(collection("notes", field("a", roundtrip.TypeText)))
	h.Collections[0].Number, h.Collections[0].Fields[0].Number = 4749, 18999
	h.Numbers[0].Collection, h.Numbers[0].Field, h.Numbers[0].Number = 4749, 18999, 18999
	notes, tags := collection("notes", field("a", roundtrip.TypeText), field("b", roundtrip.TypeText)), collection("tags", field("a", roundtrip.TypeText))
	s := roundtrip.NewSchema("x", notes, tags)
	plan.Make(h, s, now())
	if notes.Fields[4].Number != 18999 || notes.Fields[5].Number != 20000 || tags.Number != 5000 {
		t.Fatalf("%d %d %d", notes.Fields[4].Number, notes.Fields[5].Number, tags.Number)
	}
	if _, err := protobuf.Build(s, protobuf.Options{}); err != nil {
		t.Fatal(err)
	}
}
