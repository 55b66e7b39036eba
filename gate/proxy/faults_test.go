package proxy_test

import (
	"io"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// What an upstream does wrong, what the client gets, whom the journey blames, and how often the request arrived.
func TestProxy_BlamesTheUpstreamForItsFaults(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\n"
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct {
		says   string // then the connection is closed
		reset  bool   // with RST
		status int    // 0: the answer is cut
		reason string
		get    int64 // how often a GET arrives; 0 means once
	}{
		"nothing":                    {"", false, 502, "proxy.reset", 3},
		"nothing, reset":             {"", true, 502, "proxy.reset", 3},
		"half a head":                {head + "Content-Le", false, 502, "proxy.reset", 0},
		"garbage":                    {"\x00\x01\x02\x03\r\n\r\n", false, 502, "proxy.bad_answer", 0},
		"another protocol":           {"SSH-2.0-OpenSSH_9.2\r\n\r\n", false, 502, "proxy.bad_answer", 0},
		"a line before":              {"\r\n" + head + "Content-Length: 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"HTTP/2.0":                   {"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"status 99":                  {"HTTP/1.1 99 No\r\nContent-Length: 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"length and chunks":          {head + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, 502, "proxy.bad_answer", 0},
		"two lengths":                {head + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"a list of lengths":          {head + "Content-Length: 2, 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"a length with a sign":       {head + "Content-Length: +2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"an unknown coding":          {head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", false, 502, "proxy.bad_answer", 0},
		"chunks in HTTP/1.0":         {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, 502, "proxy.bad_answer", 0},
		"a bare line feed":           {"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"a bare carriage return":     {head + "X: a\rb\r\nContent-Length: 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"a folded line":              {head + "X: a\r\n b\r\nContent-Length: 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"a space before the colon":   {head + "Content-Length : 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"no colon":                   {head + "X\r\nContent-Length: 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"a NUL in a value":           {head + "X: a\x00b\r\nContent-Length: 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"a head of 70 KiB":           {head + "X: " + long(70<<10) + "\r\nContent-Length: 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"300 header lines":           {head + strings.Repeat("X: a\r\n", 300) + "Content-Length: 2\r\n\r\nok", false, 502, "proxy.bad_answer", 0},
		"100 early answers":          {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100) + okAnswer, false, 502, "proxy.bad_answer", 0},
		"an upgrade out of the blue": {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", false, 502, "proxy.bad_answer", 0},
		"a body that is too short":   {head + "Content-Length: 9000\r\n\r\n" + long(5000), false, 0, "proxy.reset", 0},
		"a short body, then reset":   {head + "Content-Length: 9000\r\n\r\n" + long(5000), true, 0, "proxy.reset", 0},
		"chunks without an end":      {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false, 0, "proxy.reset", 0},
		"half a chunk":               {head + "Transfer-Encoding: chunked\r\n\r\n9\r\nhello", false, 0, "proxy.reset", 0},
		"a chunk without its end":    {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX0\r\n\r\n", false, 0, "proxy.bad_answer", 0},
		"a chunk size with 0x":       {head + "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", false, 0, "proxy.bad_answer", 0},
		"a huge chunk size":          {head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello", false, 0, "proxy.bad_answer", 0},
		"a line feed after a size":   {head + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", false, 0, "proxy.bad_answer", 0},
		"huge trailers":              {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: " + long(20<<10) + "\r\n\r\n", false, 0, "proxy.bad_answer", 0},
		"a folded trailer":           {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n", false, 0, "proxy.bad_answer", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := upstream(t, func(conn *conn) {
				if conn.request() == "" {
					return
				}
				conn.say(c.says)
				if c.reset {
					conn.reset()
				}
			})
			h := open(t, at(up.url))
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				for _, h2 := range []bool{false, true} {
					before := up.requests.Load()
					a := h.do(t, h.client(t, h2), method, "https://app.localhost/", nil)
					if cut := a.err != nil; cut != (c.status == 0) || !cut && a.StatusCode != c.status {
						t.Fatalf("%s: %d, %v, %s", method, a.StatusCode, a.err, a.body)
					}
					s := h.await(t, "journey", func(s trace.Snapshot) bool { return s.Method == method && (s.Proto == "HTTP/2.0") == h2 })
					if s.Reason.Code() != c.reason {
						t.Errorf("%s: reason %q, want %q; %+v", method, s.Reason.Code(), c.reason, s.Hops)
					}
					want := max(1, c.get)
					if method == http.MethodPost {
						want = 1
					}
					if n := up.requests.Load() - before; n != want {
						t.Errorf("%s arrived %d times, want %d", method, n, want)
					}
					if c.status != 0 && (!strings.Contains(a.body, `"journey":"`+a.Header.Get("X-Journey")) || strings.Contains(a.body, "127.0.0.1")) {
						t.Errorf("%s", a.body)
					}
				}
			}
		})
	}
}

func TestProxy_TriesAnotherUpstreamWhereNothingWasSent(t *testing.T) {
	t.Parallel()
	gone := listen(t)
	_ = gone.Close()
	up := answers(t, okAnswer)
	h := open(t, at("http://"+gone.Addr().String(), up.url))
	c := h.client(t, true)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodPost} {
		if a := h.do(t, c, method, "https://app.localhost/", strings.NewReader("body")); a.err != nil || a.StatusCode != http.StatusOK {
			t.Fatalf("%s: %+v", method, a)
		}
		if _, body := up.last(); body != "body" {
			t.Errorf("%s: the body that arrived is %q", method, body)
		}
	}
	if n := up.requests.Load(); n != 4 {
		t.Errorf("%d requests arrived", n)
	}
	s := h.await(t, "journey with two attempts", func(s trace.Snapshot) bool {
		attempts := 0
		for _, hop := range s.Hops {
			if hop.Layer == trace.Proxy {
				attempts++
			}
		}
		return attempts == 2
	})
	first, second := s.Hops[len(s.Hops)-2], s.Hops[len(s.Hops)-1]
	if first.Reason.Code() != "proxy.connect_refused" || first.Note == "" || first.Name == second.Name || second.Name != up.url || second.Verdict != trace.OK ||
		second.N[0] <= 0 || second.N[1] != 2 || s.Reason != trace.None {
		t.Errorf("%+v", s)
	}
}

func TestProxy_SaysThatNobodyListens(t *testing.T) {
	t.Parallel()
	gone := listen(t)
	_ = gone.Close()
	h := open(t, at("http://"+gone.Addr().String()))
	a := h.get(t, "/")
	s := h.journey(t, a)
	if a.StatusCode != http.StatusBadGateway || s.Reason.Code() != "proxy.connect_refused" || !strings.Contains(a.Header.Get("Content-Type"), "problem+json") {
		t.Errorf("%d %s %s", a.StatusCode, s.Reason.Code(), a.body)
	}
	if got, want := a.Header.Get("Proxy-Status"), `roundtrip; error=connection_refused; details="proxy.connect_refused"`; got != want {
		t.Errorf("Proxy-Status %s, want %s", got, want)
	}
	page := h.get(t, "/", "Accept", "text/html,application/xhtml+xml")
	if page.StatusCode != http.StatusBadGateway || !strings.Contains(page.body, page.Header.Get("X-Journey")) || !strings.Contains(page.body, "<h1>") ||
		strings.Contains(page.body, "{{") || strings.Contains(page.body, "127.0.0.1") || page.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%+v", page)
	}
	if s := h.journey(t, page); s.Reason.Code() != "proxy.connect_refused" {
		t.Errorf("the journey of the page says %q", s.Reason.Code())
	}
}

func TestProxy_GivesUpOnAnUpstreamThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says, reason string
		status       int
	}{
		"never":           {"", "proxy.first_byte_timeout", 504},
		"half a head":     {"HTTP/1.1 200 OK\r\nX: ", "proxy.first_byte_timeout", 504},
		"half a body":     {"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nhello", "proxy.idle_timeout", 0},
		"half the chunks": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "proxy.idle_timeout", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := upstream(t, func(conn *conn) {
				if conn.request() != "" {
					conn.say(c.says)
					_, _ = io.Copy(io.Discard, conn.in) // until the proxy closes
				}
			})
			p := at(up.url)
			if c.status == 0 {
				p.IdleStream = 200 * time.Millisecond // the head has its time, however busy the machine is
			} else {
				p.FirstByte = 200 * time.Millisecond
			}
			h := open(t, p)
			a := h.get(t, "/")
			if cut := a.err != nil; cut != (c.status == 0) || !cut && a.StatusCode != c.status {
				t.Fatalf("%+v", a)
			}
			if s := h.journey(t, a); s.Reason.Code() != c.reason {
				t.Errorf("reason %q", s.Reason.Code())
			}
			if n := up.requests.Load(); n != 1 {
				t.Errorf("the request arrived %d times", n)
			}
		})
	}
}

// A server that closes a kept connection at the moment when the next request is on its way: a GET goes out again, a POST
// that may have been read does not.
func TestProxy_RepeatsOnlyWhatMayBeSentTwiceWhenAKeptConnectionEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(c *conn){"closed": func(c *conn) { _ = c.Close() }, "reset": func(c *conn) { c.reset() }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := upstream(t, func(c *conn) {
				if c.request() != "" {
					c.say(okAnswer)
				}
				if c.request() != "" { // the second one of a connection gets no answer
					end(c)
				}
			})
			h := open(t, at(up.url))
			c := h.client(t, true)
			for i, want := range []int64{1, 3, 4} { // a first one; one that is sent again; and that one was the first of its connection
				_ = i
				a := h.do(t, c, http.MethodGet, "https://app.localhost/", nil)
				if i == 2 {
					want = 5
				}
				if a.err != nil || a.StatusCode != http.StatusOK || up.requests.Load() != want {
					t.Fatalf("GET %d: %v, %d arrived, want %d", i, a, up.requests.Load(), want)
				}
			}
			before := up.requests.Load()
			a := h.do(t, c, http.MethodPost, "https://app.localhost/", strings.NewReader("pay"))
			if a.StatusCode != http.StatusBadGateway || up.requests.Load() != before+1 {
				t.Fatalf("POST: %+v, %d arrived", a, up.requests.Load()-before)
			}
			if s := h.journey(t, a); s.Reason.Code() != "proxy.reset" {
				t.Errorf("reason %q", s.Reason.Code())
			}
			for _, p := range h.pools {
				if s := p.State()[0]; s.Faults != 0 {
					t.Errorf("a connection that ended counts as a fault: %+v", s)
				}
			}
		})
	}
}

// What comes between two answers is no answer: the connection is not used again.
func TestProxy_UsesNoConnectionThatSaidMoreThanItsAnswer(t *testing.T) {
	t.Parallel()
	up := answers(t, okAnswer+"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
	h := open(t, at(up.url))
	c := h.client(t, true)
	for range 5 {
		if a := h.do(t, c, http.MethodGet, "https://app.localhost/", nil); a.body != "ok" {
			t.Fatalf("%+v", a)
		}
	}
	if n := up.conns.Load(); n != 5 {
		t.Errorf("%d connections for 5 requests", n)
	}
}

func TestProxy_SeesALoop(t *testing.T) {
	t.Parallel()
	up := answers(t, okAnswer)
	h := open(t, at(up.url))
	for sent, want := range map[string]int{"roundtrip-n1": 508, "other, roundtrip-n1;v=1": 508, "roundtrip-n2": 200, "a,b,c,d,e,f,g,h,i": 508} {
		if a := h.get(t, "/", "CDN-Loop", sent); a.StatusCode != want {
			t.Errorf("%q: %d", sent, a.StatusCode)
		}
	}
	if head, _ := up.last(); !strings.Contains(head, "\r\nCDN-Loop: roundtrip-n2, roundtrip-n1\r\n") {
		t.Errorf("%q", head)
	}
}

// A client that leaves while the upstream thinks is no fault of the upstream, which is let go at once.
func TestProxy_LetsTheUpstreamGoWhenTheClientLeaves(t *testing.T) {
	t.Parallel()
	asked, gone := make(chan struct{}, 4), make(chan struct{}, 4)
	up := upstream(t, func(c *conn) {
		if c.request() == "" {
			return
		}
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, c.in) // until the proxy closes
		gone <- struct{}{}
	})
	h := open(t, at(up.url))
	each(t, h, func(t *testing.T, c *http.Client, base string) {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/"+path.Base(t.Name()), nil)
		ctx, cancel := contextWithCancel(t)
		go func() {
			<-asked
			cancel()
		}()
		if _, err := c.Do(r.WithContext(ctx)); err == nil {
			t.Fatal("there was an answer")
		}
		<-gone
		h.await(t, "journey that blames the client", func(s trace.Snapshot) bool {
			return s.Path == r.URL.Path && s.Reason.Code() == "client.aborted"
		})
	})
	for _, p := range h.pools {
		if s := p.State()[0]; s.Faults != 0 || s.Running != 0 {
			t.Errorf("%+v", s)
		}
	}
}
