package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

func inboxTests() map[string]func(*world) {
	return map[string]func(*world){
		"GathersAndCounts":              inboxGathers,
		"UnlikeTakesBack":               inboxTakesBack,
		"SaysWhatTheRecordSays":         inboxSays,
		"MarksAreNumbersToo":            inboxMarks,
		"ChangesSinceAPosition":         inboxChanges,
		"FailedWritesTellNobody":        inboxFailedWrites,
		"CascadeTakesAll":               inboxCascade,
		"AccountsGoWithTheirInbox":      inboxAccounts,
		"PreferencesKeepItOut":          inboxPreferences,
		"UpdatesAndDeletesTellToo":      inboxUpdates,
		"OtherChannelsLater":            inboxJobs,
		"TimeMakesANewEntry":            inboxBuckets,
		"ManyLikesOfOne":                inboxCelebrity,
		"WalksLikeTheModel":             inboxWalk,
		"WalksOfManyAtOnceDriftNowhere": inboxStorm,
	}
}

func (w *world) inbox(who *roundtrip.Principal) *store.InboxPage {
	w.Helper()
	page, err := w.ReadInbox(w.Context(), who.ID, store.InboxQuery{Size: 50, Names: []string{"handle"}})
	if err != nil {
		w.Fatal(err)
	}
	return page
}

func (w *world) mark(who *roundtrip.Principal, m store.InboxMark) roundtrip.Inbox {
	w.Helper()
	numbers, err := w.MarkInbox(w.Context(), who.ID, m)
	if err != nil {
		w.Fatal(err)
	}
	return numbers
}

// noDrift fails if any number of any inbox is not what it counts.
func (w *world) noDrift() {
	w.Helper()
	drift, err := w.CheckInboxes(w.Context())
	if err != nil || drift != 0 {
		w.Fatalf("drift %d, %v", drift, err)
	}
}

