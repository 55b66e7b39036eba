package rpc

import (
	"context"
	"errors"
	"io"
	"net/http"

	"connectrpc.com/connect"

	"github.com/roundtrip-dev/roundtrip"
)

// streamOf makes connect's handler of a method that answers with a stream: to one message, or to a stream of them.
func (d *Door) streamOf(e *endpoint, both bool, options []connect.HandlerOption) http.Handler {
	if !both {
		return connect.NewServerStreamHandler(e.route, func(ctx context.Context, r *connect.Request[message], out *connect.ServerStream[answered]) error {
			c := callOf(ctx)
			c.take(r.Msg)
			return c.run(ctx, &oneMessage{answers{out.Conn()}, c.in, false})
		}, options...)
	}
	return connect.NewBidiStreamHandler(e.route, func(ctx context.Context, s *connect.BidiStream[message, answered]) error {
		c := callOf(ctx)
		c.reached = true
		return c.run(ctx, &manyMessages{answers{s.Conn()}, c, ctx})
	}, options...)
}

func (c *call) run(ctx context.Context, s stream) error {
	if err := c.method.stream(ctx, c, s); err != nil {
		return c.fail(ctx, err)
	}
	return nil
}

// answers sends the messages of a stream.
type answers struct{ conn connect.StreamingHandlerConn }

// Begin sends the header.
func (a answers) Begin() error { return delivered(a.conn.Send(nil)) }

// Send sends a message.
func (a answers) Send(m []byte) error { return delivered(a.conn.Send(&answered{bytes: m})) }

// delivered says why a message could not be sent: there is nobody any more who takes it.
func delivered(err error) error {
	if err == nil {
		return nil
	}
	return &roundtrip.Error{Kind: roundtrip.Deadline, Reason: "client.aborted", Public: "The client left before the answer was complete.", Op: "rpc.send", Err: err}
}

// oneMessage is the stream of a call that brings one message.
type oneMessage struct {
	answers

	in   []byte
	done bool
}

// Receive returns the message, and then io.EOF.
func (s *oneMessage) Receive() ([]byte, error) {
	if s.done {
		return nil, io.EOF
	}
	s.done = true
	return s.in, nil
}

// manyMessages is a stream both ways.
type manyMessages struct {
	answers

	call *call
	ctx  context.Context //nolint:containedctx // of the call, as connect has made it: a stream lives as long
}

// Receive returns the next message.
func (s *manyMessages) Receive() ([]byte, error) {
	var m message
	if err := s.conn.Receive(&m); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, ofConnect(err, messageMaxBytes)
	}
	if m.bytes == nil {
		return []byte{}, nil
	}
	own := append([]byte(nil), *m.bytes...)
	s.call.door.giveBack(m.bytes)
	return own, nil
}
