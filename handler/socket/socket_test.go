package socket_test

import (
	"fmt"
	"testing"
)

func ids(v any) []string {
	var list []string
	for _, r := range v.([]any) {
		list = append(list, r.(map[string]any)["id"].(string))
	}
	return list
}

// changes writes the changes of a message as +ID and -ID.
func changes(v map[string]any) string {
	text := ""
	list, _ := v["changes"].([]any)
	for _, c := range list {
		m := c.(map[string]any)
		if put, ok := m["put"].(map[string]any); ok {
			text += "+" + put["id"].(string)
		} else {
			text += "-" + m["removed"].(string)
		}
	}
	return text
}

func TestWebSocket_SnapshotThenChanges(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo")
	first := ana.make("photos", `{"caption":"one"}`)
	s := bo.open()
	v := s.subscribe("photos?expand=author")
	if got := ids(v["snapshot"]); len(got) != 1 || got[0] != first {
		t.Fatalf("snapshot %v", v)
	}
	second := ana.make("photos", `{"caption":"two"}`)
	v = s.next()
	if got := changes(v); got != "+"+second {
		t.Fatalf("changes %v", v)
	}
	put := v["changes"].([]any)[0].(map[string]any)["put"].(map[string]any)
	if fmt.Sprint(put["expand"].(map[string]any)["author"].(map[string]any)["handle"]) != "ana" {
		t.Errorf("not expanded: %v", put)
	}
	bo.make("likes", `{"photo":"`+first+`"}`)
	if v = s.next(); changes(v) != "+"+first {
		t.Fatalf("a like shows no count: %v", v)
	}
	ana.patch("photos/"+first, `{"private":true}`)
	if v = s.next(); changes(v) != "-"+first {
		t.Fatalf("a photo that became private: %v", v)
	}
	ana.patch("photos/"+first, `{"caption":"secret"}`)
	ana.remove("photos/" + second)
	if v = s.next(); changes(v) != "-"+second {
		t.Fatalf("a deleted photo: %v", v)
	}
}

func TestWebSocket_FollowOpensAndUnfollowCloses(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo")
	secret := ana.make("photos", `{"caption":"secret","private":true}`)
	said := ana.make("comments", `{"photo":"`+secret+`","text":"mine"}`)
	s, other := bo.open(), h.stranger().open()
	for _, x := range []*stream{s, other} {
		x.subscribe("photos")
		x.subscribe("comments?photo=" + secret)
	}
	follow := bo.make("follows", `{"followee":"`+ana.id+`"}`)
	got := map[any]string{}
	for range 2 {
		v := s.next()
		got[v["topic"]] = changes(v)
	}
	if got["photos"] != "+"+secret || got["comments?photo="+secret] != "+"+said {
		t.Fatalf("after a follow: %v", got)
	}
	bo.remove("follows/" + follow)
	for range 2 {
		v := s.next()
		got[v["topic"]] = changes(v)
	}
	if got["photos"] != "-"+secret || got["comments?photo="+secret] != "-"+said {
		t.Fatalf("after an unfollow: %v", got)
	}
	open := ana.make("photos", `{"caption":"open"}`)
	if v := other.next(); changes(v) != "+"+open {
		t.Errorf("a stranger saw of it: %v", v)
	}
}

func TestWebSocket_ResumesWithACursor(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	one, two := ana.make("photos", `{"caption":"one"}`), ana.make("photos", `{"caption":"two"}`)
	s := h.stranger().open()
	cursor := s.subscribe("photos")["cursor"].(string)
	s.conn.Close()
	three := ana.make("photos", `{"caption":"three"}`)
	four := ana.make("photos", `{"caption":"four","private":true}`)
	ana.patch("photos/"+one, `{"caption":"uno"}`)
	ana.remove("photos/" + two)
	_ = four
	again := h.stranger().open()
	v := again.subscribe("photos", cursor)
	if got := changes(v); got != "+"+three+"+"+one+"-"+two {
		t.Fatalf("resumed with %v", v)
	}
	if v = again.subscribe("comments", "zzzzzzzz-1"); v["reset"] != "epoch" || v["snapshot"] == nil {
		t.Errorf("another epoch: %v", v)
	}
	if v = again.subscribe("likes", cursor[:len(cursor)-1]+"99999"); v["reset"] != "epoch" {
		t.Errorf("a cursor ahead of us: %v", v)
	}
	if v = again.subscribe("users", "nonsense"); v["error"] == nil {
		t.Errorf("no cursor: %v", v)
	}
}

func TestWebSocket_SessionsThatEndCloseTheirStreams(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	s := ana.open()
	s.subscribe("photos")
	if status, v := ana.do("POST", "auth/sign-out", ""); status != 204 {
		t.Fatalf("sign out: %d %v", status, v)
	}
	if code := s.closed(); code != 4401 {
		t.Errorf("closed with %d", code)
	}
	late := h.stranger().open()
	late.say(`{"id":7,"auth":` + quote(ana.token) + `}`)
	if v := late.next(); v["error"] == nil || v["id"] != 7.0 {
		t.Errorf("an ended session signs in: %v", v)
	}
	if code := late.closed(); code != 4401 {
		t.Errorf("closed with %d", code)
	}
}

// Where more is to be seen than is remembered, a rule that looks at others means a snapshot: but only for those whom the
// change concerns.
func TestWebSocket_OnlyThoseConcernedAreResetByARule(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo, cy := h.person("ana"), h.person("bob"), h.person("cyd")
	secret := ana.make("photos", `{"private":true}`)
	for range 21 {
		ops := ""
		for range 10 {
			ops += `,{"op":"create","collection":"photos","data":{}}`
		}
		if status, v := ana.do("POST", "batch", `{"ops":[`+ops[1:]+`]}`); status != 200 {
			t.Fatalf("batch: %d %v", status, v)
		}
	}
	s := bo.open()
	s.subscribe("photos?order_by=id")
	told := cy.open()
	told.subscribe("follows")
	undo := cy.make("follows", `{"followee":"`+ana.id+`"}`)
	told.next() // else both are one window, in which somebody might have been shown something by it
	cy.remove("follows/" + undo)
	told.next()
	open := ana.make("photos", `{}`)
	if v := s.next(); changes(v) != "+"+open {
		t.Fatalf("somebody else's follow is told: %v", v)
	}
	follow := bo.make("follows", `{"followee":"`+ana.id+`"}`)
	v := s.next()
	if v["reset"] != "rule" || ids(v["snapshot"])[0] != secret {
		t.Fatalf("the own follow: %v", v)
	}
	bo.remove("follows/" + follow)
	if v = s.next(); v["reset"] != "rule" || ids(v["snapshot"])[0] == secret {
		t.Fatalf("the own unfollow: %v", v)
	}
}
