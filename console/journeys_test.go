package console_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/operators"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestJourneys_ListFiltersAndFinds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.join(t, "ana", operators.Owner)
	good := b.request("/api/photos", 200, "")
	bad := b.request("/api/likes", 403, "access.rule_denied", trace.Link{Role: trace.Preflight, Evidence: trace.Seen, ID: good})
	for query, want := range map[string]int{
		"": 2, "?n=1": 1, "?status=4xx": 1, "?status=403": 1, "?status=200": 1, "?status=PERMISSION_DENIED": 0, "?reason=access": 1, "?path=/api/photos": 1,
		"?kinds=request,event": 2, "?kinds=event": 0, "?kept=deny,error": 1, "?host=gallery.test": 2, "?host=other.test": 0,
	} {
		if list := ana.want(200, "GET", "/api/journeys"+query, nil)["journeys"].([]any); len(list) != want {
			t.Errorf("%q: %d journeys, want %d", query, len(list), want)
		}
	}
	for _, query := range []string{"?kinds=requests", "?kept=slowly", "?status=6", "?n=0", "?n=1001", "?n=x", "?status=-4", "?status=DENIED"} {
		ana.want(400, "GET", "/api/journeys"+query, nil)
	}
	one := ana.want(200, "GET", "/api/journeys/"+bad.String(), nil)
	journey, linked := one["journey"].(map[string]any), one["linked"].([]any)
	if journey["reason"] != "access.rule_denied" || journey["client"] != "203.0.113.0/24" || len(linked) != 1 {
		t.Fatalf("%v", one)
	}
	if after := ana.want(200, "GET", "/api/journeys/"+good.String()[:12], nil)["following"].([]any); len(after) != 1 {
		t.Fatalf("%d follow", len(after))
	}
	if out := ana.want(404, "GET", "/api/journeys/"+strings.Repeat("0", 32), nil); out["reason"] != "console.not_there" {
		t.Fatalf("%v", out)
	}
}

func TestJourneys_ViewersDoNotSeeWho(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.request("/api/photos", 200, "").String()
	other := b.request("/api/photos", 200, "").String()
	viewer, operator := b.join(t, "vi", operators.Viewer), b.join(t, "op", operators.Operate)
	for _, path := range []string{"/api/journeys", "/api/journeys/" + id, "/api/journeys/" + id + "/diff/" + other} {
		seen := func(who *browser) string {
			text, err := json.Marshal(who.want(200, "GET", path, nil))
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		if text := seen(viewer); strings.Contains(text, "203.0.113") || strings.Contains(text, `"account"`) {
			t.Errorf("%s shows a viewer %s", path, text)
		}
		if text := seen(operator); !strings.Contains(text, "203.0.113.0/24") || strings.Contains(text, "203.0.113.9") || !strings.Contains(text, `"account":"0000000000007"`) {
			t.Errorf("%s shows an operator %s", path, text)
		}
	}
	line := viewer.stream("/api/journeys/live", "").next("open")
	if line.id == "" {
		t.Fatal("no cursor")
	}
	s := viewer.stream("/api/journeys/live", line.id)
	s.next("open")
	b.request("/api/photos", 200, "")
	if e := s.next("journey"); strings.Contains(e.data, "203.0.113") {
		t.Fatalf("the stream shows a viewer %s", e.data)
	}
}

func TestDiff_HopsAndDeclaration(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *console.Options) {
		o.Diff = func(a, z uint32) []config.Change {
			return []config.Change{{Path: "store.pool.max", Was: "40", Now: "20"}}
		}
	})
	ana := b.join(t, "ana", operators.Viewer)
	a := b.request("/api/photos", 200, "")
	b.recorder.SetGeneration(2)
	z := b.request("/api/photos", 403, "access.rule_denied")
	out := ana.want(200, "GET", "/api/journeys/"+a.String()+"/diff/"+z.String(), nil)
	hop := out["hops"].([]any)[0].(map[string]any)
	if len(out["config"].([]any)) != 1 || hop["layer"] != "access" || hop["a"] == nil || hop["b"] == nil || len(hop["differs"].([]any)) == 0 {
		t.Fatalf("%v", out)
	}
}

func TestPin_KeepsAJourneyAndIsNoted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.request("/api/photos", 200, "").String()
	ana := b.join(t, "ana", operators.Operate)
	if out := ana.want(200, "POST", "/api/journeys/"+id+"/pin", args{"on": true}); out["kept"].([]any)[1] != "pinned" {
		t.Fatalf("%v", out)
	}
	for range 2000 {
		b.request("/api/photos", 200, "")
	}
	ana.want(200, "GET", "/api/journeys/"+id, nil)
	entry := ana.want(200, "GET", "/api/audit", nil)["entries"].([]any)[0].(map[string]any)
	if entry["what"] != "journey.pin" || entry["target"] != id || entry["who"] != "ana" || entry["from"] != "loopback" {
		t.Fatalf("%v", entry)
	}
	ana.want(200, "POST", "/api/journeys/"+id+"/pin", args{"on": false})
}

