package gate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/net/http2"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// protocols are all ways in: one client for each protocol, and the site that it asks.
func (h *house) protocols(t *testing.T, quicAddr string) map[string]struct {
	client *http.Client
	url    string
} {
	t.Helper()
	type door = struct {
		client *http.Client
		url    string
	}
	return map[string]door{
		"h1 plain": {h.client(t, false), "http://open.localhost"},
		"h1 TLS":   {h.client(t, false), "https://gallery.localhost"},
		"h2":       {h.client(t, true), "https://gallery.localhost"},
		"h2c":      {h.clientClear(t), "http://open.localhost"},
		"h3":       {h.client3(t, quicAddr), "https://gallery.localhost"},
	}
}

// readsBody answers with how it went to read the body.
func readsBody(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		e := roundtrip.AsError(err)
		w.Header().Set("Content-Type", roundtrip.ProblemType)
		w.WriteHeader(e.HTTPStatus())
		_, _ = w.Write(e.AppendProblem(nil, r.URL.Path, trace.From(r.Context()).ID.String()))
		return
	}
	ok(w, r)
}

// stalls sends a little, and then nothing until it is closed.
type stalls struct {
	sent bool
	once sync.Once
	stop chan struct{}
}

func newStalls() io.Reader { return &stalls{stop: make(chan struct{})} }

func (s *stalls) Close() error {
	s.once.Do(func() { close(s.stop) })
	return nil
}

func (s *stalls) Read(p []byte) (int, error) {
	if !s.sent {
		s.sent = true
		return copy(p, "some"), nil
	}
	<-s.stop
	return 0, io.EOF
}

// drips sends a byte now and then, which is progress, until it is closed.
type drips struct{ stalls }

func newDrips() io.Reader { return &drips{stalls{stop: make(chan struct{})}} }

func (d *drips) Read(p []byte) (int, error) {
	select {
	case <-d.stop:
		return 0, io.EOF
	case <-time.After(20 * time.Millisecond): // the pace of the client
		return copy(p, "x"), nil
	}
}

// One table for all protocols: what is refused over one is refused over all, with the same status and the same reason.
func TestGate_HasOnePolicyForAllProtocols(t *testing.T) {
	t.Parallel()
	h, addr := openQUIC(t, readsBody, func(o *gate.Options) { o.Times.Stall = time.Second })
	lines := func(n int) (all []string) {
		for range n {
			all = append(all, "X-Line", "1")
		}
		return all
	}
	for _, q := range []struct {
		name, method, path string
		headers            []string
		body               func() io.Reader
		status             int
		reason             string
	}{
		{name: "good", path: "/api/x", headers: lines(80), status: 200},
		{name: "17 KiB of headers", path: "/api/x", headers: []string{"X-Long", strings.Repeat("x", 17<<10)}, status: 431, reason: "request.headers_too_large"},
		{name: "a long target", path: "/api/" + strings.Repeat("x", 17<<10), status: 431, reason: "request.headers_too_large"},
		{name: "101 header lines", path: "/api/x", headers: lines(101), status: 431, reason: "request.headers_too_large"},
		{name: "a body over the limit", method: "POST", path: "/api/x", body: func() io.Reader { return bytes.NewReader(make([]byte, 33<<20)) }, status: 413, reason: "request.body_too_large"},
		{name: "a body over the limit, of no known length", method: "POST", path: "/api/x", body: func() io.Reader { return io.LimitReader(zeros{}, 33<<20) }, status: 413, reason: "request.body_too_large"},
		{name: "a body that stalls", method: "POST", path: "/api/x", body: newStalls, status: 408, reason: "request.timeout"},
		{name: "a body that comes byte by byte", method: "POST", path: "/api/x", body: newDrips, status: 408, reason: "request.timeout"},
		{name: "an unknown host", path: "/api/x", headers: []string{"Host", "other.localhost"}, status: 421, reason: "route.no_host"},
		{name: "a host that is none", path: "/api/x", headers: []string{"Host", "open_.local;host"}, status: 400, reason: "request.malformed"},
		{name: "an encoded slash", path: "/api/a%2fb", status: 400, reason: "request.malformed"},
		{name: "an encoded NUL", path: "/api/a%00b", status: 400, reason: "request.malformed"},
		{name: "an encoded dot segment", path: "/api/%2e%2e/b", status: 400, reason: "request.malformed"},
		{name: "a backslash", path: "/api/a%5cb", status: 400, reason: "request.malformed"},
		{name: "TRACE", method: "TRACE", path: "/api/x", status: 405, reason: "route.method_not_allowed"},
		{name: "CONNECT", method: "CONNECT", path: "", status: 405, reason: "route.method_not_allowed"},
	} {
		for protocol, d := range h.protocols(t, addr) {
			t.Run(q.name+"/"+protocol, func(t *testing.T) {
				var body io.Reader
				if q.body != nil {
					body = q.body()
				}
				method := q.method
				if method == "" {
					method = http.MethodGet
				}
				a, err := h.try(t, d.client, method, d.url+q.path, body, q.headers...)
				if c, ok := body.(io.Closer); ok {
					_ = c.Close() // or whoever reads it waits for ever
				}
				if err != nil {
					// A client of HTTP/1 may find the connection closed while it still sends its body: the journey says the rest.
					if q.body == nil || !strings.HasPrefix(protocol, "h1") {
						t.Fatal(err)
					}
					h.await(t, "journey of "+q.reason, func(s trace.Snapshot) bool { return s.Reason.Code() == q.reason && s.Status == q.status })
					return
				}
				if q.status == 200 {
					if a.StatusCode != 200 {
						t.Error(a.Status, a.body)
					}
					return
				}
				problem(t, a, q.status, q.reason)
				if s := h.journey(t, a.Header.Get("X-Journey")); s.Reason.Code() != q.reason {
					t.Errorf("journey: %s", s.Reason.Code())
				}
			})
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// try is do for a request that may fail.
func (h *house) try(t *testing.T, c *http.Client, method, url string, body io.Reader, headers ...string) (answer, error) {
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
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res, string(b)}, err
}

// A body that stalls while a handler of ours answers already holds the handler for no longer than any other.
func TestGate_BodiesThatStallBesideTheirAnswerEnd(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 4)
	h, addr := openQUIC(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "it begins")
		_ = http.NewResponseController(w).Flush()
		_, err := io.Copy(io.Discard, r.Body)
		ended <- err
	}, func(o *gate.Options) { o.Times.Stall = 300 * time.Millisecond })
	for protocol, c := range map[string]*http.Client{"h2": h.client(t, true), "h3": h.client3(t, addr)} {
		for kind, body := range map[string]io.Reader{"nothing": newStalls(), "a byte now and then": newDrips()} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://gallery.localhost/api/x", body)
			if err != nil {
				t.Fatal(err)
			}
			res, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if e := roundtrip.AsError(<-ended); e.Reason != "request.timeout" {
				t.Errorf("%s, %s: %v", protocol, kind, e)
			}
			_ = body.(io.Closer).Close()
			_ = res.Body.Close()
		}
	}
}

