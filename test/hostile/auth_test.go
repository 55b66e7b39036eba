package hostile

import (
	"hash/crc32"
	"net/http"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

func TestHostile_Tokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.ana.Token
	tokens := []string{"x", "rt_s_", good + "A", good[:len(good)-1], strings.ToUpper(good), "rt_s_" + strings.Repeat("0", 43) + "000000", reverse(good), strings.Repeat("a", 8000), "rt_k_" + good[5:], "null", "undefined", "' OR 1=1 --", "Bearer " + good, good + " " + good}
	for i := 5; i < len(good); i += 3 { // the check sum is wrong then, or the random part is another
		tokens = append(tokens, good[:i]+other(good[i])+good[i+1:])
	}
	tokens = append(tokens, checksummed(strings.Repeat("7", 43)), checksummed(swap(good[5:48])))
	for _, token := range tokens {
		for _, h := range []string{"Authorization", "Cookie"} {
			value := "Bearer " + token
			if h == "Cookie" {
				value = "__Host-session=" + token
			}
			w.refuse(t, w.stranger,
				attack{name: "token " + token, method: "GET", path: "auth/me", headers: []string{h, value}, status: 401},
				attack{name: "token " + token, method: "POST", path: "likes", body: server.JSON{"photo": w.public}, headers: []string{h, value}, status: 401},
				attack{name: "token " + token, method: "POST", path: "auth/password", body: server.JSON{"old": "a", "new": "b"}, headers: []string{h, value}, status: 401},
				attack{name: "token " + token, method: "DELETE", path: "auth/sessions", headers: []string{h, value}, status: 401},
			)
		}
	}
	w.refuse(t, w.stranger,
		attack{name: "basic", method: "GET", path: "auth/me", headers: []string{"Authorization", "Basic " + good}, status: 401},
		attack{name: "no scheme", method: "GET", path: "auth/me", headers: []string{"Authorization", good}, status: 401},
		attack{name: "plain cookie over TLS", method: "GET", path: "auth/me", headers: []string{"Cookie", "session=" + good}, status: 401},
		attack{name: "secure cookie", method: "GET", path: "auth/me", headers: []string{"Cookie", "__Secure-session=" + good}, status: 401},
		attack{name: "case of the cookie", method: "GET", path: "auth/me", headers: []string{"Cookie", "__host-session=" + good}, status: 401},
		attack{name: "forged identity", method: "GET", path: "auth/me", headers: []string{"X-Forwarded-User", "ana"}, status: 401},
		attack{name: "forged account", method: "GET", path: "auth/me", headers: []string{"X-Account", w.anaID}, status: 401},
	)
	w.unharmed(t)
}

func swap(s string) string { return s[1:] + s[:1] }

func TestHostile_SessionsOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := w.ana.Want(200, "GET", "auth/me", nil).Text("session")
	w.refuse(t, w.bo,
		attack{name: "of ana", method: "DELETE", path: "auth/sessions/" + session, status: 404},
		attack{name: "of nobody", method: "DELETE", path: "auth/sessions/0am611z8g0000", status: 404},
		attack{name: "no id", method: "DELETE", path: "auth/sessions/%27%20OR%201=1", status: 404},
		attack{name: "star", method: "DELETE", path: "auth/sessions/*", status: 404},
		attack{name: "an account", method: "DELETE", path: "auth/sessions/" + w.anaID, status: 404},
	)
	w.refuse(t, w.stranger, attack{name: "a stranger", method: "DELETE", path: "auth/sessions/" + session, status: 401}, attack{name: "a stranger's list", method: "GET", path: "auth/sessions", status: 401})
	if list := w.bo.Want(200, "GET", "auth/sessions", nil); strings.Contains(string(list.Body), session) || len(list.List("sessions")) != 1 {
		t.Errorf("bob sees: %s", list.Body)
	}
	w.ana.Want(200, "GET", "auth/me", nil)
	w.refuse(t, w.bo,
		attack{name: "ana's account", method: "PATCH", path: "users/" + w.anaID, body: server.JSON{"name": "stolen"}},
		attack{name: "the id", method: "PATCH", path: "users/" + w.boID, body: server.JSON{"id": w.anaID}},
		attack{name: "the password as a field", method: "PATCH", path: "users/" + w.boID, body: server.JSON{"password": "another one of mine"}, status: 400, at: "/password"},
		attack{name: "roles", method: "PATCH", path: "users/" + w.boID, body: server.JSON{"roles": []string{"moderator"}}, status: 400, at: "/roles"},
		attack{name: "ana's handle", method: "PATCH", path: "users/" + w.boID, body: server.JSON{"handle": "ana"}, status: 409, at: "/handle"},
		attack{name: "account by the API", method: "POST", path: "users", body: server.JSON{"handle": "eve"}},
		attack{name: "delete ana", method: "DELETE", path: "users/" + w.anaID},
		attack{name: "ana's photo", method: "PATCH", path: "photos/" + w.public, body: server.JSON{"caption": "stolen"}, status: 403},
		attack{name: "ana's photo", method: "DELETE", path: "photos/" + w.public, status: 403},
		attack{name: "a like in ana's name", method: "POST", path: "likes", body: server.JSON{"photo": w.public, "user": w.anaID}, status: 403},
		attack{name: "a comment in ana's name", method: "POST", path: "comments", body: server.JSON{"photo": w.public, "author": w.anaID, "text": "x"}, status: 403},
		attack{name: "a thing for ana", method: "POST", path: "things", body: server.JSON{"owner": w.anaID}, status: 403},
		attack{name: "moderator in the body", method: "POST", path: "auth/sign-up", body: server.JSON{"handle": "eve", "password": "long enough eve", "roles": []string{"moderator"}}, status: 400, at: "/roles"},
		attack{name: "sign-up with followers", method: "POST", path: "auth/sign-up", body: server.JSON{"handle": "eve", "password": "long enough eve", "followers": 9}, status: 400, at: "/followers"},
		attack{name: "sign-up with ana's id", method: "POST", path: "auth/sign-up", body: server.JSON{"handle": "eve", "password": "long enough eve", "id": w.anaID}, status: 400},
	)
	w.unharmed(t)
}

