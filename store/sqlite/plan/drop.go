package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// Allow lets the plan lose what is named: notes.text for a field, notes for a collection. A name of something that was
// dropped before is fine, so that the same command line starts the server twice. Any other name that no step drops is an
// Invalid error with the nearest one.
func (p *Plan) Allow(names []string) error {
	for _, name := range names {
		if !p.allow(name) && !p.History.lost(name) {
			return p.notDropped(name)
		}
	}
	return nil
}

func (p *Plan) allow(name string) (found bool) {
	for i := range p.Steps {
		if loss := p.Steps[i].Loss; loss != nil && loss.Name == name {
			loss.Allowed, found = true, true
		}
	}
	return found
}

func (p *Plan) notDropped(name string) error {
	var drops []string
	for _, s := range p.Steps {
		if s.Loss != nil {
			drops = append(drops, s.Loss.Name)
		}
	}
	e := roundtrip.E(roundtrip.Invalid, "request.invalid", "--allow-data-loss %s: the declaration drops no field or collection of this name", name)
	switch near := nearest.Of(name, drops); {
	case near != "":
		e.Public += fmt.Sprintf("; did you mean %q?", near)
	case len(drops) > 0:
		e.Public += "; what it drops is " + strings.Join(drops, ", ")
	}
	return e
}

// lost reports whether something of this name was there once and is no more.
func (h *History) lost(name string) bool {
	collection, field, isField := strings.Cut(name, ".")
	if h.Find(collection) == nil {
		return slices.ContainsFunc(h.Collections, func(c Collection) bool { return c.Dropped && c.Name == collection })
	}
	c := h.Find(collection)
	return isField && c.Find(field) == nil && slices.ContainsFunc(c.Fields, func(f Field) bool { return f.Dropped && f.Name == field })
}

// gone finds what the declaration has no more. Fields go before collections: what pointed to those is gone by then.
func (d *differ) gone() {
	var collections []Step
	for i := range d.past.Collections {
		before := &d.past.Collections[i]
		kept := d.next.number(before.Number)
		if before.Dropped {
			continue
		}
		c := d.schema.Lookup(kept.Name)
		if c == nil {
			collections = append(collections, d.dropCollection(before))
			kept.Dropped = true
			continue
		}
		for _, f := range before.Fields {
			k := kept.number(f.Number)
			if _, declared := c.Lookup(k.Name); !f.Dropped && !declared {
				d.drops = append(d.drops, d.dropField(before, kept, f))
				k.Dropped = true
			}
		}
	}
	if len(collections) > 1 {
		collections[0].SQL = append(empty(collections), collections[0].SQL...)
	}
	d.drops = append(d.drops, collections...)
}

func (d *differ) dropField(before, kept *Collection, f Field) Step {
	name := kept.Name + "." + f.Name
	on := indexesOn(d.past.Indexes, kept.Number, f.Number)
	d.dropped = append(d.dropped, on...)
	loss := &Loss{Name: name, Table: before.Name, Column: f.Name}
	if f.Type == roundtrip.TypeFile {
		loss.Files = []string{f.Name}
	}
	return Step{
		Risk: LosesData, Text: "drop " + name, Loss: loss,
		Fix: fmt.Sprintf("declare it again, say `was: %s` at the field that it became, or start once with --allow-data-loss %s", f.Name, name),
		SQL: append(dropIndexes(on), fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s", quote(kept.Name), quote(f.Name))),
	}
}

func (d *differ) dropCollection(before *Collection) Step {
	name := before.Name
	d.dropped = append(d.dropped, indexesOn(d.past.Indexes, before.Number, 0)...) // DROP TABLE drops them
	loss := &Loss{Name: name, Table: name}
	for _, f := range before.Fields {
		if f.Type == roundtrip.TypeFile && !f.Dropped {
			loss.Files = append(loss.Files, f.Name)
		}
	}
	for _, other := range d.past.Collections {
		if now := d.next.number(other.Number); !other.Dropped && d.schema.Lookup(now.Name) != nil {
			loss.Stay = append(loss.Stay, other.Name)
		}
	}
	return Step{
		Risk: LosesData, Text: "drop the collection " + name, Loss: loss,
		Fix: fmt.Sprintf("declare it again, say `was: %s` at the collection that it became, or start once with --allow-data-loss %s", name, name),
		SQL: []string{"DROP TABLE " + quote(name)},
	}
}

// empty returns the statements that delete all records of collections that go together. They may point to each other in
// circles, so foreign keys are looked at when all records are gone.
func empty(collections []Step) []string {
	sql := []string{"PRAGMA defer_foreign_keys=ON"}
	for _, c := range collections {
		sql = append(sql, "DELETE FROM "+quote(c.Loss.Table))
	}
	return append(sql, "PRAGMA defer_foreign_keys=OFF")
}
