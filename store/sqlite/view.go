package sqlite

import (
	"context"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// loadMax is how many ids one statement of Load takes.
const loadMax = 256

// reader is one connection for reading. It keeps a read transaction open between views, and so its snapshot, for as long
// as nothing was committed: taking a new one costs more than a read by id.
type reader struct {
	s        *Store
	conn     *raw.Conn
	sql      policy.SQL // the statement under construction
	held     bool       // a transaction is open
	seen     uint64     // the commit counter when it was opened
	position int64      // of the last change in the snapshot, -1 while nobody has asked
	rested   bool       // not used since the last look of pool.rest
	journey  *trace.Journey
	holds    holding // while it is lent
	shaped   shaped
}

var _ store.View = (*reader)(nil)

// View runs fn over one snapshot of the database that has everything that was acknowledged before the call.
func (s *Store) View(ctx context.Context, fn func(store.View) error) error {
	r, err := s.pool.take(ctx)
	if err != nil {
		return err
	}
	defer s.pool.give(r)
	r.conn.Guard(ctx)
	if err := r.renew(); err != nil {
		return failed("sqlite.snapshot", err, r.conn.Late())
	}
	r.journey = trace.From(ctx)
	defer r.done()
	return fn(r)
}

// renew takes a new snapshot if something was committed since the last one. The counter is read first: at worst a
// snapshot is newer than it says and is renewed once too often.
func (r *reader) renew() error {
	now := r.s.commits.Load()
	if r.held && r.seen == now {
		return nil
	}
	if r.held {
		r.leave()
	}
	if err := r.conn.Exec("BEGIN"); err != nil {
		return err
	}
	r.held, r.seen, r.position = true, now, -1
	return nil
}

func (r *reader) leave() {
	r.held = false
	if err := r.conn.Exec("COMMIT"); err != nil && r.conn.InTransaction() {
		_ = r.conn.Exec("ROLLBACK")
	}
}

// done ends a view. An interrupted statement may have ended the transaction with it.
func (r *reader) done() {
	r.journey = nil
	r.conn.Unguard()
	r.held = r.held && r.conn.InTransaction()
}

// query runs the statement in r.sql and gives its rows to fn until it says stop.
func (r *reader) query(name string, fn func(*raw.Stmt) (more bool, err error)) error {
	step := r.journey.Begin(trace.SQL, name)
	st, err := r.conn.PrepareBytes(r.sql.Text)
	if err == nil {
		defer st.Release()
		err = st.Bind(r.sql.Args)
	}
	rows := int64(0)
	for err == nil {
		var more bool
		if more, err = st.Step(); err != nil || !more {
			break
		}
		rows++
		if more, err = fn(st); err != nil {
			step.N(rows, 0).OK() // the statement was good; what the caller did with its row was not
			return err
		}
		if !more {
			break
		}
	}
	if st != nil {
		r.noteSlow(step, st)
	}
	if err != nil {
		err = r.shaped.explain(failed(name, err, r.conn.Late()), r.conn.Late())
	}
	end(step.N(rows, 0), err)
	return err
}

// Get gives the record of the permit to fn. A rule that the record alone can answer is asked in memory, which saves
// writing it into the statement; one that needs other records stands in the WHERE of a second statement.
func (r *reader) Get(p *policy.Permit, fn func(roundtrip.Row) error) error {
	if p.Never() {
		return missing(p.Collection(), p.ID())
	}
	t := r.s.table(p.Collection())
	b := &r.sql
	b.Reset()
	b.Raw(t.get).Arg(roundtrip.Ref(p.ID()))
	answered, err := r.getOne(t, p, true, fn)
	if answered || err != nil {
		return err
	}
	b.Reset()
	b.Raw(t.get).Arg(roundtrip.Ref(p.ID()))
	andCondition(b, p)
	_, err = r.getOne(t, p, false, fn)
	return err
}

// getOne runs the statement in r.sql. check says that the rule is not in it; answered is false where the rule then needs
// to be.
func (r *reader) getOne(t *table, p *policy.Permit, check bool, fn func(roundtrip.Row) error) (answered bool, err error) {
	step := r.journey.Begin(trace.SQL, t.names.get)
	st, err := r.conn.PrepareBytes(r.sql.Text)
	if err != nil {
		return true, r.fails(step, t.names.get, err)
	}
	defer st.Release()
	if err := st.Bind(r.sql.Args); err != nil {
		return true, r.fails(step, t.names.get, err)
	}
	found, err := st.Step()
	if err != nil {
		return true, r.fails(step, t.names.get, err)
	}
	if found && check && !p.Always() {
		allowed, known := p.Check(st)
		if !known {
			step.N(1, 0).OK()
			return false, nil
		}
		found = allowed
	}
	if !found {
		err := missing(t.c, p.ID())
		end(step, err)
		return true, err
	}
	step.N(1, 0).OK()
	return true, fn(st)
}

func (r *reader) fails(step trace.Step, name string, err error) error {
	err = failed(name, err, r.conn.Late())
	end(step, err)
	return err
}

// andCondition appends the permit's condition for a statement on single records, unless it is always true.
func andCondition(b *policy.SQL, p *policy.Permit) {
	if p.Always() {
		return
	}
	b.Raw(" AND (")
	p.AppendCondition(b, policy.Scalar)
	b.Raw(")")
}

// Load gives those of the records that the permit allows.
func (r *reader) Load(p *policy.Permit, ids []roundtrip.ID, fn func(roundtrip.Row) error) error {
	if p.Never() {
		return nil
	}
	t := r.s.table(p.Collection())
	for len(ids) > 0 {
		n := min(len(ids), loadMax)
		b := &r.sql
		b.Reset()
		b.Raw(t.selects).Raw(` WHERE r."id" IN `)
		appendIDs(b, ids[:n])
		andCondition(b, p)
		err := r.query(t.names.load, func(st *raw.Stmt) (bool, error) { return true, fn(st) })
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// appendIDs appends a list of ids, filled up to a power of two with its last one, so that there are few shapes of the
// statement to keep.
func appendIDs(b *policy.SQL, ids []roundtrip.ID) {
	b.Raw("(")
	size := 1
	for size < len(ids) {
		size *= 2
	}
	for i := range size {
		if i > 0 {
			b.Raw(", ")
		}
		b.Arg(roundtrip.Ref(ids[min(i, len(ids)-1)]))
	}
	b.Raw(")")
}
