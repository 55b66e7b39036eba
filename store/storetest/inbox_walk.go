package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

// model is what inboxes must be, computed in the most simple-minded way: every entry is a list of who did it, and all
// numbers are counted when they are asked for.
type model struct {
	boxes map[roundtrip.ID]*modelBox
}

type modelBox struct {
	seq, readThrough, seenThrough int64
	entries                       []*modelEntry
	unwanted                      map[string]bool
}

type modelEntry struct {
	kind, group string
	bucket      int64
	bumped      int64
	read        bool
	sources     []modelSource // oldest first
}

type modelSource struct{ record, actor roundtrip.ID }

func (m *model) box(id roundtrip.ID) *modelBox {
	if m.boxes[id] == nil {
		m.boxes[id] = &modelBox{unwanted: map[string]bool{}}
	}
	return m.boxes[id]
}

// tell is one event of its own commit.
func (m *model) tell(to roundtrip.ID, kind, group string, bucket int64, s modelSource) {
	b := m.box(to)
	if b.unwanted[kind] {
		return
	}
	var e *modelEntry
	for _, other := range b.entries {
		if other.kind == kind && other.group == group && other.bucket == bucket {
			e = other
		}
	}
	if e == nil {
		e = &modelEntry{kind: kind, group: group, bucket: bucket}
		b.entries = append(b.entries, e)
	}
	b.seq++
	e.bumped, e.read = b.seq, false
	e.sources = append(e.sources, s)
}

// withdraw is the end of records in one commit.
func (m *model) withdraw(records ...roundtrip.ID) {
	for _, b := range m.boxes {
		for _, e := range b.entries {
			before := len(e.sources)
			e.sources = slices.DeleteFunc(e.sources, func(s modelSource) bool { return slices.Contains(records, s.record) })
			if len(e.sources) != before {
				b.seq++
			}
		}
	}
}

func (e *modelEntry) actors() []roundtrip.ID {
	var out []roundtrip.ID
	for _, s := range slices.Backward(e.sources) {
		if !slices.Contains(out, s.actor) {
			out = append(out, s.actor)
		}
	}
	return out
}

func (b *modelBox) unread(e *modelEntry) bool {
	return len(e.sources) > 0 && !e.read && e.bumped > b.readThrough
}

func (b *modelBox) unseen(e *modelEntry) bool { return len(e.sources) > 0 && e.bumped > b.seenThrough }

func (b *modelBox) count(is func(*modelEntry) bool) (n int64) {
	for _, e := range b.entries {
		if is(e) {
			n++
		}
	}
	return n
}

// String writes an inbox with all its numbers.
func (b *modelBox) String() string {
	out := fmt.Sprintln(b.count(b.unread), b.count(b.unseen), b.seq, b.readThrough, b.seenThrough)
	var there []*modelEntry
	for _, e := range b.entries {
		if len(e.sources) > 0 {
			there = append(there, e)
		}
	}
	slices.SortFunc(there, func(x, y *modelEntry) int { return cmp.Compare(y.bumped, x.bumped) })
	for _, e := range there {
		actors := e.actors()
		out += fmt.Sprintln(e.kind, e.bumped, len(actors), actors[:min(len(actors), 3)], b.unread(e), e.sources[len(e.sources)-1].record)
	}
	return out
}

// describe writes a real inbox in the same form.
func describe(page *store.InboxPage) string {
	out := fmt.Sprintln(page.Unread, page.Unseen, page.Seq, page.ReadThrough, page.SeenThrough)
	for _, n := range page.Notes {
		out += fmt.Sprintln(n.Kind, n.Bumped, n.Count, n.Actors, !n.Read, n.Record)
	}
	return out
}

// walker makes random writes to a gallery and to the model.
type walker struct {
	*world
	model
	random   *rand.Rand
	people   []*roundtrip.Principal
	photos   []*roundtrip.Record
	likes    []*roundtrip.Record
	comments []*roundtrip.Record
}