func TestHostile_SignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	try := func(body any) *server.Answer { return w.stranger.Do("POST", "auth/sign-in", body) }
	known, unknown := try(server.JSON{"handle": "ana", "password": "not hers"}), try(server.JSON{"handle": "nobody_at_all", "password": "not hers"})
	refused(t, "wrong password", known, 401, "auth.invalid", "")
	refused(t, "unknown name", unknown, 401, "auth.invalid", "")
	if a, b := anonymous(known), anonymous(unknown); a != b {
		t.Errorf("the answers tell who has an account:\n%s\n%s", a, b)
	}
	w.refuse(t, w.stranger,
		attack{name: "name as a list", method: "POST", path: "auth/sign-in", body: `{"handle":["ana"],"password":"x"}`, status: 400, at: "/handle"},
		attack{name: "name as a query", method: "POST", path: "auth/sign-in", body: `{"handle":{"$ne":""},"password":{"$ne":""}}`, status: 400, at: "/password"},
		attack{name: "password as true", method: "POST", path: "auth/sign-in", body: `{"handle":"ana","password":true}`, status: 400, at: "/password"},
		attack{name: "no password", method: "POST", path: "auth/sign-in", body: `{"handle":"ana"}`, status: 400, at: "/password"},
		attack{name: "empty password", method: "POST", path: "auth/sign-in", body: `{"handle":"ana","password":""}`, status: 400, at: "/password"},
		attack{name: "two names", method: "POST", path: "auth/sign-in", body: `{"handle":"bob","login":"ana","password":"x"}`, status: 400},
		attack{name: "by id", method: "POST", path: "auth/sign-in", body: `{"id":"` + w.anaID + `","password":"long enough ana"}`, status: 400, at: "/id"},
		attack{name: "1 MB of password", method: "POST", path: "auth/sign-in", body: server.JSON{"handle": "carl", "password": strings.Repeat("p", 1<<20-100)}, status: 401},
		attack{name: "1 MB of name", method: "POST", path: "auth/sign-in", body: server.JSON{"handle": strings.Repeat("n", 1<<20-100), "password": "x"}, status: 401},
		attack{name: "nul in a name", method: "POST", path: "auth/sign-in", body: `{"handle":"ana\u0000","password":"long enough ana"}`},
		attack{name: "sql in a name", method: "POST", path: "auth/sign-in", body: `{"handle":"ana' --","password":"x"}`, status: 401},
		attack{name: "hash as a password", method: "POST", path: "auth/sign-in", body: `{"handle":"ana","password":"$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA"}`, status: 401},
		attack{name: "her handle", method: "POST", path: "auth/sign-up", body: server.JSON{"handle": "ana", "password": "long enough eve"}, status: 409, reason: "store.unique", at: "/handle"},
		attack{name: "her handle in capitals", method: "POST", path: "auth/sign-up", body: server.JSON{"handle": "ANA", "password": "long enough eve"}, status: 400, at: "/handle"},
		attack{name: "her handle with a line end", method: "POST", path: "auth/sign-up", body: server.JSON{"handle": "ana\n", "password": "long enough eve"}, status: 400, at: "/handle"},
		attack{name: "her handle, cyrillic", method: "POST", path: "auth/sign-up", body: server.JSON{"handle": "аna", "password": "long enough eve"}, status: 400, at: "/handle"},
		attack{name: "short password", method: "POST", path: "auth/sign-up", body: server.JSON{"handle": "eve", "password": "short"}, status: 400, at: "/password"},
		attack{name: "her name as the password", method: "POST", path: "auth/sign-up", body: server.JSON{"handle": "evelynevelyn", "password": "evelynevelyn"}, status: 400, at: "/password"},
		attack{name: "well-known password", method: "POST", path: "auth/sign-up", body: server.JSON{"handle": "eve", "password": "1234567890"}, status: 400, at: "/password"},
		attack{name: "1 MB of password", method: "POST", path: "auth/sign-up", body: server.JSON{"handle": "eve", "password": strings.Repeat("p", 1<<20-100)}, status: 400, at: "/password"},
		attack{name: "form", method: "POST", path: "auth/sign-up", body: server.NewForm().Field("handle", "eve").Field("password", "long enough eve"), status: 415},
	)
	limited := 0
	for range 12 { // guesses at one name
		a := try(server.JSON{"handle": "bob", "password": "a guess"})
		if a.Status != 429 {
			refused(t, "guess", a, 401, "auth.invalid", "")
			continue
		}
		limited++
		refused(t, "guess", a, 429, "auth.rate_limited", "")
		if s := a.Header.Get("Retry-After"); s == "" || s == "0" {
			t.Errorf("Retry-After is %q", s)
		}
	}
	if limited < 5 {
		t.Errorf("%d of 12 guesses were turned away", limited)
	}
	right := try(server.JSON{"handle": "bob", "password": "long enough bob"})
	refused(t, "the right password while limited", right, 429, "auth.rate_limited", "")
	w.unharmed(t) // who is signed in stays so
}

