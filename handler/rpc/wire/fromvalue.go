package wire

import (
	"bytes"
	"math"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// valueReader reads a google.protobuf.Value into the text of a JSON value. What is wrong with it is said by code and
// message. Members of objects are sorted, so that the same value gives the same text.
type valueReader struct{ code, message string }

func (r *valueReader) fail(code, message string) {
	if r.code == "" {
		r.code, r.message = code, message
	}
}

const brokenValue = "it is no good google.protobuf.Value"

// read appends the JSON of a value: the last of its fields counts, a message in parts is one. depth counts the brackets
// around it.
func (r *valueReader) read(b, v []byte, depth int) []byte {
	var kind protowire.Number
	var bits uint64
	var body []byte
	own := false
	for len(v) > 0 && r.code == "" {
		number, have, n := protowire.ConsumeTag(v)
		if n < 0 {
			r.fail("syntax", brokenValue)
			return b
		}
		v = v[n:]
		var part []byte
		known := true
		switch {
		case have == protowire.VarintType && (number == 1 || number == 4):
			bits, n = protowire.ConsumeVarint(v)
		case have == protowire.Fixed64Type && number == 2:
			bits, n = protowire.ConsumeFixed64(v)
		case have == protowire.BytesType && (number == 3 || number == 5 || number == 6):
			part, n = protowire.ConsumeBytes(v)
		case number >= 1 && number <= 6:
			n = -1
		default:
			n, known = protowire.ConsumeFieldValue(number, have, v), false
		}
		if n < 0 {
			r.fail("syntax", brokenValue)
			return b
		}
		v = v[n:]
		switch {
		case !known:
		case number == kind && number >= 5:
			body, own = join(body, part, own), true
		default:
			kind, body, own = number, part, false
		}
	}
	return r.write(b, kind, bits, body, depth)
}

func (r *valueReader) write(b []byte, kind protowire.Number, bits uint64, body []byte, depth int) []byte {
	switch kind {
	case 2:
		f := math.Float64frombits(bits)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			r.fail("wrong_value", "JSON has no number that is infinite or none")
		}
		return roundtrip.AppendFloat(b, f)
	case 3:
		if !utf8.Valid(body) {
			r.fail("bad_utf8", "a text is not good UTF-8")
		}
		return input.AppendString(b, body)
	case 4:
		if bits != 0 {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case 5, 6:
		if depth >= valueDepth {
			r.fail("too_deep", tooDeep)
			return b
		}
		if kind == 5 {
			return r.object(b, body, depth+1)
		}
		return r.array(b, body, depth+1)
	default:
	}
	return append(b, "null"...)
}

func (r *valueReader) array(b, list []byte, depth int) []byte {
	b = append(b, '[')
	comma := false
	r.each(list, 1, func(element []byte) {
		if comma {
			b = append(b, ',')
		}
		b = r.read(b, element, depth)
		comma = true
	})
	return append(b, ']')
}

// each goes through the occurrences of a field of bytes, as far as nothing is wrong.
func (r *valueReader) each(message []byte, field protowire.Number, do func([]byte)) {
	for len(message) > 0 && r.code == "" {
		number, have, n := protowire.ConsumeTag(message)
		if n < 0 {
			r.fail("syntax", brokenValue)
			return
		}
		message = message[n:]
		var v []byte
		switch {
		case number == field && have == protowire.BytesType:
			v, n = protowire.ConsumeBytes(message)
		case number == field:
			n = -1
		default:
			n = protowire.ConsumeFieldValue(number, have, message)
		}
		if n < 0 {
			r.fail("syntax", brokenValue)
			return
		}
		message = message[n:]
		if number == field {
			do(v)
		}
	}
}

// pair is an entry of Struct.fields.
type pair struct{ key, value []byte }

// pair reads an entry.
func (r *valueReader) pair(entry []byte) (p pair) {
	parts := 0
	r.each(entry, 1, func(key []byte) { p.key = key })
	r.each(entry, 2, func(value []byte) {
		if parts++; parts == 1 {
			p.value = value
			return
		}
		p.value = join(p.value, value, parts > 2)
	})
	if !utf8.Valid(p.key) {
		r.fail("bad_utf8", "a text is not good UTF-8")
	}
	return p
}

func (r *valueReader) object(b, fields []byte, depth int) []byte {
	n := 0
	r.each(fields, 1, func([]byte) { n++ })
	pairs := make([]pair, 0, n) // counted before: an entry costs a sender two bytes
	r.each(fields, 1, func(entry []byte) { pairs = append(pairs, r.pair(entry)) })
	slices.SortStableFunc(pairs, func(x, y pair) int { return bytes.Compare(x.key, y.key) })
	b = append(b, '{')
	comma := false
	for i, p := range pairs {
		if i+1 < len(pairs) && bytes.Equal(pairs[i+1].key, p.key) {
			continue // the last one of a name counts
		}
		if comma {
			b = append(b, ',')
		}
		b = append(input.AppendString(b, p.key), ':')
		b = r.read(b, p.value, depth)
		comma = true
	}
	return append(b, '}')
}
