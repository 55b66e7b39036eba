package rest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/trace"
)

func q(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return "?" + v.Encode()
}

func TestRest_CreateGetPatchDelete(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	made := ana.do("POST", "photos", `{"caption":"sea"}`).is(201).has(`"caption":"sea"`, `"private":false`, `"author":"`+ana.id+`"`, `"etag":"1"`, `"image":null`)
	id := made.text("id")
	if got := made.header.Get("Location"); got != "/api/photos/"+id {
		t.Errorf("Location %q", got)
	}
	got := ana.do("GET", "photos/"+id, "").is(200)
	if got.body != made.body || got.header.Get("Etag") != made.header.Get("Etag") || !strings.HasPrefix(got.header.Get("Etag"), `"1-`) {
		t.Errorf("%s %s\n%s %s", got.header, got.body, made.header, made.body)
	}
	if cc := got.header.Get("Cache-Control"); cc != "private, no-cache" || got.header.Get("Vary") == "" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", got.header)
	}
	ana.do("GET", "photos/"+id, "", "If-None-Match", `"x", W/`+got.header.Get("Etag")).is(304)
	patched := ana.do("PATCH", "photos/"+id, `{"caption":null,"private":true}`, "If-Match", got.header.Get("Etag"), "Content-Type", "application/merge-patch+json").
		is(200).has(`"caption":null`, `"private":true`, `"etag":"2"`)
	ana.do("GET", "photos/"+id, "", "If-None-Match", got.header.Get("Etag")).is(200)
	ana.do("PATCH", "photos/"+id, `{"caption":"x"}`, "If-Match", `"1"`).is(412).because("store.stale")
	ana.do("PATCH", "photos/"+id, `{"caption":"x"}`, "If-Match", `*`).is(200)
	ana.do("PATCH", "photos/"+id, `{"caption":"x"}`, "If-Match", `nonsense`).is(400).has(`"parameter":"If-Match"`)
	ana.do("DELETE", "photos/"+id, "", "If-Match", patched.header.Get("Etag")).is(412)
	gone := ana.do("DELETE", "photos/"+id, "").is(204)
	if gone.body != "" {
		t.Error(gone.body)
	}
	ana.do("DELETE", "photos/"+id, "").is(404)
	ana.do("GET", "photos/"+id, "").is(404).because("store.missing").has(`"journey":"`, `"instance":"/api/photos/`+id+`"`, `"code":"not_found"`)
}

func TestRest_PlainETagWhereNothingElseMakesTheBody(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	made := h.stranger().do("POST", "things", `{"int":9007199254740993,"text":"a","json":{"b":[1, 2]},"flag":true,"float":0.5,"moment":"2026-01-01T00:00:00+02:00"}`).is(201).
		has(`"int":9007199254740993`, `"json":{"b":[1,2]}`, `"flag":true`, `"float":0.5`, `"moment":"2025-12-31T22:00:00.000Z"`)
	if e := made.header.Get("Etag"); e != `"1"` {
		t.Errorf("etag %s", e)
	}
	id := made.text("id")
	if e := h.stranger().do("GET", "things/"+id+"?fields=int", "").is(200).header.Get("Etag"); !strings.HasPrefix(e, `"1-`) {
		t.Errorf("etag %s", e)
	}
	h.stranger().do("PATCH", "things/"+id, `{"int":{"$add":-1}}`).is(200).has(`"int":9007199254740992`, `"text":"a"`)
	h.stranger().do("PATCH", "things/"+id, `{"float":{"$add":1}}`).is(200).has(`"float":1.5`)
	h.stranger().do("GET", "things/"+strings.ToUpper(id), "").is(200)
	head := h.stranger().do("HEAD", "things/"+id, "").is(200)
	if head.body != "" || head.header.Get("Content-Length") == "" || head.header.Get("Etag") != `"3"` {
		t.Errorf("%v %q", head.header, head.body)
	}
}

func TestRest_ChosenID(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	if got := s.do("POST", "things", `{"id":"0000000000ABC","text":"a"}`).is(201).text("id"); got != "0000000000abc" {
		t.Error(got)
	}
	s.do("POST", "things", `{"id":"0000000000abc"}`).is(409).because("store.unique").has(`"pointer":"/id"`)
	s.do("PATCH", "things/0000000000abc", `{"id":"0000000000abd"}`).is(400).has(`"pointer":"/id"`, `"immutable"`)
	s.do("PATCH", "things/0000000000abc", `{"id":"0000000000abc","text":"b"}`).is(200).has(`"text":"b"`)
}