// anonymous is an answer without what is new in each.
func anonymous(a *server.Answer) string {
	body := strings.ReplaceAll(string(a.Body), a.Text("journey"), "")
	h := a.Header.Clone()
	for _, name := range []string{"Date", "X-Journey"} {
		h.Del(name)
	}
	var b strings.Builder
	_ = h.Write(&b) // a strings.Builder takes everything
	return b.String() + body
}

func TestHostile_OtherSites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cookie := "__Host-session=" + w.ana.Token
	for _, page := range [][]string{
		{"Origin", "https://evil.example"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "null"},
		{"Origin", "http://gallery.test"},
		{"Origin", "https://gallery.test.evil.example"},
		{"Origin", "https://gallery.test:444"},
		{"Origin", "https://evil.gallery.test"},
		{"Origin", "https://a.preview.gallery.test.evil.example"},
		{"Origin", "https://a.b.preview.gallery.test"},
		{"Origin", "not a url"},
		{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example", "Referer", "https://gallery.test/"},
	} {
		headers := append([]string{"Cookie", cookie}, page...)
		name := strings.Join(page, " ")
		for _, a := range []attack{
			{method: "POST", path: "likes", body: server.JSON{"photo": w.public}},
			{method: "PATCH", path: "photos/" + w.public, body: server.JSON{"caption": "stolen"}},
			{method: "DELETE", path: "photos/" + w.public},
			{method: "POST", path: "batch", body: `{"ops":[]}`},
			{method: "POST", path: "auth/sign-out"},
			{method: "DELETE", path: "auth/sessions"},
			{method: "POST", path: "auth/password", body: server.JSON{"old": "long enough ana", "new": "mine from now on"}},
		} {
			a.name, a.headers, a.status, a.reason = name, headers, 403, "auth.csrf_rejected"
			w.refuse(t, w.stranger, a)
		}
		if page[0] == "Origin" {
			w.refuse(t, w.stranger, attack{name: "preflight " + name, method: "OPTIONS", path: "photos", headers: append(page, "Access-Control-Request-Method", "DELETE"), status: 403, reason: "cors.origin_not_allowed"})
			read := w.stranger.Do("GET", "photos/"+w.hidden, nil, headers...)
			if read.Header.Get("Access-Control-Allow-Origin") != "" || read.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s may read: %v", name, read.Header)
			}
		}
	}
	good := []string{"Origin", "https://a.preview.gallery.test", "Access-Control-Request-Method"}
	w.refuse(t, w.stranger,
		attack{name: "method", method: "OPTIONS", path: "photos", headers: append(good, "PUT"), status: 403, reason: "cors.method_not_allowed"},
		attack{name: "header", method: "OPTIONS", path: "photos", headers: append(good, "POST", "Access-Control-Request-Headers", "X-Evil"), status: 403, reason: "cors.header_not_allowed"},
	)
	w.ana.Want(200, "GET", "auth/me", nil)
	w.unharmed(t)
}

