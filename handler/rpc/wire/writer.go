package wire

import (
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// Writer writes messages that are not of collections, once for both formats. Fields are written in the order of their
// numbers; zero is left out, as protobuf does, unless [Writer.Keep] was called just before. The zero Writer is not ready:
// call [Writer.Start].
type Writer struct {
	out    []byte
	format Format
	keep   bool
	opened []opened
}

// opened is a message, list or map that is not closed yet.
type opened struct {
	number int32 // of a list or map
	start  int   // Proto: where a message's content begins
	entry  int   // Proto: where the content of the map's entry around it begins, 0 for none
}

// Start begins a message at the end of b.
func (w *Writer) Start(b []byte, f Format) {
	*w = Writer{out: b, format: f, opened: w.opened[:0]}
	w.begin('{')
}

// Bytes ends the message and returns what was written.
func (w *Writer) Bytes() []byte {
	w.begin('}')
	return w.out
}

// Keep makes the next scalar be written although it is zero: it has presence, as the fields of a oneof have.
func (w *Writer) Keep() *Writer {
	w.keep = true
	return w
}

func (w *Writer) begin(c byte) {
	if w.format == JSON {
		w.out = append(w.out, c)
	}
}

// comma separates a member or element from the one before it.
func (w *Writer) comma() {
	if last := w.out[len(w.out)-1]; last != '{' && last != '[' {
		w.out = append(w.out, ',')
	}
}

// field begins a field, unless its value is zero and has no presence.
func (w *Writer) field(number int32, name string, zero bool, t protowire.Type) bool {
	kept := w.keep
	w.keep = false
	if zero && !kept {
		return false
	}
	if w.format == Proto {
		w.out = protowire.AppendTag(w.out, protowire.Number(number), t)
		return true
	}
	w.comma()
	w.out = append(w.out, '"')
	w.out = append(w.out, name...)
	w.out = append(w.out, '"', ':')
	return true
}

// String writes a string. Bytes of it that are no UTF-8 become U+FFFD.
func (w *Writer) String(number int32, name, v string) {
	if w.field(number, name, v == "", protowire.BytesType) {
		w.text(v)
	}
}

func (w *Writer) text(v string) {
	if w.format == Proto {
		w.out = appendText(w.out, []byte(v))
		return
	}
	w.out = input.AppendString(w.out, []byte(v))
}

// Strings writes a repeated string.
func (w *Writer) Strings(number int32, name string, list []string) {
	if w.format == Proto {
		for _, v := range list {
			w.field(number, name, false, protowire.BytesType)
			w.text(v)
		}
		return
	}
	if !w.field(number, name, len(list) == 0, protowire.BytesType) {
		return
	}
	w.out = append(w.out, '[')
	for _, v := range list {
		w.comma()
		w.text(v)
	}
	w.out = append(w.out, ']')
}

// Int64 writes an int64.
func (w *Writer) Int64(number int32, name string, v int64) {
	switch {
	case !w.field(number, name, v == 0, protowire.VarintType):
	case w.format == Proto:
		w.out = protowire.AppendVarint(w.out, uint64(v))
	default:
		w.out = appendQuoted(w.out, v)
	}
}

// Int32 writes an int32.
func (w *Writer) Int32(number int32, name string, v int32) {
	switch {
	case !w.field(number, name, v == 0, protowire.VarintType):
	case w.format == Proto:
		w.out = protowire.AppendVarint(w.out, uint64(int64(v)))
	default:
		w.out = strconv.AppendInt(w.out, int64(v), 10)
	}
}

// Bool writes a bool.
func (w *Writer) Bool(number int32, name string, v bool) {
	switch {
	case !w.field(number, name, !v, protowire.VarintType):
	case w.format == Proto:
		w.out = append(w.out, bit(v))
	default:
		w.out = strconv.AppendBool(w.out, v)
	}
}

// Double writes a double.
func (w *Writer) Double(number int32, name string, v float64) {
	switch {
	case !w.field(number, name, math.Float64bits(v) == 0, protowire.Fixed64Type):
	case w.format == Proto:
		w.out = protowire.AppendFixed64(w.out, math.Float64bits(v))
	default:
		w.out = appendFloat(w.out, v)
	}
}

// Time writes a google.protobuf.Timestamp from Unix microseconds. It is a message: zero is the beginning of 1970.
func (w *Writer) Time(number int32, name string, micros int64) {
	w.field(number, name, false, protowire.BytesType)
	if w.format == JSON {
		w.out = append(roundtrip.AppendTime(append(w.out, '"'), micros), '"')
		return
	}
	b, start := open(w.out)
	w.out = shut(appendTimestamp(b, micros), start)
}

// Value writes a google.protobuf.Value from the text of a JSON value.
func (w *Writer) Value(number int32, name string, p *Plans, json []byte) {
	w.field(number, name, false, protowire.BytesType)
	if w.format == JSON {
		w.out = append(w.out, json...)
		return
	}
	b, start := open(w.out)
	w.out = shut(p.appendValue(b, json), start)
}

// Record writes a record, or those of its fields that mask has.
func (w *Writer) Record(number int32, name string, p *Plan, row roundtrip.Row, mask []bool) {
	w.field(number, name, false, protowire.BytesType)
	w.record(p, row, mask)
}

func (w *Writer) record(p *Plan, row roundtrip.Row, mask []bool) {
	if w.format == JSON {
		w.out = p.AppendRecord(w.out, JSON, row, mask)
		return
	}
	b, start := open(w.out)
	w.out = shut(p.AppendRecord(b, Proto, row, mask), start)
}
