package config

import (
	"strings"
	"time"
)

func storeKeys() []key {
	database := special("database", "sqlite: and a path, such as sqlite:data/app.db",
		map[string]any{"type": "string", "pattern": "^sqlite:.+"}, decodeDatabase)
	files := folder("files", func(s *Store) *string { return &s.Files }).or("data/files").eg("data/files").
		says("Folder of the uploaded files.")
	files.then = func(d *decoder, _ any, n *node) {
		if _, _, ok := strings.Cut(n.text, "://"); ok {
			d.add(n, "object storage for files is not in this version of Roundtrip").Instead = "a folder, such as data/files"
		}
	}
	return []key{
		database.eg("sqlite:data/gallery.db").orElse("sqlite:data/NAME.db, with the name of the project").
			says("The database: sqlite: and the path of its file, which is made at the first start."),
		files,
		block("pool", func(s *Store) *Store { return s },
			integer("max", 1, 1000, func(s *Store) *int { return &s.PoolMax }).eg("20").orElse("twice the number of cores").
				says("How many reads run at once."),
			duration("wait", "1ms", "1m", func(s *Store) *time.Duration { return &s.PoolWait }).or("2s").eg("500ms").
				says("How long a request waits for its turn before it is answered with 503.")).
			says("How many requests use the database at once."),
	}
}

func decodeDatabase(d *decoder, s *Store, n *node) {
	v, ok := d.text(n)
	if !ok {
		return
	}
	scheme, path, found := strings.Cut(v, ":")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
		d.add(n, "a PostgreSQL database is not in this version of Roundtrip").Instead = "a SQLite one, such as sqlite:data/app.db"
	case !found || scheme != "sqlite" || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "?#"):
		d.add(n, "%q names no database", shorten(v)).Expect("sqlite: and a path, such as sqlite:data/app.db")
	case path == "" || path == ":memory:" || strings.HasSuffix(path, "/"):
		d.add(n, "%q names no file", shorten(v)).Expect("the path of a file: what is acknowledged must be on the disk")
	default:
		s.Database = d.path(path)
	}
}
