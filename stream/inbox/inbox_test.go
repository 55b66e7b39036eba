package inbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/store/storetest"
	"github.com/roundtrip-dev/roundtrip/stream/inbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// club is a database with accounts that have a handle, an address or both.
type club struct {
	*testing.T
	s       *sqlite.Store
	schema  *roundtrip.Schema
	rules   *policy.Engine
	service *inbox.Service
	ana     *roundtrip.Record
	photo   roundtrip.ID
}

func newClub(t *testing.T) *club {
	t.Helper()
	c := &club{T: t, schema: storetest.Gallery()}
	c.schema.Accounts().Add(&roundtrip.Field{Name: "mail", Type: roundtrip.TypeEmail, Unique: true})
	c.schema.Accounts().Fields[roundtrip.FirstField].Required = false
	storetest.Notify(c.schema)
	now := func() time.Time { return time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC) }
	var err error
	c.s, err = sqlite.New(sqlite.Options{Path: filepath.Join(t.TempDir(), "x.db"), Now: now, IDs: roundtrip.NewIDs(1, now), PoolWait: time.Minute})
	must(t, err)
	must(t, c.s.Open(t.Context()))
	t.Cleanup(func() { must(t, c.s.Close()) })
	plan, err := c.s.Plan(t.Context(), c.schema)
	must(t, err)
	must(t, c.s.Apply(t.Context(), c.schema, plan))
	c.rules, err = policy.New(c.schema, make([]byte, 32))
	must(t, err)
	c.service, err = inbox.New(inbox.Options{Store: c.s, Schema: c.schema, Login: []string{"mail", "handle"}})
	must(t, err)
	c.ana = c.account("ana")
	c.photo = c.create(c.ana, "photos", "author", "").ID()
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// account makes one that has an address, and a handle unless it is "".
func (c *club) account(handle string) *roundtrip.Record {
	c.Helper()
	r := roundtrip.NewRecord(c.schema.Accounts())
	if handle != "" {
		r.PutName("handle", roundtrip.Text(handle))
	}
	r.PutName("mail", roundtrip.Text(handle+"@example.com"))
	r, err := c.s.CreateAccount(c.Context(), r, roundtrip.Credential{}, nil)
	must(c, err)
	return r
}

// create makes a record of somebody, of the photo where of names the field for it.
func (c *club) create(who *roundtrip.Record, collection, by, of string) *roundtrip.Record {
	c.Helper()
	r := roundtrip.NewRecord(c.schema.Lookup(collection))
	r.PutName(by, roundtrip.Ref(who.ID()))
	if of != "" {
		r.PutName(of, roundtrip.Ref(c.photo))
	}
	r.PutName("text", roundtrip.Text(`say "hi"`))
	p, err := c.rules.Decide(&roundtrip.Call{Action: roundtrip.Create, Collection: r.Collection, Input: r}, &roundtrip.Principal{ID: who.ID(), Account: who})
	must(c, err)
	result, err := c.s.Write(c.Context(), p)
	must(c, err)
	return result.Records[0]
}

// entry is what tests look at.
type entry struct {
	Text, Group string
	Count       int
	Actors      []map[string]string
}

func (c *club) entries() []entry {
	c.Helper()
	body, err := c.service.List(c.Context(), c.ana.ID(), 0, "")
	must(c, err)
	var page struct{ Notifications []entry }
	must(c, json.Unmarshal(body, &page))
	return page.Notifications
}

func TestInbox_SaysWhoInWords(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	for i, want := range []string{
		"bo", "cy and bo", "di, cy and bo", "eve, di and 2 others", "someone, eve and 3 others",
	} {
		c.create(c.account([]string{"bo", "cy", "di", "eve", ""}[i]), "likes", "user", "photo")
		if got := c.entries()[0]; got.Text != want+" liked your photo" || got.Count != i+1 {
			t.Fatalf("%q, %d, want %q", got.Text, got.Count, want)
		}
	}
	body, err := c.service.List(t.Context(), c.ana.ID(), 0, "")
	if err != nil || strings.Contains(string(body), "example.com") {
		t.Fatalf("an address is told: %s, %v", body, err)
	}
	if actors := c.entries()[0].Actors; len(actors) != 3 || actors[0]["handle"] != "" || actors[1]["handle"] != "eve" || actors[1]["id"] == "" {
		t.Fatal(actors)
	}
}

