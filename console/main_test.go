package console_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/operators"
	"github.com/roundtrip-dev/roundtrip/internal/password"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that tests turn.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a console that runs on loopback.
type bench struct {
	*console.Console

	base     string
	dir      string
	clock    *clock
	recorder *trace.Recorder
	stop     func()
}

const secret = "four unrelated words"

func newBench(t *testing.T, change ...func(*console.Options)) *bench {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{dir: t.TempDir(), clock: &clock{now: time.Now()}, base: "http://" + l.Addr().String()}
	b.recorder = newRecorder(b.clock.Now)
	o := console.Options{
		Listener: l, Dir: b.dir, Name: "gallery", Now: b.clock.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Recorder: b.recorder, HashCost: password.Cost{MemoryKiB: 64, Passes: 1, Threads: 1},
		Overview: func(context.Context) console.Overview {
			return console.Overview{Name: "gallery", State: console.Well, Sentence: "all is well"}
		},
		Pages: fstest.MapFS{"index.html": {Data: []byte("<!doctype html><title>console</title>")}, "assets/app-1.js": {Data: []byte("1")}},
	}
	for _, f := range change {
		f(&o)
	}
	if b.Console, err = console.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	<-b.Ready()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(b.stop)
	return b
}

// browser is a client with cookies.
type browser struct {
	*http.Client

	t    *testing.T
	base string
}

func (b *bench) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	return &browser{Client: &http.Client{Jar: jar, Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, t: t, base: b.base}
}

// call sends a request with a JSON body, where there is one, and returns status and body.
func (b *browser) call(method, path string, body any, headers ...string) (int, map[string]any) {
	b.t.Helper()
	resp := b.send(method, path, body, headers...)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	var out map[string]any
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/") && bytes.HasPrefix(text, []byte("{")) {
		if err := json.Unmarshal(text, &out); err != nil {
			b.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return resp.StatusCode, out
}

func (b *browser) send(method, path string, body any, headers ...string) *http.Response {
	b.t.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, in)
	if err != nil {
		b.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if req.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp
}

// want calls and wants a status.
func (b *browser) want(status int, method, path string, body any, headers ...string) map[string]any {
	b.t.Helper()
	got, out := b.call(method, path, body, headers...)
	if got != status {
		b.t.Fatalf("%s %s: %d %v; want %d", method, path, got, out, status)
	}
	return out
}

type args map[string]any

func tokenOf(t *testing.T, link string) string {
	t.Helper()
	_, token, ok := strings.Cut(link, "/#claim=")
	if !ok || len(token) != 43 {
		t.Fatalf("link is %q", link)
	}
	return token
}

// join makes an operator by a link and returns their browser.
func (b *bench) join(t *testing.T, name string, role operators.Role) *browser {
	t.Helper()
	link, err := b.Link(role)
	if err != nil {
		t.Fatal(err)
	}
	who := b.browser(t)
	who.want(200, "POST", "/api/claim", args{"token": tokenOf(t, link), "name": name, "password": secret})
	return who
}