func TestRest_ListPagesFiltersOrders(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo_")
	for range 5 {
		ana.photo(`{"caption":"a"}`)
		bo.photo(`{"caption":"b"}`)
	}
	one := ana.do("GET", "photos"+q("filter", `author.handle == "ana"`, "order_by", "create_time desc", "page_size", "3", "count", "exact"), "").is(200)
	if one.len("photos") != 3 || one.at("total_size") != 5.0 {
		t.Fatal(one.body)
	}
	two := ana.do("GET", "photos"+q("filter", `author.handle == "ana"`, "order_by", "create_time desc", "page_size", "3", "page_token", one.text("next_page_token")), "").is(200)
	if two.len("photos") != 2 || two.text("next_page_token") != "" || two.at("total_size") != nil {
		t.Fatal(two.body)
	}
	ana.do("GET", "photos"+q("filter", `author.handle == "bo_"`, "order_by", "create_time desc", "page_token", one.text("next_page_token")), "").is(400).because("request.page_token")
	ana.do("GET", "photos"+q("page_token", "garbage"), "").is(400).because("request.page_token")
	if n := ana.do("GET", "photos?author="+bo.id, "").is(200).len("photos"); n != 5 {
		t.Errorf("%d", n)
	}
	ana.do("GET", "photos?fields=id,caption&page_size=1", "").is(200).hasNot("create_time").has(`{"photos":[{"id":"`)
	ana.do("GET", "photos?author=short", "").is(400)
	ana.do("GET", "photos"+q("filter", `captoin == "a"`), "").is(400).because("request.filter").has(`"column":1`, "caption")
	ana.do("GET", "photos?order_by=captoin", "").is(400).has("caption")
	ana.do("GET", "photos?page_size=201", "").is(400)
	ana.do("GET", "photos?expand=authr", "").is(400).has("author")
	ana.do("GET", "photos?fields=captoin", "").is(400).has("caption")
	ana.do("GET", "photos?filtr=1", "").is(400).because("request.unknown_parameter").has("did you mean filter?")
	ana.do("GET", "photos?page_size=1&page_size=2", "").is(400)
	ana.do("GET", "photos?caption=%zz", "").is(400)
}

func TestRest_ExpandFollowsRefs(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo_")
	photo := ana.photo(`{"caption":"sea"}`)
	like := bo.do("POST", "likes", `{"photo":"`+photo+`"}`).is(201).text("id")
	got := bo.do("GET", "likes/"+like+"?expand=photo.author,user", "").is(200)
	if got.text("expand", "user", "handle") != "bo_" || got.text("expand", "photo", "caption") != "sea" || got.text("expand", "photo", "expand", "author", "handle") != "ana" {
		t.Fatal(got.body)
	}
	list := bo.do("GET", "likes"+q("expand", "photo.author", "fields", "id"), "").is(200)
	if list.text("likes", 0, "expand", "photo", "expand", "author", "handle") != "ana" {
		t.Fatal(list.body)
	}
	thing := h.stranger().do("POST", "things", `{}`).is(201).text("id")
	h.stranger().do("GET", "things/"+thing+"?expand=user", "").is(200).has(`"expand":{}`)
	before := bo.do("GET", "photos/"+photo+"?expand=author", "").is(200)
	ana.do("PATCH", "users/"+ana.id, `{"name":"Ana"}`).is(200)
	after := bo.do("GET", "photos/"+photo+"?expand=author", "", "If-None-Match", before.header.Get("Etag")).is(200)
	if before.header.Get("Etag") == after.header.Get("Etag") {
		t.Error("the etag did not see the expanded record change")
	}
	bo.do("GET", "likes?expand=photo.author.x.y", "").is(400)
	bo.do("GET", "likes?expand=id", "").is(400)
}

