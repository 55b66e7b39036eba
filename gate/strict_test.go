package gate_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

const host = "Host: open.localhost\r\n"

// framings are heads that are refused, and ones that only look like it.
func framings() map[string]struct{ request, status string } {
	return map[string]struct{ request, status string }{
		"length and chunked":    {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		"chunked and length":    {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400"},
		"any case":              {"POST / HTTP/1.1\r\n" + host + "TRANSFER-ENCODING: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", "400"},
		"two equal lengths":     {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "400"},
		"two lengths":           {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "400"},
		"chunked in 1.0":        {"POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		"bare LF after header":  {"GET / HTTP/1.1\r\n" + host + "A: b\n\r\n", "400"},
		"bare LF as the end":    {"GET / HTTP/1.1\r\n" + host + "\n", "400"},
		"bare LF after request": {"GET / HTTP/1.1\n" + host + "\r\n", "400"},
		"bare CR":               {"GET / HTTP/1.1\r\n" + host + "A: b\rC: d\r\n\r\n", "400"},
		"folded line":           {"GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", "400"},
		"folded by tab":         {"GET / HTTP/1.1\r\n" + host + "A: b\r\n\tc\r\n\r\n", "400"},
		"space before colon":    {"GET / HTTP/1.1\r\n" + host + "A : b\r\n\r\n", "400"},
		"signed length":         {"POST / HTTP/1.1\r\n" + host + "Content-Length: +5\r\n\r\nhello", "400"},
		"no host":               {"GET / HTTP/1.1\r\n\r\n", "400"},
		"two hosts":             {"GET / HTTP/1.1\r\n" + host + host + "\r\n", "400"},
		"bad host":              {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
		"host with path":        {"GET / HTTP/1.1\r\nHost: open.localhost/x\r\n\r\n", "400"},
		"NUL in header":         {"GET / HTTP/1.1\r\n" + host + "A: b\x00\r\n\r\n", "400"},
		"foreign encoding":      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400"},
		"two encodings":         {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "400"},
		"no version":            {"GET /\r\n\r\n", "400"},
		"HTTP/2 almost":         {"PRI * HTTP/2.0\r\n\r\nSM\r\n\n\n", "400"},
		"OPTIONS *":             {"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", "400"},
		"empty line first":      {"\r\nGET / HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", "400"},
		"foreign upgrade":       {"GET / HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n", "400"},
		"HTTP/2 offered":        {"GET / HTTP/1.1\r\n" + host + "Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n", "200"},
		"chunked":               {"POST / HTTP/1.1\r\n" + host + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n", "200"},
		"length":                {"POST / HTTP/1.1\r\n" + host + "Connection: close\r\nContent-Length: 5\r\n\r\nhello", "200"},
		"body that looks bad":   {"POST / HTTP/1.1\r\n" + host + "Connection: close\r\nContent-Length: 12\r\n\r\nA: b\n c\n\n\r\rx", "200"},
		"bare LF in chunks":     {"POST / HTTP/1.1\r\n" + host + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", "400"},
	}
}

// reads answers 200 where the body could be read, else 422.
func reads(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	ok(w, r)
}

func TestStrict_RefusesWhatTwoReadersCouldReadDifferently(t *testing.T) {
	t.Parallel()
	h := open(t, reads)
	for name, c := range framings() {
		got := raw(t, h.plain, c.request)
		if !strings.HasPrefix(got, "HTTP/1.1 "+c.status) && !strings.HasPrefix(got, "HTTP/1.0 "+c.status) {
			t.Errorf("%s: %.150q, want %s", name, got, c.status)
		}
		if !strings.Contains(got, "\r\nX-Journey: ") {
			t.Errorf("%s: no X-Journey: %q", name, got)
		}
		if c.status == "400" && !strings.Contains(got, `"reason":"request.malformed"`) {
			t.Errorf("%s: no problem: %q", name, got)
		}
		if strings.Count(got, "\r\nContent-Type: ") > 1 {
			t.Errorf("%s: more than one answer: %q", name, got)
		}
	}
	s := h.await(t, "journey of a refused framing", func(s trace.Snapshot) bool { return s.Reason.Code() == "request.malformed" && s.Decided >= 0 })
	if s.Status != 400 {
		t.Errorf("%+v", s)
	}
}

func TestStrict_RefusesThemOverTLSAndByteByByte(t *testing.T) {
	t.Parallel()
	h := open(t, reads)
	for _, step := range []int{1, 7, 100_000} {
		c := tls.Client(dial(t, h.secure), &tls.Config{ServerName: "gallery.localhost", RootCAs: h.roots})
		request := "POST /api/ HTTP/1.1\r\nHost: gallery.localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
		for len(request) > 0 {
			n := min(step, len(request))
			send(t, c, request[:n])
			request = request[n:]
		}
		b, _ := io.ReadAll(c)
		if got := string(b); !strings.HasPrefix(got, "HTTP/1.1 400") || !strings.Contains(got, "Connection: close") {
			t.Errorf("in steps of %d: %q", step, got)
		}
	}
}

func TestStrict_AnswersARefusedRequestInItsTurn(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/smuggled" {
			t.Error("what follows a refused request was served")
		}
		reads(w, r)
	})
	got := raw(t, h.plain, "GET /1 HTTP/1.1\r\n"+host+"\r\n"+
		"POST /2 HTTP/1.1\r\n"+host+"Content-Length: 5\r\n\r\nhello"+
		"POST /3 HTTP/1.1\r\n"+host+"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"+
		"GET /4 HTTP/1.1\r\n"+host+"A: b\r\n folded: yes\r\n\r\n"+
		"GET /smuggled HTTP/1.1\r\n"+host+"\r\n")
	for _, want := range []string{`{"path":"/1"}`, `{"path":"/2"}`, `{"path":"/3"}`, "HTTP/1.1 400 Bad Request", "A header line is folded."} {
		before, after, found := strings.Cut(got, want)
		if !found {
			t.Fatalf("%q does not come in its turn, after %q: %q", want, before, got)
		}
		got = after
	}
}

func TestStrict_StopsLookingAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, _ *http.Request) {
		c, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.CopyN(c, buf, 8)
	})
	got := raw(t, h.plain, "GET / HTTP/1.1\r\n"+host+"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n\n a\r\nb \n")
	if !strings.HasSuffix(got, "\r\n\r\n\n a\r\nb \n") {
		t.Errorf("%q", got)
	}
}

