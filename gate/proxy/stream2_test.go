package proxy_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// A WebSocket that is opened over a stream of HTTP/2 (RFC 8441) is one of HTTP/1.1 to the upstream.
func TestProxy_CarriesSocketsOfStreams(t *testing.T) {
	t.Parallel()
	up := upstream(t, func(c *conn) {
		if c.request() != "" {
			c.say(switching + "first")
			_, _ = io.Copy(c, c.in) // echo
		}
	})
	h := open(t, at(up.url))
	transport := &http2.Transport{
		DialTLSContext: func(ctx context.Context, network, _ string, c *tls.Config) (net.Conn, error) {
			return (&tls.Dialer{Config: c}).DialContext(ctx, network, h.secure)
		},
		TLSClientConfig: &tls.Config{RootCAs: h.roots},
	}
	defer transport.CloseIdleConnections()
	in, out := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodConnect, "https://app.localhost/ws?room=1", in)
	if err != nil {
		t.Fatal(err)
	}
	r.Header[":protocol"] = []string{"websocket"}
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
