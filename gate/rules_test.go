package gate_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/limit"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// upstream is the target of a proxy route: a server that says what it likes.
type upstream http.HandlerFunc

func (u upstream) Serve(w http.ResponseWriter, r *http.Request, path string) error {
	if strings.HasPrefix(path, "/dead/") {
		return roundtrip.E(roundtrip.Unavailable, "proxy.no_upstream", "No server of this route is well.")
	}
	u(w, r)
	return nil
}

// declare puts sites in force whose proxy routes lead to one upstream.
func declare(t *testing.T, h *house, server http.HandlerFunc, sites ...config.Site) {
	t.Helper()
	b := builders(ok)
	b.Proxy = func(*config.Site, *config.Route) (route.Target, error) { return upstream(server), nil }
	table, err := gate.NewTable(sites, b)
	if err != nil {
		t.Fatal(err)
	}
	h.gate.Swap(table)
}

func withLimits(account func(*http.Request) int64) func(*gate.Options) {
	return func(o *gate.Options) {
		stands := time.Unix(1_800_000_000, 0) // so that nothing is forgiven while a slow machine tests
		buckets, err := limit.New(limit.Options{Now: func() time.Time { return stands }, Account: account})
		if err != nil {
			panic(err)
		}
		o.Limits = buckets
	}
}

func plain(routes ...config.Route) config.Site {
	return config.Site{Name: "open.localhost", TLS: config.TLS{Mode: config.TLSOff}, Routes: routes}
}

func hourly(count int, key config.RateKey) config.Rate {
	return config.Rate{Count: count, Per: time.Hour, Burst: count, Key: key}
}

func TestGate_RedirectsAndRespondsByRoute(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	declare(t, h, ok, plain(
		config.Route{Path: "/old/", Redirect: &config.Redirect{To: "https://example.com/new/", Status: 301}},
		config.Route{Path: "/one/", Redirect: &config.Redirect{To: "/two", Status: 307}},
		config.Route{Path: "/fixed/", Redirect: &config.Redirect{To: "/two/?a=b"}},
		config.Route{Path: "/healthz", Respond: &config.Respond{Body: "ok"}},
		config.Route{Path: "/gone/", Respond: &config.Respond{Status: 410, Body: "{}", Type: "application/json"}},
		config.Route{Path: "/none", Respond: &config.Respond{Status: 204}},
	))
	for target, want := range map[string]string{
		"/old/":                      "301 https://example.com/new/",
		"/old":                       "301 https://example.com/new/",
		"/old/a%20b/c?d=e%26f":       "301 https://example.com/new/a%20b/c?d=e%26f",
		"/old//evil.example/":        "301 https://example.com/new/evil.example/",
		"/old/https://evil.example/": "301 https://example.com/new/https:/evil.example/",
		"/one/more?x=1":              "307 /two?x=1",
		"/fixed/more?x=1":            "308 /two/?a=b",
	} {
		a := h.get(t, "http://open.localhost"+target)
		if got := a.Status[:3] + " " + a.Header.Get("Location"); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	a := h.get(t, "http://open.localhost/healthz")
	if a.StatusCode != 200 || a.body != "ok" || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%s %v %q", a.Status, a.Header, a.body)
	}
	if s := h.journey(t, a.Header.Get("X-Journey")); s.Route != "/healthz" {
		t.Errorf("journey: %+v", s)
	}
	a = h.do(t, h.client(t, false), http.MethodHead, "http://open.localhost/gone/x", nil)
	if a.StatusCode != 410 || a.body != "" || a.Header.Get("Content-Length") != "2" || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %s %v %q", a.Status, a.Header, a.body)
	}
	if a := h.get(t, "http://open.localhost/none"); a.StatusCode != 204 || a.Header.Get("Content-Length") != "" {
		t.Errorf("%s %v", a.Status, a.Header)
	}
	problem(t, h.get(t, "http://open.localhost/healthz/x"), 404, "route.no_path")
}

func TestGate_AFolderNamesTheMethodsOfRoutesBeforeItToo(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	declare(t, h, ok, plain(
		config.Route{Path: "/form", Match: config.Match{Methods: []string{"GET", "POST"}, Headers: []config.HeaderLine{{Name: "X-Canary", Value: "yes"}}}, Respond: &config.Respond{}},
		config.Route{Path: "/form", Match: config.Match{Methods: []string{"POST"}}, Respond: &config.Respond{}},
		config.Route{Path: "/", Static: t.TempDir()},
	))
	for _, q := range []struct{ path, canary, allow string }{{"/form", "no", "GET, HEAD, POST"}, {"/form", "yes", "GET, HEAD, POST"}, {"/other", "yes", "GET, HEAD"}} {
		a := h.do(t, h.client(t, false), http.MethodPut, "http://open.localhost"+q.path, nil, "X-Canary", q.canary)
		if a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != q.allow {
			t.Errorf("%s, canary %s: %s, Allow %q, want %q", q.path, q.canary, a.Status, a.Header.Get("Allow"), q.allow)
		}
	}
}

