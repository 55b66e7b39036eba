package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
)

// both runs a test over HTTP/1 without TLS, HTTP/1 with, and HTTP/2.
func each(t *testing.T, h *house, f func(t *testing.T, c *http.Client, base string)) {
	t.Helper()
	t.Run("http1", func(t *testing.T) { f(t, h.client(t, false), "http://open.localhost") })
	t.Run("https1", func(t *testing.T) { f(t, h.client(t, false), "https://app.localhost") })
	t.Run("http2", func(t *testing.T) { f(t, h.client(t, true), "https://app.localhost") })
}

func TestProxy_PassesOnWhatWasAskedAndAnswered(t *testing.T) {
	t.Parallel()
	up := answers(t, "HTTP/1.1 201 Made\r\nContent-Type: text/x\r\nX-One: 1\r\nX-one: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"+
		"Keep-Alive: timeout=5\r\nConnection: X-Hop, keep-alive\r\nX-Hop: gone\r\nAlt-Svc: h3=\":1\"\r\nX-Journey: theirs\r\nServer: them\r\nContent-Length: 2\r\n\r\nok")
	h := open(t, at(up.url))
	each(t, h, func(t *testing.T, c *http.Client, base string) {
		a := h.do(t, c, http.MethodGet, base+"/a%20b//c%2C?q=1&&x=%41", nil, "X-Mine", "1", "X-Forwarded-For", "6.6.6.6", "Te", "trailers",
			"Traceparent", "00-1", "Tracestate", "vendor=1", "X-Journey", "mine", "X-Real-Ip", "6.6.6.6", "Proxy-Authorization", "x")
		if a.err != nil || a.StatusCode != http.StatusCreated || a.body != "ok" || len(a.Header["X-One"]) != 2 || len(a.Header["Set-Cookie"]) != 2 {
			t.Fatalf("%+v", a)
		}
		for _, name := range []string{"Keep-Alive", "X-Hop", "Alt-Svc"} {
			if a.Header[name] != nil {
				t.Errorf("%s was passed on", name)
			}
		}
		if id := a.Header.Get("X-Journey"); len(id) != 32 || a.Header.Get("Server") != "them" {
			t.Errorf("X-Journey %q, Server %q", id, a.Header.Get("Server"))
		}
		head, _ := up.last()
		proto, host, _ := strings.Cut(base, "://")
		for _, want := range []string{
			"GET /a%20b/c,?q=1&&x=%41 HTTP/1.1\r\nHost: " + host + "\r\n", "\r\nX-Mine: 1\r\n", "\r\nX-Forwarded-For: 127.0.0.1\r\n", "\r\nX-Forwarded-Proto: " + proto + "\r\n",
			"\r\nX-Forwarded-Host: " + host + "\r\n", "\r\nX-Request-Id: " + a.Header.Get("X-Journey") + "\r\n", "\r\nTraceparent: 00-" + a.Header.Get("X-Journey") + "-",
			"\r\nCDN-Loop: roundtrip-n1\r\n", "\r\nConnection: TE\r\nTE: trailers\r\n",
		} {
			if !strings.Contains(head, want) {
				t.Errorf("%q is not in %q", want, head)
			}
		}
		for _, never := range []string{"6.6.6.6", "Tracestate", "X-Journey", "Proxy-Authorization", "Content-Length", "Transfer-Encoding"} {
			if strings.Contains(head, never) {
				t.Errorf("%q is in %q", never, head)
			}
		}
	})
	if n := up.conns.Load(); n != 2 {
		t.Errorf("%d connections for three requests through two routes", n)
	}
}

func TestProxy_RewritesThePathAndKeepsItsEscapes(t *testing.T) {
	t.Parallel()
	up := answers(t, okAnswer)
	h := open(t, at(up.url), func(s *setting) { s.route.Path, s.route.Rewrite = "/app/", "/v1/" })
	for asked, want := range map[string]string{
		"/app/x": "/v1/x", "/app/": "/v1/", "/app": "/v1/", "/app/a%3Fb%25?c=%3f": "/v1/a%3Fb%25?c=%3f", "/app/é": "/v1/%C3%A9",
	} {
		if a := h.get(t, asked); a.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", asked, a.StatusCode, a.body)
		}
		if head, _ := up.last(); !strings.HasPrefix(head, "GET "+want+" HTTP/1.1\r\n") {
			t.Errorf("%s: %q, want %s", asked, head, want)
		}
	}
}

func TestProxy_SaysTheHostThatIsDeclared(t *testing.T) {
	t.Parallel()
	up := answers(t, okAnswer)
	for declared, want := range map[string]string{"": "app.localhost", "upstream": strings.TrimPrefix(up.url, "http://"), "name.example": "name.example"} {
		p := at(up.url)
		p.Host = declared
		p.Set = []config.HeaderLine{{Name: "X-From", Value: "edge"}}
		h := open(t, p)
		h.get(t, "/", "X-From", "stranger")
		if head, _ := up.last(); !strings.Contains(head, "\r\nHost: "+want+"\r\n") || !strings.Contains(head, "\r\nX-From: edge\r\n") || strings.Contains(head, "stranger") {
			t.Errorf("host: %q: %q", declared, head)
		}
	}
}
