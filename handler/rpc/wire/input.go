package wire

import (
	"encoding/json"
	"math"
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// Input is a record that a caller gives. It is gathered first and put into the call by [Input.Done], because what a field
// means can depend on what comes later: an update mask, another part of the same message.
type Input struct {
	plan   *Plan
	call   *roundtrip.Call
	format Format
	values []inputValue // by position
	etag   string
}

// inputValue is one field as it was given.
type inputValue struct {
	has           bool
	v             given
	own           bool // v.text is a copy that may grow
	file          *fileInput
	code, message string // what is wrong with its type
}

// fileInput is a File as it was given.
type fileInput struct {
	id, name, media string
	size            int64
	width, height   int32
	content         []byte
}

// Files stages the content of a file field and returns what the record is to hold. The content is valid while it runs.
type Files func(field *roundtrip.Field, name string, content []byte) (roundtrip.Value, error)

// Input makes room for a record in call.Input, to be read by the [Entry] that it is given to.
func (p *Plan) Input(f Format, call *roundtrip.Call) *Input {
	if call.Input == nil {
		call.Input = roundtrip.NewRecord(p.collection)
	}
	return &Input{plan: p, call: call, format: f, values: make([]inputValue, len(p.columns))}
}

func (in *Input) find(number int32, name string) slot {
	i, ok := in.plan.byNumber[number]
	if number == 0 {
		i, ok = in.plan.collection.Lookup(name)
	}
	if !ok {
		if in.plan.hasRefs && (number == numberExpand || name == "expand") {
			return slot{at: -1, kind: message}
		}
		return slot{}
	}
	return slot{at: i, kind: in.kind(i)}
}

// kind is how a field's value is read.
func (in *Input) kind(i int) kind {
	switch in.plan.columns[i].form {
	case integer:
		return int64s
	case float:
		return double
	case boolean:
		return truth
	case moment:
		if in.format == JSON {
			return texts
		}
		return stamp
	case value:
		return anyJSON
	case file:
		return message
	case text, id, version:
	}
	return texts
}

func (in *Input) take(s slot, v given) {
	x := &in.values[s.at]
	own := false
	if in.format == Proto && x.has && (s.kind == stamp || s.kind == anyJSON) { // a message in parts
		v.text, own = join(x.v.text, v.text, x.own), true
	}
	*x = inputValue{has: true, v: v, own: own, file: x.file}
	if s.at == roundtrip.FieldETag {
		in.etag = string(v.text)
	}
}

// join appends the next part of a message to those before it. own says that these may grow; else they are copied once.
func join(before, part []byte, own bool) []byte {
	if !own {
		before = slices.Clip(before)
	}
	return append(before, part...)
}

func (in *Input) enter(s slot, _ string) target {
	if s.at < 0 { // expand: what is in it is nobody's business
		return &nothing{}
	}
	x := &in.values[s.at]
	x.has = true
	if x.file == nil {
		x.file = &fileInput{}
	}
	f := x.file
	name := in.plan.columns[s.at].name
	return &table{format: in.format, path: "/" + name, wrongs: &in.call.Wrong, list: Table{
		{Number: fileID, Name: "id", To: &f.id},
		{Number: fileName, Name: "name", To: &f.name},
		{Number: fileType, Name: "type", To: &f.media},
		{Number: fileSize, Name: "size", To: &f.size},
		{Number: fileWidth, Name: "width", To: &f.width},
		{Number: fileHeight, Name: "height", To: &f.height},
		{Number: fileContent, Name: "content", To: &f.content},
	}}
}

func (in *Input) wrong(s slot, code, message string) {
	if s.at < 0 {
		return
	}
	if message == "" {
		message = in.expected(s.at)
	}
	in.values[s.at] = inputValue{has: true, code: code, message: message}
}

func (in *Input) expected(i int) string {
	f := in.plan.collection.Fields[i]
	if f.Type == roundtrip.TypeFile {
		return fileExpected
	}
	return input.Expected(f)
}

const fileExpected = "a file is expected: its content, and its name"

func (in *Input) stranger(name string) { input.UnknownField(in.call, name) }

// nothing takes a message that is not looked at.
type nothing struct{}

func (*nothing) find(int32, string) slot     { return slot{} }
func (*nothing) take(slot, given)            {}
func (n *nothing) enter(slot, string) target { return n }
func (*nothing) wrong(slot, string, string)  {}
func (*nothing) stranger(string)             {}

// Done puts what was gathered into the call; what is wrong with it goes to call.Wrong, where package schema finds it. Only
// the error of a file is one.
//
// Without a mask, what was given is set. A number or a bool without presence is set by a Create also where it was not given:
// that is how protobuf writes zero. With a mask, by position, exactly its fields are set: those that were not given to null,
// or to zero where they have no presence. What the server keeps is passed over (https://google.aip.dev/203), and what can be set
// at creation only has to be as it is, so that a record which was read can be sent back.
func (in *Input) Done(masked []bool, files Files) error {
	for i := range in.plan.columns {
		f, c := in.plan.collection.Fields[i], &in.plan.columns[i]
		switch {
		case i != roundtrip.FieldID && input.ReadOnly(i, f):
			if err := in.passOver(i); err != nil {
				return err
			}
			continue
		case i == roundtrip.FieldID && in.call.Action == roundtrip.Update:
			continue
		case masked != nil && !masked[i]:
			continue
		case in.given(i):
			if err := in.set(i, f, files); err != nil {
				return err
			}
		case masked == nil && in.call.Action == roundtrip.Update:
		case !c.explicit && (c.form == integer || c.form == float || c.form == boolean):
			in.setZero(i, c.form)
		case masked != nil:
			input.PutValue(in.call, i, roundtrip.Value{})
		}
		if f.Immutable && in.call.Action == roundtrip.Update {
			in.same(i, f)
		}
	}
	return nil
}

// given reports whether a field was given. An empty text without presence is none.
func (in *Input) given(i int) bool {
	x, c := &in.values[i], &in.plan.columns[i]
	if !x.has || x.code != "" || c.explicit || in.kind(i) != texts || len(x.v.text) > 0 {
		return x.has
	}
	return in.format == JSON && c.form == text // somebody wrote it
}

func (in *Input) setZero(i int, f form) {
	v := roundtrip.Int(0)
	switch f {
	case float:
		v = roundtrip.Float(0)
	case boolean:
		v = roundtrip.Bool(false)
	default:
	}
	input.PutValue(in.call, i, v)
}

// set puts one given value into the call.
func (in *Input) set(i int, f *roundtrip.Field, files Files) error {
	x := &in.values[i]
	if x.code != "" {
		input.Wrong(in.call, f.Name, x.code, x.message)
		return nil
	}
	switch in.plan.columns[i].form {
	case integer:
		input.PutValue(in.call, i, roundtrip.Int(int64(x.v.bits)))
	case float:
		input.PutValue(in.call, i, roundtrip.Float(math.Float64frombits(x.v.bits)))
	case boolean:
		input.PutValue(in.call, i, roundtrip.Bool(x.v.bits != 0))
	case moment:
		return in.setTime(i, f, x.v.text)
	case value:
		in.setValue(i, f, x.v.text)
	case file:
		return in.setFile(i, f, x.file, files)
	case text, id, version:
		input.PutText(in.call, i, f, string(x.v.text))
	}
	return nil
}

func (in *Input) setTime(i int, f *roundtrip.Field, v []byte) error {
	if in.format == JSON {
		input.PutText(in.call, i, f, string(v))
		return nil
	}
	micros, ok, err := readTimestamp(v)
	switch {
	case err != nil:
		return err
	case !ok:
		input.Wrong(in.call, f.Name, "out_of_range", f.Name+" must lie in the years 1 to 9999")
	default:
		input.PutValue(in.call, i, roundtrip.Micros(micros))
	}
	return nil
}

// passOver looks at what is not taken only as far as to know that it is a message.
func (in *Input) passOver(i int) error {
	if !in.values[i].has || in.format != Proto || in.plan.columns[i].form != moment {
		return nil
	}
	_, _, err := readTimestamp(in.values[i].v.text)
	return err
}

func (in *Input) setValue(i int, f *roundtrip.Field, v []byte) {
	if in.format == Proto {
		r := valueReader{}
		if v = r.read(nil, v, 0); r.code != "" {
			input.Wrong(in.call, f.Name, r.code, r.message)
			return
		}
	}
	if string(v) == "null" {
		input.PutValue(in.call, i, roundtrip.Value{})
		return
	}
	input.PutValue(in.call, i, roundtrip.JSON(string(v)))
}

// same makes a condition of a value that was given for a field that can't be changed. JSON has no one form to be compared in, and
// a file that was sent is a new one: package schema refuses these.
func (in *Input) same(i int, f *roundtrip.Field) {
	if r := in.call.Input; r.Set[i] && f.Type != roundtrip.TypeJSON && f.Type != roundtrip.TypeFile {
		in.call.Same = append(in.call.Same, roundtrip.Same{Field: i, Value: r.Values[i]})
		r.Set[i], r.Values[i] = false, roundtrip.Value{}
	}
}

// setFile stages a file. One that is stored already can't be set again, since its content belongs to the record that has it; an
// update may name it, and it stays.
func (in *Input) setFile(i int, f *roundtrip.Field, given *fileInput, files Files) error {
	switch {
	case given.content == nil && given.id != "" && in.call.Action == roundtrip.Update:
		b, err := json.Marshal(roundtrip.File{ID: given.id, Name: given.name})
		if err != nil {
			return roundtrip.Wrap("wire.file", err)
		}
		in.call.Same = append(in.call.Same, roundtrip.Same{Field: i, Value: roundtrip.JSON(string(b))})
		return nil
	case given.content == nil && (given.id != "" || given.name == ""):
		input.Wrong(in.call, f.Name, "wrong_type", fileExpected+"; leave it out to keep the one that is there")
		return nil
	case files == nil:
		input.Wrong(in.call, f.Name, "wrong_type", "no file can be given here; send it with a call of its own")
		return nil
	}
	v, err := files(f, given.name, given.content)
	if err != nil {
		return err
	}
	in.call.Input.Put(i, v)
	return nil
}