func TestGate_SaysWhyNoRouteFits(t *testing.T) {
	t.Parallel()
	routes := []config.Route{
		{Path: "/photos/", Match: config.Match{Methods: []string{"GET"}}, Respond: &config.Respond{}},
		{Path: "/canary/", Match: config.Match{Headers: []config.HeaderLine{{Name: "X-Canary", Value: "yes"}}}, Respond: &config.Respond{}},
	}
	h, dev := open(t, ok), open(t, ok, func(o *gate.Options) { o.Dev = true })
	declare(t, h, ok, plain(routes...))
	declare(t, dev, ok, plain(routes...))
	for _, q := range []struct {
		method, url, reason, note string
		status                    int
	}{
		{"GET", "http://open.localhost/photo/1", "route.no_path", "The nearest route is /photos/.", 404},
		{"GET", "http://open.localhost/canary/1", "route.no_path", "The route /canary/ needs the header X-Canary: yes.", 404},
		{"POST", "http://open.localhost/photos/1", "route.method_not_allowed", "The route /photos/ takes GET, HEAD alone.", 405},
		{"GET", "http://opne.localhost/", "route.no_host", "The nearest site is open.localhost.", 421},
	} {
		a := h.do(t, h.client(t, false), q.method, q.url, nil)
		if p := problem(t, a, q.status, q.reason); q.status != 405 && strings.Contains(p["detail"].(string), q.note) {
			t.Errorf("%s: a stranger learns %v", q.url, p["detail"])
		}
		if allow := a.Header.Get("Allow"); (q.status == 405) != (allow == "GET, HEAD") {
			t.Errorf("%s: Allow %q", q.url, allow)
		}
		s := h.journey(t, a.Header.Get("X-Journey"))
		if last := s.Hops[len(s.Hops)-1]; last.Note != q.note || last.Reason.Code() != q.reason {
			t.Errorf("%s: %+v", q.url, last)
		}
		p := problem(t, dev.do(t, dev.client(t, false), q.method, q.url, nil), q.status, q.reason)
		if q.status != 405 && !strings.Contains(p["detail"].(string), q.note) {
			t.Errorf("%s: a developer is told %v", q.url, p["detail"])
		}
	}
}

func TestGate_ServesWildcardSites(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	secure := plain(config.Route{Path: "/", Respond: &config.Respond{Body: "any"}})
	secure.Name, secure.TLS.Mode = "*.preview.localhost", config.TLSLocal
	exact := plain(config.Route{Path: "/", Respond: &config.Respond{Body: "exact"}})
	exact.Name = "www.preview.localhost"
	declare(t, h, ok, secure, exact)
	if a := h.get(t, "http://PR-7.preview.localhost:8080/x?y=1"); a.Header.Get("Location") != "https://pr-7.preview.localhost:8443/x?y=1" {
		t.Errorf("%s to %q", a.Status, a.Header.Get("Location"))
	}
	if a := h.get(t, "http://www.preview.localhost/"); a.body != "exact" {
		t.Errorf("%s %q", a.Status, a.body)
	}
	problem(t, h.get(t, "http://a.b.preview.localhost/"), 421, "route.no_host")
	problem(t, h.get(t, "http://preview.localhost/"), 421, "route.no_host")
}

