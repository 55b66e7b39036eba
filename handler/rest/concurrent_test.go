package rest_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
)

// atOnce runs fn n times at the same time.
func atOnce(n int, fn func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { fn(i) })
	}
	all.Wait()
}

func TestRest_ConcurrentAddsAllCount(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	id := s.do("POST", "things", `{"int":0}`).is(201).text("id")
	atOnce(64, func(i int) {
		if r := s.do("PATCH", "things/"+id, `{"int":{"$add":1}}`); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if r := s.do("POST", "things", `{"serial":"`+strconv.Itoa(i)+`","text":"`+strings.Repeat("x", i)+`"}`); r.status != 201 || !strings.Contains(r.body, `"serial":"`+strconv.Itoa(i)+`"`) {
			t.Errorf("%d %s", r.status, r.body)
		}
		if r := s.do("GET", "things?expand=user&serial="+strconv.Itoa(i), ""); r.status != 200 || r.len("things") != 1 || len(r.text("things", 0, "text")) != i {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	s.do("GET", "things/"+id, "").is(200).has(`"int":64,`, `"etag":"65"`)
}

func TestRest_ConcurrentPatchesOfDifferentFieldsKeepBoth(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	id := s.do("POST", "things", `{}`).is(201).text("id")
	for range 10 {
		atOnce(2, func(i int) {
			body := []string{`{"text":"a"}`, `{"colour":"red"}`}[i]
			if r := s.do("PATCH", "things/"+id, body); r.status != 200 {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
		s.do("GET", "things/"+id, "").is(200).has(`"text":"a"`, `"colour":"red"`)
		s.do("PATCH", "things/"+id, `{"text":null,"colour":null}`).is(200)
	}
}

func TestRest_OneIdempotencyKeyIsOneWrite(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	atOnce(16, func(int) {
		if r := ana.do("POST", "photos", `{"caption":"once"}`, "Idempotency-Key", "k"); r.status != 201 {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	if n := ana.do("GET", "photos", "").is(200).len("photos"); n != 1 {
		t.Errorf("%d photos", n)
	}
}

func TestRest_IfMatchLetsOneWin(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	made := s.do("POST", "things", `{"int":0}`).is(201)
	var won, lost sync.Map
	atOnce(16, func(i int) {
		switch r := s.do("PATCH", "things/"+made.text("id"), `{"int":`+strconv.Itoa(i)+`}`, "If-Match", made.header.Get("Etag")); r.status {
		case 200:
			won.Store(i, true)
		case 412:
			lost.Store(i, true)
		default:
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	count := func(m *sync.Map) (n int) {
		m.Range(func(any, any) bool { n++; return true })
		return n
	}
	if count(&won) != 1 || count(&lost) != 15 {
		t.Errorf("%d won, %d lost", count(&won), count(&lost))
	}
}
