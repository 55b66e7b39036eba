package socket_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/roundtrip-dev/roundtrip"
)

func TestWebSocket_InboxOfTheAccount(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo, cy := h.person("ana"), h.person("bob"), h.person("cyd")
	photo := ana.make("photos", `{}`)
	s, stranger := ana.open(), h.stranger().open()
	if v := stranger.subscribe("inbox"); v["error"].(map[string]any)["reason"] != "auth.missing" {
		t.Errorf("a stranger's inbox: %v", v)
	}
	if v := s.subscribe("inbox"); v["unread"] != 0.0 || v["snapshot"] == nil {
		t.Fatalf("%v", v)
	}
	like := bo.make("likes", `{"photo":"`+photo+`"}`)
	v := s.next()
	put := v["changes"].([]any)[0].(map[string]any)["put"].(map[string]any)
	if v["unread"] != 1.0 || put["text"] != "bob liked your photo" {
		t.Fatalf("a like: %v", v)
	}
	before := v["cursor"].(string)
	s.say(`{"ack":` + quote(before) + `}`)
	s.conn.Close()
	cy.make("likes", `{"photo":"`+photo+`"}`)
	bo.remove("likes/" + like)
	again := ana.open()
	v = again.subscribe("inbox", before)
	put = v["changes"].([]any)[0].(map[string]any)["put"].(map[string]any)
	if put["text"] != "cyd liked your photo" || put["count"] != 1.0 || v["unread"] != 1.0 {
		t.Fatalf("resumed: %v", v)
	}
	if status, body := ana.do("POST", "inbox/read", `{"all":true}`); status != 200 {
		t.Fatalf("%d %v", status, body)
	}
	if v = again.next(); v["unread"] != 0.0 {
		t.Fatalf("read elsewhere: %v", v)
	}
}

// What a page has shown needs no push, also when the page is closed before the push is due.
func TestHub_KnowsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bob")
	bo.make("likes", `{"photo":"`+ana.make("photos", `{}`)+`"}`)
	s := ana.open()
	cursor := s.subscribe("inbox")["cursor"].(string)
	s.say(`{"ack":` + quote(cursor) + `}`)
	s.say(`{"id":3,"ping":true}`)
	s.next()
	id, _ := roundtrip.ParseID(ana.id)
	_, position, _ := strings.Cut(cursor, "-")
	known := func(when string) {
		if got := fmt.Sprint(h.hub.Acked(id)); got != position || got == "0" {
			t.Errorf("%s: acknowledged %s, known %s", when, cursor, got)
		}
	}
	known("at once")
	if err := wsutil.WriteClientMessage(s.conn, ws.OpClose, ws.NewCloseFrameBody(1000, "")); err != nil {
		t.Fatal(err)
	}
	<-s.over
	known("when the page is closed")
}

// A reload keeps who watches: what they may see is decided anew. Who watches what is no more is told to come back.
func TestWebSocket_AReloadDecidesAnew(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	open := ana.make("photos", `{"caption":"open"}`)
	ana.make("photos", `{"caption":"none"}`)
	s, gone := h.stranger().open(), ana.open()
	if v := s.subscribe("photos"); len(ids(v["snapshot"])) != 2 {
		t.Fatalf("%v", v)
	}
	gone.subscribe("photos?filter=level > 0")
	source, err := os.ReadFile("testdata/roundtrip.yaml")
	must(t, err)
	text := strings.Replace(string(source), "read: '!record.private ||", `read: 'record.caption == "open" ||`, 1)
	text = strings.Replace(text, "      private: { type: bool, default: false }\n      level: { type: int, default: 0 }\n", "      private: { type: bool, default: false }\n      rank: { type: int, default: 0, was: level }\n", 1)
	h.enter(text)
	v := s.next()
	if v["reset"] != "rule" || len(ids(v["snapshot"])) != 1 || ids(v["snapshot"])[0] != open {
		t.Fatalf("after the reload: %v", v)
	}
	if code := gone.closed(); code != 4101 {
		t.Errorf("closed with %d", code)
	}
	next := ana.make("photos", `{"caption":"open"}`)
	if v = s.next(); changes(v) != "+"+next {
		t.Fatalf("later: %v", v)
	}
}
