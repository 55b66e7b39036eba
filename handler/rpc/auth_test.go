package rpc_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
)

const password = "correct horse battery"

// word is the dialect's name as a part of a handle.
func (d dialect) word() string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(d.name))
}

func TestAuth_SignUpInMeOut(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	everyDialect(t, func(t *testing.T, d dialect) {
		h := h.in(t)
		handle := "ana" + d.word()
		stranger := h.stranger()
		up := stranger.call(d, "Auth/SignUp", `{"account":{"handle":"`+handle+`","name":"Ana"},"password":"`+password+`"}`, "User-Agent", "laptop").ok()
		id := up.text("account", "id")
		if up.text("account", "name") != "Ana" || up.header.Get("Cache-Control") != "no-store" || strings.Contains(up.json(), password) {
			t.Fatal(up.header, up.json())
		}
		in := stranger.call(d, "Auth/SignIn", `{"login":"`+handle+`","password":"`+password+`"}`, "User-Agent", "phone").ok()
		if !strings.HasPrefix(in.text("token"), "rt_s_") || in.text("account", "id") != id || in.text("session", "name") != "phone" || in.at("session", "current") != true {
			t.Fatal(in.json())
		}
		stranger.call(d, "Auth/SignIn", `{"login":"`+handle+`","field":"handle","password":"`+password+`"}`).ok()
		ana := &person{h: h, token: in.text("token")}
		me := ana.call(d, "Auth/Me", `{}`).ok()
		if me.text("account", "handle") != handle || me.text("session") != in.text("session", "id") || me.header.Get("Cache-Control") != "no-store" || me.at("roles") != nil {
			t.Fatal(me.header, me.json())
		}
		must(t, h.rooms.Load().identity.SetRoles(t.Context(), handle, []string{"moderator"}))
		if me := ana.call(d, "Auth/Me", `{}`).ok(); me.text("roles", 0) != "moderator" {
			t.Fatal(me.json())
		}
		if out := ana.call(d, "Auth/SignOut", `{}`).ok(); !strings.Contains(out.header.Get("Set-Cookie"), "Max-Age=0") {
			t.Fatal(out.header)
		}
		ana.call(d, "Auth/Me", `{}`).is(connect.CodeUnauthenticated, "auth.expired")
		ana.call(d, "Photos/List", `{}`).is(connect.CodeUnauthenticated, "auth.expired")
		stranger.call(d, "Auth/Me", `{}`).is(connect.CodeUnauthenticated, "auth.missing")
		stranger.call(d, "Auth/SignOut", `{}`).ok()
		(&person{h: h, token: "rt_s_nonsense"}).call(d, "Auth/Me", `{}`).is(connect.CodeUnauthenticated, "auth.invalid")
	})
}

