package gate

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// preflightsKept is how many preflights are remembered. Where more come in the time that browsers remember them, some of the
// requests that they asked for are not joined with them.
const preflightsKept = 2048

// preflights remembers which preflights were allowed, so that the request that a browser sends then is joined with the one
// that asked for it. A preflight and its request carry nothing in common but who asks, from where, for what: so the link is
// likely, not seen. A preflight that no journey leads back to is one that no request followed, which is a symptom itself.
type preflights struct {
	seed maphash.Seed

	mu   sync.Mutex // guards kept
	kept [preflightsKept]preflight
}

type preflight struct {
	key   uint64
	id    trace.ID
	until time.Time
}

// asked is what a preflight and the request that it asks for have in common.
type asked struct {
	client             netip.Addr
	origin, host, path string
}

func (p *preflights) init() { p.seed = maphash.MakeSeed() }

// allowed remembers a preflight for as long as browsers may.
func (p *preflights) allowed(a asked, id trace.ID, until time.Time) {
	key := maphash.Comparable(p.seed, a)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept[key%preflightsKept] = preflight{key, id, until}
}

// of returns the preflight that asked for a request; ok is false where none is known that is still good.
func (p *preflights) of(a asked, now time.Time) (id trace.ID, ok bool) {
	key := maphash.Comparable(p.seed, a)
	p.mu.Lock()
	defer p.mu.Unlock()
	found := &p.kept[key%preflightsKept]
	return found.id, found.key == key && now.Before(found.until)
}
