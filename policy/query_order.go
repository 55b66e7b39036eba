package policy

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// checkOrder reads "create_time desc, caption". The id ends every order, in the direction of the field before it, so
// that no two records are equal and a page always continues where the last one ended. Without order_by it is the id
// alone: oldest first.
func (p *Permit) checkOrder(source string, a *access) error {
	if strings.TrimSpace(source) == "" {
		if source != "" {
			return wrong("order_by", 1, "empty", "name the fields to sort by")
		}
		p.query.Order = a.order
		return nil
	}
	parts := strings.Split(source, ",")
	if len(parts) > maxOrder {
		return wrong("order_by", 0, "too_many", "at most %d fields can be sorted by", maxOrder)
	}
	order := make([]Order, 0, len(parts)+1)
	offset := 0
	for _, part := range parts {
		column := columnOf(source, offset+len(part)-len(strings.TrimLeft(part, " ")))
		o, err := p.orderPart(part, column)
		if err != nil {
			return err
		}
		for _, before := range order {
			if before.Field == o.Field {
				return wrong("order_by", column, "repeated", "%s stands there twice", p.collection.Fields[o.Field].Name)
			}
		}
		order = append(order, o)
		offset += len(part) + 1
	}
	for i, o := range order {
		if o.Field == roundtrip.FieldID {
			p.query.Order = order[:i+1] // nothing is left to sort behind it
			return nil
		}
	}
	p.query.Order = append(order, Order{Field: roundtrip.FieldID, Desc: order[len(order)-1].Desc})
	return nil
}

func (p *Permit) orderPart(part string, column int) (Order, error) {
	words := strings.Fields(part)
	if len(words) == 0 {
		return Order{}, wrong("order_by", column, "empty", "a field is missing between the commas")
	}
	i, ok := p.collection.Lookup(words[0])
	if !ok {
		return Order{}, p.unknownOrder(words[0], column)
	}
	f := p.collection.Fields[i]
	if f.Type == roundtrip.TypeJSON || f.Type == roundtrip.TypeFile {
		return Order{}, wrong("order_by", column, "not_sortable", "%s is %s and has no order", f.Name, f.Type.String())
	}
	o := Order{Field: i}
	switch {
	case len(words) == 1, len(words) == 2 && strings.EqualFold(words[1], "asc"):
	case len(words) == 2 && strings.EqualFold(words[1], "desc"):
		o.Desc = true
	default:
		return Order{}, wrong("order_by", column, "bad_direction", "after %s can stand asc or desc, not %s", f.Name, quote(strings.Join(words[1:], " ")))
	}
	return o, nil
}

// unknownOrder says what is meant by a sort key that is no field, as far as other systems' habits tell.
func (p *Permit) unknownOrder(word string, column int) error {
	name, sign := strings.TrimLeft(word, "+-"), word[0]
	if _, ok := p.collection.Lookup(name); ok && name != word {
		direction := " desc"
		if sign == '+' {
			direction = ""
		}
		return wrong("order_by", column, "bad_direction", "the direction stands behind the field; write %s%s, not %s", name, direction, quote(word))
	}
	if first, _, dotted := strings.Cut(name, "."); dotted {
		if _, ok := p.collection.Lookup(first); ok {
			return wrong("order_by", column, "not_sortable", "only the record's own fields can order, and %s is one of another record; order by %s, or sort the answer",
				quote(word), first)
		}
	}
	_, err := lookup(p.collection, "order_by", word, column)
	return err
}
