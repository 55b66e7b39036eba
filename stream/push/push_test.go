package push_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/stream/courier"
	"github.com/roundtrip-dev/roundtrip/stream/push"
	"github.com/roundtrip-dev/roundtrip/stream/push/pushtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// notes are the notifications as they are when they are looked up.
type notes map[roundtrip.ID]*courier.Note

func (n notes) Note(_ context.Context, _, id roundtrip.ID) (*courier.Note, error) { return n[id], nil }

const ana = roundtrip.ID(7)

// house is a sender with a store, and a push service.
type house struct {
	t       *testing.T
	store   *sqlite.Store
	service *pushtest.Service
	sender  *push.Sender
	notes   notes
	acked   int64
}

func openHouse(t *testing.T, change func(*push.Options)) *house {
	t.Helper()
	h := &house{t: t, service: pushtest.Start(t, time.Now), notes: notes{}}
	var err error
	h.store, err = sqlite.New(sqlite.Options{Path: filepath.Join(t.TempDir(), "x.db"), Now: time.Now, IDs: roundtrip.NewIDs(1, time.Now), PoolWait: time.Minute})
	must(t, err)
	must(t, h.store.Open(t.Context()))
	t.Cleanup(func() { must(t, h.store.Close()) })
	o := push.Options{
		Seed: bytes.Repeat([]byte("s"), 32), Subject: "mailto:operator@example.com", Title: "gallery", AllowPrivate: true,
		Subscriptions: h.store, Notes: h.notes, Acked: func(roundtrip.ID) int64 { return h.acked }, Outbox: h.store,
		Now: time.Now, Rand: rand.Reader, Jitter: func() float64 { return 0.5 },
	}
	if change != nil {
		change(&o)
	}
	h.sender, err = push.New(o)
	must(t, err)
	t.Cleanup(h.sender.Rest)
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// browser subscribes a new browser of ana's.
func (h *house) browser(name string) *pushtest.Browser {
	h.t.Helper()
	b := h.service.Subscribe(name, h.sender.Key())
	must(h.t, h.sender.Subscribe(h.t.Context(), ana, 0, b.Endpoint, b.P256dh, b.Auth))
	return b
}

// tell does the job of a note.
func (h *house) tell(id roundtrip.ID) courier.Outcome {
	h.t.Helper()
	payload, err := json.Marshal(map[string]any{"account": ana.String(), "note": id.String(), "bumped": 3})
	must(h.t, err)
	return h.sender.Tell(h.t.Context(), store.Job{ID: int64(id), Kind: store.JobPush, Payload: string(payload), Tries: 1})
}

// left names the browsers that are still subscribed.
func (h *house) left() string {
	h.t.Helper()
	subs, err := h.store.Pushes(h.t.Context(), ana)
	must(h.t, err)
	var names []string
	for _, s := range subs {
		names = append(names, s.Endpoint[strings.LastIndexByte(s.Endpoint, '/')+1:])
	}
	return strings.Join(names, " ")
}

func liked(id roundtrip.ID) *courier.Note {
	return &courier.Note{ID: id, Changed: time.Now(), Kind: "liked", Text: "bo und Çy liked your photo 🌅", Group: "g", Collection: "likes", Record: 99, Position: 10}
}

func TestPush_ReachesEveryBrowser(t *testing.T) {
	t.Parallel()
	h := openHouse(t, nil)
	h.browser("laptop")
	h.browser("phone")
	h.notes[5] = liked(5)
	if got := h.tell(5); !got.Done {
		t.Fatalf("%+v", got)
	}
	seen := map[string]bool{}
	for _, m := range h.service.Messages() {
		seen[m.Browser] = true
		want := `{"title":"gallery","body":"bo und Çy liked your photo 🌅","tag":"` + roundtrip.ID(5).String() + `","kind":"liked","group":"g","collection":"likes","record":"` + roundtrip.ID(99).String() + `"}`
		if m.Text != want || m.Topic != roundtrip.ID(5).String() || m.TTL != "86400" || m.Subject != "mailto:operator@example.com" {
			t.Errorf("came %+v, want %s", m, want)
		}
	}
	if len(seen) != 2 || len(h.service.Messages()) != 2 {
		t.Fatalf("came %+v", h.service.Messages())
	}
}

func TestPush_IsNotSentWhenNothingIsToBeTold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		note  *courier.Note
		acked int64
		sent  int
	}{
		"new":                       {note: liked(5), sent: 1},
		"gone":                      {},
		"turned off meanwhile":      {note: &courier.Note{ID: 5, Changed: time.Now(), Text: "x", Off: []roundtrip.Channel{roundtrip.ChannelPush}}},
		"only mail is turned off":   {note: &courier.Note{ID: 5, Changed: time.Now(), Text: "x", Position: 10, Off: []roundtrip.Channel{roundtrip.ChannelEmail}}, sent: 1},
		"of the day before":         {note: &courier.Note{ID: 5, Changed: time.Now().Add(-25 * time.Hour), Text: "x"}},
		"read or seen":              {note: &courier.Note{ID: 5, Changed: time.Now(), Text: "x", Settled: true, Position: 10}},
		"shown by a page":           {note: liked(5), acked: 10},
		"shown by a page, later on": {note: liked(5), acked: 11},
		"an older one was shown":    {note: liked(5), acked: 9, sent: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t, nil)
			h.browser("laptop")
			h.acked = tt.acked
			if tt.note != nil {
				h.notes[5] = tt.note
			}
			if got := h.tell(5); !got.Done || len(h.service.Messages()) != tt.sent {
				t.Fatalf("%+v, %d came", got, len(h.service.Messages()))
			}
		})
	}
}

