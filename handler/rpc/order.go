package rpc

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/orders"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
)

// readOrder reads a LiveRequest. Its error is a [orders.Mistake].
func readOrder(f wire.Format, in []byte) (*orders.Order, error) {
	var id int64
	var text [8]string // by the number of the verb
	var there [8]int32 // the number, where the verb is there
	var cursor string
	var data wire.Value
	var ping bool
	topic := func(number int, more wire.Entry) func() wire.Table {
		return func() wire.Table { return wire.Table{{Number: 1, Name: "topic", To: &text[number]}, more} }
	}
	verbs := [8]string{2: orders.Auth, orders.Subscribe, orders.Unsubscribe, orders.Ack, orders.Send, orders.Ping}
	err := wire.Read(f, in, wire.Table{
		{Number: 1, Name: "id", To: &id},
		{Number: 2, Name: verbs[2], To: &text[2], Case: &there[2]},
		{Number: 3, Name: verbs[3], To: topic(3, wire.Entry{Number: 2, Name: "resume_token", To: &cursor}), Case: &there[3]},
		{Number: 4, Name: verbs[4], To: &text[4], Case: &there[4]},
		{Number: 5, Name: verbs[5], To: &text[5], Case: &there[5]},
		{Number: 6, Name: verbs[6], To: topic(6, wire.Entry{Number: 2, Name: "data", To: &data}), Case: &there[6]},
		{Number: 7, Name: verbs[7], To: &ping, Case: &there[7]},
	})
	if err != nil {
		return nil, mistake(err)
	}
	o := &orders.Order{Cursor: cursor}
	switch {
	case id < 0:
		return nil, orders.Mistake("id is a whole number, and not below 0")
	case id > 0:
		o.ID = strconv.FormatInt(id, 10)
	}
	for number, is := range there {
		if is == 0 {
			continue
		}
		if o.Verb != "" {
			return nil, orders.Mistake("a message does one thing, not " + o.Verb + " and " + verbs[number])
		}
		o.Verb, o.Text = verbs[number], text[number]
	}
	if data != nil {
		if o.Data = jsontext.Value(data); o.Data.Compact() != nil { // one line, as an event needs it
			return nil, orders.Mistake("data is a JSON value")
		}
	}
	return o, o.Check()
}

// mistake says in one sentence what is wrong with a message.
func mistake(err error) error {
	e := roundtrip.AsError(err)
	text := e.Public
	if len(e.Details) > 0 {
		text += ": " + e.Details[0].Pointer + " " + e.Details[0].Message
	}
	return orders.Mistake(text)
}
