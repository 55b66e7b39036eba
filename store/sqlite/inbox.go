package sqlite

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// ReadInbox reads an inbox in one snapshot: its numbers, a page of its entries or those that changed, and the names of
// their actors. Entries whose kind is not declared are left out; with Changed, they are told as gone.
func (s *Store) ReadInbox(ctx context.Context, account roundtrip.ID, q store.InboxQuery) (*store.InboxPage, error) {
	page := &store.InboxPage{}
	err := s.read(ctx, "inbox.read", func(r *reader) (err error) {
		if page.Position, err = r.Position(); err != nil {
			return err
		}
		err = r.run("SELECT seq, unread, unseen, read_through, seen_through, floor FROM _inbox WHERE account = ?", func(st *raw.Stmt) {
			page.Inbox = roundtrip.Inbox{Seq: st.Int(0), Unread: st.Int(1), Unseen: st.Int(2), ReadThrough: st.Int(3), SeenThrough: st.Int(4)}
			page.Floor = st.Int(5)
		}, roundtrip.Ref(account))
		if err != nil {
			return err
		}
		all := s.tables.Load()
		if err := r.notes(all, account, q, page); err != nil {
			return err
		}
		return r.actors(all, q.Names, page)
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// notes reads the entries of a page.
func (r *reader) notes(all *tables, account roundtrip.ID, q store.InboxQuery, page *store.InboxPage) error {
	if q.Size <= 0 {
		return nil
	}
	b := &r.sql
	b.Reset()
	b.Raw(`SELECT id, kind, seq, bumped, read, count, actors, grp, created, updated, collection, record, data, position FROM _notes WHERE account = `).
		Arg(roundtrip.Ref(account))
	switch {
	case q.Note != 0:
		b.Raw(" AND id = ").Arg(roundtrip.Ref(q.Note)).Raw(" AND count > 0 AND kind IN (").Raw(all.kindList()).Raw(")")
	case q.Changed:
		b.Raw(" AND position > ").Arg(roundtrip.Int(q.Since)).Raw(" ORDER BY position, seq")
	default:
		if q.Before > 0 {
			b.Raw(" AND bumped < ").Arg(roundtrip.Int(q.Before))
		}
		b.Raw(" AND count > 0 AND kind IN (").Raw(all.kindList()).Raw(") ORDER BY bumped DESC")
	}
	b.Raw(" LIMIT ").Arg(roundtrip.Int(int64(q.Size) + 1))
	return r.each(func(st *raw.Stmt) bool {
		if len(page.Notes) == q.Size {
			page.More = true
			return false
		}
		n := roundtrip.Notification{
			ID: roundtrip.ID(st.Int(0)), Kind: st.Text(1), Seq: st.Int(2), Bumped: st.Int(3), Read: st.Int(4) != 0 || st.Int(3) <= page.ReadThrough,
			Count: st.Int(5), Actors: idsOf(st.Bytes(6)), Created: time.UnixMicro(st.Int(8)).UTC(), Updated: time.UnixMicro(st.Int(9)).UTC(),
			Collection: all.byNum[int32(st.Int(10))], Record: roundtrip.ID(st.Int(11)), Position: st.Int(13),
		}
		if group, ok := strings.CutPrefix(st.Text(7), sharedEntry); ok {
			n.Group = group
		}
		if json.Unmarshal(st.Bytes(12), &n.Data) != nil {
			n.Data = nil // written by us alone
		}
		if all.kinds[n.Kind] == nil {
			n.Count = 0
		}
		page.Notes = append(page.Notes, n)
		return true
	})
}

// each runs the statement in r.sql and gives its rows to fn until it returns false.
func (r *reader) each(fn func(*raw.Stmt) bool) error {
	st, err := r.conn.PrepareBytes(r.sql.Text)
	if err != nil {
		return err
	}
	defer st.Release()
	if err := st.Bind(r.sql.Args); err != nil {
		return err
	}
	for {
		more, err := st.Step()
		if err != nil || !more || !fn(st) {
			return err
		}
	}
}

// actors reads what names the actors of a page's entries.
func (r *reader) actors(all *tables, names []string, page *store.InboxPage) error {
	if all.schema == nil || all.schema.Accounts() == nil || len(names) == 0 {
		return nil
	}
	users := all.schema.Accounts()
	page.Actors = map[roundtrip.ID][]string{}
	var ids []roundtrip.ID
	for _, n := range page.Notes {
		for _, id := range n.Actors {
			if _, there := page.Actors[id]; !there && id != 0 {
				page.Actors[id] = nil
				ids = append(ids, id)
			}
		}
	}
	for part := range chunks(ids) {
		b := &r.sql
		b.Reset()
		b.Raw(`SELECT "id"`)
		for _, name := range names {
			b.Raw(", ")
			if _, ok := users.Lookup(name); ok {
				b.Name(name)
			} else {
				b.Raw("NULL") // of another schema than the one in force
			}
		}
		b.Raw(" FROM ").Name(users.Name).Raw(` WHERE "id" IN `)
		appendIDs(b, part)
		err := r.each(func(st *raw.Stmt) bool {
			values := make([]string, len(names))
			for i := range names {
				values[i] = st.Text(i + 1)
			}
			page.Actors[roundtrip.ID(st.Int(0))] = values
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// MarkInbox marks entries of an account's inbox, and returns its numbers once that is durable. What comes in the same
// group of writes is not marked.
func (s *Store) MarkInbox(ctx context.Context, account roundtrip.ID, m store.InboxMark) (roundtrip.Inbox, error) {
	var now roundtrip.Inbox
	err := s.seen(&op{ctx: ctx, name: "inbox.mark", wait: s.opts.PoolWait, done: make(chan struct{}), run: func(t *tx) error {
		t.happen(inboxEvent{what: marked, account: account, mark: m, result: &now})
		return nil
	}})
	return now, err
}

// Preferences returns what an account wants, by the name of the notification. What is not in it is wanted.
func (s *Store) Preferences(ctx context.Context, account roundtrip.ID) (map[string]roundtrip.Preference, error) {
	var prefs map[string]roundtrip.Preference
	err := s.read(ctx, "inbox.preferences", func(r *reader) error {
		return r.run("SELECT prefs FROM _inbox WHERE account = ?", func(st *raw.Stmt) { prefs = preferencesOf(st.Bytes(0)) }, roundtrip.Ref(account))
	})
	return prefs, err
}

// SetPreferences changes what an account wants: the channels that are given, and returns all of it.
func (s *Store) SetPreferences(ctx context.Context, account roundtrip.ID, change map[string]roundtrip.Preference) (map[string]roundtrip.Preference, error) {
	var prefs map[string]roundtrip.Preference
	err := s.seen(&op{ctx: ctx, name: "inbox.preferences", wait: s.opts.PoolWait, done: make(chan struct{}), run: func(t *tx) error {
		prefs = map[string]roundtrip.Preference{}
		err := t.query("SELECT prefs FROM _inbox WHERE account = ?", func(st *raw.Stmt) {
			maps.Copy(prefs, preferencesOf(st.Bytes(0)))
		}, roundtrip.Ref(account))
		if err != nil {
			return failed("inbox.preferences", err, t.conn.Late())
		}
		for kind, wants := range change {
			if prefs[kind] == nil {
				prefs[kind] = roundtrip.Preference{}
			}
			maps.Copy(prefs[kind], wants)
		}
		text, err := json.Marshal(prefs)
		if err != nil {
			return roundtrip.Wrap("inbox.preferences", err)
		}
		users, err := s.accounts()
		if err != nil {
			return err
		}
		err = t.exec(`INSERT INTO _inbox (account, seq, unread, unseen, read_through, seen_through, floor, prefs)
			SELECT "id", 0, 0, 0, 0, 0, 0, ? FROM "`+users.Name+`" WHERE "id" = ? ON CONFLICT (account) DO UPDATE SET prefs = excluded.prefs`,
			roundtrip.Text(string(text)), roundtrip.Ref(account))
		return failed("inbox.preferences", err, t.conn.Late())
	}})
	return prefs, err
}
