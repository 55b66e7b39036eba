package names_test

import (
	"slices"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/names"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/transfer"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

func TestDownSites(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	well, unproven, unwell := pool.State{Standing: pool.Well}, pool.State{Standing: pool.Unproven}, pool.State{Standing: pool.Unwell}
	ejected := pool.State{Standing: pool.Ejected, Until: now.Add(time.Second)}
	again := pool.State{Standing: pool.Ejected, Until: now}
	proxy := func(path string) config.Route { return config.Route{Path: path, Proxy: &config.Proxy{}} }
	for name, test := range map[string]struct {
		routes []config.Route
		states map[string][]pool.State
		down   bool
	}{
		"nothing behind it":                    {routes: []config.Route{{Path: "/", Static: "/srv"}}},
		"well":                                 {routes: []config.Route{proxy("/")}, states: map[string][]pool.State{"a.test /": {unwell, well}}},
		"not asked yet":                        {routes: []config.Route{proxy("/")}, states: map[string][]pool.State{"a.test /": {unproven, unwell}}},
		"unwell and ejected":                   {routes: []config.Route{proxy("/")}, states: map[string][]pool.State{"a.test /": {unwell, ejected}}, down: true},
		"ejected, and may be tried again":      {routes: []config.Route{proxy("/")}, states: map[string][]pool.State{"a.test /": {again}}},
		"another route is well":                {routes: []config.Route{proxy("/"), proxy("/b")}, states: map[string][]pool.State{"a.test /": {unwell}, "a.test /b": {well}}},
		"all routes are down":                  {routes: []config.Route{proxy("/"), proxy("/b")}, states: map[string][]pool.State{"a.test /": {unwell}, "a.test /b": {unwell}}, down: true},
		"another match of the path is well":    {routes: []config.Route{proxy("/")}, states: map[string][]pool.State{"a.test /": {unwell}, "a.test / (2)": {well}}},
		"another site's is no help":            {routes: []config.Route{proxy("/")}, states: map[string][]pool.State{"a.test /": {unwell}, "b.test /": {well}}, down: true},
		"a folder is served still":             {routes: []config.Route{proxy("/"), {Path: "/s/", Static: "/srv"}}, states: map[string][]pool.State{"a.test /": {unwell}}},
		"the API is served still":              {routes: []config.Route{proxy("/"), {Path: "/api/", API: true}}, states: map[string][]pool.State{"a.test /": {unwell}}},
		"a redirect alone is nothing to serve": {routes: []config.Route{proxy("/"), {Path: "/old", Redirect: &config.Redirect{}}}, states: map[string][]pool.State{"a.test /": {unwell}}, down: true},
	} {
		got := names.DownSites([]config.Site{{Name: "a.test", Routes: test.routes}}, test.states, now)
		if want := map[bool][]string{true: {"a.test"}}[test.down]; !slices.Equal(got, want) {
			t.Errorf("%s: down are %v, want %v", name, got, want)
		}
	}
}

func TestBehind(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		held    *transfer.Held
		problem string
		served  uint32
		want    bool
	}{
		"never seen":            {served: 7},
		"has it":                {held: &transfer.Held{Serial: 7}, served: 7},
		"has an older one":      {held: &transfer.Held{Serial: 6}, served: 7, want: true},
		"older, around the end": {held: &transfer.Held{Serial: 1<<32 - 1}, served: 2, want: true},
		"newer, around the end": {held: &transfer.Held{Serial: 2}, served: 1<<32 - 1},
		"has not heard of it":   {problem: "connection refused", served: 7, want: true},
	} {
		if got := names.Lacks("a.test", test.served, transfer.Copy{Zone: "a.test", Held: test.held, Problem: test.problem}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
