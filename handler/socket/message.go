package socket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip/handler/orders"
)

// parseOrder reads a message.
func parseOrder(message []byte) (orders.Order, error) {
	var o orders.Order
	d := jsontext.NewDecoder(bytes.NewReader(message))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return o, orders.Mistake("a message is a JSON object")
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return o, orders.Mistake("the message is no good JSON")
		}
		if err := member(&o, name.String(), d); err != nil {
			return o, err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return o, orders.Mistake("the message is no good JSON")
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return o, orders.Mistake("one message is one JSON object")
	}
	return o, o.Check()
}

// member reads one member.
func member(o *orders.Order, name string, d *jsontext.Decoder) error {
	kind := d.PeekKind()
	value, err := d.ReadValue()
	if err != nil {
		return orders.Mistake("the message is no good JSON")
	}
	switch name {
	case "id":
		if kind != '0' || len(value) > 20 || !whole(value) {
			return orders.Mistake("id is a whole number")
		}
		o.ID = string(value)
	case "cursor":
		return text(name, value, kind, &o.Cursor)
	case "data":
		o.Data = bytes.Clone(value)
		if o.Data.Compact() != nil { // one line, as an event needs it
			return orders.Mistake("data is a JSON value")
		}
	case orders.Auth, orders.Subscribe, orders.Unsubscribe, orders.Ack, orders.Send:
		if o.Verb != "" {
			return orders.Mistake("a message does one thing, not " + o.Verb + " and " + name)
		}
		o.Verb = name
		return text(name, value, kind, &o.Text)
	case orders.Ping:
		if o.Verb != "" {
			return orders.Mistake("a message does one thing, not " + o.Verb + " and " + name)
		}
		o.Verb = name
	default:
		if len(name) > 40 {
			name = name[:40]
		}
		return orders.Mistake("a message has no " + strconv.QuoteToASCII(name))
	}
	return nil
}

func whole(v []byte) bool {
	_, err := strconv.ParseUint(string(v), 10, 63)
	return err == nil
}

func text(name string, v jsontext.Value, kind jsontext.Kind, to *string) error {
	if kind != '"' {
		return orders.Mistake(name + " is a text")
	}
	b, err := jsontext.AppendUnquote(nil, v)
	*to = string(b)
	if err != nil || *to == "" {
		return orders.Mistake(name + " is a text, and not empty")
	}
	return nil
}

// obey does what a message asks. It reports false when nothing more is read. The work is done by a goroutine that ends with
// it: what it needs of the stack is not kept for an idle connection.
func (s *socket) obey(message []byte) bool {
	o, err := parseOrder(message)
	if err != nil {
		s.live.Close(orders.Misunderstood(err))
		return false
	}
	stay := false
	s.door.hub.Do(func(ctx context.Context) {
		stay = s.live.WaitRoom(ctx) == nil && orders.Do(ctx, s.live, &o)
	})
	return stay
}
