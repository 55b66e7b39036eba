package gate_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/diagnose"
	"github.com/roundtrip-dev/roundtrip/gate/limit"
)

// diagnosing opens a gate with the page.
func diagnosing(t *testing.T, change func(*gate.Options)) *house {
	t.Helper()
	echo := func(_ context.Context, from diagnose.From, body []byte) (any, error) {
		return []string{from.Origin, from.Client.String(), string(body)}, nil
	}
	page, err := diagnose.New(diagnose.Options{Begin: echo, Conclude: echo})
	if err != nil {
		t.Fatal(err)
	}
	limits, err := limit.New(limit.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return open(t, ok, func(o *gate.Options) {
		o.Diagnose, o.Limits = page, limits
		change(o)
	})
}

// The page is there in dev and for operators; for everybody else its path is like any other.
func TestDiagnosis_IsForDevelopersAndOperators(t *testing.T) {
	t.Parallel()
	operators := func(o *gate.Options) {
		o.Timing = func(r *http.Request) bool { return r.Header.Get("X-Who") == "operator" }
	}
	for name, c := range map[string]struct {
		change func(*gate.Options)
		who    string
		there  bool
	}{
		"in dev":                          {func(o *gate.Options) { o.Dev = true }, "", true},
		"to an operator":                  {operators, "operator", true},
		"to a stranger":                   {operators, "", false},
		"where there are no operators":    {func(*gate.Options) {}, "operator", false},
		"where nobody made the page":      {func(o *gate.Options) { o.Dev, o.Diagnose = true, nil }, "", false},
		"to an operator, without a page":  {func(o *gate.Options) { operators(o); o.Diagnose = nil }, "operator", false},
		"to a stranger who says it twice": {operators, "operator, operator", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := diagnosing(t, c.change)
			const site = "http://quiet.localhost"
			a := h.get(t, site+diagnose.Path, "X-Who", c.who)
			if there := a.StatusCode == http.StatusOK && strings.Contains(a.body, "Why does a request fail?"); there != c.there {
				t.Fatalf("%s: %s", a.Status, a.body)
			}
			if !c.there {
				other := h.get(t, site+"/.well-known/roundtrip/other", "X-Who", c.who)
				if a.StatusCode != http.StatusNotFound || other.StatusCode != a.StatusCode || a.Header.Get("Content-Security-Policy") != "" {
					t.Errorf("it differs from a path that nobody has: %v and %v", a.Header, other.Header)
				}
			}
			post := h.do(t, h.client(t, true), http.MethodPost, site+diagnose.Path+"/seen", strings.NewReader("{}"), "X-Who", c.who, "Content-Type", "application/json")
			if (post.StatusCode == http.StatusOK) != c.there {
				t.Errorf("POST: %s", post.Status)
			}
		})
	}
}

// Its answers are for nobody's cache and have the page's own policy; the gate tells who asks, and bounds what is sent.
func TestDiagnosis_IsBounded(t *testing.T) {
	t.Parallel()
	h := diagnosing(t, func(o *gate.Options) { o.Dev = true })
	const site = "https://gallery.localhost:8443"
	a := h.get(t, site+diagnose.Path)
	for name, want := range diagnose.Headers() {
		if got := a.Header.Values(name); len(got) != 1 || got[0] != want[0] {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	client := h.client(t, true)
	post := func(body string) answer {
		return h.do(t, client, http.MethodPost, site+diagnose.Path+"/begin", strings.NewReader(body), "Content-Type", "application/json")
	}
	if a := post(`{}`); a.body != `["https://gallery.localhost:8443","127.0.0.1","{}"]` {
		t.Errorf("%s: %s", a.Status, a.body)
	}
	if s := h.journey(t, a.Header.Get("X-Journey")); s.Route != diagnose.Path {
		t.Errorf("the route of the page is %q", s.Route)
	}
	problem(t, post(strings.Repeat(" ", diagnose.BodyMax+1)), http.StatusRequestEntityTooLarge, "request.body_too_large")
	var refused answer
	for range 61 {
		if refused = post(`{}`); refused.StatusCode != http.StatusOK {
			break
		}
	}
	problem(t, refused, http.StatusTooManyRequests, "limit.rate")
	if refused.Header.Get("Retry-After") == "" {
		t.Error("the page is not told when to come back")
	}
}