func TestPush_DropsBrowsersThatAreGone(t *testing.T) {
	t.Parallel()
	h := openHouse(t, nil)
	for _, name := range []string{"a", "b", "c"} {
		h.browser(name)
	}
	h.service.Answer("a", 410)
	h.service.Answer("c", 404)
	h.notes[5] = liked(5)
	if got := h.tell(5); !got.Done || h.left() != "b" {
		t.Fatalf("%+v, left are %q", got, h.left())
	}
}

// A browser that renews its subscription while the push service says that the old one is gone stays subscribed.
func TestPush_KeepsARenewal(t *testing.T) {
	t.Parallel()
	renew := &renewing{}
	h := openHouse(t, func(o *push.Options) { renew.Subscriptions = o.Subscriptions; o.Subscriptions = renew })
	h.browser("a")
	h.service.Answer("a", 410)
	renew.before = func() { renew.before = nil; h.browser("a") } // the same endpoint, with new keys
	h.notes[5] = liked(5)
	if got := h.tell(5); !got.Done || h.left() != "a" {
		t.Fatalf("%+v, left are %q", got, h.left())
	}
}

// renewing does something just before a subscription is forgotten.
type renewing struct {
	push.Subscriptions
	before func()
}

func (r *renewing) ForgetPush(ctx context.Context, sub roundtrip.PushSubscription) error {
	if r.before != nil {
		r.before()
	}
	return r.Subscriptions.ForgetPush(ctx, sub)
}

func TestPush_TriesThoseAgainThatFailed(t *testing.T) {
	t.Parallel()
	h := openHouse(t, nil)
	for _, name := range []string{"a", "b", "c"} {
		h.browser(name)
	}
	h.service.Answer("b", 503, 429)
	h.service.Answer("c", 413) // too large: another try would be, too
	h.notes[5] = liked(5)
	for range 2 {
		if got := h.tell(5); got.Done || got.Over || !strings.Contains(got.Why, "127.0.0.1") || strings.Contains(got.Why, "/to/") {
			t.Fatalf("%+v", got)
		}
	}
	if got := h.tell(5); !got.Done {
		t.Fatalf("%+v", got)
	}
	var order []string
	for _, m := range h.service.Messages() {
		order = append(order, m.Browser)
	}
	if strings.Join(order, " ") != "a b" || h.left() != "a b c" {
		t.Fatalf("told %q, left are %q", order, h.left())
	}
}

// An endpoint is chosen by whoever subscribes. One that fails again and again holds up nobody else.
func TestPush_LeavesAServiceAloneThatFails(t *testing.T) {
	t.Parallel()
	now := time.Now()
	h := openHouse(t, func(o *push.Options) { o.Now = func() time.Time { return now } })
	h.browser("a")
	h.service.Answer("a", 503, 503, 503)
	for id := roundtrip.ID(1); id <= 4; id++ {
		h.notes[id] = liked(id)
		if got := h.tell(id); got.Done || (id == 4) != strings.Contains(got.Why, "left alone") {
			t.Fatalf("%d: %+v", id, got)
		}
	}
	if got := h.tell(4); got.Retry <= 0 || got.Retry > time.Minute || len(h.service.Messages()) != 0 {
		t.Fatalf("%+v, %d came", got, len(h.service.Messages()))
	}
	now = now.Add(time.Minute)
	for id := roundtrip.ID(1); id <= 4; id++ {
		if got := h.tell(id); !got.Done {
			t.Fatalf("%d: %+v", id, got)
		}
	}
}

