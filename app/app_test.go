package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const declaration = `
name: notes
sites:
  notes.test:
    tls: local
    routes: [{ path: /api/, to: api }]
    cors: { origins: ['https://app.example'] }
identity: { accounts: people }
collections:
  people:
    fields: { handle: { type: text, required: true, unique: true } }
    rules: { read: 'true' }
  notes:
    fields:
      owner: { type: ref, to: people, default: auth.id, immutable: true }
      text:  { type: text, max: 100 }
    rules:
      read: 'true'
      create: 'auth.id == record.owner'
      update: 'auth.id == record.owner'
store: { database: 'sqlite:data/notes.db', files: data/files, pool: { wait: 1m } }
`

// output is a buffer for two goroutines that tells when a line with some words came.
type output struct {
	mu   sync.Mutex // guards buf
	buf  bytes.Buffer
	want string
	seen chan string
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if strings.Contains(string(b), o.want) {
		select {
		case o.seen <- string(b):
		default:
		}
	}
	return o.buf.Write(b)
}

// await lets the next line with these words be told.
func (o *output) await(words string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.want = words
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// start runs the app in this process and returns a client and a stop that waits for its end.
func start(t *testing.T) (a *app.App, client *http.Client) {
	t.Helper()
	return startWith(t, declaration, func(*process.Surroundings) {})
}

// startWith is start with another declaration and other surroundings.
func startWith(t *testing.T, declaration string, change func(*process.Surroundings)) (a *app.App, client *http.Client) {
	t.Helper()
	a, client, _ = startToReload(t, declaration, change)
	return a, client
}

// startToReload is startWith and a way to put another declaration in force.
func startToReload(t *testing.T, declaration string, change func(*process.Surroundings)) (a *app.App, client *http.Client, reload func(declaration string)) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "roundtrip.yaml"), []byte(declaration), 0o600); err != nil {
		t.Fatal(err)
	}
	out := &output{want: `"msg":"ready"`, seen: make(chan string, 1)}
	around := process.Surroundings{Out: io.Discard, Err: out, Now: time.Now, Rand: rand.Reader, Getenv: os.LookupEnv}
	change(&around)
	a, err := app.New(app.Options{File: folder, HTTPS: "127.0.0.1:0", HTTP: "127.0.0.1:0"}, around)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	signals := make(chan struct{})
	go func() { ended <- a.Run(ctx, signals) }()
	var ready struct{ HTTPS string }
	select {
	case line := <-out.seen:
		if err := json.Unmarshal([]byte(line), &ready); err != nil {
			t.Fatal(err)
		}
	case err := <-ended:
		t.Fatalf("it ended: %v\n%s", err, out.buf.String())
	}
	pem, err := os.ReadFile(filepath.Join(folder, "data", "certs", "local-ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, ready.HTTPS)
		},
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the app ended with %v", err)
		}
	})
	return a, &http.Client{Transport: transport}, func(declaration string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, "roundtrip.yaml"), []byte(declaration), 0o600); err != nil {
			t.Fatal(err)
		}
		out.await(`"msg":"reloaded"`)
		signals <- struct{}{}
		<-out.seen
	}
}

// send makes one request and returns its answer and the journey that the answer names.
func send(t *testing.T, a *app.App, client *http.Client, method, path, body string, headers ...string) (int, string, trace.Snapshot) {
	t.Helper()
	req, err := http.NewRequest(method, "https://notes.test/api/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	id := resp.Header.Get("X-Journey")
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if j, ok := a.Recorder().Find(id); ok { // it ends just after the answer has left
			return resp.StatusCode, string(text), j
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s %s: the journey %q was not kept", method, path, id)
	return 0, "", trace.Snapshot{}
}

// layers returns the stations of a journey in their order.
func layers(j trace.Snapshot) []string {
	var names []string
	for _, h := range j.Hops {
		names = append(names, h.Layer.String())
	}
	return names
}

// TestApp_JourneysTellThePath uses the journeys as the oracle: which stations a request met, what they said, and which one
// decided.
func TestApp_JourneysTellThePath(t *testing.T) {
	t.Parallel()
	a, client := start(t)
	status, body, _ := send(t, a, client, "POST", "auth/sign-up", `{"handle":"ana","password":"correct horse battery"}`)
	if status != 201 {
		t.Fatalf("sign-up: %d %s", status, body)
	}
	var in struct{ Token string }
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	bearer := "Bearer " + in.Token

	for _, tt := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		layers                   []string
		reason, decided          string
	}{
		{"create", "POST", "notes", `{"text":"hello"}`, []string{"Authorization", bearer}, 201, []string{"tls", "route", "auth", "access", "schema", "commit"}, "", ""},
		{"list", "GET", "notes", "", []string{"Authorization", bearer, "Origin", "https://app.example"}, 200, []string{"tls", "cors", "route", "auth", "access", "pool", "sql"}, "", ""},
		{"a stranger writes", "POST", "notes", `{"text":"x"}`, nil, 401, []string{"tls", "route", "auth", "access"}, "auth.missing", "access"},
		{"a bad record", "POST", "notes", `{"text":7}`, []string{"Authorization", bearer}, 400, []string{"tls", "route", "auth", "access", "schema"}, "schema.invalid", "schema"},
		{"an ended session", "GET", "notes", "", []string{"Authorization", bearer[:len(bearer)-1] + "!"}, 401, []string{"tls", "route", "auth"}, "auth.invalid", "auth"},
		{"a preflight of a foreign page", "OPTIONS", "notes", "", []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "POST"}, 403, []string{"tls", "cors"}, "cors.origin_not_allowed", "cors"},
		{"no such path", "GET", "nots", "", nil, 404, []string{"tls", "route"}, "request.unknown_path", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body, j := send(t, a, client, tt.method, tt.path, tt.body, tt.headers...)
			if status != tt.status || j.Status != status {
				t.Fatalf("status %d (journey: %d), want %d: %s", status, j.Status, tt.status, body)
			}
			at := 0
			for _, l := range layers(j) {
				if at < len(tt.layers) && l == tt.layers[at] {
					at++
				}
			}
			if at != len(tt.layers) {
				t.Errorf("stations %v, want %v among them in this order", layers(j), tt.layers)
			}
			if j.Reason.Code() != tt.reason {
				t.Errorf("reason %q, want %q", j.Reason.Code(), tt.reason)
			}
			if tt.reason != "" && !strings.Contains(body, tt.reason) {
				t.Errorf("the answer doesn't carry the reason %s: %s", tt.reason, body)
			}
			if tt.decided != "" && (j.Decided < 0 || j.Hops[j.Decided].Layer.String() != tt.decided) {
				t.Errorf("hop %d of %v decided, want %s", j.Decided, layers(j), tt.decided)
			}
			if slices.ContainsFunc(j.Hops, func(h trace.Hop) bool { return h.Verdict == trace.Open }) {
				t.Errorf("a step was left open: %+v", j.Hops)
			}
		})
	}
}
