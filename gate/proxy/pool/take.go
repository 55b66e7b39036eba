package pool

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

const (
	waitMax   = time.Second // for an upstream that has its fill of requests
	busyRetry = time.Second // what Retry-After says then
)

// Blame says whose fault it is that a request came to no good end.
type Blame uint8

// The blames. Only faults of upstreams count against them.
const (
	Nobody Blame = iota // it did
	Client              // it went away, stalled, or sent what can't be passed on
	Edge                // we stopped it: a limit of ours, or the end of the server
	Up                  // the upstream: refused, reset, too late, or no HTTP
)

// Outcome is what became of a request at an upstream.
type Outcome struct {
	Blame Blame
	Cause error         // what it was, where somebody is to blame
	Took  time.Duration // until the head of the answer was there; 0: there was none
}

// Lease is the leave to send one request to an upstream. Done gives it back, exactly once.
type Lease struct {
	pool   *Pool
	up     *Upstream
	cookie string
	trial  bool // the request decides whether the upstream comes back
	panic  bool // the upstream is ejected, but there was no better one
}

// Upstream returns where the request goes.
func (l *Lease) Upstream() *Upstream { return l.up }

// Cookie returns a Set-Cookie line for the answer, "" for none: it keeps the visitor with the upstream.
func (l *Lease) Cookie() string { return l.cookie }

// Done gives the lease back. A second call does nothing.
func (l *Lease) Done(o Outcome) {
	p, u := l.pool, l.up
	if u == nil {
		return
	}
	l.up = nil
	p.ward.mu.Lock()
	u.ended()
	news := p.learn(u, l, o)
	if news != nil || p.declared.Sticky { // the first in the queue may wait for another upstream
		p.ward.wakeAll()
	} else {
		p.ward.wakeOne()
	}
	p.ward.mu.Unlock()
	p.say(news)
}

// Take chooses an upstream for a request. tried are those that the request failed at before: they are asked again only
// where there is no other. Where all have as many requests as they may it waits, for a second at the most.
//
// Its errors are proxy.no_upstream, where health checks find all of them unwell, proxy.busy, and client.aborted where the
// client went while it waited.
func (p *Pool) Take(r *http.Request, tried []*Upstream) (Lease, error) {
	p.ward.mu.Lock()
	if len(tried) == 0 {
		p.budget.earn()
	}
	l, full, err := p.choose(r, tried)
	if full {
		return p.wait(r, tried)
	}
	p.ward.mu.Unlock()
	return l, err
}

// wait is Take where all upstreams have their fill. It is called with the lock, and returns without it.
func (p *Pool) wait(r *http.Request, tried []*Upstream) (Lease, error) {
	if len(p.ward.waiting) >= p.declared.Concurrency*len(p.members) { // they would wait for nothing
		p.ward.mu.Unlock()
		return Lease{}, errBusy()
	}
	timer := time.NewTimer(waitMax)
	defer timer.Stop()
	first := false
	for {
		mine := make(chan struct{})
		p.ward.queue(mine, first)
		p.ward.mu.Unlock()
		err := await(r.Context(), timer.C, mine)
		p.ward.mu.Lock()
		if !p.ward.unqueue(mine) && err != nil {
			p.ward.wakeOne() // the turn came at the same moment: it is another's
		}
		if err != nil {
			p.ward.mu.Unlock()
			return Lease{}, err
		}
		l, full, err := p.choose(r, tried)
		if !full {
			p.ward.mu.Unlock()
			return l, err
		}
		first = true // somebody who came just now was faster
	}
}

func await(ctx context.Context, patience <-chan time.Time, turn <-chan struct{}) error {
	select {
	case <-turn:
		return nil
	case <-patience:
		return errBusy()
	case <-ctx.Done():
		return &roundtrip.Error{Kind: roundtrip.Unavailable, Reason: "client.aborted", Op: "pool.take", Err: context.Cause(ctx)}
	}
}

func errBusy() *roundtrip.Error {
	err := roundtrip.E(roundtrip.Unavailable, "proxy.busy", "All servers behind this route have as many requests as they take. Try again in a moment.")
	err.Retry = busyRetry
	return err
}

func (p *Pool) errNone() *roundtrip.Error {
	err := roundtrip.E(roundtrip.Unavailable, "proxy.no_upstream", "No server behind this route is well at the moment.")
	err.Retry = p.declared.Health.Every
	err.Op = "pool.take"
	for i := range p.members {
		if last := p.members[i].lastError; last != "" {
			err.Err = errors.New(p.members[i].Name() + ": " + last)
		}
	}
	return err
}

func (w *ward) queue(c chan struct{}, first bool) {
	if first {
		w.waiting = slices.Insert(w.waiting, 0, c)
		return
	}
	w.waiting = append(w.waiting, c)
}

// unqueue takes a waiter out, and reports whether it was still there.
func (w *ward) unqueue(c chan struct{}) bool {
	i := slices.Index(w.waiting, c)
	if i >= 0 {
		w.waiting = slices.Delete(w.waiting, i, i+1)
	}
	return i >= 0
}

func (w *ward) wakeOne() {
	if len(w.waiting) > 0 {
		close(w.waiting[0])
		w.waiting = slices.Delete(w.waiting, 0, 1)
	}
}

func (w *ward) wakeAll() {
	for len(w.waiting) > 0 {
		w.wakeOne()
	}
}
