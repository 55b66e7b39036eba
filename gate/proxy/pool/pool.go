// Package pool chooses which server behind a proxy route gets the next request, and knows how each of them is: by what
// became of its requests, and by asking it. It carries nothing itself: connections are the engine's, in package proxy.
package pool

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// Transport carries requests to one upstream: its connections and what its TLS needs. The engine makes it, and finds it
// again at [Upstream.Transport].
type Transport interface {
	// Probe asks the upstream for a path, as health checks do, and returns the status of its answer.
	Probe(ctx context.Context, path string) (status int, err error)
	// Stale reports whether the files that it was made of hold something else now, such as a certificate that was renewed: a
	// reload makes another one then.
	Stale() bool
	// Close ends all connections, busy ones too. A request that still comes gets a connection that is not kept.
	Close()
}

// Connect makes the transport of an upstream. It checks and opens nothing.
type Connect func(declared *config.Proxy, up config.Upstream) (Transport, error)

// Options says what a pool is made of.
type Options struct {
	Route    string // names the pool in the log, and keeps its cookies apart from those of others
	Path     string // of the route: where the sticky cookie is sent; "" means /
	Declared *config.Proxy
	Connect  Connect
	Now      func() time.Time
	Rand     io.Reader // read once, here
	Key      []byte    // a secret that outlives the process, so that sticky cookies do
	Log      *slog.Logger

	// Before is the pool that this one takes the place of, nil for none. What both have in common, an upstream with the same
	// URL that is connected to in the same way, is one and the same: connections, health and running requests.
	Before *Pool
}

// Pool is the upstreams of one route.
type Pool struct {
	route    string
	path     string
	declared *config.Proxy
	now      func() time.Time
	log      *slog.Logger
	key      []byte

	ward    *ward
	members []member
	entered chan struct{} // closed when the pool is in force
	proven  chan struct{} // closed when one upstream is known to be well

	// What follows is guarded by ward.mu.
	isProven bool
	chance   chance
	turn     int // of round robin
	budget   budget
	fitting  []int // scratch of Take: the members that may get the request
}

// ward is what a pool and its successors share: the lock of their upstreams, and those who wait for one.
type ward struct {
	mu      sync.Mutex
	waiting []chan struct{} // each closed when its waiter should look again; the first has waited longest
}

// member is an upstream as one pool sees it.
type member struct {
	*Upstream
	shared bool   // was in the pool before
	hash   uint64 // of its URL, for rendezvous hashing
	id     string // what the sticky cookie says
	cookie string // the Set-Cookie line, without Secure
	secure string // and with it
}

// New makes a pool. It checks and opens nothing; health is asked for in Run.
func New(o Options) (*Pool, error) {
	if o.Declared == nil || len(o.Declared.Upstreams) == 0 || o.Connect == nil || o.Now == nil || o.Rand == nil || o.Log == nil {
		return nil, errors.New("pool.New: Declared with an upstream, Connect, Now, Rand and Log are needed")
	}
	var seed [8]byte
	if _, err := io.ReadFull(o.Rand, seed[:]); err != nil {
		return nil, err
	}
	p := &Pool{
		route: o.Route, path: o.Path, declared: o.Declared, now: o.Now, log: o.Log, key: o.Key,
		ward: &ward{}, entered: make(chan struct{}), proven: make(chan struct{}),
		chance: chance(binary.LittleEndian.Uint64(seed[:])), budget: newBudget(o.Declared.Budget, o.Now()),
	}
	if p.path == "" {
		p.path = "/"
	}
	if o.Before != nil {
		p.ward = o.Before.ward
	}
	p.ward.mu.Lock()
	defer p.ward.mu.Unlock()
	for _, up := range o.Declared.Upstreams {
		m, err := p.join(o, up)
		if err != nil {
			return nil, err
		}
		p.members = append(p.members, m)
		p.isProven = p.isProven || p.condition(m.Upstream) == well
	}
	if p.isProven {
		close(p.proven)
	}
	return p, nil
}

// join makes the member of one upstream, taken over from the pool before where that has it.
func (p *Pool) join(o Options, up config.Upstream) (member, error) {
	m := member{hash: hashText(hashStart, up.URL)}
	if o.Before != nil && sameWay(o.Before.declared, o.Declared) {
		m.Upstream = o.Before.lookup(up)
		m.shared = m.Upstream != nil
	}
	if m.Upstream == nil {
		t, err := o.Connect(o.Declared, up)
		if err != nil {
			return m, err
		}
		m.Upstream = newUpstream(up, t, o.Now())
		if o.Declared.Health != nil {
			m.condition = unproven
		}
	}
	if o.Declared.Sticky {
		m.id = p.stickyID(up.URL)
		m.cookie, m.secure = p.cookieLines(m.id)
	}
	return m, nil
}

// lookup finds the upstream that is declared alike.
func (p *Pool) lookup(up config.Upstream) *Upstream {
	for i := range p.members {
		have := p.members[i].Declared
		have.Pos = up.Pos
		if have == up && !p.members[i].transport.Stale() {
			return p.members[i].Upstream
		}
	}
	return nil
}

// unplaced is a declaration without the places where it stands: they change when a line is added above.
func unplaced(d *config.Proxy) config.Proxy {
	c := *d
	c.Pos, c.ClientKey.Pos = roundtrip.Pos{}, roundtrip.Pos{}
	c.Upstreams, c.Set = slices.Clone(d.Upstreams), slices.Clone(d.Set)
	for i := range c.Upstreams {
		c.Upstreams[i].Pos = roundtrip.Pos{}
	}
	for i := range c.Set {
		c.Set[i].Pos = roundtrip.Pos{}
	}
	if d.Health != nil {
		h := *d.Health
		h.Pos = roundtrip.Pos{}
		c.Health = &h
	}
	return c
}

// isAs reports whether a pool is as a declaration wants it.
func (p *Pool) isAs(path string, declared *config.Proxy) bool {
	return p.path == path && reflect.DeepEqual(unplaced(p.declared), unplaced(declared)) &&
		!slices.ContainsFunc(p.members, func(m member) bool { return m.transport.Stale() })
}

// sameWay reports whether two declarations connect to an upstream in the same way.
func sameWay(a, b *config.Proxy) bool {
	keyA, keyB := a.ClientKey, b.ClientKey
	keyA.Pos = keyB.Pos
	return a.Connect == b.Connect && a.FirstByte == b.FirstByte && a.IdleStream == b.IdleStream && a.Host == b.Host &&
		a.Roots == b.Roots && a.ServerName == b.ServerName && a.ClientCert == b.ClientCert && keyA == keyB
}

// Proven is closed as soon as one upstream is known to be well: at once where health is not declared.
func (p *Pool) Proven() <-chan struct{} { return p.proven }

// Retry reports whether one more request may be repeated, and counts it. Retries are bounded to a share of all requests, so
// that a struggling upstream is not hit by each request three times.
func (p *Pool) Retry() bool {
	now := p.now()
	p.ward.mu.Lock()
	defer p.ward.mu.Unlock()
	return p.budget.spend(now)
}
