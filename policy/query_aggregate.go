package policy

import (
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// checkAggregate reads group_by and select. Without select the records are counted.
func (p *Permit) checkAggregate(q *roundtrip.Query) error {
	if len(q.GroupBy) > maxGroups {
		return wrong("group_by", 0, "too_many", "at most %d fields can be grouped by", maxGroups)
	}
	if len(q.Select) > maxSelect {
		return wrong("select", 0, "too_many", "at most %d values can be selected", maxSelect)
	}
	for _, name := range q.GroupBy {
		i, err := lookup(p.collection, "group_by", name, 0)
		if err != nil {
			return err
		}
		f := p.collection.Fields[i]
		if f.Type == roundtrip.TypeJSON || f.Type == roundtrip.TypeFile {
			return wrong("group_by", 0, "type_mismatch", "%s is %s and can't be grouped by", name, f.Type.String())
		}
		if slices.Contains(p.query.Groups, i) {
			return wrong("group_by", 0, "repeated", "%s stands there twice", name)
		}
		p.query.Groups = append(p.query.Groups, i)
	}
	names := q.Select
	if len(names) == 0 {
		names = []string{"count"}
	}
	for _, name := range names {
		agg, err := p.aggregate(strings.TrimSpace(name))
		if err != nil {
			return err
		}
		for _, before := range p.query.Aggregates {
			if before.Name == agg.Name {
				return wrong("select", 0, "repeated", "%s stands there twice", name)
			}
		}
		p.query.Aggregates = append(p.query.Aggregates, agg)
	}
	return nil
}

// aggregate reads count or sum(likes).
func (p *Permit) aggregate(s string) (Aggregate, error) {
	if s == "count" {
		return Aggregate{Func: CountAll, Name: "count"}, nil
	}
	name, rest, found := strings.Cut(s, "(")
	field, closed := strings.CutSuffix(rest, ")")
	names := []string{"count", "sum", "avg", "min", "max"}
	fn := AggregateFunc(slices.Index(names, name) + 1)
	if fn == 0 || fn == CountAll || !found || !closed {
		return Aggregate{}, p.unknownAggregate(s, name, names)
	}
	field = strings.TrimSpace(field)
	i, err := lookup(p.collection, "select", field, 0)
	if err != nil {
		return Aggregate{}, err
	}
	f := p.collection.Fields[i]
	switch f.Type {
	case roundtrip.TypeInt, roundtrip.TypeFloat, roundtrip.TypeCount:
	case roundtrip.TypeTime, roundtrip.TypeText, roundtrip.TypeSelect, roundtrip.TypeEmail, roundtrip.TypeURL:
		if fn == Sum || fn == Avg {
			return Aggregate{}, wrong("select", 0, "type_mismatch", "%s is %s; only numbers have a %s", f.Name, f.Type.String(), name)
		}
	case roundtrip.TypeBool, roundtrip.TypeJSON, roundtrip.TypeRef, roundtrip.TypeFile, roundtrip.TypeID:
		return Aggregate{}, wrong("select", 0, "type_mismatch", "%s is %s and has no %s", f.Name, f.Type.String(), name)
	}
	return Aggregate{Func: fn, Field: i, Name: name + "_" + f.Name}, nil
}

// unknownAggregate says what select takes.
func (p *Permit) unknownAggregate(s, name string, names []string) error {
	const takes = "select takes count and sum, avg, min or max of a field, such as select=count,max(create_time)"
	near := nearest.Of(name, names)
	if _, isField := p.collection.Lookup(s); isField {
		return wrong("select", 0, "unknown_function", "%s; %s is a field: group_by=%s gives its values, max(%s) the greatest of them", takes, s, s, s)
	}
	if name == "count" && s != name {
		return wrong("select", 0, "unknown_function", "%s; count stands alone and counts records, and %s is given", takes, quote(s))
	}
	if near == name {
		near = ""
	}
	return wrong("select", 0, "unknown_function", "%s; %s is none of these%s", takes, quote(s), didYouMean(near))
}
