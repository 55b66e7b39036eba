package wire

import (
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// ReadCreate reads the message of a Create into a call that has its action and collection. files may be nil where the
// server keeps none.
func ReadCreate(p *Plans, f Format, body []byte, call *roundtrip.Call, files Files) error {
	return readWrite(p, f, body, call, files)
}

// ReadUpdate reads the message of an Update.
func ReadUpdate(p *Plans, f Format, body []byte, call *roundtrip.Call, files Files) error {
	return readWrite(p, f, body, call, files)
}

// ReadDelete reads the message of a Delete.
func ReadDelete(p *Plans, f Format, body []byte, call *roundtrip.Call) error {
	return readWrite(p, f, body, call, nil)
}

func readWrite(p *Plans, f Format, body []byte, call *roundtrip.Call, files Files) error {
	r := newRequest(p.Of(call.Collection), f, call)
	var wrong []roundtrip.Detail
	if err := read(f, body, &table{list: r.table(), format: f, wrongs: &wrong}); err != nil {
		return err
	}
	if call.Action != roundtrip.Create {
		id, err := recordID(call.Collection, r.id())
		if err != nil {
			return err
		}
		call.ID = id
	}
	if call.Action == roundtrip.Delete {
		if call.IfMatch, wrong = r.version(wrong); len(wrong) > 0 {
			return wrongRequest(wrong)
		}
	} else {
		call.Wrong = append(call.Wrong, wrong...)
		if err := r.done(files); err != nil {
			return err
		}
	}
	return r.sign()
}

// request is a write as it is being read.
type request struct {
	plan   *Plan
	format Format
	call   *roundtrip.Call
	in     *Input // Create, Update
	target string // Delete: the id
	etag   string // Delete
	key    string
	masked []bool // Update: nil without a mask
	adds   []*addition
	rest   nothing
}

// addition is an element of UpdatePhotoRequest.add.
type addition struct {
	field string
	by    int32 // which of the two was given, by its number
	whole int64
	real  float64
}

func newRequest(p *Plan, f Format, call *roundtrip.Call) *request {
	r := &request{plan: p, format: f, call: call}
	if call.Action != roundtrip.Delete {
		r.in = p.Input(f, call)
	}
	return r
}

// table is what the message of the action has.
func (r *request) table() Table {
	switch r.call.Action {
	case roundtrip.Create:
		return Table{
			{Number: 1, Name: r.plan.single, To: r.in},
			{Number: 2, Name: "request_id", To: &r.key},
		}
	case roundtrip.Update:
		return Table{
			{Number: 1, Name: r.plan.single, To: r.in},
			{Number: 2, Name: "update_mask", To: pathTaker(r.mask)},
			{Number: 3, Name: "add", To: eachTarget(r.add)},
			{Number: 4, Name: "request_id", To: &r.key},
		}
	default:
	}
	return Table{
		{Number: 1, Name: "id", To: &r.target},
		{Number: 2, Name: "etag", To: &r.etag},
		{Number: 3, Name: "request_id", To: &r.key},
	}
}

func (r *request) id() string {
	if r.in != nil {
		return string(r.in.values[roundtrip.FieldID].v.text)
	}
	return r.target
}

// mask takes one path of an update mask.
func (r *request) mask(path []byte) {
	if r.masked == nil {
		r.masked = make([]bool, len(r.plan.columns))
	}
	if len(r.call.Wrong) >= input.WrongMax {
		return
	}
	name := string(path[:min(len(path), 256)])
	i, ok := r.plan.path(name)
	switch {
	case ok && i == roundtrip.FieldID:
		input.Wrong(r.call, name, "immutable", input.IDIsKept)
	case ok && input.ReadOnly(i, r.plan.collection.Fields[i]), name == "expand":
		input.Wrong(r.call, name, "read_only", name+" is kept by the server; it can't stand in update_mask")
	case ok:
		r.masked[i] = true
	case name == "*":
		input.Wrong(r.call, name, "unknown_field", "update_mask takes names of fields; without a mask all fields that are set are written")
	default:
		r.wholeField(name)
	}
}

// wholeField refuses a path that leads to no field.
func (r *request) wholeField(path string) {
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if at, ok := r.plan.path(path[:i]); ok {
			input.Wrong(r.call, path, "unknown_field", "update_mask takes whole fields; did you mean "+strconv.Quote(r.plan.columns[at].name)+"?")
			return
		}
		break
	}
	input.UnknownField(r.call, path)
}

