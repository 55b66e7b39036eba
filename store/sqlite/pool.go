package sqlite

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// queueJump is how long a waiting call lets others overtake it. A reader that comes free is first of all anybody's: the
// caller that runs just now takes it without a switch of goroutines, which is several times faster than handing it to one
// that sleeps. Who has waited longer than this gets it handed over.
const queueJump = time.Millisecond

// pool lends out readers. The one used last is lent first, so that its pages and statements are warm.
type pool struct {
	s      *Store
	groups atomic.Uint64
	writes atomic.Uint64
	slow   atomic.Int64 // readers at work on a statement of a caller's own that takes long

	mu      sync.Mutex // guards all below
	busy    int        // readers at work, at most PoolMax
	idle    []*reader
	lent    []*reader
	waiting []*waiter // longest first
	closed  bool
	empty   chan struct{} // closed when the pool is closed and nobody is at work
}

// waiter is a call that waits. It is sent a reader, or nil for "try again".
type waiter struct {
	wake  chan *reader
	since time.Time

	holding holding // what it wants the reader for
}

func (p *pool) init(s *Store) {
	p.s = s
	p.empty = make(chan struct{})
}

// take lends a reader, waiting for a free one at most PoolWait.
func (p *pool) take(ctx context.Context) (*reader, error) {
	step := trace.From(ctx).Begin(trace.Pool, "store.readers")
	verdict := trace.OK
	h := p.s.holdingOf(ctx)
	r, busy, err := p.try(h)
	if err == nil && busy > p.s.opts.PoolMax {
		verdict = trace.Wait
		r, busy, err = p.wait(ctx, h)
	}
	if err == nil && r == nil {
		r, err = p.connect(h)
	}
	step.N(int64(busy), int64(p.s.opts.PoolMax))
	if err != nil {
		if busy >= p.s.opts.PoolMax {
			step.Note(p.heldBy(p.s.opts.Now()))
		}
		end(step, err)
		return nil, err
	}
	step.End(verdict, trace.None)
	return r, nil
}

// try takes a place and an idle reader (nil where none is open yet). busy is then the number of readers at work, or one
// more than there may be where no place is free.
func (p *pool) try(h holding) (r *reader, busy int, err error) {
	select {
	case <-p.s.ready:
	default:
		return nil, 0, closed()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, p.busy, closed()
	}
	if p.busy == p.s.opts.PoolMax {
		return nil, p.busy + 1, nil
	}
	return p.pick(h), p.busy, nil
}

// pick takes a place. The caller holds mu and has seen that one is free.
func (p *pool) pick(h holding) *reader {
	p.busy++
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	r := p.idle[n-1]
	p.idle = p.idle[:n-1]
	p.lend(r, h)
	return r
}

func (p *pool) wait(ctx context.Context, h holding) (*reader, int, error) {
	limit := p.s.opts.PoolMax
	w := &waiter{wake: make(chan *reader, 1), holding: h, since: time.Now()} //nolint:forbidigo // waiting runs on the real clock
	p.mu.Lock()
	p.waiting = append(p.waiting, w)
	p.mu.Unlock()
	timer := time.NewTimer(p.s.opts.PoolWait)
	defer timer.Stop()
	var err error
	for err == nil {
		if r, ok := p.retry(w); ok {
			return r, limit, nil
		}
		select {
		case r := <-w.wake:
			if r != nil {
				return r, limit, nil
			}
		case <-ctx.Done():
			err = over(ctx)
		case <-p.s.closing:
			err = closed()
		case <-timer.C:
			e := roundtrip.E(roundtrip.Unavailable, "store.pool_exhausted", "All %d readers of the database are busy. Try again.", limit)
			e.Retry = time.Second
			err = e
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(w)
	select {
	case r := <-w.wake:
		if r != nil { // handed over at the last moment: still good
			return r, limit, nil
		}
		p.next() // it was this one's turn to try: pass it on
	default:
	}
	return nil, limit, err
}

// retry looks whether a waiter can go now: a reader was handed to it, or a place is free.
func (p *pool) retry(w *waiter) (*reader, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case r := <-w.wake:
		if r != nil {
			return r, true
		}
	default:
	}
	if p.busy == p.s.opts.PoolMax || p.closed {
		return nil, false
	}
	p.leave(w)
	if p.busy+1 < p.s.opts.PoolMax {
		p.next() // two places came free, and one waiter was told
	}
	return p.pick(w.holding), true
}

// leave takes a waiter out of the queue. The caller holds mu.
func (p *pool) leave(w *waiter) {
	p.waiting = slices.DeleteFunc(p.waiting, func(other *waiter) bool { return other == w })
}

// next lets the first waiter try. The caller holds mu.
func (p *pool) next() {
	if len(p.waiting) > 0 {
		select {
		case p.waiting[0].wake <- nil:
		default: // told already
		}
	}
}

// connect opens one more reader for a place that was taken.
func (p *pool) connect(h holding) (*reader, error) {
	conn, err := p.s.connect()
	if err == nil {
		if err = conn.Exec("PRAGMA query_only=ON"); err != nil {
			_ = conn.Close()
		}
	}
	if err != nil {
		p.give(nil)
		return nil, failed("sqlite.connect", err, true)
	}
	r := &reader{s: p.s, conn: conn, sql: policy.SQL{Dialect: policy.SQLite}}
	r.shaped.prepare(p.s)
	p.mu.Lock()
	p.lend(r, h)
	p.mu.Unlock()
	return r, nil
}

// give takes a reader back; nil gives back only the place.
func (p *pool) give(r *reader) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r != nil {
		r.rested = false
		if len(p.waiting) > 0 && time.Since(p.waiting[0].since) > queueJump {
			w := p.waiting[0]
			select {
			case w.wake <- r:
				p.waiting = p.waiting[1:]
				r.holds = w.holding
				r.holds.since = p.s.opts.Now()
				return
			default: // it was told to try again and has not run yet: it will find the place
			}
		}
		p.idle = append(p.idle, r)
		p.lent = slices.DeleteFunc(p.lent, func(other *reader) bool { return other == r })
	}
	p.busy--
	p.next()
	if p.closed && p.busy == 0 {
		close(p.empty)
	}
}

// rest ends the snapshots of readers that nobody used since the last time.
func (p *pool) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.idle {
		if r.rested && r.held {
			r.leave()
		}
		r.rested = true
	}
}

// close waits until all readers are back and closes them.
func (p *pool) close() error {
	p.mu.Lock()
	p.closed = true
	busy := p.busy
	p.mu.Unlock()
	if busy > 0 {
		<-p.empty
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, r := range p.idle {
		errs = append(errs, r.conn.Close())
	}
	p.idle = nil
	return errors.Join(errs...)
}

// load returns how many readers are at work, how many calls wait, and how many idle readers keep a snapshot.
func (p *pool) load() (busy, waiting, held int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.idle {
		if r.held {
			held++
		}
	}
	return p.busy, len(p.waiting), held
}
