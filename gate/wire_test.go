package gate_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func TestWire_AnswersPlainHTTPOnTheTLSPort(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	got := raw(t, h.secure, "GET / HTTP/1.1\r\nHost: gallery.localhost\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 400") || !strings.Contains(got, "https://") {
		t.Errorf("%q", got)
	}
	s := h.await(t, "connection journey", func(s trace.Snapshot) bool { return s.Kind == trace.Connection })
	if s.Reason.Code() != "tls.plaintext_on_tls_port" || s.Client.String() != "127.0.0.1" {
		t.Errorf("%+v", s)
	}
}

func TestWire_RecordsHandshakesThatFail(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	for _, c := range []struct {
		config *tls.Config
		alert  string
		reason string
	}{
		{&tls.Config{ServerName: "other.example", RootCAs: h.roots}, "unrecognized name", "tls.no_certificate_for_name"},
		{&tls.Config{ServerName: "open.localhost", RootCAs: h.roots}, "unrecognized name", "tls.no_certificate_for_name"},
		{&tls.Config{ServerName: "gallery.localhost"}, "unknown authority", "tls.client_rejected_ca"},
		{&tls.Config{ServerName: "gallery.localhost", RootCAs: h.roots, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "protocol version", "tls.version_unsupported"},
		{&tls.Config{ServerName: "gallery.localhost", RootCAs: h.roots, NextProtos: []string{"irc"}}, "no application protocol", "tls.alpn_mismatch"},
		{&tls.Config{ServerName: "gallery.localhost", RootCAs: h.roots, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}, "handshake failure", "tls.no_common_cipher"},
	} {
		err := tls.Client(dial(t, h.secure), c.config).HandshakeContext(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.alert) {
			t.Errorf("%s: %v", c.reason, err)
		}
		h.await(t, c.reason+" of "+c.config.ServerName, func(s trace.Snapshot) bool {
			return s.Kind == trace.Connection && s.Reason.Code() == c.reason && s.Host == c.config.ServerName && s.Decided == 1 &&
				s.Hops[0].Layer == trace.TCP && s.Hops[1].Layer == trace.TLS && strings.Contains(s.Hops[1].Note, "the client offered TLS 1.")
		})
	}
}

// OpenSSL's clients refuse a certificate in the clear, in the middle of a handshake of TLS 1.3: it is a word of theirs all the same.
func TestWire_HearsAlertsThatAreNotEncrypted(t *testing.T) {
	t.Parallel()
	for alert, reason := range map[byte]string{
		42: "tls.client_rejected_ca", 45: "tls.certificate_expired", 46: "tls.client_rejected_ca", 48: "tls.client_rejected_ca", 80: "tls.handshake_failed",
	} {
		h := open(t, ok)
		c := &refusing{Conn: dial(t, h.secure), alert: alert}
		client := tls.Client(c, &tls.Config{ServerName: "gallery.localhost", RootCAs: h.roots, MinVersion: tls.VersionTLS13})
		_ = client.HandshakeContext(t.Context()) // all is well for this client, whose last words were changed on their way
		s := h.await(t, reason, func(s trace.Snapshot) bool { return s.Kind == trace.Connection && s.Reason != trace.None })
		if s.Reason.Code() != reason || !strings.Contains(s.Hops[1].Note, tls.AlertError(alert).Error()) {
			t.Errorf("alert %d: %s, %q", alert, s.Reason.Code(), s.Hops[1].Note)
		}
	}
}

// refusing is a connection whose client answers the server's part of the handshake with an alert in the clear.
type refusing struct {
	net.Conn

	alert byte
	wrote bool
}

func (r *refusing) Write(p []byte) (int, error) {
	if !r.wrote {
		r.wrote = true
		return r.Conn.Write(p)
	}
	_, err := r.Conn.Write([]byte{21, 3, 3, 0, 2, 2, r.alert})
	return len(p), err
}

// A connection has a journey of its own, and its requests lead back to it.
func TestGate_RequestsLeadBackToTheirConnection(t *testing.T) {
	t.Parallel()
	h, addr := openQUIC(t, ok)
	for protocol, d := range h.protocols(t, addr) {
		var over trace.ID
		for i := range 2 { // on the same connection
			a := h.do(t, d.client, http.MethodGet, d.url+"/api/x", nil)
			s := h.journey(t, a.Header.Get("X-Journey"))
			if len(s.Links) != 1 || s.Links[0].Role != trace.Over || s.Links[0].Evidence != trace.Seen || i == 1 && s.Links[0].ID != over {
				t.Fatalf("%s: request %d has the links %v, the first one %v", protocol, i, s.Links, over)
			}
			over = s.Links[0].ID
		}
		c := h.await(t, "connection "+protocol, func(s trace.Snapshot) bool { return s.ID == over })
		if c.Kind != trace.Connection || c.Client.String() != "127.0.0.1" || c.Decided != -1 || len(c.Hops) == 0 {
			t.Errorf("%s: %+v", protocol, c)
		}
		last := c.Hops[len(c.Hops)-1]
		if c.Hops[0].N[0] == 0 {
			t.Errorf("%s: the client's port is not known: %+v", protocol, c.Hops[0])
		}
		if strings.HasPrefix(d.url, "https") && (last.Layer != trace.TLS || last.Took <= 0 || !strings.Contains(last.Note, ", certificate good for 89 days")) {
			t.Errorf("%s: %+v", protocol, last)
		}
	}
}

func TestWire_ClosesSlowConnections(t *testing.T) {
	t.Parallel()
	h := open(t, ok, func(o *gate.Options) { o.Times.Header = 100 * time.Millisecond })
	for name, c := range map[string]struct{ addr, start string }{
		"no handshake":   {h.secure, ""},
		"half handshake": {h.secure, "\x16\x03\x01\x02\x00\x01"},
		"no request":     {h.plain, ""},
		"half a head":    {h.plain, "GET / HTTP/1.1\r\nHost: open.localhost\r\nX: "},
	} {
		conn := dial(t, c.addr)
		send(t, conn, c.start)
		if _, err := io.ReadAll(conn); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: still open: %v", name, err)
		}
	}
}

