package wire

import (
	"crypto/sha256"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// The numbers of a batch's Op: those of a collection follow on each other.
const (
	opsPerCollection = 4
	opCreate         = 0
	opUpdate         = 1
	opDelete         = 2
)

// changesMax is how often one op may turn into another write. In protobuf the last one counts; nobody sends more than that one.
const changesMax = 4

// ReadBatch reads the message of Batch.Write. Its writes bring no files. call.Ops has a place for each of them, also where it
// fails, so that pointers lead there.
func ReadBatch(p *Plans, f Format, body []byte, call *roundtrip.Call) error {
	b := &batch{plans: p, format: f, call: call}
	var key string
	t := Table{{Number: 1, Name: "ops", To: eachTarget(b.next)}, {Number: 2, Name: "request_id", To: &key}}
	if err := read(f, body, &table{list: t, format: f, wrongs: &b.wrong}); err != nil {
		return err
	}
	if len(b.ops) > input.OpsMax {
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "a batch has at most %d writes", input.OpsMax).
			With(roundtrip.Detail{Pointer: "/ops", Code: "too_many", Message: "send the rest as another batch"})
	}
	if len(b.ops) == 0 && len(b.wrong) == 0 {
		b.note("/ops", "required", "a batch has 1 to "+strconv.Itoa(input.OpsMax)+" writes in \"ops\"")
	}
	for i, o := range b.ops {
		if err := b.take(o, "/ops/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	if len(b.wrong) > 0 {
		public := strconv.Itoa(len(b.wrong)) + " things are wrong with the batch; nothing was written"
		if len(b.wrong) == 1 {
			public = "nothing was written: " + b.wrong[0].Message
		}
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", public).With(b.wrong...)
	}
	return b.sign(key)
}

// batch is a batch that is being read.
type batch struct {
	plans  *Plans
	format Format
	call   *roundtrip.Call
	ops    []*op
	wrong  []roundtrip.Detail
	rest   nothing
}

// op is one of its writes: the last one that was given counts. It is the target of the message Op.
type op struct {
	batch   *batch
	pointer string
	request *request
	number  int32
	changes int  // of number
	strange bool // something was said about it already
}

func (b *batch) next() target {
	if len(b.ops) > input.OpsMax { // it will be refused
		return &b.rest
	}
	o := &op{batch: b, pointer: "/ops/" + strconv.Itoa(len(b.ops))}
	b.ops = append(b.ops, o)
	return o
}

func (b *batch) note(pointer, code, message string) {
	if len(b.wrong) < input.WrongMax {
		b.wrong = append(b.wrong, roundtrip.Detail{Pointer: pointer, Code: code, Message: message})
	}
}

func (o *op) find(number int32, name string) slot {
	for _, c := range o.batch.plans.schema.Collections {
		if number != 0 {
			if verb := number - opsPerCollection*c.Number; verb >= opCreate && verb <= opDelete {
				return slot{at: int(number), kind: message}
			}
			continue
		}
		for verb, word := range verbs() {
			if name == word+c.Name {
				return slot{at: int(opsPerCollection*c.Number) + verb, kind: message}
			}
		}
	}
	return slot{}
}

func verbs() [3]string { return [...]string{"create_", "update_", "delete_"} }

func (o *op) take(slot, given) {}

// enter begins a write, or goes on with it where it comes in parts.
func (o *op) enter(s slot, _ string) target {
	if o.request == nil || o.number != int32(s.at) {
		if o.changes++; o.changes > changesMax || o.changes > 1 && o.batch.format == JSON {
			if !o.strange {
				o.batch.note(o.pointer, "repeated", "each of the ops is one write")
			}
			o.strange = true
			return &o.batch.rest
		}
		o.number = int32(s.at)
		o.request = o.begin()
	}
	return &table{list: o.request.table(), format: o.batch.format, path: o.pointer, wrongs: &o.batch.wrong}
}

func (o *op) begin() *request {
	b := o.batch
	call := &roundtrip.Call{Time: b.call.Time, Addr: b.call.Addr, Action: roundtrip.Create + roundtrip.Action(o.number%opsPerCollection)}
	for _, c := range b.plans.schema.Collections {
		if c.Number == o.number/opsPerCollection {
			call.Collection = c
		}
	}
	return newRequest(b.plans.Of(call.Collection), b.format, call)
}

func (o *op) wrong(_ slot, code, message string) {
	o.strange = true
	if message == "" {
		message = "each of the ops is an object with one write"
	}
	o.batch.note(o.pointer, code, message)
}

func (o *op) stranger(name string) {
	o.strange = true
	var names []string
	for _, c := range o.batch.plans.schema.Collections {
		for _, verb := range verbs() {
			names = append(names, verb+c.Name)
		}
	}
	hint := "a write is create_, update_ or delete_ and a collection"
	if n := nearest.Of(input.Cut(name, 64), names); n != "" {
		hint = "did you mean " + strconv.Quote(n) + "?"
	}
	pointer := o.pointer + string(jsontext.Pointer("").AppendToken(input.Cut(name, 64)))
	o.batch.note(pointer, "unknown_field", "there is no write "+strconv.Quote(input.Cut(name, 64))+"; "+hint)
}

// take makes a call of one write. What is wrong with its record is said later, with what package schema has to say.
func (b *batch) take(o *op, pointer string) error {
	r := o.request
	if r == nil {
		b.call.Ops = append(b.call.Ops, roundtrip.Call{}) // so that the writes behind it keep their places
		if !o.strange {
			b.note(pointer, "required", "what to do is missing: one write is create_, update_ or delete_ and a collection")
		}
		return nil
	}
	before := len(b.wrong)
	if r.key != "" {
		b.note(pointer+"/request_id", "unknown_field", "a batch is done once as a whole: request_id stands beside ops")
	}
	if r.call.Action != roundtrip.Create {
		id, ok := roundtrip.ParseID(r.id())
		switch {
		case r.id() == "":
			b.note(pointer+"/id", "required", "the id of the record is expected")
		case !ok:
			b.note(pointer+"/id", "wrong_type", "an id is expected: "+roundtrip.IDForm)
		}
		r.call.ID = id
	}
	var wrong []roundtrip.Detail
	if r.call.Action != roundtrip.Create {
		if r.call.IfMatch, wrong = r.version(nil); len(wrong) > 0 {
			b.note(pointer+"/etag", wrong[0].Code, wrong[0].Message)
		}
	}
	if r.in != nil && len(b.wrong) == before {
		if err := r.done(nil); err != nil {
			return err
		}
	}
	b.call.Ops = append(b.call.Ops, *r.call)
	return nil
}

// sign ties the key of a batch to all of its writes.
func (b *batch) sign(key string) error {
	if err := takeKey(b.call, key); err != nil || b.call.Key == "" {
		return err
	}
	h := sha256.New()
	for _, o := range b.ops {
		o.request.tell(h)
	}
	h.Sum(b.call.KeyHash[:0])
	return nil
}
