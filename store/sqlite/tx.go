package sqlite

import (
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// tx is the transaction of one group. It belongs to the writer and is used again for the next one. What all its ops leave
// behind beside their records (counter sums, change rows, jobs) is gathered here and written once, before the commit.
type tx struct {
	s    *Store
	conn *raw.Conn
	sql  policy.SQL
	now  time.Time

	position int64 // of the last change that was committed
	changes  []roundtrip.Change
	causes   []cause // of each of them
	jobs     []job
	events   []inboxEvent  // what inboxes are to be told, see fold
	folded   bool          // they are written
	counted  []tally       // records whose count fields were written
	noted    map[spot]bool // those that have a change already; used by noteCounted alone
	body     []byte        // of a webhook, while it is made
	sums     sums
	deep     bool    // inside a savepoint
	broken   bool    // an op without a savepoint failed half-way, or panicked
	op       *op     // the one that runs
	next     *tables // the schema that is in force once this is committed, nil: the one that is
}

func newTx(s *Store, conn *raw.Conn, position int64) *tx {
	return &tx{s: s, conn: conn, position: position, sql: policy.SQL{Dialect: policy.SQLite}, sums: newSums(), noted: map[spot]bool{}}
}

func (t *tx) begin(now time.Time) error {
	t.now, t.broken, t.deep, t.next, t.op = now.Truncate(time.Millisecond), false, false, nil, nil
	t.clear()
	t.conn.Unguard()
	return t.conn.Exec("BEGIN IMMEDIATE")
}

// do runs one op. If it fails, everything that it did is undone, and nothing of the others.
func (t *tx) do(o *op) error {
	t.conn.Guard(o.ctx)
	t.op = o
	if !o.multi && (o.permit == nil || !t.several(o.permit)) {
		m := t.mark()
		err := o.run(t)
		if err != nil {
			t.forget(m)
			t.sums.dropOwn()
			return err
		}
		t.sums.keepOwn()
		return nil
	}
	if err := t.conn.Exec("SAVEPOINT op"); err != nil {
		return failed("sqlite.savepoint", err, true)
	}
	m := t.mark()
	t.deep = true
	err := o.run(t)
	t.deep = false
	if err != nil {
		t.next = nil
		t.forget(m)
		t.sums.rollback()
		if t.conn.InTransaction() {
			t.conn.Unguard() // the caller may be gone; undoing goes on
			if undo := t.conn.Exec("ROLLBACK TO op"); undo != nil {
				t.broken = true
				return err
			}
			t.release()
		}
		return err
	}
	t.sums.keepOwn()
	t.release()
	return nil
}

func (t *tx) release() {
	if err := t.conn.Exec("RELEASE op"); err != nil {
		t.broken = true
	}
}

// finish writes what was gathered.
func (t *tx) finish() error {
	if err := t.flush(); err != nil {
		return err
	}
	t.noteCounted()
	if err := t.fold(); err != nil {
		return failed("inbox.fold", err, true)
	}
	t.folded = true
	if err := t.writeChanges(); err != nil {
		return err
	}
	return t.writeJobs()
}

func (t *tx) abort() {
	t.conn.Unguard()
	if t.conn.InTransaction() {
		if err := t.conn.Exec("ROLLBACK"); err != nil {
			t.s.log.Error("rolling back failed", "err", err)
		}
	}
	t.next = nil
	t.clear()
}

// clear forgets what was gathered.
func (t *tx) clear() {
	t.changes, t.causes, t.jobs, t.counted = t.changes[:0], t.causes[:0], t.jobs[:0], t.counted[:0]
	clear(t.events)
	t.folded = false
	t.events = t.events[:0]
	t.sums.reset()
}

// mark is how much was gathered when an op began.
type mark struct{ changes, jobs, counted, events int }

func (t *tx) mark() mark { return mark{len(t.changes), len(t.jobs), len(t.counted), len(t.events)} }

// forget drops what an op gathered that failed.
func (t *tx) forget(m mark) {
	t.changes, t.causes = t.changes[:m.changes], t.causes[:m.changes]
	t.jobs, t.counted = t.jobs[:m.jobs], t.counted[:m.counted]
	t.events = t.events[:m.events]
}

// exec runs a statement and returns SQLite's own error.
func (t *tx) exec(sql string, args ...roundtrip.Value) error { return t.conn.Exec(sql, args...) }

// walk runs the statement in t.sql and gives its rows to fn until it returns false; the rest is not looked for.
func (t *tx) walk(fn func(*raw.Stmt) bool) error {
	st, err := t.conn.PrepareBytes(t.sql.Text)
	if err != nil {
		return err
	}
	defer st.Release()
	if err := st.Bind(t.sql.Args); err != nil {
		return err
	}
	for {
		more, err := st.Step()
		if err != nil || !more || !fn(st) {
			return err
		}
	}
}

// first runs the statement in t.sql and gives its first row, if any, to fn.
func (t *tx) first(fn func(*raw.Stmt)) (found bool, err error) {
	err = t.each(func(st *raw.Stmt) bool {
		if !found && fn != nil {
			fn(st)
		}
		found = true
		return true
	})
	return found, err
}

// each runs the statement in t.sql to its end and gives its rows to fn until it returns false.
func (t *tx) each(fn func(*raw.Stmt) bool) error {
	st, err := t.conn.PrepareBytes(t.sql.Text)
	if err != nil {
		return err
	}
	defer st.Release()
	if err := st.Bind(t.sql.Args); err != nil {
		return err
	}
	wanted := true
	for {
		more, err := st.Step()
		if err != nil || !more {
			return err
		}
		if wanted {
			wanted = fn(st)
		}
	}
}