func TestWire_EndsABodyThatStalls(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		e := roundtrip.AsError(err)
		w.WriteHeader(e.HTTPStatus())
		_, _ = io.WriteString(w, e.Reason)
	}, func(o *gate.Options) { o.Times.Stall = 2 * time.Second })
	c := dial(t, h.plain)
	send(t, c, "POST / HTTP/1.1\r\nHost: open.localhost\r\nContent-Length: 20000\r\n\r\n")
	for range 40 { // a little at a time keeps it alive, for longer than a stall may last
		send(t, c, strings.Repeat("x", 40))
		time.Sleep(80 * time.Millisecond) // the pace of the client, not a wait for something
	}
	b, _ := io.ReadAll(c)
	got := string(b)
	if !strings.HasPrefix(got, "HTTP/1.1 408") || !strings.HasSuffix(got, "request.timeout") || !strings.Contains(got, "Connection: close") {
		t.Errorf("%q", got)
	}
	h.await(t, "journey of the stalled body", func(s trace.Snapshot) bool { return s.Reason.Code() == "request.timeout" && s.Status == 408 })
}

func TestWire_EndsADownloadThatNobodyReads(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		big := make([]byte, 1<<20)
		for range 200 {
			if _, err := w.Write(big); err != nil {
				return
			}
		}
		t.Error("200 MB went nowhere")
	}, func(o *gate.Options) { o.Times.Stall = 200 * time.Millisecond })
	c := dial(t, h.plain)
	send(t, c, "GET /big HTTP/1.1\r\nHost: open.localhost\r\n\r\n")
	s := h.await(t, "journey of the download", func(s trace.Snapshot) bool { return s.Path == "/big" })
	if s.Reason.Code() != "client.aborted" || s.Status != 200 || s.Bytes == 0 {
		t.Errorf("%d %s, %d bytes", s.Status, s.Reason.Code(), s.Bytes)
	}
}

