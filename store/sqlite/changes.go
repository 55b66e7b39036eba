package sqlite

import (
	"context"
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// changesRows is how many change rows one statement writes.
const changesRows = 32

// changed notes that a record was written. The position is given when the group is complete, so that it has no gaps.
// Whoever is told of it knows the collections of the schema in force.
func (t *tx) changed(c *roundtrip.Collection, id roundtrip.ID, action roundtrip.Action) {
	if now := t.s.table(c).now; now != nil {
		c = now.c
	}
	t.changes = append(t.changes, roundtrip.Change{Collection: c, ID: id, Action: action})
}

// writeChanges writes the change rows of the group, the cursor of all streams.
func (t *tx) writeChanges() error {
	for i := range t.changes {
		t.changes[i].Position = t.position + int64(i) + 1
	}
	for rest := t.changes; len(rest) > 0; {
		n := changesRows // two shapes of the statement only: many rows, and one
		if len(rest) < n {
			n = 1
		}
		t.sql.Reset()
		t.sql.Raw("INSERT INTO _changes (position, collection, record, action, at) VALUES ")
		for i, ch := range rest[:n] {
			if i > 0 {
				t.sql.Raw(", ")
			}
			t.sql.Raw("(").Arg(roundtrip.Int(ch.Position)).Raw(", ").Arg(roundtrip.Int(int64(ch.Collection.Number))).Raw(", ").
				Arg(roundtrip.Ref(ch.ID)).Raw(", ").Arg(roundtrip.Int(int64(ch.Action))).Raw(", ").Arg(roundtrip.Time(t.now)).Raw(")")
		}
		if _, err := t.first(nil); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// committed moves the position on, and puts the schema in force that a migration brought: before anybody is answered and
// before the next write, so that no write ever meets a database of one schema with another in mind.
func (t *tx) committed() {
	t.position += int64(len(t.changes))
	if t.next != nil {
		t.s.tables.Store(t.next)
	}
}

// published returns a copy of the group's changes, which outlives it.
func (t *tx) published() []roundtrip.Change { return slices.Clone(t.changes) }

// Changes returns up to limit changes after a position, in commit order. Changes of collections that are no longer
// declared are left out.
func (s *Store) Changes(ctx context.Context, after int64, limit int) ([]roundtrip.Change, error) {
	var out []roundtrip.Change
	err := s.read(ctx, "changes.list", func(r *reader) error {
		all := s.tables.Load()
		return r.run("SELECT position, collection, record, action FROM _changes WHERE position > ? ORDER BY position LIMIT ?",
			func(st *raw.Stmt) {
				if c := all.byNum[int32(st.Int(1))]; c != nil {
					out = append(out, roundtrip.Change{Position: st.Int(0), Collection: c, ID: roundtrip.ID(st.Int(2)), Action: roundtrip.Action(st.Int(3))})
				}
			}, roundtrip.Int(after), roundtrip.Int(int64(limit)))
	})
	return out, err
}

// read runs fn on a reader for one of our own tables.
func (s *Store) read(ctx context.Context, name string, fn func(*reader) error) error {
	return s.View(ctx, func(v store.View) error {
		r := v.(*reader) //nolint:forcetypeassert // View gives nothing else
		if err := fn(r); err != nil {
			return failed(name, err, r.conn.Late())
		}
		return nil
	})
}

// run runs a fixed statement and gives all rows to fn.
func (r *reader) run(sql string, fn func(*raw.Stmt), args ...roundtrip.Value) error {
	st, err := r.conn.Prepare(sql)
	if err != nil {
		return err
	}
	defer st.Release()
	if err := st.Bind(args); err != nil {
		return err
	}
	for {
		more, err := st.Step()
		if err != nil || !more {
			return err
		}
		fn(st)
	}
}
