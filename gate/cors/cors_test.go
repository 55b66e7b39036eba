package cors_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cors"
)

func rule(t *testing.T, c config.CORS) *cors.Rule {
	t.Helper()
	made, err := cors.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func ask(method string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "https://a.test/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// TestRule_FetchMatrix goes through what the Fetch standard distinguishes: the rule's origins, with credentials and
// without, and what a preflight asks for.
func TestRule_FetchMatrix(t *testing.T) {
	t.Parallel()
	named := config.CORS{Origins: []string{"https://b.test", "https://*.c.test"}, Methods: []string{"GET", "PATCH"}, Headers: []string{"X-A", "Authorization"}, Expose: []string{"ETag"}, MaxAge: time.Minute}
	with := named
	with.Credentials = true
	star := named
	star.Origins = []string{"*"}
	starHeaders := star
	starHeaders.Headers, starHeaders.Methods = []string{"*"}, []string{"*"}
	for _, q := range []struct {
		name                    string
		rule                    config.CORS
		origin, method, headers string
		reason                  string // "" where it is allowed
	}{
		{"a named origin", named, "https://b.test", "GET", "", ""},
		{"a named origin on another port", named, "https://b.test:444", "GET", "", "origin"},
		{"a named origin without TLS", named, "http://b.test", "GET", "", "origin"},
		{"a label of a wildcard", named, "https://x.c.test", "PATCH", "x-a", ""},
		{"two labels of a wildcard", named, "https://y.x.c.test", "GET", "", "origin"},
		{"no label of a wildcard", named, "https://c.test", "GET", "", "origin"},
		{"an origin that ends like one", named, "https://evilb.test", "GET", "", "origin"},
		{"null", named, "null", "GET", "", "origin"},
		{"null of a star", star, "null", "GET", "", ""},
		{"a method in small letters", named, "https://b.test", "patch", "", "method"},
		{"another method", named, "https://b.test", "PUT", "", "method"},
		{"a star of methods", starHeaders, "https://b.test", "PURGE", "", ""},
		{"a header in any case", named, "https://b.test", "GET", "X-a", ""},
		{"safelisted headers", named, "https://b.test", "GET", "accept,accept-language,content-language", ""},
		{"another header", named, "https://b.test", "GET", "x-a, x-b", "header"},
		{"a star of headers", starHeaders, "https://b.test", "GET", "x-anything", ""},
		{"a star is no Authorization", starHeaders, "https://b.test", "GET", "authorization", "header"},
		{"Authorization by its name", named, "https://b.test", "GET", "authorization", ""},
		{"with credentials", with, "https://b.test", "PATCH", "x-a", ""},
	} {
		c := rule(t, q.rule)
		r := ask(http.MethodOptions, "Origin", q.origin, "Access-Control-Request-Method", q.method, "Access-Control-Request-Headers", q.headers)
		if !cors.IsPreflight(r) {
			t.Errorf("%s: no preflight", q.name)
		}
		if allowed := c.Allows(q.origin); allowed != (q.reason != "origin") {
			t.Errorf("%s: allowed is %v", q.name, allowed)
			continue
		}
		reason := ""
		if err := c.Refuse(r); err != nil {
			reason = err.Reason
		}
		if q.reason != "origin" && reason != map[string]string{"": "", "method": "cors.method_not_allowed", "header": "cors.header_not_allowed"}[q.reason] {
			t.Errorf("%s: %q", q.name, reason)
		}
		if q.reason != "" {
			continue
		}
		h := http.Header{}
		c.PutPreflight(h, r)
		c.Put(h, []string{q.origin})
		want := q.origin
		if q.rule.Origins[0] == "*" {
			want = "*"
		}
		if h.Get("Access-Control-Allow-Origin") != want || (h.Get("Access-Control-Allow-Credentials") == "true") != q.rule.Credentials ||
			h.Get("Access-Control-Max-Age") != "60" || h.Get("Access-Control-Expose-Headers") != "" || h.Get("Access-Control-Allow-Methods") == "" {
			t.Errorf("%s: %v", q.name, h)
		}
	}
}

func TestRule_PutsTheHeadersOfAnAnswer(t *testing.T) {
	t.Parallel()
	named := config.CORS{Origins: []string{"https://b.test"}, Expose: []string{"ETag", "X-Journey"}, Credentials: true}
	star := config.CORS{Origins: []string{"*"}, Expose: []string{"ETag", "X-Journey"}}
	for _, q := range []struct {
		name         string
		rule         config.CORS
		origin, vary string // of the request; and what the answer varies by already
		want         string // Access-Control-Allow-Origin, -Allow-Credentials, -Expose-Headers, Vary
	}{
		{"an allowed origin", named, "https://b.test", "", "https://b.test|true|ETag, X-Journey|Origin"},
		{"none, or one that is not allowed", named, "", "", "|||Origin"},
		{"an answer that varies by something", named, "https://b.test", "Accept-Encoding", "https://b.test|true|ETag, X-Journey|Accept-Encoding;Origin"},
		{"an answer that varies by it", named, "", "accept, origin", "|||accept, origin"},
		{"an answer that varies by everything", named, "", "*", "|||*"},
		{"a list without the journey", config.CORS{Origins: []string{"*"}, Expose: []string{"ETag"}}, "https://any.test", "", "*||ETag, X-Journey|"},
		{"no list", config.CORS{Origins: []string{"*"}}, "https://any.test", "", "*||X-Journey|"},
		{"a star", star, "https://any.test", "", "*||ETag, X-Journey|"},
		{"a star without an origin", star, "", "Accept", "*||ETag, X-Journey|Accept"},
	} {
		h := http.Header{}
		if q.vary != "" {
			h.Set("Vary", q.vary)
		}
		rule(t, q.rule).Put(h, []string{q.origin})
		got := strings.Join([]string{
			h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Credentials"), h.Get("Access-Control-Expose-Headers"), strings.Join(h.Values("Vary"), ";"),
		}, "|")
		if got != q.want {
			t.Errorf("%s: %s, want %s", q.name, got, q.want)
		}
	}
}

func TestRule_LetsPrivateNetworksBeAsked(t *testing.T) {
	t.Parallel()
	c := rule(t, config.CORS{Origins: []string{"https://b.test"}, Methods: []string{"GET"}})
	for _, asked := range []string{"true", "", "false"} {
		h := http.Header{}
		c.PutPreflight(h, ask(http.MethodOptions, "Access-Control-Request-Private-Network", asked))
		if got := h.Get("Access-Control-Allow-Private-Network"); (got == "true") != (asked == "true") || !strings.Contains(h.Get("Vary"), "Access-Control-Request-Private-Network") {
			t.Errorf("asked %q: %v", asked, h)
		}
	}
}

func TestNoRule_AllowsNobody(t *testing.T) {
	t.Parallel()
	c, err := cors.New(nil)
	if err != nil || c != nil || c.Allows("https://b.test") {
		t.Errorf("%v %v", c, err)
	}
}

func TestSameOrigin_IsTheSiteAsTheClientReachedIt(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]bool{
		"https://a.test": true, "https://A.test": true, "http://a.test": false, "https://a.test:443": false, "https://b.test": false, "null": false, "": false,
	} {
		if got := cors.SameOrigin(origin, ask(http.MethodGet)); got != want {
			t.Errorf("%s: %v", origin, got)
		}
	}
	h := http.Header{"Access-Control-Allow-Origin": {"*"}, "Access-Control-Max-Age": {"1"}, "Etag": {"x"}}
	if cors.TakeOff(h); len(h) != 1 {
		t.Errorf("left: %v", h)
	}
}
