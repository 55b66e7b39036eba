package wire

import (
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// Table is what a message has: the same for both formats.
type Table []Entry

// Entry is one field of a message. What it takes says the type of To:
//
//	*string *[]byte *bool *int32 *int64 *float64   a field of that type
//	*[]string           repeated string
//	*Value              google.protobuf.Value
//	*Mask               google.protobuf.FieldMask
//	*Input              a record
//	func() Table        a message, or each of a repeated one: it is called whenever one begins
//	Repeated            the same for a repeated field; JSON has an array for it
//	*map[string]bool    map<string, bool>
//	func(string) Table  a map from strings to messages: it is called with the key of each
type Entry struct {
	Number int32
	Name   string
	To     any
	Case   *int32 // where it is given: becomes Number when the field is there. Fields of a oneof share it.
}

// Value is the text of a JSON value, nil where none was given.
type Value []byte

// Mask is the paths of a FieldMask, as they came.
type Mask []string

// Repeated is a repeated message: it is called whenever one begins.
type Repeated func() Table

// Read reads a message. Values of the wrong type and names that are not known are one error of kind Invalid, with the
// pointer of each; what can't be read at all is an error as well. Unknown numbers are passed over.
func Read(f Format, body []byte, t Table) error {
	var wrong []roundtrip.Detail
	if err := read(f, body, &table{list: t, format: f, wrongs: &wrong}); err != nil {
		return err
	}
	return wrongRequest(wrong)
}

func read(f Format, body []byte, t target) error {
	if f == JSON {
		return readJSON(body, t)
	}
	return readProto(body, body, t)
}

// wrongRequest makes one error of what is wrong with a request, nil of nothing.
func wrongRequest(wrong []roundtrip.Detail) error {
	switch len(wrong) {
	case 0:
		return nil
	case 1:
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", wrong[0].Message).With(wrong...)
	}
	return roundtrip.E(roundtrip.Invalid, "request.invalid", "%d values of the request are wrong", len(wrong)).With(wrong...)
}

// table is a Table that is being filled.
type table struct {
	list   Table
	format Format
	path   string              // pointer of the message
	wrongs *[]roundtrip.Detail // nil: what is wrong is not told
}

func (t *table) find(number int32, name string) slot {
	for i := range t.list {
		e := &t.list[i]
		if number == 0 && e.Name == name || number != 0 && e.Number == number {
			k, repeated := kindOf(e.To)
			return slot{at: i, kind: k, repeated: repeated}
		}
	}
	return slot{}
}

func kindOf(to any) (k kind, repeated bool) {
	switch to.(type) {
	case *string:
		return texts, false
	case *[]string:
		return texts, true
	case *[]byte:
		return octets, false
	case *bool:
		return truth, false
	case *int32, *nanoseconds:
		return int32s, false
	case *int64:
		return int64s, false
	case *float64:
		return double, false
	case *Value:
		return anyJSON, false
	case *Mask, pathTaker:
		return mask, false
	case func() Table, *Input:
		return message, false
	case Repeated, eachTarget:
		return message, true
	case *map[string]bool:
		return truths, false
	case func(string) Table:
		return entries, false
	}
	return unknown, false
}

// pathTaker takes the paths of a mask one by one.
type pathTaker func(path []byte)

// eachTarget makes the target of each of a repeated message.
type eachTarget func() target

func (t *table) take(s slot, v given) {
	e := &t.list[s.at]
	t.choose(e)
	switch to := e.To.(type) {
	case *string:
		*to = string(v.text)
	case *[]string:
		*to = append(*to, string(v.text))
	case *[]byte:
		*to = v.text
	case *bool:
		*to = v.bits != 0
	case *int32:
		*to = int32(v.bits)
	case *nanoseconds:
		*to = nanoseconds(v.bits)
	case *int64:
		*to = int64(v.bits)
	case *float64:
		*to = math.Float64frombits(v.bits)
	case *Value:
		t.takeValue(s, to, v.text)
	case *Mask:
		*to = append(*to, string(v.text))
	case pathTaker:
		to(v.text)
	case *map[string]bool:
		if *to == nil {
			*to = map[string]bool{}
		}
		(*to)[v.key] = v.bits != 0
	}
}

// takeValue keeps a Value, which in Proto is still a message.
func (t *table) takeValue(s slot, to *Value, v []byte) {
	if t.format == JSON {
		*to = v
		return
	}
	r := valueReader{}
	if *to = r.read(nil, v, 0); r.code != "" {
		t.wrong(s, r.code, r.message)
	}
}

// choose notes which field was given. Of a oneof JSON may have one alone; in Proto the last one counts.
func (t *table) choose(e *Entry) {
	if e.Case == nil {
		return
	}
	if t.format == JSON && *e.Case != 0 && *e.Case != e.Number {
		t.note(e.Name, "repeated", e.Name+" can't stand beside another field of which only one may be given")
	}
	*e.Case = e.Number
}

func (t *table) enter(s slot, key string) target {
	e := &t.list[s.at]
	t.choose(e)
	switch to := e.To.(type) {
	case *Input:
		return to
	case eachTarget:
		return to()
	}
	inner := &table{format: t.format, path: t.path + "/" + e.Name, wrongs: t.wrongs}
	switch to := e.To.(type) {
	case func() Table:
		inner.list = to()
	case Repeated:
		inner.list = to()
	case func(string) Table:
		inner.list, inner.path = to(key), inner.path+string(jsontext.Pointer("").AppendToken(input.Cut(key, 64)))
	}
	return inner
}

func (t *table) wrong(s slot, code, message string) {
	e := &t.list[s.at]
	if message == "" {
		message = e.Name + " is wrong: " + s.kind.expected()
	} else {
		message = e.Name + " is wrong: " + message
	}
	t.note(e.Name, code, message)
}

// expected says in a sentence what a kind takes.
func (k kind) expected() string {
	switch k {
	case texts:
		return "a text is expected"
	case octets:
		return "base64 is expected"
	case truth, truths:
		return "true or false is expected"
	case int32s, int64s:
		return "a whole number is expected"
	case double:
		return "a number is expected"
	case stamp:
		return "a time is expected, such as \"2026-11-22T19:03:31Z\" (RFC 3339)"
	case anyJSON:
		return "a JSON value is expected"
	case mask:
		return "a text of names with commas between them is expected"
	case message, entries, unknown:
	}
	return "an object is expected"
}

func (t *table) stranger(name string) {
	names := make([]string, len(t.list))
	for i := range t.list {
		names[i] = t.list[i].Name
	}
	hint := "it takes nothing"
	if len(names) > 0 {
		hint = "it takes " + input.Either(names)
	}
	if n := nearest.Of(input.Cut(name, 64), names); n != "" {
		hint = "did you mean " + strconv.Quote(n) + "?"
	}
	t.note(name, "unknown_field", "the message has no field "+strconv.Quote(input.Cut(name, 64))+"; "+hint)
}

func (t *table) note(name, code, message string) {
	if t.wrongs == nil || len(*t.wrongs) >= input.WrongMax {
		return
	}
	pointer := t.path + string(jsontext.Pointer("").AppendToken(input.Cut(name, 64)))
	*t.wrongs = append(*t.wrongs, roundtrip.Detail{Pointer: pointer, Code: code, Message: message})
}
