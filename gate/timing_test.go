package gate_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Where the time went is said in dev, and to those who may know; never in what caches give to others.
func TestTiming_IsSaidToThoseWhoMayKnow(t *testing.T) {
	t.Parallel()
	step := func(name string, layer trace.Layer, cache string) func(w http.ResponseWriter, r *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			j := trace.From(r.Context())
			j.Add(trace.Hop{Layer: layer, Name: name, Start: 1, Took: int64(2600 * time.Microsecond)})
			if cache != "" {
				w.Header().Set("Cache-Control", cache)
			}
			w.WriteHeader(http.StatusOK)
		}
	}
	dev := func(o *gate.Options) { o.Dev = true }
	operator := func(o *gate.Options) {
		o.Timing = func(r *http.Request) bool { return r.Header.Get("X-Who") == "operator" }
	}
	for name, c := range map[string]struct {
		serve  func(http.ResponseWriter, *http.Request)
		option func(*gate.Options)
		who    string
		want   string // "" for none
	}{
		"in dev":                        {step("likes.create", trace.SQL, ""), dev, "", `^jr;desc="[0-9a-f]{32}", sql;dur=2.6, total;dur=[0-9.]+$`},
		"in dev, of signing in":         {step("sign-in", trace.Auth, ""), dev, "", `, auth;dur=2.6, total`},
		"to an operator":                {step("likes.create", trace.SQL, "private, max-age=60"), operator, "operator", `^jr;desc="[0-9a-f]{32}", sql;dur=3, total;dur=[0-9]+$`},
		"to an operator, of signing in": {step("sign-in", trace.Auth, ""), operator, "operator", ""},
		"in what caches keep":           {step("likes.create", trace.SQL, "public, max-age=60"), operator, "operator", ""},
		"to a stranger":                 {step("likes.create", trace.SQL, ""), operator, "", ""},
		"where nobody was asked":        {step("likes.create", trace.SQL, ""), func(*gate.Options) {}, "operator", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, c.serve, c.option)
			a := h.do(t, h.client(t, true), http.MethodGet, "https://gallery.localhost/api/x", nil, "X-Who", c.who)
			got := a.Header.Get("Server-Timing")
			if (got != "") != (c.want != "") || c.want != "" && !regexp.MustCompile(c.want).MatchString(got) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// What is behind the gate could use the cookie of an operator, so it does not get it.
func TestTiming_TheOperatorsCookieStaysHere(t *testing.T) {
	t.Parallel()
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Got", strings.Join(r.Header["Cookie"], "|"))
	}, func(o *gate.Options) {
		o.Timing = func(r *http.Request) bool { return len(r.CookiesNamed(gate.OperatorCookie)) == 1 }
	})
	a := h.do(t, h.client(t, true), http.MethodGet, "https://gallery.localhost/api/x", nil, "Cookie", "a=1; "+gate.OperatorCookie+"=secret; b=2")
	if got := a.Header.Get("Got"); got != "a=1; b=2" {
		t.Errorf("the handler got %q", got)
	}
	if a.Header.Get("Server-Timing") == "" {
		t.Error("the operator was not known")
	}
}
