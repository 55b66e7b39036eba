package rest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// unread is a body that must not be touched.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("a byte of a body was read that says it is too large")
	return 0, io.EOF
}

func TestRest_BodiesThatSayTheyAreTooLargeAreNotRead(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	for length, want := range map[int64]int{1<<20 + 1: http.StatusRequestEntityTooLarge, 1 << 40: http.StatusRequestEntityTooLarge} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/things", unread{t})
		r.ContentLength = length
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.server.Config.Handler.ServeHTTP(w, r)
		if w.Code != want || !strings.Contains(w.Body.String(), "request.body_too_large") {
			t.Errorf("%d bytes: %d %s", length, w.Code, w.Body)
		}
	}
}

func TestRest_AnswersHaveALimit(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	big := strings.Repeat("a", 999_000)
	for i := range 17 {
		s.do("POST", "mails", `{"mail":"a`+strconv.Itoa(i)+`@x.org","body":"`+big+`"}`).is(201)
	}
	s.do("GET", "mails?page_size=16&fields=body", "").is(200)
	s.do("GET", "mails?page_size=17&fields=body", "").is(422).because("request.invalid").has("over 16 MB", "page_size")
	s.do("GET", "mails?page_size=17&fields=body&expand=from", "").is(422)
	s.do("GET", "mails?page_size=17&fields=mail", "").is(200)
}

func TestRest_FormsTakeAChosenID(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	for id, more := range map[string][]part{
		"0000000000abc": nil,
		"0000000000abd": {{"doc", "a.txt", "hello"}},
		"0000000000abe": {{"doc", "", ""}},
	} {
		if got := s.form("POST", "things", append(more, part{"id", "", id}, part{"text", "", "a"})...).is(201).text("id"); got != id {
			t.Errorf("%s became %s", id, got)
		}
		s.do("GET", "things/"+id, "").is(200).has(`"text":"a"`)
	}
	s.form("POST", "things", part{"id", "", "0000000000abc"}).is(409).because("store.unique").has(`"pointer":"/id"`)
	s.form("POST", "things", part{"id", "", "x"}).is(400).has(`"pointer":"/id"`)
	s.form("POST", "things", part{"data", "", `{"id":"0000000000abf"}`}).is(201).has(`"id":"0000000000abf"`)
}
