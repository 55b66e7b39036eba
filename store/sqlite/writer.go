package sqlite

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

const (
	groupMax = 256  // writes in one commit
	queueMax = 1024 // writes that wait; further callers wait to be let in
)

// op is one write that waits for its commit.
type op struct {
	ctx   context.Context
	multi bool // changes several things: undone by a savepoint if it fails half-way
	run   func(*tx) error
	err   error
	state atomic.Int32
	done  chan struct{}
}

// The states of an op. Either the writer takes it or its caller drops it.
const (
	opWaiting = iota
	opTaken
	opDropped
)

// submit queues a write and returns when it is durable or has failed. A caller that leaves while the write waits takes
// it back; once it has begun it is seen through, which takes no longer than a commit.
func (s *Store) submit(ctx context.Context, multi bool, run func(*tx) error) error {
	o := &op{ctx: ctx, multi: multi, run: run, done: make(chan struct{})}
	select {
	case <-s.ready:
	default:
		return closed()
	}
	select {
	case <-s.closing:
		return closed()
	case <-ctx.Done():
		return over(ctx)
	case s.queue <- o:
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		if o.state.CompareAndSwap(opWaiting, opDropped) {
			return over(ctx)
		}
	case <-s.stopped:
		if o.state.CompareAndSwap(opWaiting, opDropped) {
			return closed()
		}
	}
	<-o.done
	return o.err
}

// writer is the one goroutine that writes. It takes everything that waits, commits it in one transaction, and answers.
type writer struct {
	s      *Store
	tx     *tx
	conn   *raw.Conn
	group  []*op
	swept  time.Time // when expired rows were last dropped
	behind bool      // something was written since the log was last written back
}

func newWriter(s *Store, conn *raw.Conn) (*writer, error) {
	position, err := readInt(conn, "SELECT max(position) FROM _changes")
	if err != nil {
		return nil, err
	}
	return &writer{s: s, conn: conn, tx: newTx(s, conn, position)}, nil
}

// run writes until the store closes, then what still waits.
func (w *writer) run() {
	defer func() {
		if err := w.conn.Close(); err != nil {
			w.s.log.Error("closing the writer's connection failed", "err", err)
		}
	}()
	idle := time.NewTimer(idleAfter)
	defer idle.Stop()
	for {
		select {
		case o := <-w.s.queue:
			w.write(o)
			idle.Reset(idleAfter)
			w.behind = true
		case <-idle.C:
			w.writeBack()
		case <-w.s.closing:
			for len(w.s.queue) > 0 {
				w.write(<-w.s.queue)
			}
			return
		}
	}
}

// idleAfter is how long no write must come for the log to be written back to the database file.
const idleAfter = time.Second

// writeBack moves the log into the database file while nobody writes: pages are read faster from there, and the next
// start has less to look through. Under load a commit does it each checkpointPages.
func (w *writer) writeBack() {
	if !w.behind {
		return
	}
	w.behind = false
	w.conn.Unguard()
	if err := w.conn.Exec("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		w.s.log.Warn("writing the log back failed", "err", err)
	}
}

// write commits one group that begins with o.
func (w *writer) write(o *op) {
	w.group = append(w.group[:0], o)
	for len(w.group) < groupMax && len(w.s.queue) > 0 {
		w.group = append(w.group, <-w.s.queue)
	}
	live := w.group[:0]
	for _, o := range w.group {
		if o.ctx.Err() != nil || !o.state.CompareAndSwap(opWaiting, opTaken) {
			o.drop()
			continue
		}
		live = append(live, o)
	}
	w.sweep()
	for todo := live; len(todo) > 0; {
		bad := w.commit(todo)
		if bad < 0 {
			break
		}
		// One statement ended the whole transaction (out of time, out of disk). Its op has its error; the others did
		// nothing wrong and run again without it.
		close(todo[bad].done)
		todo = append(append([]*op(nil), todo[:bad]...), todo[bad+1:]...)
	}
	clear(w.group)
}

// drop answers an op whose caller has left, or is about to.
func (o *op) drop() {
	if o.state.CompareAndSwap(opWaiting, opTaken) {
		o.err = over(o.ctx)
		close(o.done)
	}
}

// commit runs the ops in one transaction and answers them all, also where it fails as a whole. It returns the index of
// an op that broke the transaction for all of them, or -1.
func (w *writer) commit(group []*op) (broken int) {
	t := w.tx
	if err := t.begin(w.s.opts.Now()); err != nil {
		w.answer(group, failed("sqlite.begin", err, true))
		return -1
	}
	for i, o := range group {
		o.err = t.do(o)
		if !w.conn.InTransaction() {
			if o.err == nil {
				o.err = roundtrip.E(roundtrip.Internal, "store.failed", "")
			}
			t.abort()
			return i
		}
		if t.broken {
			t.abort()
			return i
		}
	}
	w.conn.Unguard()
	err := t.finish()
	if err == nil {
		err = w.conn.Exec("COMMIT")
	}
	if err != nil {
		t.abort()
		w.s.log.Error("a commit failed", "writes", len(group), "err", err)
		w.answer(group, failed("sqlite.commit", err, true))
		return -1
	}
	t.committed()
	w.s.commits.Add(1)
	w.s.pool.groups.Add(1)
	w.s.pool.writes.Add(uint64(len(group)))
	if hook := w.s.hook.Load(); hook != nil && len(t.changes) > 0 {
		(*hook)(t.published())
	}
	w.answer(group, nil)
	return -1
}

// answer tells all callers. A failed commit fails every one of them; else each has its own result already.
func (w *writer) answer(group []*op, err error) {
	for _, o := range group {
		if err != nil {
			o.err = err
		}
		close(o.done)
	}
}

// sweepEvery is how often expired rows are dropped, and sweepMax how many at once, so that nobody waits for it.
const (
	sweepEvery = time.Minute
	sweepMax   = 500
)

// sweep drops expired idempotency keys and sessions.
func (w *writer) sweep() {
	now := w.s.opts.Now()
	if now.Sub(w.swept) < sweepEvery {
		return
	}
	w.swept = now
	w.conn.Unguard()
	err := w.conn.Exec("DELETE FROM _keys WHERE (principal, key) IN (SELECT principal, key FROM _keys WHERE at < ? LIMIT ?)",
		roundtrip.Time(now.Add(-keyLife)), roundtrip.Int(sweepMax))
	if err == nil {
		err = w.conn.Exec("DELETE FROM _sessions WHERE id IN (SELECT id FROM _sessions WHERE expires < ? LIMIT ?)",
			roundtrip.Time(now), roundtrip.Int(sweepMax))
	}
	if err != nil {
		w.s.log.Warn("dropping expired rows failed", "err", err)
	}
}
