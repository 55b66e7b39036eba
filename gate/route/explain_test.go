package route_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/route"
)

func TestTable_ExplainsWhyNoRouteFits(t *testing.T) {
	t.Parallel()
	site := answers("/photos/", "/photos/*/raw", "/health")
	site.Routes = append(site.Routes,
		config.Route{Path: "/write/", Match: config.Match{Methods: []string{"POST", "PUT"}}, Respond: &config.Respond{}},
		config.Route{Path: "/canary/", Match: config.Match{
			Methods: []string{"GET"}, Headers: []config.HeaderLine{{Name: "X-Canary", Value: "yes"}, {Name: "X-Team", Value: "*"}},
		}, Respond: &config.Respond{}},
	)
	made := table(t, site)
	for _, q := range []struct {
		host, path, method string
		header             http.Header
		want               string // the nearest, "" for nothing
	}{
		{"a.test", "/photo/1", "GET", nil, "path /photos/ /photos/"},
		{"a.test", "/healthz", "GET", nil, "path /health /health"},
		{"a.test", "/write/1", "GET", nil, "method /write/ POST, PUT"},
		{"a.test", "/canary/", "GET", nil, "header X-Canary /canary/ yes"},
		{"a.test", "/canary/", "GET", http.Header{"X-Canary": {"yes"}}, "header X-Team /canary/ *"},
		{"a.test", "/canary/", "PUT", http.Header{"X-Canary": {"yes"}, "X-Team": {"a"}}, "method /canary/ GET, HEAD"},
		{"a.test", "/something/else", "GET", nil, ""},
		{"a.test", "/photos/7/raw", "GET", nil, "path /photos/ a less specific path"}, // it has a route: who lost to it
		{"b.test", "/", "GET", nil, "host  a.test"},
		{"nowhere.example", "/", "GET", nil, ""},
		{strings.Repeat("a", 250) + ".test", "/", "GET", nil, ""},
		{"a.test", "/" + strings.Repeat("photos/", 3000), "PUT", nil, "path /photos/*/raw /photos/*/raw"},
	} {
		got := ""
		if near := made.Explain(q.host, q.path, q.method, q.header); len(near) > 0 {
			got = near[0].Failed + " " + near[0].Route + " " + near[0].Want
		}
		if got != q.want {
			t.Errorf("%s %.40s%.40s %v: %q, want %q", q.method, q.host, q.path, q.header, got, q.want)
		}
	}
}

// BenchmarkTable_Explain is what a request for nothing costs, at its worst.
func BenchmarkTable_Explain(b *testing.B) {
	site := config.Site{Name: "a.test"}
	for i := range 1000 {
		site.Routes = append(site.Routes, config.Route{Path: fmt.Sprintf("/some-part-%d/page/", i), Respond: &config.Respond{}})
	}
	made, err := route.New([]config.Site{site}, route.Builders{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		made.Explain("a.test", "/some-past-7/"+strings.Repeat("x/", 1000), "GET", nil)
	}
}
