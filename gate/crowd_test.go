package gate_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// proxied makes a gate that is behind a proxy on this machine, which speaks the PROXY protocol.
func proxied(o *gate.Options) {
	o.Peers = gate.Peers{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, ProxyProtocol: true, PerClient: 3, Connections: 6}
}

// through opens a connection of a client behind the proxy.
func through(t *testing.T, addr, client string) net.Conn {
	t.Helper()
	c := dial(t, addr)
	family, to := "TCP4", "10.0.0.1"
	if strings.Contains(client, ":") {
		family, to = "TCP6", "2001:db8::1"
	}
	send(t, c, "PROXY "+family+" "+client+" "+to+" 4711 443\r\n")
	return c
}

// alive reports whether a connection is served: the first line of its answer.
func alive(t *testing.T, c net.Conn) string {
	t.Helper()
	if _, err := io.WriteString(c, "GET /x HTTP/1.1\r\nHost: open.localhost\r\n\r\n"); err != nil {
		return err.Error()
	}
	buf := make([]byte, 1024)
	n, err := c.Read(buf)
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(string(buf[:n]), "\r\n")
	return line
}

func TestCrowd_BoundsTheConnectionsOfOneClient(t *testing.T) {
	t.Parallel()
	h := open(t, ok, proxied)
	var held []net.Conn
	for range 3 {
		c := through(t, h.plain, "203.0.113.9")
		if got := alive(t, c); got != "HTTP/1.1 200 OK" {
			t.Fatal(got)
		}
		held = append(held, c)
	}
	got := raw(t, h.plain, "PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\nGET /x HTTP/1.1\r\nHost: open.localhost\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 503") || !strings.Contains(got, "connection.too_many_of_client") || !strings.Contains(got, "Retry-After: 1") {
		t.Errorf("%q", got)
	}
	s := h.await(t, "journey of the connection", func(s trace.Snapshot) bool { return s.Reason.Code() == "connection.too_many_of_client" })
	if s.Kind != trace.Connection || s.Client.String() != "203.0.113.9" || s.Decided != 0 || s.Hops[0].Layer != trace.TCP {
		t.Errorf("%+v", s)
	}
	if !strings.Contains(h.log.String(), "connections are turned away") {
		t.Error(h.log.String())
	}
	if got := alive(t, through(t, h.plain, "203.0.113.10")); got != "HTTP/1.1 200 OK" {
		t.Errorf("another client: %s", got)
	}
	_ = held[0].Close()
	h.await(t, "place for another one", func(trace.Snapshot) bool { return alive(t, through(t, h.plain, "203.0.113.9")) == "HTTP/1.1 200 OK" })
}

func TestCrowd_CountsANetworkOfIPv6AsOneClient(t *testing.T) {
	t.Parallel()
	h := open(t, ok, proxied)
	for _, c := range []struct{ client, want string }{
		{"2001:db8:0:1::1", "HTTP/1.1 200 OK"},
		{"2001:db8:0:1::2", "HTTP/1.1 200 OK"},
		{"2001:db8:0:1:ffff::3", "HTTP/1.1 200 OK"},
		{"2001:db8:0:1::4", "HTTP/1.1 503 Service Unavailable"},
		{"2001:db8:0:2::1", "HTTP/1.1 200 OK"},
	} {
		if got := alive(t, through(t, h.plain, c.client)); got != c.want {
			t.Errorf("%s: %s", c.client, got)
		}
	}
}

