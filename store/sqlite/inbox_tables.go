package sqlite

// inboxTables are those of the inboxes: one row an account, one an entry, and one for each record that an entry tells of,
// which makes the end of the record exact.
func inboxTables() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS _inbox (account INTEGER PRIMARY KEY, seq INTEGER NOT NULL, unread INTEGER NOT NULL,
			unseen INTEGER NOT NULL, read_through INTEGER NOT NULL, seen_through INTEGER NOT NULL, floor INTEGER NOT NULL,
			prefs TEXT NOT NULL) STRICT`,
		`CREATE TABLE IF NOT EXISTS _notes (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, kind TEXT NOT NULL, grp TEXT NOT NULL,
			bucket INTEGER NOT NULL, count INTEGER NOT NULL, actors TEXT NOT NULL, seq INTEGER NOT NULL, bumped INTEGER NOT NULL,
			read INTEGER NOT NULL, position INTEGER NOT NULL, collection INTEGER NOT NULL, record INTEGER NOT NULL, data TEXT NOT NULL,
			sources INTEGER NOT NULL, created INTEGER NOT NULL,
			updated INTEGER NOT NULL, UNIQUE (account, kind, grp, bucket)) STRICT`,
		`CREATE TABLE IF NOT EXISTS _kinds (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID`,
		`CREATE INDEX IF NOT EXISTS _notes_bumped ON _notes (account, bumped)`,
		`CREATE INDEX IF NOT EXISTS _notes_position ON _notes (account, position)`,
		`CREATE INDEX IF NOT EXISTS _notes_kept ON _notes (kind, created) WHERE count > 0`,
		`CREATE INDEX IF NOT EXISTS _notes_gone ON _notes (updated) WHERE count = 0`,
		`CREATE TABLE IF NOT EXISTS _note_sources (note INTEGER NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL,
			collection INTEGER NOT NULL, source INTEGER NOT NULL, actor INTEGER NOT NULL, data TEXT NOT NULL,
			PRIMARY KEY (note, n)) STRICT, WITHOUT ROWID`,
		`CREATE UNIQUE INDEX IF NOT EXISTS _note_sources_source ON _note_sources (collection, source, kind)`,
		`CREATE INDEX IF NOT EXISTS _note_sources_actor ON _note_sources (note, actor)`,
	}
}
