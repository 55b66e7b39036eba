package proxy_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/net/http2"

	"github.com/roundtrip-dev/roundtrip/gate"
)

// A WebSocket that is opened over a stream of HTTP/2 or 3 (RFC 8441, RFC 9220) is one of HTTP/1.1 to the upstream.
func TestProxy_CarriesSocketsOfStreams(t *testing.T) {
	t.Parallel()
	up := upstream(t, func(c *conn) {
		if c.request() != "" {
			c.say(switching + "first")
			_, _ = io.Copy(c, c.in) // echo
		}
	})
	for protocol, find := range map[string]func(t *testing.T, h *house, packets string) http.RoundTripper{"h2": transport2, "h3": transport3} {
		t.Run(protocol, func(t *testing.T) {
			packets := ""
			h := open(t, at(up.url), withPackets(t, &packets))
			carries(t, h, up, find(t, h, packets))
		})
	}
}

// transport2 speaks HTTP/2, and can open a CONNECT with a protocol.
func transport2(t *testing.T, h *house, _ string) http.RoundTripper {
	t.Helper()
	transport := &http2.Transport{
		DialTLSContext: func(ctx context.Context, network, _ string, c *tls.Config) (net.Conn, error) {
			return (&tls.Dialer{Config: c}).DialContext(ctx, network, h.secure)
		},
		TLSClientConfig: &tls.Config{RootCAs: h.roots},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// transport3 does the same over HTTP/3.
func transport3(t *testing.T, h *house, packets string) http.RoundTripper {
	t.Helper()
	transport := &http3.Transport{
		TLSClientConfig: &tls.Config{RootCAs: h.roots},
		Dial: func(ctx context.Context, _ string, c *tls.Config, q *quic.Config) (*quic.Conn, error) {
			return quic.DialAddr(ctx, packets, c, q)
		},
	}
	t.Cleanup(func() { _ = transport.Close() })
	return transport
}

// withPackets gives the gate a UDP socket for HTTP/3, whose address is put into *addr.
func withPackets(t *testing.T, addr *string) func(*setting) {
	t.Helper()
	c, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	*addr = c.LocalAddr().String()
	return func(s *setting) {
		s.gate = func(o *gate.Options) { o.Packets = c }
	}
}

// carries opens a WebSocket on a stream, and checks both its directions and its end.
func carries(t *testing.T, h *house, up *raw, transport http.RoundTripper) {
	t.Helper()
	in, out := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodConnect, "https://app.localhost/ws?room=1", in)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := transport.(*http3.Transport); ok {
		r.Proto = "websocket"
	} else {
		r.Header[":protocol"] = []string{"websocket"}
	}
	r.Header.Set("Sec-WebSocket-Version", "13")
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("X-Journey") == "" || res.Header.Get("Upgrade") != "" {
		t.Fatalf("%+v", res)
	}
	long := strings.Repeat("y", 100_000)
	go func() { _, _ = io.WriteString(out, "ping!"+long) }()
	got := make([]byte, 10+len(long))
	if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != "firstping!"+long {
		t.Fatalf("%.40q, %v", got, err)
	}
	_ = out.Close()
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	head, _ := up.last()
	for _, want := range []string{"GET /ws?room=1 HTTP/1.1\r\n", "\r\nUpgrade: websocket\r\n", "\r\nSec-Websocket-Key: "} {
		if !strings.Contains(head, want) {
			t.Errorf("%q is not in %q", want, head)
		}
	}
	id := res.Header.Get("X-Journey")
	if s := h.await(t, "journey", func(s traceSnapshot) bool { return s.ID.String() == id }); s.Status != http.StatusOK || s.Reason.Code() != "" {
		t.Errorf("%+v", s)
	}
}

// h2c is an upstream that speaks HTTP/2 without TLS.
func h2c(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	ln := listen(t)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	s := &http.Server{Handler: handler, Protocols: protocols, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return "h2c://" + ln.Addr().String()
}

func TestProxy_BlamesUpstreamsOfHTTP2(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	url := h2c(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/hangs":
			<-r.Context().Done()
		case "/resets":
			panic(http.ErrAbortHandler)
		case "/stops":
			_, _ = io.WriteString(w, "part")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "/breaks":
			_, _ = io.WriteString(w, "part")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	p := at(url)
	p.FirstByte, p.IdleStream = 2*time.Second, 2*time.Second
	h := open(t, p)
	each(t, h, func(t *testing.T, c *http.Client, base string) {
		for path, want := range map[string]struct {
			status int
			reason string
			times  int64
		}{
			"/hangs":  {504, "proxy.first_byte_timeout", 1},
			"/resets": {502, "proxy.reset", 3},
			"/stops":  {0, "proxy.idle_timeout", 1},
			"/breaks": {0, "proxy.reset", 1},
		} {
			before := asked.Load()
			a := h.do(t, c, http.MethodGet, base+path, nil)
			if cut := a.err != nil; cut != (want.status == 0) || !cut && a.StatusCode != want.status {
				t.Errorf("%s: %+v", path, a)
				continue
			}
			if s := h.journey(t, a); s.Reason.Code() != want.reason {
				t.Errorf("%s: reason %q", path, s.Reason.Code())
			}
			if n := asked.Load() - before; n != want.times {
				t.Errorf("%s: arrived %d times", path, n)
			}
		}
	})
}

// A body that stalls after an upstream has begun to answer is bounded together with that answer, by timeouts.idle.
func TestProxy_EndsACallThatIsSilentBothWays(t *testing.T) {
	t.Parallel()
	up := upstream(t, func(c *conn) {
		if r, _ := c.head(); r != nil {
			c.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
			_, _ = io.Copy(io.Discard, c.in)
		}
	})
	for protocol, find := range map[string]func(t *testing.T, h *house, packets string) http.RoundTripper{"h2": transport2, "h3": transport3} {
		t.Run(protocol, func(t *testing.T) {
			packets := ""
			p := at(up.url)
			p.IdleStream = 300 * time.Millisecond
			h := open(t, p, withPackets(t, &packets))
			in, out := io.Pipe()
			defer out.Close()
			go func() { _, _ = io.WriteString(out, "some") }()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.localhost/call", in)
			if err != nil {
				t.Fatal(err)
			}
			res, err := find(t, h, packets).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if b, err := io.ReadAll(res.Body); err == nil || string(b) != "first" {
				t.Errorf("%q, %v", b, err)
			}
			h.await(t, "journey", func(s traceSnapshot) bool { return s.Path == "/call" && s.Reason.Code() == "proxy.idle_timeout" })
		})
	}
}
