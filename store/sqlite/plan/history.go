package plan

import "github.com/roundtrip-dev/roundtrip"

// FirstFieldNumber is the number of a collection's first declared field; those below belong to the system fields.
const FirstFieldNumber = 16

// History is what a database holds: all collections and fields that ever were, so that a number is never used twice.
type History struct {
	Collections []Collection
	Indexes     []string // names of the indexes that are there
}

// Collection is one collection of the database.
type Collection struct {
	Number  int32
	Name    string
	Dropped bool
	Empty   bool // no records: nothing can be lost
	Fields  []Field
}

// Field is one declared field of the database, as far as the shape of its column goes.
type Field struct {
	Number   int32
	Name     string
	Dropped  bool
	Type     roundtrip.FieldType
	Required bool
	To       int32 // ref: number of the collection; count: that of the counted one
	Of       int32 // count: number of the ref that is counted
}

// Find returns a live collection by name, or nil.
func (h *History) Find(name string) *Collection {
	for i := range h.Collections {
		if c := &h.Collections[i]; c.Name == name && !c.Dropped {
			return c
		}
	}
	return nil
}

// Find returns a live field by name, or nil.
func (c *Collection) Find(name string) *Field {
	for i := range c.Fields {
		if f := &c.Fields[i]; f.Name == name && !f.Dropped {
			return f
		}
	}
	return nil
}

func (h *History) next() int32 {
	n := int32(1)
	for i := range h.Collections {
		n = max(n, h.Collections[i].Number+1)
	}
	return n
}

func (c *Collection) next() int32 {
	n := int32(FirstFieldNumber)
	for i := range c.Fields {
		n = max(n, c.Fields[i].Number+1)
	}
	return n
}

func (h *History) clone() *History {
	out := &History{Indexes: append([]string(nil), h.Indexes...)}
	for _, c := range h.Collections {
		c.Fields = append([]Field(nil), c.Fields...)
		out.Collections = append(out.Collections, c)
	}
	return out
}

// Number writes the numbers of the history into a schema, also those that are taken by what is gone.
func (h *History) Number(schema *roundtrip.Schema) {
	schema.Retired = nil
	for _, c := range h.Collections {
		if c.Dropped {
			schema.Retired = append(schema.Retired, roundtrip.Retired{Number: c.Number, Name: c.Name})
		}
	}
	for _, c := range schema.Collections {
		kept := h.Find(c.Name)
		if kept == nil {
			continue
		}
		c.Number, c.Retired = kept.Number, nil
		for _, f := range kept.Fields {
			if f.Dropped {
				c.Retired = append(c.Retired, roundtrip.Retired{Number: f.Number, Name: f.Name})
			}
		}
		for _, f := range c.Fields[roundtrip.FirstField:] {
			if k := kept.Find(f.Name); k != nil {
				f.Number = k.Number
			}
		}
	}
}
