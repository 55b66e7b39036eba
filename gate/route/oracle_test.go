package route_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/route"
)

// fits says by the words of the declaration whether a route is for a request. It knows nothing of trees.
func fits(r *config.Route, method, path string, h http.Header) bool {
	if !r.Match.Takes(method) {
		return false
	}
	for _, want := range r.Match.Headers {
		if got := h.Values(want.Name); len(got) == 0 || want.Value != "*" && !slices.Contains(got, want.Value) {
			return false
		}
	}
	pattern := r.Path
	if strings.HasSuffix(pattern, "/") {
		if !strings.HasSuffix(path, "/") {
			path += "/"
		}
		parts := strings.SplitAfter(path, "/")
		path = strings.Join(parts[:min(len(parts), strings.Count(pattern, "/"))], "")
	}
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && (want[i] != "*" || got[i] == "") {
			return false
		}
	}
	return true
}

// before says by the words of docs/gate.md whether a route wins over another one that fits too.
func before(a, b *config.Route) bool {
	x, y := strings.Split(strings.TrimPrefix(a.Path, "/"), "/"), strings.Split(strings.TrimPrefix(b.Path, "/"), "/")
	for i := range min(len(x), len(y)) {
		rank := func(s string) int {
			switch s {
			case "":
				return 0 // the rest, whatever it is
			case "*":
				return 1
			}
			return 2
		}
		if rank(x[i]) != rank(y[i]) {
			return rank(x[i]) > rank(y[i])
		}
	}
	if len(x) != len(y) { // /a before /a/
		return len(x) < len(y)
	}
	return a.Match.Weight() > b.Match.Weight()
}

func TestTable_MatchesAsASlowOracle(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	randomPath := func(star bool) string {
		var b strings.Builder
		for range random.IntN(4) {
			b.WriteString("/" + pick("a", "b", "c"))
			if star && random.IntN(3) == 0 {
				b.WriteString("/*")
			}
		}
		if b.Len() == 0 || random.IntN(2) == 0 {
			b.WriteString("/")
		}
		return b.String()
	}
	matched := 0
	for range 1000 {
		site := config.Site{Name: "a.test"}
		for range 1 + random.IntN(12) {
			r := config.Route{Path: randomPath(true), Respond: &config.Respond{}}
			if random.IntN(2) == 0 {
				r.Match.Methods = []string{pick("GET", "POST", "PUT")}
			}
			if random.IntN(3) == 0 {
				r.Match.Headers = []config.HeaderLine{{Name: "X-A", Value: pick("1", "2", "*")}}
			}
			if _, err := route.New([]config.Site{{Name: "a.test", Routes: append(slices.Clone(site.Routes), r)}}, route.Builders{}); err == nil {
				site.Routes = append(site.Routes, r)
			}
		}
		s := table(t, site).Sites[0]
		for range 40 {
			method, p, h := pick("GET", "HEAD", "POST", "DELETE"), randomPath(false), http.Header{}
			if random.IntN(2) == 0 {
				h.Set("X-A", pick("1", "2", "3"))
			}
			var want *config.Route
			for i := range site.Routes {
				if r := &site.Routes[i]; fits(r, method, p, h) && (want == nil || before(r, want)) {
					want = r
				}
			}
			got := s.Match(method, p, h)
			if want == nil != (got == nil) || got != nil && (got.Path != want.Path || fmt.Sprint(got.Declared.Match) != fmt.Sprint(want.Match)) {
				t.Fatalf("%s %s %v: %+v, want %+v, of %+v", method, p, h, got, want, site.Routes)
			}
			if got != nil {
				matched++
			}
			checkAllow(t, s, site.Routes, method, p, h, got != nil)
		}
	}
	if matched < 5000 {
		t.Errorf("%d requests had a route: the test looks at too little", matched)
	}
}

// checkAllow compares the methods that an answer with status 405 names with those that the declaration has.
func checkAllow(t *testing.T, s *route.Site, routes []config.Route, method, p string, h http.Header, served bool) {
	t.Helper()
	if served {
		return
	}
	other := false
	for _, m := range []string{"GET", "HEAD", "POST", "PUT"} {
		other = other || slices.ContainsFunc(routes, func(r config.Route) bool { return fits(&r, m, p, h) })
	}
	if allow := s.Allow(method, p, h); (allow != "") != other {
		t.Fatalf("%s %s %v: Allow %q of %+v", method, p, h, allow, routes)
	}
}

// FuzzClean_RoutesWhatItLetsPass sends any target: what Clean lets pass has one reading, and matching it never fails.
func FuzzClean_RoutesWhatItLetsPass(f *testing.F) {
	for _, seed := range []string{"/", "/api//x/", "/a%2fb", "/%2e%2e/", "/a/../b", "/a%00", "/users/7/avatar", "*", "/a;b?c#d", "/%ff", "//evil.example/"} {
		f.Add(seed)
	}
	made, err := route.New([]config.Site{answers("/", "/api/", "/users/*/avatar", "/users/*/", "/a", "/*/x")}, route.Builders{})
	if err != nil {
		f.Fatal(err)
	}
	s := made.Sites[0]
	f.Fuzz(func(t *testing.T, target string) {
		r, err := http.NewRequest(http.MethodGet, "http://a.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.URL, err = r.URL.Parse(target); err != nil {
			return
		}
		r.RequestURI = target
		p, refused := route.Clean(r)
		if refused != nil {
			return
		}
		if p[0] != '/' || strings.Contains(p, "//") || strings.ContainsAny(p, "\\\x00") || path.Clean(p) != strings.TrimSuffix(p, "/") && p != "/" {
			t.Fatalf("%q became %q", target, p)
		}
		if s.Match(http.MethodGet, p, nil) == nil {
			t.Fatalf("%q has no route", p)
		}
		to := redirected(t, p)
		if !strings.HasPrefix(to, "https://new.test/n/") {
			t.Fatalf("%q is redirected to %q", target, to)
		}
	})
}

// redirected returns where a site that is redirected as a whole sends a path.
func redirected(t *testing.T, p string) string {
	t.Helper()
	made := table(t, config.Site{Name: "a.test", Routes: []config.Route{{Path: "/", Redirect: &config.Redirect{To: "https://new.test/n/"}}}})
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if err := made.Sites[0].Match(http.MethodGet, p, nil).Target.Serve(w, r, p); err != nil {
		t.Fatal(err)
	}
	return w.Header().Get("Location")
}

func BenchmarkTable_FindsTheRoute(b *testing.B) {
	var sites []config.Site
	for i := range 1000 {
		sites = append(sites, config.Site{Name: fmt.Sprintf("site-%d.test", i), Routes: []config.Route{{Path: "/", Respond: &config.Respond{}}}})
	}
	for i := range 1000 {
		sites[500].Routes = append(sites[500].Routes, config.Route{Path: fmt.Sprintf("/part-%d/*/page-%d/", i%30, i), Respond: &config.Respond{}})
	}
	sites = append(sites, config.Site{Name: "*.preview.test", Routes: []config.Route{{Path: "/", Respond: &config.Respond{}}}})
	made, err := route.New(sites, route.Builders{})
	if err != nil {
		b.Fatal(err)
	}
	for name, q := range map[string]struct{ host, path string }{
		"1000 sites": {"site-777.test", "/index.html"}, "1000 routes": {"site-500.test:8443", "/part-7/any/page-667/x/y"}, "wildcard": {"pr-7.preview.test", "/"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if made.Site(q.host).Match(http.MethodGet, q.path, nil) == nil {
					b.Fatal("no route")
				}
			}
		})
	}
}
