package sqlite

import (
	"runtime/debug"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

const (
	groupMax   = 256                    // writes in one commit
	groupTime  = 100 * time.Millisecond // after which no more writes are added to a commit; and how long one may run in company
	writeMax   = time.Second            // how long one write may run, alone
	cascadeMax = 30 * time.Second       // how long a delete with all that goes with it may run, alone
)

// writer is the one goroutine that writes. It takes what waits, commits it in one transaction, and answers.
type writer struct {
	s      *Store
	tx     *tx
	conn   *raw.Conn
	limit  time.Duration // writeMax, or less where statements may run less
	group  []*op
	done   []*op     // those that ran in the open transaction
	late   []*op     // those that took too long in company, first come first
	swept  time.Time // when expired rows were last dropped
	more   bool      // there were more of them
	behind bool      // something was written since the log was last written back
	lock   *lock     // holds how far the log has come
	epoch  string    // of the database
	marked int64     // the position that the lock holds
}

func newWriter(s *Store, conn *raw.Conn) (*writer, error) {
	position, err := readInt(conn, "SELECT max(position) FROM _changes")
	if err != nil {
		return nil, err
	}
	return &writer{s: s, conn: conn, limit: min(writeMax, s.opts.StatementDeadline), tx: newTx(s, conn, position)}, nil
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
		pause := idleAfter
		select {
		case o := <-w.s.queue:
			w.write(o)
			w.behind = true
		case <-idle.C:
			w.writeBack()
		case <-w.s.closing:
			for len(w.s.queue) > 0 {
				w.write(<-w.s.queue)
			}
			for len(w.late) > 0 {
				w.writeLate()
			}
			w.keepMark()
			return
		}
		w.writeLate()
		if w.sweep() || len(w.late) > 0 {
			pause = 0 // whoever waits to write may still come first
		}
		idle.Reset(pause)
	}
}

// idleAfter is how long no write must come for the log to be written back to the database file.
const idleAfter = time.Second

// writeBack moves the log into the database file while nobody writes: pages are read faster from there, and the next
// start has less to look through. Under load a commit does it each checkpointPages.
func (w *writer) writeBack() {
	if !w.behind || w.more {
		return
	}
	w.behind = false
	w.keepMark()
	w.conn.Unguard()
	if err := w.conn.Exec("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		w.s.log.Warn("writing the log back failed", "err", err)
	}
}

// write sees through a group that begins with first.
func (w *writer) write(first *op) {
	w.group = append(w.group[:0], first)
	for len(w.group) < groupMax && len(w.s.queue) > 0 {
		w.group = append(w.group, <-w.s.queue)
	}
	w.work(w.group, 0)
	w.s.writing.Store(nil)
	clear(w.group)
}

// writeLate sees through one write that took too long in company, unless it has waited too long by now.
func (w *writer) writeLate() {
	if len(w.late) == 0 {
		return
	}
	o := w.late[0]
	w.late = slices.Delete(w.late, 0, 1)
	if time.Since(o.since) > o.wait {
		o.answer(crowded())
		return
	}
	o.state.Store(opTaken)
	w.work([]*op{o}, 0)
	w.s.writing.Store(nil)
}

// work answers all ops, in their order, in as few transactions as may be.
//
// Nobody waits without bound. An op is taken when its turn comes, so its caller can leave until then, and does after
// PoolWait. In company it may run for groupTime. If it ends the whole transaction (out of time, out of disk, a panic), those
// that ran before it in the same one run once more without it, which takes no longer than before: at most groupTime. Should
// another one break that second time, the rest of them run one by one. So what is quick is answered about 4 x groupTime
// after it was taken. What was not is tried again by writeLate, alone and with more time: writeMax, or cascadeMax where
// records go with a record. One of these runs after each group, so that the next group waits for one at most; and whoever
// has not got its second turn within PoolWait has lost it.
func (w *writer) work(ops []*op, times int) {
	for len(ops) > 0 {
		n := len(ops)
		if times >= 2 {
			n = 1
		}
		ran, broke, again := w.attempt(ops[:n])
		if broke {
			w.work(ops[:ran], times+1) // the one that broke it is answered and passed over
		}
		w.work(again, 2)
		ops = ops[ran:]
	}
}

