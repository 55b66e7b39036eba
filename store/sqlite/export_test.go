package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// What tests may touch of the inside.

// Hold keeps the writer busy until release is called: what is written meanwhile waits for one group.
func (s *Store) Hold(ctx context.Context) (release func() error) {
	running, free, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.submit(ctx, "test", false, func(*tx) error { close(running); <-free; return nil })
	}()
	<-running
	return func() error { close(free); return <-ended }
}

// Unhurried lets what waits for one group be one, however slow the machine is. Nobody may be writing.
func (s *Store) Unhurried() { s.groupTime = time.Hour }

// Queued returns how many writes wait.
func (s *Store) Queued() int { return len(s.queue) }

// Exec runs a statement as a write.
func (s *Store) Exec(ctx context.Context, sql string, args ...roundtrip.Value) error {
	return s.submit(ctx, "test", false, func(t *tx) error { return failed("test", t.exec(sql, args...), t.conn.Late()) })
}

// Fill is Exec with all the time that it needs.
func (s *Store) Fill(ctx context.Context, sql string, args ...roundtrip.Value) error {
	return s.submit(ctx, "test", false, func(t *tx) error {
		t.conn.Budget(0)
		defer t.conn.Limit(t.conn.Limit(time.Minute))
		return failed("test", t.exec(sql, args...), t.conn.Late())
	})
}

// Number returns the integer that a statement gives on the writer's connection.
func (s *Store) Number(ctx context.Context, sql string) (n int64, err error) {
	err = s.submit(ctx, "test", false, func(t *tx) error {
		n, err = readInt(t.conn, sql)
		return err
	})
	return n, err
}

// Read returns the integer that a statement gives on a reader.
func (s *Store) Read(ctx context.Context, sql string) (n int64, err error) {
	err = s.read(ctx, "test", func(r *reader) error {
		n, err = readInt(r.conn, sql)
		return err
	})
	return n, err
}

// Panic is a write that panics.
func (s *Store) Panic(ctx context.Context) error {
	return s.submit(ctx, "test", true, func(t *tx) error {
		if err := t.exec("DELETE FROM _changes"); err != nil {
			return err
		}
		panic("a bug")
	})
}

// Endless is a statement that writes nothing and never ends.
const Endless = `INSERT INTO _meta (name, value) WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT 'x', 'y' FROM c WHERE x < 0`

// SlowInCompany is a write with much to do: it never ends, unless it runs alone.
func (s *Store) SlowInCompany(ctx context.Context) error {
	return s.submit(ctx, "test", true, func(t *tx) error {
		t.op.long = true
		if !t.op.alone {
			return failed("test", t.exec(Endless), t.conn.Late())
		}
		if len(s.queue) > 0 || t.op.budget != cascadeMax {
			return errors.New("somebody waits, or there is too little time")
		}
		return nil
	})
}

// Leave writes jobs, as a write of records would.
func (s *Store) Leave(ctx context.Context, kind string, once bool, after time.Duration, keysAndPayloads ...string) error {
	return s.submit(ctx, "test", true, func(t *tx) error {
		for i := 0; i < len(keysAndPayloads); i += 2 {
			t.jobs = append(t.jobs, job{kind: kind, key: keysAndPayloads[i], payload: keysAndPayloads[i+1], after: after, once: once})
		}
		return nil
	})
}

// Explained returns how SQLite finds the rows of a statement.
func (s *Store) Explained(ctx context.Context, sql string, args ...roundtrip.Value) (text string, err error) {
	err = s.read(ctx, "test", func(r *reader) error {
		return r.run("EXPLAIN QUERY PLAN "+sql, func(st *raw.Stmt) { text += st.Text(3) + "\n" }, args...)
	})
	return text, err
}
