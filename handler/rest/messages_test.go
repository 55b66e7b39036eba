package rest_test

import (
	"strings"
	"testing"
)

// What a newcomer gets wrong first, and the sentence that helps.

func TestRest_SaysWhatAPathTakes(t *testing.T) {
	t.Parallel()
	s := openHouse(t).stranger()
	for path, want := range map[string]string{
		"":                       "the path goes on behind /api/: with a collection (users, photos, likes, follows, things, drops, mails), or with auth/…, batch, files/… or inbox",
		"/":                      "the path goes on behind /api/",
		"auth":                   "the paths below auth/ are auth/sign-up, auth/sign-in, auth/sign-out, auth/me, auth/sessions, auth/sessions/{id}, auth/password",
		"auth/":                  "the paths below auth/ are",
		"auth/mee":               "there is no auth/mee; did you mean auth/me?",
		"auth/everything":        "the paths below auth/ are",
		"auth/me/":               "drop the slash at the end: /api/auth/me",
		"files":                  "a file is at files/COLLECTION/ID/FIELD",
		"files/":                 "a file is at files/COLLECTION/ID/FIELD",
		"batch/1":                "nothing is below batch",
		"things/":                "drop the slash at the end: /api/things",
		"things/0000000000abc/":  "drop the slash at the end: /api/things/0000000000abc",
		"thngs":                  `there is no collection \"thngs\"; did you mean things?`,
		"everything":             `there is no collection \"everything\"; there is users, photos`,
		"things/aaaaaaaaaaaaa":   "an id is 13 characters of 0-9 and a-z without i, l, o and u, the first one 0 to 7",
		"files/photos/x/image":   "an id is 13 characters",
		"things?list.title=x":    "there is no parameter",
		"files/things/1/doc?w=1": "",
	} {
		r := s.do("GET", path, "")
		if r.status < 400 || !strings.Contains(r.body, want) {
			t.Errorf("%q: %d %s", path, r.status, r.body)
		}
		if strings.Count(r.body, "auth/sessions,") > 1 {
			t.Errorf("%q names a path twice: %s", path, r.body)
		}
	}
	s.do("GET", "files/things/0000000000abc/doc?w=100", "").is(400).has("did you mean size?")
	s.do("GET", "files/things/0000000000abc/doc?z=100", "").is(400).has("read here are size, v")
}