func TestRest_Aggregate(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	for _, body := range []string{`{"colour":"red","int":1,"float":0.5}`, `{"colour":"red","int":2}`, `{"colour":"green","int":4}`} {
		s.do("POST", "things", body).is(201)
	}
	got := s.do("GET", "things:aggregate"+q("group_by", "colour", "select", "count,sum(int),avg(int),max(create_time)"), "").is(200)
	if got.len("groups") != 2 {
		t.Fatal(got.body)
	}
	got.has(`"colour":"red","count":2,"sum_int":3,"avg_int":1.5,"max_create_time":"20`)
	s.do("GET", "things:aggregate?select=count", "").is(200).has(`{"groups":[{"count":3}]}`)
	s.do("GET", "things:aggregate"+q("select", "count", "filter", "int > 100"), "").is(200).has(`"count":0`)
	s.do("GET", "things:aggregate?select=median(int)", "").is(400)
	s.do("GET", "things:aggregate?page_size=3", "").is(400).because("request.unknown_parameter")
	s.do("POST", "things:aggregate", "{}").is(405)
}

func TestRest_UnknownPathsMethodsTypes(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	s.do("GET", "photo", "").is(404).because("request.unknown_path").has("did you mean photos?")
	s.do("GET", "zzzzzzzzz", "").is(404).has("users", "photos")
	s.do("GET", "", "").is(404)
	s.do("GET", "photos/", "").is(404)
	s.do("GET", "photos/x/y", "").is(404)
	s.do("GET", "photos/0000000000abc/y", "").is(404)
	s.do("GET", "photos:count", "").is(404).has("photos:aggregate")
	s.do("GET", "photos:watch", "").is(404).has("not served here")
	s.do("GET", "live", "").is(404).has("not served here")
	s.do("GET", "openapi.json", "").is(404).has("not served here")
	s.do("GET", "files/photos/0000000000abc/imag", "").is(404).has("image")
	s.do("GET", "files/photos", "").is(404)
	s.do("GET", "auth/sign-im", "").is(404).has("sign-in")
	r := s.do("PUT", "photos/0000000000abc", "{}").is(405).because("route.method_not_allowed")
	if got := r.header.Get("Allow"); got != "GET, HEAD, PATCH, DELETE, OPTIONS" {
		t.Error(got)
	}
	if got := s.do("OPTIONS", "photos", "").is(204).header.Get("Allow"); got != "POST, GET, HEAD, OPTIONS" {
		t.Error(got)
	}
	s.do("POST", "things", `text=a`, "Content-Type", "application/x-www-form-urlencoded").is(415).because("request.media_type").has("application/json")
	s.do("POST", "things", `{}`, "Content-Type", "").is(415).has("application/json")
	if got := s.do("PATCH", "things/0000000000abc", `{}`, "Content-Type", "text/plain").is(415).header.Get("Accept-Patch"); !strings.Contains(got, "merge-patch") {
		t.Error(got)
	}
	s.do("POST", "things", `{}`, "Content-Encoding", "gzip").is(415).has("gzip")
	s.do("POST", "things", `{}`, "Content-Type", "application/json; charset=utf-8").is(201)
	s.do("POST", "things", ` `, "Content-Type", "application/json").is(400).because("request.json").has("empty")
	s.do("POST", "things?fields=text", `{}`).is(400).because("request.unknown_parameter")
	s.do("POST", "things", `{"text":"`+strings.Repeat("a", 1<<20)+`"}`).is(413).because("request.body_too_large")
}

func TestRest_RefusalsSayWhy(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo, s := h.person("ana"), h.person("bo_"), h.stranger()
	id := ana.photo(`{"caption":"a"}`)
	r := s.do("POST", "photos", `{"caption":"x"}`).is(401).because("auth.missing")
	if r.header.Get("Www-Authenticate") == "" {
		t.Error("no challenge")
	}
	bo.do("PATCH", "photos/"+id, `{"caption":"x"}`).is(403).because("access.rule_denied")
	bo.do("DELETE", "photos/"+id, "").is(403)
	s.do("DELETE", "photos/"+id, "").is(401)
	bo.do("POST", "photos", `{"caption":"x","author":"`+ana.id+`"}`).is(403)
	(&person{h: h, token: "rt_s_nonsense"}).do("GET", "photos", "").is(401).because("auth.invalid")
	ana.do("POST", "users", `{"handle":"xxx"}`).is(403).because("access.no_rule")
	two := ana.do("POST", "things", `{"int":"1","txt":1,"text":"`+strings.Repeat("a", 101)+`","mail":"nobody"}`).is(400).because("schema.invalid")
	if two.len("errors") != 4 {
		t.Error(two.body)
	}
	two.has(`"pointer":"/int"`, `"pointer":"/txt"`, `"pointer":"/text"`, `"pointer":"/mail"`)
	journey, ok := h.journeys.Find(two.text("journey"))
	if !ok || journey.Reason.Code() != "schema.invalid" || journey.Route != "/api/things" {
		t.Errorf("%+v", journey)
	}
}

