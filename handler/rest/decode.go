package rest

import (
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// textMember is a member of a body that is no field of the collection, such as a password.
type textMember struct {
	name string
	to   *string
}

// membersOf returns the names of members.
func membersOf(also []textMember) []string {
	names := make([]string, len(also))
	for i, m := range also {
		names[i] = m.name
	}
	return names
}

// decoder reads a JSON body into a call. What breaks the syntax is an error at once; wrong types and names are collected in
// call.Wrong.
type decoder struct{ *input.Decoder }

func newDecoder(text []byte) *decoder { return &decoder{input.NewDecoder(text)} }

// decodeRecord reads a whole body as one object into call.Input and call.Adds. Members of also are taken beside the
// fields.
func decodeRecord(call *roundtrip.Call, body []byte, also ...textMember) error {
	d := newDecoder(body)
	if err := d.object(call, also); err != nil {
		return err
	}
	return d.End()
}

// object reads one object into call.Input.
func (d *decoder) object(call *roundtrip.Call, also []textMember) error {
	if err := d.Open('{', "an object is expected, such as {\"name\":\"value\"}"); err != nil {
		return err
	}
	for d.Dec.PeekKind() != '}' {
		name, err := d.Dec.ReadToken()
		if err != nil {
			return d.Failed(err)
		}
		if err := d.member(call, name.String(), also); err != nil {
			return d.Failed(err)
		}
	}
	_, err := d.Dec.ReadToken()
	return d.Failed(err)
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
		input.UnknownField(call, name, membersOf(also)...)
		return d.Dec.SkipValue()
	}
	f := call.Collection.Fields[i]
	if input.ReadOnly(i, f) {
		input.Wrong(call, name, "read_only", name+" is kept by the server; leave it out")
		return d.Dec.SkipValue()
	}
	return d.value(call, i, f)
}

// text reads a member that is no field.
func (d *decoder) text(call *roundtrip.Call, name string, to *string) error {
	if d.Dec.PeekKind() != '"' {
		input.Wrong(call, name, "wrong_type", "a text is expected")
		return d.Dec.SkipValue()
	}
	tok, err := d.Dec.ReadToken()
	if err == nil {
		*to = tok.String()
	}
	return err
}

// value reads the value of a field. Its syntax errors are errors; a value of another type is a detail.
func (d *decoder) value(call *roundtrip.Call, i int, f *roundtrip.Field) error {
	kind := d.Dec.PeekKind()
	switch {
	case kind == 'n':
		if _, err := d.Dec.ReadToken(); err != nil {
			return err
		}
		input.PutValue(call, i, roundtrip.Value{})
		return nil
	case f.Type == roundtrip.TypeJSON:
		return d.rawValue(call, i, f)
	case kind == '{' && call.Action == roundtrip.Update && (f.Type == roundtrip.TypeInt || f.Type == roundtrip.TypeFloat):
		return d.add(call, i, f)
	case kind == '"' && input.WantsString(f.Type):
		tok, err := d.Dec.ReadToken()
		if err != nil {
			return err
		}
		input.PutText(call, i, f, tok.String())
		return nil
	case kind == '0' && (f.Type == roundtrip.TypeInt || f.Type == roundtrip.TypeFloat):
		v, err := d.Dec.ReadValue()
		if err != nil {
			return err
		}
		input.PutNumber(call, i, f, string(v))
		return nil
	case (kind == 't' || kind == 'f') && f.Type == roundtrip.TypeBool:
		_, err := d.Dec.ReadToken()
		input.PutValue(call, i, roundtrip.Bool(kind == 't'))
		return err
	}
	input.Wrong(call, f.Name, "wrong_type", input.Expected(f))
	return d.Dec.SkipValue()
}

// rawValue keeps a JSON value as it came, without its spaces.
func (d *decoder) rawValue(call *roundtrip.Call, i int, f *roundtrip.Field) error {
	v, err := d.Dec.ReadValue()
	if err != nil {
		return err
	}
	if input.Deep(v, input.DepthMax-d.Dec.StackDepth()) {
		return input.BadJSON(d.Base+int(d.Dec.InputOffset()), d.Path+"/"+f.Name, "too_deep", "arrays and objects stand over "+strconv.Itoa(input.DepthMax)+" deep in each other")
	}
	v = v.Clone()
	if err := v.Compact(); err != nil {
		return err
	}
	input.PutValue(call, i, roundtrip.JSON(string(v)))
	return nil
}

// add reads {"$add":1}.
func (d *decoder) add(call *roundtrip.Call, i int, f *roundtrip.Field) error {
	v, err := d.Dec.ReadValue()
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
		input.Wrong(call, f.Name, "wrong_type", input.Expected(f)+`, or {"$add":1}`)
		return nil
	}
	by, code, message := input.ParseNumber(f, number)
	if code != "" {
		input.Wrong(call, f.Name, code, message)
		return nil
	}
	call.Adds = append(call.Adds, roundtrip.Add{Field: i, By: by})
	return nil
}
