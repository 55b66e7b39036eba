package plan

import (
	"slices"

	"github.com/roundtrip-dev/roundtrip"
)

// FirstFieldNumber is the number of a collection's first declared field; those below belong to the system fields.
const FirstFieldNumber = 16

// History is what a database holds: all collections and fields that ever were, so that a number is never used twice.
type History struct {
	Collections []Collection
	Indexes     []string // names of the indexes that are there
	Numbers     []Number
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
	Number   int32 // of the column
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
	for forbidden(n) || forbidden(4*n) || forbidden(4*n+2) { // a collection has 4n to 4n+2 in a batch
		n++
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
	out := &History{Indexes: slices.Clone(h.Indexes), Numbers: slices.Clone(h.Numbers)}
	for _, c := range h.Collections {
		c.Fields = append([]Field(nil), c.Fields...)
		out.Collections = append(out.Collections, c)
	}
	return out
}
