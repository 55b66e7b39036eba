package gate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// withQUIC gives the gate a UDP socket, whose address is put into *addr.
func withQUIC(t *testing.T, addr *string) func(*gate.Options) {
	t.Helper()
	c, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	*addr = c.LocalAddr().String()
	return func(o *gate.Options) { o.Packets = c }
}

// openQUIC is open with HTTP/3; it returns the address of that.
func openQUIC(t *testing.T, api http.HandlerFunc, change ...func(*gate.Options)) (h *house, addr string) {
	t.Helper()
	h = open(t, api, append(change, withQUIC(t, &addr))...)
	return h, addr
}

// client3 is a client of HTTP/3.
func (h *house) client3(t *testing.T, addr string, change ...func(*tls.Config)) *http.Client {
	t.Helper()
	settings := &tls.Config{RootCAs: h.roots}
	for _, f := range change {
		f(settings)
	}
	transport := &http3.Transport{
		TLSClientConfig: settings,
		Dial: func(ctx context.Context, _ string, c *tls.Config, q *quic.Config) (*quic.Conn, error) {
			return quic.DialAddr(ctx, addr, c, q)
		},
	}
	t.Cleanup(func() { _ = transport.Close() })
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestGate_ServesHTTP3(t *testing.T) {
	t.Parallel()
	h, addr := openQUIC(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.Copy(w, r.Body)
			return
		}
		ok(w, r)
	})
	c := h.client3(t, addr)
	a := h.do(t, c, http.MethodGet, "https://gallery.localhost/api/photos?x=1", nil)
	if a.StatusCode != 200 || a.ProtoMajor != 3 || a.body != `{"path":"/api/photos"}` || a.Header.Get("Alt-Svc") != "" {
		t.Errorf("%s %s %s, Alt-Svc %q", a.Proto, a.Status, a.body, a.Header.Get("Alt-Svc"))
	}
	s := h.journey(t, a.Header.Get("X-Journey"))
	if s.Proto != "HTTP/3.0" || s.Client.String() != "127.0.0.1" || len(s.Hops) < 2 || s.Hops[0].Layer != trace.TLS ||
		s.Hops[0].Note != "TLS 1.3 h3, certificate good for 89 days" || s.Hops[0].Name != "gallery.localhost" || s.Hops[0].Took <= 0 {
		t.Errorf("journey: %+v", s)
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 60<<10)
	if a := h.do(t, c, http.MethodPost, "https://gallery.localhost/api/echo", bytes.NewReader(big)); a.body != string(big) {
		t.Errorf("%s, %d bytes", a.Status, len(a.body))
	}
	if a := h.do(t, c, http.MethodGet, "https://gallery.localhost/", nil, "Accept", "text/html"); a.StatusCode != 200 || a.body != "<h1>gallery</h1>" {
		t.Errorf("a file: %s %q", a.Status, a.body)
	}
	_, port, _ := net.SplitHostPort(addr)
	for _, h2 := range []bool{true, false} {
		a := h.do(t, h.client(t, h2), http.MethodGet, "https://gallery.localhost/api/x", nil)
		if want := fmt.Sprintf(`h3=":%s"; ma=86400`, port); a.Header.Get("Alt-Svc") != want {
			t.Errorf("%s: Alt-Svc %q, want %q", a.Proto, a.Header.Get("Alt-Svc"), want)
		}
	}
	if a := h.get(t, "http://open.localhost/api/x"); a.Header.Get("Alt-Svc") != "" {
		t.Errorf("a site without TLS says Alt-Svc %q", a.Header.Get("Alt-Svc"))
	}
	quiet := open(t, ok)
	if a := quiet.get(t, "https://gallery.localhost/api/x"); a.Header.Get("Alt-Svc") != "" {
		t.Errorf("without HTTP/3: Alt-Svc %q", a.Header.Get("Alt-Svc"))
	}
}

// What fails in a handshake of QUIC has a journey as over TCP.
func TestGate_HTTP3KnowsItsNames(t *testing.T) {
	t.Parallel()
	h, addr := openQUIC(t, ok)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://other.localhost/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.client3(t, addr).Do(r); err == nil {
		t.Error("a name of no site got a certificate")
	}
	s := h.await(t, "journey of the handshake", func(s trace.Snapshot) bool { return s.Reason.Code() == "tls.no_certificate_for_name" })
	if s.Kind != trace.Connection || s.Host != "other.localhost" || s.Client.String() != "127.0.0.1" {
		t.Errorf("journey: %+v", s)
	}
	problem(t, h.do(t, h.client3(t, addr), http.MethodGet, "https://gallery.localhost/api/x", nil, "Host", "other.localhost"), 421, "route.no_host")
}

