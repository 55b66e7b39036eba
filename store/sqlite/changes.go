package sqlite

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// countsMark is added to the action of a change row where only count fields moved.
const countsMark = 16

// inboxNumber stands for a collection's number in the change rows of inboxes; those of collections start at 1.
const inboxNumber = 0

// changesRows is how many change rows one statement writes.
const changesRows = 32

// changed notes that a record was written. The position is given when the group is complete, so that it has no gaps.
// Whoever is told of it knows the collections of the schema in force.
func (t *tx) changed(c *roundtrip.Collection, id roundtrip.ID, action roundtrip.Action) {
	if now := t.s.table(c).now; now != nil {
		c = now.c
	}
	t.put(roundtrip.Change{Collection: c, ID: id, Action: action}, t.by())
}

// spot names one record.
type spot struct {
	c  *roundtrip.Collection
	id roundtrip.ID
}

// tally is a record whose count fields were written, and by whom.
type tally struct {
	spot
	by cause
}

// noteCounted adds a change for each record of which nothing but its count fields was written in this group.
func (t *tx) noteCounted() {
	if len(t.counted) == 0 {
		return
	}
	clear(t.noted)
	for _, ch := range t.changes {
		t.noted[spot{ch.Collection, ch.ID}] = true
	}
	for _, at := range t.counted {
		if now := t.s.table(at.c).now; now != nil {
			at.c = now.c
		}
		if !t.noted[at.spot] {
			t.noted[at.spot] = true
			t.put(roundtrip.Change{Collection: at.c, ID: at.id, Action: roundtrip.Update, Counts: true}, at.by)
		}
	}
}

// code returns how a change is kept: the number of its collection and its action.
func code(ch roundtrip.Change) (collection, action int64) {
	if !ch.Inbox() {
		collection = int64(ch.Collection.Number)
	}
	action = int64(ch.Action)
	if ch.Counts {
		action += countsMark
	}
	return collection, action
}

// change makes a change of a row of _changes, unless its collection is no longer declared.
func (t *tables) change(st *raw.Stmt) (ch roundtrip.Change, ok bool) {
	ch = roundtrip.Change{Position: st.Int(0), ID: roundtrip.ID(st.Int(2)), Action: roundtrip.Action(st.Int(3) % countsMark), Counts: st.Int(3) >= countsMark}
	if number := int32(st.Int(1)); number != inboxNumber {
		ch.Collection = t.byNum[number]
		return ch, ch.Collection != nil
	}
	return ch, true
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
			collection, action := code(ch)
			t.sql.Raw("(").Arg(roundtrip.Int(ch.Position)).Raw(", ").Arg(roundtrip.Int(collection)).Raw(", ").
				Arg(roundtrip.Ref(ch.ID)).Raw(", ").Arg(roundtrip.Int(action)).Raw(", ").Arg(roundtrip.Time(t.now)).Raw(")")
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
	t.s.causes.keep(t.changes, t.causes)
	if t.next != nil {
		t.s.tables.Store(t.next)
	}
}

// published returns a copy of the group's changes, which outlives it.
func (t *tx) published() []roundtrip.Change { return slices.Clone(t.changes) }

// Changes returns up to limit changes after a position, in commit order. Changes of collections that are no longer
// declared are left out. None are returned only where there are no more.
func (s *Store) Changes(ctx context.Context, after int64, limit int) (out []roundtrip.Change, err error) {
	err = s.read(ctx, "changes.list", func(r *reader) error {
		out, err = r.Changes(after, limit)
		return err
	})
	return out, err
}

// Changes returns up to limit changes after a position that this snapshot has.
func (r *reader) Changes(after int64, limit int) (out []roundtrip.Change, err error) {
	all := r.s.tables.Load()
	for rows := limit; len(out) == 0 && rows == limit; { // again while all that were read are left out
		rows = 0
		err := r.run("SELECT position, collection, record, action FROM _changes WHERE position > ? ORDER BY position LIMIT ?",
			func(st *raw.Stmt) {
				rows++
				after = st.Int(0)
				if ch, ok := all.change(st); ok {
					out = append(out, ch)
				}
			}, roundtrip.Int(after), roundtrip.Int(int64(limit)))
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Epoch names this database among all, its restored copies included: 8 characters of Crockford's base32. A position means
// something only together with the epoch of its database.
func (s *Store) Epoch(ctx context.Context) (string, error) {
	var epoch string
	err := s.read(ctx, "meta.epoch", func(r *reader) error {
		return r.run("SELECT value FROM _meta WHERE name = 'epoch'", func(st *raw.Stmt) { epoch = st.Text(0) })
	})
	return epoch, err
}

// newEpoch makes the name of a new database.
func newEpoch() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	id := roundtrip.ID(binary.BigEndian.Uint64(random[:]) >> 1)
	return string(id.AppendTo(nil)[roundtrip.IDLen-8:])
}

// Floor returns the lowest position from which on all changes are still kept: [Store.Changes] after it leaves out none.
// Streams can be resumed for 7 days.
func (s *Store) Floor(ctx context.Context) (int64, error) {
	var floor int64
	err := s.read(ctx, "changes.floor", func(r *reader) error {
		first, err := readInt(r.conn, "SELECT min(position) FROM _changes")
		floor = max(first-1, 0)
		return err
	})
	return floor, err
}

// Position returns the position of the last change in this snapshot.
func (r *reader) Position() (int64, error) {
	if r.position < 0 {
		position, err := readInt(r.conn, "SELECT max(position) FROM _changes")
		if err != nil {
			return 0, failed("changes.position", err, r.conn.Late())
		}
		r.position = position
	}
	return r.position, nil
}

// read runs fn on a reader for one of our own tables.
func (s *Store) read(ctx context.Context, name string, fn func(*reader) error) error {
	return s.View(ctx, func(v store.View) error {
		r := v.(*reader) //nolint:forcetypeassert // View gives nothing else
		if r.journey == nil {
			s.pool.named(r, name)
		}
		step := r.journey.Begin(trace.SQL, name)
		err := fn(r)
		if err != nil {
			err = failed(name, err, r.conn.Late())
		}
		end(step, err)
		return err
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
