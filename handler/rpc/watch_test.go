package rpc_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func TestWatch_SnapshotThenChanges(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana").phone()
	one := ana.post("photos", `{"caption":"one"}`)
	two := ana.post("photos", `{"caption":"two, \"é\" 𝄞"}`)
	w := ana.open("Photos/Watch", `{}`)
	v := w.next()
	if got := ids(at(v, "snapshot", "photos")); !slices.Equal(got, []string{one, two}) || v["resume_token"] == "" {
		t.Fatalf("the snapshot is %v", v)
	}
	three := ana.post("photos", `{"caption":"three"}`)
	if v := w.next(); at(v, "changes", 0, "put", "id") != three || at(v, "changes", 0, "put", "author") != ana.id || at(v, "changes", 0, "put", "etag") != "1" {
		t.Errorf("a record that was made came as %v", v)
	}
	ana.viaREST("PATCH", "photos/"+two, `{"caption":null}`)
	if v := w.next(); at(v, "changes", 0, "put", "id") != two || at(v, "changes", 0, "put", "caption") != nil {
		t.Errorf("a record that was changed came as %v", v)
	}
	ana.viaREST("DELETE", "photos/"+one, "")
	if v := w.next(); at(v, "changes", 0, "removed") != one {
		t.Errorf("a record that was deleted came as %v", v)
	}
	w.quit()
}

// What one door has told up to a place, another one goes on from.
func TestWatch_TokensGoBetweenDoors(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana").phone()
	one := ana.post("photos", `{"caption":"one"}`)

	_, v := ana.viaREST("GET", "photos:watch", "", "Accept", "application/json")
	cursor, _ := v["cursor"].(string)
	two := ana.post("photos", `{"caption":"two"}`)
	w := ana.open("Photos/Watch", `{"resume_token":"`+cursor+`"}`)
	v = w.next()
	if got := at(v, "changes", 0, "put", "id"); got != two || at(v, "snapshot") != nil || at(v, "changes", 1) != nil {
		t.Fatalf("with a cursor of REST, Watch began with %v", v)
	}
	token, _ := v["resume_token"].(string)
	w.quit()
	ana.viaREST("DELETE", "photos/"+one, "")
	_, v = ana.viaREST("GET", "photos:watch?cursor="+token, "", "Accept", "application/json")
	if at(v, "changes", 0, "removed") != one || at(v, "changes", 1) != nil {
		t.Errorf("with a resume_token, REST answered %v", v)
	}
	live := ana.open("Live/Open", "")
	live.say(`{"id":1,"subscribe":{"topic":"photos","resume_token":"` + token + `"}}`)
	if v := live.next(); at(v, "changes", "changes", 0, "removed") != one {
		t.Errorf("with a resume_token, Live answered %v", v)
	}
	live.quit()
	w = ana.open("Photos/Watch", `{"resume_token":"nowhere-1"}`)
	if v := w.next(); at(v, "snapshot", "reset") != "epoch" || at(v, "snapshot", "photos", 0, "id") != two {
		t.Errorf("with a token of another database Watch began with %v", v)
	}
	w.quit()
}

func TestWatch_Inbox(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana").phone(), h.person("bo")
	h.stranger().phone().open("Inbox/Watch", `{}`).ends(codes.Unauthenticated, "auth.missing")
	photo := ana.post("photos", `{"caption":"one"}`)
	w := ana.open("Inbox/Watch", `{}`)
	if v := w.next(); at(v, "snapshot") == nil || at(v, "numbers") == nil || at(v, "snapshot", "notifications") != nil {
		t.Fatalf("an inbox without notifications came as %v", v)
	}
	bo.post("likes", `{"photo":"`+photo+`"}`)
	v := w.next()
	note := at(v, "changes", 0, "put")
	if at(note, "kind") != "liked" || at(note, "actors", 0, "names", "handle") != "bo" || at(note, "text") != "bo liked your photo one" || at(v, "numbers", "unread") != "1" {
		t.Errorf("a notification came as %v", v)
	}
	w.quit()
	bo.viaREST("POST", "follows", `{"followee":"`+ana.id+`"}`)
	token, _ := v["resume_token"].(string)
	_, page := ana.viaREST("GET", "inbox?cursor="+token, "")
	if at(page, "changes", 0, "put", "kind") != "followed" || at(page, "changes", 1) != nil {
		t.Errorf("with a resume_token, REST answered %v", page)
	}
	w = ana.open("Inbox/Watch", `{"resume_token":"`+token+`"}`)
	if v := w.next(); at(v, "changes", 0, "put", "kind") != "followed" || at(v, "changes", 1) != nil {
		t.Errorf("with its resume_token, Watch began with %v", v)
	}
	w.quit()
}

