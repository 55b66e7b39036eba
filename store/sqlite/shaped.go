package sqlite

import (
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// What a caller wrote a filter, an order or groups of may be a statement that no index serves. It gets less time than
// others; and once it has run for shapedFree it must find a place among those that may take long, which are at most half
// of the readers, so that they never keep all others out.
const (
	shapedMax  = time.Second
	shapedFree = 50 * time.Millisecond
)

// shaped is the statement that a reader runs for a permit whose caller wrote a part of it.
type shaped struct {
	permit  *policy.Permit // nil for other statements
	limit   time.Duration
	slow    *atomic.Int64 // statements of all readers that take long
	max     int64
	holds   bool // one of those is this one
	refused bool // there was no place for it
	goOn    func() bool
}

// prepare makes the state of a new reader.
func (q *shaped) prepare(s *Store) {
	q.slow, q.max = &s.pool.slow, int64(s.opts.PoolMax+1)/2
	q.limit = min(shapedMax, s.opts.StatementDeadline)
	q.goOn = q.place
}

// place takes a place among the statements that take long.
func (q *shaped) place() bool {
	if q.slow.Add(1) <= q.max {
		q.holds = true
		return true
	}
	q.slow.Add(-1)
	q.refused = true
	return false
}

// explain says to the caller which part of the statement was too slow.
func (q *shaped) explain(err error, late bool) error {
	e := roundtrip.AsError(err)
	if q.permit == nil || e.Kind != roundtrip.Deadline || !late {
		return err
	}
	out := q.permit.Slow(q.limit)
	if q.refused {
		out = roundtrip.E(roundtrip.Unavailable, "store.pool_exhausted",
			"%d queries that take long are running already, and this one takes long too. Try again, or filter and order by indexed fields.", q.max)
		out.Retry = time.Second
	}
	out.Op, out.Err = e.Op, e.Err
	return out
}

// queryFor runs the statement in r.sql, which has the filter, the order or the groups of the permit.
func (r *reader) queryFor(p *policy.Permit, name string, fn func(*raw.Stmt) (more bool, err error)) error {
	if !p.Shaped() {
		return r.query(name, fn)
	}
	q := &r.shaped
	q.permit, q.refused = p, false
	was := r.conn.Limit(q.limit)
	r.conn.Ask(shapedFree, q.goOn)
	defer func() {
		r.conn.Limit(was)
		r.conn.Ask(0, nil)
		q.permit = nil
		if q.holds {
			q.slow.Add(-1)
			q.holds = false
		}
	}()
	return r.query(name, fn)
}
