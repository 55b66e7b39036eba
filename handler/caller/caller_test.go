package caller_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/caller"
	"github.com/roundtrip-dev/roundtrip/identity"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func guard(t *testing.T) *caller.Guard {
	t.Helper()
	g, err := caller.New([]string{"https://app.test", "https://*.preview.test"})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// request is one to https://gallery.test; more is header names and values in turn, all of them sent.
func request(t *testing.T, more ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://gallery.test/api/photos", nil)
	for i := 0; i < len(more); i += 2 {
		r.Header.Add(more[i], more[i+1])
	}
	return r
}

func plain(r *http.Request) *http.Request {
	r.TLS = nil
	return r
}

func TestRead_FindsTheToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		r      *http.Request
		token  string
		cookie bool
	}{
		"nothing":                       {request(t), "", false},
		"bearer":                        {request(t, "Authorization", "Bearer abc"), "abc", false},
		"the scheme in any case":        {request(t, "Authorization", "bEARER abc"), "abc", false},
		"spaces before the token":       {request(t, "Authorization", "Bearer   abc"), "abc", false},
		"the header's name in any case": {request(t, "aUTHORIZATION", "Bearer abc"), "abc", false},
		"another scheme":                {request(t, "Authorization", "Basic YTpi"), "", false},
		"an empty header":               {request(t, "Authorization", ""), "", false},
		"the first of two":              {request(t, "Authorization", "Bearer abc", "Authorization", "Bearer def"), "abc", false},
		"binary metadata is none":       {request(t, "Authorization-Bin", "QmVhcmVyIGFiYw"), "", false},
		"cookie":                        {request(t, "Cookie", "a=b; __Host-session=abc; c=d"), "abc", true},
		"cookie in a line of its own":   {request(t, "Cookie", "a=b", "Cookie", "__Host-session=abc"), "abc", true},
		"an empty cookie":               {request(t, "Cookie", "__Host-session="), "", false},
		"the plain cookie over TLS":     {request(t, "Cookie", "session=abc"), "", false},
		"the plain cookie":              {plain(request(t, "Cookie", "session=abc")), "abc", true},
		"the host's cookie without TLS": {plain(request(t, "Cookie", "__Host-session=abc")), "", false},
		"bearer goes before the cookie": {request(t, "Authorization", "Bearer abc", "Cookie", "__Host-session=def"), "abc", false},
		"basic leaves the cookie":       {request(t, "Authorization", "Basic YTpi", "Cookie", "__Host-session=def"), "def", true},
	} {
		from, err := guard(t).Read(c.r)
		if err != nil || from.Token != c.token || from.Cookie != c.cookie || caller.Token(c.r) != c.token {
			t.Errorf("%s: %+v, %v", name, from, err)
		}
	}
}

// Who means to prove who they are and doesn't is told so, and is neither a stranger nor the cookie's account.
func TestRead_RefusesHalfAToken(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"a token without its scheme":         "rt_s_abc",
		"the scheme alone":                   "Bearer",
		"the scheme alone, in another case":  "bearer",
		"the scheme and a space":             "Bearer ",
		"the scheme and nothing but a space": "Bearer    ",
	} {
		for _, cookie := range []string{"", "__Host-session=def"} {
			r := request(t, "Authorization", header, "Cookie", cookie)
			from, err := guard(t).Read(r)
			if e := roundtrip.AsError(err); err == nil || e.Reason != "auth.invalid" || e.Kind != roundtrip.Unauthenticated || from != (handler.Caller{}) {
				t.Errorf("%s: %+v, %v", name, from, err)
			}
			if got := caller.Token(r); got != "" {
				t.Errorf("%s: the token %q", name, got)
			}
		}
	}
}

func TestRead_FindsTheAddress(t *testing.T) {
	t.Parallel()
	r := request(t)
	r.RemoteAddr = "[::ffff:192.0.2.1]:443"
	if from, _ := guard(t).Read(r); from.Addr != netip.MustParseAddr("192.0.2.1") {
		t.Error(from.Addr)
	}
	r.RemoteAddr = "@"
	if from, _ := guard(t).Read(r); from.Addr.IsValid() {
		t.Error(from.Addr)
	}
	j := trace.New(trace.Options{Now: time.Now, Recent: 1}).Begin(trace.Request)
	j.Client = netip.MustParseAddr("2001:db8::7")
	if from, _ := guard(t).Read(r.WithContext(trace.With(r.Context(), j))); from.Addr != j.Client {
		t.Error(from.Addr)
	}
}

