package socket_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestChannel_WhoIsThereAndWhatTheySay(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bob")
	topic := "channel/photo/" + ana.make("photos", `{}`)
	a, b, stranger := ana.open(), bo.open(), h.stranger().open()
	if v := a.subscribe(topic); fmt.Sprint(v["presence"]) != fmt.Sprintf("[map[handle:ana id:%s]]", ana.id) {
		t.Fatalf("the first one: %v", v)
	}
	if v := b.subscribe(topic); len(v["presence"].([]any)) != 2 {
		t.Fatalf("the second one: %v", v)
	}
	if v := a.next(); v["topic"] != topic || v["joined"].(map[string]any)["handle"] != "bob" {
		t.Fatalf("somebody came: %v", v)
	}
	again := bo.open()
	again.subscribe(topic) // the same account is there already
	if v := stranger.subscribe(topic); len(v["presence"].([]any)) != 2 {
		t.Fatalf("a stranger is told: %v", v)
	}
	b.say(`{"id":9,"send":` + quote(topic) + `,"data":{"typing":true}}`)
	if v := b.next(); v["ok"] != true || v["id"] != 9.0 {
		t.Fatalf("sent: %v", v)
	}
	for _, s := range []*stream{a, again, stranger} {
		v := s.next()
		if v["from"].(map[string]any)["id"] != bo.id || v["data"].(map[string]any)["typing"] != true {
			t.Fatalf("heard: %v", v)
		}
	}
	stranger.say(`{"id":2,"send":` + quote(topic) + `,"data":1}`)
	if v := stranger.next(); v["error"].(map[string]any)["reason"] != "auth.missing" || v["error"].(map[string]any)["journey"] == nil {
		t.Errorf("a stranger sends: %v", v)
	}
	b.say(`{"id":10,"send":` + quote(topic) + `,"data":"` + strings.Repeat("x", 17<<10) + `"}`)
	if v := b.next(); v["error"].(map[string]any)["reason"] != "request.body_too_large" {
		t.Errorf("too much: %v", v)
	}
	b.say(`{"id":11,"unsubscribe":` + quote(topic) + `}`)
	b.next()
	b.say(`{"id":12,"send":` + quote(topic) + `,"data":1}`)
	if v := b.next(); v["error"].(map[string]any)["reason"] != "stream.not_subscribed" {
		t.Errorf("from outside: %v", v)
	}
	again.conn.Close()
	if v := a.next(); v["left"].(map[string]any)["handle"] != "bob" {
		t.Errorf("the last of them left: %v", v)
	}
}

func TestChannel_RulesDecideWhoJoins(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bob")
	secret := ana.make("photos", `{"private":true}`)
	s, owner := bo.open(), ana.open()
	for topic, reason := range map[string]string{
		"channel/photo/" + secret: "store.missing", "channel/photo/nothing": "store.missing", "channel/photo": "request.invalid",
		"channel/none/x": "request.unknown_path", "channel/staff/x": "access.rule_denied", "channel/lobby/" + strings.Repeat("x", 129): "request.invalid",
	} {
		if v := s.subscribe(topic); v["error"] == nil || v["error"].(map[string]any)["reason"] != reason {
			t.Errorf("%s: %v", topic, v)
		}
	}
	if v := s.subscribe("channel/lobby/any thing"); v["error"] != nil || v["presence"] != nil {
		t.Errorf("a free key: %v", v)
	}
	if v := owner.subscribe("channel/photo/" + secret); v["error"] != nil {
		t.Errorf("the owner: %v", v)
	}
}

// Who was there as a stranger and then says who they are is there as that account.
func TestChannel_AStrangerSignsIn(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bob")
	topic := "channel/photo/" + ana.make("photos", `{}`)
	a, s := ana.open(), h.stranger().open()
	a.subscribe(topic)
	s.subscribe(topic)
	s.say(`{"id":2,"auth":` + quote(bo.token) + `}`)
	if v := s.next(); v["ok"] != true {
		t.Fatalf("%v", v)
	}
	if v := a.next(); v["joined"] == nil || v["joined"].(map[string]any)["id"] != bo.id {
		t.Fatalf("nobody came: %v", v)
	}
	s.say(`{"id":3,"send":` + quote(topic) + `,"data":1}`)
	s.next()
	if v := a.next(); v["from"] == nil || v["from"].(map[string]any)["id"] != bo.id {
		t.Errorf("who says it: %v", v)
	}
	s.conn.Close()
	if v := a.next(); v["left"] == nil {
		t.Errorf("nobody left: %v", v)
	}
}

func TestChannel_ADeclarationPutsPeopleOut(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.person("ana").open()
	s.subscribe("channel/lobby/x")
	source, err := os.ReadFile("testdata/roundtrip.yaml")
	must(t, err)
	h.enter(strings.Replace(string(source), "lobby: { join: 'true'", `lobby: { join: '"moderator" in auth.roles'`, 1))
	if v := s.next(); v["topic"] != "channel/lobby/x" || v["error"] == nil {
		t.Errorf("%v", v)
	}
}
