package rest

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// batch answers POST batch: {"ops":[{"op":"create","collection":"photos","id":"…","data":{…}}, …]}.
func (x *exchange) batch() error {
	call, err := x.write(roundtrip.Batch)
	if err != nil {
		return err
	}
	body, err := x.json(jsonType)
	if err != nil {
		return err
	}
	b := batchReader{door: x.door, call: call, body: body, decoder: newDecoder(body)}
	if err := b.read(); err != nil {
		return err
	}
	x.sign(call, body)
	if err := x.do(call); err != nil {
		return err
	}
	x.markReplay()
	return x.send(http.StatusOK, x.answer.out, "")
}

// batchReader reads the body of a batch into a call.
type batchReader struct {
	*decoder
	door  *Door
	call  *roundtrip.Call
	body  []byte
	wrong []roundtrip.Detail
}

// op is one write as it was given. Its data is read when all of its members are known.
type op struct {
	verb, collection, id, etag string
	hasID, hasETag, hasData    bool
	from, to                   int // the data's text in the body
}

func (b *batchReader) read() error {
	if err := b.Open('{', `an object is expected, such as {"ops":[…]}`); err != nil {
		return err
	}
	found := false
	for b.Dec.PeekKind() != '}' {
		name, err := b.Dec.ReadToken()
		if err != nil {
			return b.Failed(err)
		}
		if name.String() != "ops" {
			b.add(string(jsontext.Pointer("").AppendToken(input.Cut(name.String(), 64))), "unknown_field", `a batch has one member, "ops"`)
			if err := b.Dec.SkipValue(); err != nil {
				return b.Failed(err)
			}
			continue
		}
		found = true
		if err := b.ops(); err != nil {
			return err
		}
	}
	if _, err := b.Dec.ReadToken(); err != nil {
		return b.Failed(err)
	}
	if err := b.End(); err != nil {
		return err
	}
	if !found || len(b.call.Ops) == 0 && len(b.wrong) == 0 {
		b.add("/ops", "required", "a batch has 1 to "+strconv.Itoa(input.OpsMax)+" writes in \"ops\"")
	}
	if len(b.wrong) > 0 {
		public := strconv.Itoa(len(b.wrong)) + " things are wrong with the batch; nothing was written"
		if len(b.wrong) == 1 {
			public = "nothing was written: " + b.wrong[0].Message
		}
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "%s", public).With(b.wrong...)
	}
	return nil
}

func (b *batchReader) add(pointer, code, message string) {
	if len(b.wrong) < input.WrongMax {
		b.wrong = append(b.wrong, roundtrip.Detail{Pointer: pointer, Code: code, Message: message})
	}
}

func (b *batchReader) ops() error {
	if err := b.Open('[', "\"ops\" is an array of writes"); err != nil {
		return err
	}
	for n := 0; b.Dec.PeekKind() != ']'; n++ {
		if n >= input.OpsMax {
			return roundtrip.E(roundtrip.Invalid, "request.invalid", "a batch has at most %d writes", input.OpsMax).
				With(roundtrip.Detail{Pointer: "/ops", Code: "too_many", Message: "send the rest as another batch"})
		}
		o, err := b.op("/ops/" + strconv.Itoa(n))
		if err != nil {
			return b.Failed(err)
		}
		if err := b.take(&o, "/ops/"+strconv.Itoa(n)); err != nil {
			return err
		}
	}
	_, err := b.Dec.ReadToken()
	return b.Failed(err)
}

// op reads the members of one write.
func (b *batchReader) op(pointer string) (o op, err error) {
	if err := b.Open('{', "each of the ops is an object"); err != nil {
		return o, err
	}
	for b.Dec.PeekKind() != '}' {
		tok, err := b.Dec.ReadToken()
		if err != nil {
			return o, err
		}
		name := tok.String()
		switch name {
		case "op":
			err = b.string(&o.verb, pointer+"/op")
		case "collection":
			err = b.string(&o.collection, pointer+"/collection")
		case "id":
			o.hasID = true
			err = b.string(&o.id, pointer+"/id")
		case "etag":
			o.hasETag = true
			err = b.string(&o.etag, pointer+"/etag")
		case "data":
			o.hasData = true
			var v jsontext.Value
			v, err = b.Dec.ReadValue()
			o.to = int(b.Dec.InputOffset())
			o.from = o.to - len(v)
		default:
			b.add(pointer+string(jsontext.Pointer("").AppendToken(input.Cut(name, 64))), "unknown_field",
				fmt.Sprintf("a write has no member %q; %s", input.Cut(name, 64), input.MeantOf(name, []string{"op", "collection", "id", "etag", "data"})))
			err = b.Dec.SkipValue()
		}
		if err != nil {
			return o, err
		}
	}
	_, err = b.Dec.ReadToken()
	return o, err
}

