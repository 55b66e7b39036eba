package console_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

// Every route of the API against every role: who is refused, and how. A route that is not in the table fails.
func TestRoles_Matrix(t *testing.T) {
	t.Parallel()
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, in := console.OperatorFrom(r.Context()); !in {
			t.Error("no operator in the context of " + r.URL.Path)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	b := newBench(t, func(o *console.Options) {
		o.Data, o.People = ok, ok
		o.API = func() any { return "" }
		o.Try = func(context.Context, console.TryOrder) (*console.TryAnswer, error) {
			return &console.TryAnswer{Status: 200, Body: `{"token":"rt_s_x"}`}, nil
		}
		o.TryStream = func(_ context.Context, _ console.TryOrder, tell func(console.TryEvent) error) error {
			return tell(console.TryEvent{Answer: &console.TryAnswer{Status: 200}})
		}
		o.SiteLink = func(string) (string, error) { return "https://gallery.test/", nil }
		o.Why = func(context.Context, console.WhyOrder, func(any)) (any, error) { return "", nil }
	})
	id, other := b.request("/", 200, "").String(), b.request("/", 200, "").String()
	table := []struct {
		pattern, path string
		body          any
		least         operators.Role // 0: anybody
	}{
		{"GET /api/session", "/api/session", nil, operators.Viewer},
		{"POST /api/sign-in", "/api/sign-in", nil, 0},
		{"POST /api/claim", "/api/claim", nil, 0},
		{"POST /api/sign-out", "/api/sign-out", args{}, operators.Viewer},
		{"POST /api/password", "/api/password", args{"current": secret, "password": "other unrelated words"}, operators.Viewer},
		{"GET /api/overview", "/api/overview", nil, operators.Viewer},
		{"GET /api/overview/live", "", nil, operators.Viewer},
		{"GET /api/pulse", "/api/pulse", nil, operators.Viewer},
		{"GET /api/reasons", "/api/reasons", nil, operators.Viewer},
		{"GET /api/generations", "/api/generations", nil, operators.Viewer},
		{"GET /api/journeys", "/api/journeys", nil, operators.Viewer},
		{"GET /api/journeys/live", "", nil, operators.Viewer},
		{"GET /api/journeys/{id}", "/api/journeys/" + id, nil, operators.Viewer},
		{"GET /api/journeys/{a}/diff/{b}", "/api/journeys/" + id + "/diff/" + other, nil, operators.Viewer},
		{"POST /api/journeys/{id}/pin", "/api/journeys/" + id + "/pin", args{"on": true}, operators.Operate},
		{"GET /api/api", "/api/api", nil, operators.Viewer},
		{"POST /api/try", "/api/try", args{"site": "gallery.test", "method": "GET", "path": "/photos"}, operators.Viewer},
		{"POST /api/try", "/api/try", args{"site": "gallery.test", "method": "POST", "path": "/photos"}, operators.Operate},
		{"POST /api/try", "/api/try", args{"site": "gallery.test", "method": "GET", "path": "/photos", "account": "ana"}, operators.Operate},
		{"POST /api/try/stream", "/api/try/stream", args{"site": "gallery.test", "method": "GET", "path": "/photos:watch"}, operators.Viewer},
		{"POST /api/try/stream", "/api/try/stream", args{"site": "gallery.test", "method": "POST", "path": "/gallery.v1.Photos/Watch"}, operators.Operate},
		{"GET /api/try/accounts", "/api/try/accounts", nil, operators.Operate},
		{"POST /api/try/sign-in", "/api/try/sign-in", args{"site": "gallery.test", "login": "ana", "password": "x"}, operators.Operate},
		{"POST /api/why", "/api/why", args{"url": "https://gallery.test/"}, operators.Operate},
		{"POST /api/site-link", "/api/site-link", args{"site": "gallery.test"}, operators.Operate},
		{"/api/data/", "/api/data/photos", nil, operators.Operate},
		{"/api/people/", "/api/people/", nil, operators.Operate},
		{"GET /api/audit", "/api/audit", nil, operators.Operate},
		{"GET /api/operators", "/api/operators", nil, operators.Owner},
		{"POST /api/operators/link", "/api/operators/link", args{"role": "viewer"}, operators.Owner},
		{"POST /api/operators/{name}", "/api/operators/other", args{"role": "viewer"}, operators.Owner},
		{"DELETE /api/operators/{name}", "/api/operators/other", nil, operators.Owner},
	}
	b.join(t, "root", operators.Owner)
	who := map[operators.Role]*browser{0: b.browser(t)}
	for _, role := range []operators.Role{operators.Viewer, operators.Operate, operators.Owner} {
		who[role] = b.join(t, "the-"+role.String(), role)
	}
	var known []string
	for _, row := range table {
		known = append(known, row.pattern)
		method, _, found := strings.Cut(row.pattern, " ")
		if !found {
			method = "GET"
		}
		for role := operators.Role(0); role <= operators.Owner; role++ {
			if row.path == "/api/operators/other" && role == operators.Owner && method == "POST" {
				b.join(t, "other", operators.Viewer)
			}
			path := row.path
			if path == "" { // streams are asked with a filter that ends them
				path = strings.TrimPrefix(row.pattern, "GET ")
			}
			resp := who[role].send(method, path, row.body)
			resp.Body.Close()
			switch refused := resp.StatusCode == 401 || resp.StatusCode == 403; {
			case row.least == 0:
				if resp.StatusCode != 415 {
					t.Errorf("%s as %s: %d", row.pattern, role, resp.StatusCode)
				}
			case role == 0 && resp.StatusCode != 401, role > 0 && role < row.least && resp.StatusCode != 403, role >= row.least && (refused || resp.StatusCode >= 400):
				t.Errorf("%s as %s: %d, for %s and above", row.pattern, role, resp.StatusCode, row.least)
			}
			if strings.HasSuffix(row.pattern, "password") && role > 0 {
				who[role].want(200, "POST", "/api/password", args{"current": "other unrelated words", "password": secret})
			}
			if strings.HasSuffix(row.pattern, "sign-out") && role > 0 {
				who[role].want(200, "POST", "/api/sign-in", args{"name": "the-" + role.String(), "password": secret})
			}
		}
	}
	for _, pattern := range b.Patterns() {
		if !slices.Contains(known, pattern) {
			t.Errorf("%s is not in this table", pattern)
		}
	}
}

func TestOperators_TheLastOwnerStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.join(t, "ana", operators.Owner)
	if out := ana.want(422, "DELETE", "/api/operators/ana", nil); out["reason"] != "console.last_owner" {
		t.Fatalf("%v", out)
	}
	ana.want(422, "POST", "/api/operators/ana", args{"role": "viewer"})
	bo := b.join(t, "bo", operators.Viewer)
	bo.want(403, "GET", "/api/operators", nil)
	ana.want(200, "POST", "/api/operators/bo", args{"role": "owner"})
	bo.want(200, "DELETE", "/api/operators/ana", nil) // the new role holds at once
	ana.want(401, "GET", "/api/session", nil)
	entries := bo.want(200, "GET", "/api/audit", nil)["entries"].([]any)
	var deeds []string
	for _, e := range slices.Backward(entries) {
		e := e.(map[string]any)
		deed := e["what"].(string)
		if refused, _ := e["refused"].(string); refused != "" {
			deed += " refused"
		}
		deeds = append(deeds, deed)
	}
	want := "claim sign-in operator.remove operator.remove refused operator.role operator.role refused claim sign-in operator.role operator.remove"
	if got := strings.Join(deeds, " "); got != want {
		t.Fatalf("the audit log has\n%s, want\n%s", got, want)
	}
}

func TestMetrics_ThisMachineOrTheToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *console.Options) {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		o.MetricsToken = func() string { return "right" }
		o.Origin = &url.URL{Scheme: "https", Host: "console.example"}
	})
	who := b.browser(t)
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{
		"this machine":              {nil, 204},
		"by way of a proxy":         {[]string{"X-Forwarded-For", "203.0.113.9"}, 401},
		"by nginx's other header":   {[]string{"X-Real-Ip", "203.0.113.9"}, 401},
		"by the name of the proxy":  {[]string{"Host", "console.example"}, 401},
		"by way of another":         {[]string{"Forwarded", "for=203.0.113.9"}, 401},
		"the token":                 {[]string{"X-Forwarded-For", "203.0.113.9", "Authorization", "Bearer right"}, 204},
		"another token":             {[]string{"Authorization", "Bearer wrong"}, 401},
		"an empty token":            {[]string{"Authorization", "Bearer "}, 401},
		"a name that is not ours":   {[]string{"Host", "rebound.example"}, 421},
		"a page of somebody else's": {[]string{"Host", "evil.test:9443"}, 421},
	} {
		if got, _ := who.call("GET", "/metrics", nil, c.headers...); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
