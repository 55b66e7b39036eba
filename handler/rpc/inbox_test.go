package rpc_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"connectrpc.com/connect"
)

// likes lets people like a photo of ana's.
func (p *person) likes(photo string, names ...string) {
	p.h.t.Helper()
	for _, name := range names {
		p.h.person(name).rest("POST", "likes", `{"photo":"`+photo+`"}`).is(201)
	}
}

// photo makes a photo and returns its id.
func (p *person) photo(caption string) string {
	p.h.t.Helper()
	var v map[string]any
	id, _ := p.rest("POST", "photos", `{"caption":"`+caption+`"}`).is(201).value(&v)["id"].(string)
	return id
}

// TestInbox_IsRESTsInbox compares a page member by member.
func TestInbox_IsRESTsInbox(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	if empty := ana.call(dialects()[0], "Inbox/List", `{}`).ok(); empty.at("notifications") != nil || empty.text("cursor") == "" {
		t.Fatal(empty.json())
	}
	ana.likes(ana.photo(`say \"hi\"`), "abe", "bob", "cyd", "dea")
	h.person("eve").rest("POST", "follows", `{"followee":"`+ana.id+`"}`).is(201)
	var want map[string]any
	ana.rest("GET", "inbox", "").is(200).value(&want)
	everyDialect(t, func(t *testing.T, d dialect) {
		h := h.in(t)
		ana := &person{h: h, token: ana.token}
		page := ana.call(d, "Inbox/List", `{}`).ok()
		if page.text("cursor") != want["cursor"] || page.at("next_page_token") != nil || page.header.Get("Cache-Control") != "no-store" {
			t.Fatal(page.json(), page.header)
		}
		for _, name := range []string{"unread", "unseen", "seq", "read_through", "seen_through"} {
			sameNumber(t, name, page.at("numbers", name), want[name])
		}
		list, _ := want["notifications"].([]any)
		if len(list) != 2 {
			t.Fatal(want)
		}
		for i, n := range list {
			n, _ := n.(map[string]any)
			for name, v := range n {
				got := page.at("notifications", i, name)
				switch v := v.(type) {
				case float64:
					sameNumber(t, name, got, v)
				case bool:
					if got != v && (v || got != nil) {
						t.Fatalf("%s is %v, at REST %v", name, got, v)
					}
				case []any: // the actors
					for j, a := range v {
						a, _ := a.(map[string]any)
						if page.text("notifications", i, name, j, "id") != a["id"] || page.text("notifications", i, name, j, "names", "handle") != a["handle"] {
							t.Fatal(page.json())
						}
					}
				default:
					if got != v {
						t.Fatalf("%s is %v, at REST %v", name, got, v)
					}
				}
			}
		}
		first := ana.call(d, "Inbox/List", `{"page_size":1}`).ok()
		if len(first.at("notifications").([]any)) != 1 || first.text("next_page_token") == "" {
			t.Fatal(first.json())
		}
		second := ana.call(d, "Inbox/List", `{"page_size":1,"page_token":"`+first.text("next_page_token")+`"}`).ok()
		if second.text("notifications", 0, "kind") != "liked" || second.at("next_page_token") != nil {
			t.Fatal(second.json())
		}
	})
}

// sameNumber compares an int64 of ProtoJSON, which is a text, with a number of REST. Zero is left out.
func sameNumber(t *testing.T, name string, got, want any) {
	t.Helper()
	if got == nil {
		got = "0"
	}
	if got != fmt.Sprint(want) {
		t.Fatalf("%s is %v, at REST %v", name, got, want)
	}
}

func TestInbox_Marks(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	for i, d := range dialects() {
		ana := h.person(fmt.Sprint("ana", i))
		ana.likes(ana.photo("one"), fmt.Sprint("abe", i))
		ana.likes(ana.photo("two"), fmt.Sprint("bob", i))
		id := ana.call(d, "Inbox/List", `{}`).ok().text("notifications", 0, "id")
		for _, step := range []struct{ path, body, want string }{
			{"Inbox/MarkSeen", `{"through":"0"}`, `{"unread":"2","unseen":"2","seq":"2"}`}, // of an inbox that was empty when it was opened
			{"Inbox/MarkSeen", `{"through":"1"}`, `{"unread":"2","unseen":"1","seq":"3","seen_through":"1"}`},
			{"Inbox/MarkSeen", `{}`, `{"unread":"2","seq":"4","seen_through":"4"}`},
			{"Inbox/MarkRead", `{"ids":["` + id + `"]}`, `{"unread":"1","seq":"5","seen_through":"4"}`},
			{"Inbox/MarkRead", `{"all":true}`, `{"seq":"6","read_through":"6","seen_through":"6"}`},
		} {
			got := ana.call(d, step.path, step.body).ok()
			var have, want map[string]any
			must(t, json.Unmarshal([]byte(got.json()), &have))
			must(t, json.Unmarshal([]byte(step.want), &want))
			if !reflect.DeepEqual(have, want) {
				t.Fatalf("%s: %s %s: %s, want %s", d.name, step.path, step.body, got.json(), step.want)
			}
		}
	}
}