func TestWire_LetsAHandlerTakeItsTimeAfterTheBody(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || string(b) != "hello" {
			t.Errorf("%q, %v", b, err)
		}
		select { // longer than a stall may last
		case <-r.Context().Done():
			t.Error("the request was ended while the handler worked")
		case <-time.After(3500 * time.Millisecond):
		}
		_, _ = w.Write(b)
	}, func(o *gate.Options) { o.Times.Stall = 2 * time.Second }) // for machines that stand still before they read the body
	var both sync.WaitGroup
	for _, h2 := range []bool{true, false} {
		both.Go(func() {
			a, err := h.try(t, h.client(t, h2), http.MethodPost, "https://gallery.localhost/api/", strings.NewReader("hello"))
			if err != nil || a.StatusCode != 200 || a.body != "hello" {
				t.Errorf("HTTP/2 %v: %+v, %v", h2, a, err)
			}
		})
	}
	both.Wait()
}

func TestWire_DoesNotWaitForABodyThatNobodyReads(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	c := dial(t, h.plain)
	send(t, c, "POST /x HTTP/1.1\r\nHost: open.localhost\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n")
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 401") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestWire_BoundsTheHead(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	for name, c := range map[string]struct{ head, status string }{
		"long":     {"X: " + strings.Repeat("a", 20<<10) + "\r\n", "431"},
		"many":     {strings.Repeat("X-A: b\r\n", 120), "431"},
		"enough":   {strings.Repeat("X-A: b\r\n", 90), "200"},
		"full":     {"X: " + strings.Repeat("a", 10<<10) + "\r\n", "200"},
		"long url": {"", "200"},
	} {
		target := "/"
		if name == "long url" {
			target = "/" + strings.Repeat("a", 8<<10)
		}
		got := raw(t, h.plain, "GET "+target+" HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\n"+c.head+"\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 "+c.status) {
			t.Errorf("%s: %.80q, want %s", name, got, c.status)
		}
		if c.status == "431" && (!strings.Contains(got, `"reason":"request.headers_too_large"`) || !strings.Contains(got, "\r\nX-Journey: ")) {
			t.Errorf("%s: %q", name, got)
		}
	}
	a := h.do(t, h.client(t, true), http.MethodGet, "https://gallery.localhost/api/", nil, many(120)...)
	problem(t, a, 431, "request.headers_too_large")
}

func many(n int) []string {
	var list []string
	for range n {
		list = append(list, "X-Many", "1")
	}
	return list
}

func TestWire_SendsFilesWholeOverBothProtocols(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB: more than one piece
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/writer":
			_, _ = io.WriteString(w, big)
		case "/api/bytes":
			_, _ = w.Write([]byte(big))
		case "/api/reader":
			_, _ = io.Copy(w, io.MultiReader(strings.NewReader(big[:100]), strings.NewReader(big[100:])))
		}
	})
	write(t, h.routes+"/big.txt", big)
	for _, h2 := range []bool{true, false} {
		for _, path := range []string{"/big.txt", "/api/writer", "/api/bytes", "/api/reader"} {
			a := h.do(t, h.client(t, h2), http.MethodGet, "https://gallery.localhost"+path, nil)
			if a.StatusCode != 200 || a.body != big {
				t.Errorf("%s %s: %s, %d bytes", a.Proto, path, a.Status, len(a.body))
			}
			if s := h.journey(t, a.Header.Get("X-Journey")); s.Bytes != int64(len(big)) || s.Reason != trace.None {
				t.Errorf("%s: %d bytes, %s", path, s.Bytes, s.Reason.Code())
			}
		}
	}
	if a := h.get(t, "http://quiet.localhost/docs/big.txt", "Range", "bytes=5-9"); a.StatusCode != 206 || a.body != "56789" {
		t.Errorf("range: %s %q", a.Status, a.body)
	}
	if a := h.get(t, "http://quiet.localhost/docs/big.txt"); a.body != big {
		t.Errorf("sendfile: %d bytes", len(a.body))
	}
	if a := h.get(t, "https://gallery.localhost/none.js"); a.StatusCode != 404 {
		t.Errorf("%s", a.Status)
	} else if s := h.journey(t, a.Header.Get("X-Journey")); s.Reason.Code() != "static.not_found" || s.Hops[s.Decided].Layer != trace.Static {
		t.Errorf("%+v", s)
	}
}

