package rpc_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc/codes"
)

const channels = `
channels:
  photo: { of: photos, send: 'auth.id != null', presence: true }
  lobby: { join: 'true', send: 'auth.id != null' }
`

// openChannels opens a house with channels.
func openChannels(t *testing.T) *house {
	t.Helper()
	h := openHouse(t)
	h.enter(declaration(t) + channels)
	return h
}

// One call carries many topics; what is asked for is answered with its number.
func TestLive_Verbs(t *testing.T) {
	t.Parallel()
	h := openChannels(t)
	ana := h.person("ana").phone()
	photo := ana.post("photos", `{"caption":"one"}`)
	w := h.stranger().phone().open("Live/Open", "")
	ask := func(request string) map[string]any {
		t.Helper()
		w.say(request)
		return w.next()
	}
	if v := ask(`{"id":1,"ping":true}`); v["id"] != "1" || v["ok"] != true {
		t.Errorf("a ping is answered with %v", v)
	}
	if v := ask(`{"id":2,"subscribe":{"topic":"inbox"}}`); v["id"] != "2" || v["topic"] != "inbox" || at(v, "error", "code") != "unauthenticated" || at(v, "error", "reason") != "auth.missing" || at(v, "error", "journey") == nil {
		t.Errorf("a stranger's inbox is answered with %v", v)
	}
	if v := ask(`{"id":3,"auth":"` + ana.token + `"}`); v["id"] != "3" || v["ok"] != true {
		t.Errorf("a token is answered with %v", v)
	}
	if v := ask(`{"id":4,"subscribe":{"topic":"photos?expand=author"}}`); v["id"] != "4" || v["topic"] != "photos?expand=author" || v["resume_token"] == nil ||
		at(v, "snapshot", "records", 0, "photos", "id") != photo || at(v, "snapshot", "records", 0, "photos", "expand", "author", "handle") != "ana" {
		t.Errorf("a topic is answered with %v", v)
	}
	if v := ask(`{"id":5,"subscribe":{"topic":"photos?expand=author"}}`); at(v, "error", "reason") != "stream.subscribed" {
		t.Errorf("the same again is answered with %v", v)
	}
	if v := ask(`{"id":6,"subscribe":{"topic":"inbox"}}`); v["id"] != "6" || at(v, "inbox_snapshot", "numbers") == nil {
		t.Errorf("the inbox is answered with %v", v)
	}
	if v := ask(`{"id":7,"subscribe":{"topic":"nothing"}}`); at(v, "error", "code") != "not_found" {
		t.Errorf("a topic that is none is answered with %v", v)
	}

	bo := h.person("bo").phone()
	bo.post("likes", `{"photo":"`+photo+`"}`)
	var noted, counted map[string]any
	for noted == nil || counted == nil {
		switch v := w.next(); v["topic"] {
		case "inbox":
			noted = v
		case "photos?expand=author":
			counted = v
		}
	}
	note := at(noted, "inbox_changes", "changes", 0, "put")
	if at(note, "kind") != "liked" || at(note, "actors", 0, "id") != bo.id || at(note, "actors", 0, "names", "handle") != "bo" || at(noted, "inbox_changes", "numbers", "unread") != "1" {
		t.Errorf("the notification came as %v", noted)
	}
	if at(counted, "changes", "changes", 0, "put", "photos", "likes") != "1" {
		t.Errorf("the photo that was liked came as %v", counted)
	}
	token, _ := noted["resume_token"].(string)
	w.say(`{"ack":"` + token + `"}`)
	if v := ask(`{"id":8,"unsubscribe":"photos?expand=author"}`); v["id"] != "8" || v["ok"] != true {
		t.Errorf("unsubscribe is answered with %v", v)
	}
	if v := ask(`{"id":9,"unsubscribe":"photos?expand=author"}`); at(v, "error", "reason") != "stream.not_subscribed" {
		t.Errorf("unsubscribe again is answered with %v", v)
	}
	if h.hub.Acked(mustID(t, ana.id)) == 0 {
		t.Error("nothing was acknowledged")
	}
	w.quit()
}

