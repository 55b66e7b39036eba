package rpc

import (
	"context"
	"net/http"

	"connectrpc.com/connect"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	messageMaxBytes = 1 << 20 // of a request's message, without the files that are in it
	keepBytes       = 64 << 10
)

// method is one method of a service. Services know nothing of the protocols: a method reads c.in and appends its answer to
// c.out, or it receives and sends messages of a stream. An error is a *roundtrip.Error.
type method struct {
	name  string // Get
	reads bool   // it changes nothing: NO_SIDE_EFFECTS, so that Connect may ask with a GET
	// large is how many bytes the files of a message may have, beyond messageMaxBytes.
	large int64
	// admit asks whether the caller may send a message of more than messageMaxBytes; nil: nobody may.
	admit func(ctx context.Context, c *call) error

	unary  func(ctx context.Context, c *call) error
	stream func(ctx context.Context, c *call, s stream) error
	both   bool // the client's messages are a stream too
}

// service is the methods of one service.
type service struct {
	name    string // without the package: Photos
	methods []method
}

// stream is the messages of one call, in the call's format.
type stream interface {
	// Receive returns the next message of the client, io.EOF at their end. A method that takes one message gets it so.
	// The bytes are the method's own.
	Receive() ([]byte, error)
	// Begin sends the header alone, so that the client knows that it is heard.
	Begin() error
	// Send sends a message. It waits while the client does not read, and fails when the call has ended.
	Send(message []byte) error
}

// call is one call and its answer. It is used again for other calls, so nothing that a write hands to the store may point
// into it.
type call struct {
	door     *Door
	method   *method
	request  *http.Request
	writer   http.ResponseWriter
	journey  *trace.Journey
	header   http.Header // of the answer
	protocol protocol
	format   wire.Format
	from     handler.Caller
	in       []byte // the message
	out      []byte // the answer's message
	visit    handler.Visit
	answer   wire.Answer
	query    roundtrip.Call // of reads alone: the store may hold a write's call for longer than the request

	mute    mute
	buffer  *[]byte // that in lies in
	early   error   // what is wrong with the message, before the method has it
	reached bool    // the method got its message
	refused bool    // an error was answered and noted
	inside  bool    // it was a station behind the door that refused
	atDesk  bool    // the method sees to the session's cookie itself: a wrong password must not end the session that is there
}

// callKey is where connect's handlers find the call in the context.
type callKey struct{}

// release empties the call and gives it back.
func (c *call) release() {
	c.door.giveBack(c.buffer)
	q := c.query.Query
	c.visit.Reset()
	*c = call{
		door: c.door, visit: c.visit, answer: c.answer,
		query: roundtrip.Call{Query: roundtrip.Query{Equal: q.Equal[:0], Fields: q.Fields[:0], Expand: q.Expand[:0], GroupBy: q.GroupBy[:0], Select: q.Select[:0]}},
	}
	c.door.calls.Put(c)
}

// keep empties a buffer, and drops one that grew too large to be kept for the next call.
func keep(b []byte) []byte {
	if cap(b) > keepBytes {
		return nil
	}
	return b[:0]
}

// do carries a call through the house; the answer's message is c.out then. before is what is to be done just before a write,
// nil for nothing.
func (c *call) do(ctx context.Context, call *roundtrip.Call, before func(context.Context) error) error {
	call.Time, call.Addr = c.door.core.Now(), c.from.Addr
	c.visit.Call, c.visit.Answer = call, &c.answer
	c.answer.Start(c.door.plans, c.format, call.Action)
	c.answer.Before = before
	if err := c.door.core.Do(ctx, &c.visit); err != nil {
		c.inside = true
		return err
	}
	c.out = c.answer.Bytes()
	return nil
}

// take gives the call the message that connect has read. One without a byte in its envelope is the empty message, and
// connect does not show it to a codec.
func (c *call) take(m *message) {
	c.reached = true
	switch {
	case m.bytes != nil:
		c.in, c.buffer = *m.bytes, m.bytes
	case c.format == wire.JSON:
		c.in = []byte("{}")
	}
}

// answered is the message of an answer, on its way to the codec.
type answered struct{ bytes []byte }

// unaryOf makes connect's handler of a method that answers once.
func (d *Door) unaryOf(e *endpoint, options []connect.HandlerOption) http.Handler {
	return connect.NewUnaryHandler(e.route, func(ctx context.Context, r *connect.Request[message]) (*connect.Response[answered], error) {
		c := callOf(ctx)
		c.take(r.Msg)
		if err := c.method.unary(ctx, c); err != nil {
			return nil, c.fail(ctx, err)
		}
		return connect.NewResponse(&answered{bytes: c.out}), nil
	}, options...)
}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}
