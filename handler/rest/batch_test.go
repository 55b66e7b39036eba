package rest_test

import (
	"strings"
	"testing"
)

func TestRest_BatchIsAllOrNothing(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo_")
	old := ana.photo(`{"caption":"old"}`)
	const chosen = "0000000000abc"
	got := ana.do("POST", "batch", `{"ops":[
		{"data":{"caption":"new"},"id":"`+chosen+`","collection":"photos","op":"create"},
		{"op":"create","collection":"likes","data":{"photo":"`+chosen+`"}},
		{"op":"update","collection":"photos","id":"`+old+`","etag":"1","data":{"caption":"newer"}},
		{"op":"delete","collection":"photos","id":"`+old+`"}]}`).is(200)
	if got.len("results") != 4 || got.text("results", 0, "id") != chosen || got.text("results", 2, "caption") != "newer" || got.at("results", 3) != nil {
		t.Fatal(got.body)
	}
	ana.do("GET", "photos/"+chosen, "").is(200).has(`"likes":1`)
	ana.do("GET", "photos/"+old, "").is(404)

	before := ana.do("GET", "things?count=exact", "").at("total_size")
	failed := bo.do("POST", "batch", `{"ops":[
		{"op":"create","collection":"things","data":{"serial":"a"}},
		{"op":"create","collection":"things","data":{"serial":"b"}},
		{"op":"create","collection":"things","data":{"serial":"a"}}]}`).is(409).because("store.unique").has(`"pointer":"/ops/2/data/serial"`)
	_ = failed
	if after := ana.do("GET", "things?count=exact", "").at("total_size"); after != before {
		t.Errorf("%v things, %v before", after, before)
	}
	bo.do("POST", "batch", `{"ops":[{"op":"update","collection":"photos","id":"`+chosen+`","data":{"caption":"x"}}]}`).is(403).has(`"pointer":"/ops/0"`)
	h.stranger().do("POST", "batch", `{"ops":[{"op":"delete","collection":"photos","id":"`+chosen+`"}]}`).is(401)
	ana.do("POST", "batch", `{"ops":[{"op":"update","collection":"photos","id":"`+chosen+`","etag":"7","data":{}}]}`).is(412)
	ana.do("POST", "batch", `{"ops":[{"op":"create","collection":"things","data":{"int":"1"}},{"op":"create","collection":"things","data":{"txt":1,"mail":"x"}}]}`).
		is(400).has(`"pointer":"/ops/0/data/int"`, `"pointer":"/ops/1/data/txt"`, `"pointer":"/ops/1/data/mail"`)
	one := ana.do("POST", "batch", `{"ops":[{"op":"create","collection":"things","data":{}}]}`, "Idempotency-Key", "b").is(200)
	two := ana.do("POST", "batch", `{"ops":[{"op":"create","collection":"things","data":{}}]}`, "Idempotency-Key", "b").is(200)
	if one.body != two.body || two.header.Get("Idempotency-Replayed") != "true" {
		t.Error(two.body)
	}
}

func TestRest_BatchRefusesBrokenOnes(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	for body, has := range map[string]string{
		`{}`:                        `"/ops"`,
		`{"ops":[]}`:                `"/ops"`,
		`{"ops":{}}`:                `request.json`,
		`{"ops":[1]}`:               `request.json`,
		`{"opz":[]}`:                `"/opz"`,
		`{"ops":[{}]}`:              `"/ops/0/op"`,
		`{"ops":[{"op":"creat"}]}`:  `did you mean \"create\"`,
		`{"ops":[{"op":"create"}]}`: `"/ops/0/collection"`,
		`{"ops":[{"op":"create","collection":"thing"}]}`:                                                                                           `did you mean \"things\"`,
		`{"ops":[{"op":"create","collection":"things"}]}`:                                                                                          `"/ops/0/data"`,
		`{"ops":[{"op":"create","collection":"things","data":[]}]}`:                                                                                `request.json`,
		`{"ops":[{"op":"create","collection":"things","data":{},"etag":"1"}]}`:                                                                     `"/ops/0/etag"`,
		`{"ops":[{"op":"create","collection":"things","data":{},"ettag":"1"}]}`:                                                                    `did you mean \"etag\"`,
		`{"ops":[{"op":"create","collection":"things","data":{},"id":"x"}]}`:                                                                       `"/ops/0/id"`,
		`{"ops":[{"op":"update","collection":"things","data":{}}]}`:                                                                                `"/ops/0/id"`,
		`{"ops":[{"op":"update","collection":"things","data":{},"id":7}]}`:                                                                         `"/ops/0/id"`,
		`{"ops":[{"op":"delete","collection":"things","data":{},"id":"0000000000abc"}]}`:                                                           `"/ops/0/data"`,
		`{"ops":[{"op":"update","collection":"things","data":{},"id":"0000000000abc","etag":"x"}]}`:                                                `"/ops/0/etag"`,
		`{"ops":[{"op":"create","collection":"things","data":{"a":1,"a":2}}]}`:                                                                     `duplicate_name`,
		`{"ops":[{"op":"create","op":"delete"}]}`:                                                                                                  `duplicate_name`,
		`{"ops":[{"op":"create","collection":"things","data":{}}]} x`:                                                                              `trailing`,
		`{"ops":[` + strings.Repeat(`{"op":"create","collection":"things","data":{}},`, 100) + `{"op":"create","collection":"things","data":{}}]}`: `too_many`,
	} {
		if r := s.do("POST", "batch", body); r.status != 400 || !strings.Contains(r.body, has) {
			t.Errorf("%.80s: %d %s", body, r.status, r.body)
		}
	}
	s.do("POST", "batch", `{"ops":[{"op":"delete","collection":"things","id":"0000000000abc"}]}`).is(404).has(`"pointer":"/ops/0"`)
	s.do("GET", "batch", "").is(405)
	if n := s.do("GET", "things", "").len("things"); n != 0 {
		t.Errorf("%d things", n)
	}
}
