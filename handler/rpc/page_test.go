package rpc_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
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
		for _, path := range []string{"Auth/Me", "Photos/List"} {
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

// TestAuth_ForeignPagesDoNotWriteWithTheCookie tries it in every protocol, and looks that nothing was done.
func TestAuth_ForeignPagesDoNotWriteWithTheCookie(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana")
	everyDialect(t, func(t *testing.T, d dialect) {
		h := h.in(t)
		in := h.signInFrom(d, h.page()...)
		cookie, s := in.cookiePair(), h.stranger()
		for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.test"}, {"Origin", "http://" + strings.TrimPrefix(h.server.URL, "https://")}} {
			foreign := append(headers, "Cookie", cookie)
			for _, c := range [][2]string{
				{"Photos/Create", `{"photo":{"caption":"x"}}`},
				{"Auth/SignOut", `{}`},
				{"Auth/EndOtherSessions", `{}`},
				{"Batch/Write", `{}`},
				{"Inbox/MarkRead", `{"all":true}`},
				{"Inbox/SetPreferences", `{}`},
				{"Auth/ChangePassword", `{"old":"` + password + `","new":"another good one"}`},
			} {
				refused := s.call(d, c[0], c[1], foreign...).is(connect.CodePermissionDenied, "auth.csrf_rejected")
				if refused.cookie() != "" {
					t.Fatal(refused.cookie())
				}
			}
			s.call(d, "Photos/List", `{}`, foreign...).ok() // a read is CORS's to guard
		}
		same := append(h.page(), "Cookie", cookie)
		if s.call(d, "Photos/List", `{}`, same...).at("photos") != nil {
			t.Fatal("a foreign page has written")
		}
		s.call(d, "Auth/Me", `{}`, same...).ok()
		bearer := &person{h: h, token: strings.TrimPrefix(cookie, "__Host-session=")}
		photo := bearer.call(d, "Photos/Create", `{"photo":{"caption":"x"}}`, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test").ok().text("id")
		s.call(d, "Photos/Delete", `{"id":"`+photo+`"}`, same...).ok()
	})
}

// TestAuth_FormsOfForeignPagesDoNothing sends what a page can without asking first: a form, a link, an image.
func TestAuth_FormsOfForeignPagesDoNothing(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana")
	cookie := h.signInFrom(dialects()[3], h.page()...).cookiePair()
	s := h.stranger()
	const photo = `{"photo":{"caption":"x"}}`
	for _, browser := range [][]string{nil, {"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.test"}} { // the first one is too old to say
		with := append([]string{"Cookie", cookie}, browser...)
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain; charset=utf-8; application/json", "application/json-seq", ""} {
			more := with
			if kind != "" {
				more = append(more, "Content-Type", kind)
			}
			for _, path := range []string{"/gallery.v1.Photos/Create", "/api/gallery.v1.Photos/Create", "/gallery.v1.Auth/SignOut"} {
				if a := s.send("POST", path, photo, more...); a.status != http.StatusUnsupportedMediaType || a.header.Get("Set-Cookie") != "" {
					t.Errorf("%s of %q: %d %s", path, kind, a.status, a.body)
				}
			}
		}
		for _, query := range []string{"", "?connect=v1&encoding=json&message=" + `%7B%22photo%22%3A%7B%7D%7D`, "?connect=v1&encoding=proto&message="} {
			for _, path := range []string{"/gallery.v1.Photos/Create", "/gallery.v1.Auth/SignOut", "/gallery.v1.Auth/EndOtherSessions", "/gallery.v1.Inbox/MarkSeen"} {
				if a := s.send("GET", path+query, "", with...); a.status != http.StatusMethodNotAllowed {
					t.Errorf("GET %s%s: %d %s", path, query, a.status, a.body)
				}
			}
		}
	}
	same := append(h.page(), "Cookie", cookie)
	if s.call(dialects()[0], "Photos/List", `{}`, same...).at("photos") != nil {
		t.Error("a form has written")
	}
	s.call(dialects()[0], "Auth/Me", `{}`, same...).ok()
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
			{[]string{"Bearer"}, "", "auth.invalid"},
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

// TestAuth_SessionThatEndsWhileACallRuns ends it when half of the message is there: what is not identified yet is refused.
func TestAuth_SessionThatEndsWhileACallRuns(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana")
	for _, half := range []string{"application/proto", "application/json"} {
		in := h.signInFrom(dialects()[0])
		m := h.method("Photos/Create")
		message := dynamicpb.NewMessage(m.Input())
		must(t, protojson.Unmarshal([]byte(`{"photo":{"caption":"late"}}`), message))
		body := []byte(`{"photo":{"caption":"late"}}`)
		if half == "application/proto" {
			var err error
			body, err = proto.Marshal(message)
			must(t, err)
		}
		r, w := io.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.server.URL+"/gallery.v1.Photos/Create", r)
		must(t, err)
		req.Header.Set("Content-Type", half)
		req.Header.Set("Authorization", "Bearer "+in.text("token"))
		go func() {
			_, _ = w.Write(body[:len(body)/2]) // has returned when the transport has read it
			h.end(in.text("token"))
			_, _ = w.Write(body[len(body)/2:])
			_ = w.Close()
		}()
		res, err := h.server.Client().Transport.RoundTrip(req)
		must(t, err)
		text, err := io.ReadAll(res.Body)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != http.StatusUnauthorized || !strings.Contains(string(text), "auth.expired") && !strings.Contains(string(text), "unauthenticated") {
			t.Fatalf("%d %s", res.StatusCode, text)
		}
	}
}

// end ends a session by its token.
func (h *house) end(token string) {
	people := h.rooms.Load().identity
	who, err := people.Who(context.Background(), token)
	if err == nil {
		err = people.SignOut(context.Background(), who)
	}
	if err != nil {
		h.t.Error(err)
	}
}
