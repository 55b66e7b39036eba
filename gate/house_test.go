package gate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/gate/static"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// house is a running gate with real listeners.
type house struct {
	gate     *gate.Gate
	recorder *trace.Recorder
	certs    *cert.Store
	roots    *x509.CertPool
	secure   string // host:port
	plain    string
	stop     func() error
	log      *logged
	routes   string // folder of the static site
}

// logged is what the gate wrote to its log.
type logged struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// sites are a site with TLS, the API and a folder, and one without TLS.
func sites(folder string) []config.Site {
	return []config.Site{
		{
			Name: "gallery.localhost", TLS: config.TLS{Mode: config.TLSLocal},
			Routes: []config.Route{{Path: "/", Static: folder, SPA: true}, {Path: "/api/", API: true}},
			CORS:   corsOf(true, "https://app.example.com", "https://*.preview.example.com"),
			Limits: config.Limits{Body: 1 << 20},
		},
		{
			Name: "open.localhost", TLS: config.TLS{Mode: config.TLSOff},
			Routes: []config.Route{{Path: "/", API: true}},
			CORS:   corsOf(false, "*"),
		},
		{
			Name: "quiet.localhost", TLS: config.TLS{Mode: config.TLSOff},
			Routes: []config.Route{{Path: "/docs/", Static: folder}, {Path: "/docs/deep/", API: true}},
		},
	}
}

// builders makes targets as app does.
func builders(api http.HandlerFunc) route.Builders {
	return route.Builders{
		API: func(string) http.Handler { return api },
		Static: func(_ *config.Site, r *config.Route) (route.Target, error) {
			return static.New(static.Options{Dir: r.Static, Mount: route.Mount(r.Path), SPA: r.SPA, Now: time.Now}), nil
		},
	}
}

// open starts a gate in front of api.
func open(t *testing.T, api http.HandlerFunc, change ...func(*gate.Options)) *house {
	t.Helper()
	dir := t.TempDir()
	folder := filepath.Join(dir, "web")
	write(t, filepath.Join(folder, "index.html"), "<h1>gallery</h1>")
	authority, err := cert.NewAuthority(filepath.Join(dir, "certs"), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{certs: cert.NewStore(authority, time.Now), roots: x509.NewCertPool(), log: &logged{}, routes: folder}
	h.roots.AddCert(authority.Certificate())
	declared := sites(folder)
	if err := h.certs.Load(declared); err != nil {
		t.Fatal(err)
	}
	table, err := gate.NewTable(declared, builders(api))
	if err != nil {
		t.Fatal(err)
	}
	h.recorder = trace.New(trace.Options{Now: time.Now, Recent: 1024})
	options := gate.Options{
		Table: table, Recorder: h.recorder, Certs: h.certs, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})), HTTPSPort: 8443,
	}
	for _, f := range change {
		f(&options)
	}
	if h.gate, err = gate.New(options); err != nil {
		t.Fatal(err)
	}
	h.run(t)
	return h
}

func (h *house) run(t *testing.T) {
	t.Helper()
	secure, plain := listen(t), listen(t)
	h.secure, h.plain = secure.Addr().String(), plain.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.gate.Run(ctx, secure, plain) }()
	<-h.gate.Ready()
	h.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := h.stop(); err != nil {
			t.Errorf("the gate ended with %v", err)
		}
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	var config net.ListenConfig
	ln, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// client returns a client that reaches the gate whatever the host name says, and follows no redirects.
func (h *house) client(t *testing.T, h2 bool) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			to := h.plain
			if strings.HasSuffix(addr, ":443") || strings.HasSuffix(addr, ":8443") {
				to = h.secure
			}
			return new(net.Dialer).DialContext(ctx, network, to)
		},
		TLSClientConfig:   &tls.Config{RootCAs: h.roots},
		ForceAttemptHTTP2: h2,
	}
	if !h2 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is a response that was read.
type answer struct {
	*http.Response

	body string
}

func (h *house) do(t *testing.T, c *http.Client, method, url string, body io.Reader, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return answer{res, string(b)}
}

// get is a GET over HTTP/2.
func (h *house) get(t *testing.T, url string, headers ...string) answer {
	t.Helper()
	return h.do(t, h.client(t, true), http.MethodGet, url, nil, headers...)
}

// journey returns the journey of an answer; it waits for its end, which comes after the answer.
func (h *house) journey(t *testing.T, id string) trace.Snapshot {
	t.Helper()
	return h.await(t, "journey "+id, func(s trace.Snapshot) bool { return s.ID.String() == id })
}

func (h *house) await(t *testing.T, what string, is func(trace.Snapshot) bool) trace.Snapshot {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		for _, s := range h.recorder.Select(trace.Filter{}, 1<<20) {
			if is(s) {
				return s
			}
		}
		time.Sleep(time.Millisecond) // a poll: there is no signal for the end of a journey
	}
	t.Fatalf("there is no %s", what)
	return trace.Snapshot{}
}

// raw sends bytes to an address, and returns all that comes back until the other side closes.
func raw(t *testing.T, addr, request string) string {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(c) // a reset after the answer is as good as a close
	return string(b)
}

func ok(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"path":"`+r.URL.Path+`"}`)
}

// corsOf returns a CORS block as config gives it, with its defaults.
func corsOf(credentials bool, origins ...string) *config.CORS {
	return &config.CORS{
		Origins: origins, Credentials: credentials, MaxAge: 10 * time.Minute,
		Methods: []string{"GET", "HEAD", "POST", "PATCH", "DELETE"},
		Headers: []string{"Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID"},
		Expose:  []string{"ETag", "Location", "Retry-After", "X-Journey"},
	}
}
