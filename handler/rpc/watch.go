package rpc

import (
	"context"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/orders"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/stream/live"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// watch is the method Watch of a collection's service: a snapshot of what was asked for, or what changed since a
// resume_token, and then what changes.
func (d *Door) watch(of *roundtrip.Collection) method {
	return method{name: "Watch", stream: func(ctx context.Context, c *call, s stream) error {
		in, err := s.Receive()
		if err != nil {
			return err
		}
		topic, cursor, err := wire.ReadWatch(d.plans, of, c.format, in)
		if err != nil {
			return err
		}
		return d.follow(ctx, c, s, topic, cursor)
	}}
}

// watchInbox is the method Watch of the service Inbox.
func (d *Door) watchInbox() method {
	return method{name: "Watch", stream: func(ctx context.Context, c *call, s stream) error {
		in, err := s.Receive()
		if err != nil {
			return err
		}
		var cursor string
		if err := wire.Read(c.format, in, wire.Table{{Number: 1, Name: "resume_token", To: &cursor}}); err != nil {
			return err
		}
		return d.follow(ctx, c, s, inboxTopic, cursor)
	}}
}

// follow sends one topic until the client goes, its time is over, or the hub says that it is.
func (d *Door) follow(ctx context.Context, c *call, s stream, topic, cursor string) error {
	o, err := d.connect(ctx, c, s, true)
	if err != nil {
		return err
	}
	defer o.live.Leave()
	o.token = d.forms.watched(topic).Fields().ByName("resume_token").Number()
	if err := o.live.Subscribe(ctx, "", topic, cursor); err != nil {
		e := c.because(ctx, err)
		c.opened(ctx, e)
		return e
	}
	c.opened(ctx, nil)
	o.live.Whole()
	for {
		if err := o.flush(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-o.cut:
			return closed(stopping())
		case <-o.wake:
		}
	}
}

// opened notes in the journey that a stream was opened, or why it was not.
func (c *call) opened(ctx context.Context, err error) {
	step := trace.From(ctx).Begin(trace.Stream, c.method.name)
	if err != nil {
		c.inside = true
		step.Deny(trace.ReasonOf(roundtrip.AsError(err).Reason))
		return
	}
	step.OK()
}

// outlet is a call that streams, as the hub sees it. The goroutine of the call writes. What the hub calls may come when the
// call has ended, and is somebody else's: it does not look at it.
type outlet struct {
	door   *Door
	call   *call
	live   *live.Conn
	stream stream
	single bool             // it has one topic and no other
	token  protowire.Number // of resume_token, where it is single
	meter  orders.Meter
	wake   chan struct{}
	cut    chan struct{}
}

// connect joins the hub.
func (d *Door) connect(ctx context.Context, c *call, s stream, single bool) (*outlet, error) {
	who, err := d.hub.Who(ctx, c.from.Token)
	if err != nil {
		c.inside = true // identity has noted it
		return nil, err
	}
	o := &outlet{door: d, call: c, stream: s, single: single, wake: make(chan struct{}, 1), cut: make(chan struct{}, 1)}
	if o.live, err = d.hub.Join(o, c.from.Addr, c.from.Token, who, single); err != nil {
		c.opened(ctx, err)
		return nil, err
	}
	if c.journey != nil {
		o.live.Journey = c.journey.ID
	}
	o.live.Start()
	return o, nil
}

// Wake says that there is something to write.
func (o *outlet) Wake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Ping needs no answer: HTTP/2 asks for signs of life itself, and a client that has gone ends the call.
func (o *outlet) Ping() { o.heard() }

func (o *outlet) heard() { o.live.Heard.Store(o.door.core.Now().Unix()) }

// Cut ends the stream.
func (o *outlet) Cut() {
	select {
	case o.cut <- struct{}{}:
	default:
	}
}

// stopping is how a stream ends that the hub cuts: it had its time to take the last message.
func stopping() live.Closing {
	return live.Closing{Code: live.CloseRestart, Reason: "app.stopping", Why: "the server stops; come back in a moment"}
}

// flush sends all that waits. Its error ends the call.
func (o *outlet) flush(ctx context.Context) error {
	for {
		items, closing := o.live.Take()
		for i := range items {
			if err := o.send(&items[i]); err != nil {
				return err
			}
			items[i].Frame = nil // others may hold it, this call does no more
		}
		switch {
		case closing.Code != 0:
			return closed(closing)
		case len(items) == 0:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// send sends one message.
func (o *outlet) send(i *live.Item) error {
	if o.single && i.Beat() {
		return o.beat(o.live.Cursor(i))
	}
	form := openProto
	if o.single {
		form = watchProto
	}
	if o.call.format == wire.JSON {
		form++
	}
	b, err := i.In(form, o.call.door.forms)
	if err != nil {
		return err
	}
	return o.stream.Send(b)
}

// beat sends the heartbeat of a Watch: a message with the resume_token alone.
func (o *outlet) beat(cursor string) error {
	if cursor == "" {
		return nil // its first message is still to come
	}
	if o.call.format == wire.JSON {
		return o.stream.Send([]byte(`{"resume_token":"` + cursor + `"}`))
	}
	return o.stream.Send(protowire.AppendString(protowire.AppendTag(nil, o.token, protowire.BytesType), cursor))
}
