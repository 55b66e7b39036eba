package sqlite

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// pool lends out readers. The one used last is lent first, so that its pages and statements are warm.
type pool struct {
	s       *Store
	slots   chan struct{} // one for each reader that may be at work
	waiting atomic.Int32
	groups  atomic.Uint64
	writes  atomic.Uint64

	mu   sync.Mutex // guards idle
	idle []*reader
}

func (p *pool) init(s *Store) {
	p.s = s
	p.slots = make(chan struct{}, s.opts.PoolMax)
}

// take lends a reader, waiting for a free one at most PoolWait.
func (p *pool) take(ctx context.Context) (*reader, error) {
	step := trace.From(ctx).Begin(trace.Pool, "store.readers")
	verdict := trace.OK
	select {
	case p.slots <- struct{}{}:
	default:
		verdict = trace.Wait
		if err := p.wait(ctx); err != nil {
			step.N(int64(len(p.slots)), int64(cap(p.slots)))
			end(step, err)
			return nil, err
		}
	}
	r, err := p.pick()
	step.N(int64(len(p.slots)), int64(cap(p.slots)))
	if err != nil {
		<-p.slots
		end(step, err)
		return nil, err
	}
	step.End(verdict, trace.None)
	return r, nil
}

func (p *pool) wait(ctx context.Context) error {
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	timer := time.NewTimer(p.s.opts.PoolWait)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return over(ctx)
	case <-p.s.closing:
		return closed()
	case <-timer.C:
		e := roundtrip.E(roundtrip.Unavailable, "store.pool_exhausted", "All %d readers of the database are busy. Try again.", cap(p.slots))
		e.Retry = time.Second
		return e
	}
}

// pick takes an idle reader, or opens one.
func (p *pool) pick() (*reader, error) {
	select {
	case <-p.s.closing:
		return nil, closed()
	case <-p.s.ready:
	default:
		return nil, closed()
	}
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		r := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return r, nil
	}
	p.mu.Unlock()
	conn, err := p.s.connect()
	if err == nil {
		err = conn.Exec("PRAGMA query_only=ON")
	}
	if err != nil {
		return nil, failed("sqlite.connect", err, true)
	}
	return &reader{s: p.s, conn: conn, sql: policy.SQL{Dialect: policy.SQLite}}, nil
}

func (p *pool) give(r *reader) {
	r.rested = false
	p.mu.Lock()
	p.idle = append(p.idle, r)
	p.mu.Unlock()
	<-p.slots
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

// close waits until all readers are back and closes them. Nobody takes one any more by then.
func (p *pool) close() error {
	for range cap(p.slots) {
		p.slots <- struct{}{}
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