// event is one of a stream.
type event struct{ name, id, data string }

// events reads a stream.
type events struct {
	t    *testing.T
	in   *bufio.Reader
	stop func()
}

func (b *browser) stream(path, last string) *events {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		b.t.Fatalf("%s: %d %v", path, resp.StatusCode, resp.Header)
	}
	s := &events{t: b.t, in: bufio.NewReader(resp.Body), stop: func() { cancel(); resp.Body.Close() }}
	b.t.Cleanup(s.stop)
	return s
}

// read returns the next event, and false at the end of the stream.
func (s *events) read() (e event, ok bool) {
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return e, false
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				return e, true
			}
		}
	}
}

// next wants an event of that name.
func (s *events) next(name string) event {
	s.t.Helper()
	e, ok := s.read()
	if !ok || e.name != name {
		s.t.Fatalf("event %+v, want %s", e, name)
	}
	return e
}

func TestLive_GoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.join(t, "ana", operators.Owner)
	b.request("/before", 200, "")
	s := ana.stream("/api/journeys/live?kept=deny", "")
	s.next("open")
	b.request("/fine", 200, "")
	b.request("/first", 403, "access.rule_denied")
	e := s.next("journey")
	if !strings.Contains(e.data, `"path":"/first"`) || e.id == "" {
		t.Fatalf("%+v", e)
	}
	s.stop()
	b.request("/second", 403, "access.rule_denied")
	s = ana.stream("/api/journeys/live?kept=deny", e.id)
	s.next("open")
	if e := s.next("journey"); !strings.Contains(e.data, `"path":"/second"`) {
		t.Fatalf("%+v", e)
	}
}

func TestLive_TellsWhatItMissed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.join(t, "ana", operators.Owner)
	s := ana.stream("/api/journeys/live", "")
	e := s.next("open")
	s.stop()
	for range 5000 {
		b.request("/api/photos", 200, "")
	}
	s = ana.stream("/api/journeys/live", e.id)
	s.next("open")
	if e := s.next("missed"); e.data == `{"n":0}` {
		t.Fatalf("%+v", e)
	}
	s.next("journey")
}

func TestLive_EndsWithTheSession(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	owner, ana := b.join(t, "owner", operators.Owner), b.join(t, "ana", operators.Viewer)
	s := ana.stream("/api/journeys/live", "")
	s.next("open")
	owner.want(200, "DELETE", "/api/operators/ana", nil)
	if e, more := s.read(); more {
		t.Fatalf("%+v", e)
	}
	ana.want(401, "GET", "/api/session", nil)
}

func TestLive_OnlySoManyWatch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.join(t, "ana", operators.Viewer)
	var open []*events
	for range 32 {
		open = append(open, ana.stream("/api/overview/live", ""))
	}
	if out := ana.want(503, "GET", "/api/journeys/live", nil); out["reason"] != "console.viewers" {
		t.Fatalf("%v", out)
	}
	if e := open[0].next("overview"); !strings.Contains(e.data, "all is well") {
		t.Fatalf("%+v", e)
	}
}

func TestLive_EndsWhenTheServerStops(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.join(t, "ana", operators.Viewer).stream("/api/overview/live", "")
	s.next("overview")
	b.stop()
	if _, more := s.read(); more {
		t.Fatal("the stream goes on")
	}
}

func TestWhy_StreamsStepsAndAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *console.Options) {
		o.Why = func(_ context.Context, in console.WhyOrder, step func(any)) (any, error) {
			step(args{"title": "dns", "url": in.URL})
			return args{"well": true}, nil
		}
	})
	ana := b.join(t, "ana", operators.Operate)
	resp := ana.send("POST", "/api/why", args{"url": "https://gallery.test/api/photos?token=1", "method": "PUT", "as": "bo"})
	defer resp.Body.Close()
	s := &events{t: t, in: bufio.NewReader(resp.Body)}
	if e := s.next("step"); !strings.Contains(e.data, `"title":"dns"`) {
		t.Fatalf("%+v", e)
	}
	if e := s.next("answer"); e.data != `{"well":true}` {
		t.Fatalf("%+v", e)
	}
	entry := ana.want(200, "GET", "/api/audit", nil)["entries"].([]any)[0].(map[string]any)
	if entry["what"] != "why" || entry["target"] != "PUT https://gallery.test/api/photos" || entry["note"] != "as bo" {
		t.Fatalf("%v", entry)
	}
	ana.want(400, "POST", "/api/why", args{"url": "nothing"})
}