// inboxWalk does one write after the other and compares all inboxes with the model after each.
func inboxWalk(w *world) {
	const steps = 400
	k := &walker{world: w, model: model{boxes: map[roundtrip.ID]*modelBox{}}, random: rand.New(rand.NewPCG(7, 11))}
	for i := range 5 {
		k.people = append(k.people, w.user(string(rune('a'+i))))
	}
	for range 4 {
		k.newPhoto()
	}
	for step := range steps {
		what := k.step()
		for _, who := range k.people {
			want, got := k.box(who.ID).String(), describe(w.inbox(who))
			if got != want {
				w.Fatalf("step %d, %s: the inbox is\n%swant\n%s", step, what, got, want)
			}
		}
	}
	w.noDrift()
}

func (k *walker) someone() *roundtrip.Principal { return k.people[k.random.IntN(len(k.people))] }

func (k *walker) newPhoto() {
	k.photos = append(k.photos, k.photo(k.someone(), nil))
}

func (k *walker) bucket() int64 { return k.Now().UnixMicro() / (24 * time.Hour).Microseconds() }

func (k *walker) somePhoto() *roundtrip.Record { return k.photos[k.random.IntN(len(k.photos))] }

// step makes one random write and says what it was.
func (k *walker) step() string {
	k.Helper()
	who := k.someone()
	switch n := k.random.IntN(20); {
	case n < 5:
		return k.tryLike(who, k.somePhoto())
	case n < 8:
		return k.tryComment(who, k.somePhoto())
	case n < 11:
		return k.takeBack(&k.likes, "user")
	case n < 13:
		return k.takeBack(&k.comments, "author")
	case n < 15:
		return k.tryBatch(who, k.somePhoto())
	case n < 16:
		k.Advance(time.Duration(k.random.IntN(15)) * time.Hour)
		return "time passes"
	case n < 17 && k.random.IntN(3) == 0:
		return k.dropPhoto()
	case n < 18:
		return k.prefer(who)
	}
	return k.markSome(who)
}

func (k *walker) tryLike(who *roundtrip.Principal, p *roundtrip.Record) string {
	like := k.creating("likes", fields{"user": roundtrip.Ref(who.ID), "photo": roundtrip.Ref(p.ID())})
	result, err := k.write(k.Context(), like, who)
	if err != nil {
		return "a like that was there"
	}
	k.likes = append(k.likes, result.Records[0])
	if to := p.Get("author").ID(); to != who.ID {
		k.tell(to, "liked", p.ID().String(), k.bucket(), modelSource{result.Records[0].ID(), who.ID})
	}
	return "a like"
}

func (k *walker) tryComment(who *roundtrip.Principal, p *roundtrip.Record) string {
	c := k.comment(who, p.ID(), "x")
	k.comments = append(k.comments, c)
	if to := p.Get("author").ID(); to != who.ID {
		k.tell(to, "commented", p.ID().String(), k.bucket(), modelSource{c.ID(), who.ID})
	}
	return "a comment"
}

// tryBatch writes two comments and a like, of which the like may be there already: then none of them happens. The comments
// are one event of their entry, with two records.
func (k *walker) tryBatch(who *roundtrip.Principal, p *roundtrip.Record) string {
	comment := k.creating("comments", fields{"author": roundtrip.Ref(who.ID), "photo": roundtrip.Ref(p.ID()), "text": roundtrip.Text("x")})
	like := k.creating("likes", fields{"user": roundtrip.Ref(who.ID), "photo": roundtrip.Ref(p.ID())})
	result, err := k.write(k.Context(), k.batch(comment, comment, like), who)
	if err != nil {
		return "a batch that failed"
	}
	k.comments = append(k.comments, result.Records[0], result.Records[1])
	k.likes = append(k.likes, result.Records[2])
	to := p.Get("author").ID()
	if to == who.ID {
		return "a batch of one's own"
	}
	b := k.box(to)
	k.tell(to, "commented", p.ID().String(), k.bucket(), modelSource{result.Records[0].ID(), who.ID})
	if !b.unwanted["commented"] {
		b.seq-- // the second one is told with the first
	}
	k.tell(to, "commented", p.ID().String(), k.bucket(), modelSource{result.Records[1].ID(), who.ID})
	k.tell(to, "liked", p.ID().String(), k.bucket(), modelSource{result.Records[2].ID(), who.ID})
	return "a batch"
}

