package policy

import (
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// Shaped reports whether the caller wrote a part of the statement: a filter, an order or groups. The store gives such a
// statement less time, because anybody can write one that no index serves. Jobs of our own are not meant.
func (p *Permit) Shaped() bool {
	return p.principal.Job == "" && (p.filter != nil || p.ordered() || len(p.query.Groups) > 0)
}

func (p *Permit) ordered() bool {
	return p.action == roundtrip.List && p.call.Query.OrderBy != ""
}

// Slow is the error of a Shaped statement that the store stopped after the limit: Deadline store.deadline, with a detail
// for each part that no index serves.
func (p *Permit) Slow(limit time.Duration) *roundtrip.Error {
	e := roundtrip.E(roundtrip.Deadline, "store.deadline", "")
	add := func(parameter, message string) {
		_ = e.With(roundtrip.Detail{Parameter: parameter, Code: "too_slow", Message: message})
	}
	c := p.collection
	if p.filter != nil && !pinned(p.filter.prog.root, p.filter.prog.places[0]) {
		add("filter", "no index of "+c.Name+" serves the filter: compare an indexed field, such as "+indexed(c)+", with ==, or declare an index "+p.filter.wanted())
	}
	if p.ordered() && !p.orderServed() {
		first := c.Fields[p.query.Order[0].Field].Name
		add("order_by", "no index of "+c.Name+" serves the order: one that starts with "+first+" would")
	}
	if len(e.Details) == 0 {
		parameter := "filter"
		switch {
		case p.filter != nil:
		case p.ordered():
			parameter = "order_by"
		default:
			parameter = "group_by"
		}
		add(parameter, "too many records of "+c.Name+" have to be read for it: ask for fewer with a filter that an index serves, such as one on "+indexed(c))
	}
	e.Public = "The " + e.Details[0].Parameter + " was stopped after " + limit.String() + ": " + e.Details[0].Message + "."
	return e
}

// wanted says which index a filter lacks.
func (b *bound) wanted() string {
	own := b.prog.places[0]
	if f := firstOwn(b.prog.root, own); f != nil {
		return "that starts with " + f.Name
	}
	return "for it"
}

func firstOwn(n *node, own *place) *roundtrip.Field {
	if n.op == opColumn && n.at == own {
		return n.decl
	}
	for _, k := range n.kids {
		if f := firstOwn(k, own); f != nil {
			return f
		}
	}
	return nil
}

// orderServed reports whether an index gives the records in the order of its first field, behind fields that the filter
// pins.
func (p *Permit) orderServed() bool {
	first := p.query.Order[0].Field
	if served(p.collection, []int{first}) {
		return true
	}
	var equal []int
	if p.filter != nil {
		equal = equalities(p.filter.prog.root, p.filter.prog.places[0], nil)
	}
	for _, index := range p.collection.Indexes {
		for _, f := range index.Fields {
			if f == first {
				return true
			}
			if !slices.Contains(equal, f) {
				break
			}
		}
	}
	return false
}