// TestAuth_RefusesAsREST makes the same mistakes at both doors.
func TestAuth_RefusesAsREST(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	everyDialect(t, func(t *testing.T, d dialect) {
		h := h.in(t)
		ana, stranger := &person{h: h, token: ana.token}, h.stranger()
		for _, c := range []struct {
			who                                *person
			path, body, method, rest, restBody string
		}{
			{stranger, "Auth/SignUp", `{"account":{"handle":"NO WAY"},"password":"short"}`, "POST", "auth/sign-up", `{"handle":"NO WAY","password":"short"}`},
			{stranger, "Auth/SignUp", `{"account":{"handle":"bob"}}`, "POST", "auth/sign-up", `{"handle":"bob"}`},
			{stranger, "Auth/SignUp", `{"password":"` + password + `"}`, "POST", "auth/sign-up", `{"password":"` + password + `"}`},
			{stranger, "Auth/SignUp", `{}`, "POST", "auth/sign-up", `{}`},
			{stranger, "Auth/SignUp", `{"account":{"handle":"bob"},"password":"password123"}`, "POST", "auth/sign-up", `{"handle":"bob","password":"password123"}`},
			{stranger, "Auth/SignUp", `{"account":{"handle":"carol","name":"x"},"password":"carol"}`, "POST", "auth/sign-up", `{"handle":"carol","name":"x","password":"carol"}`},
			{stranger, "Auth/SignUp", `{"account":{"handle":"bob","id":"0000000000abc"},"password":"` + password + `"}`, "POST", "auth/sign-up", `{"handle":"bob","id":"0000000000abc","password":"` + password + `"}`},
			{stranger, "Auth/SignUp", `{"account":{"handle":"ana"},"password":"` + password + `"}`, "POST", "auth/sign-up", `{"handle":"ana","password":"` + password + `"}`},
			{stranger, "Auth/SignIn", `{}`, "POST", "auth/sign-in", `{"login":""}`},
			{stranger, "Auth/SignIn", `{"login":"ana"}`, "POST", "auth/sign-in", `{"login":"ana"}`},
			{stranger, "Auth/SignIn", `{"login":"no` + d.word() + `body","password":"wrong"}`, "POST", "auth/sign-in", `{"login":"no` + d.word() + `body","password":"wrong"}`},
			{stranger, "Auth/EndSession", `{"id":"0000000000abc"}`, "DELETE", "auth/sessions/0000000000abc", ``},
			{stranger, "Auth/EndSession", `{"id":"nonsense"}`, "DELETE", "auth/sessions/nonsense", ``},
			{stranger, "Auth/EndOtherSessions", `{}`, "DELETE", "auth/sessions", ``},
			{stranger, "Auth/ListSessions", `{}`, "GET", "auth/sessions", ``},
			{stranger, "Auth/ChangePassword", `{}`, "POST", "auth/password", `{}`},
			{stranger, "Auth/ChangePassword", `{"old":"x","new":"y"}`, "POST", "auth/password", `{"old":"x","new":"y"}`},
			{ana, "Auth/EndSession", `{"id":"0000000000abc"}`, "DELETE", "auth/sessions/0000000000abc", ``},
			{ana, "Auth/EndSession", `{"id":"nonsense"}`, "DELETE", "auth/sessions/nonsense", ``},
			{ana, "Auth/ChangePassword", `{}`, "POST", "auth/password", `{}`},
			{ana, "Auth/ChangePassword", `{"old":"x"}`, "POST", "auth/password", `{"old":"x"}`},
			{ana, "Auth/ChangePassword", `{"old":"` + password + `","new":"short"}`, "POST", "auth/password", `{"old":"` + password + `","new":"short"}`},
		} {
			rest := c.who.rest(c.method, c.rest, c.restBody)
			reason, wrong := rest.problem()
			t.Log(c.path, c.body, rest.status, reason, wrong)
			got := c.who.call(d, c.path, c.body)
			if c.path == "Auth/SignIn" && len(wrong) > 0 { // REST has a member for each name that an account has
				rest.body = strings.ReplaceAll(rest.body, `"/handle"`, `"/login"`)
			}
			got.likeREST(rest)
		}
		stranger.call(d, "Auth/SignUp", `{"account":{"handle":"bob"},"password":"`+password+`"}`, "Idempotency-Key", "k").
			likeREST(stranger.rest("POST", "auth/sign-up", `{"handle":"bob","password":"`+password+`"}`, "Idempotency-Key", "k"))
		unknown := stranger.call(d, "Auth/SignIn", `{"login":"ana","field":"handel","password":"`+password+`"}`).is(connect.CodeInvalidArgument, "request.invalid")
		if wrong := unknown.wrong(); len(wrong) != 1 || wrong[0] != "field WRONG_VALUE" || !strings.Contains(unknown.err.Message(), `did you mean "handle"?`) {
			t.Fatal(wrong, unknown.err)
		}
	})
}

// TestAuth_TriesAreCountedOverAllDoors spends the tries of a name over gRPC and is refused at REST, and the other way round.
func TestAuth_TriesAreCountedOverAllDoors(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana")
	h.person("bob")
	s := h.stranger()
	grpc := dialects()[0]
	for range 5 {
		s.call(grpc, "Auth/SignIn", `{"login":"ana","password":"wrong"}`).is(connect.CodeUnauthenticated, "auth.invalid")
		s.rest("POST", "auth/sign-in", `{"login":"bob","password":"wrong"}`).is(401)
	}
	s.rest("POST", "auth/sign-in", `{"login":"ana","password":"`+password+`"}`).is(429)
	for _, d := range dialects() {
		limited := s.call(d, "Auth/SignIn", `{"login":"bob","password":"`+password+`"}`).is(connect.CodeResourceExhausted, "auth.rate_limited")
		if wait := limited.retry(); wait <= 0 {
			t.Fatalf("%s: it says to wait for %v", d.name, wait)
		}
	}
}