func TestInbox_Preferences(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	for i, d := range dialects() {
		ana := h.person(fmt.Sprint("ana", i))
		for _, step := range [][2]string{
			{`{}`, `{"kinds":{"liked":{"channels":{"inbox":true,"push":true}},"followed":{"channels":{"inbox":true}}}}`},
			{`{"kinds":{"liked":{"channels":{"push":false}},"followed":{}}}`, `{"kinds":{"liked":{"channels":{"inbox":true,"push":false}},"followed":{"channels":{"inbox":true}}}}`},
			{`{"kinds":{"followed":{"channels":{"inbox":false}}}}`, `{"kinds":{"liked":{"channels":{"inbox":true,"push":false}},"followed":{"channels":{"inbox":false}}}}`},
		} {
			set := ana.call(d, "Inbox/SetPreferences", step[0]).ok()
			var have, want, rest map[string]any
			must(t, json.Unmarshal([]byte(set.json()), &have))
			must(t, json.Unmarshal([]byte(step[1]), &want))
			if !reflect.DeepEqual(have, want) || ana.call(d, "Inbox/GetPreferences", `{}`).ok().json() == "" {
				t.Fatalf("%s: %s: %s", d.name, step[0], set.json())
			}
			must(t, json.Unmarshal([]byte(ana.call(d, "Inbox/GetPreferences", `{}`).ok().json()), &have))
			if !reflect.DeepEqual(have, want) {
				t.Fatal(have)
			}
			for kind, channels := range ana.rest("GET", "inbox/preferences", "").is(200).value(&rest) {
				if !reflect.DeepEqual(channels, have["kinds"].(map[string]any)[kind].(map[string]any)["channels"]) {
					t.Fatal(rest, have)
				}
			}
		}
		wrong := ana.call(d, "Inbox/SetPreferences", `{"kinds":{"likd":{"channels":{"push":false}},"followed":{"channels":{"email":true}}}}`)
		wrong.likeREST(ana.rest("PATCH", "inbox/preferences", `{"likd":{"push":false},"followed":{"email":true}}`))
		if !strings.Contains(fmt.Sprint(wrong.details()), "did you mean liked?") {
			t.Fatal(wrong.details())
		}
	}
}

func TestInbox_RefusesAsREST(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	everyDialect(t, func(t *testing.T, d dialect) {
		h := h.in(t)
		ana, stranger := &person{h: h, token: ana.token}, h.stranger()
		for _, c := range [][5]string{
			{"Inbox/List", `{"page_size":500}`, "GET", "inbox?page_size=500", ""},
			{"Inbox/List", `{"page_token":"x"}`, "GET", "inbox?page_token=x", ""},
			{"Inbox/MarkRead", `{}`, "POST", "inbox/read", `{}`},
			{"Inbox/MarkRead", `{"ids":["x"]}`, "POST", "inbox/read", `{"ids":["x"]}`},
			{"Inbox/MarkRead", `{"ids":["0am5terb80001"],"all":true}`, "POST", "inbox/read", `{"ids":["0am5terb80001"],"all":true}`},
			{"Inbox/MarkRead", `{"ids":[` + strings.Repeat(`"0am5terb80001",`, 200) + `"0am5terb80001"]}`, "POST", "inbox/read", `{"ids":[` + strings.Repeat(`"0am5terb80001",`, 200) + `"0am5terb80001"]}`},
			{"Inbox/MarkSeen", `{"through":"-1"}`, "POST", "inbox/seen", `{"through":-1}`},
		} {
			ana.call(d, c[0], c[1]).likeREST(ana.rest(c[2], c[3], c[4]))
		}
		for _, c := range [][5]string{
			{"Inbox/List", `{}`, "GET", "inbox", ""},
			{"Inbox/MarkSeen", `{}`, "POST", "inbox/seen", `{}`},
			{"Inbox/MarkRead", `{"all":true}`, "POST", "inbox/read", `{"all":true}`},
			{"Inbox/GetPreferences", `{}`, "GET", "inbox/preferences", ""},
			{"Inbox/SetPreferences", `{}`, "PATCH", "inbox/preferences", `{}`},
		} {
			stranger.call(d, c[0], c[1]).likeREST(stranger.rest(c[2], c[3], c[4]))
		}
		ana.call(d, "Inbox/List", `{"page_size":-1}`).is(connect.CodeInvalidArgument, "request.invalid")
	})
}