// add begins an addition. One more than there can be is enough to refuse it.
func (r *request) add() target {
	if len(r.adds) > len(r.plan.columns) {
		return &r.rest
	}
	a := &addition{}
	r.adds = append(r.adds, a)
	return &table{format: r.format, path: "/add", wrongs: &r.call.Wrong, list: Table{
		{Number: 1, Name: "field", To: &a.field},
		{Number: 2, Name: "whole", To: &a.whole, Case: &a.by},
		{Number: 3, Name: "real", To: &a.real, Case: &a.by},
	}}
}

// version reads the etag that the record must have.
func (r *request) version(wrong []roundtrip.Detail) (int64, []roundtrip.Detail) {
	etag := r.etag
	if r.in != nil {
		etag = r.in.etag
	}
	if etag == "" {
		return 0, wrong
	}
	v, ok := input.ParseVersion(etag)
	if !ok {
		v, ok = input.ParseETag(etag)
	}
	if !ok {
		wrong = append(wrong, roundtrip.Detail{Pointer: "/etag", Code: "wrong_value", Message: "an etag as it was given is expected, such as \"3\""})
	}
	return v, wrong
}

// done puts what was read into the call.
func (r *request) done(files Files) error {
	if r.call.Action == roundtrip.Update {
		r.call.IfMatch, r.call.Wrong = r.version(r.call.Wrong)
		for _, a := range r.adds {
			r.put(a)
		}
	}
	masked := r.masked
	if masked != nil && len(r.call.Wrong) == 0 && !anyOf(masked) {
		masked = nil
	}
	return r.in.Done(masked, files)
}

func anyOf(masked []bool) bool {
	for _, m := range masked {
		if m {
			return true
		}
	}
	return false
}

// put makes an addition of the call.
func (r *request) put(a *addition) {
	i, ok := r.plan.path(a.field)
	switch {
	case a.field == "":
		input.Wrong(r.call, "add", "required", "add says nothing of the field that it adds to")
		return
	case !ok:
		input.UnknownField(r.call, a.field)
		return
	}
	f := r.plan.collection.Fields[i]
	switch {
	case input.ReadOnly(i, f):
		input.Wrong(r.call, f.Name, "read_only", f.Name+" is kept by the server; leave it out")
		return
	case f.Type != roundtrip.TypeInt && f.Type != roundtrip.TypeFloat:
		input.Wrong(r.call, f.Name, "wrong_type", input.Expected(f)+"; only to numbers can be added")
		return
	case r.added(i) || r.masked == nil && r.in.given(i) || r.masked != nil && r.masked[i]:
		input.Wrong(r.call, f.Name, "repeated", f.Name+" is written once in one call")
		return
	}
	if by, ok := r.amount(f, a); ok {
		r.call.Adds = append(r.call.Adds, roundtrip.Add{Field: i, By: by})
	}
}

func (r *request) added(i int) bool {
	for _, a := range r.call.Adds {
		if a.Field == i {
			return true
		}
	}
	return false
}

// amount is what is added, in the type of the field.
func (r *request) amount(f *roundtrip.Field, a *addition) (roundtrip.Value, bool) {
	switch {
	case a.by == 0:
		input.Wrong(r.call, f.Name, "required", "add says nothing of how much is added: whole or real")
		return roundtrip.Value{}, false
	case a.by == 2 && f.Type == roundtrip.TypeInt:
		return roundtrip.Int(a.whole), true
	case a.by == 2:
		return roundtrip.Float(float64(a.whole)), true
	case f.Type == roundtrip.TypeFloat:
		return roundtrip.Float(a.real), true
	}
	v, code, message := input.ParseNumber(f, strconv.FormatFloat(a.real, 'e', -1, 64))
	if code != "" {
		input.Wrong(r.call, f.Name, code, message)
	}
	return v, code == ""
}