// takeBack deletes a random like or comment.
func (k *walker) takeBack(of *[]*roundtrip.Record, by string) string {
	if len(*of) == 0 {
		return "nothing to take back"
	}
	i := k.random.IntN(len(*of))
	r := (*of)[i]
	*of = slices.Delete(*of, i, i+1)
	for _, who := range k.people {
		if who.ID == r.Get(by).ID() {
			k.mustDelete(r.Collection.Name, r.ID(), who)
		}
	}
	k.withdraw(r.ID())
	return "taking back of " + r.Collection.Name
}

func (k *walker) dropPhoto() string {
	i := k.random.IntN(len(k.photos))
	p := k.photos[i]
	k.photos = slices.Delete(k.photos, i, i+1)
	var gone []roundtrip.ID
	on := func(r *roundtrip.Record) bool {
		if r.Get("photo").ID() != p.ID() {
			return false
		}
		gone = append(gone, r.ID())
		return true
	}
	k.likes, k.comments = slices.DeleteFunc(k.likes, on), slices.DeleteFunc(k.comments, on)
	for _, who := range k.people {
		if who.ID == p.Get("author").ID() {
			k.mustDelete("photos", p.ID(), who)
		}
	}
	k.withdraw(gone...)
	k.newPhoto()
	return "a photo gone"
}

func (k *walker) prefer(who *roundtrip.Principal) string {
	on := k.random.IntN(2) == 0
	if _, err := k.SetPreferences(k.Context(), who.ID, map[string]roundtrip.Preference{"liked": {roundtrip.ChannelInbox: on}}); err != nil {
		k.Fatal(err)
	}
	k.box(who.ID).unwanted["liked"] = !on
	return "a preference"
}

func (k *walker) markSome(who *roundtrip.Principal) string {
	b := k.box(who.ID)
	switch k.random.IntN(3) {
	case 0:
		k.mark(who, store.InboxMark{All: true})
		if b.count(b.unread) > 0 || b.count(b.unseen) > 0 {
			b.seq++
			b.readThrough, b.seenThrough = b.seq, b.seq
		}
		return "all read"
	case 1:
		through := k.random.Int64N(b.seq + 2)
		k.mark(who, store.InboxMark{Seen: true, Through: through})
		if through == 0 || through > b.seq {
			through = b.seq
		}
		if through > b.seenThrough && b.count(b.unseen) > 0 {
			all := through == b.seq
			b.seq++
			b.seenThrough = through
			if all {
				b.seenThrough = b.seq
			}
		}
		return "seen"
	}
	notes := k.inbox(who).Notes
	if len(notes) == 0 {
		return "nothing to read"
	}
	n := notes[k.random.IntN(len(notes))]
	k.mark(who, store.InboxMark{Read: []roundtrip.ID{n.ID}})
	for _, e := range b.entries {
		if e.bumped == n.Bumped && b.unread(e) {
			e.read = true
			b.seq++
		}
	}
	return "one read"
}

// inboxStorm has many people like, take back, comment, delete, mark and choose at once.
func inboxStorm(w *world) {
	people := make([]*roundtrip.Principal, 6)
	for i := range people {
		people[i] = w.user(string(rune('a' + i)))
	}
	var photos []roundtrip.ID
	for i := range 12 {
		photos = append(photos, w.photo(people[i%2], nil).ID())
	}
	w.race(900, func(i int) error {
		random := rand.New(rand.NewPCG(uint64(i), 3))
		who := people[random.IntN(len(people))]
		switch random.IntN(8) {
		case 0:
			_, err := w.MarkInbox(w.Context(), people[random.IntN(2)].ID, store.InboxMark{All: true})
			return err
		case 1:
			_, err := w.MarkInbox(w.Context(), people[random.IntN(2)].ID, store.InboxMark{Seen: true})
			return err
		}
		return w.move(random, who, photos)
	})
	w.noDrift()
	for _, who := range people {
		for _, n := range w.inbox(who).Notes {
			if n.Kind != "liked" {
				continue
			}
			_, page, _, err := w.list(w.Context(), "likes", roundtrip.Query{Equal: []roundtrip.Equal{{Field: "photo", Value: n.Group}}, Filter: `user != "` + who.ID.String() + `"`, Count: true}, who)
			if err != nil {
				w.Fatal(err)
			}
			equal(w, "likes", n.Count, page.Total)
		}
	}
}
