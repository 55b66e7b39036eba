package gate_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const api = "https://gallery.localhost/api/photos"

func preflight(t *testing.T, h *house, origin, method, headers string) answer {
	t.Helper()
	list := []string{"Origin", origin, "Access-Control-Request-Method", method}
	if headers != "" {
		list = append(list, "Access-Control-Request-Headers", headers)
	}
	return h.do(t, h.client(t, true), http.MethodOptions, api, nil, list...)
}

func TestCORS_AnswersPreflights(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, _ *http.Request) {
		t.Error("a preflight reached the handler")
		w.WriteHeader(http.StatusUnauthorized)
	})
	for _, origin := range []string{"https://app.example.com", "https://pr-7.preview.example.com"} {
		a := preflight(t, h, origin, "PATCH", "authorization,content-type,if-match")
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin":      origin,
			"Access-Control-Allow-Credentials": "true",
			"Access-Control-Allow-Methods":     "GET, HEAD, POST, PATCH, DELETE",
			"Access-Control-Allow-Headers":     "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID",
			"Access-Control-Max-Age":           "600",
			"Access-Control-Expose-Headers":    "",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", origin, name, got, want)
			}
		}
		if a.StatusCode != 204 || a.body != "" || !strings.HasPrefix(a.Header.Get("Vary"), "Origin, Access-Control-Request-Method") {
			t.Errorf("%s %q %v", a.Status, a.body, a.Header)
		}
		if s := h.journey(t, a.Header.Get("X-Journey")); s.Route != "preflight" || s.Hops[1].Layer != trace.CORS || s.Hops[1].Note != origin {
			t.Errorf("journey %+v", s)
		}
	}
	a := h.do(t, h.client(t, true), http.MethodOptions, api, nil, "Origin", "https://app.example.com",
		"Access-Control-Request-Method", "GET", "Access-Control-Request-Private-Network", "true")
	if a.StatusCode != 204 || a.Header.Get("Access-Control-Allow-Private-Network") != "true" {
		t.Errorf("private network: %s %v", a.Status, a.Header)
	}
}

func TestCORS_RefusesPreflights(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	for _, c := range []struct{ origin, method, headers, reason string }{
		{"https://evil.example", "GET", "", "cors.origin_not_allowed"},
		{"http://app.example.com", "GET", "", "cors.origin_not_allowed"},
		{"https://app.example.com:444", "GET", "", "cors.origin_not_allowed"},
		{"https://app.example.com.evil.example", "GET", "", "cors.origin_not_allowed"},
		{"https://preview.example.com", "GET", "", "cors.origin_not_allowed"},
		{"https://a.b.preview.example.com", "GET", "", "cors.origin_not_allowed"},
		{"https://.preview.example.com", "GET", "", "cors.origin_not_allowed"},
		{"https://evil.example/.preview.example.com", "GET", "", "cors.origin_not_allowed"},
		{"https://evil.example:1.preview.example.com", "GET", "", "cors.origin_not_allowed"},
		{"null", "GET", "", "cors.origin_not_allowed"},
		{"https://app.example.com", "PUT", "", "cors.method_not_allowed"},
		{"https://app.example.com", "patch", "", "cors.method_not_allowed"},
		{"https://app.example.com", "GET", "content-type, x-secret", "cors.header_not_allowed"},
	} {
		a := preflight(t, h, c.origin, c.method, c.headers)
		p := problem(t, a, 403, c.reason)
		if strings.Contains(p["detail"].(string), "app.example.com") {
			t.Errorf("%s learns who is allowed: %v", c.origin, p["detail"])
		}
		if got := a.Header.Get("Access-Control-Allow-Origin"); (got != "") != (c.reason != "cors.origin_not_allowed") {
			t.Errorf("%s %s: Access-Control-Allow-Origin: %q", c.origin, c.reason, got)
		}
		if !strings.Contains(a.Header.Get("Vary"), "Origin") {
			t.Errorf("%s: Vary: %q", c.origin, a.Header.Get("Vary"))
		}
		if s := h.journey(t, a.Header.Get("X-Journey")); s.Reason.Code() != c.reason || s.Hops[s.Decided].Layer != trace.CORS || !strings.HasPrefix(s.Hops[s.Decided].Note, c.origin) {
			t.Errorf("journey %+v", s)
		}
	}
	dev := open(t, ok, func(o *gate.Options) { o.Dev = true })
	p := problem(t, preflight(t, dev, "http://localhost:5173", "GET", ""), 403, "cors.origin_not_allowed")
	if !strings.Contains(p["detail"].(string), "Add that origin to cors.origins of gallery.localhost") {
		t.Errorf("a developer does not learn what to do: %v", p["detail"])
	}
}