func TestGate_LimitsRequests(t *testing.T) {
	t.Parallel()
	h := open(t, ok, withLimits(func(r *http.Request) int64 { return int64(len(r.Header.Get("X-User"))) }))
	s := plain(
		config.Route{Path: "/", API: true},
		config.Route{Path: "/narrow/", API: true, Limits: &config.Limits{Requests: []config.Rate{hourly(2, config.PerAccount)}}},
	)
	s.Limits.Requests = []config.Rate{hourly(10, config.PerClient)}
	s.CORS = corsOf(false, "https://app.example.com")
	declare(t, h, ok, s)
	get := func(path string, headers ...string) answer { return h.get(t, "http://open.localhost"+path, headers...) }
	a := get("/x", "Origin", "https://app.example.com")
	if a.StatusCode != 200 || a.Header.Get("RateLimit") != `"10/h per client";r=9;t=360` || a.Header.Get("RateLimit-Policy") != `"10/h per client";q=10;w=3600` {
		t.Errorf("%s %v", a.Status, a.Header)
	}
	j := h.journey(t, a.Header.Get("X-Journey"))
	if hop := j.Hops[1]; hop.Layer != trace.Limit || hop.Verdict != trace.OK || hop.Name != "10/h per client" || hop.N[0] != 9 {
		t.Errorf("hops: %+v", j.Hops)
	}
	for i, user := range []string{"a", "a", "a", "aa"} {
		a := get("/narrow/", "X-User", user, "Origin", "https://app.example.com")
		if i != 2 {
			if a.StatusCode != 200 || a.Header.Get("RateLimit-Policy") != `"10/h per client";q=10;w=3600, "2/h per account";q=2;w=3600` {
				t.Errorf("%d: %s %v", i, a.Status, a.Header)
			}
			continue
		}
		problem(t, a, 429, "limit.rate")
		if a.Header.Get("Retry-After") != "1800" || !strings.HasPrefix(a.Header.Get("RateLimit"), `"2/h per account";r=0;t=`) ||
			a.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
			t.Errorf("%v", a.Header)
		}
		if j := h.journey(t, a.Header.Get("X-Journey")); j.Reason.Code() != "limit.rate" || j.Route != "/narrow/" || strings.Contains(j.Hops[1].Note, "127") {
			t.Errorf("%+v", j)
		}
	}
	for range 3 {
		preflight := h.do(t, h.client(t, false), http.MethodOptions, "http://open.localhost/", nil, "Origin", "https://app.example.com", "Access-Control-Request-Method", "GET")
		if preflight.StatusCode != 204 || preflight.Header.Get("RateLimit") != "" {
			t.Errorf("a preflight: %s %v", preflight.Status, preflight.Header)
		}
	}
	if a := get("/x"); !strings.HasPrefix(a.Header.Get("RateLimit"), `"10/h per client";r=5;`) { // what was refused did not count
		t.Errorf("%q", a.Header.Get("RateLimit"))
	}
	declare(t, h, ok, s) // a reload does not forgive
	for i := range 6 {
		if a := get("/x"); (a.StatusCode == 200) != (i < 5) {
			t.Errorf("after the reload, request %d: %s", i, a.Status)
		}
	}
	problem(t, get("/narrow/"), 429, "limit.rate")
	s.Limits.Requests[0].Count = 11
	declare(t, h, ok, s)
	if a := get("/x"); a.StatusCode != 200 {
		t.Errorf("another rate: %s", a.Status)
	}
}

func TestGate_LimitsBodiesByRoute(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	s := plain(config.Route{Path: "/", API: true}, config.Route{Path: "/up/", API: true, Limits: &config.Limits{Body: 100}})
	s.Limits.Body = 10
	declare(t, h, ok, s)
	for path, status := range map[string]int{"/x": 413, "/up/": 200} {
		a := h.do(t, h.client(t, false), http.MethodPost, "http://open.localhost"+path, strings.NewReader(strings.Repeat("x", 50)))
		if a.StatusCode != status {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
}

func TestGate_PutsTheHeadersOfASite(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	server := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "secret/1.0")
		w.Header().Set("X-Served-By", "upstream")
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		if r.URL.Query().Get("own") != "" {
			w.Header().Set("Referrer-Policy", "no-referrer")
			w.Header().Set("X-Frame-Options", "DENY")
		}
		_, _ = io.WriteString(w, "x")
	}
	s := plain(config.Route{Path: "/", Proxy: &config.Proxy{}}, config.Route{Path: "/only/", Respond: &config.Respond{}, Match: config.Match{Methods: []string{"GET"}}})
	s.Headers = config.Headers{Security: true, HSTS: true, Set: []config.HeaderLine{{Name: "X-Served-By", Value: "roundtrip"}}, Remove: []string{"Server"}}
	declare(t, h, server, s)
	want := func(a answer, lines map[string]string) {
		t.Helper()
		for name, value := range lines {
			if got := a.Header.Get(name); got != value {
				t.Errorf("%s: %q, want %q", name, got, value)
			}
		}
	}
	all := map[string]string{"X-Served-By": "roundtrip", "Server": "", "X-Content-Type-Options": "nosniff", "Strict-Transport-Security": ""}
	a := h.get(t, "http://open.localhost/?type=text/html%3Bcharset=utf-8")
	want(a, all)
	want(a, map[string]string{"X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": "strict-origin-when-cross-origin", "Cross-Origin-Opener-Policy": ""})
	want(h.get(t, "http://open.localhost/?type=text/html&own=1"), map[string]string{"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"})
	want(h.get(t, "http://open.localhost/?type=image/png"), map[string]string{"X-Frame-Options": "", "X-Content-Type-Options": "nosniff"})
	dead := h.get(t, "http://open.localhost/dead/")
	problem(t, dead, 503, "proxy.no_upstream")
	want(dead, all)
	s.Headers = config.Headers{}
	declare(t, h, server, s)
	want(h.get(t, "http://open.localhost/?type=text/html"), map[string]string{"X-Frame-Options": "", "X-Content-Type-Options": "", "Referrer-Policy": "", "Server": "secret/1.0"})
}

