package rest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
	"github.com/roundtrip-dev/roundtrip/identity"
	hashes "github.com/roundtrip-dev/roundtrip/internal/password"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/store/files"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/stream/inbox"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is the inner corridor with its REST door, all of it real.
type house struct {
	t        testing.TB
	schema   *schema.Schema
	store    *sqlite.Store
	identity *identity.Identity
	policy   *policy.Engine
	files    string
	core     *handler.Core
	door     *rest.Door
	journeys *trace.Recorder
	server   *httptest.Server
	ids      *roundtrip.IDs
}

func openHouse(tb testing.TB) *house {
	tb.Helper()
	h := &house{t: tb, ids: roundtrip.NewIDs(1, time.Now), files: filepath.Join(tb.TempDir(), "files")}
	source, err := os.ReadFile("testdata/roundtrip.yaml")
	must(tb, err)
	declared, err := config.Parse("testdata/roundtrip.yaml", source, os.LookupEnv)
	must(tb, err)
	h.schema, err = schema.Build(declared)
	must(tb, err)
	h.store, err = sqlite.New(sqlite.Options{
		Path: filepath.Join(tb.TempDir(), "test.db"), Now: time.Now, IDs: h.ids,
		PoolWait: time.Minute, StatementDeadline: time.Minute, // a machine that stands still refuses nobody
	})
	must(tb, err)
	must(tb, h.store.Open(tb.Context()))
	tb.Cleanup(func() { must(tb, h.store.Close()) })
	plan, err := h.store.Plan(tb.Context(), h.schema.Schema)
	must(tb, err)
	must(tb, h.store.Apply(tb.Context(), h.schema.Schema, plan))
	h.policy, err = policy.New(h.schema.Schema, bytes.Repeat([]byte("k"), 32))
	must(tb, err)
	h.identity, err = identity.New(identity.Options{
		Accounts: h.store, Config: declared.Identity, Users: h.schema.Accounts(), Now: time.Now, IDs: h.ids, Rand: rand.Reader,
		HashCost: hashes.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, // what a hash costs is a matter of identity's own tests
	})
	must(tb, err)
	kept, err := files.New(files.Options{Dir: h.files, Now: time.Now, Rand: rand.Reader})
	must(tb, err)
	must(tb, kept.Prepare(tb.Context()))
	notes, err := inbox.New(inbox.Options{Store: h.store, Schema: h.schema.Schema, Login: h.identity.Login()})
	must(tb, err)
	h.core, err = handler.New(handler.Options{
		Schema: h.schema, Policy: h.policy, Store: h.store, Identity: h.identity, Files: kept, Inbox: notes, IDs: h.ids, Now: time.Now,
	})
	must(tb, err)
	h.door, err = rest.New(h.core, "/api/", rest.Options{Push: h.pushes(notes)})
	must(tb, err)
	h.journeys = trace.New(trace.Options{Now: time.Now, Recent: 64})
	h.server = httptest.NewServer(http.HandlerFunc(h.gate))
	tb.Cleanup(h.server.Close)
	return h
}

// gate does what the real one does for a journey.
func (h *house) gate(w http.ResponseWriter, r *http.Request) {
	j := h.journeys.Begin(trace.Request)
	j.Client = netip.MustParseAddr("192.0.2.7")
	defer h.journeys.End(j)
	h.door.ServeHTTP(w, r.WithContext(trace.With(r.Context(), j)))
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// person signs somebody up. The test's own address is nobody's, so that no limit is met.
func (h *house) person(handle string) *person {
	h.t.Helper()
	record := roundtrip.NewRecord(h.schema.Accounts())
	record.PutName("handle", roundtrip.Text(handle))
	grant, err := h.identity.SignUp(context.Background(), record, "correct horse battery", identity.Device{Name: "test"})
	must(h.t, err)
	return &person{h: h, token: grant.Token, id: grant.Account.ID().String()}
}

func (h *house) stranger() *person { return &person{h: h} }

// person calls the API with a token.
type person struct {
	h         *house
	token, id string
}

// reply is an answer that was read.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// do sends a request. more is header names and values in turn.
func (p *person) do(method, path, body string, more ...string) *reply {
	p.h.t.Helper()
	req, err := http.NewRequestWithContext(p.h.t.Context(), method, p.h.server.URL+"/api/"+path, strings.NewReader(body))
	must(p.h.t, err)
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(more); i += 2 {
		req.Header.Set(more[i], more[i+1])
		if more[i+1] == "" {
			req.Header.Del(more[i])
		}
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	must(p.h.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	must(p.h.t, err)
	r := &reply{t: p.h.t, status: res.StatusCode, header: res.Header, body: string(text)}
	if res.Header.Get("X-Content-Type-Options") != "nosniff" {
		p.h.t.Errorf("%s %s: no nosniff", method, path)
	}
	if r.status >= 400 && res.Header.Get("Content-Type") != roundtrip.ProblemType && method != "HEAD" {
		p.h.t.Errorf("%s %s: %d without a problem: %s", method, path, r.status, r.body)
	}
	documented(p.h.t, method, path, r)
	return r
}

// is fails the test if the status is another one.
func (r *reply) is(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// because fails the test if the problem has another reason.
func (r *reply) because(reason string) *reply {
	r.t.Helper()
	if got := r.text("reason"); got != reason {
		r.t.Fatalf("reason %q, want %q: %s", got, reason, r.body)
	}
	return r
}

// has fails the test if a text is not in the body.
func (r *reply) has(parts ...string) *reply {
	r.t.Helper()
	for _, part := range parts {
		if !strings.Contains(r.body, part) {
			r.t.Fatalf("no %q in %s", part, r.body)
		}
	}
	return r
}

// hasNot fails the test if a text is in the body.
func (r *reply) hasNot(part string) *reply {
	r.t.Helper()
	if strings.Contains(r.body, part) {
		r.t.Fatalf("%q is in %s", part, r.body)
	}
	return r
}

func (r *reply) value() map[string]any {
	r.t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
	return v
}

// at follows member names and array indexes.
func (r *reply) at(path ...any) any {
	r.t.Helper()
	var v any = r.value()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			a, _ := v.([]any)
			if step >= len(a) {
				r.t.Fatalf("no %v in %s", path, r.body)
			}
			v = a[step]
		}
	}
	return v
}

func (r *reply) text(path ...any) string {
	r.t.Helper()
	s, _ := r.at(path...).(string)
	return s
}

func (r *reply) len(path ...any) int {
	r.t.Helper()
	a, _ := r.at(path...).([]any)
	return len(a)
}

// photo makes a photo and returns its id.
func (p *person) photo(body string) string {
	p.h.t.Helper()
	return p.do("POST", "photos", body).is(201).text("id")
}
