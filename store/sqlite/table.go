package sqlite

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// table is what is known of a collection once and for all: the texts of its statements, and which of its fields matter to
// writes.
type table struct {
	c         *roundtrip.Collection
	columns   string // "id", "create_time", … in the order of Fields, so that a row has its fields in place
	qualified string // r."id", r."create_time", …
	selects   string // SELECT r."id", … FROM "photos" AS r
	get       string // selects … WHERE r."id" =
	insert    string
	remove    string // DELETE FROM "photos" WHERE "id" = ?
	counts    []int  // count fields
	files     []int  // file fields
	names     names

	// What the schema in force says of the collection, which is what a write must heed even if it was permitted under an
	// older schema: see tables.link.
	now      *table    // the collection as it is there: itself if this is it, nil if it was dropped
	counters []counted // what must be counted when a record comes, goes or moves
}

// counted is one count field that follows the records of a collection.
type counted struct {
	ref    int // position, in the collection that was asked with, of the ref that names the counting record
	holder *roundtrip.Collection
	field  int // position of the count field in holder
}

// names are the statements' names in journeys.
type names struct {
	get, load, list, count, aggregate, create, update, remove string
}

// tables are those of the schema in force, and of the one before it: calls that began before a reload end with theirs.
type tables struct {
	schema *roundtrip.Schema
	of     map[*roundtrip.Collection]*table
	before map[*roundtrip.Collection]*table
	byNum  map[int32]*roundtrip.Collection

	notices map[*roundtrip.Collection][]*policy.Notice // by the collection whose writes cause them
	kinds   map[string]*roundtrip.Notice               // the declared ones
	sourced map[int32]bool                             // numbers of collections that caused, or may cause, notifications
}

// table returns what is known of a collection, with what the schema in force says of it.
func (s *Store) table(c *roundtrip.Collection) *table {
	all := s.tables.Load()
	if t := all.of[c]; t != nil {
		return t
	}
	if t := all.before[c]; t != nil {
		return t
	}
	return all.link(newTable(c)) // a collection of a schema long gone: slower, not wrong
}

func (t *tables) with(schema *roundtrip.Schema) (*tables, error) {
	next := &tables{
		schema: schema, of: map[*roundtrip.Collection]*table{}, before: map[*roundtrip.Collection]*table{},
		byNum:   map[int32]*roundtrip.Collection{},
		notices: map[*roundtrip.Collection][]*policy.Notice{}, kinds: map[string]*roundtrip.Notice{}, sourced: map[int32]bool{},
	}
	notices, err := policy.Notices(schema)
	if err != nil {
		return nil, err
	}
	for _, n := range notices {
		next.notices[n.Collection] = append(next.notices[n.Collection], n)
		next.kinds[n.Declared.Name] = n.Declared
		next.sourced[n.Collection.Number] = true
	}
	for _, c := range schema.Collections {
		next.of[c] = newTable(c)
		next.byNum[c.Number] = c
	}
	for _, tb := range next.of {
		next.link(tb)
	}
	for c := range t.of {
		if next.of[c] == nil {
			next.before[c] = next.link(newTable(c))
		}
	}
	return next, nil
}

// link finds a table's collection in the schema in force, by its number, and what hangs on it there. A call that was
// permitted before a reload thus counts in the count fields of now, and its delete takes the children of now along. Fields
// are the same ones if their numbers are, or their names where they have no numbers.
func (t *tables) link(tb *table) *table {
	c := t.byNum[tb.c.Number]
	if tb.c.Number == 0 && t.schema != nil {
		c = t.schema.Lookup(tb.c.Name)
	}
	if t.of[tb.c] != nil {
		c = tb.c
	}
	tb.now = t.of[c]
	if tb.now == nil {
		return tb
	}
	for _, k := range c.Counters {
		if ref, ok := position(tb.c, c.Fields[k.Ref]); ok {
			tb.counters = append(tb.counters, counted{ref: ref, holder: k.Holder, field: k.Field})
		}
	}
	return tb
}

// position finds a field of another schema's collection in this one.
func position(c *roundtrip.Collection, f *roundtrip.Field) (at int, ok bool) {
	for i, g := range c.Fields {
		if f == g || f.Column != 0 && f.Column == g.Column {
			return i, true
		}
	}
	if at, ok = c.Lookup(f.Name); ok && f.Column != 0 && c.Fields[at].Column != 0 {
		return 0, false // another field that has its name
	}
	return at, ok
}

func newTable(c *roundtrip.Collection) *table {
	t := &table{c: c, names: names{
		get: c.Name + ".get", load: c.Name + ".load", list: c.Name + ".list", count: c.Name + ".count",
		aggregate: c.Name + ".aggregate", create: c.Name + ".create", update: c.Name + ".update", remove: c.Name + ".delete",
	}}
	var columns, selects, marks strings.Builder
	for i, f := range c.Fields {
		if i > 0 {
			columns.WriteString(", ")
			selects.WriteString(", ")
			marks.WriteString(", ")
		}
		columns.WriteString(`"` + f.Name + `"`)
		selects.WriteString(`r."` + f.Name + `"`)
		marks.WriteByte('?')
		if f.Type == roundtrip.TypeCount {
			t.counts = append(t.counts, i)
		}
		if f.Type == roundtrip.TypeFile {
			t.files = append(t.files, i)
		}
	}
	t.columns = columns.String()
	t.qualified = selects.String()
	t.selects = "SELECT " + t.qualified + ` FROM "` + c.Name + `" AS r`
	t.get = t.selects + ` WHERE r."id" = `
	t.insert = `INSERT INTO "` + c.Name + `" (` + t.columns + ") VALUES (" + marks.String() + ")"
	t.remove = `DELETE FROM "` + c.Name + `" WHERE "id" = ?`
	return t
}