// attempt runs ops in one transaction and answers them. ran is how many of them had their turn. broke says that the last
// of these ended the transaction: it alone is answered. again are those whose notifications could not be written together:
// one by one, the one whose notification can't be written fails alone.
func (w *writer) attempt(ops []*op) (ran int, broke bool, again []*op) {
	t := w.tx
	began := time.Now() //nolint:forbidigo // bounds run on the real clock
	w.done = w.done[:0]
	for _, o := range ops {
		if o.alone && len(w.done) > 0 {
			break
		}
		ran++
		if !o.take() {
			continue
		}
		if len(w.done) == 0 && !w.conn.InTransaction() {
			if err := t.begin(w.s.opts.Now()); err != nil {
				o.answer(failed("sqlite.begin", err, true))
				w.refuse(ops[ran:], err)
				return len(ops), false, nil
			}
		}
		err := w.do(o)
		if t.broken || !w.conn.InTransaction() {
			t.abort()
			w.broke(o, err)
			return ran, true, nil
		}
		if w.putOff(o, err) {
			continue
		}
		o.err = err
		w.done = append(w.done, o)
		if o.alone || time.Since(began) > w.s.groupTime {
			break
		}
	}
	return ran, false, w.finish()
}

// refuse answers ops for which no transaction could be begun.
func (w *writer) refuse(ops []*op, err error) {
	for _, o := range ops {
		if o.take() {
			o.answer(failed("sqlite.begin", err, true))
		}
	}
}

// do runs one op within its time. A panic in it is its failure and nobody else's.
func (w *writer) do(o *op) (err error) {
	defer w.tx.caught(&err)
	budget := o.budget
	if budget == 0 {
		budget = min(groupTime, w.limit)
	}
	w.conn.Budget(budget)
	w.s.writing.Store(o)
	return w.tx.do(o)
}

// caught turns a panic into an error, and gives the transaction up. It is deferred.
func (t *tx) caught(err *error) {
	if p := recover(); p != nil {
		t.broken = true
		t.s.log.Error("a write panicked", "panic", p, "stack", string(debug.Stack()))
		*err = roundtrip.E(roundtrip.Internal, "store.failed", "")
	}
}

// broke answers an op that ended its transaction, unless it may try again.
func (w *writer) broke(o *op, err error) {
	if w.putOff(o, err) {
		return
	}
	if err == nil {
		err = roundtrip.E(roundtrip.Internal, "store.failed", "")
	}
	o.answer(err)
}

// putOff keeps an op for later that ran out of its time in company.
func (w *writer) putOff(o *op, err error) bool {
	if err == nil || o.alone || o.ctx.Err() != nil || roundtrip.AsError(err).Kind != roundtrip.Deadline {
		return false
	}
	o.alone, o.budget = true, w.limit
	if o.long {
		o.budget = cascadeMax
	}
	o.state.Store(opLate)
	w.late = append(w.late, o)
	return true
}

// finish commits the open transaction and answers those that ran in it. If that fails, it fails for every one of them; but
// several whose notifications can't be written are returned, to be tried again.
func (w *writer) finish() (again []*op) {
	if !w.conn.InTransaction() {
		return nil // nobody was taken
	}
	t := w.tx
	if err := w.commit(); err != nil {
		told := len(t.events) > 0 && !t.folded
		t.abort()
		if told && len(w.done) > 1 {
			w.s.log.Warn("notifications could not be written; each write is tried alone", "writes", len(w.done), "err", err)
			return slices.Clone(w.done)
		}
		w.s.log.Error("a commit failed", "writes", len(w.done), "err", err)
		err = failed("sqlite.commit", err, true)
		for _, o := range w.done {
			o.answer(err)
		}
		return nil
	}
	t.committed()
	w.s.commits.Add(1)
	w.s.pool.groups.Add(1)
	w.s.pool.writes.Add(uint64(len(w.done)))
	w.publish()
	for _, o := range w.done {
		o.answer(o.err)
	}
	return nil
}

func (w *writer) commit() (err error) {
	defer w.tx.caught(&err)
	w.conn.Unguard()
	if err := w.tx.finish(); err != nil {
		return err
	}
	return w.conn.Exec("COMMIT")
}

// publish tells of what was committed.
func (w *writer) publish() {
	hook := w.s.hook.Load()
	if hook == nil || len(w.tx.changes) == 0 {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			w.s.log.Error("telling of a commit panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	(*hook)(w.tx.published())
}
