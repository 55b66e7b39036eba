package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// jobLease is how long a claimed job is kept from others. A job that is not finished by then is given out again.
const jobLease = time.Minute

// job is one row of the outbox to come.
type job struct{ kind, payload string }

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
		if err := t.exec("INSERT INTO _outbox (kind, payload, due, tries) VALUES (?, ?, ?, 0)",
			roundtrip.Text(j.kind), roundtrip.Text(j.payload), roundtrip.Time(t.now)); err != nil {
			return err
		}
	}
	return nil
}

// ClaimJobs takes up to limit jobs of a kind that are due, oldest first. Each is kept from other claims for one minute,
// and comes again after that unless it was finished: whoever does it must bear its being done twice.
func (s *Store) ClaimJobs(ctx context.Context, kind string, limit int) ([]store.Job, error) {
	var jobs []store.Job
	err := s.submit(ctx, false, func(t *tx) error {
		jobs = jobs[:0]
		t.sql.Reset()
		t.sql.Raw("UPDATE _outbox SET tries = tries + 1, due = ").Arg(roundtrip.Time(t.now.Add(jobLease))).
			Raw(" WHERE id IN (SELECT id FROM _outbox WHERE kind = ").Arg(roundtrip.Text(kind)).Raw(" AND due <= ").Arg(roundtrip.Time(t.now)).
			Raw(" ORDER BY due, id LIMIT ").Arg(roundtrip.Int(int64(limit))).Raw(") RETURNING id, kind, payload, tries")
		return failed("outbox.claim", t.each(func(st *raw.Stmt) bool {
			jobs = append(jobs, store.Job{ID: st.Int(0), Kind: st.Text(1), Payload: st.Text(2), Tries: int(st.Int(3))})
			return true
		}), t.conn.Late())
	})
	return jobs, err
}

// FinishJob drops a job that is done. A job that is gone already is no error.
func (s *Store) FinishJob(ctx context.Context, id int64) error {
	return s.submit(ctx, false, func(t *tx) error {
		return failed("outbox.finish", t.exec("DELETE FROM _outbox WHERE id = ?", roundtrip.Int(id)), t.conn.Late())
	})
}
