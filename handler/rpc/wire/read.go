package wire

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/roundtrip-dev/roundtrip"
)

// kind is what a field of a message takes.
type kind uint8

const (
	unknown kind = iota
	texts        // string
	octets       // bytes
	truth        // bool
	int32s       //
	int64s       //
	double       //
	stamp        // google.protobuf.Timestamp
	anyJSON      // google.protobuf.Value
	mask         // google.protobuf.FieldMask: each of its paths is a value
	message      //
	entries      // a map from strings to messages
	truths       // a map from strings to bools
)

// slot is a field that was found in a message.
type slot struct {
	at       int // as the target counts
	kind     kind
	repeated bool
}

// given is one value as it came: a number of any kind by its bits, a time by its microseconds, a text, bytes, a path, or the
// text of a JSON value.
type given struct {
	bits uint64
	text []byte
	key  string // of a map
}

// target takes the fields of one message, in whatever format they come. What is wrong with a value is noted, and reading
// goes on; what breaks the message is an error of the reader.
type target interface {
	find(number int32, name string) slot // by its number, or by its name where that is 0
	take(s slot, v given)
	enter(s slot, key string) target // a message begins
	wrong(s slot, code, message string)
	stranger(name string) // a member of JSON that is no field
}

// wireType is the encoding of a kind.
func (k kind) wireType() protowire.Type {
	switch k {
	case truth, int32s, int64s:
		return protowire.VarintType
	case double:
		return protowire.Fixed64Type
	default:
		return protowire.BytesType
	}
}

// readProto reads a message: the last value of a field counts, messages that come in parts are one, fields that nobody
// knows are passed over, groups among them.
func readProto(whole, b []byte, t target) error {
	for len(b) > 0 {
		number, have, n := protowire.ConsumeTag(b)
		if n < 0 {
			return badProto(whole, b, protowire.ParseError(n).Error())
		}
		if number > protowire.MaxValidNumber {
			return badProto(whole, b, "there is no field number "+strconv.Itoa(int(number)))
		}
		s := t.find(int32(number), "")
		if s.kind == unknown {
			m := protowire.ConsumeFieldValue(number, have, b[n:])
			if m < 0 {
				return badProto(whole, b, protowire.ParseError(m).Error())
			}
			b = b[n+m:]
			continue
		}
		if have != s.kind.wireType() {
			return badProto(whole, b, "field "+strconv.Itoa(int(number))+" is of another type; the client's code is not made from this API")
		}
		m, err := readField(whole, b[n:], t, s)
		if err != nil {
			return err
		}
		b = b[n+m:]
	}
	return nil
}

// readField reads the value of one known field and returns its length.
func readField(whole, b []byte, t target, s slot) (int, error) {
	switch s.kind.wireType() {
	case protowire.VarintType:
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return 0, badProto(whole, b, protowire.ParseError(n).Error())
		}
		switch s.kind {
		case int32s:
			v = uint64(int64(int32(v)))
		case truth:
			v = uint64(bit(v != 0))
		default:
		}
		t.take(s, given{bits: v})
		return n, nil
	case protowire.Fixed64Type:
		v, n := protowire.ConsumeFixed64(b)
		if n < 0 {
			return 0, badProto(whole, b, protowire.ParseError(n).Error())
		}
		t.take(s, given{bits: v})
		return n, nil
	default:
	}
	v, n := protowire.ConsumeBytes(b)
	if n < 0 {
		return 0, badProto(whole, b, protowire.ParseError(n).Error())
	}
	switch s.kind {
	case texts:
		if !utf8.Valid(v) {
			return 0, badProto(whole, b, "a text is not good UTF-8")
		}
		t.take(s, given{text: v})
	case message:
		return n, readProto(whole, v, t.enter(s, ""))
	case mask:
		return n, readProto(whole, v, &paths{of: t, slot: s})
	case entries, truths:
		return n, readEntry(whole, v, t, s)
	default: // bytes; and messages that are values, which the target reads when all parts of them have come
		t.take(s, given{text: v})
	}
	return n, nil
}

// paths is a FieldMask in Proto: repeated string paths = 1.
type paths struct {
	of   target
	slot slot
}

func (p *paths) find(number int32, _ string) slot {
	if number == 1 {
		return slot{kind: texts}
	}
	return slot{}
}
func (p *paths) take(_ slot, v given)         { p.of.take(p.slot, v) }
func (p *paths) enter(slot, string) target    { return p }
func (p *paths) wrong(_ slot, code, m string) { p.of.wrong(p.slot, code, m) }
func (p *paths) stranger(string)              {}

// entry is an entry of a map in Proto: key = 1, value = 2.
type entry struct {
	paths

	key   string
	value given
	kind  kind
}

func (e *entry) find(number int32, _ string) slot {
	switch {
	case number == 1:
		return slot{at: 1, kind: texts}
	case number == 2 && e.kind == truths:
		return slot{at: 2, kind: truth}
	case number == 2:
		return slot{at: 2, kind: octets}
	}
	return slot{}
}

func (e *entry) take(s slot, v given) {
	if s.at == 1 {
		e.key = string(v.text)
		return
	}
	e.value.bits = v.bits
	e.value.text = append(e.value.text, v.text...)
}

func readEntry(whole, b []byte, t target, s slot) error {
	e := &entry{paths: paths{of: t, slot: s}, kind: s.kind}
	if err := readProto(whole, b, e); err != nil {
		return err
	}
	if s.kind == entries {
		return readProto(e.value.text, e.value.text, t.enter(s, e.key))
	}
	e.value.key = e.key
	t.take(s, e.value)
	return nil
}

// badProto is the error of a message that can't be read. rest is what of the whole was not read yet.
func badProto(whole, rest []byte, message string) error {
	at := "at byte " + strconv.Itoa(max(cap(whole)-cap(rest), 0)) + ": "
	message = strings.TrimPrefix(message, "proto: ")
	return roundtrip.E(roundtrip.Invalid, "request.protobuf", "the message is no good protobuf %s%s", at, message).
		With(roundtrip.Detail{Code: "syntax", Message: at + message})
}

// readTimestamp reads a google.protobuf.Timestamp as Unix microseconds; what it has of nanoseconds beside that is cut off.
// ok is false outside of the years 1 to 9999.
func readTimestamp(b []byte) (micros int64, ok bool, err error) {
	const least, most = -62135596800, 253402300799
	var seconds, nanos int64
	t := Table{{Number: 1, To: &seconds}, {Number: 2, To: (*nanoseconds)(&nanos)}}
	if err := readProto(b, b, &table{list: t}); err != nil {
		return 0, false, err
	}
	if seconds < least || seconds > most || nanos < 0 || nanos >= 1e9 {
		return 0, false, nil
	}
	return seconds*1e6 + nanos/1000, true, nil
}

// nanoseconds is an int64 that is an int32 in the message.
type nanoseconds int64

// decodeBase64 reads both alphabets, with and without padding.
func decodeBase64(text string) ([]byte, bool) {
	text = strings.TrimRight(text, "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	b, err := encoding.DecodeString(text)
	return b, err == nil
}

// specialFloat reads the doubles that JSON has no number for.
func specialFloat(text string) (float64, bool) {
	switch text {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return 0, false
}