func TestCrowd_BoundsAllConnectionsAndClosesBeforeTheHandshake(t *testing.T) {
	t.Parallel()
	h := open(t, ok, func(o *gate.Options) { o.Peers.Connections = 2 })
	config := &tls.Config{ServerName: "gallery.localhost", RootCAs: h.roots, NextProtos: []string{"h2"}}
	first := dial(t, h.plain)
	if got := alive(t, first); got != "HTTP/1.1 200 OK" {
		t.Fatal(got)
	}
	second := tls.Client(dial(t, h.secure), config)
	if err := second.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(dial(t, h.secure)); len(b) > 0 {
		t.Errorf("%q, %v: something was said before the connection was closed", b, err)
	}
	if got := raw(t, h.plain, "GET /x HTTP/1.1\r\nHost: open.localhost\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 503") || !strings.Contains(got, `"connection.too_many"`) {
		t.Errorf("%q", got)
	}
	if got := alive(t, first); got != "HTTP/1.1 200 OK" {
		t.Errorf("who has a place loses it: %s", got)
	}
	_ = second.Close() // HTTP/2 gives its place back too
	h.await(t, "place for another one", func(trace.Snapshot) bool {
		return tls.Client(dial(t, h.secure), config).HandshakeContext(t.Context()) == nil
	})
	h.gate.SwapPeers(gate.Peers{Connections: 50})
	for range 10 {
		if got := alive(t, dial(t, h.plain)); got != "HTTP/1.1 200 OK" {
			t.Fatalf("after a reload: %s", got)
		}
	}
}

func TestProxyProtocol_NamesTheClientOverBothDoors(t *testing.T) {
	t.Parallel()
	h := open(t, seen, proxied)
	got := raw(t, h.plain, "PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\nGET /x HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\nX-Forwarded-For: 8.8.8.8\r\n\r\n")
	if !strings.Contains(got, `203.0.113.9 via "", secure false`) || !strings.Contains(got, "remote 203.0.113.9:4711") {
		t.Errorf("%q", got)
	}
	got = raw(t, h.plain, "PROXY UNKNOWN\r\nGET /x HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\nX-Forwarded-For: 8.8.8.8\r\nX-Remote-User: root\r\n\r\n")
	if !strings.Contains(got, `127.0.0.1 via ""`) {
		t.Errorf("%q", got)
	}
	c := tls.Client(through(t, h.secure, "203.0.113.9"), &tls.Config{ServerName: "gallery.localhost", RootCAs: h.roots})
	send(t, c, "GET /api/ HTTP/1.1\r\nHost: gallery.localhost\r\nConnection: close\r\n\r\n")
	if b, err := io.ReadAll(c); !strings.Contains(string(b), `203.0.113.9 via "", secure true`) {
		t.Errorf("%q, %v", b, err)
	}
	if got := raw(t, h.plain, "GET /x HTTP/1.1\r\nHost: open.localhost\r\n\r\n"); got != "" {
		t.Errorf("without a header: %q", got)
	}
	s := h.await(t, "journey of the connection without a header", func(s trace.Snapshot) bool { return s.Kind == trace.Connection })
	if s.Reason.Code() != "connection.proxy_header" {
		t.Errorf("%+v", s)
	}
}

func TestProxyProtocol_ReadsNoHeaderOfAStranger(t *testing.T) {
	t.Parallel()
	h := open(t, seen, func(o *gate.Options) {
		o.Peers = gate.Peers{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, ProxyProtocol: true}
	})
	const header = "PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n"
	if got := raw(t, h.plain, header+"GET /x HTTP/1.1\r\nHost: open.localhost\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400") {
		t.Errorf("%q", got)
	}
	c := dial(t, h.secure)
	send(t, c, header)
	if err := tls.Client(c, &tls.Config{ServerName: "gallery.localhost", RootCAs: h.roots}).HandshakeContext(t.Context()); err == nil {
		t.Error("a stranger's header was read")
	}
}

func TestProxyProtocol_WaitsForAHeaderOnlySoLong(t *testing.T) {
	t.Parallel()
	h := open(t, seen, proxied, func(o *gate.Options) { o.Times.Header = 200 * time.Millisecond })
	for name, begin := range map[string]string{"nothing": "", "half a line": "PROXY TCP4 203.0.", "half a binary one": "\r\n\r\n\x00\r\nQUIT\n\x21"} {
		for _, addr := range []string{h.plain, h.secure} {
			c := dial(t, addr)
			send(t, c, begin)
			if b, err := io.ReadAll(c); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("%s: %q, %v", name, b, err)
			}
		}
	}
}
