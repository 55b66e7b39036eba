package rpc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/orders"
	"github.com/roundtrip-dev/roundtrip/stream/live"
)

// liveMethods are those of the service Live.
func (d *Door) liveMethods() []method {
	return []method{{name: "Open", both: true, stream: d.open}}
}

// open carries many topics: what the client asks for comes in, what the hub has goes out. A client that has said all it
// wants to say keeps its topics; a call without any ends then.
func (d *Door) open(ctx context.Context, c *call, s stream) error {
	o, err := d.connect(ctx, c, s, false)
	if err != nil {
		return err
	}
	defer o.live.Leave()
	c.opened(ctx, nil)
	if err := s.Begin(); err != nil {
		return err
	}
	m := c.listen(s)
	defer m.stop()
	in := m.in
	for {
		if err := o.flush(ctx); err != nil {
			return err
		}
		if in == nil && o.live.Idle() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-o.cut:
			return closed(stopping())
		case <-o.wake:
		case said := <-in:
			switch {
			case errors.Is(said.err, io.EOF):
				in = nil
			case said.err != nil:
				return said.err
			default:
				o.obey(ctx, said.message)
			}
		}
	}
}

// said is what came from the client: a message, or why none comes any more.
type said struct {
	message []byte
	err     error
}

// mouth reads the client's messages beside the call, which writes.
type mouth struct {
	call  *call
	in    chan said
	done  chan struct{} // the call wants no more
	ended chan struct{} // the reader has ended
}

// listen begins to read. Nothing but the reading itself is done there: a message is obeyed by the call.
func (c *call) listen(s stream) *mouth {
	m := &mouth{call: c, in: make(chan said), done: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(m.ended)
		for {
			b, err := s.Receive()
			select {
			case m.in <- said{b, err}:
			case <-m.done:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return m
}

// stop ends the reader, which may wait for a client that has nothing to say.
func (m *mouth) stop() {
	close(m.done)
	m.call.abandon()
	<-m.ended
}

// abandon ends a read of the request's body, and all that follow.
func (c *call) abandon() {
	if b, ok := c.request.Body.(interface{ Abandon() }); ok {
		b.Abandon() // the gate moves the deadline itself
		return
	}
	_ = http.NewResponseController(c.writer).SetReadDeadline(time.Unix(1, 0)) // all servers of ours have deadlines
}

// obey does what a message asks.
func (o *outlet) obey(ctx context.Context, message []byte) {
	o.heard()
	if !o.meter.Allow(o.door.core.Now()) {
		o.live.Close(orders.TooMany())
		return
	}
	if len(message) > orders.MessageMax {
		o.live.Close(live.Closing{Code: live.CloseTooBig, Reason: "stream.protocol", Why: "a message may have 64 KB"})
		return
	}
	order, err := readOrder(o.call.format, message)
	if err != nil {
		o.live.Close(orders.Misunderstood(err))
		return
	}
	orders.Do(ctx, o.live, order)
}

// oneWay refuses a call of what goes both ways over what goes one way at a time.
func oneWay() error {
	e := roundtrip.E(roundtrip.Unsupported, "stream.one_way", "this method speaks and listens at the same time, which takes gRPC or Connect over HTTP/2; use the Watch of a service, or the WebSocket below the API's path")
	e.Status = http.StatusHTTPVersionNotSupported
	return e
}