func TestRest_SaysWhatABatchLacks(t *testing.T) {
	t.Parallel()
	s := openHouse(t).stranger()
	for body, want := range map[string]string{
		`{"ops":[{"op":"create","data":{}}]}`:                                            `the collection is missing: \"collection\" is users, photos`,
		`{"ops":[{"data":{}}]}`:                                                          `nothing was written: what to do is missing: \"op\" is create, update or delete`,
		`{"ops":[{"op":"upsert","collection":"things","data":{}}]}`:                      `there is no op \"upsert\"; it is create, update or delete`,
		`{"ops":[{"op":"create","collection":"stuff","data":{}}]}`:                       `there is no collection \"stuff\"; it is users, photos`,
		`{"ops":[{"op":"create","collection":"things","data":{},"qqqqqq":1}]}`:           `a write has no member \"qqqqqq\"; it is op, collection, id, etag or data`,
		`{"ops":[{"op":"create","collection":"things","data":{"mail":"x"}}]}`:            `"detail":"nothing was written: mail can't be`,
		`{"ops":[{"op":"create","collection":"things","data":{"mail":"x","link":"x"}}]}`: `"detail":"2 values of the batch are wrong; nothing was written"`,
		`{"ops":[{"op":"create","collection":"things"},{"op":"delete"}]}`:                `"detail":"2 things are wrong with the batch; nothing was written"`,
		`{"ops":[{"op":"delete","collection":"things","id":"aaaaaaaaaaaaa"}]}`:           "the first one 0 to 7",
		`[]`: `"detail":"an object is expected, such as {\"ops\":[…]}; the JSON here is an array"`,
	} {
		if r := s.do("POST", "batch", body); r.status != 400 || !strings.Contains(r.body, want) || strings.Contains(r.body, "choose one") {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
}

func TestRest_SaysWhatABodyLacks(t *testing.T) {
	t.Parallel()
	s := openHouse(t).stranger()
	s.do("POST", "things", `[]`).is(400).because("request.json").has(`"detail":"an object is expected`, "the JSON here is an array").hasNot("no good JSON")
	s.do("POST", "things", `"x"`).is(400).has("the JSON here is a string")
	s.do("POST", "things", `{"id":"aaaaaaaaaaaaa"}`).is(400).has("an id is expected: 13 characters of 0-9 and a-z without i, l, o and u, the first one 0 to 7, such as 01hv3w8k2q4c7")
	s.do("POST", "things", `{"user":"ana"}`).is(400).has("the id of a record of users is expected: 13 characters")
	for _, id := range []string{"aaaaaaaaaaaaa", "0000000000abd"} {
		s.do("PATCH", "things/0000000000abc", `{"id":"`+id+`"}`).is(400).has("id is read only")
	}
	s.do("GET", "things?page_size=500", "").is(400).because("request.invalid")
	s.do("GET", "things?order_by=-int", "").is(400).because("request.filter").has("write int desc")
}

func TestRest_SaysHowATokenIsSent(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	s := h.stranger()
	s.do("GET", "auth/me", "", "Authorization", ana.token).is(401).because("auth.invalid").has("write Authorization: Bearer TOKEN")
	s.do("GET", "things", "", "Authorization", ana.token).is(401).has("write Authorization: Bearer TOKEN")
	s.do("GET", "things", "", "Authorization", "Basic YTpi").is(200)
	s.do("GET", "things", "", "Authorization", "Bearer").is(401).because("auth.invalid").has("no token behind Bearer")
	ana.do("POST", "auth/password", `{}`).is(400).has("the password as it is now is missing", `"pointer":"/new"`)
	ana.do("POST", "auth/password", `{"old":"x"}`).is(400).has(`"detail":"the password as it is to be is missing`)
	s.do("POST", "auth/password", `{}`).is(401)
	s.do("POST", "auth/sign-in", `{}`).is(400).has("the account's name is missing, in handle", "the password is missing")
	s.do("POST", "auth/sign-in", `{"qqqqqqqqqq":1}`).is(400).has("there is no member qqqqqqqqqq here; it is password, handle or login")
	s.do("POST", "auth/sign-in", `{"handel":1}`).is(400).has(`did you mean \"handle\"?`)
	s.do("POST", "auth/sign-in", `{"handle":"ana","password":"wrong horse battery"}`).is(401).has("the name or the password is wrong")
}

func TestRest_SaysHowAFilterIsEscaped(t *testing.T) {
	t.Parallel()
	s := openHouse(t).stranger()
	const hint = "in a URL write && as %26%26 (curl -G --data-urlencode 'filter=…')"
	for _, query := range []string{
		"filter=int==1&&flag==true", "filter=int%20==%201%20&&%20flag%20==%20true", "filter=int==1&flag==true", "filter=int>1&&flag=1",
		"filter=(int==1&&flag==true)", "filter=int==1&&text==\"a\"", "filter=int==1&&!flag", "filter=int==1&&user.name==1", "filter=int==1&&nothing=1",
	} {
		s.do("GET", "things?"+strings.ReplaceAll(query, "\"", "%22"), "").is(400).has(hint)
	}
	s.do("GET", "things?filter=int==1&nothing=1", "").is(400).hasNot("%26")
	s.do("GET", "things?filter=int==x&flag=1", "").is(400).hasNot("%26")
	s.do("GET", "things?filter=int==1&text=%3Dx", "").is(200)
	s.do("GET", "things?filter=int==1&&text=x&flag=true", "").is(200)
	s.do("GET", "things?filter=int==1%26%26flag==true", "").is(200)
}
