// Package rpc is the door of gRPC, gRPC-Web and Connect: a message becomes a [roundtrip.Call], and rows become messages, by
// the same schema and through the same corridor as at REST's door. The wire protocols are those of connectrpc.com/connect,
// the messages are ours (package wire).
package rpc

import (
	"context"
	"errors"
	"hash/crc32"
	"net/http"
	"strings"
	"sync"

	"connectrpc.com/connect"

	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/caller"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
	"github.com/roundtrip-dev/roundtrip/stream/live"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Options is what a [Door] is made of besides its core and its interface.
type Options struct {
	// Mount is the API's path, such as /api/: services are served below it and below the site's root.
	Mount string
	// Origins are the pages of other origins that may write with the site's cookie, as at REST's door.
	Origins []string
	// Hub is where streams come from.
	Hub *live.Hub
	// Health answers the health checks. It outlives the door.
	Health *Health
}

// Door serves the services of one schema. It is an http.Handler. A new declaration gets a new door; calls and streams that
// run end in the old one.
type Door struct {
	core    *handler.Core
	api     *protobuf.API
	plans   *wire.Plans
	forms   *forms
	mount   string
	guard   *caller.Guard
	hub     *live.Hub
	health  *Health
	methods map[string]*endpoint // by their paths without the first slash: gallery.v1.Photos/Get
	refuser *connect.ErrorWriter
	crc     *crc32.Table
	calls   sync.Pool
	buffers sync.Pool // of messages that come in
}

// endpoint is one method with what serves its protocols.
type endpoint struct {
	*method

	foreign bool   // what serves it is not ours, and reads several messages
	route   string // /gallery.v1.Photos/Get, for journeys
	handler http.Handler
}

// New makes the door of an interface. It does no I/O.
func New(core *handler.Core, api *protobuf.API, o Options) (*Door, error) {
	if core == nil || api == nil || o.Hub == nil || o.Health == nil || !strings.HasPrefix(o.Mount, "/") || !strings.HasSuffix(o.Mount, "/") {
		return nil, errors.New("rpc: a core, an interface, a hub, its health and a mount that starts and ends with a slash must be given")
	}
	d := &Door{core: core, api: api, mount: o.Mount, hub: o.Hub, health: o.Health, methods: map[string]*endpoint{}, crc: crc32.MakeTable(crc32.Castagnoli)}
	var err error
	if d.guard, err = caller.New(o.Origins); err != nil {
		return nil, err
	}
	if d.plans, err = wire.NewPlans(core.Schema().Schema); err != nil {
		return nil, err
	}
	d.forms = newForms(core.Schema().Schema, api)
	d.calls.New = func() any { return &call{door: d} }
	d.buffers.New = func() any { return new([]byte) }
	d.refuser = connect.NewErrorWriter(d.codecs()...)
	if err := d.serveAll(); err != nil {
		return nil, err
	}
	return d, nil
}

// ServeHTTP answers one call. A panic is the gate's business.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := d.calls.Get().(*call)
	c.request, c.writer, c.header, c.journey = r, w, w.Header(), trace.From(r.Context())
	c.protocol, c.format = protocolOf(r)
	ctx := r.Context()
	if err := c.serve(ctx, w); err != nil {
		c.refuse(ctx, w, err)
	}
	c.release()
}

// serve finds the method and lets connect read the message. Its error is of a call whose message nobody has read.
func (c *call) serve(ctx context.Context, w http.ResponseWriter) error {
	d := c.door
	e, err := d.find(c.request.URL.Path)
	if err != nil {
		return err
	}
	c.method = e.method
	c.journey.SetRoute(e.route)
	c.journey.SetRPC(c.protocol.String())
	if err := c.speaks(); err != nil {
		return err
	}
	if err := c.sound(); err != nil {
		return err
	}
	if c.from, err = d.guard.Read(c.request); err != nil {
		return err
	}
	if !c.method.reads {
		if err := d.guard.CheckWrite(c.request, c.from); err != nil {
			return err
		}
	}
	c.visit.Token = c.from.Token
	c.secure()
	r := c.request.WithContext(context.WithValue(ctx, callKey{}, c))
	many := c.method.both || e.foreign
	r.Body = &body{call: c, from: r.Body, enveloped: c.protocol != connectUnary, packed: c.packed(), many: many, limit: messageMaxBytes}
	c.mute = mute{ResponseWriter: w, call: c}
	e.handler.ServeHTTP(&c.mute, r)
	switch {
	case !c.reached:
		return c.mute.unsaid()
	case !c.refused:
		c.journey.SetCode(trace.CodeOf(0))
	}
	return nil
}
