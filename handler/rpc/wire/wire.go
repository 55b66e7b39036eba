// Package wire is the bytes of the RPC doors: records become protobuf messages or ProtoJSON straight from the row under the
// store's cursor, and requests become calls. The messages are those that package protobuf declares; nothing here goes
// through descriptors or reflection, except [Transcode].
package wire

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// Format is how a message is written.
type Format uint8

// The formats.
const (
	Proto Format = iota + 1 // https://protobuf.dev/programming-guides/encoding/
	JSON                    // https://protobuf.dev/programming-guides/json/
)

// Plans is what is known of all collections of a schema before any request. It does not change and may be used by many
// goroutines.
type Plans struct {
	schema  *roundtrip.Schema
	of      map[*roundtrip.Collection]*Plan
	byName  map[string]*Plan
	scratch chan *scratch // those that nobody uses now
}

// scratches is how many of them wait for the next JSON value: about one for each processor.
const scratches = 16

// NewPlans makes the plans of a schema, whose collections and fields must have their numbers.
func NewPlans(s *roundtrip.Schema) (*Plans, error) {
	p := &Plans{schema: s, scratch: make(chan *scratch, scratches), of: make(map[*roundtrip.Collection]*Plan, len(s.Collections)), byName: make(map[string]*Plan, len(s.Collections))}
	numbers := map[int32]bool{}
	for _, c := range s.Collections {
		if c.Number < 1 || numbers[c.Number] {
			return nil, fmt.Errorf("wire: collection %s has number %d: the store gives each collection one of its own", c.Name, c.Number)
		}
		numbers[c.Number] = true
		plan, err := p.newPlan(c)
		if err != nil {
			return nil, err
		}
		p.of[c], p.byName[c.Name] = plan, plan
	}
	return p, nil
}

// Of returns the plan of a collection, nil for one of another schema.
func (p *Plans) Of(c *roundtrip.Collection) *Plan { return p.of[c] }

// Plan is how the records of one collection are written and read.
type Plan struct {
	plans      *Plans
	collection *roundtrip.Collection
	single     string // photo
	columns    []column
	order      []int         // positions, by their numbers
	expandAt   int           // how many of order stand before the field expand
	byNumber   map[int32]int // positions
	hasRefs    bool
}

// The numbers of the system fields of a record.
const (
	numberExpand = 5
	numberFirst  = 16 // of the declared fields
)

// column is one field of a record's message.
type column struct {
	form     form
	explicit bool // zero is written
	number   int32
	tag      []byte
	key      []byte // "caption":
	name     string
}

// form is how a column's value is written.
type form uint8

const (
	text    form = iota + 1 // string, as it is kept
	integer                 // int64
	float                   // double
	boolean                 //
	moment                  // google.protobuf.Timestamp
	id                      // string of 13 characters
	version                 // string: an etag
	value                   // google.protobuf.Value
	file                    // File
)

func formOf(i int, t roundtrip.FieldType) form {
	switch t {
	case roundtrip.TypeInt, roundtrip.TypeCount:
		if i == roundtrip.FieldETag {
			return version
		}
		return integer
	case roundtrip.TypeFloat:
		return float
	case roundtrip.TypeBool:
		return boolean
	case roundtrip.TypeTime:
		return moment
	case roundtrip.TypeRef, roundtrip.TypeID:
		return id
	case roundtrip.TypeJSON:
		return value
	case roundtrip.TypeFile:
		return file
	case roundtrip.TypeText, roundtrip.TypeSelect, roundtrip.TypeEmail, roundtrip.TypeURL:
	}
	return text
}

// wireType is the encoding of a form.
func (f form) wireType() protowire.Type {
	switch f {
	case integer, boolean:
		return protowire.VarintType
	case float:
		return protowire.Fixed64Type
	case text, moment, id, version, value, file:
	}
	return protowire.BytesType
}

func (p *Plans) newPlan(c *roundtrip.Collection) (*Plan, error) {
	plan := &Plan{plans: p, collection: c, single: protobuf.Single(p.schema, c), byNumber: make(map[int32]int, len(c.Fields))}
	for i, f := range c.Fields {
		if _, taken := plan.byNumber[f.Number]; taken || f.Number < 1 || i >= roundtrip.FirstField && f.Number < numberFirst {
			return nil, fmt.Errorf("wire: field %s.%s has number %d: the store gives each field one of its own, from %d on", c.Name, f.Name, f.Number, numberFirst)
		}
		kind := formOf(i, f.Type)
		plan.columns = append(plan.columns, column{
			form: kind, explicit: protobuf.Explicit(f), number: f.Number, name: f.Name, key: member(f.Name),
			tag: protowire.AppendTag(nil, protowire.Number(f.Number), kind.wireType()),
		})
		plan.byNumber[f.Number] = i
		plan.hasRefs = plan.hasRefs || f.Type == roundtrip.TypeRef
		plan.place(i)
	}
	return plan, nil
}

// place puts a column into the order of numbers.
func (p *Plan) place(i int) {
	at := len(p.order)
	for at > 0 && p.columns[p.order[at-1]].number > p.columns[i].number {
		at--
	}
	p.order = append(p.order, 0)
	copy(p.order[at+1:], p.order[at:])
	p.order[at] = i
	if p.columns[i].number < numberExpand {
		p.expandAt++
	}
}

// member is a member's name as it stands before its value. Declared names need no escapes.
func member(name string) []byte { return []byte(`"` + name + `":`) }

// AppendRecord appends the message of a row with all of its fields, or those of mask, by position. In Proto the bytes are
// those of a deterministic proto.Marshal; in JSON every field that is not null is there. It copies out of the row's memory
// and allocates nothing but room in b.
func (p *Plan) AppendRecord(b []byte, f Format, row roundtrip.Row, mask []bool) []byte {
	if f == JSON {
		return append(p.appendMembers(append(b, '{'), row, mask), '}')
	}
	return p.appendFields(b, row, mask, p.order)
}
