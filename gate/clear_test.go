package gate_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// clientClear speaks HTTP/2 without TLS, from the first byte on.
func (h *house) clientClear(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, h.plain)
		},
		Protocols: &http.Protocols{},
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestGate_ServesHTTP2WithoutTLS(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Sum")
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("Sum", r.Proto)
	})
	c := h.clientClear(t)
	a := h.do(t, c, http.MethodPost, "http://open.localhost/x", strings.NewReader("there and back"))
	if a.ProtoMajor != 2 || a.StatusCode != 200 || a.body != "there and back" || a.Trailer.Get("Sum") != "HTTP/2.0" {
		t.Errorf("%s %s %q %v", a.Proto, a.Status, a.body, a.Trailer)
	}
	s := h.journey(t, a.Header.Get("X-Journey"))
	if s.Proto != "HTTP/2.0" || s.Client.String() != "127.0.0.1" || len(s.Links) != 1 || s.Links[0].Role != trace.Over {
		t.Errorf("%+v", s)
	}
	over := h.journey(t, s.Links[0].ID.String())
	if over.Kind != trace.Connection || over.Proto != "h2c" || over.Hops[0].Layer != trace.TCP {
		t.Errorf("%+v", over)
	}
	a = h.do(t, c, http.MethodGet, "http://gallery.localhost/a?b=c", nil)
	if a.StatusCode != 308 || a.ProtoMajor != 2 || a.Header.Get("Location") != "https://gallery.localhost:8443/a?b=c" {
		t.Errorf("%s %v", a.Status, a.Header)
	}
}

// Who the client of a connection is, and whether it may come, is decided before what it speaks.
func TestGate_KnowsTheClientsOfHTTP2WithoutTLS(t *testing.T) {
	t.Parallel()
	h := open(t, seen, proxied)
	ask := func(client string) (string, error) {
		c := through(t, h.plain, client)
		tr := &http2.Transport{AllowHTTP: true}
		conn, err := tr.NewClientConn(c)
		if err != nil {
			return "", err
		}
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://open.localhost/x", nil)
		r.Header.Set("X-Forwarded-For", "8.8.8.8")
		res, err := conn.RoundTrip(r)
		if err != nil {
			return "", err
		}
		b, err := io.ReadAll(res.Body)
		return string(b), err
	}
	for range 3 {
		if got, err := ask("203.0.113.9"); err != nil || !strings.Contains(got, `203.0.113.9 via "", secure false`) {
			t.Errorf("%q, %v", got, err)
		}
	}
	if got, err := ask("203.0.113.9"); err == nil {
		t.Errorf("a fourth connection of the same client: %q", got)
	}
	h.await(t, "journey of the connection", func(s trace.Snapshot) bool { return s.Reason.Code() == "connection.too_many_of_client" })
	if got, err := ask("203.0.113.10"); err != nil {
		t.Errorf("another client: %q, %v", got, err)
	}
}

// A proxy in front of the gate may speak HTTP/2 without TLS to it, and is believed as it is over HTTP/1.
func TestGate_BelievesAProxyOverHTTP2WithoutTLS(t *testing.T) {
	t.Parallel()
	h := open(t, seen, func(o *gate.Options) {
		o.Peers = gate.Peers{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	})
	a := h.do(t, h.clientClear(t), http.MethodGet, "http://gallery.localhost/api/x", nil, "X-Forwarded-For", "203.0.113.7", "X-Forwarded-Proto", "https")
	if a.StatusCode != 200 || !strings.Contains(a.body, `203.0.113.7 via "`) || !strings.Contains(a.body, "secure true") {
		t.Errorf("%s %q", a.Status, a.body)
	}
}

// A client has as long for its first words as for a head, whatever they begin like.
func TestGate_WaitsForAPrefaceOnlySoLong(t *testing.T) {
	t.Parallel()
	h := open(t, ok, func(o *gate.Options) { o.Times.Header = 200 * time.Millisecond })
	for _, said := range []string{"", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x04\x04"} {
		c := dial(t, h.plain)
		send(t, c, said)
		if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%q: %v", said, err)
		}
	}
	patient := open(t, ok) // what comes slowly is waited for
	for said, want := range map[string]string{
		"GET /x HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\n\r\n": "HTTP/1.1 200", "PRIVATE /x HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\n\r\n": "HTTP/1.1 200",
		"PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\n": "HTTP/1.1 400", "PRI * HTTP/1.1\r\nHost: open.localhost\r\n\r\n": "HTTP/1.1 400",
	} {
		for _, piece := range []int{1, len(said)} {
			if piece == 1 && want != "HTTP/1.1 200" {
				continue // the connection may be closed while more is sent, and the answer lost
			}
			c := dial(t, patient.plain)
			for rest := said; rest != ""; {
				n := min(piece, len(rest))
				send(t, c, rest[:n])
				rest = rest[n:]
			}
			if b, err := io.ReadAll(c); !strings.HasPrefix(string(b), want) {
				t.Errorf("%q in pieces of %d: %q, %v", said, piece, b, err)
			}
		}
	}
}

// When the gate stops, a connection of HTTP/2 without TLS is told so, its running request ends well, and one that rests ends too.
func TestGate_DrainsHTTP2WithoutTLS(t *testing.T) {
	t.Parallel()
	begun, leave := make(chan struct{}), make(chan struct{})
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		close(begun)
		<-leave
		_, _ = io.WriteString(w, "whole")
	})
	resting := h.attackClear(t)
	if _, err := resting.request(http.MethodGet, true); err != nil {
		t.Fatal(err)
	}
	h.await(t, "journey of the redirect", func(s trace.Snapshot) bool { return s.Status == http.StatusPermanentRedirect })
	type result struct {
		body string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://open.localhost/x", nil)
		res, err := h.clientClear(t).Do(r)
		if err != nil {
			done <- result{"", err}
			return
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		done <- result{string(b), err}
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- h.stop() }()
	if code, told := <-resting.goAway; !told || code != http2.ErrCodeNo {
		t.Errorf("GOAWAY %v, %v", code, told)
	}
	close(leave)
	if got := <-done; got.body != "whole" || got.err != nil {
		t.Errorf("%+v", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
