package rpc_test

import (
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
)

// page are the headers that a browser sends for a page of the site.
func (h *house) page() []string {
	return []string{"Sec-Fetch-Site", "same-origin", "Origin", h.server.URL}
}

// signInFrom signs ana in from a page.
func (h *house) signInFrom(d dialect, headers ...string) *reply {
	h.t.Helper()
	return h.stranger().call(d, "Auth/SignIn", `{"login":"ana","password":"`+password+`"}`, headers...).ok()
}

func (r *reply) cookiePair() string {
	r.t.Helper()
	pair, _, _ := strings.Cut(r.cookie(), ";")
	return pair
}

func TestAuth_PageOfTheSiteGetsACookieAndNoToken(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana")
	everyDialect(t, func(t *testing.T, d dialect) {
		h := h.in(t)
		in := h.signInFrom(d, h.page()...)
		if in.at("token") != nil || strings.Contains(in.json(), "rt_s_") {
			t.Fatal(in.json())
		}
		for _, part := range []string{"__Host-session=rt_s_", "Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age="} {
			if !strings.Contains(in.cookie(), part) {
				t.Fatalf("no %s in %s", part, in.cookie())
			}
		}
		cookie, s := in.cookiePair(), h.stranger()
		page := append(h.page(), "Cookie", "theme=dark; "+cookie)
		s.call(d, "Auth/Me", `{}`, page...).ok()
		s.call(d, "Auth/Me", `{}`, "Cookie", strings.Replace(cookie, "__Host-", "", 1)).is(connect.CodeUnauthenticated, "auth.missing")

		// A wrong password does not end the session that is there.
		wrong := s.call(d, "Auth/SignIn", `{"login":"ana","password":"wrong"}`, page...).is(connect.CodeUnauthenticated, "auth.invalid")
		if wrong.cookie() != "" {
			t.Fatal(wrong.cookie())
		}
		s.call(d, "Auth/Me", `{}`, page...).ok()
		if out := s.call(d, "Auth/SignOut", `{}`, page...).ok(); !strings.HasPrefix(out.cookie(), "__Host-session=; Path=/; Max-Age=0") {
			t.Fatal(out.cookie())
		}
		// A cookie that proves nothing any more is cleared, so that the page is a stranger's the next time.
		for _, path := range []string{"Auth/Me", "Auth/ListSessions"} {
			if gone := s.call(d, path, `{}`, page...).is(connect.CodeUnauthenticated, "auth.expired"); !strings.Contains(gone.cookie(), "Max-Age=0") {
				t.Fatalf("%s: the cookie is %q", path, gone.cookie())
			}
		}
		if out := s.call(d, "Auth/SignOut", `{}`, page...).ok(); !strings.Contains(out.cookie(), "Max-Age=0") {
			t.Fatal(out.cookie())
		}
	})
}

func TestAuth_PageOfAnotherSiteGetsATokenAndNoCookie(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana")
	everyDialect(t, func(t *testing.T, d dialect) {
		h := h.in(t)
		for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, {"Origin", "https://evil.test"}, {"Origin", "null"}} {
			if in := h.signInFrom(d, headers...); in.cookie() != "" || !strings.HasPrefix(in.text("token"), "rt_s_") {
				t.Fatal(headers, in.cookie(), in.json())
			}
		}
		app := h.signInFrom(d)
		if app.cookie() == "" || !strings.HasPrefix(app.text("token"), "rt_s_") {
			t.Fatal(app.cookie(), app.json())
		}
	})
}

// TestAuth_ReadsTheMetadataOfRPC looks at what clients put into authorization.
func TestAuth_ReadsTheMetadataOfRPC(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bob := h.person("ana"), h.person("bob")
	everyDialect(t, func(t *testing.T, d dialect) {
		h := h.in(t)
		for _, c := range []struct {
			values []string
			name   string // "" for nobody
			reason string
		}{
			{[]string{"Bearer " + ana.token}, "ana", ""},
			{[]string{"bearer   " + ana.token}, "ana", ""},
			{[]string{"BEARER " + ana.token}, "ana", ""},
			{[]string{"Bearer " + ana.token, "Bearer " + bob.token}, "ana", ""},
			{[]string{"Bearer " + ana.token + ", Bearer " + bob.token}, "", "auth.invalid"},
			{[]string{ana.token}, "", "auth.invalid"},
			{[]string{"Bearer " + ana.token + "x"}, "", "auth.invalid"},
			{[]string{"Bearer " + ana.token[:20]}, "", "auth.invalid"},
			{[]string{"Bearer"}, "", "auth.missing"},
			{[]string{"Basic YTpi"}, "", "auth.missing"},
			{[]string{""}, "", "auth.missing"},
			{nil, "", "auth.missing"},
		} {
			r := h.stranger().callWith(d, "Auth/Me", `{}`, http.Header{"Authorization": c.values})
			if c.name == "" {
				r.is(connect.CodeUnauthenticated, c.reason)
			} else if got := r.ok().text("account", "handle"); got != c.name {
				t.Errorf("%q is %s", c.values, got)
			}
		}
		h.stranger().callWith(d, "Auth/Me", `{}`, http.Header{"Authorization-Bin": {"QmVhcmVyIA"}}).is(connect.CodeUnauthenticated, "auth.missing")
	})
}

// callWith makes a call with headers as they are.
func (p *person) callWith(d dialect, path, body string, header http.Header) *reply {
	p.h.t.Helper()
	client, m := p.h.caller(d, path)
	req := p.request(m, body)
	for name, values := range header {
		req.Header()[name] = values
	}
	res, err := client.CallUnary(p.h.t.Context(), req)
	return p.h.replied(res, err)
}
