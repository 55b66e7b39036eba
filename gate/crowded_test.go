package gate_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// A rate counts requests of all protocols together, and refuses them over each in the same way.
func TestGate_RatesCountAllProtocolsTogether(t *testing.T) {
	t.Parallel()
	h, addr := openQUIC(t, ok, withLimits(nil))
	places := sites(h.routes)[:2]
	for i, count := range []int{3, 2} { // three protocols lead to the first, two to the second
		places[i].Limits.Requests = []config.Rate{hourly(count, config.PerClient)}
	}
	declare(t, h, ok, places...)
	doors := h.protocols(t, addr)
	for protocol, d := range doors {
		if a := h.do(t, d.client, http.MethodGet, d.url+"/api/x", nil); a.StatusCode != 200 || a.Header.Get("RateLimit") == "" {
			t.Errorf("%s: %s %v", protocol, a.Status, a.Header)
		}
	}
	for protocol, d := range doors {
		a := h.do(t, d.client, http.MethodGet, d.url+"/api/x", nil)
		problem(t, a, 429, "limit.rate")
		if a.Header.Get("Retry-After") == "" || !strings.Contains(a.Header.Get("RateLimit"), ";r=0;") {
			t.Errorf("%s: %v", protocol, a.Header)
		}
		if s := h.journey(t, a.Header.Get("X-Journey")); s.Reason.Code() != "limit.rate" || s.Proto != a.Proto {
			t.Errorf("%s: %+v", protocol, s)
		}
	}
}

// knock connects as a client of each protocol, and returns what came of it: "" is a connection that can be used.
func (h *house) knock(t *testing.T, addr string, enter func(addr string) net.Conn) map[string]string {
	t.Helper()
	got := map[string]string{"h1 plain": alive(t, enter(h.plain))}
	for protocol, name := range map[string]string{"h1 TLS": "http/1.1", "h2": "h2"} {
		c := tls.Client(enter(h.secure), &tls.Config{ServerName: "gallery.localhost", RootCAs: h.roots, NextProtos: []string{name}})
		if err := c.HandshakeContext(t.Context()); err != nil {
			got[protocol] = err.Error()
		}
	}
	c, err := quic.DialAddr(t.Context(), addr, &tls.Config{RootCAs: h.roots, ServerName: "gallery.localhost", NextProtos: []string{"h3"}}, nil)
	if err != nil {
		got["h3"] = err.Error()
	} else {
		_ = c.CloseWithError(0, "")
	}
	return got
}

// refused checks that no protocol had a place, and that it was said before anything was done for it.
func refused(t *testing.T, got map[string]string) {
	t.Helper()
	if got["h1 plain"] != "HTTP/1.1 503 Service Unavailable" {
		t.Errorf("h1 plain: %q", got["h1 plain"])
	}
	for _, protocol := range []string{"h1 TLS", "h2"} {
		if !strings.Contains(got[protocol], "EOF") && !strings.Contains(got[protocol], "reset") {
			t.Errorf("%s: %q", protocol, got[protocol])
		}
	}
	if !strings.Contains(got["h3"], "CONNECTION_REFUSED") {
		t.Errorf("h3: %q", got["h3"])
	}
}

// Connections of all protocols are counted together: whoever took the last place, there is none for another.
func TestGate_BoundsConnectionsOverAllProtocols(t *testing.T) {
	t.Parallel()
	h, addr := openQUIC(t, ok, func(o *gate.Options) { o.Peers.Connections = 3 })
	direct := func(addr string) net.Conn { return dial(t, addr) }
	held := direct(h.plain)
	if got := alive(t, held); got != "HTTP/1.1 200 OK" {
		t.Fatal(got)
	}
	h.attack(t)
	third := h.quicConn(t, addr)
	refused(t, h.knock(t, addr, direct))
	h.await(t, "journey of a connection", func(s trace.Snapshot) bool { return s.Reason.Code() == "connection.too_many" })
	if got := alive(t, held); got != "HTTP/1.1 200 OK" {
		t.Errorf("who has a place loses it: %s", got)
	}
	_ = third.CloseWithError(0, "") // gives its place back to any protocol
	h.await(t, "place for another one", func(trace.Snapshot) bool { return alive(t, direct(h.plain)) == "HTTP/1.1 200 OK" })
}

