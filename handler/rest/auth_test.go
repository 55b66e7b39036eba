package rest_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const password = "correct horse battery"

func TestAuth_SignUpInMeOut(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	stranger := h.stranger()
	up := stranger.do("POST", "auth/sign-up", `{"handle":"ana","name":"Ana","password":"`+password+`"}`, "User-Agent", "laptop").is(201)
	id := up.text("account", "id")
	if up.header.Get("Location") != "/api/users/"+id || up.header.Get("Cache-Control") != "no-store" || up.text("account", "name") != "Ana" {
		t.Fatalf("%v %s", up.header, up.body)
	}
	up.hasNot(password).hasNot("argon2")
	in := stranger.do("POST", "auth/sign-in", `{"handle":"ana","password":"`+password+`"}`, "User-Agent", "phone").is(200)
	if !strings.HasPrefix(in.text("token"), "rt_s_") || in.text("account", "id") != id || in.text("session", "name") != "phone" {
		t.Fatalf("sign-in says %s", in.body)
	}
	stranger.do("POST", "auth/sign-in", `{"login":"ana","password":"`+password+`"}`).is(200)
	ana := &person{h: h, token: in.text("token")}
	me := ana.do("GET", "auth/me", "").is(200).has(`"roles":[]`)
	if me.text("account", "handle") != "ana" || me.text("session") != in.text("session", "id") || me.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("me is %v %s", me.header, me.body)
	}
	if out := ana.do("POST", "auth/sign-out", "").is(204); !strings.Contains(out.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Fatalf("cookie is %q", out.header.Get("Set-Cookie"))
	}
	ana.do("GET", "auth/me", "").is(401).because("auth.expired")
	ana.do("GET", "photos", "").is(401)
	stranger.do("GET", "auth/me", "").is(401).because("auth.missing")
	stranger.do("POST", "auth/sign-out", "").is(204)
	stranger.do("GET", "auth/me", "", "Authorization", "Bearer rt_s_nonsense").is(401).because("auth.invalid")
}

func TestAuth_SignUpSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	wrong := s.do("POST", "auth/sign-up", `{"handle":"NO WAY","namee":"Ana","password":"short"}`).is(400)
	wrong.has(`"/handle"`, `"/namee"`, `did you mean \"name\"?`, `"/password"`, `"too_short"`)
	s.do("POST", "auth/sign-up", `{"handle":"ana"}`).is(400).because("auth.weak_password").has(`"/password"`, `"required"`)
	s.do("POST", "auth/sign-up", `{"handle":"ana","password":7}`).is(400).has(`"/password"`)
	s.do("POST", "auth/sign-up", `{"handle":"ana","password":"password123"}`).is(400).because("auth.weak_password")
	s.do("POST", "auth/sign-up", `{"handle":"ana","password":"`+password+`","roles":["moderator"]}`).is(400).has("unknown_field")
	s.do("POST", "auth/sign-up", `{"handle":"ana","password":"`+password+`"}`).is(201)
	s.do("POST", "auth/sign-up", `{"handle":"ana","password":"`+password+`"}`).is(409).because("store.unique")
	s.do("POST", "auth/sign-up", `handle=ana`, "Content-Type", "application/x-www-form-urlencoded").is(415)
	s.do("POST", "auth/sign-up?x=1", `{}`).is(400)
}

func TestAuth_BadSignIns(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana")
	s := h.stranger()
	unknown := s.do("POST", "auth/sign-in", `{"handle":"nobody","password":"`+password+`"}`).is(401).because("auth.invalid")
	known := s.do("POST", "auth/sign-in", `{"handle":"ana","password":"wrong"}`).is(401).because("auth.invalid")
	if unknown.text("detail") != known.text("detail") {
		t.Fatalf("%s differs from %s", unknown.body, known.body)
	}
	s.do("POST", "auth/sign-in", `{"hanlde":"ana","password":"x"}`).is(400).has("/hanlde", "did you mean \\\"handle\\\"?")
	s.do("POST", "auth/sign-in", `{"handle":"ana","login":"ana","password":"x"}`).is(400).has("ambiguous")
	s.do("POST", "auth/sign-in", `{"handle":"ana"}`).is(400).has("/password", "required")
	s.do("POST", "auth/sign-in", `{"password":"x"}`).is(400).has("/handle", "required")
	s.do("POST", "auth/sign-in", `{"handle":{"$gt":""},"password":"x"}`).is(400).has("wrong_type")
	s.do("POST", "auth/sign-in", `["ana"]`).is(400).because("request.json")
	s.do("POST", "auth/sign-in", `{"handle":"ana","handle":"bo"}`).is(400).because("request.json")
	s.do("POST", "auth/sign-in", `{"handle":"ana`).is(400).because("request.json")
	s.do("POST", "auth/sign-in", ``, "Content-Type", "application/json").is(400).because("request.json")
	s.do("GET", "auth/sign-in", "").is(405)
	s.do("POST", "auth/signin", `{}`).is(404).has("auth/sign-in")
}