func TestCORS_PutsHeadersOnEveryAnswerOfAnAllowedOrigin(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/vary":
			w.Header().Set("Vary", "Accept-Encoding")
		case "/api/panic":
			panic("boom")
		case "/api/limited":
			w.WriteHeader(http.StatusTooManyRequests)
		}
		_, _ = io.WriteString(w, "{}")
	})
	for path, status := range map[string]int{
		"/api/x": 200, "/api/vary": 200, "/api/panic": 500, "/api/limited": 429, "/missing.js": 404, "/a%2fb": 400, "/": 200,
	} {
		a := h.get(t, "https://gallery.localhost"+path, "Origin", "https://app.example.com")
		if a.StatusCode != status || a.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" ||
			a.Header.Get("Access-Control-Allow-Credentials") != "true" ||
			a.Header.Get("Access-Control-Expose-Headers") != "ETag, Location, Retry-After, X-Journey" {
			t.Errorf("%s: %s %v", path, a.Status, a.Header)
		}
		if vary := strings.Join(a.Header.Values("Vary"), ", "); strings.Count(vary, "Origin") != 1 || (path == "/api/vary") != strings.Contains(vary, "Accept-Encoding") {
			t.Errorf("%s: Vary: %q", path, vary)
		}
	}
}

func TestCORS_LeavesOtherRequestsAlone(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	for _, c := range []struct {
		origin string
		hint   bool
	}{{"", false}, {"https://gallery.localhost", false}, {"https://evil.example", true}, {"null", true}} {
		var headers []string
		if c.origin != "" {
			headers = []string{"Origin", c.origin}
		}
		a := h.get(t, api, headers...)
		if a.StatusCode != 200 || a.Header.Get("Access-Control-Allow-Origin") != "" || a.Header.Get("Access-Control-Expose-Headers") != "" || a.Header.Get("Vary") != "Origin" {
			t.Errorf("%q: %s %v", c.origin, a.Status, a.Header)
		}
		s := h.journey(t, a.Header.Get("X-Journey"))
		hinted := s.Hops[1].Layer == trace.CORS && s.Hops[1].Verdict == trace.Shadowed && s.Hops[1].Reason.Code() == "cors.origin_not_allowed"
		if hinted != c.hint || s.Reason != trace.None {
			t.Errorf("%q: hops %+v, reason %q", c.origin, s.Hops, s.Reason.Code())
		}
	}
	// A site without a cors block has nothing to vary by, and refuses preflights.
	a := h.get(t, "http://quiet.localhost/docs/deep/", "Origin", "https://app.example.com")
	if a.StatusCode != 200 || a.Header.Get("Vary") != "" {
		t.Errorf("quiet: %s %v", a.Status, a.Header)
	}
	a = h.do(t, h.client(t, true), http.MethodOptions, "http://quiet.localhost/docs/deep/", nil,
		"Origin", "https://app.example.com", "Access-Control-Request-Method", "GET")
	problem(t, a, 403, "cors.origin_not_allowed")
	// OPTIONS without the preflight's header belongs to the handler.
	a = h.do(t, h.client(t, true), http.MethodOptions, api, nil, "Origin", "https://app.example.com")
	if a.StatusCode != 200 || a.body == "" {
		t.Errorf("OPTIONS: %s", a.Status)
	}
}

