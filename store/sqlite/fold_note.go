package sqlite

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite/raw"
)

// actorsShown is how many of those who did it an entry names.
const actorsShown = 3

// noteKey is what an entry gathers: the unique index of _notes.
type noteKey struct {
	account roundtrip.ID
	kind    string
	group   string
	bucket  int64
}

// note is one entry while a group is folded into it.
type note struct {
	noteKey
	id         roundtrip.ID
	count      int64
	actors     []roundtrip.ID
	bumped     int64
	read       bool
	collection int32
	record     roundtrip.ID
	data       string
	sources    int64 // number of the newest source
	created    int64

	stored bool
	queued bool // it is among those that its inbox writes
	order  int  // of the last event that touched it
	adds   []*inboxEvent
	lost   []lostSource
	gone   int64 // how many actors have no source in it any more
}

const noteColumns = "id, account, kind, grp, bucket, count, actors, bumped, read, collection, record, data, sources, created"

func scanNote(st *raw.Stmt) *note {
	return &note{
		id: roundtrip.ID(st.Int(0)), noteKey: noteKey{roundtrip.ID(st.Int(1)), st.Text(2), st.Text(3), st.Int(4)},
		count: st.Int(5), actors: idsOf(st.Bytes(6)), bumped: st.Int(7), read: st.Int(8) != 0,
		collection: int32(st.Int(9)), record: roundtrip.ID(st.Int(10)), data: st.Text(11), sources: st.Int(12),
		created: st.Int(13), stored: true,
	}
}

func idsOf(text []byte) []roundtrip.ID {
	var ids []roundtrip.ID
	if err := json.Unmarshal(text, &ids); err != nil {
		return nil // written by us alone
	}
	return ids
}

func (n *note) unread(b *box) bool { return n.count > 0 && !n.read && n.bumped > b.ReadThrough }
func (n *note) unseen(b *box) bool { return n.count > 0 && n.bumped > b.SeenThrough }

func (f *fold) keep(n *note) *note {
	f.notes[n.id] = n
	f.byKey[n.noteKey] = n
	return n
}

// loadNotes reads the entries from which sources go.
func (f *fold) loadNotes(lost []lostSource) error {
	var ids []roundtrip.ID
	for _, l := range lost {
		ids = append(ids, l.note)
	}
	slices.Sort(ids)
	for part := range chunks(slices.Compact(ids)) {
		b := &f.t.sql
		b.Reset()
		b.Raw("SELECT " + noteColumns + " FROM _notes WHERE id IN ")
		appendIDs(b, part)
		if err := f.t.each(func(st *raw.Stmt) bool { f.keep(scanNote(st)); return true }); err != nil {
			return err
		}
	}
	return nil
}

// note returns an entry by its id, nil where there is none.
func (f *fold) note(id roundtrip.ID) (*note, error) {
	if n := f.notes[id]; n != nil {
		return n, nil
	}
	var n *note
	err := f.t.query("SELECT "+noteColumns+" FROM _notes WHERE id = ?", func(st *raw.Stmt) { n = f.keep(scanNote(st)) }, roundtrip.Ref(id))
	return n, err
}

// touch has an entry written with its inbox.
func (f *fold) touch(b *box, n *note) {
	f.change(b)
	if !n.queued {
		n.queued = true
		b.notes = append(b.notes, n)
	}
}

// lose takes a source from its entry.
func (f *fold) lose(l lostSource) error {
	n := f.notes[l.note]
	if n == nil {
		return nil // its account is gone, and the source with it
	}
	n.lost = append(n.lost, l)
	f.touch(f.boxes[n.account], n)
	return nil
}

// add puts an event into its entry, unless the account does not want its kind.
func (f *fold) add(i int, e *inboxEvent) error {
	b := f.boxes[e.account]
	b.by.add(causedBy(e.by))
	if !b.prefs[e.notice.Name].Wants(roundtrip.ChannelInbox) {
		return nil
	}
	k := noteKey{e.account, e.notice.Name, e.group, e.bucket}
	n := f.byKey[k]
	if n == nil {
		err := f.t.query("SELECT "+noteColumns+" FROM _notes WHERE account = ? AND kind = ? AND grp = ? AND bucket = ?",
			func(st *raw.Stmt) { n = f.keep(scanNote(st)) }, roundtrip.Ref(k.account), roundtrip.Text(k.kind), roundtrip.Text(k.group), roundtrip.Int(k.bucket))
		if err != nil {
			return err
		}
	}
	if n == nil {
		n = f.keep(&note{noteKey: k, id: f.t.s.opts.IDs.Next()})
	}
	n.adds = append(n.adds, e)
	n.order = i + 1
	f.touch(b, n)
	return nil
}

