package sqlite

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// queueMax is how many writes wait; further callers wait to be let in.
const queueMax = 1024

// op is one write that waits for its commit.
type op struct {
	ctx    context.Context
	permit *policy.Permit // of a write of records, else nil
	multi  bool           // changes several things: undone by a savepoint if it fails half-way
	run    func(*tx) error

	wait   time.Duration // how long it may wait to be taken
	budget time.Duration // how long it may run; 0 is what it has in company
	alone  bool          // runs in a transaction of its own
	long   bool          // takes records along with a record: it gets more time when it runs alone

	by    trace.ID // the journey's id, which is good after it has ended too
	name  string
	step  trace.Step // the wait, and then the commit; it belongs to whoever has the op
	since time.Time  // when it began to wait

	err   error
	state atomic.Int32
	done  chan struct{}
}

// The states of an op. Either the writer takes it or its caller drops it. What the writer took it answers.
const (
	opWaiting = iota
	opTaken
	opDropped
	opLate // the writer's, put off
	opDone
)

// submit queues a write and returns when it is durable or has failed. A caller that leaves while the write waits takes
// it back, and so does one that has waited for PoolWait; once it has begun it is seen through, see [writer.work].
func (s *Store) submit(ctx context.Context, name string, multi bool, run func(*tx) error) error {
	return s.seen(&op{ctx: ctx, name: name, multi: multi, run: run, wait: s.opts.PoolWait, done: make(chan struct{})})
}

func (s *Store) await(o *op) error {
	select {
	case <-s.ready:
	default:
		return closed()
	}
	timer := s.timer(o.wait)
	defer s.freeTimer(timer)
	o.since = time.Now() //nolint:forbidigo // waiting runs on the real clock
	select {
	case <-s.closing:
		return closed()
	case <-o.ctx.Done():
		return over(o.ctx)
	case <-timer.C:
		return crowded()
	case s.queue <- o:
	}
	var err error
	select {
	case <-o.done:
		return o.err
	case <-o.ctx.Done():
		err = over(o.ctx)
	case <-timer.C:
		err = crowded()
	case <-s.stopped:
		err = closed()
	}
	if o.state.CompareAndSwap(opWaiting, opDropped) {
		return err
	}
	<-o.done
	return o.err
}

// ownWait is how long a write of the server's own start may wait for its turn: no request stands behind it, and a short
// PoolWait must not keep a server from starting on a busy machine.
const ownWait = 10 * time.Second

// own queues a write that the server makes at its start.
func (s *Store) own(ctx context.Context, name string, run func(*tx) error) error {
	return s.seen(&op{ctx: ctx, name: name, run: run, wait: max(s.opts.PoolWait, ownWait), done: make(chan struct{})})
}

// take makes the op the writer's, if it still waits. An op that was taken already stays so; one that was dropped or
// answered, or is put off, is passed over.
func (o *op) take() bool {
	if o.state.Load() == opTaken {
		return true
	}
	if !o.state.CompareAndSwap(opWaiting, opTaken) {
		return false
	}
	if o.ctx.Err() != nil { // its caller is about to leave
		o.answer(over(o.ctx))
		return false
	}
	verdict := trace.OK
	if time.Since(o.since) > queueJump {
		verdict = trace.Wait
	}
	o.step = o.step.Then(verdict, trace.Commit, o.name)
	return true
}

// answer tells the caller what became of the op.
func (o *op) answer(err error) {
	o.err = err
	o.state.Store(opDone)
	close(o.done)
}

// timer lends a timer: one for each write would be garbage.
func (s *Store) timer(d time.Duration) *time.Timer {
	if t, ok := s.timers.Get().(*time.Timer); ok {
		t.Reset(d)
		return t
	}
	return time.NewTimer(d)
}

func (s *Store) freeTimer(t *time.Timer) {
	t.Stop()
	s.timers.Put(t)
}

// crowded is what a write gets that nobody took in time.
func crowded() error {
	e := roundtrip.E(roundtrip.Unavailable, "store.pool_exhausted", "Too many writes wait for the database, or slow ones hold it. Try again.")
	e.Retry = time.Second
	return e
}
