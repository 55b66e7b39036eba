package sqlite

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// box is one inbox while a group is folded into it.
type box struct {
	roundtrip.Inbox
	account  roundtrip.ID
	prefs    map[string]roundtrip.Preference
	position int64
	changed  bool
	by       cause
	notes    []*note // those that change
}

// loadBoxes reads all inboxes that the events are for. One that is not there is empty.
func (f *fold) loadBoxes() error {
	var ids []roundtrip.ID
	want := func(id roundtrip.ID) {
		if f.boxes[id] == nil {
			f.boxes[id] = &box{account: id}
			ids = append(ids, id)
		}
	}
	for _, e := range f.adds {
		want(e.account)
	}
	for i := range f.t.events {
		if e := &f.t.events[i]; e.what == marked || e.what == expired || e.what == recounted {
			want(e.account)
		}
	}
	for _, n := range f.notes {
		want(n.account)
	}
	for part := range chunks(ids) {
		b := &f.t.sql
		b.Reset()
		b.Raw("SELECT account, seq, unread, unseen, read_through, seen_through, prefs FROM _inbox WHERE account IN ")
		appendIDs(b, part)
		err := f.t.each(func(st *raw.Stmt) bool {
			box := f.boxes[roundtrip.ID(st.Int(0))]
			box.Inbox = roundtrip.Inbox{Seq: st.Int(1), Unread: st.Int(2), Unseen: st.Int(3), ReadThrough: st.Int(4), SeenThrough: st.Int(5)}
			box.prefs = preferencesOf(st.Bytes(6))
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func preferencesOf(text []byte) map[string]roundtrip.Preference {
	var prefs map[string]roundtrip.Preference
	if len(text) <= len("{}") || json.Unmarshal(text, &prefs) != nil {
		return nil // written by us alone; without preferences everything is wanted
	}
	return prefs
}

// change notes that an inbox changes.
func (f *fold) change(b *box) {
	if !b.changed {
		b.changed = true
		f.order = append(f.order, b)
	}
}

// mark does what an account marked, what has expired, and what is declared anew. It comes before the events of the same
// group: nobody has seen those.
func (f *fold) mark(e *inboxEvent) error {
	switch e.what {
	case marked:
		b := f.boxes[e.account]
		b.by.add(causedBy(e.by))
		switch {
		case e.mark.All:
			f.readAll(b)
		case e.mark.Seen:
			return f.seen(b, e.mark.Through)
		default:
			return f.read(b, e.mark.Read)
		}
	case expired, recounted:
		n, err := f.note(e.note)
		if err != nil || n == nil {
			return err
		}
		b := f.boxes[n.account]
		if e.what == expired {
			f.recountAs(b, n, func() { n.count, n.actors = 0, nil })
		} else if f.all.kinds[n.kind] != nil {
			b.Unread, b.Unseen = b.Unread+one(n.unread(b)), b.Unseen+one(n.unseen(b))
		} else {
			b.Unread, b.Unseen = b.Unread-one(n.unread(b)), b.Unseen-one(n.unseen(b))
		}
		f.touch(b, n)
	case told, withdrawn, accountEnded:
	}
	return nil
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (f *fold) readAll(b *box) {
	if b.Unread == 0 && b.Unseen == 0 {
		return
	}
	b.Seq++
	b.ReadThrough, b.SeenThrough = b.Seq, b.Seq
	b.Unread, b.Unseen = 0, 0
	f.change(b)
}

// seen marks what has a number up to through as seen; 0 is all there is.
func (f *fold) seen(b *box, through int64) error {
	if through == 0 || through > b.Seq {
		through = b.Seq
	}
	if through <= b.SeenThrough || b.Unseen == 0 {
		return nil
	}
	all := through == b.Seq
	b.Seq++
	f.change(b)
	if all {
		b.SeenThrough, b.Unseen = b.Seq, 0
		return nil
	}
	b.SeenThrough = through
	n := int64(0)
	sql := "SELECT count(*) FROM _notes WHERE account = ? AND bumped > ? AND count > 0 AND kind IN (" + f.all.kindList() + ")"
	err := f.t.query(sql, func(st *raw.Stmt) { n = st.Int(0) }, roundtrip.Ref(b.account), roundtrip.Int(through))
	b.Unseen = n
	return err
}

// kindList lists the declared kinds for an IN; their names are small letters, digits and _.
func (t *tables) kindList() string {
	names := make([]string, 0, len(t.kinds))
	for name := range t.kinds {
		names = append(names, "'"+name+"'")
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// read marks single entries.
func (f *fold) read(b *box, ids []roundtrip.ID) error {
	for _, id := range ids {
		n, err := f.note(id)
		if err != nil {
			return err
		}
		if n == nil || n.account != b.account || f.all.kinds[n.kind] == nil || !n.unread(b) {
			continue
		}
		n.read = true
		b.Unread--
		f.touch(b, n)
	}
	return nil
}

func (f *fold) writeBox(b *box) error {
	return f.t.exec(`INSERT INTO _inbox (account, seq, unread, unseen, read_through, seen_through, floor, prefs) VALUES (?, ?, ?, ?, ?, ?, 0, '{}')
		ON CONFLICT (account) DO UPDATE SET seq = excluded.seq, unread = excluded.unread, unseen = excluded.unseen,
		read_through = excluded.read_through, seen_through = excluded.seen_through`,
		roundtrip.Ref(b.account), roundtrip.Int(b.Seq), roundtrip.Int(b.Unread), roundtrip.Int(b.Unseen),
		roundtrip.Int(b.ReadThrough), roundtrip.Int(b.SeenThrough))
}
