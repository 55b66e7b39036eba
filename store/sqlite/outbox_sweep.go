package sqlite

import (
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

const (
	toldLife   = 48 * time.Hour // how long after it was due a job to tell somebody is kept that nobody does
	orphanLife = 72 * time.Hour // how long a message waits for its webhook to be declared again
)

// dropUndone ends a slice of the jobs that nobody does: those that tell of notifications where no sender runs any more, and
// the messages of webhooks that are no longer declared, which become dead letters. It belongs to the sweep's transaction.
func (w *writer) dropUndone(now time.Time) (more bool, err error) {
	all := w.tx.schemaNow()
	if all.schema == nil {
		return false, nil // not known yet what is declared
	}
	declared := map[string]bool{}
	for _, c := range all.schema.Collections {
		for _, hooks := range c.Hooks {
			for _, hook := range hooks {
				declared[store.JobWebhook+hook] = true
			}
		}
	}
	w.tx.now = now.Truncate(time.Millisecond)
	for at := ""; ; { // one look at the index for each kind that there is
		kind := ""
		err := w.tx.query("SELECT kind FROM _outbox WHERE dead = 0 AND kind > ? ORDER BY kind LIMIT 1", func(st *raw.Stmt) { kind = st.Text(0) }, roundtrip.Text(at))
		if err != nil || kind == "" {
			return more, err
		}
		at = kind
		var done int
		switch {
		case kind == store.JobPush, kind == store.JobEmail:
			done, err = w.endJobs("DELETE FROM _outbox", "due", kind, now.Add(-toldLife))
		case strings.HasPrefix(kind, store.JobWebhook) && !declared[kind]:
			done, err = w.endJobs("UPDATE _outbox SET claimed = 0, dead = ?4, failed = ?4, error = 'the webhook is not declared any more'", "created", kind, now.Add(-orphanLife))
		}
		if err != nil {
			return more, err
		}
		more = more || done == sweepMax
	}
}

// endJobs takes jobs of a kind out of the order for which what counts, a column, was before a time.
func (w *writer) endJobs(how, counts, kind string, before time.Time) (n int, err error) {
	keys := map[string]bool{}
	err = w.tx.query(how+` WHERE id IN (SELECT id FROM _outbox WHERE kind = ?1 AND dead = 0 AND `+counts+` < ?2 AND ?4 > 0 LIMIT ?3)
		RETURNING coalesce(key, '')`, func(st *raw.Stmt) { n++; keys[st.Text(0)] = true },
		roundtrip.Text(kind), roundtrip.Time(before), roundtrip.Int(sweepMax), roundtrip.Time(w.tx.now))
	for key := range keys {
		if err == nil {
			err = w.tx.head(kind, key)
		}
	}
	return n, err
}
