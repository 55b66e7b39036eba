package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// differ gathers the steps from a history to a schema.
type differ struct {
	past   *History
	next   *History
	schema *roundtrip.Schema
	now    time.Time
	steps  []Step

	unindex, renames, creates, columns, changes, drops, keys, counts []Step // joined in this order
	refused                                                          []Step
	dropped                                                          []string // indexes that go with what they are on
}

// Make plans what makes a database with this history fit the schema, and gives the schema's collections and fields their
// numbers. now is what existing records get in a new field whose default is now.
func Make(past *History, schema *roundtrip.Schema, now time.Time) *Plan {
	d := &differ{past: past, next: past.clone(), schema: schema, now: now}
	for _, c := range schema.Collections {
		d.name(c)
	}
	for _, c := range schema.Collections {
		kept := d.next.Find(c.Name)
		d.fields(c, kept, d.past.number(kept.Number))
	}
	d.next.assign(d.past, schema)
	d.next.Number(schema)
	for _, c := range schema.Collections {
		d.shapes(c, d.next.Find(c.Name), d.past.number(c.Number))
	}
	d.gone()
	d.next.Number(schema) // once more: what is gone is retired
	d.indexes()
	for _, part := range [][]Step{d.unindex, d.renames, d.creates, d.columns, d.changes, d.drops, d.keys, d.counts, d.refused} {
		d.steps = append(d.steps, part...)
	}
	return &Plan{Steps: d.steps, History: d.next}
}

func (h *History) number(n int32) *Collection {
	for i := range h.Collections {
		if h.Collections[i].Number == n {
			return &h.Collections[i]
		}
	}
	return nil
}

func (c *Collection) number(n int32) *Field {
	for i := range c.Fields {
		if c.Fields[i].Number == n {
			return &c.Fields[i]
		}
	}
	return nil
}

// name finds a declared collection in the history, under its own name or the one it had, or gives it a number.
func (d *differ) name(c *roundtrip.Collection) {
	if d.next.Find(c.Name) != nil {
		return
	}
	if was := d.next.Find(c.Was); c.Was != "" && was != nil && d.schema.Lookup(c.Was) == nil {
		was.Name = c.Name
		d.renames = append(d.renames, Step{
			Risk: Safe, Pos: c.Pos, Text: fmt.Sprintf("rename the collection %s to %s", c.Was, c.Name),
			SQL: []string{"ALTER TABLE " + quote(c.Was) + " RENAME TO " + quote(c.Name)},
		})
		return
	}
	d.next.Collections = append(d.next.Collections, Collection{Number: d.next.next(), Name: c.Name, Empty: true})
}

