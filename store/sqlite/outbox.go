package sqlite

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// jobLease is how long a claimed job is kept from others. A job that is not finished by then is given out again.
const jobLease = time.Minute

// jobWaits is the due time of a job that is not the first one of its key: it becomes due when the one before it is done
// or given up. So a claim looks at jobs alone that can be done, however many wait behind one that fails.
const jobWaits = math.MaxInt64

// job is one row of the outbox to come.
type job struct {
	kind, payload string
	key           string        // keeps the order with others of its kind and key; "" where it has none
	after         time.Duration // how long after the commit it is due
	by            trace.ID      // the journey that wrote what it is about
	once          bool          // not written where one of its kind and key has not been claimed yet
}

// removeFiles leaves the job to remove the bytes of the files of a record, or of those that another row replaced. now is
// nil where the record is gone.
func (t *tx) removeFiles(tb *table, before, now roundtrip.Row) {
	var ids []string
	for _, f := range tb.files {
		id := fileID(before, f)
		if id == "" || now != nil && fileID(now, f) == id {
			continue
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return
	}
	payload, err := json.Marshal(ids)
	if err != nil {
		t.s.log.Error("a file will not be removed", "files", ids, "err", err)
		return
	}
	t.jobs = append(t.jobs, job{kind: store.JobFilesRemove, payload: string(payload)})
}

func fileID(row roundtrip.Row, field int) string {
	if row.Null(field) {
		return ""
	}
	var f roundtrip.File
	if err := json.Unmarshal(row.Bytes(field), &f); err != nil {
		return "" // not ours: nothing to remove
	}
	return f.ID
}

func (t *tx) writeJobs() error {
	for _, j := range t.jobs {
		if err := t.writeJob(j); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) writeJob(j job) error {
	kind, payload, due := roundtrip.Text(j.kind), roundtrip.Text(j.payload), roundtrip.Time(t.now.Add(j.after))
	if j.key == "" {
		return t.exec("INSERT INTO _outbox (kind, payload, due, tries, created, cause) VALUES (?, ?, ?, 0, ?, ?)", kind, payload, due, roundtrip.Time(t.now), causeText(j.by))
	}
	key := roundtrip.Text(j.key)
	sql := `INSERT INTO _outbox (kind, key, payload, due, tries, created, cause)
		SELECT ?1, ?2, ?3, CASE WHEN EXISTS (SELECT 1 FROM _outbox WHERE kind = ?1 AND key = ?2 AND dead = 0) THEN ?6 ELSE ?4 END, 0, ?5, ?7`
	if j.once {
		sql += " WHERE NOT EXISTS (SELECT 1 FROM _outbox WHERE kind = ?1 AND key = ?2 AND dead = 0 AND tries = 0)"
	}
	return t.exec(sql, kind, key, payload, due, roundtrip.Time(t.now), roundtrip.Int(jobWaits), causeText(j.by))
}

// causeText is the id of a journey as it stands in a row: it outlives a restart, unlike the journey.
func causeText(id trace.ID) roundtrip.Value {
	if id == (trace.ID{}) {
		return roundtrip.Text("")
	}
	return roundtrip.Text(id.String())
}

func causeOf(text string) (id trace.ID) {
	if len(text) == hex.EncodedLen(len(id)) {
		_, _ = hex.Decode(id[:], []byte(text)) // written by us alone
	}
	return id
}

// ClaimJobs takes up to limit jobs of a kind that are due, oldest first; of those with one key the first alone is ever due.
// Each is kept from other claims for one minute, and comes again after that, or when the database is opened again, unless it
// was finished: whoever does it must bear its being done twice.
func (s *Store) ClaimJobs(ctx context.Context, kind string, limit int) ([]store.Job, error) {
	var jobs []store.Job
	err := s.submit(ctx, "outbox.claim", false, func(t *tx) error {
		jobs = jobs[:0]
		t.sql.Reset()
		t.sql.Raw("UPDATE _outbox SET tries = tries + 1, claimed = 1, due = ").Arg(roundtrip.Time(t.now.Add(jobLease))).
			Raw(" WHERE id IN (SELECT id FROM _outbox WHERE kind = ").Arg(roundtrip.Text(kind)).Raw(" AND dead = 0 AND due <= ").Arg(roundtrip.Time(t.now)).
			Raw(" ORDER BY due, id LIMIT ").Arg(roundtrip.Int(int64(limit))).Raw(") RETURNING ").Raw(jobColumns)
		return failed("outbox.claim", t.each(func(st *raw.Stmt) bool {
			jobs = append(jobs, jobOf(st))
			return true
		}), t.conn.Late())
	})
	slices.SortFunc(jobs, func(a, b store.Job) int { return cmp.Compare(a.ID, b.ID) }) // RETURNING has no order
	return jobs, err
}

const jobColumns = "id, kind, coalesce(key, ''), payload, tries, created, cause"

func jobOf(st *raw.Stmt) store.Job {
	return store.Job{
		ID: st.Int(0), Kind: st.Text(1), Key: st.Text(2), Payload: st.Text(3), Tries: int(st.Int(4)),
		Created: time.UnixMicro(st.Int(5)).UTC(), Cause: causeOf(st.Text(6)),
	}
}

// NextJob returns when the next job of a kind is due, also one that is claimed: it is due again when its minute is over.
// ok is false where none waits.
func (s *Store) NextJob(ctx context.Context, kind string) (due time.Time, ok bool, err error) {
	err = s.read(ctx, "outbox.next", func(r *reader) error {
		return r.run("SELECT due FROM _outbox WHERE kind = ? AND dead = 0 ORDER BY due LIMIT 1", func(st *raw.Stmt) {
			due, ok = time.UnixMicro(st.Int(0)).UTC(), st.Int(0) != jobWaits
		}, roundtrip.Text(kind))
	})
	return due, ok, err
}

// FinishJob drops a job that is done. A job that is gone already is no error.
func (s *Store) FinishJob(ctx context.Context, id int64) error {
	return s.submit(ctx, "outbox.finish", true, func(t *tx) error {
		return failed("outbox.finish", t.passOn("DELETE FROM _outbox WHERE id = ? RETURNING kind, key", roundtrip.Int(id)), t.conn.Late())
	})
}

// FailJob puts off a job that could not be done until due, with the reason.
func (s *Store) FailJob(ctx context.Context, id int64, reason string, due time.Time) error {
	return s.submit(ctx, "outbox.fail", false, func(t *tx) error {
		return failed("outbox.fail", t.exec(`UPDATE _outbox AS o SET claimed = 0, error = ?2, failed = ?3,
			due = CASE WHEN key IS NOT NULL AND EXISTS (SELECT 1 FROM _outbox WHERE kind = o.kind AND key = o.key AND dead = 0 AND id < o.id) THEN ?5 ELSE ?4 END
			WHERE id = ?1 AND dead = 0`,
			roundtrip.Int(id), roundtrip.Text(reason), roundtrip.Time(t.now), roundtrip.Time(due.Truncate(time.Millisecond)), roundtrip.Int(jobWaits)), t.conn.Late())
	})
}

// BuryJob gives a job up, with the reason. It is kept for 30 days, in which it can be replayed.
func (s *Store) BuryJob(ctx context.Context, id int64, reason string) error {
	return s.submit(ctx, "outbox.bury", true, func(t *tx) error {
		now := roundtrip.Time(t.now)
		return failed("outbox.bury", t.passOn("UPDATE _outbox SET claimed = 0, dead = ?2, failed = ?2, error = ?3 WHERE id = ?1 AND dead = 0 RETURNING kind, key",
			roundtrip.Int(id), now, roundtrip.Text(reason)), t.conn.Late())
	})
}

// passOn runs a statement that takes a job out of the order, and makes the next one of its key due.
func (t *tx) passOn(sql string, args ...roundtrip.Value) error {
	t.sql.Reset()
	t.sql.Raw(sql)
	t.sql.Args = append(t.sql.Args, args...)
	var kind, key string
	keyed := false
	_, err := t.first(func(st *raw.Stmt) { kind, key, keyed = st.Text(0), st.Text(1), !st.Null(1) })
	if err != nil || !keyed {
		return err
	}
	return t.head(kind, key)
}
