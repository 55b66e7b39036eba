package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// deadLife is how long a job that was given up is kept.
const deadLife = 30 * 24 * time.Hour

// head makes the first job of a kind and key due, if it waited for its turn.
func (t *tx) head(kind, key string) error {
	return t.exec(`UPDATE _outbox SET due = ?3
		WHERE id = (SELECT min(id) FROM _outbox WHERE kind = ?1 AND key = ?2 AND dead = 0) AND due = ?4`,
		roundtrip.Text(kind), roundtrip.Text(key), roundtrip.Time(t.now), roundtrip.Int(jobWaits))
}

// CountJobs says what the outbox holds, one entry for each kind that starts with prefix, by name.
func (s *Store) CountJobs(ctx context.Context, prefix string) ([]store.JobCount, error) {
	var out []store.JobCount
	err := s.read(ctx, "outbox.count", func(r *reader) error {
		err := r.run(`SELECT kind, sum(dead = 0), sum(dead > 0), coalesce(min(CASE WHEN dead = 0 THEN created END), 0)
			FROM _outbox WHERE substr(kind, 1, length(?1)) = ?1 GROUP BY kind ORDER BY kind`, func(st *raw.Stmt) {
			c := store.JobCount{Kind: st.Text(0), Waiting: int(st.Int(1)), Dead: int(st.Int(2))}
			if c.Waiting > 0 {
				c.Oldest = time.UnixMicro(st.Int(3)).UTC()
			}
			out = append(out, c)
		}, roundtrip.Text(prefix))
		if err != nil {
			return err
		}
		for i := range out {
			err := r.run("SELECT error FROM _outbox WHERE kind = ? AND failed > 0 ORDER BY failed DESC, id DESC LIMIT 1",
				func(st *raw.Stmt) { out[i].Error = st.Text(0) }, roundtrip.Text(out[i].Kind))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// DeadJobs returns up to limit jobs that were given up, of the kinds that start with prefix, the newest first.
func (s *Store) DeadJobs(ctx context.Context, prefix string, limit int) ([]store.DeadJob, error) {
	var out []store.DeadJob
	err := s.read(ctx, "outbox.dead", func(r *reader) error {
		return r.run("SELECT "+jobColumns+`, dead, error FROM _outbox WHERE dead > 0 AND substr(kind, 1, length(?1)) = ?1
			ORDER BY dead DESC, id DESC LIMIT ?2`, func(st *raw.Stmt) {
			out = append(out, store.DeadJob{Job: jobOf(st), Died: time.UnixMicro(st.Int(7)).UTC(), Error: st.Text(8)})
		}, roundtrip.Text(prefix), roundtrip.Int(int64(limit)))
	})
	return out, err
}

// ReplayJobs brings jobs back that were given up, as if they were new: those with the ids, or all where ids is nil, of the
// kinds that start with prefix. They come before what waits of their keys. It returns how many there were.
//
// All or nothing: where an id names no such job the error is store.missing.
func (s *Store) ReplayJobs(ctx context.Context, prefix string, ids []int64) (n int, err error) {
	err = s.submit(ctx, "outbox.replay", true, func(t *tx) error {
		n = 0
		if ids == nil {
			got, err := t.replayJobs("SELECT id FROM _outbox WHERE dead > 0 AND substr(kind, 1, length(?2)) = ?2", roundtrip.Text(prefix))
			n = got
			return failed("outbox.replay", err, t.conn.Late())
		}
		for _, id := range ids {
			got, err := t.replayJobs("SELECT id FROM _outbox WHERE id = ?3 AND dead > 0 AND substr(kind, 1, length(?2)) = ?2",
				roundtrip.Text(prefix), roundtrip.Int(id))
			if err != nil {
				return failed("outbox.replay", err, t.conn.Late())
			}
			if got == 0 {
				e := roundtrip.E(roundtrip.Missing, "store.missing", "there is no dead letter %d; nothing was replayed", id)
				return e
			}
			n += got
		}
		return nil
	})
	return n, err
}

// replayJobs brings back those whose ids a query selects. ?1 is the time.
func (t *tx) replayJobs(query string, args ...roundtrip.Value) (n int, err error) {
	type place struct{ kind, key string }
	places := map[place]int64{} // the first job of each that comes back
	t.sql.Reset()
	t.sql.Raw("UPDATE _outbox SET dead = 0, claimed = 0, tries = 0, created = ?1, due = ?1 WHERE id IN (" + query + ") RETURNING id, kind, key")
	t.sql.Args = append(append(t.sql.Args, roundtrip.Time(t.now)), args...)
	err = t.each(func(st *raw.Stmt) bool {
		n++
		if st.Null(2) {
			return true
		}
		at := place{st.Text(1), st.Text(2)}
		if first, ok := places[at]; !ok || st.Int(0) < first {
			places[at] = st.Int(0)
		}
		return true
	})
	if err != nil {
		return 0, err
	}
	for at := range places { // what was due of the key waits for its turn again
		kind, key := roundtrip.Text(at.kind), roundtrip.Text(at.key)
		err := t.exec(`UPDATE _outbox SET due = ?3 WHERE kind = ?1 AND key = ?2 AND dead = 0
			AND id > (SELECT min(id) FROM _outbox WHERE kind = ?1 AND key = ?2 AND dead = 0)`, kind, key, roundtrip.Int(jobWaits))
		if err == nil {
			err = t.head(at.kind, at.key)
		}
		if err != nil {
			return 0, fmt.Errorf("ordering %s: %w", at.key, err)
		}
	}
	return n, nil
}