func TestAuth_SignInIsLimited(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana")
	s := h.stranger()
	for range 5 {
		s.do("POST", "auth/sign-in", `{"handle":"ana","password":"wrong"}`).is(401)
	}
	r := s.do("POST", "auth/sign-in", `{"handle":"ana","password":"`+password+`"}`).is(429).because("auth.rate_limited")
	if r.header.Get("Retry-After") == "" {
		t.Fatalf("no Retry-After: %v", r.header)
	}
}

func TestAuth_SessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo_")
	in := h.stranger().do("POST", "auth/sign-in", `{"handle":"ana","password":"`+password+`"}`, "User-Agent", "phone").is(200)
	phone := &person{h: h, token: in.text("token")}
	list := ana.do("GET", "auth/sessions", "").is(200)
	if list.len("sessions") != 2 || list.text("sessions", 0, "name") != "phone" || list.at("sessions", 0, "current") != false || list.at("sessions", 1, "current") != true {
		t.Fatalf("sessions are %s", list.body)
	}
	list.hasNot("hash").hasNot("rt_s_").has(`"address":"192.0.2.7"`)
	session := in.text("session", "id")
	bo.do("DELETE", "auth/sessions/"+session, "").is(404)
	bo.do("DELETE", "auth/sessions/nonsense", "").is(404)
	h.stranger().do("DELETE", "auth/sessions/"+session, "").is(401)
	phone.do("GET", "photos", "").is(200)
	ana.do("DELETE", "auth/sessions/"+session, "").is(204)
	phone.do("GET", "photos", "").is(401).because("auth.expired")
	ana.do("DELETE", "auth/sessions/"+session, "").is(404)

	phone.token = h.stranger().do("POST", "auth/sign-in", `{"handle":"ana","password":"`+password+`"}`).is(200).text("token")
	ana.do("DELETE", "auth/sessions", "").is(204)
	phone.do("GET", "auth/me", "").is(401)
	ana.do("GET", "auth/me", "").is(200)
}

func TestAuth_ChangePassword(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	phone := &person{h: h, token: h.stranger().do("POST", "auth/sign-in", `{"handle":"ana","password":"`+password+`"}`).is(200).text("token")}
	ana.do("POST", "auth/password", `{"old":"wrong","new":"another good one"}`).is(400).because("auth.invalid").has("/old")
	ana.do("POST", "auth/password", `{"old":"`+password+`","new":"short"}`).is(400).because("auth.weak_password").has("/new")
	ana.do("POST", "auth/password", `{"old":"`+password+`","nwe":"x"}`).is(400).has("did you mean \\\"new\\\"?")
	ana.do("POST", "auth/password", `{"old":"`+password+`","new":"another good one"}`).is(204)
	ana.do("GET", "auth/me", "").is(200)
	phone.do("GET", "auth/me", "").is(401)
	h.stranger().do("POST", "auth/password", `{"old":"x","new":"y"}`).is(401)
	h.stranger().do("POST", "auth/sign-in", `{"handle":"ana","password":"another good one"}`).is(200)
}

func TestAuth_RolesStayWithOldSessions(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	ana.do("GET", "auth/me", "").is(200).has(`"roles":[]`)
	must(t, h.identity.SetRoles(t.Context(), "ana", []string{"moderator"}))
	ana.do("GET", "auth/me", "").is(200).has(`"roles":["moderator"]`)
}

// page sends a request as a browser's page would, over TLS.
func (h *house) page(method, path, body string, header ...string) *reply {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, "https://gallery.test/api/"+path, strings.NewReader(body))
	r.TLS = &tls.ConnectionState{}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.gate(w, r)
	return &reply{t: h.t, status: w.Code, header: w.Header(), body: w.Body.String()}
}