func TestStrict_KeepsConnectionsThatBehave(t *testing.T) {
	t.Parallel()
	h := open(t, reads)
	c := dial(t, h.plain)
	in := bufio.NewReader(c)
	for range 50 {
		send(t, c, "POST / HTTP/1.1\r\n"+host+"Content-Length: 5\r\n\r\nhello")
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
		if r.StatusCode != 200 || r.Close {
			t.Fatalf("%s, close %v", r.Status, r.Close)
		}
	}
	if err := c.(*net.TCPConn).SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
}

func TestStrict_DeclinesHTTP2WithoutTLSAndGoesOn(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Upgrade"] != nil || r.Header["Http2-Settings"] != nil {
			t.Errorf("the offer reached a handler: %v", r.Header)
		}
		reads(w, r)
	})
	const offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
	got := raw(t, h.plain, "POST /1 HTTP/1.1\r\n"+host+offer+"Content-Length: 5\r\n\r\nhello"+
		"GET /2 HTTP/1.1\r\nHost: gallery.localhost\r\n"+offer+"\r\n"+
		"GET /3 HTTP/1.1\r\n"+host+offer+"A: b\r\n folded: yes\r\n\r\n")
	for _, want := range []string{"HTTP/1.1 200", `{"path":"/1"}`, "HTTP/1.1 308", "\r\nLocation: https://gallery.localhost", "HTTP/1.1 400", "A header line is folded."} {
		before, after, found := strings.Cut(got, want)
		if !found {
			t.Fatalf("%q does not come in its turn, after %q: %q", want, before, got)
		}
		got = after
	}
}

// An answer that comes before the end of a body ends the connection, whatever its client sends after that: what is left of
// the body is no request.
func TestStrict_TakesNoRestOfABodyForARequest(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			t.Errorf("the rest of a body became a request for %s", r.URL.Path)
			return
		}
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.WriteString(w, "early")
		_ = http.NewResponseController(w).Flush()
		body := r.Body.(interface{ Abandon() })
		go body.Abandon()
		_, _ = io.Copy(io.Discard, r.Body) // as a proxy does, until it is abandoned
	})
	for _, begun := range []string{"Transfer-Encoding: chunked\r\n\r\n64\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"} {
		c := dial(t, h.plain)
		send(t, c, "POST /x HTTP/1.1\r\n"+host+begun)
		in := bufio.NewReader(c)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(res.Body); string(body) != "early" {
			t.Fatalf("%q, %v", body, err)
		}
		_ = res.Body.Close()
		_, _ = io.WriteString(c, "GET /smuggled HTTP/1.1\r\n"+host+"\r\n") // the other side may have closed
		if rest, _ := io.ReadAll(in); len(rest) > 0 {                      // a reset is as good as a close
			t.Errorf("%q is followed by %q", begun, rest)
		}
	}
}
