package pool

import (
	"net/http"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
)

// rank orders upstreams by how good it is to give them a request; the lower the better.
type rank uint8

const (
	fit     rank = iota // well, and not ejected; or ejected, and now is the time to try it
	untold              // health checks have not asked it yet
	again               // the request failed there, but it is otherwise fit
	refused             // ejected: better than nothing, since only requests said so
	never               // health checks find it unwell: it would only take the client's time
)

func (p *Pool) rank(u *Upstream, tried []*Upstream, now *time.Time) rank {
	switch {
	case p.condition(u) == unwell:
		return never
	case u.ejected && !p.due(u, now):
		return refused
	case len(tried) > 0 && slices.Contains(tried, u):
		return again
	case p.condition(u) == unproven:
		return untold
	}
	return fit
}

// condition is what health checks say of an upstream: nothing where the pool declares none. A pool before or after it may.
func (p *Pool) condition(u *Upstream) condition {
	if p.declared.Health == nil {
		return well
	}
	return u.condition
}

// due reports whether the time of an ejected upstream is over, and nobody tries it yet.
func (p *Pool) due(u *Upstream, now *time.Time) bool {
	return !u.trial && !p.clock(now).Before(u.until)
}

// clock reads the time once for a choice, and only where it is needed.
func (p *Pool) clock(now *time.Time) time.Time {
	if now.IsZero() {
		*now = p.now()
	}
	return *now
}

// choose finds the upstream of a request. full means that those who may get it have their fill. It is called under the lock.
func (p *Pool) choose(r *http.Request, tried []*Upstream) (l Lease, full bool, err error) {
	var now time.Time
	held := -1 // who has the visitor's cookie
	if p.declared.Sticky {
		held = p.holder(r)
		if held >= 0 && p.rank(p.members[held].Upstream, tried, &now) <= untold {
			if !p.hasRoom(held) { // what it keeps of the visitor is nowhere else
				return Lease{}, true, nil
			}
			return p.lease(r, held, held, &now), false, nil
		}
	}
	best, full := p.gather(tried, &now)
	switch {
	case len(p.fitting) == 0 && full:
		return Lease{}, true, nil
	case len(p.fitting) == 0:
		return Lease{}, false, p.errNone()
	}
	i := -1
	if best == fit && !p.hashes() {
		i = p.dueOne(&now)
	}
	if i < 0 {
		i = p.pick(r, &now)
	}
	return p.lease(r, i, held, &now), false, nil
}

// gather puts into p.fitting the members of the best rank that have room. full means that there are some without.
func (p *Pool) gather(tried []*Upstream, now *time.Time) (best rank, full bool) {
	best = never
	p.fitting = p.fitting[:0]
	for i := range p.members {
		of := p.rank(p.members[i].Upstream, tried, now)
		switch {
		case of == never:
			continue
		case !p.hasRoom(i):
			full = full || of < refused
			continue
		case of > best:
			continue
		case of < best:
			best = of
			p.fitting = p.fitting[:0]
		}
		p.fitting = append(p.fitting, i)
	}
	if best == refused && full { // one that is fit will soon have room
		p.fitting = p.fitting[:0]
	}
	return best, full || len(p.fitting) == 0 && p.anyFull()
}

// anyFull reports whether an upstream that is not unwell has its fill.
func (p *Pool) anyFull() bool {
	for i := range p.members {
		if p.condition(p.members[i].Upstream) != unwell && !p.hasRoom(i) {
			return true
		}
	}
	return false
}

func (p *Pool) hasRoom(i int) bool {
	return p.declared.Concurrency == 0 || p.members[i].running < p.declared.Concurrency
}

// dueOne finds an ejected member whose time is over: the next request decides about it, whoever's turn it is.
func (p *Pool) dueOne(now *time.Time) int {
	for _, i := range p.fitting {
		if u := p.members[i].Upstream; u.ejected && p.due(u, now) {
			return i
		}
	}
	return -1
}

// lease counts the request in.
func (p *Pool) lease(r *http.Request, i, held int, now *time.Time) Lease {
	m := &p.members[i]
	m.running++
	l := Lease{pool: p, up: m.Upstream}
	if m.ejected {
		l.trial = p.due(m.Upstream, now)
		l.panic = !l.trial
		m.trial = m.trial || l.trial
	}
	if p.declared.Sticky && i != held {
		l.cookie = p.cookieFor(r, m)
	}
	return l
}

// pick chooses among p.fitting as declared.
func (p *Pool) pick(r *http.Request, now *time.Time) int {
	if len(p.fitting) == 1 {
		return p.fitting[0]
	}
	if p.hashes() {
		return p.highest(p.affinity(r))
	}
	if p.declared.SlowStart > 0 {
		p.thin(now)
	}
	n := len(p.fitting)
	defer func() { p.turn++ }()
	if p.declared.Balance == config.RoundRobin {
		return p.fitting[p.turn%n]
	}
	if p.declared.Balance == config.LeastRequests {
		return p.idlest()
	}
	if n == 1 {
		return p.fitting[0]
	}
	a := p.chance.below(n)
	b := (a + 1 + p.chance.below(n-1)) % n
	if p.members[p.fitting[b]].running < p.members[p.fitting[a]].running {
		a = b
	}
	return p.fitting[a]
}

// idlest is the member with the fewest requests; of several, another one each time.
func (p *Pool) idlest() int {
	best := p.fitting[p.turn%len(p.fitting)]
	for k := range p.fitting {
		i := p.fitting[(p.turn+k)%len(p.fitting)]
		if p.members[i].running < p.members[best].running {
			best = i
		}
	}
	return best
}

// thin leaves out members that came back a short while ago, most of the time at first: their share grows in a straight line.
func (p *Pool) thin(now *time.Time) {
	kept := p.fitting[:0]
	var left int
	for _, i := range p.fitting {
		if back := p.members[i].back; !back.IsZero() {
			since := p.clock(now).Sub(back)
			if since < p.declared.SlowStart && p.chance.of(uint64(p.declared.SlowStart)) >= uint64(max(since, p.declared.SlowStart/20)) {
				left = i
				continue
			}
		}
		kept = append(kept, i)
	}
	if len(kept) == 0 { // all of them have just come back
		kept = append(kept, left)
	}
	p.fitting = kept
}