// The heartbeat of a Watch is a resume_token alone.
func TestWatch_Heartbeat(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	h.person("ana").post("photos", `{"caption":"one"}`)
	w := h.stranger().phone().open("Photos/Watch", `{}`)
	first := w.next()
	v, err := w.receive()
	must(t, err)
	if len(v) != 1 || v["resume_token"] != first["resume_token"] {
		t.Errorf("after the snapshot %v came %v", first, v)
	}
	w.quit()
}

func TestWatch_RefusedTopicIsTheStatus(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	secret := ana.post("photos", `{"caption":"s","private":true}`)
	for name, c := range map[string]struct {
		request string
		code    codes.Code
		reason  string
	}{
		"a filter with a field that nobody has": {`{"filter":"captoin == \"a\""}`, codes.InvalidArgument, "request.filter"},
		"a record that is not there":            {`{"id":"0am5terb80000"}`, codes.NotFound, "store.missing"},
		"a record that is hidden":               {`{"id":"` + secret + `"}`, codes.NotFound, "store.missing"},
		"a token that is none":                  {`{"resume_token":"no token"}`, codes.InvalidArgument, "request.invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			h.stranger().phone().open("Photos/Watch", c.request).ends(c.code, c.reason)
		})
	}
	h.alone()
}

func TestWatch_EndsWithTheSession(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana").phone()
	w := ana.open("Photos/Watch", `{}`)
	w.next()
	if code, v := ana.viaREST("POST", "auth/sign-out", ""); code != 204 {
		t.Fatal(code, v)
	}
	w.ends(codes.Unauthenticated, "auth.expired")
	w = ana.open("Photos/Watch", `{}`)
	if s := w.end(); s.Code() != codes.Unauthenticated {
		t.Errorf("with a token that has ended, Watch ends with %v", s)
	}
	h.alone()
}

func TestWatch_EndsWithTheServer(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	w := h.stranger().phone().open("Photos/Watch", `{}`)
	w.next()
	h.hub.CloseAll()
	if s := w.ends(codes.Unavailable, "app.stopping"); retryOf(s) != time.Second {
		t.Errorf("it says to come back after %v", retryOf(s))
	}
	w = h.stranger().phone().open("Photos/Watch", `{}`)
	w.ends(codes.Unavailable, "app.stopping")
	h.alone()
}

// A stream goes on under another declaration: what has a new field has it, and who does not know the field reads on.
func TestWatch_GoesOnUnderAnotherDeclaration(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana").phone()
	ana.post("photos", `{"caption":"one"}`)
	w := ana.open("Photos/Watch", `{}`)
	live := ana.open("Live/Open", "")
	live.say(`{"id":1,"subscribe":{"topic":"photos"}}`)
	w.next()
	live.next()
	h.enter(strings.Replace(declaration(t), "caption: { type: text, max: 2200 }", "caption: { type: text, max: 2200 }\n      place: { type: text }", 1))
	if v := w.next(); at(v, "snapshot", "reset") != "rule" || at(v, "snapshot", "photos", 0, "caption") != "one" {
		t.Fatalf("after the declaration changed came %v", v)
	}
	if v := live.next(); at(v, "snapshot", "reset") != "rule" {
		t.Fatalf("after the declaration changed came %v", v)
	}
	ana.post("photos", `{"caption":"two","place":"Ulm"}`)
	if v := w.next(); at(v, "changes", 0, "put", "caption") != "two" || !strings.Contains(string(put(w).GetUnknown()), "Ulm") {
		t.Errorf("a record with a new field came as %v with %x", v, put(w).GetUnknown())
	}
	if v := live.next(); at(v, "changes", "changes", 0, "put", "photos", "caption") != "two" {
		t.Errorf("a record with a new field came as %v", v)
	}
	w.cancel()
	live.cancel()
	h.alone()
}

func TestWatch_EndsWithItsCollection(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	w := h.stranger().phone().open("Drops/Watch", `{}`)
	w.next()
	live := h.stranger().phone().open("Live/Open", "")
	live.say(`{"id":1,"subscribe":{"topic":"drops"}}`)
	live.next()
	h.enter(strings.Replace(declaration(t), "  drops:", "  falls:\n    was: drops", 1))
	if s := w.ends(codes.Unavailable, "stream.changed"); retryOf(s) == 0 {
		t.Error("it does not say when to come back")
	}
	live.ends(codes.Unavailable, "stream.changed")
	h.alone()
}

// put is the record of the first change of the last message.
func put(w *flow) protoreflect.Message {
	list := w.last.Get(w.last.Descriptor().Fields().ByName("changes")).List()
	change := list.Get(0).Message()
	return change.Get(change.Descriptor().Fields().ByName("put")).Message()
}
