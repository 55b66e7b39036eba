package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
	"github.com/roundtrip-dev/roundtrip/gate/proxy"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// house is a running gate whose two sites, app.localhost with TLS and open.localhost without, lead to the same upstreams.
type house struct {
	recorder *trace.Recorder
	pools    []*pool.Pool
	roots    *x509.CertPool
	secure   string // host:port
	plain    string
	stop     func()
	leave    func() // the upstreams leave the declaration
}

// at declares upstreams by their URLs: http://host:port, h2c://…, https://…, unix:path.
func at(urls ...string) *config.Proxy {
	p := &config.Proxy{
		Balance: config.RoundRobin, EjectAfter: 5, EjectFor: time.Minute, Tries: 3, Budget: 100,
		Connect: time.Minute, FirstByte: time.Minute, IdleStream: time.Minute,
	}
	for _, u := range urls {
		scheme, address, _ := strings.Cut(u, "://")
		up := config.Upstream{URL: u, Scheme: config.Scheme(scheme), Network: "tcp", Address: address, Host: address}
		if path, ok := strings.CutPrefix(u, "unix:"); ok {
			up = config.Upstream{URL: u, Scheme: config.HTTP, Network: "unix", Address: path, Host: "localhost"}
		}
		p.Upstreams = append(p.Upstreams, up)
	}
	return p
}

type setting struct {
	route config.Route
	sites func(*config.Site)
	gate  func(*gate.Options)
}

