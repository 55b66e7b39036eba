package rest_test

import (
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// idOf is an id that a client might make at a moment.
func idOf(at time.Time) string {
	return roundtrip.NewIDs(3, func() time.Time { return at }).Next().String()
}

func TestREST_ChosenIDIsOfNoTimeToCome(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	now := time.Now()
	good, late := idOf(now), idOf(now.Add(time.Hour))
	ana.do("POST", "photos", `{"id":"`+good+`"}`).is(201).has(good)
	ana.do("POST", "photos", `{"id":"`+late+`"}`).is(400).because("schema.invalid").has(`"/id"`, "yet to come")
	ana.do("POST", "photos", `{"id":"7zzzzzzzzzzzz"}`).is(400).has(`"/id"`)
	ana.do("POST", "batch", `{"ops":[{"op":"create","collection":"photos","data":{"id":"`+late+`"}}]}`).is(400).has(`"/ops/0/data/id"`)
	ana.do("PATCH", "photos/"+good, `{"id":"`+late+`"}`).is(400).has("read only")
}

func TestAuth_SignUpTakesNoIDAndNoKey(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	body := `{"handle":"ana","password":"` + password + `"`
	s.do("POST", "auth/sign-up", body+`,"id":"`+idOf(time.Now())+`"}`).is(400).because("schema.invalid").has(`"/id"`, "leave it out")
	s.do("POST", "auth/sign-up", body+`}`, "Idempotency-Key", "k").is(400).has("a sign-up takes no Idempotency-Key")
	s.do("POST", "auth/sign-up", body+`}`).is(201)
}

// The site's own name without TLS is whoever stands in the network: it gets no cookie to plant.
func TestAuth_PageWithoutTLSIsOfAnotherSite(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana")
	const body = `{"handle":"ana","password":"` + password + `"}`
	own := h.page("POST", "auth/sign-in", body, "Origin", "https://gallery.test").is(200).hasNot("rt_s_")
	if own.header.Get("Set-Cookie") == "" {
		t.Fatal("a page of the site got no cookie")
	}
	for _, origin := range []string{"http://gallery.test", "https://gallery.test:8443", "ftp://gallery.test"} {
		in := h.page("POST", "auth/sign-in", body, "Origin", origin).is(200).has("rt_s_")
		if c := in.header.Get("Set-Cookie"); c != "" {
			t.Fatalf("%s: cookie is %s", origin, c)
		}
	}
}

func TestREST_SumsStayFinite(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	id := s.do("POST", "things", `{"float":1e308}`).is(201).text("id")
	s.do("PATCH", "things/"+id, `{"float":{"$add":1e308}}`).is(400).because("schema.invalid").has(`"/float"`, `"out_of_range"`)
	s.do("PATCH", "things/"+id, `{"float":{"$add":-1e308}}`).is(200).has(`"float":0`)
	for _, body := range []string{`{"float":1e400}`, `{"float":-1e400}`, `{"float":NaN}`, `{"float":"Infinity"}`, `{"float":{"$add":1e400}}`} {
		s.do("PATCH", "things/"+id, body).is(400)
	}
	s.do("POST", "things", `{"float":1e400}`).is(400)
}