// recountAs changes an entry and moves the numbers of its inbox with it. Entries whose kind is not declared have no part
// in the numbers.
func (f *fold) recountAs(b *box, n *note, change func()) {
	unread, unseen := n.unread(b), n.unseen(b)
	change()
	if f.all.kinds[n.kind] != nil {
		b.Unread += one(n.unread(b)) - one(unread)
		b.Unseen += one(n.unseen(b)) - one(unseen)
	}
}

// writeNote brings an entry up to date with its sources and writes it under the next number of its inbox.
func (f *fold) writeNote(b *box, n *note) error {
	before, count := n.count, n.count
	newest := n.actors
	count -= n.gone
	if len(n.adds) > 0 {
		if n.count == 0 && n.stored { // it was gone, and what is left of it with it
			if err := f.t.exec("DELETE FROM _note_sources WHERE note = ?", roundtrip.Ref(n.id)); err != nil {
				return err
			}
			count, newest = 0, nil
		}
		came, err := f.addSources(n)
		if err != nil {
			return err
		}
		count += came
	}
	if n.count == 0 && len(n.adds) == 0 {
		count = 0 // what it lost now, it had lost as a whole before
	}
	actors, err := f.actors(n, newest, count)
	if err != nil {
		return err
	}
	b.Seq++
	f.recountAs(b, n, func() {
		n.count, n.actors = count, actors
		if len(n.adds) == 0 {
			return
		}
		if before == 0 {
			n.created = f.t.now.UnixMicro()
		}
		n.bumped, n.read = b.Seq, false
		last := n.adds[len(n.adds)-1]
		n.collection, n.record, n.data = last.collection, last.source, last.data
	})
	f.tellLater(b, n)
	return f.storeNote(b, n)
}

// dropSources removes the sources that an entry lost, and counts the actors who have no other in it.
func (f *fold) dropSources(n *note) error {
	if len(n.lost) == 0 {
		return nil
	}
	var numbers, actors []roundtrip.ID
	for _, l := range n.lost {
		numbers, actors = append(numbers, roundtrip.ID(l.n)), append(actors, l.actor)
	}
	for part := range chunks(numbers) {
		b := &f.t.sql
		b.Reset()
		b.Raw("DELETE FROM _note_sources WHERE note = ").Arg(roundtrip.Ref(n.id)).Raw(" AND n IN ")
		appendIDs(b, part)
		if _, err := f.t.first(nil); err != nil {
			return err
		}
	}
	slices.Sort(actors)
	actors = slices.Compact(actors)
	stay, err := f.present(n, actors)
	n.gone = int64(len(actors) - len(stay))
	return err
}

// present returns which of the actors have a source in an entry.
func (f *fold) present(n *note, actors []roundtrip.ID) (map[roundtrip.ID]bool, error) {
	there := map[roundtrip.ID]bool{}
	for part := range chunks(actors) {
		b := &f.t.sql
		b.Reset()
		b.Raw("SELECT DISTINCT actor FROM _note_sources WHERE note = ").Arg(roundtrip.Ref(n.id)).Raw(" AND actor IN ")
		appendIDs(b, part)
		if err := f.t.each(func(st *raw.Stmt) bool { there[roundtrip.ID(st.Int(0))] = true; return true }); err != nil {
			return nil, err
		}
	}
	return there, nil
}

// sourceRows is how many sources one statement writes.
const sourceRows = 32

// addSources writes the new sources of an entry, and returns how many of their actors had none in it.
func (f *fold) addSources(n *note) (came int64, err error) {
	var actors []roundtrip.ID
	for _, e := range n.adds {
		actors = append(actors, e.actor)
	}
	slices.Sort(actors)
	actors = slices.Compact(actors)
	var there map[roundtrip.ID]bool
	if n.stored {
		if there, err = f.present(n, actors); err != nil {
			return 0, err
		}
	}
	for rest := n.adds; len(rest) > 0; {
		size := sourceRows // two shapes of the statement only: many rows, and one
		if len(rest) < size {
			size = 1
		}
		b := &f.t.sql
		b.Reset()
		b.Raw("INSERT INTO _note_sources (note, n, kind, collection, source, actor, data) VALUES ")
		for i, e := range rest[:size] {
			if i > 0 {
				b.Raw(", ")
			}
			n.sources++
			b.Raw("(").Arg(roundtrip.Ref(n.id)).Raw(", ").Arg(roundtrip.Int(n.sources)).Raw(", ").Arg(roundtrip.Text(n.kind)).Raw(", ").
				Arg(roundtrip.Int(int64(e.collection))).Raw(", ").Arg(roundtrip.Ref(e.source)).Raw(", ").
				Arg(roundtrip.Ref(e.actor)).Raw(", ").Arg(roundtrip.Text(e.data)).Raw(")")
		}
		if _, err := f.t.first(nil); err != nil {
			return 0, err
		}
		rest = rest[size:]
	}
	return int64(len(actors) - len(there)), nil
}

