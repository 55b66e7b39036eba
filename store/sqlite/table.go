package sqlite

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip"
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
}

func (s *Store) table(c *roundtrip.Collection) *table {
	all := s.tables.Load()
	if t := all.of[c]; t != nil {
		return t
	}
	if t := all.before[c]; t != nil {
		return t
	}
	return newTable(c) // a collection of a schema long gone: slower, not wrong
}

func (t *tables) with(schema *roundtrip.Schema) *tables {
	next := &tables{schema: schema, of: map[*roundtrip.Collection]*table{}, before: t.of, byNum: map[int32]*roundtrip.Collection{}}
	for _, c := range schema.Collections {
		next.of[c] = newTable(c)
		next.byNum[c.Number] = c
	}
	return next
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
