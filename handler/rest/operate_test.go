package rest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// ledger keeps what it was told; refuse makes it fail.
type ledger struct {
	lines  []string
	refuse error
}

func (l *ledger) Writing(_ context.Context, p *policy.Permit) error {
	line := p.Rule() + " " + p.Action().String()
	if in := p.Input(); in != nil {
		for i, set := range in.Set {
			if set {
				line += " " + in.Collection.Fields[i].Name
			}
		}
	}
	l.lines = append(l.lines, line)
	return l.refuse
}

func (l *ledger) Failed(_ context.Context, _ *policy.Permit, err error) {
	l.lines = append(l.lines, "failed "+roundtrip.AsError(err).Reason)
}

// console is the house with the door that operators come in by. Who calls is decided by the door's owner, not by what they send.
func (h *house) console(who *roundtrip.Operator, l handler.Ledger) *person {
	h.t.Helper()
	core, err := handler.New(handler.Options{
		Schema: h.schema, Policy: h.policy, Store: h.store, Identity: h.identity, Files: h.core.Files(), IDs: h.ids, Now: time.Now, Ledger: l,
		Who: func(context.Context, string) (*roundtrip.Principal, error) {
			return &roundtrip.Principal{Operator: who}, nil
		},
	})
	must(h.t, err)
	door, err := rest.New(core, "/api/", rest.Options{Records: true})
	must(h.t, err)
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		j := h.journeys.Begin(trace.Request)
		defer h.journeys.End(j)
		door.ServeHTTP(w, r.WithContext(trace.With(r.Context(), j)))
	}))
	h.t.Cleanup(h.server.Close)
	beside := *h
	return &person{h: &beside}
}

