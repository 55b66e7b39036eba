package sqlite_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/store/storetest"
)

// square is a gallery with some people, who are told of likes, comments and follows.
type square struct {
	*testing.T
	s      *sqlite.Store
	path   string
	clock  *clock
	schema *roundtrip.Schema
	rules  *policy.Engine
	people []roundtrip.ID
	photo  roundtrip.ID // of the first one
}

func newSquare(t *testing.T, people int) *square {
	t.Helper()
	q := &square{T: t, clock: newClock(), path: filepath.Join(t.TempDir(), "x.db")}
	q.s = open(t, q.path, q.clock)
	q.declare(func(schema *roundtrip.Schema) { storetest.Notify(schema) })
	for i := range people {
		r, err := q.s.CreateAccount(t.Context(), record(q.schema, "users", map[string]roundtrip.Value{"handle": roundtrip.Text(fmt.Sprintf("p%d", i))}), roundtrip.Credential{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.people = append(q.people, r.ID())
	}
	q.photo = q.newPhoto(0)
	return q
}

// declare puts a schema into force.
func (q *square) declare(change func(*roundtrip.Schema)) {
	q.Helper()
	q.schema = storetest.Gallery()
	change(q.schema)
	apply(q, q.s, q.schema)
	var err error
	if q.rules, err = policy.New(q.schema, make([]byte, 32)); err != nil {
		q.Fatal(err)
	}
}

// write returns a write as somebody.
func (q *square) write(who int, call roundtrip.Call) func() error {
	q.Helper()
	p, err := q.rules.Decide(&call, &roundtrip.Principal{ID: q.people[who]})
	if err != nil {
		q.Fatal(err)
	}
	return func() error { _, err := q.s.Write(q.Context(), p); return err }
}

func (q *square) newPhoto(who int) roundtrip.ID {
	q.Helper()
	call := createCall(q.schema, "photos", map[string]roundtrip.Value{"author": roundtrip.Ref(q.people[who])})
	p, err := q.rules.Decide(&call, &roundtrip.Principal{ID: q.people[who]})
	if err != nil {
		q.Fatal(err)
	}
	result, err := q.s.Write(q.Context(), p)
	if err != nil {
		q.Fatal(err)
	}
	return result.Records[0].ID()
}

func (q *square) like(who int, photo roundtrip.ID) func() error {
	q.Helper()
	return q.write(who, createCall(q.schema, "likes", map[string]roundtrip.Value{"user": roundtrip.Ref(q.people[who]), "photo": roundtrip.Ref(photo)}))
}

func (q *square) follow(who, whom int) func() error {
	q.Helper()
	return q.write(who, createCall(q.schema, "follows", map[string]roundtrip.Value{"follower": roundtrip.Ref(q.people[who]), "followee": roundtrip.Ref(q.people[whom])}))
}

func (q *square) do(writes ...func() error) {
	q.Helper()
	for _, write := range writes {
		if err := write(); err != nil {
			q.Fatal(err)
		}
	}
}

// inbox writes the inbox of somebody in short.
func (q *square) inbox(who int) string {
	q.Helper()
	page, err := q.s.ReadInbox(q.Context(), q.people[who], store.InboxQuery{Size: 50})
	if err != nil {
		q.Fatal(err)
	}
	out := fmt.Sprintf("%d unread, %d unseen", page.Unread, page.Unseen)
	for _, n := range page.Notes {
		out += fmt.Sprintf("; %s %d", n.Kind, n.Count)
	}
	return out
}

func (q *square) want(who int, want string) {
	q.Helper()
	if got := q.inbox(who); got != want {
		q.Fatalf("inbox of %d: %s, want %s", who, got, want)
	}
	q.noDrift()
}

func (q *square) noDrift() {
	q.Helper()
	if drift, err := q.s.CheckInboxes(q.Context()); err != nil || drift != 0 {
		q.Fatalf("drift %d, %v", drift, err)
	}
}

func (q *square) number(sql string) int64 {
	q.Helper()
	n, err := q.s.Number(q.Context(), sql)
	if err != nil {
		q.Fatal(err)
	}
	return n
}

func (q *square) exec(sql string, args ...roundtrip.Value) {
	q.Helper()
	if err := q.s.Exec(q.Context(), sql, args...); err != nil {
		q.Fatal(err)
	}
}

// TestInbox_WithoutItsNotificationThereIsNoLike has SQLite refuse every write of an entry.
func TestInbox_WithoutItsNotificationThereIsNoLike(t *testing.T) {
	t.Parallel()
	q := newSquare(t, 3)
	q.exec("CREATE TRIGGER full BEFORE INSERT ON _notes BEGIN SELECT RAISE(ABORT, 'full'); END")
	if err := q.like(1, q.photo)(); roundtrip.AsError(err).Kind != roundtrip.Internal {
		t.Fatalf("a like without its notification: %v", err)
	}
	if n := q.number("SELECT (SELECT count(*) FROM likes) + (SELECT sum(likes) FROM photos) + (SELECT count(*) FROM _changes WHERE collection = 0)"); n != 0 {
		t.Fatalf("%d things are left of it", n)
	}
	q.do(q.like(0, q.photo)) // tells nobody
	q.exec("DROP TRIGGER full")
	q.do(q.like(1, q.photo))
	q.want(0, "1 unread, 1 unseen; liked 1")
}

// TestInbox_OneThatCantBeToldFailsAlone writes a group in which the notification of one like can't be written.
func TestInbox_OneThatCantBeToldFailsAlone(t *testing.T) {
	t.Parallel()
	q := newSquare(t, 5)
	q.exec(fmt.Sprintf("CREATE TRIGGER poison BEFORE INSERT ON _note_sources WHEN NEW.actor = %d BEGIN SELECT RAISE(ABORT, 'poison'); END", q.people[2]))
	told := 0
	q.s.OnCommit(func(changes []roundtrip.Change) { told += len(changes) })
	errs := together(t, q.s, q.like(1, q.photo), q.like(2, q.photo), q.like(3, q.photo), q.follow(4, 0), q.follow(2, 1))
	for i, err := range errs {
		if poisoned := i == 1 || i == 4; (err != nil) != poisoned {
			t.Fatalf("write %d: %v", i, err)
		}
	}
	q.want(0, "2 unread, 2 unseen; followed 1; liked 2")
	q.want(1, "0 unread, 0 unseen")
	if n := q.number("SELECT (SELECT count(*) FROM likes) * 10 + (SELECT count(*) FROM follows)"); n != 21 {
		t.Fatalf("likes and follows: %d", n)
	}
	if n := q.number("SELECT count(*) FROM _changes WHERE position > 6"); int(n) != told {
		t.Fatalf("%d changes, told of %d", n, told)
	}
}

func TestInbox_AGroupIsOneEntryAndOneNumber(t *testing.T) {
	t.Parallel()
	q := newSquare(t, 8)
	var likes []func() error
	for who := 1; who < 8; who++ {
		likes = append(likes, q.like(who, q.photo))
	}
	for _, err := range together(t, q.s, likes...) {
		if err != nil {
			t.Fatal(err)
		}
	}
	q.want(0, "1 unread, 1 unseen; liked 7")
	if n := q.number("SELECT (SELECT seq FROM _inbox) * 100 + (SELECT count(*) FROM _notes) * 10 + (SELECT count(*) FROM _changes WHERE collection = 0)"); n != 111 {
		t.Fatalf("number, entries, changes: %d", n)
	}
}

// TestInbox_WhatIsTakenBackInItsGroupWasNeverThere likes, and deletes the liked photo in the same group.
func TestInbox_WhatIsTakenBackInItsGroupWasNeverThere(t *testing.T) {
	t.Parallel()
	q := newSquare(t, 3)
	other := q.newPhoto(1)
	remove := q.write(0, roundtrip.Call{Action: roundtrip.Delete, Collection: q.schema.Lookup("photos"), ID: q.photo})
	for _, err := range together(t, q.s, q.like(1, q.photo), q.like(2, q.photo), q.like(2, other), remove) {
		if err != nil {
			t.Fatal(err)
		}
	}
	q.want(0, "0 unread, 0 unseen")
	q.want(1, "1 unread, 1 unseen; liked 1")
	if n := q.number("SELECT count(*) FROM _notes"); n != 1 {
		t.Fatalf("%d entries", n)
	}
}

func TestInbox_OldEntriesGo(t *testing.T) {
	t.Parallel()
	q := newSquare(t, 3)
	q.do(q.like(1, q.photo), q.follow(2, 0))
	start := q.number("SELECT max(position) FROM _changes")
	q.clock.Advance(92 * 24 * time.Hour)
	within(t, "the entries have ended", func() bool {
		q.clock.Advance(time.Second) // for a sweep that had too little time on a busy machine: another one is made later
		return q.inbox(0) == "0 unread, 0 unseen"
	})
	q.noDrift()
	page, err := q.s.ReadInbox(t.Context(), q.people[0], store.InboxQuery{Size: 10, Changed: true, Since: start})
	if err != nil || len(page.Notes) != 2 || page.Notes[0].Count != 0 || page.Seq != 4 || page.Floor != 0 {
		t.Fatalf("who looks on is not told: %+v, %v", page, err)
	}
	q.clock.Advance(8 * 24 * time.Hour)
	within(t, "nothing is left of them", func() bool {
		q.clock.Advance(time.Second)
		n, err := q.s.Read(t.Context(), "SELECT (SELECT count(*) FROM _notes) + (SELECT count(*) FROM _note_sources)")
		return err == nil && n == 0
	})
	page, err = q.s.ReadInbox(t.Context(), q.people[0], store.InboxQuery{})
	if err != nil || page.Floor != start+1 || page.Seq != 4 {
		t.Fatalf("%+v, %v", page, err)
	}
	q.noDrift()
}

func TestInbox_KindsThatAreNotDeclaredDoNotCount(t *testing.T) {
	t.Parallel()
	q := newSquare(t, 4)
	like := q.like(1, q.photo)
	q.do(like, q.follow(2, 0))
	before := q.number("SELECT max(position) FROM _changes")
	q.declare(func(schema *roundtrip.Schema) {
		storetest.Notify(schema)
		schema.Notices = schema.Notices[1:] // no likes
	})
	q.want(0, "1 unread, 1 unseen; followed 1")
	page, err := q.s.ReadInbox(t.Context(), q.people[0], store.InboxQuery{Size: 10, Changed: true, Since: before})
	if err != nil || len(page.Notes) != 1 || page.Notes[0].Count != 0 {
		t.Fatalf("who looks on is not told: %+v, %v", page, err)
	}
	q.do(q.like(3, q.photo)) // tells nobody now
	id := roundtrip.ID(q.number("SELECT min(id) FROM likes"))
	q.do(q.write(1, roundtrip.Call{Action: roundtrip.Delete, Collection: q.schema.Lookup("likes"), ID: id}))
	q.want(0, "1 unread, 1 unseen; followed 1")
	q.do(q.like(1, q.photo))
	q.declare(func(schema *roundtrip.Schema) { storetest.Notify(schema) })
	q.want(0, "1 unread, 1 unseen; followed 1") // what was liked was taken back meanwhile
	q.do(q.like(2, q.photo))
	q.want(0, "2 unread, 2 unseen; liked 1; followed 1")
	q.declare(func(*roundtrip.Schema) {})
	q.want(0, "0 unread, 0 unseen")
	q.declare(func(schema *roundtrip.Schema) { storetest.Notify(schema) })
	q.want(0, "2 unread, 2 unseen; liked 1; followed 1")
}

// TestInbox_TheCheckSeesDrift changes each number behind the store's back.
func TestInbox_TheCheckSeesDrift(t *testing.T) {
	t.Parallel()
	q := newSquare(t, 3)
	q.do(q.like(1, q.photo), q.follow(2, 0))
	for _, c := range []struct{ wrong, right string }{
		{"UPDATE _inbox SET unread = unread + 1", "UPDATE _inbox SET unread = unread - 1"},
		{"UPDATE _inbox SET unseen = unseen - 1", "UPDATE _inbox SET unseen = unseen + 1"},
		{"UPDATE _notes SET count = count + 1 WHERE kind = 'liked'", "UPDATE _notes SET count = count - 1 WHERE kind = 'liked'"},
		{"UPDATE _inbox SET seq = seq - 1", "UPDATE _inbox SET seq = seq + 1"},
		{"UPDATE _notes SET seq = 2 WHERE kind = 'liked'", "UPDATE _notes SET seq = 1 WHERE kind = 'liked'"},
		{"UPDATE _note_sources SET actor = 5, note = -note WHERE kind = 'liked'", "UPDATE _note_sources SET note = -note WHERE kind = 'liked'"},
	} {
		q.exec(c.wrong)
		if drift, err := q.s.CheckInboxes(t.Context()); err != nil || drift == 0 {
			t.Fatalf("%s: drift %d, %v", c.wrong, drift, err)
		}
		q.exec(c.right)
		q.noDrift()
	}
}

// TestInbox_OlderPermitsTellToo writes with a permit of the schema before a reload, whose collection has other fields.
func TestInbox_OlderPermitsTellToo(t *testing.T) {
	t.Parallel()
	q := newSquare(t, 3)
	old := q.like(1, q.photo)
	q.declare(func(schema *roundtrip.Schema) {
		storetest.Notify(schema)
		schema.Lookup("likes").Add(&roundtrip.Field{Name: "note", Type: roundtrip.TypeText})
	})
	q.do(old)
	q.want(0, "1 unread, 1 unseen; liked 1")
}

func TestInbox_SourcesOfLongEntriesAreDroppedInSlices(t *testing.T) {
	t.Parallel()
	q := newSquare(t, 2)
	q.do(q.like(1, q.photo))
	note := q.number("SELECT id FROM _notes")
	fill := strings.Replace(rows, "3500", "2500", 1)
	if err := q.s.Fill(t.Context(), fmt.Sprintf("INSERT INTO _note_sources (note, n, kind, collection, source, actor, data) %s SELECT %d, x + 10, 'liked', 99, x, x, '[]' FROM c", fill, note)); err != nil {
		t.Fatal(err)
	}
	q.exec("UPDATE _notes SET count = 2501, sources = 2510")
	q.noDrift()
	q.clock.Advance(92 * 24 * time.Hour)
	within(t, "the entry has ended", func() bool {
		q.clock.Advance(time.Second) // as above
		return q.inbox(0) == "0 unread, 0 unseen"
	})
	q.clock.Advance(8 * 24 * time.Hour)
	within(t, "nothing is left of it", func() bool {
		q.clock.Advance(time.Second)
		n, err := q.s.Read(t.Context(), "SELECT (SELECT count(*) FROM _notes) + (SELECT count(*) FROM _note_sources)")
		return err == nil && n == 0
	})
}

// TestInbox_ManyWritersOneRecipient has 64 people like, take back and comment at once, while the author marks.
func TestInbox_ManyWritersOneRecipient(t *testing.T) {
	t.Parallel()
	const people = 64
	q := newSquare(t, people+1)
	var all sync.WaitGroup
	for who := 1; who <= people; who++ {
		call := createCall(q.schema, "likes", map[string]roundtrip.Value{"user": roundtrip.Ref(q.people[who]), "photo": roundtrip.Ref(q.photo)})
		call.Input.Put(roundtrip.FieldID, roundtrip.Ref(roundtrip.ID(who)))
		writes := []func() error{
			q.write(who, call),
			q.write(who, createCall(q.schema, "comments", map[string]roundtrip.Value{"author": roundtrip.Ref(q.people[who]), "photo": roundtrip.Ref(q.photo), "text": roundtrip.Text("x")})),
			q.write(who, roundtrip.Call{Action: roundtrip.Delete, Collection: q.schema.Lookup("likes"), ID: roundtrip.ID(who)}),
			func() error {
				_, err := q.s.MarkInbox(t.Context(), q.people[0], store.InboxMark{Seen: who%2 == 0, All: who%2 == 1})
				return err
			},
			q.write(who, call),
		}
		if who%4 == 0 {
			writes = writes[:4] // its like stays taken back
		}
		all.Go(func() {
			for _, write := range writes {
				if err := write(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	q.noDrift()
	if n := q.number("SELECT sum(count * CASE kind WHEN 'liked' THEN 1000 ELSE 1 END) FROM _notes"); n != people*3/4*1000+people {
		t.Fatalf("likes and comments: %d", n)
	}
}

// An account that is told of its own end has no inbox any more, and gets none.
func TestInbox_OfAnAccountThatEndedIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	q := newSquare(t, 2)
	q.declare(func(schema *roundtrip.Schema) {
		storetest.Notify(schema)
		users := schema.Lookup("users")
		users.Rules[roundtrip.Delete] = roundtrip.Rule{Source: "auth.id == record.id"}
		schema.Notices = append(schema.Notices, &roundtrip.Notice{
			Name: "left", When: []roundtrip.Trigger{{Collection: users, Action: roundtrip.Delete}}, Channels: roundtrip.Channels(),
			To: roundtrip.Rule{Source: "record.id"}, Text: roundtrip.Rule{Source: "you left"}, Within: time.Hour, Keep: time.Hour,
		})
	})
	q.do(q.follow(0, 1), q.write(1, roundtrip.Call{Action: roundtrip.Delete, Collection: q.schema.Lookup("users"), ID: q.people[1]}))
	if got := q.inbox(1); got != "0 unread, 0 unseen" {
		t.Fatal(got)
	}
	if _, ok, err := q.s.NextJob(t.Context(), store.JobEmail); err != nil || ok {
		t.Fatalf("a letter waits: %v", err)
	}
	q.noDrift()
}

// Before the declaration is known, nothing is known of how long entries are kept, and in what numbers they have a part.
func TestInbox_NothingEndsBeforeTheDeclarationIsKnown(t *testing.T) {
	t.Parallel()
	q := newSquare(t, 2)
	q.do(q.like(1, q.photo))
	if err := q.s.Close(); err != nil {
		t.Fatal(err)
	}
	q.clock.Advance(90*24*time.Hour + 12*time.Hour) // half a day less than it is kept
	q.s = open(t, q.path, q.clock)
	if err := q.s.Fill(t.Context(), "DELETE FROM _keys"); err != nil { // a write, which is followed by a sweep
		t.Fatal(err)
	}
	q.declare(storetest.Notify)
	q.want(0, "1 unread, 1 unseen; liked 1")
	q.noDrift()
}