// A head that does not come to its end has its time over HTTP/2: in the middle of a frame, and between two.
func TestGate_HTTP2HeadsHaveTheirTime(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(a *attacker) error{
		"in a frame": func(a *attacker) error {
			_, err := a.conn.Write([]byte{0, 0, 100, 1, 5, 0, 0, 0, 1, 0x82})
			return err
		},
		"in the beginning of a frame": func(a *attacker) error {
			_, err := a.conn.Write([]byte{0, 0})
			return err
		},
		"before CONTINUATION": func(a *attacker) error {
			return a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.head("GET")})
		},
		"in CONTINUATION": func(a *attacker) error {
			err := a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.head("GET")})
			_, more := a.conn.Write([]byte{0, 0, 100, 9, 4, 0, 0, 0, 1})
			return errors.Join(err, more)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, ok, func(o *gate.Options) { o.Times.Header = 2 * time.Second })
			a := h.attack(t)
			if err := begin(a); err != nil {
				t.Fatal(err)
			}
			<-a.goAway // the connection has ended
			s := h.await(t, "journey of the head", func(s trace.Snapshot) bool { return s.Reason.Code() == "request.timeout" })
			if s.Kind != trace.Connection {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Clients that read nothing hold no handler for longer than an answer may stall, whatever protocol they speak.
func TestGate_SlowReadersAreCutOnAllProtocols(t *testing.T) {
	t.Parallel()
	var running atomic.Int64
	var begun [4]atomic.Int64 // by protocol
	big := bytes.Repeat([]byte("x"), 1<<20)
	h, addr := openQUIC(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/x" {
			ok(w, r)
			return
		}
		running.Add(1)
		defer running.Add(-1)
		begun[r.ProtoMajor].Add(1)
		for range 64 {
			if _, err := w.Write(big); err != nil {
				return
			}
		}
	}, func(o *gate.Options) { o.Times.Stall = 300 * time.Millisecond })
	a := h.attack(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	for range streamsMax {
		if _, err := a.request("GET", true); err != nil {
			t.Fatal(err)
		}
	}
	c, err := quic.DialAddr(t.Context(), addr, &tls.Config{RootCAs: h.roots, ServerName: "gallery.localhost", NextProtos: []string{"h3"}},
		&quic.Config{InitialStreamReceiveWindow: 1 << 10, MaxStreamReceiveWindow: 1 << 10, InitialConnectionReceiveWindow: 8 << 10, MaxConnectionReceiveWindow: 8 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseWithError(0, "") }()
	head := headers3(t, ":method", "GET", ":scheme", "https", ":authority", "gallery.localhost", ":path", "/api/x")
	for range streamsMax {
		s, err := c.OpenStreamSync(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(head); err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if got := h.get(t, "https://gallery.localhost/api/other"); got.StatusCode != 200 {
			t.Fatalf("another client got %s", got.Status)
		}
		if begun[2].Load() == streamsMax && begun[3].Load() == streamsMax && running.Load() == 0 {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%d handlers still run, of %d and %d that began", running.Load(), begun[2].Load(), begun[3].Load())
		}
	}
}

// Heads that are as large as they may be, on as many streams as there may be, whose answers nobody takes: over HTTP/3 too
// they stay cheap.
func TestGate_HeaderBombsOverHTTP3StayCheap(t *testing.T) {
	h, addr := openQUIC(t, ok)
	before := heap()
	const connections = 3
	fields := []string{":method", "GET", ":scheme", "https", ":authority", "gallery.localhost", ":path", "/api/x"}
	for range 500 {
		fields = append(fields, "a", "") // 33 bytes each, by which they are counted
	}
	head := headers3(t, fields...)
	for range connections {
		c, err := quic.DialAddr(t.Context(), addr, &tls.Config{RootCAs: h.roots, ServerName: "gallery.localhost", NextProtos: []string{"h3"}},
			&quic.Config{InitialConnectionReceiveWindow: 1 << 10, MaxConnectionReceiveWindow: 1 << 10})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.CloseWithError(0, "") }()
		var group sync.WaitGroup
		for range streamsMax {
			s, err := c.OpenStreamSync(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			group.Go(func() { _, _ = s.Write(head) })
		}
		group.Wait()
	}
	if got := h.get(t, "https://gallery.localhost/api/other"); got.StatusCode != 200 {
		t.Errorf("another client got %s", got.Status)
	}
	grown := (heap() - before) / (connections * streamsMax)
	t.Logf("%d KiB for each stream, the client's half included", grown>>10)
	if grown > 100<<10 {
		t.Errorf("%d streams hold %d KiB each", connections*streamsMax, grown>>10)
	}
}

// A request whose head is longer than what is taken in at all is refused too, if not in the gate's own words. It has a journey
// all the same.
func TestGate_RefusesHugeHeads(t *testing.T) {
	t.Parallel()
	lines := func(n, size int) (all []string) {
		for range n {
			all = append(all, "X-Line", strings.Repeat("x", size))
		}
		return all
	}
	for name, headers := range map[string][]string{
		"one line of 60 KiB":    lines(1, 60<<10), // ends a connection of HTTP/2
		"one line of 28 KiB":    lines(1, 28<<10), // the same
		"many short lines":      lines(900, 1),    // more than there may be by how they are counted, not by their bytes
		"60 equal ones of 1KiB": lines(60, 1<<10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ends := len(headers) == 2
			h, addr := openQUIC(t, ok)
			for protocol, d := range h.protocols(t, addr) {
				if protocol == "h2" { // a client of net/http keeps to what the server's settings say
					h.attack(t).longHead(t, headers)
				} else if protocol == "h2c" {
					h.attackClear(t).longHead(t, headers)
				} else if a, err := h.try(t, d.client, http.MethodGet, d.url+"/api/x", nil, headers...); err == nil && a.StatusCode != http.StatusRequestHeaderFieldsTooLarge ||
					err != nil && !strings.HasPrefix(protocol, "h1") { // which may find the connection closed while it still sends
					t.Errorf("%s: %v, %v", protocol, a.Response, err)
				}
				h.await(t, "journey over "+protocol, func(s trace.Snapshot) bool {
					if s.Reason.Code() != "request.headers_too_large" {
						return false
					}
					switch protocol {
					case "h2":
						if ends {
							return s.Kind == trace.Connection && s.Proto == "TLS 1.3 h2"
						}
						return s.Proto == "HTTP/2.0" && s.Status == 431 && s.Host != ""
					case "h2c":
						if ends {
							return s.Kind == trace.Connection && s.Proto == "h2c"
						}
						return s.Proto == "HTTP/2.0" && s.Status == 431 && s.Host == ""
					case "h3":
						return s.Proto == "HTTP/3.0" && s.Status == 431
					}
					return s.Status == 431 && strings.HasPrefix(s.Proto, "HTTP/1")
				})
			}
		})
	}
}

// longHead sends the head of a request in as many frames as it takes.
func (a *attacker) longHead(t *testing.T, fields []string) {
	t.Helper()
	fields = slices.Clone(fields)
	for i := 0; i < len(fields); i += 2 {
		fields[i] = strings.ToLower(fields[i])
	}
	block := a.head("GET", fields...)
	first := min(len(block), 16<<10)
	if err := a.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:first], EndStream: true, EndHeaders: first == len(block)}); err != nil {
		t.Fatal(err)
	}
	for rest := block[first:]; len(rest) > 0; {
		n := min(len(rest), 16<<10)
		if err := a.WriteContinuation(1, n == len(rest), rest[:n]); err != nil {
			return // the server has hung up
		}
		rest = rest[n:]
	}
}
