// Package gate is the door of the house: TLS ends here, the request is checked, its site and route are found, and it is
// handed to the API or to a static folder. Every answer carries X-Journey; every error is problem+json and has the CORS
// headers too, so that a script can read why it failed.
package gate

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate/cert"
	"github.com/roundtrip-dev/roundtrip/gate/diagnose"
	"github.com/roundtrip-dev/roundtrip/gate/limit"
	"github.com/roundtrip-dev/roundtrip/gate/peer"
	"github.com/roundtrip-dev/roundtrip/gate/wire"
	"github.com/roundtrip-dev/roundtrip/internal/stack"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Options says what a gate serves and what it is handed.
type Options struct {
	Table     *Table           // what is in force first; see [Gate.Swap]
	Recorder  *trace.Recorder  // nil: no journeys, and no X-Journey
	Certs     *cert.Store      // nil where no site has TLS
	Now       func() time.Time // the real clock: deadlines of connections are made from it
	Log       *slog.Logger
	Packets   net.PacketConn // the UDP socket of HTTP/3; nil: HTTP/3 is not served. Run closes it
	HTTPSPort int            // where plain requests are redirected to; 0 means 443
	Dev       bool           // answers may name sites and what to add to the declaration
	Times     Times
	Peers     Peers
	Limits    *limit.Buckets // nil: no rate holds

	// Probe knows the probes of our own operators, by what stands in the header X-Probe: the journey of such a request takes the
	// id that was signed. nil: there are none.
	Probe func(signed string) (trace.ID, bool)

	// Enter is the firewall's word on each connection; see [wire.Options]. nil: everybody may come.
	Enter func(wire.Coming) (trace.Hop, error)

	// Lookup returns the question to our name server that a connection for a server name may well follow from. nil: none is
	// known.
	Lookup func(client netip.Addr, name string) (trace.ID, bool)

	// Timing reports whether who asks may learn where the time of their request went (Server-Timing). nil: nobody may, but
	// in dev, where everybody does.
	Timing func(*http.Request) bool

	// Diagnose is the page that tells why a request fails. It is there in dev, and for those whom Timing knows. nil: there is
	// none.
	Diagnose *diagnose.Page
}

// Peers is whom the gate believes and how many connections it takes. A reload changes it; see [Gate.SwapPeers].
type Peers = wire.Peers

// Times bounds how long anything may take. Zero fields get the defaults.
type Times struct {
	Header time.Duration // handshake, and the head of a request; default 10 s
	Idle   time.Duration // between two requests; default 2 min
	Stall  time.Duration // a body, either way, without one byte of progress; default 30 s, at most half as long again
	Drain  time.Duration // how long running requests have when the gate stops; default 10 s
}

func (t Times) withDefaults() Times {
	set := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	set(&t.Header, 10*time.Second)
	set(&t.Idle, 2*time.Minute)
	set(&t.Stall, 30*time.Second)
	set(&t.Drain, 10*time.Second)
	return t
}

// Gate serves sites. It is an http.Handler; Run gives it listeners.
type Gate struct {
	recorder  *trace.Recorder
	certs     *cert.Store
	now       func() time.Time
	log       *slog.Logger
	httpsPort int
	dev       bool
	times     Times
	front     *wire.Front
	packets   net.PacketConn
	altSvc    atomic.Pointer[[]string] // what says that HTTP/3 is served (RFC 7838), while it is
	limits    *limit.Buckets
	probe     func(signed string) (trace.ID, bool)
	timing    func(*http.Request) bool
	diagnose  *diagnose.Page
	lookup    func(client netip.Addr, name string) (trace.ID, bool)
	asked     preflights

	table    atomic.Pointer[Table]
	trust    atomic.Pointer[peer.Trust]
	keeps    atomic.Pointer[[]string] // headers of which journeys keep the values
	pool     sync.Pool                // of *exchange
	inflight atomic.Int64
	stopping atomic.Bool
	idle     chan struct{} // gets a value when the last request ends while the gate stops
	ready    chan struct{}
}

// New makes a gate. It checks and opens nothing.
func New(o Options) (*Gate, error) {
	if o.Table == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("gate.New: Options.Table, Now and Log must be set")
	}
	if o.Table.hasTLS && o.Certs == nil {
		return nil, errors.New("gate.New: Options.Certs must be set where a site has TLS")
	}
	g := &Gate{
		recorder: o.Recorder, certs: o.Certs, now: o.Now, log: o.Log, httpsPort: o.HTTPSPort, dev: o.Dev,
		packets: o.Packets, limits: o.Limits, probe: o.Probe, timing: o.Timing, diagnose: o.Diagnose, lookup: o.Lookup, times: o.Times.withDefaults(), idle: make(chan struct{}, 1), ready: make(chan struct{}),
	}
	if g.httpsPort == 0 {
		g.httpsPort = 443
	}
	var err error
	if g.front, err = wire.New(wire.Options{
		Now: g.now, Log: g.log, Header: g.times.Header, Peers: o.Peers, Early: g.early, Lost: g.lost, Made: g.made, Cut: g.cutOff, Enter: o.Enter,
		Expires: func(name string) time.Time { return g.certs.Expires(name) },
		Serves:  func(name string) bool { return g.certs.Serves(name) },
		Pending: func(name string) bool { return g.certs.Pending(name) },
		Policy:  func(name string) *wire.Policy { return g.table.Load().policy(name) },
	}); err != nil {
		return nil, err
	}
	g.asked.init()
	g.table.Store(o.Table)
	g.SwapPeers(o.Peers)
	g.pool.New = func() any { return &exchange{gate: g} }
	return g, nil
}

// Swap puts another table in force. Requests that run end on the one that they began with; listeners and connections
// stay.
func (g *Gate) Swap(t *Table) { g.table.Store(t) }

// SwapPeers puts another declaration of peers in force, for the requests and connections that begin from now on.
func (g *Gate) SwapPeers(p Peers) {
	g.front.SwapPeers(p)
	g.trust.Store(&peer.Trust{Proxies: p.TrustedProxies, Knows: func(host string) bool {
		return validHost(host) && g.table.Load().site(host) != nil
	}})
}

// Ready is closed when the gate takes connections.
func (g *Gate) Ready() <-chan struct{} { return g.ready }

// ServeHTTP serves one request: begin the journey, find who answers, and close the journey whatever happens.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stack.Grow()
	g.inflight.Add(1)
	x := g.pool.Get().(*exchange)
	j := g.recorder.Begin(trace.Request)
	r, x.tunnel = asUpgrade(r, j)
	x.begin(w, r, j)
	defer x.end() //nolint:contextcheck // it is the request's, which x has
	if err := g.serve(x, g.table.Load(), r); err != nil {
		x.refuse(err)
	}
}
