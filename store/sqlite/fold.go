package sqlite

import (
	"cmp"
	"maps"
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// fold writes the events of a group into the inboxes. Each entry and each inbox that they touch is read once and written
// once, whatever the number of events.
type fold struct {
	t     *tx
	all   *tables
	boxes map[roundtrip.ID]*box
	order []*box // those that change
	notes map[roundtrip.ID]*note
	byKey map[noteKey]*note
	adds  []*inboxEvent // told, and not withdrawn in the same group
}

// sourceKey names what one record causes of one kind.
type sourceKey struct {
	collection int32
	source     roundtrip.ID
	kind       string
}

// fold runs before the commit. If it fails, so does the group.
func (t *tx) fold() error {
	if len(t.events) == 0 {
		return nil
	}
	f := &fold{
		t: t, all: t.schemaNow(), boxes: map[roundtrip.ID]*box{}, notes: map[roundtrip.ID]*note{}, byKey: map[noteKey]*note{},
	}
	gone := f.sort()
	if err := f.passOver(); err != nil {
		return err
	}
	lost, err := f.sources(gone)
	if err != nil {
		return err
	}
	if err := f.loadBoxes(); err != nil {
		return err
	}
	for i := range t.events {
		if err := f.mark(&t.events[i]); err != nil {
			return err
		}
	}
	for _, l := range lost {
		if err := f.lose(l); err != nil {
			return err
		}
	}
	for i, e := range f.adds {
		if err := f.add(i, e); err != nil {
			return err
		}
	}
	return f.write()
}

// sort goes through the events in their order: what is withdrawn in the group that told it was never there. It returns the
// sources that may be stored and must go.
func (f *fold) sort() (gone []sourceKey) {
	pending := map[sourceKey]int{}    // position in t.events
	kinds := map[sourceKey][]string{} // those that are pending of a record; the key has no kind
	record := func(e *inboxEvent) sourceKey { return sourceKey{collection: e.collection, source: e.source} }
	for i := range f.t.events {
		e := &f.t.events[i]
		switch e.what {
		case told:
			k := sourceKey{e.collection, e.source, e.notice.Name}
			if e.action != roundtrip.Create { // the record may have told before
				gone = append(gone, k)
			}
			pending[k] = i
			kinds[record(e)] = append(kinds[record(e)], k.kind)
		case withdrawn:
			if e.notice != nil {
				k := sourceKey{e.collection, e.source, e.notice.Name}
				delete(pending, k)
				gone = append(gone, k)
				continue
			}
			for _, kind := range kinds[record(e)] {
				delete(pending, sourceKey{e.collection, e.source, kind})
			}
			gone = append(gone, record(e))
		case accountEnded:
			for k, j := range pending {
				if f.t.events[j].account == e.account {
					delete(pending, k)
				}
			}
		case marked, expired, recounted:
		}
	}
	for _, i := range pending {
		f.adds = append(f.adds, &f.t.events[i])
	}
	slices.SortFunc(f.adds, func(a, b *inboxEvent) int { return cmp.Compare(pending[a.key()], pending[b.key()]) })
	return gone
}

// passOver leaves out what would be told to accounts that ended in this group, such as of their own end: nobody has such an
// inbox, and nothing would ever take it away.
func (f *fold) passOver() error {
	ended := map[roundtrip.ID]bool{}
	for i := range f.t.events {
		if e := &f.t.events[i]; e.what == accountEnded {
			ended[e.account] = true
		}
	}
	if len(ended) == 0 || len(f.adds) == 0 || f.all.schema == nil || f.all.schema.Accounts() == nil {
		return nil
	}
	for part := range chunks(slices.Collect(maps.Keys(ended))) { // one may be there again, under the id that it had
		b := &f.t.sql
		b.Reset()
		b.Raw(`SELECT "id" FROM `).Name(f.all.schema.Accounts().Name).Raw(` WHERE "id" IN `)
		appendIDs(b, part)
		if err := f.t.each(func(st *raw.Stmt) bool { delete(ended, roundtrip.ID(st.Int(0))); return true }); err != nil {
			return err
		}
	}
	f.adds = slices.DeleteFunc(f.adds, func(e *inboxEvent) bool { return ended[e.account] })
	return nil
}

func (e *inboxEvent) key() sourceKey { return sourceKey{e.collection, e.source, e.notice.Name} }

// lostSource is a stored source that goes.
type lostSource struct {
	note, actor roundtrip.ID
	n           int64
}

// sources finds the stored sources of records.
func (f *fold) sources(gone []sourceKey) ([]lostSource, error) {
	slices.SortFunc(gone, func(a, b sourceKey) int {
		return cmp.Or(cmp.Compare(a.collection, b.collection), cmp.Compare(a.kind, b.kind), cmp.Compare(a.source, b.source))
	})
	gone = slices.Compact(gone)
	seen := map[lostSource]bool{}
	var lost []lostSource
	var ids []roundtrip.ID
	for i, k := range gone {
		ids = append(ids, k.source)
		if i+1 < len(gone) && len(ids) < loadMax && gone[i+1].collection == k.collection && gone[i+1].kind == k.kind {
			continue
		}
		b := &f.t.sql
		b.Reset()
		b.Raw("SELECT note, n, actor FROM _note_sources WHERE collection = ").Arg(roundtrip.Int(int64(k.collection))).Raw(" AND source IN ")
		appendIDs(b, ids)
		if k.kind != "" {
			b.Raw(" AND kind = ").Arg(roundtrip.Text(k.kind))
		}
		err := f.t.each(func(st *raw.Stmt) bool {
			l := lostSource{note: roundtrip.ID(st.Int(0)), n: st.Int(1), actor: roundtrip.ID(st.Int(2))}
			if !seen[l] {
				seen[l] = true
				lost = append(lost, l)
			}
			return true
		})
		if err != nil {
			return nil, err
		}
		ids = ids[:0]
	}
	return lost, f.loadNotes(lost)
}

// write writes what changed. The change of each inbox has one position, and so do the entries that changed with it.
func (f *fold) write() error {
	for _, b := range f.order {
		slices.SortStableFunc(b.notes, func(x, y *note) int { return cmp.Compare(x.order, y.order) })
		for _, n := range b.notes { // before any comes: a record may go from one entry to another
			if err := f.dropSources(n); err != nil {
				return err
			}
		}
	}
	for _, b := range f.order {
		b.position = f.t.position + int64(len(f.t.changes)) + 1
		for i := 0; b.by.n == 0 && i < len(f.t.events); i++ { // something was withdrawn: by whom is not kept
			b.by.add(causedBy(f.t.events[i].by))
		}
		f.t.put(roundtrip.Change{ID: b.account, Action: roundtrip.Update}, b.by)
		for _, n := range b.notes {
			if err := f.writeNote(b, n); err != nil {
				return err
			}
		}
		if err := f.writeBox(b); err != nil {
			return err
		}
	}
	for i := range f.t.events {
		if e := &f.t.events[i]; e.what == marked {
			*e.result = f.boxes[e.account].Inbox
		}
	}
	return nil
}