// fields does the same for the fields of a collection.
func (d *differ) fields(c *roundtrip.Collection, kept, before *Collection) {
	for _, f := range c.Fields[roundtrip.FirstField:] {
		if kept.Find(f.Name) != nil {
			continue
		}
		_, declared := c.Lookup(f.Was)
		if was := kept.Find(f.Was); f.Was != "" && was != nil && !declared && before != nil {
			was.Name = f.Name
			d.renames = append(d.renames, Step{
				Risk: Safe, Pos: f.Pos, Text: fmt.Sprintf("rename %s.%s to %s", c.Name, f.Was, f.Name),
				SQL: []string{fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", quote(c.Name), quote(f.Was), quote(f.Name))},
			})
			continue
		}
		kept.Fields = append(kept.Fields, Field{Number: kept.next(), Name: f.Name})
	}
}

// shapes plans a collection's table and columns. before is nil where the collection is new.
func (d *differ) shapes(c *roundtrip.Collection, kept, before *Collection) {
	if before == nil {
		d.creates = append(d.creates, Step{
			Risk: Safe, Pos: c.Pos, Text: "create the collection " + c.Name, SQL: []string{createTable(c)},
		})
	}
	for _, f := range c.Fields[roundtrip.FirstField:] {
		k := kept.Find(f.Name)
		shape := d.shape(k, f)
		if before == nil {
			*k = shape
			continue
		}
		if old := before.number(k.Number); old != nil {
			d.change(c, f, *old, shape)
		} else {
			d.add(c, f, before.Empty)
		}
		*k = shape
	}
}

func (d *differ) shape(k *Field, f *roundtrip.Field) Field {
	s := Field{Number: k.Number, Name: f.Name, Type: f.Type, Required: f.Required}
	if f.To != nil {
		s.To = f.To.Number
	}
	if f.Type == roundtrip.TypeCount {
		s.Of = f.To.Fields[f.Of].Column
	}
	return s
}

func (d *differ) add(c *roundtrip.Collection, f *roundtrip.Field, empty bool) {
	text := fmt.Sprintf("add %s.%s (%s)", c.Name, f.Name, f.Type)
	filled := f.Default.Source == roundtrip.DefaultConstant || f.Default.Source == roundtrip.DefaultNow
	if f.Required && !filled && !empty {
		d.refuse(Rewrites, f.Pos, text, "existing records would have no value for this required field: give it a default, or make it optional")
		return
	}
	d.columns = append(d.columns, Step{Risk: Safe, Pos: f.Pos, Text: text, SQL: []string{addColumn(c, f, d.now.UnixMicro())}})
	if f.Type == roundtrip.TypeCount { // also where it was empty: records may come until the plan is applied
		d.recount(c, f)
	}
}

func (d *differ) recount(c *roundtrip.Collection, f *roundtrip.Field) {
	d.counts = append(d.counts, Step{
		Risk: Safe, Pos: f.Pos, Text: fmt.Sprintf("count %s for %s.%s", f.To.Name, c.Name, f.Name), SQL: []string{recount(c, f)},
	})
}

// change plans what became of a field that was there before.
func (d *differ) change(c *roundtrip.Collection, f *roundtrip.Field, old, shape Field) {
	name := c.Name + "." + f.Name
	switch {
	case old.Type != shape.Type && !widens(old.Type, shape.Type):
		d.refuse(Rewrites, f.Pos, fmt.Sprintf("change the type of %s from %s to %s", name, old.Type, shape.Type),
			"add a field of the new type, copy the values, then drop the old field with --allow-data-loss "+name)
	case shape.Type == roundtrip.TypeCount && (old.To != shape.To || old.Of != shape.Of):
		d.recount(c, f)
	case old.To != shape.To && shape.Type == roundtrip.TypeRef:
		d.refuse(LosesData, f.Pos, fmt.Sprintf("point %s to %s", name, f.To.Name), "existing refs name records of another collection: add a new field instead")
	case !old.Required && shape.Required:
		d.refuse(Rewrites, f.Pos, "make "+name+" required", "existing records may have no value: keep it optional")
	case old.Required && !shape.Required:
		d.loosen(c, f)
	}
}

// loosen makes a required field optional. Indexes on it are made again.
func (d *differ) loosen(c *roundtrip.Collection, f *roundtrip.Field) {
	on := indexesOn(d.past.Indexes, c.Number, f.Number)
	s := Step{Risk: Safe, Pos: f.Pos, Text: fmt.Sprintf("make %s.%s optional", c.Name, f.Name), SQL: optional(c, f, on)}
	for _, x := range indexes(c) {
		if slices.Contains(on, x.name) {
			s.SQL = append(s.SQL, x.create())
		}
	}
	d.changes = append(d.changes, s)
}

// widens reports whether every value of one type is good for the other, in the same column.
func widens(from, to roundtrip.FieldType) bool {
	texts := []roundtrip.FieldType{roundtrip.TypeSelect, roundtrip.TypeEmail, roundtrip.TypeURL}
	return to == roundtrip.TypeText && slices.Contains(texts, from)
}

func (d *differ) refuse(risk Risk, pos roundtrip.Pos, text, fix string) {
	d.refused = append(d.refused, Step{Risk: risk, Pos: pos, Text: text, Fix: fix})
}

func (d *differ) indexes() {
	var want []string
	for _, c := range d.schema.Collections {
		for _, x := range indexes(c) {
			want = append(want, x.name)
			if slices.Contains(d.past.Indexes, x.name) {
				continue
			}
			s := Step{Risk: Safe, Pos: x.pos, SQL: []string{x.create()}, Text: fmt.Sprintf("index %s by %s", c.Name, strings.Join(x.names(), ", "))}
			if x.unique {
				s.Text = fmt.Sprintf("make %s unique in %s", strings.Join(x.names(), " and "), c.Name)
				s.Unique = d.unique(x)
			}
			d.keys = append(d.keys, s)
		}
	}
	for _, name := range d.past.Indexes {
		if !slices.Contains(want, name) && !slices.Contains(d.dropped, name) {
			d.unindex = append(d.unindex, Step{Risk: Safe, Text: "drop the index " + name, SQL: dropIndexes([]string{name})})
		}
	}
	d.next.Indexes = want
}

// unique says where the values are that a new unique index will meet.
func (d *differ) unique(x index) *Unique {
	u := &Unique{Collection: x.on.Name, Fields: x.names()}
	before := d.past.number(x.on.Number)
	if before != nil {
		u.Table = before.Name
	}
	for _, i := range x.fields {
		f := x.on.Fields[i]
		u.Types = append(u.Types, f.Type)
		u.Columns = append(u.Columns, d.source(before, f))
	}
	return u
}

// source returns what holds a field's value before any step is done: its column under the name that it has until then, or
// for a new field what existing records will get.
func (d *differ) source(before *Collection, f *roundtrip.Field) string {
	if f.Column < FirstFieldNumber {
		return quote(f.Name)
	}
	if before != nil {
		if old := before.number(f.Column); old != nil {
			return quote(old.Name)
		}
	}
	switch f.Default.Source {
	case roundtrip.DefaultConstant:
		return literal(f, f.Default.Value)
	case roundtrip.DefaultNow:
		return fmt.Sprint(d.now.UnixMicro())
	case roundtrip.NoDefault, roundtrip.DefaultAuthID:
	}
	return "NULL"
}