func TestLive_Channels(t *testing.T) {
	t.Parallel()
	h := openChannels(t)
	ana, bo := h.person("ana").phone(), h.person("bo").phone()
	topic := "channel/photo/" + ana.post("photos", `{"caption":"one"}`)
	one := ana.open("Live/Open", "")
	one.say(`{"id":1,"subscribe":{"topic":"` + topic + `"}}`)
	if v := one.next(); at(v, "presence", "there", 0, "handle") != "ana" {
		t.Errorf("who is there came as %v", v)
	}
	two := bo.open("Live/Open", "")
	two.say(`{"id":1,"subscribe":{"topic":"` + topic + `"}}`)
	two.next()
	if v := one.next(); at(v, "joined", "handle") != "bo" {
		t.Errorf("who came, came as %v", v)
	}
	two.say(`{"id":2,"send":{"topic":"` + topic + `","data":{"text":"é","n":[1,null,true]}}}`)
	if v := two.next(); v["ok"] != true || v["id"] != "2" {
		t.Errorf("sending is answered with %v", v)
	}
	if v := one.next(); at(v, "sent", "from", "handle") != "bo" || at(v, "sent", "data", "text") != "é" || at(v, "sent", "data", "n", 2) != true {
		t.Errorf("what was sent came as %v", v)
	}
	two.say(`{"id":3,"send":{"topic":"` + topic + `","data":"` + strings.Repeat("x", 17<<10) + `"}}`)
	if v := two.next(); at(v, "error", "reason") != "request.body_too_large" {
		t.Errorf("too much is answered with %v", v)
	}
	two.cancel()
	if v := one.next(); at(v, "left", "handle") != "bo" {
		t.Errorf("who left, came as %v", v)
	}
	lobby := h.stranger().phone().open("Live/Open", "")
	lobby.say(`{"id":7,"subscribe":{"topic":"channel/lobby/a"}}`)
	if v := lobby.next(); v["ok"] != true || v["topic"] != "channel/lobby/a" {
		t.Errorf("a channel that does not tell who is there is answered with %v", v)
	}
	lobby.cancel()
	one.quit()
}

// What ends a WebSocket ends the call, with a status that says the same.
func TestLive_Closings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		say    func(w *flow)
		code   codes.Code
		reason string
	}{
		"nothing to do":             {func(w *flow) { w.say(`{"id":1}`) }, codes.InvalidArgument, "stream.message"},
		"a number below 0":          {func(w *flow) { w.say(`{"id":-1,"ping":true}`) }, codes.InvalidArgument, "stream.message"},
		"a subscription to nothing": {func(w *flow) { w.say(`{"id":1,"subscribe":{}}`) }, codes.InvalidArgument, "stream.message"},
		"a send of nothing":         {func(w *flow) { w.say(`{"id":1,"send":{"topic":"channel/lobby/a"}}`) }, codes.InvalidArgument, "stream.message"},
		"a token of nobody":         {func(w *flow) { w.say(`{"id":1,"auth":"rt_s_nobody"}`) }, codes.Unauthenticated, "auth.invalid"},
		"a message that is too long": {
			func(w *flow) { w.say(`{"id":1,"unsubscribe":"` + strings.Repeat("x", 64<<10) + `"}`) }, codes.ResourceExhausted,
			"stream.protocol",
		},
		"too many messages": {func(w *flow) {
			for w.s.SendMsg(w.phone.message(w.m.Input(), `{"ping":true}`)) == nil { // until it ends, however slow the machine is
			}
		}, codes.ResourceExhausted, "stream.messages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t)
			w := h.stranger().phone().open("Live/Open", "")
			c.say(w)
			s := w.ends(c.code, c.reason)
			if want := 30 * time.Second; c.reason == "stream.messages" && retryOf(s) != want {
				t.Errorf("it says to come back after %v", retryOf(s))
			}
			h.alone()
		})
	}
}

// An account may have so many streams, whatever door they came in by.
func TestLive_ConnectionsAreCounted(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana").phone()
	for range 20 {
		w := ana.open("Photos/Watch", `{}`)
		w.next()
	}
	isStatus(t, ana.open("Photos/Watch", `{}`).end(), codes.ResourceExhausted, "stream.connections")
	isStatus(t, ana.open("Live/Open", "").end(), codes.ResourceExhausted, "stream.connections")
	if code, _ := ana.viaREST("GET", "photos:watch", "", "Accept", "text/event-stream"); code != 429 {
		t.Errorf("REST opens another one: %d", code)
	}
}

