package sqlite

import (
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// keepUndeclared is how long entries are kept whose kind is no longer declared.
const keepUndeclared = 90 * 24 * time.Hour

// expire ends a slice of the entries that have been kept long enough, as a write like any other: whoever looks at the
// inbox is told that they are gone. It reports whether there may be more.
func (w *writer) expire(now time.Time) (more bool, err error) {
	t := w.tx
	if t.schemaNow().schema == nil {
		return false, nil // what is declared, and for how long it is kept, is not known yet
	}
	if err := t.begin(now); err != nil {
		return false, err
	}
	w.conn.Unguard()
	if more, err = t.expireNotes(now); err != nil {
		return false, err
	}
	if len(t.events) == 0 {
		t.abort()
		return more, nil
	}
	w.done = w.done[:0]
	w.finish()
	return more, nil
}

// expireNotes notes the entries that end.
func (t *tx) expireNotes(now time.Time) (more bool, err error) {
	defer t.caught(&err)
	all := t.schemaNow()
	kinds := map[string]time.Duration{}
	for at := ""; ; { // one look at the index for each kind that there is
		next := ""
		err := t.query("SELECT kind FROM _notes WHERE count > 0 AND kind > ? ORDER BY kind LIMIT 1", func(st *raw.Stmt) { next = st.Text(0) }, roundtrip.Text(at))
		if err != nil {
			return false, err
		}
		if next == "" {
			break
		}
		at, kinds[next] = next, keepUndeclared
		if n := all.kinds[next]; n != nil {
			kinds[next] = n.Keep + n.Within
		}
	}
	for kind, keep := range kinds {
		before := roundtrip.Time(now.Add(-keep))
		found := 0
		err := t.query("SELECT account, id FROM _notes WHERE count > 0 AND kind = ? AND created < ? AND updated < ? LIMIT ?", func(st *raw.Stmt) {
			found++
			t.happen(inboxEvent{what: expired, account: roundtrip.ID(st.Int(0)), note: roundtrip.ID(st.Int(1))})
		}, roundtrip.Text(kind), before, before, roundtrip.Int(sweepMax))
		if err != nil {
			return false, err
		}
		more = more || found == sweepMax
	}
	return more, nil
}

// dropGone drops a slice of the entries that have been gone for as long as streams can be resumed: nobody who still can
// has to be told of their end. It belongs to the sweep's transaction.
func (w *writer) dropGone(now time.Time) (more bool, err error) {
	type gone struct{ id, account, position int64 }
	var list []gone
	w.tx.sql.Reset()
	w.tx.sql.Raw("SELECT id, account, position FROM _notes WHERE count = 0 AND updated < ").Arg(roundtrip.Time(now.Add(-changeLife))).
		Raw(" LIMIT ").Arg(roundtrip.Int(sweepMax))
	err = w.tx.each(func(st *raw.Stmt) bool {
		list = append(list, gone{st.Int(0), st.Int(1), st.Int(2)})
		return true
	})
	if err != nil {
		return false, err
	}
	left := int64(sweepMax) // sources
	for _, g := range list {
		if left <= 0 {
			return true, nil
		}
		err := w.conn.Exec("DELETE FROM _note_sources WHERE (note, n) IN (SELECT note, n FROM _note_sources WHERE note = ? LIMIT ?)", roundtrip.Int(g.id), roundtrip.Int(left))
		if err != nil {
			return false, err
		}
		if left -= w.conn.Changes(); left <= 0 {
			return true, nil // there may be more of them: the entry stays until they are gone
		}
		if err := w.conn.Exec("DELETE FROM _notes WHERE id = ?", roundtrip.Int(g.id)); err != nil {
			return false, err
		}
		if err := w.conn.Exec("UPDATE _inbox SET floor = max(floor, ?) WHERE account = ?", roundtrip.Int(g.position), roundtrip.Int(g.account)); err != nil {
			return false, err
		}
	}
	return len(list) == sweepMax, nil
}
