package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

const (
	checkAfter  = time.Hour      // how long after the start the inboxes are first checked
	checkEvery  = 24 * time.Hour // and then how often
	checkInARow = 200            // accounts that one snapshot is looked at for
)

// CheckInboxes computes anew what inboxes count, and returns how many numbers are not as they should be. It must always be
// 0: anything else is a defect of ours, and is logged with its account. It reads a slice of the accounts at a time, so that
// neither the log nor a caller waits for it.
func (s *Store) CheckInboxes(ctx context.Context) (drift int, err error) {
	after := roundtrip.ID(-1 << 62)
	for {
		first, last := after, after
		n := 0
		err := s.read(ctx, "inbox.check", func(r *reader) error {
			err := r.run(`SELECT account FROM (SELECT account FROM _inbox WHERE account > ?1 UNION SELECT DISTINCT account FROM _notes WHERE account > ?1)
				ORDER BY account LIMIT `+fmt.Sprint(checkInARow), func(st *raw.Stmt) { last = roundtrip.ID(st.Int(0)); n++ }, roundtrip.Ref(first))
			if err != nil || n == 0 {
				return err
			}
			found, err := r.checkInboxes(s.tables.Load(), first, last)
			drift += found
			return err
		})
		if err != nil || n < checkInARow {
			return drift, err
		}
		after = last
	}
}

// checkInboxes looks at the accounts above first, up to last.
func (r *reader) checkInboxes(all *tables, first, last roundtrip.ID) (drift int, err error) {
	kinds := all.kindList()
	for _, c := range []struct{ what, sql string }{
		{"an inbox's unread", `SELECT i.account, i.unread, (SELECT count(*) FROM _notes AS n WHERE n.account = i.account AND count > 0 AND read = 0
			AND bumped > i.read_through AND kind IN (` + kinds + `)) AS want FROM _inbox AS i WHERE i.account > ? AND i.account <= ? AND want <> i.unread`},
		{"an inbox's unseen", `SELECT i.account, i.unseen, (SELECT count(*) FROM _notes AS n WHERE n.account = i.account AND count > 0
			AND bumped > i.seen_through AND kind IN (` + kinds + `)) AS want FROM _inbox AS i WHERE i.account > ? AND i.account <= ? AND want <> i.unseen`},
		{"an entry's count", `SELECT account, count, (SELECT count(DISTINCT actor) FROM _note_sources WHERE note = id) AS want
			FROM _notes WHERE account > ? AND account <= ? AND count > 0 AND want <> count`},
		{"an entry's number", `SELECT n.account, n.seq, coalesce(i.seq, 0) AS want FROM _notes AS n LEFT JOIN _inbox AS i ON i.account = n.account
			WHERE n.account > ? AND n.account <= ? AND (n.seq > want OR n.bumped > n.seq OR n.bumped < 1
			OR n.position > (SELECT max(position) FROM _changes))`},
		{"the numbers of two entries", `SELECT account, seq, count(*) AS want FROM _notes WHERE account > ? AND account <= ? GROUP BY account, seq HAVING want > 1`},
	} {
		err := r.run(c.sql, func(st *raw.Stmt) {
			drift++
			r.s.log.Error("an inbox has drifted", "what", c.what, "account", roundtrip.ID(st.Int(0)).String(), "is", st.Int(1), "want", st.Int(2))
		}, roundtrip.Ref(first), roundtrip.Ref(last))
		if err != nil {
			return drift, err
		}
	}
	return drift, nil
}

// audit checks the inboxes once a day.
func (s *Store) audit() {
	next := time.NewTimer(checkAfter)
	defer next.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-next.C:
			if _, err := s.CheckInboxes(context.Background()); err != nil {
				s.log.Warn("checking the inboxes failed", "err", err)
			}
			next.Reset(checkEvery)
		}
	}
}