// TestAuth_HalfATokenIsNoStranger sends what a program sends whose token is empty, at every door, to what anybody may read.
func TestAuth_HalfATokenIsNoStranger(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	for _, header := range []string{"Bearer", "Bearer ", "bearer   ", "rt_s_abc"} {
		for _, d := range dialects() {
			s.call(d, "Photos/List", `{}`, "Authorization", header).is(connect.CodeUnauthenticated, "auth.invalid")
		}
		for _, path := range []string{"photos", "live", "live?topic=photos"} {
			got := s.rest("GET", path, "", "Authorization", header).is(401)
			if !strings.Contains(got.body, `"auth.invalid"`) || got.header.Get("Www-Authenticate") == "" {
				t.Errorf("GET %s with %q: %v %s", path, header, got.header, got.body)
			}
		}
	}
}

func TestAuth_SessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	anas, bo := h.person("ana"), h.person("bo_")
	everyDialect(t, func(t *testing.T, d dialect) {
		h := h.in(t)
		ana, bo, stranger := &person{h: h, token: anas.token}, &person{h: h, token: bo.token}, h.stranger()
		signIn := func(name string) (*person, string) {
			in := stranger.call(d, "Auth/SignIn", `{"login":"ana","password":"`+password+`"}`, "User-Agent", name).ok()
			return &person{h: h, token: in.text("token")}, in.text("session", "id")
		}
		phone, session := signIn("phone")
		list := ana.call(d, "Auth/ListSessions", `{}`).ok()
		if list.text("sessions", 0, "name") != "phone" || list.text("sessions", 0, "address") != "192.0.2.7" || list.at("sessions", 0, "current") != nil || list.at("sessions", 1, "current") != true {
			t.Fatal(list.json())
		}
		var want map[string]any // the same as REST's: the same ids at the same times
		rest := ana.rest("GET", "auth/sessions", "").is(200)
		for i, s := range rest.value(&want)["sessions"].([]any) {
			for name, v := range s.(map[string]any) {
				if got := list.at("sessions", i, name); got != v && (v != nil && v != false && v != "" || got != nil) {
					t.Fatalf("%s of %d is %v, at REST %v", name, i, got, v)
				}
			}
		}
		bo.call(d, "Auth/EndSession", `{"id":"`+session+`"}`).is(connect.CodeNotFound, "store.missing")
		phone.call(d, "Photos/List", `{}`).ok()
		ana.call(d, "Auth/EndSession", `{"id":"`+session+`"}`).ok()
		phone.call(d, "Photos/List", `{}`).is(connect.CodeUnauthenticated, "auth.expired")
		phone, _ = signIn("tablet")
		ana.call(d, "Auth/EndOtherSessions", `{}`).ok()
		phone.call(d, "Auth/Me", `{}`).is(connect.CodeUnauthenticated, "auth.expired")
		ana.call(d, "Auth/Me", `{}`).ok()
		tablet, session := signIn("tablet")
		if out := tablet.call(d, "Auth/EndSession", `{"id":"`+session+`"}`).ok(); !strings.Contains(out.header.Get("Set-Cookie"), "Max-Age=0") {
			t.Fatal(out.header)
		}
	})
}

func TestAuth_ChangePassword(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	now := password
	for i, d := range dialects() {
		if i == 0 {
			h.person("ana")
		}
		in := func() *person {
			return &person{h: h, token: h.stranger().call(d, "Auth/SignIn", `{"login":"ana","password":"`+now+`"}`).ok().text("token")}
		}
		ana, phone := in(), in()
		wrong := ana.call(d, "Auth/ChangePassword", `{"old":"wrong","new":"another good one"}`).is(connect.CodeInvalidArgument, "auth.invalid").wrong()
		if len(wrong) != 1 || !strings.HasPrefix(wrong[0], "old ") {
			t.Fatal(wrong)
		}
		next := "another good one" + strings.Repeat("!", i)
		ana.call(d, "Auth/ChangePassword", `{"old":"`+now+`","new":"`+next+`"}`).ok()
		ana.call(d, "Auth/Me", `{}`).ok()
		phone.call(d, "Auth/Me", `{}`).is(connect.CodeUnauthenticated, "auth.expired")
		now = next
	}
}
