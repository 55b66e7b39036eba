package rest

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

const (
	depthMax = 32 // of a JSON body
	wrongMax = 50 // details of one answer; what is wrong beyond that is not listed
)

// textMember is a member of a body that is no field of the collection, such as a password.
type textMember struct {
	name string
	to   *string
}

// decoder reads a JSON body (RFC 8259, with the limits of RFC 7493: no name twice, good UTF-8) into a call. What breaks the
// syntax is an error at once; wrong types and names are collected in call.Wrong.
type decoder struct {
	dec  *jsontext.Decoder
	base int    // offset of the text in the whole body
	path string // pointer of the text in the whole body
}

func newDecoder(text []byte) *decoder {
	return &decoder{dec: jsontext.NewDecoder(bytes.NewBuffer(text))}
}

// decodeRecord reads a whole body as one object into call.Input and call.Adds. Members of also are taken beside the
// fields.
func decodeRecord(call *roundtrip.Call, body []byte, also ...textMember) error {
	d := newDecoder(body)
	if err := d.object(call, also); err != nil {
		return err
	}
	return d.end()
}

// object reads one object into call.Input.
func (d *decoder) object(call *roundtrip.Call, also []textMember) error {
	if err := d.open('{', "an object is expected, such as {\"name\":\"value\"}"); err != nil {
		return err
	}
	for d.dec.PeekKind() != '}' {
		name, err := d.dec.ReadToken()
		if err != nil {
			return d.failed(err)
		}
		if err := d.member(call, name.String(), also); err != nil {
			return d.failed(err)
		}
	}
	_, err := d.dec.ReadToken()
	return d.failed(err)
}

// open reads the bracket with which a value starts.
func (d *decoder) open(kind jsontext.Kind, expected string) error {
	have := d.dec.PeekKind()
	if have == kind {
		_, err := d.dec.ReadToken()
		return d.failed(err)
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return d.failed(err)
	}
	return badJSON(d.base, d.path, "wrong_type", expected+"; the JSON here is "+jsonWords(have))
}

// jsonWords says what a JSON value is.
func jsonWords(kind jsontext.Kind) string {
	switch kind {
	case jsontext.KindBeginArray:
		return "an array"
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "true or false"
	case jsontext.KindNull, jsontext.KindInvalid, jsontext.KindEndObject, jsontext.KindEndArray:
	}
	return "null"
}

// end refuses what follows the body's one value.
func (d *decoder) end() error {
	_, err := d.dec.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return badJSON(d.base+int(d.dec.InputOffset()), "", "trailing", "the body goes on after its value has ended")
}

// member reads the value of one member.
func (d *decoder) member(call *roundtrip.Call, name string, also []textMember) error {
	for _, m := range also {
		if m.name == name {
			return d.text(call, name, m.to)
		}
	}
	i, ok := call.Collection.Lookup(name)
	if !ok {
		unknownField(call, name, also)
		return d.dec.SkipValue()
	}
	f := call.Collection.Fields[i]
	if readOnly(i, f) {
		wrongField(call, name, "read_only", name+" is kept by the server; leave it out")
		return d.dec.SkipValue()
	}
	return d.value(call, i, f)
}

// text reads a member that is no field.
func (d *decoder) text(call *roundtrip.Call, name string, to *string) error {
	if d.dec.PeekKind() != '"' {
		wrongField(call, name, "wrong_type", "a text is expected")
		return d.dec.SkipValue()
	}
	tok, err := d.dec.ReadToken()
	if err == nil {
		*to = tok.String()
	}
	return err
}

// readOnly reports whether a field is the server's own.
func readOnly(i int, f *roundtrip.Field) bool {
	return f.Type == roundtrip.TypeCount || i > roundtrip.FieldID && i < roundtrip.FirstField
}

// value reads the value of a field. Its syntax errors are errors; a value of another type is a detail.
func (d *decoder) value(call *roundtrip.Call, i int, f *roundtrip.Field) error {
	kind := d.dec.PeekKind()
	switch {
	case kind == 'n':
		if _, err := d.dec.ReadToken(); err != nil {
			return err
		}
		putValue(call, i, roundtrip.Value{})
		return nil
	case f.Type == roundtrip.TypeJSON:
		return d.rawValue(call, i, f)
	case kind == '{' && call.Action == roundtrip.Update && (f.Type == roundtrip.TypeInt || f.Type == roundtrip.TypeFloat):
		return d.add(call, i, f)
	case kind == '"' && wantsString(f.Type):
		tok, err := d.dec.ReadToken()
		if err != nil {
			return err
		}
		putText(call, i, f, tok.String())
		return nil
	case kind == '0' && (f.Type == roundtrip.TypeInt || f.Type == roundtrip.TypeFloat):
		v, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		putNumber(call, i, f, string(v))
		return nil
	case (kind == 't' || kind == 'f') && f.Type == roundtrip.TypeBool:
		_, err := d.dec.ReadToken()
		putValue(call, i, roundtrip.Bool(kind == 't'))
		return err
	}
	wrongField(call, f.Name, "wrong_type", expected(f))
	return d.dec.SkipValue()
}

