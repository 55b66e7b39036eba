package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
)

// modelField is a field as the walk knows it. Its records hold their own number in it where it was there when they came.
type modelField struct {
	name, was string
	key       int // never given twice
	unique    bool
}

type modelCollection struct {
	name, was string
	key       int
	fields    []modelField
	records   []modelRecord
}

type modelRecord struct {
	id     roundtrip.ID
	values map[int]string // by key
}

// walk is a database that was changed many times, and what it must hold.
type walk struct {
	r           *rand.Rand
	collections []modelCollection
	keys        int
	numbers     map[string]int // "collection" and "collection.field" by number: the key that has it
	lost        []string
}

func (w *walk) key() int { w.keys++; return w.keys }

// change does one thing to the declaration.
func (w *walk) change() {
	if len(w.collections) < 2 || w.r.IntN(8) == 0 {
		w.collections = append(w.collections, modelCollection{name: w.free("c"), key: w.key()})
		return
	}
	i := w.r.IntN(len(w.collections))
	c := &w.collections[i]
	switch at := w.r.IntN(len(c.fields) + 1); {
	case w.r.IntN(12) == 0:
		w.lost = append(w.lost, c.name)
		w.collections = append(w.collections[:i:i], w.collections[i+1:]...)
	case w.r.IntN(8) == 0:
		c.was, c.name = c.name, w.free("c")
	case at == len(c.fields) || len(c.fields) < 2:
		c.fields = append(c.fields, modelField{name: w.free("f"), key: w.key(), unique: w.r.IntN(2) == 0})
	case w.r.IntN(2) == 0:
		c.fields[at].was, c.fields[at].name = c.fields[at].name, w.free("f")
	default:
		w.lost = append(w.lost, c.name+"."+c.fields[at].name)
		c.fields = append(c.fields[:at:at], c.fields[at+1:]...)
	}
}

// free returns one of a few names that is not in use, so that dropped ones come again.
func (w *walk) free(letter string) string {
	used := map[string]bool{}
	for _, c := range w.collections {
		used[c.name] = true
		for _, f := range c.fields {
			used[f.name] = true
		}
	}
	for {
		if name := fmt.Sprint(letter, w.r.IntN(60)); !used[name] {
			return name
		}
	}
}

func (w *walk) schema() *roundtrip.Schema {
	var all []*roundtrip.Collection
	for _, m := range w.collections {
		c := collection(m.name)
		c.Was = m.was
		for i, f := range m.fields {
			c.Add(&roundtrip.Field{Name: f.name, Was: f.was, Type: roundtrip.TypeText, Unique: f.unique})
			c.Indexes = append(c.Indexes, roundtrip.Index{Fields: []int{roundtrip.FirstField + i, roundtrip.FirstField}})
		}
		all = append(all, c)
	}
	return declare(all...)
}

// check compares numbers and records with the model.
func (w *walk) check(t *testing.T, s *sqlite.Store, schema *roundtrip.Schema) {
	t.Helper()
	mine := func(number string, key int) {
		if had, ok := w.numbers[number]; ok && had != key {
			t.Fatalf("the number %s is used again", number)
		}
		w.numbers[number] = key
	}
	for i, m := range w.collections {
		c := schema.Collections[i]
		mine(fmt.Sprint(c.Number), m.key)
		for j, f := range m.fields {
			mine(fmt.Sprint(c.Number, ".", c.Fields[roundtrip.FirstField+j].Number), f.key)
		}
		for _, r := range m.records {
			got := load(t, s, c, schema, r.id)
			for j, f := range m.fields {
				if v := got.Values[roundtrip.FirstField+j]; v.Text() != r.values[f.key] {
					t.Fatalf("%s.%s of %s is %q, want %q", m.name, f.name, r.id, v.Text(), r.values[f.key])
				}
			}
		}
	}
}

// TestLoss_AnyWayThroughChanges drops, renames and adds at random, with records that came at any time.
func TestLoss_AnyWayThroughChanges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := &walk{r: rand.New(rand.NewPCG(seed, 1)), numbers: map[string]int{}}
			path := filepath.Join(t.TempDir(), "x.db")
			clock := newClock()
			s := open(t, path, clock)
			for round := range 40 {
				w.lost = nil
				w.change()
				schema := w.schema()
				lose(t, s, schema, w.lost...)
				i := w.r.IntN(len(w.collections))
				m := &w.collections[i]
				values, byKey := map[string]roundtrip.Value{}, map[int]string{}
				for _, f := range m.fields {
					byKey[f.key] = fmt.Sprint(round, "-", f.key)
					values[f.name] = roundtrip.Text(byKey[f.key])
				}
				m.records = append(m.records, modelRecord{create(t, s, schema, m.name, values).ID(), byKey})
				if round%10 == 9 {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					clock.Advance(time.Second) // ids go on
					s = open(t, path, clock)
					apply(t, s, schema)
				}
				w.check(t, s, schema)
			}
		})
	}
}
