package sqlite

import (
	"fmt"
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

const (
	// applicationID marks our database files (https://sqlite.org/pragma.html#pragma_application_id): "rndt".
	applicationID = 0x726e6474
	// checkpointPages is how many pages of 4 kB the WAL takes before a commit writes it back; 64 MB.
	checkpointPages = 16000
	// walKeepBytes is to what size a WAL that was written back is kept. A WAL that grows anew costs twice to sync.
	walKeepBytes = 96 << 20
	// cacheKiB is the page cache of one connection. It is small because the file is mapped.
	cacheKiB = 4096
	// mmapMaxBytes bounds the part of the file that is mapped; beyond it pages are read into the cache.
	mmapMaxBytes = 1 << 30
	// busyMS is how long a statement waits for a lock of another process, such as a backup tool.
	busyMS = 5000
)

// pragmas are set on every connection.
func pragmas() []string {
	return []string{
		fmt.Sprintf("PRAGMA busy_timeout=%d", busyMS),
		"PRAGMA synchronous=FULL",
		"PRAGMA foreign_keys=ON",
		"PRAGMA temp_store=MEMORY",
		"PRAGMA trusted_schema=OFF",
		fmt.Sprintf("PRAGMA cache_size=-%d", cacheKiB),
		fmt.Sprintf("PRAGMA mmap_size=%d", mmapBytes()),
		fmt.Sprintf("PRAGMA journal_size_limit=%d", walKeepBytes),
		fmt.Sprintf("PRAGMA wal_autocheckpoint=%d", checkpointPages),
	}
}

func mmapBytes() int64 {
	if half := memoryBytes() / 2; half > 0 {
		return min(half, mmapMaxBytes)
	}
	return mmapMaxBytes / 4
}

// prepareFile makes the file ours: WAL mode, our mark, our own tables.
func prepareFile(conn *raw.Conn) error {
	id, err := readInt(conn, "PRAGMA application_id")
	if err != nil {
		return err
	}
	objects, err := readInt(conn, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	if id != applicationID && objects > 0 {
		return fmt.Errorf("the file is a database of another program (application_id %d): name another file", id)
	}
	// One transaction: a new file is synced once instead of for each table, and is ours as a whole or not at all. Where it
	// fails the connection is closed, which takes it back.
	first := []string{"PRAGMA journal_mode=WAL", "BEGIN IMMEDIATE", fmt.Sprintf("PRAGMA application_id=%d", applicationID)}
	for _, sql := range slices.Concat(first, systemTables(), inboxTables()) {
		if err := conn.Exec(sql); err != nil {
			return err
		}
	}
	if err := prepareOutbox(conn); err != nil {
		return err
	}
	if err := preparePush(conn); err != nil {
		return err
	}
	return conn.Exec("COMMIT")
}

// systemTables are ours alone: declared names never start with an underscore.
func systemTables() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS _meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS _schema (version INTEGER PRIMARY KEY, at INTEGER NOT NULL, steps TEXT NOT NULL) STRICT`,
		`CREATE TABLE IF NOT EXISTS _collections (number INTEGER PRIMARY KEY, name TEXT NOT NULL, dropped INTEGER NOT NULL) STRICT`,
		`CREATE TABLE IF NOT EXISTS _fields (collection INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,
			dropped INTEGER NOT NULL, type TEXT NOT NULL, required INTEGER NOT NULL, target INTEGER NOT NULL, counted INTEGER NOT NULL,
			PRIMARY KEY (collection, number)) STRICT, WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS _numbers (message TEXT NOT NULL, number INTEGER NOT NULL, collection INTEGER NOT NULL,
			field INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (message, number)) STRICT, WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS _changes (position INTEGER PRIMARY KEY, collection INTEGER NOT NULL, record INTEGER NOT NULL,
			action INTEGER NOT NULL, at INTEGER NOT NULL) STRICT`,
		`CREATE TABLE IF NOT EXISTS _keys (principal INTEGER NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL,
			records TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (principal, key)) STRICT, WITHOUT ROWID`,
		`CREATE INDEX IF NOT EXISTS _keys_at ON _keys (at)`,
		`CREATE TABLE IF NOT EXISTS _accounts (account INTEGER PRIMARY KEY, password TEXT NOT NULL, roles TEXT NOT NULL) STRICT`,
		`CREATE TABLE IF NOT EXISTS _sessions (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, hash TEXT NOT NULL UNIQUE,
			created INTEGER NOT NULL, used INTEGER NOT NULL, expires INTEGER NOT NULL, ends INTEGER NOT NULL,
			name TEXT NOT NULL, addr TEXT NOT NULL) STRICT`,
		`CREATE INDEX IF NOT EXISTS _sessions_account ON _sessions (account)`,
		`CREATE INDEX IF NOT EXISTS _sessions_expires ON _sessions (expires)`,
	}
}

// readInt returns the one integer that a statement gives, 0 where it gives NULL or no row.
func readInt(conn *raw.Conn, sql string, args ...roundtrip.Value) (int64, error) {
	st, err := conn.Prepare(sql)
	if err != nil {
		return 0, err
	}
	defer st.Release()
	if err := st.Bind(args); err != nil {
		return 0, err
	}
	if more, err := st.Step(); err != nil || !more {
		return 0, err
	}
	return st.Int(0), nil
}
