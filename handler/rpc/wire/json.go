package wire

import (
	"math"
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// appendMembers appends the members of a row that are not null, with commas between them.
func (p *Plan) appendMembers(b []byte, row roundtrip.Row, mask []bool) []byte {
	comma := false
	for _, i := range p.order {
		if mask != nil && !mask[i] || row.Null(i) {
			continue
		}
		if comma {
			b = append(b, ',')
		}
		c := &p.columns[i]
		b = append(b, c.key...)
		b = c.appendJSON(b, row, i)
		comma = true
	}
	return b
}

// appendJSON appends the column of a row at a position where it is not null.
func (c *column) appendJSON(b []byte, row roundtrip.Row, at int) []byte {
	switch c.form {
	case text:
		return input.AppendString(b, row.Bytes(at))
	case integer, version:
		return appendQuoted(b, row.Int(at))
	case float:
		return appendFloat(b, row.Float(at))
	case boolean:
		return strconv.AppendBool(b, row.Int(at) != 0)
	case moment:
		b = roundtrip.AppendTime(append(b, '"'), row.Int(at))
		return append(b, '"')
	case id:
		b = roundtrip.ID(row.Int(at)).AppendTo(append(b, '"'))
		return append(b, '"')
	case value:
		return append(b, row.Bytes(at)...)
	case file:
		return appendFileJSON(b, row.Bytes(at))
	}
	return b
}

// appendQuoted appends an int64: as a string, because JavaScript's numbers don't hold it.
func appendQuoted(b []byte, v int64) []byte {
	b = strconv.AppendInt(append(b, '"'), v, 10)
	return append(b, '"')
}

// appendFloat appends a double. What JSON has no number for is a string.
func appendFloat(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(b, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(b, `"-Infinity"`...)
	}
	return roundtrip.AppendFloat(b, v)
}