// A request that runs when the gate stops is answered; what comes then is told to ask again.
func TestGate_HTTP3Drains(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}), make(chan struct{})
	h, addr := openQUIC(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/slow" {
			close(started)
			<-release
		}
		ok(w, r)
	})
	c := h.client3(t, addr)
	var group sync.WaitGroup
	group.Go(func() {
		if a := h.do(t, c, http.MethodGet, "https://gallery.localhost/api/slow", nil); a.StatusCode != 200 {
			t.Errorf("the request that ran got %s", a.Status)
		}
	})
	<-started
	group.Go(func() {
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
	for refused := false; !refused; { // until the gate has begun to stop
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://gallery.localhost/api/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(r)
		if err == nil {
			_ = res.Body.Close()
			continue
		}
		if !strings.Contains(err.Error(), "H3_REQUEST_REJECTED") {
			t.Errorf("a request that came too late: %v", err)
		}
		refused = true
	}
	close(release)
	group.Wait()
}

// quicConn connects to the gate without speaking HTTP/3 by itself.
func (h *house) quicConn(t *testing.T, addr string) *quic.Conn {
	t.Helper()
	c, err := quic.DialAddr(t.Context(), addr, &tls.Config{RootCAs: h.roots, ServerName: "gallery.localhost", NextProtos: []string{"h3"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseWithError(0, "") })
	return c
}

// The head of a request has its time over QUIC too, and one that waits holds up nobody.
func TestGate_HTTP3HeadsHaveTheirTime(t *testing.T) {
	t.Parallel()
	h, addr := openQUIC(t, ok, func(o *gate.Options) { o.Times.Header = 2 * time.Second })
	c := h.quicConn(t, addr)
	var streams []*quic.Stream
	for range streamsMax {
		s, err := c.OpenStreamSync(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte{0x1, 0x40, 0x80, 0}); err != nil { // a HEADERS frame of 128 bytes, of which one comes
			t.Fatal(err)
		}
		streams = append(streams, s)
	}
	for _, s := range streams {
		if _, err := s.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "canceled by remote") {
			t.Fatalf("a head that does not come: %v", err)
		}
	}
	if a := h.do(t, h.client3(t, addr), http.MethodGet, "https://gallery.localhost/api/x", nil); a.StatusCode != 200 {
		t.Error(a.Status)
	}
}

// However fast a client gives up what it asked for, no more handlers run than it may have streams, and then it is cut off.
func TestGate_CutsFloodsOverHTTP3(t *testing.T) {
	t.Parallel()
	var running, most atomic.Int64
	full, release := make(chan struct{}), make(chan struct{})
	h, addr := openQUIC(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/x" {
			ok(w, r)
			return
		}
		n := running.Add(1)
		defer running.Add(-1)
		for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
		}
		if n == streamsMax {
			close(full)
		}
		<-release // whether or not the client is still there
	})
	c := h.quicConn(t, addr)
	head := headers3(t, ":method", "GET", ":scheme", "https", ":authority", "gallery.localhost", ":path", "/api/x")
	done := make(chan int)
	go func() {
		sent := 0
		for ; sent < 50_000; sent++ {
			s, err := c.OpenStreamSync(t.Context())
			if err != nil {
				break
			}
			if _, err := s.Write(head); err != nil {
				break
			}
			_ = s.Close()
			s.CancelRead(0x10c)
		}
		done <- sent
	}()
	<-full
	other := h.client3(t, addr)
	for range 20 {
		if a := h.do(t, other, http.MethodGet, "https://gallery.localhost/api/other", nil); a.StatusCode != 200 {
			t.Fatalf("another client got %s", a.Status)
		}
	}
	close(release)
	sent := <-done
	if sent == 50_000 {
		t.Fatal("all of it was taken")
	}
	s := h.await(t, "journey of the flood", func(s trace.Snapshot) bool { return s.Reason.Code() == "client.flood" })
	if s.Kind != trace.Connection || s.Host != "gallery.localhost" {
		t.Errorf("journey: %+v", s)
	}
	if most.Load() > streamsMax {
		t.Errorf("%d handlers ran at once", most.Load())
	}
}

// headers3 encodes a HEADERS frame of HTTP/3.
func headers3(t *testing.T, fields ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	e := qpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		if err := e.WriteField(qpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			t.Fatal(err)
		}
	}
	frame := quicvarint.Append([]byte{0x1}, uint64(b.Len()))
	return append(frame, b.Bytes()...)
}
