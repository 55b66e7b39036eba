package wire

import (
	"math"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// valueDepth is how many brackets of a JSON value may stand in each other: as many as in the body of REST, whose own is one.
const valueDepth = input.DepthMax - 1

// readJSON reads a whole body of ProtoJSON. An empty one is an empty message.
func readJSON(body []byte, t target) error {
	if len(body) == 0 {
		return nil
	}
	d := input.NewDecoder(body)
	if err := readObject(d, t); err != nil {
		return err
	}
	return d.End()
}

func readObject(d *input.Decoder, t target) error {
	if err := d.Open('{', "an object is expected, such as {\"name\":\"value\"}"); err != nil {
		return err
	}
	for d.Dec.PeekKind() != '}' {
		tok, err := d.Dec.ReadToken()
		if err != nil {
			return d.Failed(err)
		}
		name := tok.String()
		s := t.find(0, name)
		if s.kind == unknown {
			t.stranger(name)
			err = d.Dec.SkipValue()
		} else {
			err = readMember(d, t, s)
		}
		if err != nil {
			return d.Failed(err)
		}
	}
	_, err := d.Dec.ReadToken()
	return d.Failed(err)
}

// readMember reads the value of a member. null is the same as no member, but for a JSON value.
func readMember(d *input.Decoder, t target, s slot) error {
	switch {
	case s.kind != anyJSON && d.Dec.PeekKind() == 'n':
		_, err := d.Dec.ReadToken()
		return err
	case s.kind == entries || s.kind == truths:
		return readMap(d, t, s)
	case !s.repeated:
		return readElement(d, t, s, "")
	case d.Dec.PeekKind() != '[':
		t.wrong(s, "wrong_type", "an array is expected")
		return d.Dec.SkipValue()
	}
	if _, err := d.Dec.ReadToken(); err != nil {
		return err
	}
	for d.Dec.PeekKind() != ']' {
		if err := readElement(d, t, s, ""); err != nil {
			return err
		}
	}
	_, err := d.Dec.ReadToken()
	return err
}

func readMap(d *input.Decoder, t target, s slot) error {
	if d.Dec.PeekKind() != '{' {
		t.wrong(s, "wrong_type", "an object is expected")
		return d.Dec.SkipValue()
	}
	if _, err := d.Dec.ReadToken(); err != nil {
		return err
	}
	for d.Dec.PeekKind() != '}' {
		tok, err := d.Dec.ReadToken()
		if err != nil {
			return err
		}
		value := slot{at: s.at, kind: message}
		if s.kind == truths {
			value.kind = truth
		}
		if err := readElement(d, t, value, tok.String()); err != nil {
			return err
		}
	}
	_, err := d.Dec.ReadToken()
	return err
}

// readElement reads one value.
func readElement(d *input.Decoder, t target, s slot, key string) error {
	have := d.Dec.PeekKind()
	switch {
	case s.kind == anyJSON:
		return readAny(d, t, s)
	case s.kind == message && have == '{':
		return readObject(d, t.enter(s, key))
	case s.kind == truth && (have == 't' || have == 'f'):
		_, err := d.Dec.ReadToken()
		t.take(s, given{bits: uint64(bit(have == 't')), key: key})
		return err
	case have == '"' && s.kind != message && s.kind != truth:
		tok, err := d.Dec.ReadToken()
		if err == nil {
			readText(t, s, tok.String())
		}
		return err
	case have == '0' && (s.kind == int32s || s.kind == int64s || s.kind == double):
		v, err := d.Dec.ReadValue()
		if err == nil {
			readNumber(t, s, string(v))
		}
		return err
	}
	t.wrong(s, "wrong_type", "")
	return d.Dec.SkipValue()
}

// readText takes a string: it is also how whole numbers of 64 bits, times, bytes and masks stand in JSON.
func readText(t target, s slot, text string) {
	switch s.kind {
	case texts:
		t.take(s, given{text: []byte(text)})
	case octets:
		b, ok := decodeBase64(text)
		if !ok {
			t.wrong(s, "wrong_type", "base64 is expected")
			return
		}
		t.take(s, given{text: b})
	case stamp:
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.wrong(s, "wrong_type", "")
			return
		}
		t.take(s, given{bits: uint64(at.UnixMicro())})
	case mask:
		for path := range strings.SplitSeq(text, ",") {
			if path = strings.TrimSpace(path); path != "" {
				t.take(s, given{text: []byte(path)})
			}
		}
	case double:
		if v, ok := specialFloat(text); ok {
			t.take(s, given{bits: math.Float64bits(v)})
			return
		}
		readNumber(t, s, text)
	case int32s, int64s:
		readNumber(t, s, text)
	default:
		t.wrong(s, "wrong_type", "")
	}
}

// readNumber takes a number, which may have come as a string.
func readNumber(t target, s slot, text string) {
	f := roundtrip.Field{Type: roundtrip.TypeInt}
	if s.kind == double {
		f.Type = roundtrip.TypeFloat
	}
	if !input.IsNumber(text) {
		t.wrong(s, "wrong_type", "")
		return
	}
	v, code, message := input.ParseNumber(&f, text)
	switch {
	case code != "":
		t.wrong(s, code, message)
	case s.kind == double:
		t.take(s, given{bits: math.Float64bits(v.Float())})
	case s.kind == int32s && (v.Int() < math.MinInt32 || v.Int() > math.MaxInt32):
		t.wrong(s, "out_of_range", "a whole number of at most 32 bits is expected")
	default:
		t.take(s, given{bits: uint64(v.Int())})
	}
}

// readAny keeps a JSON value as it came, without its spaces.
func readAny(d *input.Decoder, t target, s slot) error {
	v, err := d.Dec.ReadValue()
	if err != nil {
		return err
	}
	if input.Deep(v, valueDepth) {
		t.wrong(s, "too_deep", tooDeep)
		return nil
	}
	v = v.Clone()
	if err := v.Compact(); err != nil {
		return err
	}
	t.take(s, given{text: v})
	return nil
}

const tooDeep = "arrays and objects stand over 32 deep in each other"
