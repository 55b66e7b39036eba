package socket_test

import (
	"bufio"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/stream/live"
)

// quiet makes a house whose hub looks at the log only when the test tells it to.
func quiet(h *house) {
	h.poll = time.Hour
	h.hints = func([]roundtrip.Change) {}
}

// look brings all that was committed to those who watch, in one window.
func (h *house) look() { h.hub.Committed(nil) }

// A topic that wants one value is found by it. Whatever takes a record away from that value must find the topic too.
func TestPinned_WhatLeavesAValueIsRemoved(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(h *house, ana *person, s *stream) (gone string){
		"a count moves": func(h *house, ana *person, s *stream) string {
			id := ana.make("photos", `{}`)
			s.subscribe("photos?likes=0")
			ana.make("likes", `{"photo":"`+id+`"}`)
			return id
		},
		"the etag moves": func(h *house, ana *person, s *stream) string {
			id := ana.make("photos", `{}`)
			s.subscribe("photos?etag=1")
			ana.patch("photos/"+id, `{"level":1}`)
			return id
		},
		"what a ref points to is deleted": func(h *house, ana *person, s *stream) string {
			photo := ana.make("photos", `{}`)
			id := ana.make("notes", `{"about":"`+photo+`"}`)
			s.subscribe("notes?about=" + photo)
			ana.remove("photos/" + photo)
			return id
		},
		"it was made and changed in one window, and seen between": func(h *house, ana *person, s *stream) string {
			id := ana.make("photos", `{"level":2}`)
			s.subscribe("photos?level=2")
			ana.patch("photos/"+id, `{"level":3}`)
			return id
		},
		"its id is used again": func(h *house, ana *person, s *stream) string {
			one, two := ana.make("photos", `{}`), ana.make("photos", `{}`)
			id := ana.make("comments", `{"photo":"`+one+`","text":"hm"}`)
			s.subscribe("comments?photo=" + one)
			ana.remove("comments/" + id)
			ana.make("comments", `{"id":"`+id+`","photo":"`+two+`","text":"hm"}`)
			return id
		},
		"it was made, its id was used again, and it was seen between": func(h *house, ana *person, s *stream) string {
			one, two := ana.make("photos", `{}`), ana.make("photos", `{}`)
			h.look()
			id := ana.make("comments", `{"photo":"`+one+`","text":"hm"}`)
			s.subscribe("comments?photo=" + one)
			ana.remove("comments/" + id)
			ana.make("comments", `{"id":"`+id+`","photo":"`+two+`","text":"hm"}`)
			return id
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t, quiet)
			ana := h.person("ana")
			s := ana.open()
			gone := act(h, ana, s)
			h.look()
			if v := s.next(); changes(v) != "-"+gone {
				t.Errorf("got %v, want %s to be gone", v, gone)
			}
		})
	}
}

func TestPinned_EveryTypeIsFound(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	photo := ana.make("photos", `{}`)
	s := ana.open()
	for _, topic := range []string{
		"notes?about=" + photo, "notes?kind=loud", "notes?due=2026-11-22T19:03:31.25Z", "notes?due=2026-11-22T20:03:31.250%2B01:00",
		"notes?done=true", "notes?text=%C3%A4", "notes?level=0&kind=loud&done=true", "notes?kind=loud&order_by=due desc&fields=text",
	} {
		s.subscribe(topic)
		id := ana.make("notes", `{"about":"`+photo+`","kind":"loud","due":"2026-11-22T19:03:31.250Z","done":true,"text":"ä"}`)
		if v := s.next(); v["topic"] != topic || changes(v) != "+"+id {
			t.Errorf("%s: %v", topic, v)
		}
		s.say(`{"unsubscribe":` + quote(topic) + `}`)
		s.next()
	}
}

// A declaration that moves the fields of a collection comes into force while some topics are still those of the old one.
func TestPinned_AReloadThatMovesFields(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	s := ana.open()
	topics := []string{"photos?level=1", "photos?level=2", "photos?level=1&private=false"}
	for _, topic := range topics {
		s.subscribe(topic)
	}
	asked := 0
	write := func() {
		if asked++; asked != 2 { // the first one has moved
			return
		}
		h.pages.topic.Store(nil)
		other := ana.open()
		other.subscribe("users")
		ana.make("photos", `{"level":1}`)
		ana.patch("users/"+ana.id, `{"level":7}`)
		other.next() // the window of the photo has been delivered
	}
	h.pages.topic.Store(&write)
	source, err := os.ReadFile("testdata/roundtrip.yaml")
	must(t, err)
	h.enter(strings.Replace(string(source), "      caption: {", "      first: { type: text }\n      second: { type: int }\n      caption: {", 1))
	held := map[string]int{}
	for held[topics[0]] != 1 || held[topics[2]] != 1 {
		v := s.next()
		if topic := v["topic"].(string); v["snapshot"] != nil {
			held[topic] = len(ids(v["snapshot"]))
		} else {
			held[topic] += len(v["changes"].([]any))
		}
	}
}

