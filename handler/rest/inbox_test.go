package rest_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestInbox_LikesAreOneEntry(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	ana.do("GET", "inbox", "").is(200).has(`{"notifications":[],"unread":0,"unseen":0,"seq":0,"read_through":0,"seen_through":0,"cursor":"`)
	photo := ana.photo(`{"caption":"boats"}`)
	var likes []string
	for _, name := range []string{"abe", "bo", "cy", "di", "eve"} {
		likes = append(likes, h.person(name).do("POST", "likes", `{"photo":"`+photo+`"}`).is(201).text("id"))
	}
	ana.do("POST", "likes", `{"photo":"`+photo+`"}`).is(201)
	page := ana.do("GET", "inbox", "").is(200)
	page.has(`"kind":"liked"`, `"count":5`, `"text":"eve, di and 3 others liked your photo boats"`, `"group":"`+photo+`"`,
		`"collection":"likes","record":"`+likes[4]+`"`, `"unread":1,"unseen":1,"seq":5`, `"read":false`, `"bumped":5`)
	if page.len("notifications", 0, "actors") != 3 || page.text("notifications", 0, "actors", 0, "handle") != "eve" {
		t.Fatal(page.body)
	}
	if page.header.Get("Cache-Control") != "no-store" {
		t.Fatal(page.header)
	}
	h.person("zoe").do("GET", "inbox", "").is(200).has(`{"notifications":[]`)
}

func TestInbox_PollsFromACursor(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo")
	photo := ana.photo(`{}`)
	first := ana.do("GET", "inbox?cursor=", "").is(200).has(`{"topic":"inbox","snapshot":[],"unread":0`)
	like := bo.do("POST", "likes", `{"photo":"`+photo+`"}`).is(201).text("id")
	second := ana.do("GET", "inbox?cursor="+first.text("cursor"), "").is(200).has(`{"topic":"inbox","changes":[{"put":{`, `"text":"bo liked your photo "`, `"unread":1`)
	bo.do("DELETE", "likes/"+like, "").is(204)
	ana.do("GET", "inbox?cursor="+second.text("cursor"), "").is(200).
		has(`"changes":[{"removed":"` + second.text("changes", 0, "put", "id") + `"}],"unread":0`)
	epoch, _, _ := strings.Cut(second.text("cursor"), "-")
	ana.do("GET", "inbox?cursor=00000000-1", "").is(200).has(`"snapshot":[]`, `"reset":"epoch"`)
	ana.do("GET", "inbox?cursor="+epoch+"-99999", "").is(200).has(`"snapshot":[]`, `"reset":"epoch"`)
	ana.do("GET", "inbox?cursor=nonsense", "").is(400).because("request.invalid").has(`"parameter":"cursor"`)
}

func TestInbox_Marks(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo")
	one, two := ana.photo(`{}`), ana.photo(`{}`)
	bo.do("POST", "likes", `{"photo":"`+one+`"}`).is(201)
	bo.do("POST", "likes", `{"photo":"`+two+`"}`).is(201)
	id := ana.do("GET", "inbox", "").text("notifications", 0, "id")
	for _, step := range []struct{ path, body, want string }{
		{"inbox/seen", `{"through":0}`, `{"unread":2,"unseen":2,"seq":2,"read_through":0,"seen_through":0}`}, // of an inbox that was empty when it was opened
		{"inbox/seen", `{"through":1}`, `{"unread":2,"unseen":1,"seq":3,"read_through":0,"seen_through":1}`},
		{"inbox/seen", `{}`, `{"unread":2,"unseen":0,"seq":4,"read_through":0,"seen_through":4}`},
		{"inbox/read", `{"ids":["` + id + `"]}`, `{"unread":1,"unseen":0,"seq":5,"read_through":0,"seen_through":4}`},
		{"inbox/read", `{"all":true}`, `{"unread":0,"unseen":0,"seq":6,"read_through":6,"seen_through":6}`},
	} {
		if got := ana.do("POST", step.path, step.body).is(200).body; got != step.want {
			t.Fatalf("%s %s: %s, want %s", step.path, step.body, got, step.want)
		}
	}
	ana.do("GET", "inbox", "").hasNot(`"read":false`)
}

func TestInbox_Pages(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	for _, name := range []string{"abe", "bob", "cyd"} {
		h.person(name).do("POST", "follows", `{"followee":"`+ana.id+`"}`).is(201)
	}
	page := ana.do("GET", "inbox?page_size=2", "").is(200).has("cyd started", "bob started").hasNot("abe started")
	page = ana.do("GET", "inbox?page_size=2&page_token="+page.text("next_page_token"), "").is(200).has("abe started").hasNot("bob started")
	page.hasNot("next_page_token")
}