func TestAuth_PageOfTheSiteGetsACookieAndNoToken(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana")
	const body = `{"handle":"ana","password":"` + password + `"}`
	in := h.page("POST", "auth/sign-in", body, "Sec-Fetch-Site", "same-origin", "Origin", "https://gallery.test").is(200).hasNot("rt_s_")
	cookie := in.header.Get("Set-Cookie")
	for _, part := range []string{"__Host-session=rt_s_", "Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age="} {
		if !strings.Contains(cookie, part) {
			t.Fatalf("no %s in %s", part, cookie)
		}
	}
	if strings.Contains(cookie, "Domain") {
		t.Fatalf("cookie is %s", cookie)
	}
	cookie, _, _ = strings.Cut(cookie, ";")
	h.page("GET", "auth/me", "", "Cookie", "theme=dark; "+cookie).is(200)
	h.page("GET", "auth/me", "", "Cookie", strings.Replace(cookie, "__Host-", "", 1)).is(401).because("auth.missing")

	h.page("POST", "photos", `{"caption":"x"}`, "Cookie", cookie, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test").is(403).because("auth.csrf_rejected")
	h.page("POST", "photos", `{"caption":"x"}`, "Cookie", cookie, "Origin", "https://evil.test").is(403).because("auth.csrf_rejected")
	h.page("POST", "auth/sign-out", "", "Cookie", cookie, "Sec-Fetch-Site", "cross-site").is(403).because("auth.csrf_rejected")
	h.page("POST", "photos", `{"caption":"x"}`, "Cookie", cookie, "Sec-Fetch-Site", "same-origin").is(201)

	h.page("POST", "auth/sign-in", `{"handle":"ana","password":"wrong"}`, "Cookie", cookie, "Sec-Fetch-Site", "same-origin").is(401)
	h.page("GET", "auth/me", "", "Cookie", cookie).is(200)
	if out := h.page("POST", "auth/sign-out", "", "Cookie", cookie, "Sec-Fetch-Site", "same-origin").is(204); !strings.HasPrefix(out.header.Get("Set-Cookie"), "__Host-session=;") {
		t.Fatalf("cookie is %q", out.header.Get("Set-Cookie"))
	}
	// A cookie that proves nothing any more is cleared, so that the page is a stranger's the next time.
	for _, path := range []string{"photos", "auth/me"} {
		if gone := h.page("GET", path, "", "Cookie", cookie).is(401); !strings.Contains(gone.header.Get("Set-Cookie"), "Max-Age=0") {
			t.Fatalf("%s: cookie is %q", path, gone.header.Get("Set-Cookie"))
		}
	}
	h.page("POST", "auth/sign-out", "", "Cookie", cookie, "Sec-Fetch-Site", "same-origin").is(204)
}

func TestAuth_PageOfAnotherSiteGetsATokenAndNoCookie(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana")
	const body = `{"handle":"ana","password":"` + password + `"}`
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site", "Origin", "https://app.test"}, {"Origin", "https://app.test"}, {"Origin", "null"}} {
		in := h.page("POST", "auth/sign-in", body, header...).is(200).has("rt_s_")
		if c := in.header.Get("Set-Cookie"); c != "" {
			t.Fatalf("%v: cookie is %s", header, c)
		}
	}
	in := h.page("POST", "auth/sign-in", body).is(200).has("rt_s_") // an app
	if c := in.header.Get("Set-Cookie"); c == "" {
		t.Fatal("an app got no cookie")
	}
	bearer := "Bearer " + in.text("token")
	h.page("POST", "photos", `{"caption":"x"}`, "Authorization", bearer, "Sec-Fetch-Site", "cross-site", "Origin", "https://app.test").is(201)
	h.page("GET", "auth/me", "", "Authorization", bearer, "Cookie", "__Host-session=rubbish").is(200) // bearer wins
}

func TestAuth_PlainSiteHasAPlainCookie(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana")
	in := h.stranger().do("POST", "auth/sign-in", `{"handle":"ana","password":"`+password+`"}`, "Sec-Fetch-Site", "same-origin").is(200)
	cookie := in.header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "session=rt_s_") || strings.Contains(cookie, "Secure") || !strings.Contains(cookie, "HttpOnly") {
		t.Fatalf("cookie is %s", cookie)
	}
	cookie, _, _ = strings.Cut(cookie, ";")
	h.stranger().do(http.MethodGet, "auth/me", "", "Cookie", cookie).is(200)
}
