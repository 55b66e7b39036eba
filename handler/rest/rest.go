// Package rest is the REST door: HTTP requests below a mount become a [roundtrip.Call], and rows become JSON. Its shape is
// that of the API Improvement Proposals (https://google.aip.dev), with plain ids and RFC 9457 errors.
package rest

import (
	"errors"
	"hash/crc32"
	"net/http"
	"strings"
	"sync"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/caller"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Options is what a [Door] is made of besides its core.
type Options struct {
	// Origins are the pages of other origins that may write with the site's cookie, such as https://app.example.com or
	// https://*.preview.example.com: the site's cors.origins, where cors.credentials is on.
	Origins []string
	// Streams serves live and COLLECTION:watch; nil: there is neither.
	Streams Streams
	// Push keeps the browsers that are pushed to; nil: none are.
	Push Push
	// Documents are what the API says of itself; nil: nothing.
	Documents *Documents
	// Records serves collections, batches and files alone: no sign-in, no inbox. The console's door is one.
	Records bool
}

// Streams answers where the answer goes on. Nothing was sent where it returns an error.
type Streams interface {
	Live(w http.ResponseWriter, r *http.Request, from handler.Caller) error
	Watch(w http.ResponseWriter, r *http.Request, from handler.Caller, topic, cursor string) error
}

// Door serves the API over HTTP. It is an http.Handler.
type Door struct {
	core      *handler.Core
	mount     string // "/api/"
	table     table
	plans     map[string]*plan
	byPlace   map[*roundtrip.Collection]*plan
	guard     *caller.Guard
	streams   Streams
	push      Push
	records   bool
	documents *Documents
	crc       *crc32.Table
	fixed     fixedHeaders
	pool      sync.Pool
}

// New makes the door for everything below mount, a path that starts and ends with a slash.
func New(core *handler.Core, mount string, o Options) (*Door, error) {
	if core == nil || !strings.HasPrefix(mount, "/") || !strings.HasSuffix(mount, "/") {
		return nil, errors.New("rest: a core and a mount that starts and ends with a slash must be given")
	}
	d := &Door{
		core: core, mount: mount, table: newTable(routes(o.Records)),
		plans: map[string]*plan{}, byPlace: map[*roundtrip.Collection]*plan{},
		crc: crc32.MakeTable(crc32.Castagnoli), fixed: newFixedHeaders(), streams: o.Streams, push: o.Push, records: o.Records, documents: o.Documents,
	}
	var err error
	if d.guard, err = caller.New(o.Origins); err != nil {
		return nil, err
	}
	for _, c := range core.Schema().Collections {
		p := newPlan(c, mount)
		d.plans[c.Name], d.byPlace[c] = p, p
	}
	d.pool.New = func() any { return &exchange{door: d} }
	return d, nil
}

// ServeHTTP answers one request. r.URL.Path is the full path, mount included. A panic is the gate's business.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := d.pool.Get().(*exchange)
	x.w, x.r, x.journey = w, r, trace.From(r.Context())
	if err := x.serve(); err != nil {
		x.problem(err)
	}
	x.release()
}

// serve finds the route and runs it.
func (x *exchange) serve() error {
	rest, ok := strings.CutPrefix(x.r.URL.Path, x.door.mount)
	if !ok {
		return unknownPath("the API starts at %q", x.door.mount)
	}
	if err := x.door.find(rest, &x.at); err != nil {
		return err
	}
	r, err := x.door.table.route(&x.at, x.r.Method)
	if err != nil {
		return err
	}
	x.journey.SetRoute(x.routeName(r))
	if r == nil { // OPTIONS
		return x.options()
	}
	if x.from, err = x.door.guard.Read(x.r); err != nil {
		return err
	}
	x.visit.Token = x.from.Token
	if r.writes() {
		if err := x.door.guard.CheckWrite(x.r, x.from); err != nil {
			return err
		}
	}
	return r.serve(x)
}

// routeName is the template of the route, for the journey.
func (x *exchange) routeName(r *route) string {
	switch {
	case x.at.plan != nil:
		return x.at.plan.routes[x.at.shape]
	case r != nil:
		return r.template
	}
	return ""
}