func TestInbox_Preferences(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo")
	const all = `{"liked":{"inbox":true,"push":true},"followed":{"inbox":true}}`
	if got := ana.do("GET", "inbox/preferences", "").is(200).body; got != all {
		t.Fatal(got)
	}
	got := ana.do("PATCH", "inbox/preferences", `{"liked":{"push":false},"followed":{"inbox":false}}`).is(200).body
	if want := `{"liked":{"inbox":true,"push":false},"followed":{"inbox":false}}`; got != want || ana.do("GET", "inbox/preferences", "").body != want {
		t.Fatal(got)
	}
	bo.do("POST", "follows", `{"followee":"`+ana.id+`"}`).is(201)
	ana.do("GET", "inbox", "").is(200).has(`{"notifications":[],"unread":0`)
	ana.do("PATCH", "inbox/preferences", `{"likd":{"push":false},"followed":{"emial":true},"liked":7}`).is(400).
		has(`"pointer":"/liked"`, `an object of channels is expected`)
	ana.do("PATCH", "inbox/preferences", `{"likd":{"push":false},"followed":{"email":true}}`).is(400).
		has(`"pointer":"/likd"`, "did you mean liked?", `"pointer":"/followed/email"`)
}

func TestInbox_Refuses(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, stranger := h.person("ana"), h.stranger()
	for _, c := range []struct {
		method, path, body string
		status             int
		reason, word       string
	}{
		{"GET", "inbox?page_siz=3", "", 400, "request.unknown_parameter", "did you mean page_size?"},
		{"GET", "inbox?page_size=0", "", 400, "request.invalid", "1 to 200"},
		{"GET", "inbox?page_size=500", "", 400, "request.invalid", "1 to 200"},
		{"GET", "inbox?page_token=x", "", 400, "request.page_token", "page_token"},
		{"GET", "inbox?cursor=a-1&page_size=2", "", 400, "request.invalid", "stands alone"},
		{"GET", "inbox/sean", "", 404, "request.unknown_path", "did you mean inbox/seen?"},
		{"DELETE", "inbox", "", 405, "route.method_not_allowed", "GET, HEAD"},
		{"POST", "inbox/read", `{}`, 400, "request.invalid", "ids or all"},
		{"POST", "inbox/read", `{"ids":["x"]}`, 400, "request.invalid", "an id is"},
		{"POST", "inbox/read", `{"ids":7}`, 400, "request.invalid", "an array of ids"},
		{"POST", "inbox/read", `{"al":true}`, 400, "request.invalid", "did you mean"},
		{"POST", "inbox/read", `{"all":`, 400, "request.json", "ends too early"},
		{"POST", "inbox/seen", `{"through":"x"}`, 400, "request.invalid", "a number of the inbox"},
		{"POST", "inbox/seen?x=1", `{}`, 400, "request.unknown_parameter", "x"},
	} {
		ana.do(c.method, c.path, c.body).is(c.status).because(c.reason).has(c.word)
	}
	for _, path := range []string{"inbox", "inbox/preferences"} {
		stranger.do("GET", path, "").is(401).because("auth.missing")
	}
	stranger.do("POST", "inbox/read", `{"all":true}`).is(401).because("auth.missing")
	stranger.do("PATCH", "inbox/preferences", `{}`).is(401).because("auth.missing")
}

func FuzzInbox_Bodies(f *testing.F) {
	for _, seed := range []string{`{}`, `{"ids":["0am5terb80001"]}`, `{"all":true}`, `{"through":3}`, `{"liked":{"push":false}}`, `{"liked":`, `[`, `{"a":{"b":[{}]}}`} {
		f.Add(seed)
	}
	h := openHouse(f)
	ana := h.person("ana")
	f.Fuzz(func(t *testing.T, body string) {
		if body == "" {
			return
		}
		here := *h
		here.t = t
		ana := &person{h: &here, token: ana.token}
		for _, path := range []string{"POST inbox/seen", "POST inbox/read", "PATCH inbox/preferences"} {
			method, path, _ := strings.Cut(path, " ")
			r := ana.do(method, path, body)
			if r.status >= 500 || !json.Valid([]byte(r.body)) {
				t.Fatalf("%s %q: %d %s", path, body, r.status, r.body)
			}
		}
	})
}
