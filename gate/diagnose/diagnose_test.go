package diagnose_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/diagnose"
)

var from = diagnose.From{Client: netip.MustParseAddr("203.0.113.9"), Origin: "https://shop.test"}

func page(t *testing.T) *diagnose.Page {
	t.Helper()
	say := func(word string) func(context.Context, diagnose.From, []byte) (any, error) {
		return func(_ context.Context, who diagnose.From, body []byte) (any, error) {
			if string(body) == `"no"` {
				return nil, roundtrip.E(roundtrip.Invalid, "command.invalid", "no")
			}
			return map[string]string{"said": word, "origin": who.Origin, "body": string(body)}, nil
		}
	}
	p, err := diagnose.New(diagnose.Options{Begin: say("begun"), Conclude: say("seen")})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPage_AnswersThePageAlone(t *testing.T) {
	t.Parallel()
	p := page(t)
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		reason, has              string // of the error, or what the answer has
	}{
		{"the page", "GET", diagnose.Path, "", nil, "", "<form id=\"ask\">"},
		{"its script", "GET", diagnose.Path + "/page.js", "", nil, "", "no-cors"},
		{"its style", "GET", diagnose.Path + "/page.css", "", nil, "", "light-dark"},
		{"a head has no body", "HEAD", diagnose.Path, "", nil, "", ""},
		{"the page is only read", "POST", diagnose.Path, "", nil, "route.method_not_allowed", ""},
		{"a question is not read", "GET", diagnose.Path + "/begin", "", nil, "route.method_not_allowed", ""},
		{"before", "POST", diagnose.Path + "/begin", `{}`, []string{"Content-Type", "application/json", "Sec-Fetch-Site", "same-origin"}, "", `"said":"begun"`},
		{"after", "POST", diagnose.Path + "/seen", `{}`, []string{"Content-Type", "application/json; charset=utf-8", "Origin", "https://shop.test"}, "", `"said":"seen"`},
		{"another site's page", "POST", diagnose.Path + "/seen", `{}`, []string{"Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"}, "cors.origin_not_allowed", ""},
		{"a sister site's page", "POST", diagnose.Path + "/begin", `{}`, []string{"Content-Type", "application/json", "Sec-Fetch-Site", "same-site"}, "cors.origin_not_allowed", ""},
		{"an old browser's foreign page", "POST", diagnose.Path + "/begin", `{}`, []string{"Content-Type", "application/json", "Origin", "https://evil.test"}, "cors.origin_not_allowed", ""},
		{"a form", "POST", diagnose.Path + "/begin", `{}`, []string{"Content-Type", "text/plain"}, "request.media_type", ""},
		{"what can't be answered", "POST", diagnose.Path + "/begin", `"no"`, []string{"Content-Type", "application/json"}, "command.invalid", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), c.method, "https://shop.test"+c.path, strings.NewReader(c.body))
			for i := 0; i < len(c.headers); i += 2 {
				r.Header.Set(c.headers[i], c.headers[i+1])
			}
			w := httptest.NewRecorder()
			err := p.Serve(w, r, c.path, from)
			if c.reason != "" {
				if e := (*roundtrip.Error)(nil); !errors.As(err, &e) || e.Reason != c.reason || w.Body.Len() > 0 {
					t.Errorf("%v, want %s; %q", err, c.reason, w.Body)
				}
				return
			}
			if err != nil || !strings.Contains(w.Body.String(), c.has) || c.method == http.MethodHead && w.Body.Len() > 0 {
				t.Errorf("%v: %q", err, w.Body)
			}
			if strings.HasPrefix(c.has, `"said"`) {
				var said map[string]string
				if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said["origin"] != from.Origin || said["body"] != c.body {
					t.Errorf("%v: %v", err, said)
				}
			}
		})
	}
}

// The policy lets no script run that is not the page's own, and the page keeps to it.
func TestPage_KeepsToItsPolicy(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	if err := page(t).Serve(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://shop.test"+diagnose.Path, nil), diagnose.Path, from); err != nil {
		t.Fatal(err)
	}
	html, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<style", " style=", " onclick=", "javascript:", "<script>", "http://", "//cdn"} {
		if strings.Contains(string(html), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	policy := diagnose.Headers()["Content-Security-Policy"][0]
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s: %s", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Error(policy)
	}
}

func TestHas_KnowsItsOwnPathsAlone(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		diagnose.Path: true, diagnose.Path + "/page.js": true, diagnose.Path + "/page.css": true, diagnose.Path + "/begin": true, diagnose.Path + "/seen": true,
		diagnose.Path + "/": false, diagnose.Path + "/other": false, diagnose.Path + "x": false, "/": false, "/.well-known/roundtrip/reports": false,
	} {
		if diagnose.Has(path) != want {
			t.Errorf("%s: %v", path, !want)
		}
	}
}