// Who has said all keeps what was asked for; who asked for nothing is answered with OK.
func TestLive_HalfClose(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana").phone()
	w := ana.open("Live/Open", "")
	w.say(`{"id":1,"subscribe":{"topic":"photos"}}`)
	must(t, w.s.CloseSend())
	w.next()
	ana.post("photos", `{"caption":"one"}`)
	if v := w.next(); at(v, "changes", "changes", 0, "put", "photos", "caption") != "one" {
		t.Errorf("then came %v", v)
	}
	w.quit()
	w = ana.open("Live/Open", "")
	w.say(`{"id":1,"ping":true}`)
	must(t, w.s.CloseSend())
	if v := w.next(); v["ok"] != true {
		t.Errorf("a last ping is answered with %v", v)
	}
	if s := w.end(); s.Code() != codes.OK {
		t.Errorf("a call without topics ends with %v", s)
	}
	h.alone()
}

// Where a stream can't go both ways, the error says what can be done.
func TestLive_NeedsBothWays(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	for name, kind := range map[string]string{"Connect": "application/connect+json", "gRPC-Web": "application/grpc-web+proto", "gRPC": "application/grpc"} {
		t.Run(name, func(t *testing.T) {
			res, text := h.over1("POST", "/gallery.v1.Live/Open", kind, "\x00\x00\x00\x00\x00")
			all := text + fmt.Sprint(res.Header, res.Trailer)
			if !strings.Contains(all, "HTTP/2") || !strings.Contains(all, "Watch") {
				t.Errorf("over HTTP/1.1 the answer is %d %s", res.StatusCode, all)
			}
		})
	}
	h.alone()
}

// Connect goes both ways too, over HTTP/2, and speaks JSON as well.
func TestLive_InEveryDialect(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	ana.post("photos", `{"caption":"one"}`)
	for _, d := range []dialect{
		{"gRPC JSON", []connect.ClientOption{connect.WithGRPC(), connect.WithProtoJSON()}},
		{"Connect proto", nil},
		{"Connect JSON", []connect.ClientOption{connect.WithProtoJSON()}},
	} {
		t.Run(d.name, func(t *testing.T) {
			client, m := h.caller(d, "Live/Open")
			s := client.CallBidiStream(t.Context())
			must(t, s.Send(ana.request(m, `{"id":1,"subscribe":{"topic":"photos"}}`).Msg))
			got, err := s.Receive()
			must(t, err)
			if v := object(t, got); v["id"] != "1" || at(v, "snapshot", "records", 0, "photos", "caption") != "one" || at(v, "snapshot", "records", 0, "photos", "likes") != nil {
				t.Errorf("a topic is answered with %v", v)
			}
			must(t, s.Send(ana.request(m, `{"id":2,"ping":true}`).Msg))
			got, err = s.Receive()
			must(t, err)
			if v := object(t, got); v["id"] != "2" || v["ok"] != true {
				t.Errorf("a ping is answered with %v", v)
			}
			must(t, s.CloseRequest())
			must(t, s.CloseResponse())
			h.alone()
		})
	}
}

// A watch in every dialect that has streams: the messages are the same.
func TestWatch_InEveryDialect(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	ana.post("photos", `{"caption":"one"}`)
	everyDialect(t, func(t *testing.T, d dialect) {
		client, m := h.caller(d, "Photos/Watch")
		s, err := client.CallServerStream(t.Context(), ana.request(m, `{"filter":"caption == \"one\""}`))
		must(t, err)
		if !s.Receive() {
			t.Fatal(s.Err())
		}
		if v := object(t, s.Msg()); at(v, "snapshot", "photos", 0, "caption") != "one" || v["resume_token"] == nil {
			t.Errorf("the snapshot is %v", v)
		}
		if !s.Receive() {
			t.Fatal(s.Err())
		}
		if v := object(t, s.Msg()); len(v) != 1 || v["resume_token"] == nil {
			t.Errorf("the heartbeat is %v", v)
		}
		must(t, s.Close())
		h.alone()
	})
}