func TestWire_LetsAHandlerTakeItsTimeBetweenTwoWrites(t *testing.T) {
	t.Parallel()
	part := strings.Repeat("x", 10_000)
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, part)
			if r.URL.Path == "/api/flush" {
				w.(http.Flusher).Flush()
			}
			select { // longer than a stall may last
			case <-r.Context().Done():
				t.Error("the request was ended while the handler worked")
			case <-time.After(1600 * time.Millisecond):
			}
		}
		_, _ = io.WriteString(w, "end")
	}, func(o *gate.Options) { o.Times.Stall = time.Second })
	var all sync.WaitGroup
	for _, h2 := range []bool{true, false} {
		for _, path := range []string{"flush", "buffer"} {
			all.Go(func() {
				a, err := h.try(t, h.client(t, h2), http.MethodGet, "https://gallery.localhost/api/"+path, nil)
				if err != nil || a.StatusCode != 200 || a.body != part+part+part+"end" {
					t.Errorf("HTTP/2 %v, %s: %d bytes, %v", h2, path, len(a.body), err)
				}
			})
		}
	}
	all.Wait()
}

func TestWire_ContinuesOnAConnectionThatWasIdle(t *testing.T) {
	t.Parallel()
	h := open(t, reads, func(o *gate.Options) { o.Times.Stall = 2 * time.Second })
	c := dial(t, h.plain)
	in := bufio.NewReader(c)
	for again := range 2 {
		if again > 0 {
			time.Sleep(3500 * time.Millisecond) // idle for longer than the deadline that was set
		}
		send(t, c, "POST /x HTTP/1.1\r\nHost: open.localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
		line, err := in.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
			t.Fatalf("%q, %v", line, err)
		}
		if line, err = in.ReadString('\n'); err != nil || line != "\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
		send(t, c, "hello")
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != 200 {
			t.Fatal(res.Status)
		}
	}
}

// What net/http says of its own to a head that it can't read goes out under no deadline of an answer before it.
func TestWire_RefusesHeadsOnAConnectionThatWasIdle(t *testing.T) {
	t.Parallel()
	h := open(t, ok, func(o *gate.Options) { o.Times.Stall = time.Second })
	for name, d := range h.doors(t) {
		c := d.dial()
		send(t, c, "GET /api/x HTTP/1.1\r\nHost: "+d.host+"\r\nContent-Length: 5\r\n\r\nhello")
		in := bufio.NewReader(c)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		time.Sleep(1600 * time.Millisecond) // idle for longer than the deadline that was set
		send(t, c, "GET /api/x HTTP/1.1\r\nHost: "+d.host+"\r\n: no name\r\n\r\n")
		if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 400") {
			t.Errorf("%s: %q, %v", name, line, err)
		}
	}
}

// A connection of HTTP/2 may rest for far longer than a write may take: the deadline that an answer left behind ends nothing.
func TestWire_KeepsAConnectionOfHTTP2ThatWasIdle(t *testing.T) {
	t.Parallel()
	h := open(t, ok, func(o *gate.Options) { o.Times.Stall = time.Second })
	c := h.client(t, true)
	for i := range 3 {
		if i > 0 {
			time.Sleep(2 * time.Second) // idle for longer than the deadline that was set, and than half as long again
		}
		reused := false
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }})
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://gallery.localhost/api/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 || reused != (i > 0) {
			t.Errorf("request %d: %s, %v, on a connection that was used before: %t", i, res.Status, err, reused)
		}
		_ = res.Body.Close()
	}
}

func TestWire_EndsAStreamThatNobodyReads(t *testing.T) {
	t.Parallel()
	big := make([]byte, 32<<20)
	h := open(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(big) },
		func(o *gate.Options) { o.Times.Stall = 200 * time.Millisecond })
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://gallery.localhost/api/unread", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := h.client(t, true).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	s := h.await(t, "journey of the stream", func(s trace.Snapshot) bool { return s.Path == "/api/unread" })
	if s.Reason.Code() != "client.aborted" || s.Bytes >= int64(len(big)) {
		t.Errorf("%s after %d bytes", s.Reason.Code(), s.Bytes)
	}
}