func TestInbox_QuotesWhatPeopleSay(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	c.create(c.account("bo"), "comments", "author", "photo")
	if got := c.entries()[0]; got.Text != `bo commented: say "hi"` || got.Group != c.photo.String() {
		t.Fatalf("%+v", got)
	}
}

// TestInbox_TooMuchIsASnapshot changes more than a message of changes has room for.
func TestInbox_TooMuchIsASnapshot(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	_, start, err := c.service.Snapshot(t.Context(), c.ana.ID())
	must(t, err)
	epoch, err := c.s.Epoch(t.Context())
	must(t, err)
	bo := c.account("bo")
	batch := &roundtrip.Call{Action: roundtrip.Batch}
	for range 100 {
		r := roundtrip.NewRecord(c.schema.Lookup("follows"))
		r.PutName("follower", roundtrip.Ref(c.account(fmt.Sprint("f", len(batch.Ops))).ID()))
		r.PutName("followee", roundtrip.Ref(c.ana.ID()))
		batch.Ops = append(batch.Ops, roundtrip.Call{Action: roundtrip.Create, Collection: r.Collection, Input: r})
	}
	write := func() {
		p, err := c.rules.Job(batch, "the test makes many")
		must(t, err)
		_, err = c.s.Write(t.Context(), p)
		must(t, err)
	}
	write()
	members, now, err := c.service.Since(t.Context(), c.ana.ID(), start)
	if err != nil || strings.Count(string(members), `"put"`) != 100 || now <= start {
		t.Fatalf("%s, %v", members, err)
	}
	for i := range batch.Ops {
		batch.Ops[i].Input.PutName("follower", roundtrip.Ref(c.account(fmt.Sprint("g", i)).ID()))
	}
	write()
	c.create(bo, "likes", "user", "photo")
	if members, _, err := c.service.Since(t.Context(), c.ana.ID(), start); err != nil || members != nil {
		t.Fatalf("%s, %v", members, err)
	}
	body, err := c.service.Poll(t.Context(), c.ana.ID(), fmt.Sprintf("%s-%d", epoch, start))
	if err != nil || !json.Valid(body) || !strings.Contains(string(body), `"reset":"too_many"`) || !strings.Contains(string(body), `"unread":201`) {
		t.Fatalf("%s, %v", body, err)
	}
}

func TestInbox_OneCallMarksSoMany(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	_, err := c.service.Read(context.Background(), c.ana.ID(), make([]roundtrip.ID, 201))
	if e := roundtrip.AsError(err); e.Kind != roundtrip.Invalid || e.Details[0].Pointer != "/ids" {
		t.Fatal(err)
	}
}

// Whoever turns a channel off is not told on it any more, also of what happened before.
func TestService_NoteSaysWhichChannelsAreOff(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	c.create(c.account("bo"), "likes", "user", "photo")
	var page struct{ Notifications []struct{ ID string } }
	body, err := c.service.List(t.Context(), c.ana.ID(), 0, "")
	must(t, err)
	must(t, json.Unmarshal(body, &page))
	id, _ := roundtrip.ParseID(page.Notifications[0].ID)
	for _, want := range []string{"[]", "[push]"} {
		note, err := c.service.Note(t.Context(), c.ana.ID(), id)
		must(t, err)
		if got := fmt.Sprint(note.Off); got != want || note.Changed.IsZero() {
			t.Fatalf("%s are off since %v, want %s", got, note.Changed, want)
		}
		_, err = c.service.SetPreferences(t.Context(), c.ana.ID(), map[string]roundtrip.Preference{"liked": {roundtrip.ChannelPush: false}})
		must(t, err)
	}
}