// Who comes while a declaration comes into force is let in by it, also to a topic that is still to be brought under it; and who
// was away meanwhile does not go on from what the older one let them see.
func TestReload_NobodyIsLetInByTheOldRule(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo")
	ana.make("photos", `{}`)
	topics := []string{"photos", "photos?level=0", "photos?filter=level < 9"}
	s, away := ana.open(), bo.open()
	var cursor string
	for _, topic := range topics {
		s.subscribe(topic)
	}
	cursor = away.subscribe("photos")["cursor"].(string)
	away.conn.Close()
	ana.make("photos", `{}`)
	came := false
	come := func() {
		if came {
			return
		}
		came = true
		h.pages.topic.Store(nil)
		other := bo.open()
		for _, topic := range topics {
			if v := other.subscribe(topic); len(ids(v["snapshot"])) != 0 {
				t.Errorf("%s: the new rule hides it: %v", topic, v)
			}
		}
	}
	h.pages.topic.Store(&come)
	source, err := os.ReadFile("testdata/roundtrip.yaml")
	must(t, err)
	h.enter(strings.Replace(string(source), "read: '!record.private ||", "read: 'record.level > 2 ||", 1))
	if v := bo.open().subscribe("photos", cursor); v["reset"] != "rule" || len(ids(v["snapshot"])) != 0 {
		t.Errorf("who comes back: %v", v)
	}
}

// Somebody loses a right while their first message is being made.
func TestSubscribe_WhileTheRightIsTaken(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo")
	ana.patch("users/"+ana.id, `{"level":3}`)
	bo.make("notes", `{"level":2}`)
	who, err := h.identity.Who(t.Context(), ana.token)
	must(t, err)
	sink := &sink{woken: make(chan struct{}, 1)}
	conn, err := h.hub.Join(sink, h.client, ana.token, who, false)
	must(t, err)
	defer conn.Leave()
	conn.Start()
	taken := func() {
		h.pages.page.Store(nil)
		ana.patch("users/"+ana.id, `{"level":1}`)
		for late := time.Now().Add(patience); conn.Who() == who && time.Now().Before(late); {
			runtime.Gosched()
		}
	}
	h.pages.page.Store(&taken)
	must(t, conn.Subscribe(t.Context(), "", "notes", ""))
	for {
		items, _ := conn.Take()
		for _, i := range items {
			if strings.Contains(string(i.JSON()), `"snapshot":[],"reset":"rule"`) {
				return
			}
		}
		if len(items) > 0 {
			continue
		}
		select {
		case <-sink.woken:
		case <-time.After(patience):
			t.Fatal("nothing takes back what came first")
		}
	}
}

// A session that is read anew and is as it was changes nothing for what is watched.
func TestSessions_ReadAnewAndTheSame(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	s := ana.open()
	s.subscribe("notes")
	id, ok := roundtrip.ParseID(ana.id)
	if !ok {
		t.Fatal(ana.id)
	}
	h.identity.Forget(id)
	note := ana.make("notes", `{}`)
	if v := s.next(); changes(v) != "+"+note {
		t.Errorf("%v", v)
	}
}

// sink is a client that takes what there is when the test does.
type sink struct{ woken chan struct{} }

func (s *sink) Wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}
func (*sink) Ping() {}
func (*sink) Cut()  {}

// What a client asked for is no sign that it reads too slowly, however large it is.
func TestConn_FirstMessagesMayBeLarge(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	for range 4 {
		ana.make("photos", `{"caption":"`+strings.Repeat("x", 299_000)+`"}`)
	}
	s := &sink{woken: make(chan struct{}, 1)}
	conn, err := h.hub.Join(s, h.client, "", &roundtrip.Principal{}, false)
	must(t, err)
	defer conn.Leave()
	conn.Start()
	conn.Send(live.OK("1"))
	must(t, conn.Subscribe(t.Context(), "", "photos", ""))
	conn.Send(live.OK("2"))
	if items, closing := conn.Take(); len(items) != 3 || closing.Code != 0 {
		t.Errorf("%d items, closed with %d", len(items), closing.Code)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.server.URL+"/api/live?topic=photos&topic=photos%3Flevel%3D0&topic=users", nil)
	must(t, err)
	res, err := http.DefaultTransport.RoundTrip(req)
	must(t, err)
	defer res.Body.Close()
	lines := bufio.NewReaderSize(res.Body, 2<<20)
	for n := 0; n < 3; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream ended after %d snapshots: %v", n, err)
		}
		if strings.Contains(line, `"snapshot":[`) {
			n++
		}
	}
}
