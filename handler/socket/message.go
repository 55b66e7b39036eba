package socket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/stream/live"
)

// order is one message of a client: one verb, and what belongs to it.
type order struct {
	id     string // the number as it came, or ""
	verb   string // auth, subscribe, unsubscribe, ack, send, ping
	text   string // the verb's value
	cursor string
	data   jsontext.Value
}

// errMessage is a message that can't be understood; its text goes to the client.
type errMessage string

func (e errMessage) Error() string { return string(e) }

// parseOrder reads a message.
func parseOrder(message []byte) (order, error) {
	var o order
	d := jsontext.NewDecoder(bytes.NewReader(message))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return o, errMessage("a message is a JSON object")
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return o, errMessage("the message is no good JSON")
		}
		if err := o.member(name.String(), d); err != nil {
			return o, err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return o, errMessage("the message is no good JSON")
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return o, errMessage("one message is one JSON object")
	}
	switch {
	case o.verb == "":
		return o, errMessage("a message has auth, subscribe, unsubscribe, ack, send or ping")
	case o.cursor != "" && o.verb != "subscribe":
		return o, errMessage("cursor belongs to subscribe")
	case (o.data != nil) != (o.verb == "send"):
		return o, errMessage("send and data belong together")
	}
	return o, nil
}

// member reads one member.
func (o *order) member(name string, d *jsontext.Decoder) error {
	kind := d.PeekKind()
	value, err := d.ReadValue()
	if err != nil {
		return errMessage("the message is no good JSON")
	}
	switch name {
	case "id":
		if kind != '0' || len(value) > 20 || !whole(value) {
			return errMessage("id is a whole number")
		}
		o.id = string(value)
	case "cursor":
		return text(name, value, kind, &o.cursor)
	case "data":
		o.data = bytes.Clone(value)
		if o.data.Compact() != nil { // one line, as an event needs it
			return errMessage("data is a JSON value")
		}
	case "auth", "subscribe", "unsubscribe", "ack", "send":
		if o.verb != "" {
			return errMessage("a message does one thing, not " + o.verb + " and " + name)
		}
		o.verb = name
		return text(name, value, kind, &o.text)
	case "ping":
		if o.verb != "" {
			return errMessage("a message does one thing, not " + o.verb + " and " + name)
		}
		o.verb = name
	default:
		if len(name) > 40 {
			name = name[:40]
		}
		return errMessage("a message has no " + strconv.QuoteToASCII(name))
	}
	return nil
}

func whole(v []byte) bool {
	_, err := strconv.ParseUint(string(v), 10, 63)
	return err == nil
}

func text(name string, v jsontext.Value, kind jsontext.Kind, to *string) error {
	if kind != '"' {
		return errMessage(name + " is a text")
	}
	b, err := jsontext.AppendUnquote(nil, v)
	*to = string(b)
	if err != nil || *to == "" {
		return errMessage(name + " is a text, and not empty")
	}
	return nil
}

// obey does what a message asks. It reports false when nothing more is read. The work is done by a goroutine that ends with
// it: what it needs of the stack is not kept for an idle connection.
func (s *socket) obey(message []byte) bool {
	o, err := parseOrder(message)
	if err != nil {
		s.live.Close(live.Closing{Code: live.CloseBad, Reason: "stream.message", Why: err.Error()})
		return false
	}
	stay := false
	s.door.hub.Do(func(ctx context.Context) { stay = s.do(ctx, &o) })
	return stay
}

func (s *socket) do(ctx context.Context, o *order) (stay bool) {
	if s.live.WaitRoom(ctx) != nil {
		return false
	}
	var err error
	topic := ""
	switch o.verb {
	case "auth":
		return s.auth(ctx, o)
	case "subscribe":
		if topic, err = o.text, s.live.Subscribe(ctx, o.id, o.text, o.cursor); err == nil {
			return true
		}
	case "unsubscribe":
		topic, err = o.text, s.live.Unsubscribe(o.text)
	case "ack":
		if err = s.live.Ack(ctx, o.text); err == nil {
			return true
		}
	case "send":
		topic, err = o.text, s.live.Broadcast(ctx, o.text, o.data)
	}
	if err != nil {
		s.live.Refuse(o.id, topic, err)
		return true
	}
	s.live.Send(live.OK(o.id))
	return true
}

// auth signs the connection in. A token that proves nothing ends it.
func (s *socket) auth(ctx context.Context, o *order) (stay bool) {
	err := s.live.Authenticate(ctx, o.text)
	if err == nil {
		s.live.Send(live.OK(o.id))
		return true
	}
	s.live.Refuse(o.id, "", err)
	switch e := roundtrip.AsError(err); e.Kind {
	case roundtrip.Unauthenticated:
		s.live.Close(live.Closing{Code: live.CloseSession, Reason: e.Reason, Why: "the session has ended; sign in again"})
		return false
	case roundtrip.Limited:
		s.live.Close(live.Closing{Code: live.CloseTooMany, Reason: e.Reason, Why: e.Public})
		return false
	default:
		return true
	}
}
