package plan

import (
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// Number says that a proto field number stands for a field in messages of a name. Programs that were generated from the
// message keep that in them, so it is never taken back: not when the field is dropped or renamed, nor when its collection is
// and another one comes that has its name.
type Number struct {
	Message    string // Photo
	Number     int32
	Collection int32
	Field      int32  // number of the column in the collection
	Name       string // the last one that the field had in this message
}

// Seed gives the fields of a database numbers that has none yet: those of their columns. No message was made of what was
// dropped before.
func (h *History) Seed() {
	for _, c := range h.Collections {
		if c.Dropped {
			continue
		}
		for _, f := range c.Fields {
			h.Numbers = append(h.Numbers, Number{Message: protobuf.MessageOf(c.Name), Number: f.Number, Collection: c.Number, Field: f.Number, Name: f.Name})
		}
	}
}

// assign gives numbers to all declared fields. A field keeps the one that it has, also where its collection gets another
// name; it gets a new one where that number stands for another field in messages of that name.
func (h *History) assign(past *History, schema *roundtrip.Schema) {
	of, taken := map[holder]int{}, map[place]bool{}
	for i, n := range h.Numbers {
		of[n.holder()], taken[place{n.Message, n.Number}] = i, true
	}
	for _, c := range schema.Collections {
		kept := h.Find(c.Name)
		message := protobuf.MessageOf(c.Name)
		before := message
		if p := past.number(kept.Number); p != nil {
			before = protobuf.MessageOf(p.Name)
		}
		for _, f := range c.Fields[roundtrip.FirstField:] {
			k := kept.Find(f.Name)
			n := Number{Message: message, Number: k.Number, Collection: kept.Number, Field: k.Number, Name: f.Name}
			if own, known := of[n.holder()]; known {
				h.Numbers[own].Name = f.Name
				continue
			}
			if own, known := of[holder{before, n.Collection, n.Field}]; known {
				n.Number = h.Numbers[own].Number
			}
			if forbidden(n.Number) || taken[place{message, n.Number}] {
				n.Number = h.free(message, before, kept)
			}
			taken[place{message, n.Number}] = true
			h.Numbers = append(h.Numbers, n)
		}
	}
}

// holder is a field in messages of a name, place a number in them.
type (
	holder struct {
		message           string
		collection, field int32
	}
	place struct {
		message string
		number  int32
	}
)

func (n Number) holder() holder { return holder{n.Message, n.Collection, n.Field} }

// free returns a number that nothing had in messages of a name, and that no field of the collection may want to keep.
func (h *History) free(message, before string, c *Collection) int32 {
	free := c.next()
	for _, n := range h.Numbers {
		if n.Message == message || n.Message == before && n.Collection == c.Number {
			free = max(free, n.Number+1)
		}
	}
	for forbidden(free) {
		free++
	}
	return free
}

// forbidden reports whether protobuf keeps a field number for itself.
func forbidden(n int32) bool { return n >= 19000 && n <= 19999 }

// Number writes the numbers of the history into a schema, and which of them are taken by what is gone.
func (h *History) Number(schema *roundtrip.Schema) {
	schema.Retired = nil
	for _, c := range h.Collections {
		if c.Dropped {
			schema.Retired = append(schema.Retired, roundtrip.Retired{Number: c.Number, Name: c.Name})
		}
	}
	for _, c := range schema.Collections {
		if kept := h.Find(c.Name); kept != nil {
			c.Number = kept.Number
			h.fields(c, kept)
		}
	}
}

func (h *History) fields(c *roundtrip.Collection, kept *Collection) {
	c.Retired = nil
	message := protobuf.MessageOf(c.Name)
	for _, n := range h.Numbers {
		if n.Message != message {
			continue
		}
		if f := declared(c, kept, n); f != nil {
			f.Number, f.Column = n.Number, n.Field
		} else {
			c.Retired = append(c.Retired, roundtrip.Retired{Number: n.Number, Name: n.Name})
		}
	}
	slices.SortFunc(c.Retired, func(a, b roundtrip.Retired) int { return int(a.Number - b.Number) })
}

// declared returns the field that has a number now, or nil.
func declared(c *roundtrip.Collection, kept *Collection, n Number) *roundtrip.Field {
	k := kept.number(n.Field)
	if n.Collection != kept.Number || k == nil || k.Dropped {
		return nil
	}
	if at, ok := c.Lookup(k.Name); ok {
		return c.Fields[at]
	}
	return nil
}