func TestHostile_KeysAndTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := server.JSON{"label": "with a key"}
	made := w.ana.Want(201, "POST", "things", body, "Idempotency-Key", "same-key").Text("id")
	w.before = w.snapshot(t)
	// Another person's key is another key: nothing of ana's comes back.
	bos := w.bo.Want(201, "POST", "things", body, "Idempotency-Key", "same-key")
	if bos.Text("id") == made || bos.Text("owner") != w.boID || bos.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("bob got: %s", bos.Body)
	}
	w.bo.Want(204, "DELETE", "things/"+bos.Text("id"), nil)
	w.refuse(t, w.stranger, attack{name: "a stranger with her key", method: "POST", path: "things", body: body, headers: []string{"Idempotency-Key", "same-key"}})
	w.refuse(t, w.ana,
		attack{name: "another body", method: "POST", path: "things", body: server.JSON{"label": "other"}, headers: []string{"Idempotency-Key", "same-key"}, status: 422, reason: "store.key_reused", at: "Idempotency-Key"},
		attack{name: "another collection", method: "POST", path: "comments", body: server.JSON{"photo": w.public, "text": "x"}, headers: []string{"Idempotency-Key", "same-key"}, status: 422},
		attack{name: "another method", method: "DELETE", path: "things/" + made, headers: []string{"Idempotency-Key", "same-key"}, status: 422},
		attack{name: "a batch", method: "POST", path: "batch", body: `{"ops":[{"op":"create","collection":"things","data":{"label":"with a key"}}]}`, headers: []string{"Idempotency-Key", "same-key"}, status: 422},
	)
	for _, key := range []string{"", " ", "a b", strings.Repeat("k", 256), "ключ", "a\tb"} {
		w.refuse(t, w.ana, attack{name: "key " + key, method: "POST", path: "things", body: body, headers: []string{"Idempotency-Key", key}, status: 400})
	}
	for _, tag := range []string{"1", `"`, `""`, `"0"`, `"-1"`, `"+1"`, `"01x"`, `"1"x`, `"1", "2"`, `*, "1"`, `W/`, `W/"`, `"1' OR 1=1"`, `"99999999999999999999"`, `"1-"`, `"1-zz"`, `'1'`, "\"\u2603\"", `"1`, strings.Repeat(`"1", `, 900), ""} {
		for _, a := range []attack{{method: "PATCH", path: "things/" + w.thing, body: server.JSON{"label": "x"}}, {method: "DELETE", path: "things/" + w.thing}} {
			a.name, a.headers, a.status, a.at = "tag "+clip(tag), []string{"If-Match", tag}, 400, "If-Match"
			w.refuse(t, w.ana, a)
		}
		if a := w.ana.Do("GET", "things/"+w.thing, nil, "If-None-Match", tag); a.Status != 200 && a.Status != 304 {
			refused(t, "If-None-Match "+clip(tag), a, 400, "", "")
		}
	}
	w.refuse(t, w.ana,
		attack{name: "of the future", method: "PATCH", path: "things/" + w.thing, body: server.JSON{"label": "x"}, headers: []string{"If-Match", `"9223372036854775807"`}, status: 412, reason: "store.stale"},
		attack{name: "of a create", method: "PATCH", path: "things/0am611z8g0000", body: server.JSON{"label": "x"}, headers: []string{"If-Match", `"1"`}, status: 404},
	)
	for _, r := range []string{"bytes=99999-", "bytes=5-1", "bytes=" + strings.Repeat("0-1,", 2000) + "0-1", "lines=1-2", "bytes=-", "bytes=18446744073709551616-", "bytes=--1"} {
		a := w.ana.Do("GET", "files/photos/"+w.public+"/image", nil, "Range", r)
		if a.Status >= 500 || len(a.Body) > 1<<20 {
			t.Errorf("Range %s: %d, %d bytes", clip(r), a.Status, len(a.Body))
		}
	}
	w.unharmed(t)
	if _, err := http.ParseTime(w.ana.Do("GET", "users", nil).Header.Get("Date")); err != nil {
		t.Error(err)
	}
}

// checksummed makes a token of digits with a check sum that is right.
func checksummed(digits string) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := crc32.ChecksumIEEE([]byte(digits))
	tail := make([]byte, 6)
	for i := 5; i >= 0; i-- {
		tail[i] = alphabet[sum%62]
		sum /= 62
	}
	return "rt_s_" + digits + string(tail)
}
