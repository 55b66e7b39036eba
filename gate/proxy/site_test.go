package proxy_test

import (
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
)

func withCORS(s *setting) {
	s.sites = func(s *config.Site) {
		s.CORS = &config.CORS{Origins: []string{"https://page.example.com"}, Methods: []string{"GET"}, Expose: []string{"X-Journey"}}
	}
}

// A page of another origin can read why it failed, and the site decides who may, not the upstream.
func TestProxy_LeavesCORSToTheSite(t *testing.T) {
	t.Parallel()
	const origin = "https://page.example.com"
	up := answers(t, "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nContent-Length: 2\r\n\r\nok")
	h := open(t, at(up.url), withCORS)
	if a := h.get(t, "/", "Origin", origin); len(a.Header["Access-Control-Allow-Origin"]) != 1 || a.Header.Get("Access-Control-Allow-Origin") != origin || a.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%v", a.Header)
	}
	if a := h.get(t, "/", "Origin", "https://evil.example.com"); a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%v", a.Header)
	}
	without := open(t, at(up.url))
	if a := without.get(t, "/", "Origin", origin); a.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("a site without a block leaves it to the upstream: %v", a.Header)
	}
	gone := listen(t)
	_ = gone.Close()
	dead := open(t, at("http://"+gone.Addr().String()), withCORS)
	for _, accept := range []string{"application/json", "text/html"} {
		a := dead.get(t, "/", "Origin", origin, "Accept", accept)
		if a.StatusCode != http.StatusBadGateway || a.Header.Get("Access-Control-Allow-Origin") != origin || a.Header.Get("Access-Control-Expose-Headers") == "" {
			t.Errorf("%s: %d %v", accept, a.StatusCode, a.Header)
		}
	}
}

func TestProxy_TellsUpstreamsWhoTheClientIs(t *testing.T) {
	t.Parallel()
	up := answers(t, okAnswer)
	h := open(t, at(up.url), func(s *setting) {
		s.gate = func(o *gate.Options) { o.Peers.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }
	})
	h.get(t, "/", "X-Forwarded-For", "6.6.6.6, 203.0.113.7")
	if head, _ := up.last(); !strings.Contains(head, "203.0.113.7, 127.0.0.1\r\n") {
		t.Errorf("%q", head)
	}
}

func TestProxy_KeepsAVisitorWithAnUpstream(t *testing.T) {
	t.Parallel()
	a, b := answers(t, okAnswer), answers(t, okAnswer)
	p := at(a.url, b.url)
	p.Sticky = true
	h := open(t, p)
	cookie := h.get(t, "/").Header.Get("Set-Cookie")
	value, _, _ := strings.Cut(cookie, ";")
	if value == "" || strings.Contains(value, "127.0.0.1") {
		t.Fatalf("%q", cookie)
	}
	for range 6 {
		if again := h.get(t, "/", "Cookie", value); again.Header.Get("Set-Cookie") != "" {
			t.Errorf("another cookie: %q", again.Header.Get("Set-Cookie"))
		}
	}
	if x, y := a.requests.Load(), b.requests.Load(); x+y != 7 || x*y != 0 {
		t.Errorf("%d and %d requests", x, y)
	}
}

func TestProxy_SaysWhenAllUpstreamsAreBusy(t *testing.T) {
	t.Parallel()
	asked, free := make(chan struct{}), make(chan struct{})
	up := upstream(t, func(c *conn) {
		if c.request() != "" {
			asked <- struct{}{}
			<-free
			c.say(okAnswer)
		}
	})
	p := at(up.url)
	p.Concurrency = 1
	h := open(t, p)
	first := make(chan answer)
	go func() { first <- h.get(t, "/") }()
	<-asked
	a := h.get(t, "/", "Accept", "text/html")
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "1" || !strings.Contains(a.body, "Too much is going on") {
		t.Errorf("%+v", a)
	}
	if s := h.journey(t, a); s.Reason.Code() != "proxy.busy" {
		t.Errorf("reason %q", s.Reason.Code())
	}
	close(free)
	if a := <-first; a.body != "ok" {
		t.Errorf("%+v", a)
	}
}

// Many at once, with bodies each way: nothing is mixed up where buffers and connections are used again.
func TestProxy_MixesNothingUp(t *testing.T) {
	t.Parallel()
	up := upstream(t, func(c *conn) {
		for {
			r, _ := c.head()
			if r == nil {
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			text := r.URL.Path + string(body)
			c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Path: " + r.URL.Path + "\r\n\r\n")
			for len(text) > 0 {
				n := min(len(text), 3000)
				c.say(strconv.FormatInt(int64(n), 16) + "\r\n" + text[:n] + "\r\n")
				text = text[n:]
			}
			c.say("0\r\n\r\n")
		}
	})
	h := open(t, at(up.url))
	each(t, h, func(t *testing.T, c *http.Client, base string) {
		done := make(chan struct{})
		for worker := range 8 {
			go func() {
				defer func() { done <- struct{}{} }()
				for i := range 40 {
					path := "/" + strings.Repeat(string(rune('a'+worker)), 1+i%7)
					body := strings.Repeat(string(rune('A'+i%26)), i*1700%90_000)
					a := h.do(t, c, http.MethodPost, base+path, strings.NewReader(body))
					if a.err != nil || a.Header.Get("X-Path") != path || a.body != path+body {
						t.Errorf("%s with %d bytes: %v, %q, %d bytes back", path, len(body), a.err, a.Header.Get("X-Path"), len(a.body))
						return
					}
				}
			}()
		}
		for range 8 {
			<-done
		}
	})
}
