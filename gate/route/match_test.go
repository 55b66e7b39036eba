package route_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/route"
)

// answers makes a site whose routes have the given paths, each with an answer of its own.
func answers(paths ...string) config.Site {
	s := config.Site{Name: "a.test"}
	for _, p := range paths {
		s.Routes = append(s.Routes, config.Route{Path: p, Respond: &config.Respond{Body: p}})
	}
	return s
}

func table(t *testing.T, sites ...config.Site) *route.Table {
	t.Helper()
	made, err := route.New(sites, route.Builders{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestSite_MatchesTheMostSpecificPath(t *testing.T) {
	t.Parallel()
	s := table(t, answers("/", "/api/", "/api/v1/", "/health", "/users/*/avatar", "/users/me/avatar", "/users/*/", "/*/", "/users/*/*")).Sites[0]
	for path, want := range map[string]string{
		"/": "/", "/x": "/*/", "/x/y": "/*/", "/api": "/api/", "/api/": "/api/", "/apis": "/*/", "/api/v2": "/api/", "/api/v1": "/api/v1/",
		"/api/v1/x/y": "/api/v1/", "/health": "/health", "/health/": "/*/", "/health/x": "/*/", "/users/7/avatar": "/users/*/avatar",
		"/users/me/avatar": "/users/me/avatar", "/users/me/avatars": "/users/*/*", "/users/me/x/y": "/users/*/", "/users/7": "/users/*/",
		"/users": "/*/", "/users/": "/*/", "/users/7/avatar/": "/users/*/",
	} {
		r := s.Match(http.MethodGet, path, nil)
		if r == nil || r.Path != want {
			t.Errorf("%s: %+v, want %s", path, r, want)
		}
	}
	if r := table(t, answers("/a/")).Sites[0].Match(http.MethodGet, "/b", nil); r != nil {
		t.Errorf("/b: %+v", r)
	}
}

func TestSite_MatchesConditions(t *testing.T) {
	t.Parallel()
	line := func(name, value string) config.HeaderLine { return config.HeaderLine{Name: name, Value: value} }
	site := config.Site{Name: "a.test", Routes: []config.Route{
		{Path: "/", Respond: &config.Respond{Body: "all"}},
		{Path: "/", Match: config.Match{Headers: []config.HeaderLine{line("X-Canary", "yes")}}, Respond: &config.Respond{Body: "canary"}},
		{Path: "/", Match: config.Match{Headers: []config.HeaderLine{line("X-Canary", "*")}}, Respond: &config.Respond{Body: "any canary"}},
		{Path: "/", Match: config.Match{Methods: []string{"POST"}, Headers: []config.HeaderLine{line("X-Canary", "yes")}}, Respond: &config.Respond{Body: "post"}},
		{Path: "/only/", Match: config.Match{Methods: []string{"GET"}}, Respond: &config.Respond{Body: "read"}},
		{Path: "/x/only/", Match: config.Match{Methods: []string{"GET", "PUT"}}, Respond: &config.Respond{Body: "read"}},
	}}
	s := table(t, site).Sites[0]
	for _, q := range []struct{ method, path, canary, want string }{
		{"GET", "/", "", "all"},
		{"GET", "/", "no", "any canary"},
		{"GET", "/", "yes", "canary"},
		{"POST", "/", "yes", "post"},
		{"POST", "/", "no", "any canary"},
		{"GET", "/only/x", "", "read"},
		{"HEAD", "/only", "", "read"},
		{"POST", "/only/x", "", "all"}, // the less specific route has the method
	} {
		h := http.Header{}
		if q.canary != "" {
			h.Set("X-Canary", q.canary)
		}
		r := s.Match(q.method, q.path, h)
		if r == nil || r.Declared.Respond.Body != q.want {
			t.Errorf("%+v: %+v", q, r)
		}
	}
	narrow := table(t, config.Site{Name: "a.test", Routes: site.Routes[4:]}).Sites[0]
	if r := narrow.Match("DELETE", "/x/only/1", nil); r != nil || narrow.Allow("DELETE", "/x/only/1", nil) != "GET, HEAD, PUT" {
		t.Errorf("%+v, allowed: %q", r, narrow.Allow("DELETE", "/x/only/1", nil))
	}
	if allow := narrow.Allow("DELETE", "/elsewhere", nil); allow != "" {
		t.Errorf("nothing is served there, and %q is allowed", allow)
	}
}

func TestNew_RefusesWhatCanNotBeToldApart(t *testing.T) {
	t.Parallel()
	twice := answers("/a/", "/a/")
	twice.Routes[0].Match.Methods, twice.Routes[1].Match.Methods = []string{"GET"}, []string{"HEAD", "POST"}
	for name, sites := range map[string][]config.Site{
		"one path twice":        {answers("/a/", "/a/")},
		"HEAD goes with GET":    {twice},
		"one name twice":        {answers("/"), answers("/")},
		"nowhere":               {{Name: "a.test", Routes: []config.Route{{Path: "/"}}}},
		"an open redirect":      {{Name: "a.test", Routes: []config.Route{{Path: "/", Redirect: &config.Redirect{To: "//evil.example/"}}}}},
		"a redirect without to": {{Name: "a.test", Routes: []config.Route{{Path: "/", Redirect: &config.Redirect{}}}}},
	} {
		if _, err := route.New(sites, route.Builders{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	twice.Routes[1].Match.Methods = []string{"POST"}
	if _, err := route.New([]config.Site{twice}, route.Builders{}); err != nil {
		t.Errorf("routes of different methods: %v", err)
	}
}

func TestTable_FindsSites(t *testing.T) {
	t.Parallel()
	site := func(name string) config.Site { s := answers("/"); s.Name = name; return s }
	made := table(t, site("preview.example.com"), site("*.preview.example.com"), site("www.preview.example.com"), site("*.example.com"))
	for host, want := range map[string]string{
		"preview.example.com": "preview.example.com", "a.preview.example.com": "*.preview.example.com", "A.Preview.example.com.:8443": "*.preview.example.com",
		"www.preview.example.com:1": "www.preview.example.com", "b.a.preview.example.com": "", "example.com": "", "x.example.com": "*.example.com",
		".example.com": "", ".preview.example.com": "", "com": "", "[::1]:80": "", "*.example.com": "*.example.com",
	} {
		got := ""
		if s := made.Site(host); s != nil {
			got = s.Name
		}
		if got != want && !strings.HasPrefix(host, "*") { // a host with a star does not come this far
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}
