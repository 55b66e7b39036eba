package app

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/names"
	"github.com/roundtrip-dev/roundtrip/app/people"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/gate/static"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
	"github.com/roundtrip-dev/roundtrip/identity"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
	"github.com/roundtrip-dev/roundtrip/stream/inbox"
	"github.com/roundtrip-dev/roundtrip/stream/live"
)

// house is one declaration, built: all that a request meets, from the route to the row. A reload builds another one beside
// it. What outlives a declaration (the database, files, certificates, listeners) is in base.
type house struct {
	config    *config.Config
	schema    *schema.Schema
	policy    *policy.Engine
	identity  *identity.Identity
	inbox     *inbox.Service
	table     *gate.Table
	api       http.Handler  // the first mounted API, nil where no route has one
	pages     live.Pages    // the same
	mount     string        // and its path
	mounts    []*apiDoor    // all of them
	described *protobuf.API // what their calls are; set by openCalls
	operators *operatorDoor // of the console
	warnings  []policy.Warning
	outward   *outward
	ups       *pool.Next       // the pools of its proxy routes
	doors     *firewall.Policy // the security groups of this machine, nil where none are declared
	zones     []*names.Zone
	demo      string // how to sign in to the demo, "" where there is none

	generation uint32 // of the declaration, from 1; set when it comes into force

	cancel context.CancelFunc // ends the identity's goroutines
	done   chan struct{}
}

// assemble joins the stations, in the reverse of the path: each is given the one behind it. It opens nothing.
func (a *App) assemble(c *config.Config, b *base) (*house, error) {
	h := &house{config: c, done: make(chan struct{})}
	var err error
	if h.schema, err = schema.Build(c); err != nil { // 7 is it well formed?
		return nil, err
	}
	if h.policy, err = policy.New(h.schema.Schema, b.key); err != nil { // 6 may they?
		return nil, declare.RuleProblems(c, err)
	}
	h.warnings = h.policy.Warnings()
	for _, w := range c.Warnings() {
		h.warnings = append(h.warnings, policy.Warning{Pos: w.Pos, Message: w.Message})
	}
	h.identity, err = identity.New(identity.Options{ // 5 who is asking?
		Accounts: b.store, Config: c.Identity, Users: h.schema.Accounts(),
		Now: a.around.Now, IDs: b.ids, Rand: a.around.Rand, Forgot: b.live.Doubt,
	})
	if err != nil {
		return nil, err
	}
	if h.inbox, err = inbox.New(inbox.Options{Store: b.store, Schema: h.schema.Schema, Login: h.identity.Login()}); err != nil {
		return nil, err
	}
	if h.outward, err = a.assembleOutward(h, b); err != nil { // 9 after the commit, outward again
		return nil, err
	}
	core, err := handler.New(handler.Options{ // 4 HTTP becomes a Call
		Schema: h.schema, Policy: h.policy, Store: b.store, Identity: h.identity, Files: b.files, Inbox: h.inbox,
		IDs: b.ids, Now: a.around.Now,
	})
	if err != nil {
		return nil, err
	}
	var doors []error
	mount := func(path string) http.Handler {
		door := &apiDoor{mount: path, core: core, origins: writers(c.Sites), documents: rest.NewDocuments()}
		if door.rest, err = rest.New(core, path, rest.Options{Origins: door.origins, Streams: b.doors, Push: h.outward.push, Documents: door.documents}); err != nil {
			doors = append(doors, err)
			return nil
		}
		if h.api == nil {
			h.api, h.pages, h.mount = door, door.rest, path
		}
		h.mounts = append(h.mounts, door)
		return door
	}
	if err := a.assembleOperators(h, b); err != nil {
		return nil, err
	}
	h.ups = b.ups.Next(b.stick)
	if h.table, err = gate.NewTable(c.Sites, a.targets(b, h, mount)); err != nil { // 3 a route is chosen
		return nil, err
	}
	if err := a.assembleDoors(h); err != nil { // 2 may this address connect?
		return nil, err
	}
	if err := errors.Join(doors...); err != nil {
		return nil, err
	}
	var warnings []policy.Warning
	machine := a.machine()
	facts := machine.Facts(c)
	h.zones, warnings, err = names.BuildZones(c, facts, nil) // 1 a name becomes an address
	h.warnings = slices.Concat(h.warnings, warnings, machine.Warnings(c, facts, h.zones, h.doors))
	return h, err
}

// targets says how what a route leads to is made.
func (a *App) targets(b *base, h *house, mount func(path string) http.Handler) route.Builders {
	return route.Builders{
		API:      mount,
		Services: h.services(),
		Proxy:    b.ups.Target(h.ups),
		Static: func(s *config.Site, r *config.Route) (route.Target, error) {
			o := static.Options{Dir: r.Static, Mount: route.Mount(r.Path), SPA: r.SPA, Listing: r.Listing, Framed: !s.Headers.Security, Cache: b.cache, Now: a.around.Now}
			if r.Compress {
				o.Encoders = b.coder
			}
			return static.New(o), nil
		},
		Encoders: b.coder,
	}
}

// desk is where orders about people are done.
func (h *house) desk() *people.Desk { return &people.Desk{Identity: h.identity, Schema: h.schema} }

// streams is what the hub of streams needs of the house.
func (h *house) streams() *live.House {
	s := &live.House{Policy: h.policy, Pages: h.pages, Inbox: h.inbox, Who: h.identity.Who, Forget: h.identity.Forget, Accounts: h.schema.Accounts(), Login: h.identity.Login()}
	if len(h.mounts) > 0 {
		s.Forms = h.mounts[0].calls.Forms() // every mount has the same messages
	}
	return s
}

// writers returns the origins whose pages may write with a site's cookie: those of cors blocks with credentials.
func writers(sites []config.Site) []string {
	var origins []string
	for _, s := range sites {
		if s.CORS == nil || !s.CORS.Credentials {
			continue
		}
		for _, o := range s.CORS.Origins {
			if o != "*" && !slices.Contains(origins, o) {
				origins = append(origins, o)
			}
		}
	}
	return origins
}
