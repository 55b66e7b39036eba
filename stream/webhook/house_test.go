package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/stream/courier"
	"github.com/roundtrip-dev/roundtrip/stream/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "a key of the tests, long enough"

// house is a store with one collection whose writes two webhooks are told of.
type house struct {
	t      testing.TB
	store  *sqlite.Store
	schema *roundtrip.Schema
	rules  *policy.Engine
	grace  time.Duration

	mu  sync.Mutex // guards now
	now time.Time
}

func openHouse(t testing.TB, hooks ...string) *house {
	t.Helper()
	h := &house{t: t, now: time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)}
	var err error
	h.store, err = sqlite.New(sqlite.Options{Path: filepath.Join(t.TempDir(), "x.db"), Now: h.Now, IDs: roundtrip.NewIDs(1, h.Now), PoolWait: time.Minute})
	must(t, err)
	must(t, h.store.Open(t.Context()))
	t.Cleanup(func() { must(t, h.store.Close()) })
	notes := roundtrip.NewCollection("notes", roundtrip.Pos{})
	notes.Add(&roundtrip.Field{Name: "text", Type: roundtrip.TypeText})
	notes.Hooks = map[roundtrip.Action][]string{}
	for _, a := range []roundtrip.Action{roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
		notes.Rules[a] = roundtrip.Rule{Source: "true"}
		notes.Hooks[a] = hooks
	}
	h.schema = roundtrip.NewSchema("notes", notes)
	plan, err := h.store.Plan(t.Context(), h.schema)
	must(t, err)
	must(t, h.store.Apply(t.Context(), h.schema, plan))
	h.rules, err = policy.New(h.schema, make([]byte, 32))
	must(t, err)
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// write creates a note, or updates the one with an id.
func (h *house) write(id roundtrip.ID, text string) roundtrip.ID {
	h.t.Helper()
	call := &roundtrip.Call{Action: roundtrip.Create, Collection: h.schema.Lookup("notes"), ID: id, Input: roundtrip.NewRecord(h.schema.Lookup("notes"))}
	if id != 0 {
		call.Action = roundtrip.Update
	}
	call.Input.PutName("text", roundtrip.Text(text))
	p, err := h.rules.Decide(call, nil)
	must(h.t, err)
	result, err := h.store.Write(h.t.Context(), p)
	must(h.t, err)
	return result.Records[0].ID()
}

// sender makes a Sender without jitter to hooks by name and URL.
func (h *house) sender(outbox courier.Outbox, namesAndURLs ...string) *webhook.Sender {
	h.t.Helper()
	o := webhook.Options{Outbox: outbox, Now: h.Now, Jitter: func() float64 { return 0.5 }, Timeout: time.Minute, Grace: h.grace}
	for i := 0; i < len(namesAndURLs); i += 2 {
		o.Hooks = append(o.Hooks, webhook.Hook{Name: namesAndURLs[i], URL: namesAndURLs[i+1], Key: []byte(key), AllowPrivate: true})
	}
	s, err := webhook.New(o)
	must(h.t, err)
	return s
}

// left returns how many messages of a hook wait, and how many are dead, and why the last one failed.
func (h *house) left() (waiting, dead int, why string) {
	h.t.Helper()
	counts, err := h.store.CountJobs(h.t.Context(), "webhook.")
	must(h.t, err)
	for _, c := range counts {
		waiting, dead, why = waiting+c.Waiting, dead+c.Dead, c.Error
	}
	return waiting, dead, why
}

// message is what a receiver got.
type message struct {
	id, timestamp, text, kind string
}

// receiver is another program that takes messages. Answer decides what it says to each.
type receiver struct {
	*httptest.Server
	t      testing.TB
	answer func(n int, m message, w http.ResponseWriter)

	mu  sync.Mutex // guards got
	got []message
}

// receive starts a receiver that checks each signature as a stranger would.
func receive(t *testing.T, answer func(n int, m message, w http.ResponseWriter)) *receiver {
	t.Helper()
	r := &receiver{t: t, answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil || req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%v %s %v", err, req.Method, req.Header)
	}
	m := message{id: req.Header.Get("webhook-id"), timestamp: req.Header.Get("webhook-timestamp")}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(m.id + "." + m.timestamp + "." + string(body)))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); req.Header.Get("webhook-signature") != want {
		r.t.Errorf("the signature is %q, want %q", req.Header.Get("webhook-signature"), want)
	}
	var payload struct {
		Type string
		Data struct{ Text string }
	}
	if err := json.Unmarshal(body, &payload); err != nil {
		r.t.Error(err)
	}
	m.kind, m.text = payload.Type, payload.Data.Text
	r.mu.Lock()
	r.got = append(r.got, m)
	n := len(r.got)
	r.mu.Unlock()
	if r.answer != nil {
		r.answer(n, m, w)
	}
}

func (r *receiver) texts() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, m := range r.got {
		out = append(out, m.text)
	}
	return out
}

// forgetful is an outbox that can't be told of what is done, as when the process dies just before.
type forgetful struct{ *sqlite.Store }

func (forgetful) FinishJob(context.Context, int64) error { return context.Canceled }

func itoa(n int) string { return strconv.Itoa(n) }
