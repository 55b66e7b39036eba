package sqlite

import (
	"fmt"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// outboxColumns are those of _outbox that a database made before them lacks.
func outboxColumns() [][2]string {
	return [][2]string{
		{"key", "TEXT"}, // null: no order
		{"created", "INTEGER NOT NULL DEFAULT 0"},
		{"error", "TEXT NOT NULL DEFAULT ''"},     // of the last try
		{"failed", "INTEGER NOT NULL DEFAULT 0"},  // when that was, 0: never
		{"dead", "INTEGER NOT NULL DEFAULT 0"},    // when it was given up, 0: it was not
		{"cause", "TEXT NOT NULL DEFAULT ''"},     // the id of the journey that wrote what it is about
		{"claimed", "INTEGER NOT NULL DEFAULT 0"}, // 1: somebody does it
	}
}

// prepareOutbox makes the table of jobs, or brings it to what it is now.
func prepareOutbox(conn *raw.Conn) error {
	err := conn.Exec(`CREATE TABLE IF NOT EXISTS _outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, payload TEXT NOT NULL,
		due INTEGER NOT NULL, tries INTEGER NOT NULL) STRICT`)
	if err != nil {
		return err
	}
	for _, c := range outboxColumns() {
		have, err := readInt(conn, "SELECT count(*) FROM pragma_table_info('_outbox') WHERE name = ?", roundtrip.Text(c[0]))
		if err != nil {
			return err
		}
		if have > 0 {
			continue
		}
		if err := conn.Exec("ALTER TABLE _outbox ADD COLUMN " + c[0] + " " + c[1]); err != nil {
			return err
		}
	}
	for _, sql := range []string{
		"DROP INDEX IF EXISTS _outbox_due", // of all jobs, dead ones too
		"CREATE INDEX IF NOT EXISTS _outbox_ready ON _outbox (kind, due) WHERE dead = 0",
		"CREATE INDEX IF NOT EXISTS _outbox_key ON _outbox (kind, key, id) WHERE key IS NOT NULL AND dead = 0",
		"CREATE INDEX IF NOT EXISTS _outbox_dead ON _outbox (dead) WHERE dead > 0",
		"CREATE INDEX IF NOT EXISTS _outbox_claimed ON _outbox (id) WHERE claimed = 1",
		// Whoever had a claim has ended: one process alone has the database open.
		fmt.Sprintf("UPDATE _outbox SET claimed = 0, due = CASE WHEN due = %[1]d THEN due ELSE 0 END WHERE claimed = 1", int64(jobWaits)),
	} {
		if err := conn.Exec(sql); err != nil {
			return err
		}
	}
	return nil
}