func TestRest_WhatTheCallerMayNotReadIsNotEchoed(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	id := s.do("POST", "drops", `{"text":"secret","owner":"me"}`).is(201).text("id")
	s.do("GET", "drops/"+id, "").is(404)
	if r := s.do("PATCH", "drops/"+id, `{"text":"x"}`); r.status != 204 || r.body != "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	s.do("PATCH", "drops/"+id, `{"owner":"everybody"}`).is(200).has(`"text":"x"`)
}

func TestRest_IdempotencyKey(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	one := ana.do("POST", "photos", `{"caption":"a"}`, "Idempotency-Key", "k1").is(201)
	two := ana.do("POST", "photos", `{"caption":"a"}`, "Idempotency-Key", "k1").is(201)
	if one.body != two.body || two.header.Get("Idempotency-Replayed") != "true" || one.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("%s %s", one.body, two.body)
	}
	ana.do("POST", "photos", `{"caption":"b"}`, "Idempotency-Key", "k1").is(422).because("store.key_reused")
	ana.do("POST", "photos", `{"caption":"b"}`, "Idempotency-Key", strings.Repeat("k", 256)).is(400)
	ana.do("POST", "photos", `{"caption":"b"}`, "Idempotency-Key", "a b").is(400)
	if n := ana.do("GET", "photos", "").len("photos"); n != 1 {
		t.Errorf("%d photos", n)
	}
}

func TestRest_RulesSeeTheInputAsItWillBeStored(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	id := s.do("POST", "mails", `{"mail":"Bo@X.org"}`).is(201).has(`"mail":"bo@x.org"`).text("id")
	s.do("PATCH", "mails/"+id, `{"mail":"ADMIN@x.org"}`).is(403)
	s.do("POST", "batch", `{"ops":[{"op":"update","collection":"mails","id":"`+id+`","data":{"mail":"Admin@x.org"}}]}`).is(403)
	s.do("PATCH", "mails/"+id, `{"mail":"Ana@x.org"}`).is(200).has(`"mail":"ana@x.org"`)
	s.do("PATCH", "mails/"+id, `{"mail":"nobody"}`).is(400).because("schema.invalid")
}

func TestRest_AddsMeetBounds(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	id := s.do("POST", "things", `{"int":9223372036854775807}`).is(201).text("id")
	if r := s.do("PATCH", "things/"+id, `{"int":{"$add":1}}`); r.status < 400 || r.status >= 500 {
		t.Errorf("%d %s", r.status, r.body)
	}
	s.do("PATCH", "things/"+id, `{"float":{"$add":1e308}}`).is(200)
	if r := s.do("PATCH", "things/"+id, `{"float":{"$add":1e308}}`); r.status >= 500 {
		t.Errorf("%d %s", r.status, r.body)
	}
	s.do("GET", "things/"+id, "").is(200)
	s.do("GET", "things?filter=float%3E1", "").is(200)
	if r := s.do("GET", "things:aggregate?select=sum(int),sum(float),avg(float)", ""); r.status >= 500 {
		t.Errorf("%d %s", r.status, r.body)
	}
	s.do("POST", "things", `{"int":9223372036854775807}`).is(201)
	if r := s.do("GET", "things:aggregate?select=sum(int)", ""); r.status >= 500 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestRest_JourneyHasEveryStation(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	id := ana.photo(`{"caption":"a"}`)
	ana.do("GET", "photos/"+id, "").is(200)
	ana.do("GET", "photos/"+id+"?x=1", "").is(400)
	h.stranger().do("POST", "photos", `{}`).is(401)
	seen := map[string]bool{}
	for _, j := range h.journeys.Select(trace.Filter{}, 10) {
		for _, hop := range j.Hops {
			seen[hop.Layer.String()+" "+hop.Verdict.String()+" "+hop.Reason.Code()] = true
		}
		if j.Route == "" {
			t.Errorf("no route: %+v", j)
		}
	}
	for _, want := range []string{"auth cached ", "access ok ", "schema ok ", "pool ok ", "sql ok ", "commit ok ", "app deny request.unknown_parameter", "access deny auth.missing"} {
		if !seen[want] {
			t.Errorf("no hop %q in %v", want, seen)
		}
	}
}