// actors returns the last of those who did it, newest first. Where sources went they are looked up, and with them the
// newest record that is left.
func (f *fold) actors(n *note, before []roundtrip.ID, count int64) ([]roundtrip.ID, error) {
	if count == 0 {
		return nil, nil
	}
	var actors []roundtrip.ID
	put := func(id roundtrip.ID) {
		if len(actors) < actorsShown && !slices.Contains(actors, id) {
			actors = append(actors, id)
		}
	}
	if len(n.lost) == 0 {
		for _, e := range slices.Backward(n.adds) {
			put(e.actor)
		}
		for _, id := range before {
			put(id)
		}
		return actors, nil
	}
	first := true
	f.t.sql.Reset()
	f.t.sql.Raw("SELECT actor, collection, source, data FROM _note_sources WHERE note = ").Arg(roundtrip.Ref(n.id)).Raw(" ORDER BY n DESC")
	return actors, f.t.walk(func(st *raw.Stmt) bool {
		put(roundtrip.ID(st.Int(0)))
		if first {
			first = false
			n.collection, n.record, n.data = int32(st.Int(1)), roundtrip.ID(st.Int(2)), st.Text(3)
		}
		return len(actors) < actorsShown && int64(len(actors)) < count
	})
}

// tellLater leaves the jobs to tell of an entry that grew on the other channels. Where such a job waits already it tells of
// the entry as it is then, and no other is needed.
func (f *fold) tellLater(b *box, n *note) {
	kind := f.all.kinds[n.kind]
	if len(n.adds) == 0 || kind == nil {
		return
	}
	for _, way := range []struct {
		channel roundtrip.Channel
		job     string
		grace   time.Duration
	}{
		{roundtrip.ChannelPush, store.JobPush, f.t.s.opts.PushGrace},
		{roundtrip.ChannelEmail, store.JobEmail, f.t.s.opts.EmailGrace},
	} {
		if !kind.Has(way.channel) || !b.prefs[n.kind].Wants(way.channel) {
			continue
		}
		payload, err := json.Marshal(store.NoteJob{Account: n.account.String(), Note: n.id.String(), Bumped: n.bumped})
		if err != nil {
			continue // two ids and a number always can be
		}
		f.t.jobs = append(f.t.jobs, job{kind: way.job, key: n.id.String(), payload: string(payload), after: way.grace, once: true, by: n.adds[len(n.adds)-1].by})
	}
}

func (f *fold) storeNote(b *box, n *note) error {
	actors, err := json.Marshal(n.actors)
	if err != nil {
		return err
	}
	values := []roundtrip.Value{
		roundtrip.Int(n.count), roundtrip.Text(string(actors)), roundtrip.Int(b.Seq), roundtrip.Int(n.bumped), roundtrip.Bool(n.read),
		roundtrip.Int(b.position), roundtrip.Int(int64(n.collection)), roundtrip.Ref(n.record), roundtrip.Text(n.data),
		roundtrip.Int(n.sources), roundtrip.Int(n.created), roundtrip.Time(f.t.now), roundtrip.Ref(n.id),
	}
	if n.stored {
		return f.t.exec(`UPDATE _notes SET count = ?, actors = ?, seq = ?, bumped = ?, read = ?, position = ?, collection = ?, record = ?,
			data = ?, sources = ?, created = ?, updated = ? WHERE id = ?`, values...)
	}
	n.stored = true
	return f.t.exec(`INSERT INTO _notes (count, actors, seq, bumped, read, position, collection, record, data, sources,
		created, updated, id, account, kind, grp, bucket) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append(values, roundtrip.Ref(n.account), roundtrip.Text(n.kind), roundtrip.Text(n.group), roundtrip.Int(n.bucket))...)
}
