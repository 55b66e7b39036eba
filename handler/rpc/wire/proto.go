package wire

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/roundtrip-dev/roundtrip"
)

// appendFields appends some columns of a row, in the order given.
func (p *Plan) appendFields(b []byte, row roundtrip.Row, mask []bool, order []int) []byte {
	for _, i := range order {
		if mask != nil && !mask[i] || row.Null(i) {
			continue
		}
		b = p.columns[i].appendField(b, p.plans, row, i)
	}
	return b
}

// appendField appends the column of a row at a position where it is not null, unless it is a zero that has no presence.
func (c *column) appendField(b []byte, plans *Plans, row roundtrip.Row, at int) []byte {
	switch c.form {
	case text:
		v := row.Bytes(at)
		if len(v) == 0 && !c.explicit {
			return b
		}
		return appendText(append(b, c.tag...), v)
	case integer:
		v := row.Int(at)
		if v == 0 && !c.explicit {
			return b
		}
		return protowire.AppendVarint(append(b, c.tag...), uint64(v))
	case float:
		v := math.Float64bits(row.Float(at))
		if v == 0 && !c.explicit {
			return b
		}
		return protowire.AppendFixed64(append(b, c.tag...), v)
	case boolean:
		v := row.Int(at) != 0
		if !v && !c.explicit {
			return b
		}
		return append(append(b, c.tag...), bit(v))
	case moment:
		b, start := open(append(b, c.tag...))
		return shut(appendTimestamp(b, row.Int(at)), start)
	case id:
		b = append(append(b, c.tag...), roundtrip.IDLen)
		return roundtrip.ID(row.Int(at)).AppendTo(b)
	case version:
		b, start := open(append(b, c.tag...))
		return shut(strconv.AppendInt(b, row.Int(at), 10), start)
	case value:
		b, start := open(append(b, c.tag...))
		return shut(plans.appendValue(b, row.Bytes(at)), start)
	case file:
		b, start := open(append(b, c.tag...))
		return shut(appendFile(b, row.Bytes(at)), start)
	}
	return b
}

func bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// appendText appends a string with its length. Bytes that are no UTF-8 become U+FFFD, so that the message is good whatever
// the database holds.
func appendText(b, v []byte) []byte {
	if utf8.Valid(v) {
		return protowire.AppendBytes(b, v)
	}
	b, start := open(b)
	return shut(appendValid(b, v), start)
}

// appendValid appends text, each byte that is no UTF-8 as U+FFFD.
func appendValid(b, v []byte) []byte {
	for len(v) > 0 {
		r, size := utf8.DecodeRune(v)
		b = utf8.AppendRune(b, r)
		v = v[size:]
	}
	return b
}

// appendTimestamp appends the content of a google.protobuf.Timestamp: seconds = 1, nanos = 2.
func appendTimestamp(b []byte, micros int64) []byte {
	const second = 1_000_000
	seconds, rest := micros/second, micros%second
	if rest < 0 {
		seconds, rest = seconds-1, rest+second
	}
	if seconds != 0 {
		b = protowire.AppendVarint(append(b, 0x08), uint64(seconds))
	}
	if rest != 0 {
		b = protowire.AppendVarint(append(b, 0x10), uint64(rest*1000))
	}
	return b
}

// open leaves room for a length of one byte; start is where what it is the length of begins.
func open(b []byte) (_ []byte, start int) { return append(b, 0), len(b) + 1 }

// shut writes the length of what was appended since open, and makes more room for it where it needs some.
func shut(b []byte, start int) []byte {
	n := len(b) - start
	if n < 0x80 {
		b[start-1] = byte(n)
		return b
	}
	var room [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(room[:], uint64(n))
	b = append(b, room[1:size]...) // for its length; the bytes are moved there next
	copy(b[start-1+size:], b[start:start+n])
	copy(b[start-1:], room[:size])
	return b
}