// open starts a gate in front of the upstreams.
func open(t testing.TB, declared *config.Proxy, change ...func(*setting)) *house {
	t.Helper()
	s := setting{route: config.Route{Path: "/", Proxy: declared}, sites: func(*config.Site) {}, gate: func(*gate.Options) {}}
	for _, f := range change {
		f(&s)
	}
	authority, err := cert.NewAuthority(filepath.Join(t.TempDir(), "certs"), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{roots: x509.NewCertPool()}
	h.roots.AddCert(authority.Certificate())
	sites := []config.Site{
		{Name: "app.localhost", TLS: config.TLS{Mode: config.TLSLocal}, Routes: []config.Route{s.route}},
		{Name: "open.localhost", TLS: config.TLS{Mode: config.TLSOff}, Routes: []config.Route{s.route}},
	}
	for i := range sites {
		s.sites(&sites[i])
	}
	certs := cert.NewStore(authority, time.Now)
	if err := certs.Load(sites); err != nil {
		t.Fatal(err)
	}
	keeper, err := pool.NewKeeper(pool.KeeperOptions{
		Connect: proxy.Connect(time.Now, nil), Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	next := keeper.Next([]byte("key"))
	table, err := gate.NewTable(sites, route.Builders{Proxy: func(site *config.Site, r *config.Route) (route.Target, error) {
		p, err := next.Pool(site.Name+r.Path, r.Path, r.Proxy)
		if err != nil {
			return nil, err
		}
		h.pools = append(h.pools, p)
		return proxy.New(proxy.Options{
			Mount: route.Mount(r.Path), Rewrite: r.Rewrite, Declared: r.Proxy, Pool: p, Node: "n1", OwnCORS: site.CORS != nil, Now: time.Now,
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.recorder = trace.New(trace.Options{Now: time.Now, Recent: 4096})
	options := gate.Options{Table: table, Recorder: h.recorder, Certs: certs, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	s.gate(&options)
	g, err := gate.New(options)
	if err != nil {
		t.Fatal(err)
	}
	secure, plain := listen(t), listen(t)
	h.secure, h.plain = secure.Addr().String(), plain.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	next.Prove(t.Context())
	next.Enter(time.Second)
	go func() { done <- g.Run(ctx, secure, plain) }()
	<-g.Ready()
	h.leave = keeper.Farewell
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the gate ended with %v", err)
		}
		keeper.Close()
	})
	t.Cleanup(h.stop)
	return h
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// client reaches the gate whatever the host name says.
func (h *house) client(t testing.TB, h2 bool) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			to := h.plain
			if strings.HasSuffix(addr, ":443") {
				to = h.secure
			}
			return new(net.Dialer).DialContext(ctx, network, to)
		},
		TLSClientConfig:    &tls.Config{RootCAs: h.roots},
		ForceAttemptHTTP2:  h2,
		DisableCompression: true,
	}
	if !h2 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is a response that was read, as far as it came.
type answer struct {
	*http.Response

	body string
	err  error
}

func (h *house) do(t testing.TB, c *http.Client, method, url string, body io.Reader, headers ...string) answer {
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
		return answer{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res, string(b), err}
}

func (h *house) get(t testing.TB, path string, headers ...string) answer {
	t.Helper()
	a := h.do(t, h.client(t, true), http.MethodGet, "https://app.localhost"+path, nil, headers...)
	if a.err != nil && a.Response == nil {
		t.Fatalf("GET %s: %v", path, a.err)
	}
	return a
}

// journey waits for the journey of an answer, which ends after it.
func (h *house) journey(t testing.TB, a answer) trace.Snapshot {
	t.Helper()
	id := a.Header.Get("X-Journey")
	return h.await(t, "journey "+id, func(s trace.Snapshot) bool { return s.ID.String() == id })
}

func (h *house) await(t testing.TB, what string, is func(trace.Snapshot) bool) trace.Snapshot {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		for _, s := range h.recorder.Select(trace.Filter{}, 1<<12) {
			if is(s) {
				return s
			}
		}
		time.Sleep(time.Millisecond) // a poll: there is no signal for the end of a journey
	}
	t.Fatalf("there is no %s", what)
	return trace.Snapshot{}
}

// raw is an upstream that a test writes byte by byte. Each connection is handled by serve.
type raw struct {
	url      string
	conns    atomic.Int64
	requests atomic.Int64
	mu       sync.Mutex // guards heads
	heads    []string
	bodies   []string
}

// conn is a connection of a raw upstream.
type conn struct {
	*net.TCPConn

	in *bufio.Reader
	up *raw
	t  testing.TB
}

// upstream starts one. serve returns when it is done with a connection, which is closed then.
func upstream(t testing.TB, serve func(c *conn)) *raw {
	t.Helper()
	ln := listen(t)
	up := &raw{url: "http://" + ln.Addr().String()}
	var group sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	group.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			up.conns.Add(1)
			group.Go(func() {
				defer func() {
					_ = c.Close()
					mu.Lock()
					delete(open, c)
					mu.Unlock()
				}()
				serve(&conn{c.(*net.TCPConn), bufio.NewReader(c), up, t})
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		group.Wait()
	})
	return up
}

// request reads a request with a body of a declared length or in chunks; "" means that the connection has ended.
func (c *conn) request() string {
	r, head := c.head()
	if r == nil {
		return ""
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	c.up.mu.Lock()
	c.up.bodies = append(c.up.bodies, string(body))
	c.up.mu.Unlock()
	return head
}

// head reads the head of a request, byte by byte as it came, and counts it.
func (c *conn) head() (*http.Request, string) {
	var b bytes.Buffer
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return nil, ""
		}
		b.WriteString(line)
		if line == "\r\n" {
			break
		}
	}
	c.up.requests.Add(1)
	c.up.mu.Lock()
	head := b.String()
	c.up.heads = append(c.up.heads, head)
	c.up.mu.Unlock()
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(&b, c.in)))
	if err != nil {
		c.t.Errorf("the request that arrived can't be read: %v", err)
		return nil, ""
	}
	return r, head
}

func (c *conn) say(text string) { _, _ = io.WriteString(c, text) }

// reset closes the connection with RST.
func (c *conn) reset() {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// last returns the head of the last request, and its body.
func (u *raw) last() (head, body string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.heads) > 0 {
		head = u.heads[len(u.heads)-1]
	}
	if len(u.bodies) > 0 {
		body = u.bodies[len(u.bodies)-1]
	}
	return head, body
}

// answers is an upstream that answers each request with the same bytes, and keeps the connection.
func answers(t testing.TB, text string) *raw {
	t.Helper()
	return upstream(t, func(c *conn) {
		for c.request() != "" {
			c.say(text)
		}
	})
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

func contextWithCancel(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

type traceSnapshot = trace.Snapshot