// What an upstream says of other origins passes where the site has no rule; else the site's rule alone holds.
func TestCORS_OfProxiedServers(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	server := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://theirs.example")
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		w.Header().Set("Access-Control-Allow-Methods", "PATCH")
		w.Header().Set("Vary", "Origin")
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
		}
	}
	s := plain(config.Route{Path: "/", Proxy: &config.Proxy{}}, config.Route{Path: "/api/", API: true},
		config.Route{Path: "/read/", Proxy: &config.Proxy{}, Match: config.Match{Methods: []string{"PATCH"}}})
	declare(t, h, server, s)
	ask := func(path string) answer {
		return h.do(t, h.client(t, false), http.MethodOptions, "http://open.localhost"+path, nil, "Origin", "https://theirs.example", "Access-Control-Request-Method", "PATCH")
	}
	for _, path := range []string{"/", "/read/"} {
		if a := ask(path); a.StatusCode != 204 || a.Header.Get("Access-Control-Allow-Origin") != "https://theirs.example" || a.Header.Get("Access-Control-Allow-Methods") != "PATCH" {
			t.Errorf("a preflight of %s for the upstream: %s %v", path, a.Status, a.Header)
		}
	}
	problem(t, ask("/api/"), 403, "cors.origin_not_allowed")
	s.CORS = corsOf(false, "https://ours.example")
	declare(t, h, server, s)
	problem(t, ask("/"), 403, "cors.origin_not_allowed")
	for origin, want := range map[string]string{"https://ours.example": "https://ours.example", "https://theirs.example": "", "": ""} {
		var headers []string
		if origin != "" {
			headers = []string{"Origin", origin}
		}
		for _, path := range []string{"/", "/dead/"} {
			a := h.get(t, "http://open.localhost"+path, headers...)
			if a.Header.Get("Access-Control-Allow-Origin") != want || a.Header.Get("Access-Control-Allow-Credentials") != "" ||
				a.Header.Get("Access-Control-Allow-Methods") != "" || strings.Join(a.Header.Values("Vary"), ",") != "Origin" {
				t.Errorf("%s of %q: %v", path, origin, a.Header)
			}
		}
	}
}

// A page reads why a call failed, whatever failed: the headers are on each kind of error, and on redirects.
func TestCORS_HeadersAreOnEveryKindOfAnswer(t *testing.T) {
	t.Parallel()
	h := open(t, ok, withLimits(nil))
	folder := h.routes
	s := plain(
		config.Route{Path: "/static/", Static: folder}, config.Route{Path: "/go/", Redirect: &config.Redirect{To: "/static/"}},
		config.Route{Path: "/dead/", Proxy: &config.Proxy{}}, config.Route{Path: "/put/", API: true, Match: config.Match{Methods: []string{"PUT"}}},
		config.Route{Path: "/limited/", API: true, Limits: &config.Limits{Requests: []config.Rate{hourly(1, config.PerSite)}}},
	)
	s.CORS = corsOf(true, "https://app.example.com")
	secure := s
	secure.Name, secure.TLS.Mode = "gallery.localhost", config.TLSLocal
	declare(t, h, ok, s, secure)
	h.get(t, "http://open.localhost/limited/")
	for target, status := range map[string]int{
		"http://open.localhost/static/": 200, "http://open.localhost/static/missing.png": 404, "http://open.localhost/static": 308, "http://open.localhost/go/": 308,
		"http://open.localhost/dead/": 503, "http://open.localhost/put/": 405, "http://open.localhost/limited/": 429, "http://open.localhost/nowhere": 404,
		"http://open.localhost/static/.env": 404, "http://gallery.localhost/static/": 308,
	} {
		a := h.get(t, target, "Origin", "https://app.example.com")
		if a.StatusCode != status || a.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" || a.Header.Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("%s: %s %v", target, a.Status, a.Header)
		}
	}
	star := plain(config.Route{Path: "/", API: true})
	star.CORS = corsOf(false, "*")
	star.CORS.MaxAge = 0
	declare(t, h, ok, star)
	a := h.get(t, "http://open.localhost/") // what a cache keeps of this one is good for every page
	if a.Header.Get("Access-Control-Allow-Origin") != "*" || a.Header.Get("Vary") != "" {
		t.Errorf("%v", a.Header)
	}
	a = h.do(t, h.client(t, false), http.MethodOptions, "http://open.localhost/", nil, "Origin", "null", "Access-Control-Request-Method", "GET")
	if a.StatusCode != 204 || a.Header.Get("Access-Control-Max-Age") != "0" {
		t.Errorf("%s %v", a.Status, a.Header)
	}
}
