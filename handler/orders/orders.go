// Package orders is what a client may ask of its stream, and how it is done: the same verbs, limits and answers for a
// WebSocket and for a call of gRPC that goes both ways. How an order is written is the business of the door.
package orders

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/stream/live"
)

// The verbs.
const (
	Auth        = "auth"        // Text is a session token
	Subscribe   = "subscribe"   // Text is a topic, Cursor where to go on from
	Unsubscribe = "unsubscribe" // Text is a topic
	Ack         = "ack"         // Text is a cursor
	Send        = "send"        // Text is a channel's topic, Data what is sent
	Ping        = "ping"
)

// MessageMax bounds a client's message, in bytes.
const MessageMax = 64 << 10

// Order is one message of a client: one verb, and what belongs to it.
type Order struct {
	ID     string // the number that comes back with the answer, or ""
	Verb   string
	Text   string
	Cursor string
	Data   jsontext.Value // one line of JSON
}

// Mistake is why a message can't be understood; its text goes to the client.
type Mistake string

// Error returns the text.
func (m Mistake) Error() string { return string(m) }

// Check reports what is missing, or stands where it doesn't belong.
func (o *Order) Check() error {
	switch {
	case o.Verb == "":
		return Mistake("a message has auth, subscribe, unsubscribe, ack, send or ping")
	case o.Text == "" && o.Verb != Ping:
		return Mistake(o.Verb + " is a text, and not empty")
	case o.Cursor != "" && o.Verb != Subscribe:
		return Mistake("cursor belongs to subscribe")
	case (o.Data != nil) != (o.Verb == Send):
		return Mistake("send and data belong together")
	}
	return nil
}

// Misunderstood is how a connection ends whose message had a mistake.
func Misunderstood(err error) live.Closing {
	return live.Closing{Code: live.CloseBad, Reason: "stream.message", Why: err.Error()}
}

// Do does what a message asks, and queues the answer. Whoever has another goroutine that writes waits for room first: who asks
// for much must read it. It reports false where nothing more is to be read; the connection has been closed then.
func Do(ctx context.Context, c *live.Conn, o *Order) (stay bool) {
	var err error
	topic := ""
	switch o.Verb {
	case Auth:
		return auth(ctx, c, o)
	case Subscribe:
		if topic, err = o.Text, c.Subscribe(ctx, o.ID, o.Text, o.Cursor); err == nil {
			return true
		}
	case Unsubscribe:
		topic, err = o.Text, c.Unsubscribe(o.Text)
	case Ack:
		if err = c.Ack(ctx, o.Text); err == nil {
			return true
		}
	case Send:
		topic, err = o.Text, c.Broadcast(ctx, o.Text, o.Data)
	}
	if err != nil {
		c.Refuse(o.ID, topic, err)
		return true
	}
	c.Send(live.OK(o.ID))
	return true
}

// auth signs the connection in. A token that proves nothing ends it.
func auth(ctx context.Context, c *live.Conn, o *Order) (stay bool) {
	err := c.Authenticate(ctx, o.Text)
	if err == nil {
		c.Send(live.OK(o.ID))
		return true
	}
	c.Refuse(o.ID, "", err)
	switch e := roundtrip.AsError(err); e.Kind {
	case roundtrip.Unauthenticated:
		c.Close(live.Closing{Code: live.CloseSession, Reason: e.Reason, Why: "the session has ended; sign in again"})
		return false
	case roundtrip.Limited:
		c.Close(live.Closing{Code: live.CloseTooMany, Reason: e.Reason, Why: e.Public})
		return false
	default:
		return true
	}
}