func TestCORS_StarAllowsAllWithoutCredentials(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	for _, origin := range []string{"https://anything.example", "null"} {
		a := h.get(t, "http://open.localhost/", "Origin", origin)
		if a.Header.Get("Access-Control-Allow-Origin") != "*" || a.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", origin, a.Header)
		}
	}
}

// The request that a browser sends after a preflight leads back to it; others do not.
func TestCORS_JoinsAPreflightWithItsRequest(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	const origin = "https://app.example.com"
	asked := preflight(t, h, origin, "PATCH", "content-type").Header.Get("X-Journey")
	for name, c := range map[string]struct {
		url, origin string
		joined      bool
	}{
		"the request that it asked for": {api + "?page=2", origin, true},
		"and the next one":              {api, origin, true},
		"another path":                  {api + "/1", origin, false},
		"another origin":                {api, "https://pr-7.preview.example.com", false},
		"no page":                       {api, "", false},
	} {
		var headers []string
		if c.origin != "" {
			headers = []string{"Origin", c.origin}
		}
		a := h.do(t, h.client(t, true), http.MethodPatch, c.url, nil, headers...)
		joined := ""
		for _, l := range h.journey(t, a.Header.Get("X-Journey")).Links {
			if l.Role == trace.Preflight && l.Evidence == trace.Likely {
				joined = l.ID.String()
			}
		}
		if (joined == asked) != c.joined || joined != "" && !c.joined {
			t.Errorf("%s is joined with %q", name, joined)
		}
	}
	refused := h.journey(t, preflight(t, h, origin, "PUT", "").Header.Get("X-Journey"))
	if note := refused.Hops[refused.Decided].Note; refused.Reason.Code() != "cors.method_not_allowed" || note != origin+" asks for PUT" {
		t.Errorf("%+v", refused)
	}
}

// The defaults of a cors block let pages call over gRPC-Web and Connect, and read how a call ended. Where the block lists headers
// of its own, the preflight says which of them is missing.
func TestCORS_LetsPagesCallByItsDefaults(t *testing.T) {
	t.Parallel()
	h := open(t, ok, func(o *gate.Options) { o.Dev = true })
	put := func(more string) {
		t.Helper()
		c, err := config.Parse("roundtrip.yaml", []byte("name: x\nsites:\n  gallery.localhost:\n    tls: local\n    routes: [{ path: /api/, to: api }]\n    cors:\n      origins: [https://app.example.com]\n"+more), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		serves(t, h, ok, []string{"x.v1.Photos"}, c.Sites...)
	}
	c := h.client(t, true)
	const url = "https://gallery.localhost/x.v1.Photos/Get"
	preflight := func(origin, headers string) answer {
		return h.do(t, c, http.MethodOptions, url, nil, "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", headers)
	}
	put("")
	for _, headers := range []string{
		"content-type,x-grpc-web,x-user-agent,grpc-timeout,authorization", "connect-protocol-version,connect-timeout-ms,content-type,idempotency-key",
	} {
		if a := preflight("https://app.example.com", headers); a.StatusCode != 204 {
			t.Errorf("%s: %s %s", headers, a.Status, a.body)
		}
	}
	a := h.do(t, c, http.MethodPost, url, nil, "Origin", "https://app.example.com", "Content-Type", "application/grpc-web+proto")
	for _, name := range []string{"Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin", "X-Journey"} {
		if !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), name) {
			t.Errorf("%s can't be read: %v", name, a.Header)
		}
	}
	p := problem(t, preflight("https://other.example.com", "content-type"), 403, "cors.origin_not_allowed")
	if detail, _ := p["detail"].(string); !strings.Contains(detail, "cors.origins of gallery.localhost") {
		t.Errorf("%q", detail)
	}
	put("      headers: [Content-Type]\n")
	p = problem(t, preflight("https://app.example.com", "content-type,x-grpc-web"), 403, "cors.header_not_allowed")
	if detail, _ := p["detail"].(string); !strings.Contains(detail, `"x-grpc-web"`) || !strings.Contains(detail, "cors.headers") {
		t.Errorf("%q", detail)
	}
}