func TestRest_OperatorsReadAndWriteEverything(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	made := ana.form("POST", "photos", part{"caption", "", "hidden"}, part{"private", "", "true"}, part{"image", "a.png", picture(t, 8, 8)}).is(201)
	id := made.text("id")
	l := &ledger{}
	mia := h.console(&roundtrip.Operator{Name: "mia", Data: true}, l)
	mia.do("GET", "photos?expand=author&count=exact", "").is(200).has("hidden", `"handle":"ana"`, `"total_size":1`)
	file := mia.do("GET", "files/photos/"+id+"/image?v="+made.text("image", "id"), "").is(200)
	if got := file.header.Get("Cache-Control"); !strings.HasPrefix(got, "private") {
		t.Errorf("what an operator sees may be kept by all: %s", got)
	}
	mia.do("PATCH", "photos/"+id, `{"caption":"seen"}`, "If-Match", `"1"`).is(200).has(`"caption":"seen"`)
	mia.do("PATCH", "photos/"+id, `{"caption":"late"}`, "If-Match", `"1"`).is(412)
	mia.do("POST", "drops", `{"owner":"nobody"}`).is(201).has(`"owner":"nobody"`)
	mia.do("POST", "photos", `{"caption":"of nobody"}`).is(201).has(`"author":null`)
	mia.do("DELETE", "photos/"+id, "").is(204)
	want := []string{
		"operator mia update caption", "operator mia update caption", "failed store.stale",
		"operator mia create id owner", "operator mia create id caption private", "operator mia delete",
	}
	if got := strings.Join(l.lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the ledger has\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// TestRest_OperatorsStayWithinTheSchema: what is no rule holds for them as well.
func TestRest_OperatorsStayWithinTheSchema(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	photo := ana.photo(`{"caption":"a"}`)
	ana.do("POST", "likes", `{"photo":"`+photo+`"}`).is(201)
	mia := h.console(&roundtrip.Operator{Name: "mia", Data: true}, nil)
	mia.do("PATCH", "photos/"+photo, `{"author":null}`).is(400).because("schema.invalid").has("immutable")
	mia.do("PATCH", "photos/"+photo, `{"likes":99}`).is(400).because("schema.invalid").has("read_only")
	mia.do("PATCH", "photos/"+photo, `{"etag":"9"}`).is(400)
	mia.do("PATCH", "photos/"+photo, `{"password":"x"}`).is(400)
	mia.do("POST", "users", `{"handle":"NO"}`).is(400).because("schema.invalid")
	mia.do("POST", "users", `{"handle":"ana"}`).is(409).because("store.unique")
	mia.do("POST", "likes", `{"user":"`+ana.id+`","photo":"`+photo+`"}`).is(409).because("store.unique")
	mia.do("POST", "likes", `{"photo":"0000000000abc"}`).is(400).because("store.no_such_record")
	mia.do("GET", "photos"+q("filter", `athor == "x"`), "").is(400).has(`"column":1`)
	mia.do("GET", "users/"+ana.id, "").is(200).hasNot("argon2").hasNot("password")
	for _, path := range []string{"_sessions", "_accounts", "auth/sessions", "auth/me", "auth/sign-in", "inbox", "auth/", "live", "photos:watch"} {
		mia.do("GET", path, "").is(404)
	}
	mia.do("POST", "auth/sign-in", `{"handle":"ana","password":"correct horse battery"}`).is(404)
}

func TestRest_ViewersSeeNoRecords(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	photo := ana.photo(`{"caption":"a"}`)
	l := &ledger{}
	vic := h.console(&roundtrip.Operator{Name: "vic"}, l)
	for _, path := range []string{"users", "photos", "photos/" + photo, "photos:aggregate?select=count", "files/photos/" + photo + "/image"} {
		vic.do("GET", path, "").is(403).because("access.operator")
	}
	vic.do("POST", "photos", `{"caption":"x"}`).is(403).because("access.operator")
	vic.do("PATCH", "photos/"+photo, `{"caption":"x"}`).is(403).because("access.operator")
	vic.do("DELETE", "photos/"+photo, "").is(403).because("access.operator")
	vic.do("POST", "batch", `{"ops":[{"op":"delete","collection":"photos","id":"`+photo+`"}]}`).is(403).because("access.operator")
	vic.do("GET", "photos", "", "Authorization", "Bearer "+ana.token).is(403) // an account's token makes no more of them
	if len(l.lines) > 0 {
		t.Errorf("writes began: %v", l.lines)
	}
	if ana.do("GET", "photos/"+photo, "").status == http.StatusOK {
		t.Error("the site's own people come in by the operators' door")
	}
}

// TestRest_NothingIsWrittenThatTheLedgerRefuses: what can't be written down is not done.
func TestRest_NothingIsWrittenThatTheLedgerRefuses(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	photo := h.person("ana").photo(`{"caption":"a"}`)
	l := &ledger{refuse: errors.New("disk full")}
	mia := h.console(&roundtrip.Operator{Name: "mia", Data: true}, l)
	mia.do("PATCH", "photos/"+photo, `{"caption":"x"}`).is(500)
	mia.do("POST", "photos", `{"caption":"y"}`).is(500)
	mia.do("DELETE", "photos/"+photo, "").is(500)
	mia.do("GET", "photos?count=exact", "").is(200).has(`"caption":"a"`, `"total_size":1`)
}

// TestRest_KeysOfOperatorsAreTheirOwn: neither a stranger nor another operator is answered what was one's.
func TestRest_KeysOfOperatorsAreTheirOwn(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	mia := h.console(&roundtrip.Operator{Name: "mia", Data: true}, nil)
	bo := h.console(&roundtrip.Operator{Name: "bo", Data: true}, nil)
	body := `{"text":"once"}`
	first := mia.do("POST", "things", body, "Idempotency-Key", "k").is(201)
	if again := mia.do("POST", "things", body, "Idempotency-Key", "k").is(201); again.text("id") != first.text("id") {
		t.Error("the same key wrote twice")
	}
	if other := bo.do("POST", "things", body, "Idempotency-Key", "k").is(201); other.text("id") == first.text("id") {
		t.Error("another operator was answered with it")
	}
}

// TestRest_NobodyBecomesAnOperator tries at the site's own door all that a caller can send.
func TestRest_NobodyBecomesAnOperator(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, eve := h.person("ana"), h.person("operator")
	photo := ana.photo(`{"caption":"hidden","private":true}`)
	for _, header := range [][2]string{
		{"X-Operator", "mia"},
		{"Operator", "mia"},
		{"X-Forwarded-User", "operator"},
		{"Cookie", "console=operator; __Host-console=operator; operator=mia"},
		{"Authorization", "Operator mia"},
		{"Authorization", "Basic b3BlcmF0b3I6"},
	} {
		for _, p := range []*person{eve, h.stranger()} {
			if header[0] == "Authorization" && p == eve {
				continue // it would take her token away
			}
			p.do("GET", "photos/"+photo, "", header[0], header[1]).is(404)
			p.do("GET", "photos", "", header[0], header[1]).is(200).hasNot("hidden")
			if r := p.do("DELETE", "photos/"+photo, "", header[0], header[1]); r.status < 400 {
				t.Errorf("%s deleted with %v", p.id, header)
			}
		}
	}
	eve.do("PATCH", "users/"+eve.id, `{"operator":true}`).is(400)
	eve.do("PATCH", "users/"+eve.id, `{"Operator":{"Name":"eve","Data":true}}`).is(400)
	must(t, h.identity.SetRoles(t.Context(), "operator", []string{"moderator"})) // the most that an account can be
	eve.do("GET", "photos/"+photo, "").is(404)
	if err := h.identity.SetRoles(t.Context(), "operator", []string{"operator"}); err == nil {
		t.Error("a role that is not declared was granted")
	}
	ana.do("GET", "photos/"+photo, "").is(200)
}
