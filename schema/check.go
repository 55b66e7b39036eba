package schema

import (
	"math"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// Check completes the input of a Create with its defaults, and checks the input of a Create or Update against the
// collection: required, immutable, bounds, patterns, forms. E-mail addresses become lower case. Other actions have no
// input and pass. The error is one *roundtrip.Error of kind Invalid, reason schema.invalid, with a detail for each mistake
// and first those that the door found already (call.Wrong).
func (s *Schema) Check(call *roundtrip.Call, who *roundtrip.Principal) error {
	if call.Action != roundtrip.Create && call.Action != roundtrip.Update {
		return nil
	}
	in := inspection{call: call, wrong: call.Wrong}
	checks := s.checksOf(call.Collection)
	if checks == nil { // a collection of another schema: a mistake of ours
		return &roundtrip.Error{Kind: roundtrip.Internal, Reason: "app.internal", Op: "schema.check: foreign collection"}
	}
	if call.Input == nil {
		call.Input = roundtrip.NewRecord(call.Collection)
	}
	if call.Action == roundtrip.Create {
		complete(call, who)
	}
	in.systemFields()
	for i := roundtrip.FirstField; i < len(checks); i++ {
		in.field(&checks[i], i)
	}
	for _, add := range call.Adds {
		in.add(call.Collection.Fields[add.Field], add)
	}
	return in.err()
}

// complete puts the defaults into the fields that the caller did not give.
func complete(call *roundtrip.Call, who *roundtrip.Principal) {
	for i, f := range call.Collection.Fields {
		if call.Input.Set[i] || f.Default.Source == roundtrip.NoDefault {
			continue
		}
		switch f.Default.Source {
		case roundtrip.DefaultConstant:
			call.Input.Put(i, f.Default.Value)
		case roundtrip.DefaultNow:
			call.Input.Put(i, roundtrip.Time(call.Time))
		case roundtrip.DefaultAuthID:
			if who != nil && who.ID != 0 { // operators have no account
				call.Input.Put(i, roundtrip.Ref(who.ID))
			}
		case roundtrip.NoDefault:
		}
	}
}

// inspection gathers what is wrong with one input.
type inspection struct {
	call  *roundtrip.Call
	wrong []roundtrip.Detail
}

func (in *inspection) note(d roundtrip.Detail) { in.wrong = append(slices.Clip(in.wrong), d) }

// said reports whether the door found something wrong with a field already.
func (in *inspection) said(name string) bool {
	return slices.ContainsFunc(in.call.Wrong, func(d roundtrip.Detail) bool { return d.Pointer == "/"+name })
}

// systemFields refuses fields that the server sets. A client may choose the id of a new record.
func (in *inspection) systemFields() {
	for i := range roundtrip.FirstField {
		f := in.call.Collection.Fields[i]
		if !in.call.Input.Set[i] || in.said(f.Name) {
			continue
		}
		d := roundtrip.Detail{Pointer: "/" + f.Name, Code: "read_only", Message: f.Name + " is set by the server; leave it out"}
		if i == roundtrip.FieldID {
			v := in.call.Input.Values[i]
			switch {
			case in.call.Action == roundtrip.Update:
				d.Code, d.Message = "immutable", "id is read only: a record keeps its id; leave it out"
			case v.Kind() == roundtrip.IDValue && v.ID() > 0 && !in.ahead(v.ID()):
				continue
			case v.Kind() == roundtrip.IDValue && v.ID() > 0:
				d.Code, d.Message = "out_of_range", "a chosen id must not be of a time that is yet to come: this one is of "+
					v.ID().Time().Format(time.RFC3339)+"; make it of the time now, or leave it out to get one"
			default:
				d.Code, d.Message = "wrong_type", "an id is "+roundtrip.IDForm+"; leave it out to get one"
			}
		}
		in.note(d)
	}
}

// clockDrift is how much later than ours a client's clock may be that makes ids.
const clockDrift = time.Second

// ahead reports whether an id has a time that is yet to come. Whoever could choose those would take the ids that the
// server is about to give.
func (in *inspection) ahead(id roundtrip.ID) bool {
	return !in.call.Time.IsZero() && id.Time().After(in.call.Time.Add(clockDrift))
}

func (in *inspection) field(k *check, i int) {
	f, input := k.field, in.call.Input
	if in.said(f.Name) {
		return
	}
	if !input.Set[i] {
		if in.call.Action == roundtrip.Create && f.Required {
			in.note(k.required(in.call))
		}
		return
	}
	switch {
	case f.Type == roundtrip.TypeCount:
		in.note(k.detail("read_only", "%s is counted by the server; leave it out", f.Name))
	case in.call.Action == roundtrip.Update && f.Immutable:
		in.note(k.detail("immutable", "%s can be set at creation only; leave it out", f.Name))
	case input.Values[i].IsNull():
		if f.Required {
			in.note(k.required(in.call))
		}
	default:
		if d := k.value(&input.Values[i]); d.Code != "" {
			in.note(d)
		}
	}
}

// required says that a value is missing, and for one that would be the caller's account, why.
func (k *check) required(call *roundtrip.Call) roundtrip.Detail {
	f := k.field
	if f.Default.Source == roundtrip.DefaultAuthID && call.Action == roundtrip.Create {
		return k.detail("required", "%s is required; it is your own account once you are signed in", f.Name)
	}
	if f.Type == roundtrip.TypeFile {
		return k.detail("required", "%s is required; send the file as a part of a multipart form, or over gRPC in %s.content", f.Name, f.Name)
	}
	return k.detail("required", "%s is required and can't be null", f.Name)
}

// add checks an atomic addition. The store checks the bounds of the sum, which nobody knows before.
func (in *inspection) add(f *roundtrip.Field, add roundtrip.Add) {
	k := check{field: f}
	kind := add.By.Kind()
	switch {
	case in.said(f.Name):
	case f.Type == roundtrip.TypeCount:
		in.note(k.detail("read_only", "%s is counted by the server; leave it out", f.Name))
	case add.Field < roundtrip.FirstField:
		in.note(k.detail("read_only", "%s is set by the server; leave it out", f.Name))
	case f.Type != roundtrip.TypeInt && f.Type != roundtrip.TypeFloat:
		in.note(k.detail("wrong_type", "$add works on int and float; %s is a %s", f.Name, f.Type))
	case f.Immutable:
		in.note(k.detail("immutable", "%s can be set at creation only; leave it out", f.Name))
	case f.Type == roundtrip.TypeInt && kind != roundtrip.IntValue, kind != roundtrip.IntValue && kind != roundtrip.FloatValue:
		in.note(k.detail("wrong_type", "$add on %s takes a number of type %s", f.Name, f.Type))
	case math.IsNaN(add.By.Float()) || math.IsInf(add.By.Float(), 0):
		in.note(k.detail("out_of_range", "%s must be a number that can be written down", f.Name))
	case in.call.Input.Set[add.Field]:
		in.note(k.detail("twice", "%s is set and added to in one request; do one of them", f.Name))
	}
}

// err is the answer about all of it.
func (in *inspection) err() error {
	switch len(in.wrong) {
	case 0:
		return nil
	case 1:
		return roundtrip.E(roundtrip.Invalid, "schema.invalid", "%s", in.wrong[0].Message).With(in.wrong...)
	}
	return roundtrip.E(roundtrip.Invalid, "schema.invalid", "%d values don't fit the collection %s",
		len(in.wrong), in.call.Collection.Name).With(in.wrong...)
}
