package rest

import (
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// plan is what is known of a collection before any request: how its records become JSON, and its paths.
type plan struct {
	collection *roundtrip.Collection
	columns    []column
	counts     bool           // a record's JSON can change without its etag
	routes     [shapes]string // the templates of its routes, for journeys
	location   string         // what stands before the id in a Location header
	files      string         // what stands before ID/FIELD
}

// column is one member of a record's JSON.
type column struct {
	key  []byte // "caption":
	kind form
}

// form is how a column's value is written.
type form uint8

const (
	quoted  form = iota + 1 // text as it is kept
	integer                 //
	float                   //
	boolean                 //
	moment                  // RFC 3339
	id                      // 13 characters
	raw                     // JSON as it is kept
	version                 // an etag: an integer as a string
)

func newPlan(c *roundtrip.Collection, mount string) *plan {
	p := &plan{collection: c, counts: c.HasCounts(), location: mount + c.Name + "/", files: mount + "files/" + c.Name + "/"}
	for i, f := range c.Fields {
		kind := formOf(f.Type)
		if i == roundtrip.FieldETag {
			kind = version
		}
		p.columns = append(p.columns, column{key: member(f.Name), kind: kind})
	}
	p.routes[collectionShape] = mount + c.Name
	p.routes[recordShape] = p.location + "{id}"
	p.routes[aggregateShape] = mount + c.Name + ":aggregate"
	p.routes[watchShape] = mount + c.Name + ":watch"
	p.routes[fileShape] = p.files + "{id}/{field}"
	return p
}

// member is a member's name as it stands before its value. Declared names need no escapes.
func member(name string) []byte { return []byte(`"` + name + `":`) }

func formOf(t roundtrip.FieldType) form {
	switch t {
	case roundtrip.TypeInt, roundtrip.TypeCount:
		return integer
	case roundtrip.TypeFloat:
		return float
	case roundtrip.TypeBool:
		return boolean
	case roundtrip.TypeTime:
		return moment
	case roundtrip.TypeRef, roundtrip.TypeID:
		return id
	case roundtrip.TypeJSON, roundtrip.TypeFile:
		return raw
	case roundtrip.TypeText, roundtrip.TypeSelect, roundtrip.TypeEmail, roundtrip.TypeURL:
	}
	return quoted
}

// appendRecord appends a row as a JSON object with all of its members, or those of mask. It copies out of the row's
// memory and allocates nothing but room in b.
func (p *plan) appendRecord(b []byte, row roundtrip.Row, mask []bool) []byte {
	sep := byte('{')
	for i := range p.columns {
		if mask != nil && !mask[i] {
			continue
		}
		c := &p.columns[i]
		b = append(b, sep)
		b = append(b, c.key...)
		b = c.kind.appendValue(b, row, i)
		sep = ','
	}
	if sep == '{' {
		b = append(b, '{')
	}
	return append(b, '}')
}

// appendValue appends one column of a row.
func (f form) appendValue(b []byte, row roundtrip.Row, i int) []byte {
	if row.Null(i) {
		return append(b, "null"...)
	}
	switch f {
	case quoted:
		return input.AppendString(b, row.Bytes(i))
	case integer:
		return strconv.AppendInt(b, row.Int(i), 10)
	case float:
		return roundtrip.AppendFloat(b, row.Float(i))
	case boolean:
		return strconv.AppendBool(b, row.Int(i) != 0)
	case moment:
		b = append(b, '"')
		b = roundtrip.AppendTime(b, row.Int(i))
		return append(b, '"')
	case id:
		b = append(b, '"')
		b = roundtrip.ID(row.Int(i)).AppendTo(b)
		return append(b, '"')
	case version:
		b = append(b, '"')
		b = strconv.AppendInt(b, row.Int(i), 10)
		return append(b, '"')
	case raw:
	}
	return append(b, row.Bytes(i)...)
}

// groupColumns are the members of an aggregate's group.
func (p *plan) groupColumns(columns []column, q *policy.Query) []column {
	for _, f := range q.Groups {
		columns = append(columns, p.columns[f])
	}
	for _, a := range q.Aggregates {
		c := column{key: member(a.Name), kind: integer}
		switch a.Func {
		case policy.Avg:
			c.kind = float
		case policy.Sum, policy.Min, policy.Max:
			c.kind = p.columns[a.Field].kind
		case policy.CountAll:
		}
		columns = append(columns, c)
	}
	return columns
}