// pages are requests as browsers send them: whether the page is foreign, and whether a sign-in of it is answered with a
// cookie and with a token.
func pages(t *testing.T) map[string]struct {
	r                      *http.Request
	foreign, cookie, token bool
} {
	t.Helper()
	return map[string]struct {
		r                      *http.Request
		foreign, cookie, token bool
	}{
		"an app":                             {request(t), false, true, true},
		"a page of the site":                 {request(t, "Sec-Fetch-Site", "same-origin", "Origin", "https://gallery.test"), false, true, false},
		"the address bar":                    {request(t, "Sec-Fetch-Site", "none"), false, true, false},
		"another site":                       {request(t, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"), true, false, true},
		"another site that is trusted":       {request(t, "Sec-Fetch-Site", "cross-site", "Origin", "https://app.test"), false, false, true},
		"another name of the site":           {request(t, "Sec-Fetch-Site", "same-site", "Origin", "https://blog.gallery.test"), true, false, true},
		"another name that is trusted":       {request(t, "Sec-Fetch-Site", "same-site", "Origin", "https://pr-7.preview.test"), false, true, false},
		"an old browser, of the site":        {request(t, "Origin", "https://gallery.test"), false, true, false},
		"an old browser, of another site":    {request(t, "Origin", "https://evil.test"), true, false, true},
		"an old browser, without TLS":        {request(t, "Origin", "http://gallery.test"), true, false, true},
		"an old browser, of no site":         {request(t, "Origin", "null"), true, false, true},
		"an old browser, of a trusted one":   {request(t, "Origin", "https://app.test"), false, false, true},
		"a pattern is one label":             {request(t, "Origin", "https://a.b.preview.test"), true, false, true},
		"a pattern is no other port":         {request(t, "Origin", "https://evil.test:1.preview.test"), true, false, true},
		"a page of the plain site":           {plain(request(t, "Origin", "http://gallery.test")), false, true, false},
		"a page over TLS for the plain site": {plain(request(t, "Origin", "https://gallery.test")), true, false, true},
	}
}

func TestGuard_HandsSessionsToPages(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	grant := &identity.Grant{Token: "rt_s_abc", Session: roundtrip.Session{Created: now, Ends: now.Add(90 * time.Minute)}}
	for name, c := range pages(t) {
		if from, err := guard(t).Read(c.r); err != nil || from.Foreign != c.foreign {
			t.Errorf("%s: foreign is %v, %v", name, from.Foreign, err)
		}
		h := http.Header{}
		token := guard(t).Hand(h, c.r, grant)
		if (token != "") != c.token {
			t.Errorf("%s: the token is %q", name, token)
		}
		set := h.Get("Set-Cookie")
		want := ""
		switch {
		case c.cookie && c.r.TLS != nil:
			want = "__Host-session=rt_s_abc; Path=/; Max-Age=5400; HttpOnly; Secure; SameSite=Lax"
		case c.cookie:
			want = "session=rt_s_abc; Path=/; Max-Age=5400; HttpOnly; SameSite=Lax"
		}
		if set != want {
			t.Errorf("%s: the cookie is %q, want %q", name, set, want)
		}
	}
}

func TestGuard_RefusesForeignWritesWithTheCookie(t *testing.T) {
	t.Parallel()
	for name, c := range pages(t) {
		from, err := guard(t).Read(c.r)
		if err != nil {
			t.Fatal(err)
		}
		if err := guard(t).CheckWrite(c.r, from); err != nil {
			t.Errorf("%s, without a cookie: %v", name, err)
		}
		from.Cookie = true
		err = guard(t).CheckWrite(c.r, from)
		wrong := c.foreign && name != "a page over TLS for the plain site" // the guard compares hosts, and that one is no danger
		if (err != nil) != wrong || err != nil && roundtrip.AsError(err).Reason != "auth.csrf_rejected" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDropCookie_OnlyOneThatProvesNothing(t *testing.T) {
	t.Parallel()
	for reason, drops := range map[string]bool{"auth.expired": true, "auth.invalid": true, "auth.missing": false, "auth.csrf_rejected": false} {
		for _, cookie := range []bool{true, false} {
			h := http.Header{}
			caller.DropCookie(h, request(t), handler.Caller{Token: "x", Cookie: cookie}, roundtrip.E(roundtrip.Unauthenticated, reason, ""))
			if dropped := strings.Contains(h.Get("Set-Cookie"), "__Host-session=; Path=/; Max-Age=0"); dropped != (drops && cookie) {
				t.Errorf("%s, cookie %v: %v", reason, cookie, h)
			}
		}
	}
}

func TestNew_RefusesWhatIsNoOrigin(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"app.test", "https://*", "https://a*.app.test", "https://*.app.test/path", "*.app.test", "https://"} {
		if _, err := caller.New([]string{origin}); err == nil {
			t.Errorf("%q is taken", origin)
		}
	}
}