func (b *batchReader) string(to *string, pointer string) error {
	if b.Dec.PeekKind() != '"' {
		b.add(pointer, "wrong_type", "a text is expected")
		return b.Dec.SkipValue()
	}
	tok, err := b.Dec.ReadToken()
	if err == nil {
		*to = tok.String()
	}
	return err
}

// take makes a call of one write.
func (b *batchReader) take(o *op, pointer string) error {
	c := roundtrip.Call{Time: b.call.Time, Addr: b.call.Addr}
	switch o.verb {
	case "create":
		c.Action = roundtrip.Create
	case "update":
		c.Action = roundtrip.Update
	case "delete":
		c.Action = roundtrip.Delete
	case "":
		b.add(pointer+"/op", "required", "what to do is missing: \"op\" is create, update or delete")
		return nil
	default:
		b.add(pointer+"/op", "wrong_value", fmt.Sprintf("there is no op %q; %s", input.Cut(o.verb, 64), input.MeantOf(o.verb, []string{"create", "update", "delete"})))
		return nil
	}
	schema := b.door.core.Schema()
	if c.Collection = schema.Lookup(o.collection); c.Collection == nil {
		if o.collection == "" {
			b.add(pointer+"/collection", "required", "the collection is missing: \"collection\" is "+input.Either(schema.Names()))
			return nil
		}
		b.add(pointer+"/collection", "unknown_collection",
			fmt.Sprintf("there is no collection %q; %s", input.Cut(o.collection, 64), input.MeantOf(o.collection, schema.Names())))
		return nil
	}
	before := len(b.wrong)
	b.takeTarget(&c, o, pointer)
	if err := b.takeData(&c, o, pointer); err != nil {
		return err
	}
	if len(b.wrong) == before {
		b.call.Ops = append(b.call.Ops, c)
	}
	return nil
}

// takeTarget reads which record, and which version of it, a write is meant for.
func (b *batchReader) takeTarget(c *roundtrip.Call, o *op, pointer string) {
	id, ok := roundtrip.ParseID(o.id)
	switch {
	case o.hasID && !ok:
		b.add(pointer+"/id", "wrong_type", "an id is expected: "+roundtrip.IDForm)
	case !o.hasID && c.Action != roundtrip.Create:
		b.add(pointer+"/id", "required", "the id of the record is expected")
	}
	c.ID = id
	if !o.hasETag {
		return
	}
	v, ok := input.ParseVersion(o.etag)
	if !ok {
		v, ok = input.ParseETag(o.etag)
	}
	switch {
	case c.Action == roundtrip.Create:
		b.add(pointer+"/etag", "unknown_field", "a create has no etag")
	case !ok:
		b.add(pointer+"/etag", "wrong_value", "an etag as it was given is expected, such as \"3\"")
	}
	c.IfMatch = v
}

// takeData reads the record that a create or update brings.
func (b *batchReader) takeData(c *roundtrip.Call, o *op, pointer string) error {
	if c.Action == roundtrip.Delete {
		if o.hasData {
			b.add(pointer+"/data", "unknown_field", "a delete has no data")
		}
		return nil
	}
	if !o.hasData {
		b.add(pointer+"/data", "required", "the record's members are expected in \"data\"")
		return nil
	}
	c.Input = roundtrip.NewRecord(c.Collection)
	d := newDecoder(b.body[o.from:o.to])
	d.Base, d.Path = o.from, pointer+"/data"
	if err := d.object(c, nil); err != nil {
		return err
	}
	if c.Action == roundtrip.Create {
		b.takeID(c, pointer)
	}
	return nil
}

// takeID is the id that a client chose for a new record: beside the data, or in it.
func (b *batchReader) takeID(c *roundtrip.Call, pointer string) {
	given := c.Input.ID()
	if c.ID == 0 {
		return
	}
	if given != 0 && given != c.ID {
		b.add(pointer+"/data/id", "wrong_value", "another id stands beside the data")
	}
	c.Input.Put(roundtrip.FieldID, roundtrip.Ref(c.ID))
	c.ID = 0
}
