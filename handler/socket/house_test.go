package socket_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
	"github.com/roundtrip-dev/roundtrip/handler/socket"
	"github.com/roundtrip-dev/roundtrip/identity"
	hashes "github.com/roundtrip-dev/roundtrip/internal/password"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/stream/inbox"
	"github.com/roundtrip-dev/roundtrip/stream/live"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test; what is waited for comes in milliseconds, and later where the machine stands still.
const patience = time.Minute

// house is the path from the REST door to the hub, all of it real.
type house struct {
	t        testing.TB
	schema   *schema.Schema
	policy   *policy.Engine
	store    *sqlite.Store
	identity *identity.Identity
	hub      *live.Hub
	door     *rest.Door
	server   *httptest.Server
	journeys *trace.Recorder
	streams  *socket.Door
	ids      *roundtrip.IDs
	hints    func([]roundtrip.Change) // what the hub is told; nil: everything
	client   netip.Addr
	now      func() time.Time // of the door
	poll     time.Duration    // how often the hub looks without a hint
	pages    hooks
}

func openHouse(tb testing.TB, options ...func(*house)) *house {
	tb.Helper()
	h := &house{t: tb, ids: roundtrip.NewIDs(1, time.Now), client: netip.MustParseAddr("192.0.2.7"), poll: 50 * time.Millisecond, now: time.Now}
	for _, o := range options {
		o(h)
	}
	h.journeys = trace.New(trace.Options{Now: time.Now, Recent: 64})
	var err error
	h.store, err = sqlite.New(sqlite.Options{
		Path: filepath.Join(tb.TempDir(), "test.db"), Now: time.Now, IDs: h.ids, PoolWait: patience, StatementDeadline: patience,
	})
	must(tb, err)
	must(tb, h.store.Open(tb.Context()))
	tb.Cleanup(func() { must(tb, h.store.Close()) })
	h.hub, err = live.New(live.Options{Store: &readLog{h.store, &h.pages}, Now: time.Now, Log: slog.New(slog.DiscardHandler), Poll: h.poll})
	must(tb, err)
	h.streams, err = socket.New(socket.Options{Hub: h.hub, Now: h.now})
	must(tb, err)
	source, err := os.ReadFile("testdata/roundtrip.yaml")
	must(tb, err)
	h.enter(string(source))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.hub.Run(ctx) }()
	<-h.hub.Ready()
	if h.hints == nil {
		h.hints = h.hub.Committed
	}
	h.store.OnCommit(func(changes []roundtrip.Change) {
		for _, c := range changes {
			if !c.Inbox() && !c.Counts && c.Collection.Accounts && c.Action != roundtrip.Create {
				h.identity.Forget(c.ID)
			}
		}
		h.hints(changes)
	})
	h.server = httptest.NewServer(http.HandlerFunc(h.gate))
	tb.Cleanup(func() {
		h.hub.CloseAll()
		h.server.Close()
		cancel()
		must(tb, <-ended)
	})
	return h
}

// enter puts a declaration in force, as the app does.
func (h *house) enter(source string) {
	h.t.Helper()
	declared, err := config.Parse("testdata/roundtrip.yaml", []byte(source), os.LookupEnv)
	must(h.t, err)
	h.schema, err = schema.Build(declared)
	must(h.t, err)
	plan, err := h.store.Plan(h.t.Context(), h.schema.Schema)
	must(h.t, err)
	must(h.t, h.store.Apply(h.t.Context(), h.schema.Schema, plan))
	h.policy, err = policy.New(h.schema.Schema, bytes.Repeat([]byte("k"), 32))
	must(h.t, err)
	h.identity, err = identity.New(identity.Options{
		Accounts: h.store, Config: declared.Identity, Users: h.schema.Accounts(), Now: time.Now, IDs: h.ids, Rand: rand.Reader, Forgot: h.hub.Doubt,
		HashCost: hashes.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, // what a hash costs is a matter of identity's own tests
	})
	must(h.t, err)
	notes, err := inbox.New(inbox.Options{Store: h.store, Schema: h.schema.Schema, Login: h.identity.Login()})
	must(h.t, err)
	core, err := handler.New(handler.Options{Schema: h.schema, Policy: h.policy, Store: h.store, Identity: h.identity, Inbox: notes, IDs: h.ids, Now: time.Now})
	must(h.t, err)
	h.door, err = rest.New(core, "/api/", rest.Options{Streams: h.streams})
	must(h.t, err)
	h.hub.Enter(context.Background(), &live.House{Policy: h.policy, Pages: &hooked{h.door, &h.pages}, Inbox: notes, Who: h.identity.Who, Forget: h.identity.Forget, Accounts: h.schema.Accounts(), Login: h.identity.Login()})
}

