package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
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
	numbers     map[string]int    // "collection" and "collection.field" by number: the key that has it
	before      []modelCollection // as they were declared last
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
		w.collections = append(w.collections[:i:i], w.collections[i+1:]...)
	case w.r.IntN(8) == 0:
		c.name = w.free("c")
	case at == len(c.fields) || len(c.fields) < 2:
		c.fields = append(c.fields, modelField{name: w.free("f"), key: w.key(), unique: w.r.IntN(2) == 0})
	case w.r.IntN(2) == 0:
		c.fields[at].name = w.free("f")
	default:
		c.fields = append(c.fields[:at:at], c.fields[at+1:]...)
	}
}

// free returns one of a few names that is not in use, so that dropped ones come again.
func (w *walk) free(letter string) string {
	used := map[string]bool{}
	for _, c := range slices.Concat(w.before, w.collections) {
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

// settle says in the declaration what was renamed since the last one, and returns what was dropped.
func (w *walk) settle() (lost []string) {
	for _, old := range w.before {
		i := slices.IndexFunc(w.collections, func(c modelCollection) bool { return c.key == old.key })
		if i < 0 {
			lost = append(lost, old.name)
			continue
		}
		c := &w.collections[i]
		c.was = old.name
		for _, f := range old.fields {
			if j := slices.IndexFunc(c.fields, func(now modelField) bool { return now.key == f.key }); j >= 0 {
				c.fields[j].was = f.name
			} else {
				lost = append(lost, c.name+"."+f.name)
			}
		}
	}
	w.before = nil
	for _, c := range w.collections {
		c.fields = slices.Clone(c.fields)
		w.before = append(w.before, c)
	}
	return lost
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

// sound asks SQLite whether its file is.
func sound(t *testing.T, path string) {
	t.Helper()
	conn, err := raw.Open(path, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	st, err := conn.Prepare("SELECT group_concat(integrity_check) || ' ' || (SELECT count(*) FROM pragma_foreign_key_check) FROM pragma_integrity_check")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Release()
	if _, err := st.Step(); err != nil || st.Text(0) != "ok 0" {
		t.Fatalf("the file is not sound: %q %v", st.Text(0), err)
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
				for range 1 + w.r.IntN(4) {
					w.change()
				}
				lost := w.settle()
				schema := w.schema()
				lose(t, s, schema, lost...)
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
			sound(t, path)
		})
	}
}