// elsewhere is a socket whose packets all come from another address than this machine's, which no limit per client counts.
type elsewhere struct {
	net.PacketConn

	addr net.IP
}

func (e elsewhere) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := e.PacketConn.ReadFrom(p)
	if a, ok := from.(*net.UDPAddr); ok {
		from = &net.UDPAddr{IP: e.addr, Port: a.Port}
	}
	return n, from, err
}

func (e elsewhere) WriteTo(p []byte, to net.Addr) (int, error) {
	if a, ok := to.(*net.UDPAddr); ok {
		to = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: a.Port}
	}
	return e.PacketConn.WriteTo(p, to)
}

// So are those of one client.
func TestGate_BoundsConnectionsOfAClientOverAllProtocols(t *testing.T) {
	t.Parallel()
	const client = "203.0.113.9"
	var addr string
	h := open(t, ok, proxied, withQUIC(t, &addr), func(o *gate.Options) {
		o.Peers.Connections = 50
		o.Packets = elsewhere{o.Packets, net.ParseIP(client)}
	})
	enter := func(addr string) net.Conn { return through(t, addr, client) }
	held := enter(h.plain)
	if got := alive(t, held); got != "HTTP/1.1 200 OK" {
		t.Fatal(got)
	}
	second := tls.Client(enter(h.secure), &tls.Config{ServerName: "gallery.localhost", RootCAs: h.roots, NextProtos: []string{"h2"}})
	if err := second.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	third := h.quicConn(t, addr)
	refused(t, h.knock(t, addr, enter))
	s := h.await(t, "journey of a connection", func(s trace.Snapshot) bool { return s.Reason.Code() == "connection.too_many_of_client" })
	if s.Client.String() != client {
		t.Errorf("%+v", s)
	}
	if got := alive(t, through(t, h.plain, "203.0.113.10")); got != "HTTP/1.1 200 OK" {
		t.Errorf("another client: %s", got)
	}
	_ = third.CloseWithError(0, "") // gives its place back to any protocol
	h.await(t, "place for another one", func(trace.Snapshot) bool { return alive(t, enter(h.plain)) == "HTTP/1.1 200 OK" })
}

// A connection on which nothing is asked is closed after its time, over each protocol, and in good order. That the other end
// shows that it is there, by PINGs, is no request.
func TestGate_ClosesIdleConnectionsOfAllProtocols(t *testing.T) {
	t.Parallel()
	h, addr := openQUIC(t, ok, func(o *gate.Options) { o.Times.Idle = 2 * time.Second })
	secure := tls.Client(dial(t, h.secure), &tls.Config{ServerName: "gallery.localhost", RootCAs: h.roots})
	for host, c := range map[string]net.Conn{"open.localhost": dial(t, h.plain), "gallery.localhost": secure} {
		send(t, c, "GET /api/x HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		in := bufio.NewReader(c)
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("h1 %s: %v", host, err)
		}
	}

	a := h.attack(t)
	if _, err := a.request("GET", true); err != nil {
		t.Fatal(err)
	}
	if code, ok := <-a.goAway; !ok || code != 0 {
		t.Errorf("h2: %v %v", ok, code)
	}

	c, err := quic.DialAddr(t.Context(), addr, &tls.Config{RootCAs: h.roots, ServerName: "gallery.localhost", NextProtos: []string{"h3"}},
		&quic.Config{KeepAlivePeriod: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseWithError(0, "") }()
	s, err := c.OpenStreamSync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.Write(headers3(t, ":method", "GET", ":scheme", "https", ":authority", "gallery.localhost", ":path", "/api/x"))
	_ = s.Close()
	if b, err := io.ReadAll(s); err != nil || len(b) == 0 {
		t.Errorf("h3: %q, %v", b, err)
	}
	select {
	case <-c.Context().Done():
	case <-time.After(time.Minute):
		t.Fatal("h3: it is still open")
	}
	if e, ok := errors.AsType[*quic.ApplicationError](context.Cause(c.Context())); !ok || !e.Remote || e.ErrorCode != quic.ApplicationErrorCode(http3.ErrCodeNoError) {
		t.Errorf("h3: %v", context.Cause(c.Context()))
	}
}
