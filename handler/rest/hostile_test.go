package rest_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// send hands a raw request to the door, so that targets can be sent that an http.Client would not.
func (h *house) send(method, target, body string, header ...string) *reply {
	h.t.Helper()
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawQuery = "/api/"+path, query
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.gate(w, r)
	return &reply{t: h.t, status: w.Code, header: w.Header(), body: w.Body.String()}
}

// refused fails the test if the answer is not a clear 4xx.
func (r *reply) refused(what string) {
	r.t.Helper()
	if len(what) > 100 {
		what = what[:100]
	}
	if r.status < 400 || r.status >= 500 || r.text("detail") == "" || r.text("reason") == "" {
		r.t.Errorf("%q: %d %s", what, r.status, r.body)
	}
}

func evil() []string {
	return []string{
		`' OR 1=1 --`, `"; DROP TABLE photos; --`, `1; SELECT * FROM _sessions`, `") UNION SELECT password FROM _accounts --`,
		"\x00", "\xff\xfe", `../../etc/passwd`, `%00`, `{"$gt":""}`, `${jndi:ldap://x}`, `<script>alert(1)</script>`, `a\`, `\'`,
		strings.Repeat("(", 5000), strings.Repeat("!", 5000), strings.Repeat("a.", 2000) + "a", "\u202e\u2066", `rowid`, `_accounts`, `r."id"`,
	}
}

func TestRest_SQLInEveryParameter(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	ana.photo(`{"caption":"safe"}`)
	h.stranger().do("POST", "things", `{"text":"safe"}`).is(201)
	for _, text := range evil() {
		escaped := q("x", text)[3:]
		for _, name := range []string{"filter", "order_by", "page_size", "page_token", "fields", "expand", "count", text} {
			h.send("GET", "things?"+q(name, text)[1:], "").refused(name + "=" + text)
			h.send("GET", "things?"+name+"="+text, "").refused(name + "=" + text)
		}
		for _, name := range []string{"group_by", "select", "filter"} {
			h.send("GET", "things:aggregate?"+name+"="+escaped, "").refused(name + "=" + text)
		}
		for _, name := range []string{"int", "user", "moment", "id", "flag", "float"} {
			h.send("GET", "things?"+name+"="+escaped, "").refused(name + "=" + text)
		}
		if r := h.send("GET", "things?text="+escaped, ""); r.status >= 500 || r.status == 200 && r.len("things") != 0 {
			t.Errorf("text=%.60q: %s", text, r.body)
		}
		for _, path := range []string{text, "things/" + text, "things:" + text, "files/things/" + text + "/doc", "files/" + text + "/0000000000abc/doc", "files/things/0000000000abc/" + text, "auth/" + text} {
			h.send("GET", path, "").refused(path)
		}
		h.send("GET", "files/things/0000000000abc/doc?size="+escaped, "").refused(text)
		for _, header := range []string{"If-Match", "Idempotency-Key", "Authorization", "Cookie", "If-None-Match", "Content-Type"} {
			value := text
			if header == "Authorization" {
				value = "Bearer " + text
			}
			if r := h.send("PATCH", "things/0000000000abc", `{}`, header, value); r.status >= 500 {
				t.Errorf("%s: %.60q: %s", header, text, r.body)
			}
		}
	}
	if r := ana.do("GET", "photos", "").is(200); r.len("photos") != 1 {
		t.Error(r.body)
	}
}

func TestRest_HostileFilters(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	for _, filter := range []string{
		strings.Repeat("(", 40) + "int == 1" + strings.Repeat(")", 40), strings.Repeat("!", 200) + "flag", `text == "` + strings.Repeat("a", 5000) + `"`,
		strings.Repeat("int == 1 || ", 2000) + "int == 1", "int == 99999999999999999999", "int == \"a\"", "text > 1", "int in [" + strings.Repeat("1,", 500) + "1]",
		"user.user.user.user.user.handle == 1", "password == \"x\"", "_accounts.exists(a, true)", "auth.password == \"\"", "int ==", "&&", "\"", "int == 1e999", "text.matches(\"(a+)+\")",
	} {
		h.send("GET", "things"+q("filter", filter), "").refused(filter)
	}
}