// What takes six bytes a character in JSON is told as well, if in fewer words.
func TestPush_FitsIntoAMessage(t *testing.T) {
	t.Parallel()
	h := openHouse(t, nil)
	h.browser("a")
	h.notes[5] = liked(5)
	h.notes[5].Text, h.notes[5].Group = strings.Repeat("<", 500), strings.Repeat("&", 200)
	if got := h.tell(5); !got.Done || len(h.service.Messages()) != 1 {
		t.Fatalf("%+v, %d came", got, len(h.service.Messages()))
	}
}

func TestPush_LeadsToNoPrivateAddress(t *testing.T) {
	t.Parallel()
	h := openHouse(t, nil)
	b := h.browser("a")
	strict := openHouse(t, func(o *push.Options) { o.AllowPrivate, o.Subscriptions = false, h.store })
	if err := strict.sender.Subscribe(t.Context(), ana, 0, b.Endpoint, b.P256dh, b.Auth); roundtrip.AsError(err).Kind != roundtrip.Invalid {
		t.Fatalf("a push service without TLS was taken: %v", err)
	}
	strict.notes[5] = liked(5)
	if got := strict.tell(5); !got.Done || len(h.service.Messages()) != 0 || h.left() != "" {
		t.Fatalf("%+v, left are %q", got, h.left())
	}
}

func TestPush_RefusesWhatIsNoSubscription(t *testing.T) {
	t.Parallel()
	h := openHouse(t, func(o *push.Options) { o.AllowPrivate = false })
	good := h.service.Subscribe("a", h.sender.Key())
	const endpoint = "https://push.example/x"
	for name, tt := range map[string]struct{ endpoint, p256dh, auth, pointer string }{
		"no endpoint":    {"", good.P256dh, good.Auth, "/endpoint"},
		"no URL":         {"push.example", good.P256dh, good.Auth, "/endpoint"},
		"without TLS":    {"http://push.example/x", good.P256dh, good.Auth, "/endpoint"},
		"with a user":    {"https://a:b@push.example/x", good.P256dh, good.Auth, "/endpoint"},
		"long":           {"https://push.example/" + strings.Repeat("x", 3000), good.P256dh, good.Auth, "/endpoint"},
		"no key":         {endpoint, "", good.Auth, "/keys"},
		"no Base64":      {endpoint, "+/+/", good.Auth, "/keys/p256dh"},
		"no secret":      {endpoint, good.P256dh, "", "/keys"},
		"secret of text": {endpoint, good.P256dh, "!", "/keys/auth"},
		"no point":       {endpoint, strings.Repeat("A", 87), good.Auth, "/keys"},
	} {
		err := h.sender.Subscribe(t.Context(), ana, 0, tt.endpoint, tt.p256dh, tt.auth)
		if e := roundtrip.AsError(err); e.Kind != roundtrip.Invalid || len(e.Details) != 1 || e.Details[0].Pointer != tt.pointer {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, h.sender.Subscribe(t.Context(), ana, 0, endpoint, good.P256dh+"=", good.Auth+"=="))
	must(t, h.sender.Unsubscribe(t.Context(), ana+1, endpoint))
	if h.left() != "x" {
		t.Fatal("somebody else dropped it")
	}
	must(t, h.sender.Unsubscribe(t.Context(), ana, endpoint))
	if h.left() != "" {
		t.Fatal("it is still there")
	}
}

// The key is always the same one, or every browser would have to subscribe again.
func TestPush_KeyIsThatOfTheSeed(t *testing.T) {
	t.Parallel()
	a, b := openHouse(t, nil), openHouse(t, nil)
	c := openHouse(t, func(o *push.Options) { o.Seed = []byte("another") })
	if a.sender.Key() != b.sender.Key() || a.sender.Key() == c.sender.Key() || len(a.sender.Key()) != 87 {
		t.Fatal(a.sender.Key(), b.sender.Key(), c.sender.Key())
	}
}