// told writes the entries of an inbox in short: liked 2 bo,ana unread.
func told(page *store.InboxPage) string {
	var lines []string
	for _, n := range page.Notes {
		var names []string
		for _, id := range n.Actors {
			names = append(names, strings.Join(page.Actors[id], ""))
		}
		line := fmt.Sprintf("%s %d %s", n.Kind, n.Count, strings.Join(names, ","))
		if !n.Read {
			line += " unread"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func (w *world) comment(who *roundtrip.Principal, photo roundtrip.ID, text string) *roundtrip.Record {
	w.Helper()
	return w.must(w.creating("comments", fields{"author": roundtrip.Ref(who.ID), "photo": roundtrip.Ref(photo), "text": roundtrip.Text(text)}), who)
}

func (w *world) follow(who, whom *roundtrip.Principal) *roundtrip.Record {
	w.Helper()
	return w.must(w.creating("follows", fields{"follower": roundtrip.Ref(who.ID), "followee": roundtrip.Ref(whom.ID)}), who)
}

func inboxGathers(w *world) {
	ana, bo, cy, di := w.user("ana"), w.user("bo"), w.user("cy"), w.user("di")
	p, other := w.photo(ana, nil), w.photo(ana, nil)
	for _, who := range []*roundtrip.Principal{bo, cy, di, ana} {
		w.like(who, p.ID())
	}
	w.like(cy, other.ID())
	w.follow(bo, ana)
	page := w.inbox(ana)
	equal(w, "inbox", told(page), "followed 1 bo unread; liked 1 cy unread; liked 3 di,cy,bo unread")
	equal(w, "numbers", page.Inbox, roundtrip.Inbox{Unread: 3, Unseen: 3, Seq: 5})
	equal(w, "group", page.Notes[2].Group, p.ID().String())
	equal(w, "no group", page.Notes[0].Group, "")
	equal(w, "collection", page.Notes[2].Collection.Name, "likes")
	equal(w, "others", told(w.inbox(bo)), "")
	w.noDrift()
}

func inboxTakesBack(w *world) {
	ana, bo, cy := w.user("ana"), w.user("bo"), w.user("cy")
	p := w.photo(ana, nil)
	first := w.comment(bo, p.ID(), "one")
	second := w.comment(bo, p.ID(), "two")
	third := w.comment(cy, p.ID(), "three")
	equal(w, "all", told(w.inbox(ana)), "commented 2 cy,bo unread")
	w.mustDelete("comments", first.ID(), bo)
	equal(w, "one of two", told(w.inbox(ana)), "commented 2 cy,bo unread")
	w.mustDelete("comments", third.ID(), cy)
	page := w.inbox(ana)
	equal(w, "the newest", told(page), "commented 1 bo unread")
	equal(w, "record", page.Notes[0].Record, second.ID())
	equal(w, "text", page.Notes[0].Data[0], "two")
	w.mustDelete("comments", second.ID(), bo)
	page = w.inbox(ana)
	equal(w, "none", told(page), "")
	equal(w, "numbers", page.Inbox, roundtrip.Inbox{Seq: 6})
	w.comment(bo, p.ID(), "again")
	equal(w, "again", told(w.inbox(ana)), "commented 1 bo unread")
	w.noDrift()
}

func inboxSays(w *world) {
	ana, bo := w.user("ana"), w.user("bo")
	p := w.photo(ana, nil)
	w.comment(bo, p.ID(), "how\nnice "+strings.Repeat("ö", 400))
	data := w.inbox(ana).Notes[0].Data
	if len(data) != 1 || !strings.HasPrefix(data[0], "how nice öö") || len([]rune(data[0])) != 200 || !strings.HasSuffix(data[0], "ö…") {
		w.Fatalf("%q", data)
	}
}

func inboxMarks(w *world) {
	ana, bo := w.user("ana"), w.user("bo")
	p, other := w.photo(ana, nil), w.photo(ana, nil)
	like := w.like(bo, p.ID())
	w.like(bo, other.ID())
	w.follow(bo, ana)
	equal(w, "seen a part", w.mark(ana, store.InboxMark{Seen: true, Through: 2}), roundtrip.Inbox{Unread: 3, Unseen: 1, Seq: 4, SeenThrough: 2})
	equal(w, "seen again", w.mark(ana, store.InboxMark{Seen: true, Through: 1}).Seq, int64(4))
	equal(w, "seen", w.mark(ana, store.InboxMark{Seen: true}), roundtrip.Inbox{Unread: 3, Seq: 5, SeenThrough: 5})
	notes := w.inbox(ana).Notes
	one := store.InboxMark{Read: []roundtrip.ID{notes[1].ID, notes[1].ID, 77}}
	equal(w, "of another", w.mark(bo, one), roundtrip.Inbox{})
	equal(w, "read one", w.mark(ana, one), roundtrip.Inbox{Unread: 2, Seq: 6, SeenThrough: 5})
	equal(w, "inbox", told(w.inbox(ana)), "followed 1 bo unread; liked 1 bo; liked 1 bo unread")
	all := w.mark(ana, store.InboxMark{All: true})
	equal(w, "read all", all, roundtrip.Inbox{Seq: 7, ReadThrough: 7, SeenThrough: 7})
	equal(w, "nothing to read", w.mark(ana, store.InboxMark{All: true}), all)
	w.mustDelete("likes", like.ID(), bo)
	w.like(bo, p.ID())
	equal(w, "a new one", told(w.inbox(ana)), "liked 1 bo unread; followed 1 bo; liked 1 bo")
	w.noDrift()
}

func inboxChanges(w *world) {
	ana, bo, cy := w.user("ana"), w.user("bo"), w.user("cy")
	p := w.photo(ana, nil)
	changed := func(since int64) *store.InboxPage {
		page, err := w.ReadInbox(w.Context(), ana.ID, store.InboxQuery{Size: 50, Changed: true, Since: since})
		if err != nil {
			w.Fatal(err)
		}
		return page
	}
	start := changed(0).Position
	like := w.like(bo, p.ID())
	first := changed(start)
	equal(w, "came", len(first.Notes), 1)
	w.follow(cy, ana)
	w.mustDelete("likes", like.ID(), bo)
	second := changed(first.Position)
	equal(w, "came and went", len(second.Notes), 2)
	equal(w, "the other", second.Notes[0].Kind, "followed")
	equal(w, "gone", second.Notes[1].Count, int64(0))
	equal(w, "nothing more", len(changed(second.Position).Notes), 0)
	inbox := 0
	list, err := w.Changes(w.Context(), start, 100)
	if err != nil {
		w.Fatal(err)
	}
	for _, c := range list {
		if c.Inbox() {
			inbox++
			equal(w, "whose", c.ID, ana.ID)
		}
	}
	equal(w, "changes of the inbox", inbox, 3)
}

// inboxFailedWrites writes batches of which a later part fails.
func inboxFailedWrites(w *world) {
	ana, bo := w.user("ana"), w.user("bo")
	p, other := w.photo(ana, nil), w.photo(ana, nil)
	w.like(bo, other.ID())
	like := func(of roundtrip.ID) *roundtrip.Call {
		return w.creating("likes", fields{"user": roundtrip.Ref(bo.ID), "photo": roundtrip.Ref(of)})
	}
	if _, err := w.write(w.Context(), w.batch(like(p.ID()), like(other.ID())), bo); err == nil {
		w.Fatal("liked twice")
	}
	if _, err := w.write(w.Context(), like(other.ID()), bo); err == nil {
		w.Fatal("liked twice")
	}
	equal(w, "inbox", told(w.inbox(ana)), "liked 1 bo unread")
	w.noDrift()
}

func inboxCascade(w *world) {
	ana, bo, cy := w.user("ana"), w.user("bo"), w.user("cy")
	p, other := w.photo(ana, nil), w.photo(ana, nil)
	for range 20 {
		w.must(w.batch(
			w.creating("comments", fields{"author": roundtrip.Ref(bo.ID), "photo": roundtrip.Ref(p.ID()), "text": roundtrip.Text("x")}),
			w.creating("comments", fields{"author": roundtrip.Ref(bo.ID), "photo": roundtrip.Ref(other.ID()), "text": roundtrip.Text("y")})), bo)
	}
	w.like(cy, p.ID())
	w.like(bo, p.ID())
	w.mark(ana, store.InboxMark{Read: []roundtrip.ID{w.inbox(ana).Notes[0].ID}})
	equal(w, "before", told(w.inbox(ana)), "liked 2 bo,cy; commented 1 bo unread; commented 1 bo unread")
	w.mustDelete("photos", p.ID(), ana)
	page := w.inbox(ana)
	equal(w, "after", told(page), "commented 1 bo unread")
	equal(w, "unread", page.Unread, int64(1))
	w.noDrift()
}

func inboxAccounts(w *world) {
	ana, bo, cy := w.user("ana"), w.user("bo"), w.user("cy")
	p := w.photo(ana, nil)
	w.like(bo, p.ID())
	w.like(cy, p.ID())
	w.follow(bo, cy)
	w.mustDelete("users", bo.ID, bo)
	equal(w, "an actor gone", told(w.inbox(ana)), "liked 1 cy unread")
	equal(w, "all it did gone", told(w.inbox(cy)), "")
	w.noDrift()
	w.mustDelete("users", ana.ID, ana)
	equal(w, "gone", w.inbox(ana).Inbox, roundtrip.Inbox{})
	again, err := w.CreateAccount(w.Context(), w.record("users", fields{"id": roundtrip.Ref(ana.ID), "handle": roundtrip.Text("ana")}), roundtrip.Credential{}, nil)
	if err != nil {
		w.Fatal(err)
	}
	w.follow(cy, &roundtrip.Principal{ID: again.ID(), Account: again})
	equal(w, "anew", w.inbox(ana).Inbox, roundtrip.Inbox{Unread: 1, Unseen: 1, Seq: 1})
	w.noDrift()
}

func inboxPreferences(w *world) {
	ana, bo := w.user("ana"), w.user("bo")
	p := w.photo(ana, nil)
	set := func(kind string, c roundtrip.Channel, on bool) map[string]roundtrip.Preference {
		prefs, err := w.SetPreferences(w.Context(), ana.ID, map[string]roundtrip.Preference{kind: {c: on}})
		if err != nil {
			w.Fatal(err)
		}
		return prefs
	}
	set("liked", roundtrip.ChannelInbox, false)
	prefs := set("liked", roundtrip.ChannelPush, false)
	equal(w, "kept", prefs["liked"].Wants(roundtrip.ChannelInbox) || prefs["liked"].Wants(roundtrip.ChannelPush), false)
	equal(w, "not said", prefs["liked"].Wants(roundtrip.ChannelEmail), true)
	like := w.like(bo, p.ID())
	w.follow(bo, ana)
	equal(w, "inbox", told(w.inbox(ana)), "followed 1 bo unread")
	w.mustDelete("likes", like.ID(), bo)
	set("liked", roundtrip.ChannelInbox, true)
	w.like(bo, p.ID())
	equal(w, "wanted again", told(w.inbox(ana)), "liked 1 bo unread; followed 1 bo unread")
	w.noDrift()
}

func inboxUpdates(w *world) {
	ana, bo := w.user("ana"), w.user("bo")
	album := w.must(w.creating("albums", fields{"owner": roundtrip.Ref(ana.ID), "title": roundtrip.Text("a")}), ana)
	p := w.photo(bo, fields{"album": roundtrip.Ref(album.ID())})
	w.must(w.updating("photos", p.ID(), fields{"caption": roundtrip.Text("one")}), bo)
	w.must(w.updating("photos", p.ID(), fields{"caption": roundtrip.Text("two")}), bo)
	page := w.inbox(ana)
	equal(w, "updated", told(page), "filed 1 bo unread")
	equal(w, "what", page.Notes[0].Data[0], "two")
	equal(w, "numbers", page.Inbox, roundtrip.Inbox{Unread: 1, Unseen: 1, Seq: 2})
	w.must(w.updating("photos", p.ID(), fields{"album": {}}), bo)
	equal(w, "nobody's any more", told(w.inbox(ana)), "")
	w.must(w.updating("photos", p.ID(), fields{"album": roundtrip.Ref(album.ID())}), bo)
	w.mustDelete("photos", p.ID(), bo)
	equal(w, "deleted", told(w.inbox(ana)), "filed 1 bo unread")
	w.noDrift()
	cy := w.user("cy")
	w.mustDelete("photos", w.photo(bo, fields{"album": roundtrip.Ref(album.ID())}).ID(), w.user("mo", "moderator"))
	equal(w, "who did it, not who made it", told(w.inbox(ana)), "filed 1 mo unread; filed 1 bo unread")
	other := w.must(w.creating("albums", fields{"owner": roundtrip.Ref(cy.ID), "title": roundtrip.Text("c")}), cy)
	one, two := w.photo(bo, nil), w.photo(bo, nil)
	into := func(p *roundtrip.Record, album *roundtrip.Record) *roundtrip.Call {
		return w.updating("photos", p.ID(), fields{"album": roundtrip.Ref(album.ID())})
	}
	w.must(w.batch(into(one, album), into(two, other)), bo)
	w.must(w.batch(into(one, other), into(two, album)), bo) // each takes the place of the other
	equal(w, "changed places", w.inbox(ana).Notes[0].Record, two.ID())
	equal(w, "changed places", w.inbox(cy).Notes[0].Record, one.ID())
	equal(w, "one each", told(w.inbox(cy)), "filed 1 bo unread")
	w.noDrift()
}

func inboxJobs(w *world) {
	ana, bo, cy := w.user("ana"), w.user("bo"), w.user("cy")
	p := w.photo(ana, nil)
	w.like(bo, p.ID())
	w.like(cy, p.ID())
	w.follow(bo, ana) // not one of the kinds that are pushed
	claim := func(kind string) []store.Job {
		jobs, err := w.ClaimJobs(w.Context(), kind, 10)
		if err != nil {
			w.Fatal(err)
		}
		return jobs
	}
	equal(w, "at once", len(claim(store.JobPush)), 0)
	w.Advance(time.Minute)
	jobs := claim(store.JobPush)
	equal(w, "one for both", len(jobs), 1)
	var payload store.NoteJob
	if err := json.Unmarshal([]byte(jobs[0].Payload), &payload); err != nil {
		w.Fatal(err)
	}
	equal(w, "payload", payload, store.NoteJob{Account: ana.ID.String(), Note: w.inbox(ana).Notes[1].ID.String(), Bumped: 1})
	equal(w, "an e-mail takes longer", len(claim(store.JobEmail)), 0)
	w.Advance(time.Hour)
	equal(w, "an e-mail", len(claim(store.JobEmail)), 1)
	if err := w.FinishJob(w.Context(), jobs[0].ID); err != nil {
		w.Fatal(err)
	}
	w.like(w.user("di"), p.ID())
	w.Advance(time.Minute)
	equal(w, "another one", len(claim(store.JobPush)), 1)
}

func inboxBuckets(w *world) {
	ana, bo, cy := w.user("ana"), w.user("bo"), w.user("cy")
	p := w.photo(ana, nil)
	w.like(bo, p.ID())
	w.Advance(24 * time.Hour)
	w.like(cy, p.ID())
	equal(w, "inbox", told(w.inbox(ana)), "liked 1 cy unread; liked 1 bo unread")
}

// inboxCelebrity has many like one photo at once, and some of them take it back.
func inboxCelebrity(w *world) {
	const n = 64
	ana := w.user("ana")
	p := w.photo(ana, nil)
	people := make([]*roundtrip.Principal, n)
	for i := range people {
		people[i] = w.user(fmt.Sprintf("fan%d", i))
	}
	w.race(n, func(i int) error {
		result, err := w.write(w.Context(), w.creating("likes", fields{"user": roundtrip.Ref(people[i].ID), "photo": roundtrip.Ref(p.ID())}), people[i])
		if err != nil || i%2 == 0 {
			return err
		}
		_, err = w.write(w.Context(), w.deleting("likes", result.Records[0].ID()), people[i])
		return err
	})
	page := w.inbox(ana)
	equal(w, "entries", len(page.Notes), 1)
	equal(w, "count", page.Notes[0].Count, int64(n/2))
	equal(w, "unread", page.Unread, int64(1))
	w.noDrift()
}
