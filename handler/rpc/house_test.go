package rpc_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
	"github.com/roundtrip-dev/roundtrip/handler/rpc"
	"github.com/roundtrip-dev/roundtrip/handler/socket"
	"github.com/roundtrip-dev/roundtrip/identity"
	hashes "github.com/roundtrip-dev/roundtrip/internal/password"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/schema"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
	"github.com/roundtrip-dev/roundtrip/store/files"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
	"github.com/roundtrip-dev/roundtrip/stream/inbox"
	"github.com/roundtrip-dev/roundtrip/stream/live"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test; what is waited for comes in milliseconds, and later where the machine stands still.
const patience = time.Minute

// house is the path from the doors of REST and RPC to the hub of streams, all of it real.
type house struct {
	t        testing.TB
	store    *sqlite.Store
	files    *files.Store
	hub      *live.Hub
	health   *rpc.Health
	journeys *trace.Recorder
	server   *httptest.Server // TLS, with HTTP/2 for those who can
	ids      *roundtrip.IDs
	client   netip.Addr

	rooms atomic.Pointer[rooms]
}

// rooms is what a declaration brings: it is replaced as a reload does.
type rooms struct {
	schema   *schema.Schema
	policy   *policy.Engine
	identity *identity.Identity
	core     *handler.Core
	api      *protobuf.API
	rest     *rest.Door
	door     *rpc.Door
}

// declaration is the one of REST's tests, so that both doors are seen over the same records.
func declaration(tb testing.TB) string {
	tb.Helper()
	source, err := os.ReadFile("../rest/testdata/roundtrip.yaml")
	must(tb, err)
	return string(source)
}

func openHouse(tb testing.TB) *house {
	tb.Helper()
	h := &house{t: tb, ids: roundtrip.NewIDs(1, time.Now), client: netip.MustParseAddr("192.0.2.7"), health: rpc.NewHealth()}
	h.journeys = trace.New(trace.Options{Now: time.Now, Recent: 64})
	var err error
	h.store, err = sqlite.New(sqlite.Options{
		Path: filepath.Join(tb.TempDir(), "test.db"), Now: time.Now, IDs: h.ids, PoolWait: patience, StatementDeadline: patience,
	})
	must(tb, err)
	must(tb, h.store.Open(tb.Context()))
	tb.Cleanup(func() { must(tb, h.store.Close()) })
	h.files, err = files.New(files.Options{Dir: filepath.Join(tb.TempDir(), "files"), Now: time.Now, Rand: rand.Reader})
	must(tb, err)
	must(tb, h.files.Prepare(tb.Context()))
	h.hub, err = live.New(live.Options{Store: h.store, Now: time.Now, Log: slog.New(slog.DiscardHandler), Poll: 50 * time.Millisecond})
	must(tb, err)
	h.enter(declaration(tb))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.hub.Run(ctx) }()
	<-h.hub.Ready()
	h.store.OnCommit(h.committed)
	h.server = httptest.NewUnstartedServer(http.HandlerFunc(h.gate))
	h.server.EnableHTTP2 = true
	h.server.StartTLS()
	tb.Cleanup(func() {
		h.health.Stop()
		h.hub.CloseAll()
		h.server.CloseClientConnections()
		h.server.Close()
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			tb.Error(err)
		}
	})
	return h
}

func (h *house) committed(changes []roundtrip.Change) {
	for _, c := range changes {
		if !c.Inbox() && !c.Counts && c.Collection.Accounts && c.Action != roundtrip.Create {
			h.rooms.Load().identity.Forget(c.ID)
		}
	}
	h.hub.Committed(changes)
}

// enter puts a declaration in force, as the app does.
func (h *house) enter(source string) {
	h.t.Helper()
	r := &rooms{}
	declared, err := config.Parse("testdata/roundtrip.yaml", []byte(source), os.LookupEnv)
	must(h.t, err)
	r.schema, err = schema.Build(declared)
	must(h.t, err)
	plan, err := h.store.Plan(h.t.Context(), r.schema.Schema)
	must(h.t, err)
	r.api, err = protobuf.Build(r.schema.Schema, protobuf.Options{})
	must(h.t, err)
	r.policy, err = policy.New(r.schema.Schema, bytes.Repeat([]byte("k"), 32))
	must(h.t, err)
	r.identity, err = identity.New(identity.Options{
		Accounts: h.store, Config: declared.Identity, Users: r.schema.Accounts(), Now: time.Now, IDs: h.ids, Rand: rand.Reader, Forgot: h.hub.Doubt,
		HashCost: hashes.Cost{MemoryKiB: 64, Passes: 1, Threads: 1}, // what a hash costs is a matter of identity's own tests
	})
	must(h.t, err)
	notes, err := inbox.New(inbox.Options{Store: h.store, Schema: r.schema.Schema, Login: r.identity.Login()})
	must(h.t, err)
	r.core, err = handler.New(handler.Options{
		Schema: r.schema, Policy: r.policy, Store: h.store, Identity: r.identity, Files: h.files, Inbox: notes, IDs: h.ids, Now: time.Now,
	})
	must(h.t, err)
	streams, err := socket.New(socket.Options{Hub: h.hub, Now: time.Now})
	must(h.t, err)
	r.rest, err = rest.New(r.core, "/api/", rest.Options{Streams: streams})
	must(h.t, err)
	r.door, err = rpc.New(r.core, r.api, rpc.Options{Mount: "/api/", Hub: h.hub, Health: h.health})
	must(h.t, err)
	must(h.t, h.store.Apply(h.t.Context(), r.schema.Schema, plan))
	h.rooms.Store(r)
	h.health.Enter(r.door.Services())
	h.hub.Enter(context.Background(), &live.House{
		Policy: r.policy, Pages: r.rest, Inbox: notes, Who: r.identity.Who, Forget: r.identity.Forget, Accounts: r.schema.Accounts(), Login: r.identity.Login(), Forms: r.door.Forms(),
	})
}

// gate does what the real one does for a journey, and leads calls to the door of RPC.
func (h *house) gate(w http.ResponseWriter, r *http.Request) {
	j := h.journeys.Begin(trace.Request)
	j.Client, j.Path = h.client, r.URL.Path
	w.Header().Set("X-Journey", j.ID.String())
	defer h.journeys.End(j)
	rooms := h.rooms.Load()
	door := http.Handler(rooms.rest)
	first, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api/"), "/"), "/")
	if strings.Contains(first, ".") && rest != "" {
		door = rooms.door
	}
	door.ServeHTTP(w, r.WithContext(trace.With(r.Context(), j)))
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// person makes calls with a token.
type person struct {
	h         *house
	token, id string
}

// person signs somebody up. The test's own address is nobody's, so that no limit is met.
func (h *house) person(handle string) *person {
	h.t.Helper()
	r := h.rooms.Load()
	record := roundtrip.NewRecord(r.schema.Accounts())
	record.PutName("handle", roundtrip.Text(handle))
	grant, err := r.identity.SignUp(context.Background(), record, "correct horse battery", identity.Device{Name: "test"})
	must(h.t, err)
	return &person{h: h, token: grant.Token, id: grant.Account.ID().String()}
}

func (h *house) stranger() *person { return &person{h: h} }
