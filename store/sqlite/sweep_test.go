package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

const rows = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 3500) "

func TestSweep_DropsAllThatExpiredAlsoWhileIdle(t *testing.T) {
	t.Parallel()
	c := newClock()
	path := filepath.Join(t.TempDir(), "x.db")
	s := open(t, path, c)
	schema := notes(nil)
	apply(t, s, schema)
	now := roundtrip.Time(c.Now())
	for _, sql := range []string{
		"INSERT INTO _keys (principal, key, request, records, at) " + rows + "SELECT x, 'k', 'r', '[]', ? FROM c",
		"INSERT INTO _sessions (id, account, hash, created, used, expires, ends, name, addr) " + rows + "SELECT x, 1, x, 0, 0, ?, 0, '', '' FROM c",
		"INSERT INTO _changes (position, collection, record, action, at) " + rows + "SELECT x - 5000, 1, 1, 1, ? FROM c",
	} {
		if err := s.Fill(t.Context(), sql, now); err != nil {
			t.Fatal(err)
		}
	}
	create(t, s, schema, "notes", titled("position 1"))
	c.Advance(8 * 24 * time.Hour)
	within(t, "only the last change is left", func() bool { // asked by a reader: nobody writes
		n, err := s.Read(t.Context(), "SELECT (SELECT count(*) FROM _keys) + (SELECT count(*) FROM _sessions) + (SELECT count(*) FROM _changes)")
		if err != nil {
			t.Fatal(err)
		}
		return n == 1
	})
	create(t, s, schema, "notes", titled("position 2"))
	changes, err := s.Changes(t.Context(), 0, 10)
	if err != nil || len(changes) != 2 || changes[0].Position != 1 || changes[1].Position != 2 {
		t.Fatal(changes, err)
	}
}
