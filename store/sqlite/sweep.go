package sqlite

import (
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

const (
	sweepEvery = time.Minute        // how often expired rows are dropped
	sweepMax   = 1000               // how many of a table at once, so that nobody waits for it
	changeLife = 7 * 24 * time.Hour // how long a stream can be resumed
)

// sweep drops a slice of the expired rows: between two groups, or while nobody writes. It reports whether there may be more.
func (w *writer) sweep() bool {
	now := w.s.opts.Now()
	if !w.more && now.Sub(w.swept) < sweepEvery {
		return false
	}
	w.swept = now
	w.keepMark()
	more, err := w.dropExpired(now)
	if err != nil {
		w.tx.abort()
		w.s.log.Warn("dropping expired rows failed", "err", err)
	}
	if err == nil {
		ended, wrong := w.expire(now)
		if wrong != nil {
			w.tx.abort()
			w.s.log.Warn("ending old notifications failed", "err", wrong)
		}
		more = more || ended && wrong == nil
	}
	w.more = more && err == nil
	w.behind = w.behind || w.more
	return w.more
}

// dropExpired drops up to sweepMax rows of each table, those that are found by an index. Positions follow time, so only
// the first rows of _changes are looked at; its last one stays for good, because positions go on from it.
func (w *writer) dropExpired(now time.Time) (more bool, err error) {
	defer w.tx.caught(&err)
	w.conn.Unguard()
	if err := w.conn.Exec("BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	limit := roundtrip.Int(sweepMax)
	for _, d := range []struct {
		sql  string
		args []roundtrip.Value
	}{
		{
			"DELETE FROM _keys WHERE (principal, key) IN (SELECT principal, key FROM _keys WHERE at < ? LIMIT ?)",
			[]roundtrip.Value{roundtrip.Time(now.Add(-keyLife)), limit},
		},
		{
			"DELETE FROM _sessions WHERE id IN (SELECT id FROM _sessions WHERE expires < ? LIMIT ?)",
			[]roundtrip.Value{roundtrip.Time(now), limit},
		},
		{
			"DELETE FROM _changes WHERE position IN (SELECT position FROM _changes ORDER BY position LIMIT ?) AND at < ? AND position < ?",
			[]roundtrip.Value{limit, roundtrip.Time(now.Add(-changeLife)), roundtrip.Int(w.tx.position)},
		},
		{
			"DELETE FROM _outbox WHERE id IN (SELECT id FROM _outbox WHERE dead > 0 AND dead < ? LIMIT ?)",
			[]roundtrip.Value{roundtrip.Time(now.Add(-deadLife)), limit},
		},
	} {
		if err := w.conn.Exec(d.sql, d.args...); err != nil {
			return false, err
		}
		more = more || w.conn.Changes() == sweepMax
	}
	gone, err := w.dropGone(now)
	if err != nil {
		return false, err
	}
	undone, err := w.dropUndone(now)
	if err != nil {
		return false, err
	}
	return more || gone || undone, w.conn.Exec("COMMIT")
}