// hooks are called, where they are set, when the hub asks for something; they let a test act in the middle of it.
type hooks struct{ topic, page, log atomic.Pointer[func()] }

type hooked struct {
	live.Pages

	hooks *hooks
}

func (h *hooked) Topic(text string) (*live.Asked, error) {
	if fn := h.hooks.topic.Load(); fn != nil {
		(*fn)()
	}
	return h.Pages.Topic(text)
}

func (h *hooked) Page(ctx context.Context, v store.View, p *policy.Permit) ([]live.Piece, error) {
	if fn := h.hooks.page.Load(); fn != nil {
		(*fn)()
	}
	return h.Pages.Page(ctx, v, p)
}

// readLog is the store as the hub reads it; its hook is called when somebody has read the log to its end.
type readLog struct {
	*sqlite.Store

	hooks *hooks
}

func (l *readLog) Changes(ctx context.Context, after int64, limit int) ([]roundtrip.Change, error) {
	changes, err := l.Store.Changes(ctx, after, limit)
	if fn := l.hooks.log.Load(); fn != nil && len(changes) == 0 {
		(*fn)()
	}
	return changes, err
}

// gate does what the real one does for a journey.
func (h *house) gate(w http.ResponseWriter, r *http.Request) {
	j := h.journeys.Begin(trace.Request)
	j.Client = h.client
	if r.Header.Get("Upgrade") != "" {
		j.Status = http.StatusSwitchingProtocols // of a connection that was taken over
	}
	defer h.journeys.End(j)
	h.door.ServeHTTP(w, r.WithContext(trace.With(r.Context(), j)))
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// person calls the API with a token.
type person struct {
	h         *house
	token, id string
}

func (h *house) person(handle string) *person {
	h.t.Helper()
	record := roundtrip.NewRecord(h.schema.Accounts())
	record.PutName("handle", roundtrip.Text(handle))
	must(h.t, h.schema.Check(&roundtrip.Call{Action: roundtrip.Create, Collection: h.schema.Accounts(), Input: record, Time: time.Now()}, &roundtrip.Principal{}))
	grant, err := h.identity.SignUp(context.Background(), record, "correct horse battery", identity.Device{Name: "test"})
	must(h.t, err)
	return &person{h: h, token: grant.Token, id: grant.Account.ID().String()}
}

func (h *house) stranger() *person { return &person{h: h} }

// do sends a request and returns status and body. A 2xx that is not JSON is nil.
func (p *person) do(method, path, body string, more ...string) (int, map[string]any) {
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
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	must(p.h.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(p.h.t, err)
	var v map[string]any
	_ = json.Unmarshal(text, &v)
	return res.StatusCode, v
}

// make creates a record and returns its id.
func (p *person) make(collection, body string) string {
	p.h.t.Helper()
	status, v := p.do("POST", collection, body)
	if status != 201 {
		p.h.t.Fatalf("POST %s %.200s: %d %.300v", collection, body, status, fmt.Sprint(v))
	}
	return v["id"].(string)
}

func (p *person) patch(path, body string) {
	p.h.t.Helper()
	if status, v := p.do("PATCH", path, body); status != 200 && status != 204 {
		p.h.t.Fatalf("PATCH %s %s: %d %v", path, body, status, v)
	}
}

func (p *person) remove(path string) {
	p.h.t.Helper()
	if status, v := p.do("DELETE", path, ""); status != 204 {
		p.h.t.Fatalf("DELETE %s: %d %v", path, status, v)
	}
}

// stream is a WebSocket of a test. What comes is kept in order.
type stream struct {
	t    testing.TB
	conn net.Conn
	mu   sync.Mutex
	got  []map[string]any
	text []string
	more chan struct{}
	end  error // set before ended is closed
	over chan struct{}
}

// open connects; more is header names and values in turn.
func (p *person) open(more ...string) *stream {
	p.h.t.Helper()
	header := http.Header{}
	if p.token != "" {
		header.Set("Authorization", "Bearer "+p.token)
	}
	for i := 0; i < len(more); i += 2 {
		header.Set(more[i], more[i+1])
	}
	conn, early, _, err := ws.Dialer{Header: ws.HandshakeHeaderHTTP(header)}.Dial(p.h.t.Context(), "ws"+strings.TrimPrefix(p.h.server.URL, "http")+"/api/live")
	must(p.h.t, err)
	s := &stream{t: p.h.t, conn: conn, more: make(chan struct{}, 1), over: make(chan struct{})}
	var from io.Reader = conn
	if early != nil {
		from = early
	}
	go s.read(from)
	p.h.t.Cleanup(func() { conn.Close(); <-s.over })
	return s
}

func (s *stream) read(from io.Reader) {
	defer close(s.over)
	control := wsutil.ControlFrameHandler(s.conn, ws.StateClientSide)
	r := wsutil.Reader{Source: from, State: ws.StateClientSide, CheckUTF8: true, OnIntermediate: control}
	for {
		h, err := r.NextFrame()
		if err == nil && h.OpCode.IsControl() {
			if err = control(h, &r); err == nil {
				continue
			}
		}
		var b []byte
		if err == nil {
			b, err = io.ReadAll(&r)
		}
		if err != nil {
			s.end = err
			return
		}
		var v map[string]any
		if err := json.Unmarshal(b, &v); err != nil {
			s.t.Errorf("no JSON: %q", b)
		}
		s.mu.Lock()
		s.got, s.text = append(s.got, v), append(s.text, string(b))
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default:
		}
	}
}

func (s *stream) say(text string) {
	s.t.Helper()
	must(s.t, wsutil.WriteClientText(s.conn, []byte(text)))
}

// next waits for the next message that is no heartbeat.
func (s *stream) next() map[string]any {
	s.t.Helper()
	v, ok := s.within(patience)
	if !ok {
		s.t.Fatalf("nothing came; the stream ended with %v", s.end)
	}
	return v
}

func (s *stream) within(d time.Duration) (map[string]any, bool) {
	late := time.After(d)
	for {
		s.mu.Lock()
		for len(s.got) > 0 {
			v := s.got[0]
			s.got, s.text = s.got[1:], s.text[1:]
			if v["head"] == nil {
				s.mu.Unlock()
				return v, true
			}
		}
		s.mu.Unlock()
		select {
		case <-s.more:
		case <-s.over:
			s.mu.Lock()
			rest := len(s.got)
			s.mu.Unlock()
			if rest == 0 {
				return nil, false
			}
		case <-late:
			return nil, false
		}
	}
}

// closed waits for the end and returns the code.
func (s *stream) closed() int {
	s.t.Helper()
	select {
	case <-s.over:
	case <-time.After(patience):
		s.t.Fatal("the stream did not end")
	}
	if e, ok := errors.AsType[wsutil.ClosedError](s.end); ok {
		return int(e.Code)
	}
	s.t.Fatalf("the stream ended without a close: %v", s.end)
	return 0
}

// subscribe asks for a topic and returns its first message.
func (s *stream) subscribe(topic string, cursor ...string) map[string]any {
	s.t.Helper()
	text := `{"id":1,"subscribe":` + quote(topic)
	if len(cursor) > 0 {
		text += `,"cursor":` + quote(cursor[0])
	}
	s.say(text + `}`)
	v := s.next()
	if v["topic"] != topic || v["id"] != float64(1) {
		s.t.Fatalf("another answer to subscribe %s: %v", topic, v)
	}
	return v
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
