package policy

import (
	"fmt"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// The limits of a query.
const (
	defaultPage = 20
	maxPage     = 200
	maxAnswer   = 1000 // groups that an aggregate gives; more are an error
	maxOrder    = 4
	maxExpand   = 16
	maxGroups   = 4
	maxSelect   = 16
	maxEqual    = 32
)

// check turns the query of a get, list or aggregate into one that can be executed.
func (e *Engine) check(p *Permit, a *access) error {
	q := &p.call.Query
	if err := unused(p.action, q); err != nil {
		return err
	}
	if err := p.checkFields(q.Fields); err != nil {
		return err
	}
	if err := e.checkExpand(p, q.Expand); err != nil {
		return err
	}
	if p.action == roundtrip.Get {
		return nil
	}
	if err := e.checkFilter(p); err != nil {
		return err
	}
	if p.action == roundtrip.Aggregate {
		p.query.Size = maxAnswer
		return p.checkAggregate(q)
	}
	if err := p.checkSize(q.PageSize); err != nil {
		return err
	}
	p.query.Count = q.Count
	if err := p.checkOrder(q.OrderBy, a); err != nil {
		return err
	}
	p.query.token = tokenScope{engine: e, permit: p}
	return p.query.token.read(&p.query, q.PageToken)
}

// wrong makes the error of one mistake in a query.
func wrong(parameter string, column int, code, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	reason := "request.filter"
	switch parameter {
	case "page_size", "page_token", "count": // those neither filter, order nor select
		reason = "request.invalid"
	}
	return roundtrip.E(roundtrip.Invalid, reason, "%s is wrong: %s", parameter, sentence(message)).
		With(roundtrip.Detail{Parameter: parameter, Column: column, Code: code, Message: message})
}

// sentence ends a message as it has to end: one that asks keeps its question mark.
func sentence(message string) string {
	if strings.HasSuffix(message, "?") || strings.HasSuffix(message, ".") {
		return message
	}
	return message + "."
}

// unused refuses what an action does not take.
func unused(a roundtrip.Action, q *roundtrip.Query) error {
	list, aggregate := a == roundtrip.List, a == roundtrip.Aggregate
	for _, part := range [...]struct {
		name  string
		given bool
		taken bool
	}{
		{"filter", q.Filter != "" || len(q.Equal) > 0, list || aggregate},
		{"page_size", q.PageSize != 0, list},
		{"order_by", q.OrderBy != "", list},
		{"page_token", q.PageToken != "", list},
		{"count", q.Count, list},
		{"fields", len(q.Fields) > 0, !aggregate},
		{"expand", len(q.Expand) > 0, !aggregate},
		{"group_by", len(q.GroupBy) > 0, aggregate},
		{"select", len(q.Select) > 0, aggregate},
	} {
		if part.given && !part.taken {
			return wrong(part.name, 0, "not_taken", "%s means nothing to a %s", part.name, a.String())
		}
	}
	return nil
}

// checkSize reads page_size.
func (p *Permit) checkSize(size int) error {
	if size == 0 {
		size = defaultPage
	}
	if size < 1 || size > maxPage {
		return wrong("page_size", 0, "out_of_range", "a whole number from 1 to %d is expected", maxPage)
	}
	p.query.Size = size
	return nil
}

// lookup finds a field by name, or says which is near.
func lookup(c *roundtrip.Collection, parameter, name string, column int) (int, error) {
	if i, ok := c.Lookup(name); ok {
		return i, nil
	}
	return 0, wrong(parameter, column, "unknown_field", "%s has no field %s%s", c.Name, quote(name), didYouMean(nearest.Of(name, c.FieldNames())))
}

// checkFields reads which fields to answer with. The id always belongs to them.
func (p *Permit) checkFields(names []string) error {
	if len(names) == 0 {
		return nil
	}
	mask := make([]bool, len(p.collection.Fields))
	mask[roundtrip.FieldID] = true
	for _, name := range names {
		i, err := lookup(p.collection, "fields", name, 0)
		if err != nil {
			return p.throughRef(name, err)
		}
		mask[i] = true
	}
	p.query.Fields = mask
	return nil
}

// throughRef says how to get at what stands behind a ref, where a name is meant so.
func (p *Permit) throughRef(name string, otherwise error) error {
	ref, _, dotted := strings.Cut(name, ".")
	if i, ok := p.collection.Lookup(ref); !dotted || !ok || p.collection.Fields[i].Type != roundtrip.TypeRef {
		return otherwise
	}
	return wrong("fields", 0, "unknown_field", "fields takes the record's own fields, and %s is one of another record; expand=%s answers with the whole record behind %s",
		quote(name), ref, ref)
}

// checkExpand turns dotted paths of refs into a tree of permits: each target is read under its own read rule.
func (e *Engine) checkExpand(p *Permit, paths []string) error {
	if len(paths) > maxExpand {
		return wrong("expand", 0, "too_many", "at most %d paths can be expanded", maxExpand)
	}
	for _, path := range paths {
		names := strings.Split(path, ".")
		if len(names) > maxHops {
			return wrong("expand", 0, "too_far", "%s follows more than %d refs", quote(path), maxHops)
		}
		at := p
		for _, name := range names {
			next, err := e.expand(at, name)
			if err != nil {
				return err
			}
			at = next
		}
	}
	return nil
}

// expand returns the permit behind one ref, making it when it is first named.
func (e *Engine) expand(p *Permit, name string) (*Permit, error) {
	for _, x := range p.query.Expand {
		if x.Name == name {
			return x.Permit, nil
		}
	}
	i, ok := p.collection.Lookup(name)
	if !ok || p.collection.Fields[i].Type != roundtrip.TypeRef {
		near := nearest.Of(name, refNames(p.collection))
		return nil, wrong("expand", 0, "unknown_ref", "%s has no ref %s%s", p.collection.Name, quote(name), didYouMean(near))
	}
	f := p.collection.Fields[i]
	target := e.collections[f.To]
	d := &decision{Permit: Permit{
		action: roundtrip.Get, collection: f.To, call: p.call, principal: p.principal, name: p.name,
	}}
	if p.principal.Job == "" && p.principal.Operator == nil {
		d.name = target.read.name
		d.bindRule(&target.read)
	}
	p.query.Expand = append(p.query.Expand, Expand{Field: i, Name: name, Permit: &d.Permit})
	return &d.Permit, nil
}

func refNames(c *roundtrip.Collection) []string {
	var names []string
	for _, f := range c.Fields {
		if f.Type == roundtrip.TypeRef {
			names = append(names, f.Name)
		}
	}
	return names
}