func TestRest_WrongTypesInEveryField(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	id := s.do("POST", "things", `{}`).is(201).text("id")
	c := h.schema.Lookup("things")
	for _, f := range c.Fields {
		for _, value := range []string{`1`, `1.5`, `-1e400`, `"x"`, `true`, `[]`, `[[1]]`, `{}`, `{"$add":"x"}`, `{"id":"x"}`, `"\u0000"`, `"\ud800"`, `1e309`, strings.Repeat("9", 400)} {
			body := `{"` + f.Name + `":` + value + `}`
			for _, r := range []*reply{
				s.do("POST", "things", body), s.do("PATCH", "things/"+id, body),
				s.do("POST", "batch", `{"ops":[{"op":"create","collection":"things","data":`+body+`}]}`),
			} {
				if r.status >= 500 {
					t.Errorf("%s: %d %s", body, r.status, r.body)
				}
			}
		}
	}
}

func TestRest_JSONBombs(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	for _, body := range []string{
		strings.Repeat(`[`, 500000), strings.Repeat(`{"a":`, 100000), `{"json":` + strings.Repeat(`[`, 300000) + strings.Repeat(`]`, 300000) + `}`,
		`{"json":` + strings.Repeat(`{"a":`, 50) + `1` + strings.Repeat(`}`, 50) + `}`, `{"text":"` + strings.Repeat("a", 900000) + `"}`,
		`{"int":` + strings.Repeat("9", 900000) + `}`, `{"json":[` + strings.Repeat("1e9999999,", 1000), "{\"text\":\"\xff\xff\"}", "\xef\xbb\xbf{}", "{}{}", `{"text":"a","text":"b"}`,
		`{"` + strings.Repeat("k", 100000) + `":1}`, "nul", `{"a":1,"a":2}`, "\x00", `'{}'`, `{"text":"a" "int":1}`,
	} {
		s.do("POST", "things", body).refused(body)
		s.do("POST", "batch", body).refused(body)
	}
	if r := s.do("POST", "things", `{"x":1`+strings.Repeat(`,"y":1`, 10)+`}`); r.status != 400 {
		t.Error(r.body)
	}
}

func TestRest_ForeignPageTokens(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	for range 3 {
		s.do("POST", "things", `{"int":1}`).is(201)
		s.do("POST", "drops", `{"owner":"everybody"}`).is(201)
	}
	token := s.do("GET", "things?page_size=1&order_by=int", "").is(200).text("next_page_token")
	s.do("GET", "things?page_size=2&order_by=int&page_token="+token, "").is(200)
	for _, target := range []string{"things?page_token=", "things?order_by=int%20desc&page_token=", "things?order_by=int&int=1&page_token=", "drops?page_token=", "things?order_by=int&filter=int==1&page_token="} {
		s.do("GET", target+token, "").is(400).because("request.page_token")
	}
	for i := range token {
		broken := []byte(token)
		broken[i] ^= 1
		s.do("GET", "things"+q("order_by", "int", "page_token", string(broken)), "").is(400)
	}
	s.do("GET", "things?page_token="+strings.Repeat("A", 10000), "").is(400)
}

func TestRest_SessionCookie(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	cookie := "a=b; session=" + ana.token
	s := h.stranger()
	s.do("POST", "photos", `{}`, "Cookie", cookie).is(201)
	s.do("POST", "photos", `{}`, "Cookie", cookie, "Sec-Fetch-Site", "cross-site").is(403).because("auth.csrf_rejected")
	s.do("POST", "photos", `{}`, "Cookie", cookie, "Origin", "https://evil.example").is(403).because("auth.csrf_rejected")
	s.do("GET", "photos", "", "Cookie", cookie, "Sec-Fetch-Site", "cross-site").is(200)
	ana.do("POST", "photos", `{}`, "Origin", "https://evil.example").is(201)    // a bearer token is no browser's doing
	s.do("POST", "photos", `{}`, "Cookie", "__Host-session="+ana.token).is(401) // not over plain HTTP
}

// FuzzRest sends any request: the answer is never a 5xx and never hangs.
func FuzzRest(f *testing.F) {
	h := openHouse(f)
	for _, s := range [][2]string{{"things", ""}, {"things/0000000000abc", ""}, {"things:aggregate?select=count", ""}, {"things?filter=int%3E1", ""}, {"batch", `{"ops":[]}`}, {"things", `{"int":1}`}, {"files/things/0000000000abc/doc?size=1", ""}} {
		for method := range uint8(5) {
			f.Add(method, s[0], []byte(s[1]))
		}
	}
	methods := []string{"GET", "POST", "PATCH", "DELETE", "OPTIONS"}
	f.Fuzz(func(t *testing.T, method uint8, target string, body []byte) {
		r := httptest.NewRequestWithContext(t.Context(), methods[int(method)%len(methods)], "/", bytes.NewReader(body))
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut("/api/"+target, "?")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.door.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