// rawValue keeps a JSON value as it came, without its spaces.
func (d *decoder) rawValue(call *roundtrip.Call, i int, f *roundtrip.Field) error {
	v, err := d.dec.ReadValue()
	if err != nil {
		return err
	}
	if deep(v, depthMax-d.dec.StackDepth()) {
		return badJSON(d.base+int(d.dec.InputOffset()), d.path+"/"+f.Name, "too_deep", "arrays and objects stand over "+strconv.Itoa(depthMax)+" deep in each other")
	}
	v = v.Clone()
	if err := v.Compact(); err != nil {
		return err
	}
	putValue(call, i, roundtrip.JSON(string(v)))
	return nil
}

// add reads {"$add":1}.
func (d *decoder) add(call *roundtrip.Call, i int, f *roundtrip.Field) error {
	v, err := d.dec.ReadValue()
	if err != nil {
		return err
	}
	v = v.Clone()
	if err := v.Compact(); err != nil {
		return err
	}
	number, ok := strings.CutPrefix(string(v), `{"$add":`)
	number, closed := strings.CutSuffix(number, "}")
	if !ok || !closed || number == "" || strings.Trim(number, "+-.0123456789eE") != "" {
		wrongField(call, f.Name, "wrong_type", expected(f)+`, or {"$add":1}`)
		return nil
	}
	by, code, message := parseNumber(f, number)
	if code != "" {
		wrongField(call, f.Name, code, message)
		return nil
	}
	call.Adds = append(call.Adds, roundtrip.Add{Field: i, By: by})
	return nil
}

// deep reports whether brackets in a good JSON text stand over most deep in each other.
func deep(text []byte, most int) bool {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > most {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// failed turns what jsontext found into an error of ours. Errors of ours and nil stay as they are.
func (d *decoder) failed(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*roundtrip.Error](err); ok {
		return e
	}
	offset, pointer := d.base+int(d.dec.InputOffset()), d.path
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset, pointer = d.base+int(s.ByteOffset), d.path+string(s.JSONPointer)
		err = s.Err
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return badJSON(offset, pointer, "duplicate_name", "an object has this name twice")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badJSON(offset, pointer, "syntax", "it ends too early")
	case errors.Is(err, io.EOF):
		return badJSON(offset, pointer, "empty", "the body is empty; an object is expected")
	case err != nil && (strings.Contains(err.Error(), "UTF-8") || strings.Contains(err.Error(), "surrogate")):
		return badJSON(offset, pointer, "bad_utf8", "a text is not good UTF-8")
	case err != nil && strings.Contains(err.Error(), "depth"):
		return badJSON(offset, pointer, "too_deep", "arrays and objects stand over "+strconv.Itoa(depthMax)+" deep in each other")
	case err != nil && strings.Contains(err.Error(), "invalid character"):
		return badJSON(offset, pointer, "syntax", err.Error())
	}
	return badJSON(offset, pointer, "syntax", "this is no JSON")
}

// badJSON is the error of a body that can't be read. offset counts bytes from 0.
func badJSON(offset int, pointer, code, message string) error {
	public := "the body is no good JSON at byte " + strconv.Itoa(offset) + ": " + message
	if code == "wrong_type" || code == "empty" { // good JSON, or none at all
		public = message
	}
	return roundtrip.E(roundtrip.Invalid, "request.json", "%s", public).
		With(roundtrip.Detail{Pointer: cut(pointer, 256), Code: code, Message: "at byte " + strconv.Itoa(offset) + ": " + message})
}

// unknownField notes a member that is no field, with the nearest name that is one.
func unknownField(call *roundtrip.Call, name string, also []textMember) {
	if len(call.Wrong) >= wrongMax {
		return
	}
	var names []string
	for i, f := range call.Collection.Fields {
		if !readOnly(i, f) {
			names = append(names, f.Name)
		}
	}
	for _, m := range also {
		names = append(names, m.name)
	}
	hint := "its fields are " + strings.Join(names, ", ")
	if n := nearest.Of(cut(name, 64), names); n != "" {
		hint = "did you mean " + strconv.Quote(n) + "?"
	}
	wrongField(call, name, "unknown_field", call.Collection.Name+" has no field "+strconv.Quote(cut(name, 64))+"; "+hint)
}

// wrongField notes what is wrong with one member.
func wrongField(call *roundtrip.Call, name, code, message string) {
	if len(call.Wrong) < wrongMax {
		pointer := jsontext.Pointer("").AppendToken(cut(name, 64))
		call.Wrong = append(call.Wrong, roundtrip.Detail{Pointer: string(pointer), Code: code, Message: message})
	}
}
