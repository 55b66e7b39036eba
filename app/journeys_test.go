package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/journeys"
	"github.com/roundtrip-dev/roundtrip/app/overview"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// asked is how commands of this machine speak with the app.
func asked(a *app.App, asJSON bool) (journeys.JourneyOptions, process.Surroundings, *bytes.Buffer) {
	var out bytes.Buffer
	return journeys.JourneyOptions{File: a.Folder(), JSON: asJSON}, process.Surroundings{Out: &out, Now: time.Now, Getenv: os.LookupEnv}, &out
}

func list(t *testing.T, a *app.App, change func(*journeys.ListOptions)) string {
	t.Helper()
	o, s, out := asked(a, false)
	all := journeys.ListOptions{JourneyOptions: o, Most: 50}
	change(&all)
	if err := journeys.Journeys(t.Context(), all, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestJourneys_ListsWhatIsAskedForTheNewestLast(t *testing.T) {
	t.Parallel()
	a, client := start(t)
	if got := list(t, a, func(*journeys.ListOptions) {}); !strings.Contains(got, "no journey yet: the server of") {
		t.Errorf("before any request: %s", got)
	}
	_, _, read := send(t, a, client, "GET", "notes", "")
	_, _, refused := send(t, a, client, "POST", "notes", `{"text":"x"}`)
	hostile := "n\x1bots\u202e"
	_, _, lost := send(t, a, client, "GET", strings.ReplaceAll(hostile, "\x1b", "%1B"), "")
	got := list(t, a, func(*journeys.ListOptions) {})
	at := 0
	for _, id := range []string{read.ID.String()[:8], refused.ID.String()[:8], lost.ID.String()[:8]} {
		i := strings.Index(got[at:], id)
		if i < 0 {
			t.Fatalf("the journey %s is not listed, or not in its place:\n%s", id, got)
		}
		at += i
	}
	if strings.ContainsAny(got, "\x1b\u202e") || !strings.Contains(got, `\u001b`) {
		t.Errorf("text of a stranger steers the terminal:\n%q", got)
	}
	if strings.Contains(got, "conn ") {
		t.Errorf("a connection that went well is listed, and nobody asked for it:\n%s", got)
	}
	for _, c := range []struct {
		name   string
		change func(*journeys.ListOptions)
		want   []trace.Snapshot
		not    trace.Snapshot
	}{
		{"by their reason", func(o *journeys.ListOptions) { o.Reason = "auth" }, []trace.Snapshot{refused}, read},
		{"by the flag of a reason", func(o *journeys.ListOptions) { o.Reason = "AMI" }, []trace.Snapshot{refused}, read},
		{"by what they are kept for", func(o *journeys.ListOptions) { o.Kept = []string{"deny"} }, []trace.Snapshot{refused}, read},
		{"by their status", func(o *journeys.ListOptions) { o.Status = "2xx" }, []trace.Snapshot{read}, refused},
		{"by their path", func(o *journeys.ListOptions) { o.Path = "/api/notes" }, []trace.Snapshot{read, refused}, lost},
		{"the last one", func(o *journeys.ListOptions) { o.Most = 1 }, []trace.Snapshot{lost}, refused},
	} {
		got := list(t, a, c.change)
		for _, w := range c.want {
			if !strings.Contains(got, w.ID.String()[:8]) {
				t.Errorf("%s: %s is missing:\n%s", c.name, w.Path, got)
			}
		}
		if strings.Contains(got, c.not.ID.String()[:8]) {
			t.Errorf("%s: %s was not asked for:\n%s", c.name, c.not.Path, got)
		}
	}
	if got := list(t, a, func(o *journeys.ListOptions) { o.Kinds = []string{"all"} }); !strings.Contains(got, "conn ") {
		t.Errorf("everything is asked for, and connections are not listed:\n%s", got)
	}
	if got := list(t, a, func(o *journeys.ListOptions) { o.Host = "other.test" }); !strings.Contains(got, "that are held fits") {
		t.Errorf("where nothing fits: %s", got)
	}
}

func TestJourneys_SaysWhatIsWrongWithTheWordsOfAnOrder(t *testing.T) {
	t.Parallel()
	a, _ := start(t)
	for _, c := range []struct {
		change func(*journeys.ListOptions)
		want   string
	}{
		{func(o *journeys.ListOptions) { o.Kept = []string{"dney"} }, `did you mean "deny"?`},
		{func(o *journeys.ListOptions) { o.Kinds = []string{"requests"} }, `did you mean "request"?`},
		{func(o *journeys.ListOptions) { o.Reason = "cors.origin_not_allow" }, "cors.origin_not_allowed"},
	} {
		o, s, _ := asked(a, false)
		all := journeys.ListOptions{JourneyOptions: o, Most: 5}
		c.change(&all)
		if err := journeys.Journeys(t.Context(), all, s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want it to say %s", err, c.want)
		}
	}
}

func TestJourney_IsFoundByTheBeginningOfItsId(t *testing.T) {
	t.Parallel()
	a, client := start(t)
	_, _, refused := send(t, a, client, "POST", "notes", `{"text":"x"}`)
	o, s, out := asked(a, false)
	v, err := journeys.Journey(t.Context(), o, strings.ToUpper(refused.ID.String()[:8]), s)
	if err != nil {
		t.Fatal(err)
	}
	if v.Layer != "access" || v.ID != refused.ID.String() {
		t.Errorf("it is %s, decided at %q", v.ID, v.Layer)
	}
	for _, want := range []string{"✗ 401 POST https://notes.test/api/notes", "[AMI]: nobody is signed in.", "/roundtrip.yaml:19:16)", "not reached", "connection ✓"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the picture does not say %q:\n%s", want, out)
		}
	}
	o, s, out = asked(a, true)
	if _, err := journeys.Journey(t.Context(), o, refused.ID.String(), s); err != nil {
		t.Fatal(err)
	}
	var answer journeys.JourneyAnswer
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil || answer.Journey.Reason != "auth.missing" || len(answer.Linked) == 0 {
		t.Errorf("as JSON: %v, %s", err, out)
	}
	for id, want := range map[string]string{
		"xyz123": "is no id of a journey", "abc": "at least six", strings.Repeat("0", 40): "is no id", "00000000": "no journey begins with 00000000",
	} {
		if _, err := journeys.Journey(t.Context(), o, id, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", id, err, want)
		}
	}
}

func TestJourney_CanBePinnedAndLetGo(t *testing.T) {
	t.Parallel()
	a, client := start(t)
	_, _, read := send(t, a, client, "GET", "notes", "")
	o, s, out := asked(a, false)
	for _, on := range []bool{true, false} {
		if err := journeys.PinJourney(t.Context(), o, read.ID.String()[:10], on, s); err != nil {
			t.Fatal(err)
		}
		j, ok := a.Recorder().Find(read.ID.String())
		if !ok || (j.Kept&trace.Pinned != 0) != on {
			t.Errorf("pinned %v: it is kept for %v", on, j.Kept.Words())
		}
	}
	if !strings.Contains(out.String(), "pinned until the server stops: "+read.ID.String()) {
		t.Errorf("it says %s", out)
	}
}

func TestJourneysDiffer_PutsTwoBesideEachOther(t *testing.T) {
	t.Parallel()
	a, client := start(t)
	_, _, good := send(t, a, client, "GET", "notes", "")
	_, _, bad := send(t, a, client, "GET", "nots", "")
	o, s, out := asked(a, false)
	if err := journeys.Differ(t.Context(), o, good.ID.String(), bad.ID.String(), s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"HPA request.unknown_path", "was not there", "not there", "The declaration was the same: generation 1."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

func TestJourneys_FollowsUntilItIsStopped(t *testing.T) {
	t.Parallel()
	a, client := start(t)
	ctx, stop := context.WithCancel(t.Context())
	o, s, _ := asked(a, false)
	seen := &output{want: "POST ", seen: make(chan string, 1)}
	s.Out = seen
	ended := make(chan error, 1)
	go func() {
		ended <- journeys.Journeys(ctx, journeys.ListOptions{JourneyOptions: o, Most: 5, Live: true}, s)
	}()
	for {
		_, _, _ = send(t, a, client, "POST", "notes", `{"text":"x"}`) // until it has begun to look
		select {
		case <-seen.seen:
		case <-time.After(20 * time.Millisecond):
			continue
		}
		break
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestStatus_TellsOnOneScreenWhichStationIsToBeLookedAt(t *testing.T) {
	t.Parallel()
	a, client := start(t)
	look := func() (*console.Overview, string) {
		t.Helper()
		o, s, out := asked(a, false)
		v, err := overview.Status(t.Context(), o, s)
		if err != nil {
			t.Fatal(err)
		}
		return v, out.String()
	}
	v, text := look()
	if v.State != console.Well || !strings.Contains(text, "All is well") || overview.WorstLayer(v) != 0 {
		t.Errorf("at the start:\n%s", text)
	}
	_, _, _ = send(t, a, client, "GET", "notes", "")
	for range 3 { // one may be anybody's
		_, _, _ = send(t, a, client, "OPTIONS", "notes", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
	}
	deadline := time.Now().Add(time.Minute)
	for v.State == console.Well && time.Now().Before(deadline) { // an overview is good for a second
		v, text = look()
	}
	if v.State != console.Warn || !strings.Contains(v.Sentence, "cors.origin_not_allowed") || !strings.Contains(text, "Fix: add the origin to cors.origins") {
		t.Errorf("a page of a foreign origin was refused, and the status says:\n%s", text)
	}
	if n := strings.Count(text, "\n"); n > 24 {
		t.Errorf("it has %d lines", n)
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("a line has %d columns: %s", n, line)
		}
	}
	for _, s := range v.Stations {
		if s.Title == "" || s.State == "" || s.Sentence == "" || strings.HasSuffix(s.Sentence, ".") {
			t.Errorf("a station is half told: %+v", s)
		}
	}
}

func TestCommands_ReachTheServerWhenTheFileHasMistakesByNow(t *testing.T) {
	t.Parallel()
	a, client := start(t)
	_, _, read := send(t, a, client, "GET", "notes", "")
	for name, text := range map[string]string{"a mistake": declaration + "stor: {}\n", "no YAML": "name: [notes"} {
		if err := os.WriteFile(a.Folder()+"/roundtrip.yaml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o, s, out := asked(a, false)
		if _, err := journeys.Journey(t.Context(), o, read.ID.String(), s); err != nil || !strings.Contains(out.String(), "200 GET") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestCommands_SayThatNoServerRuns(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(folder+"/roundtrip.yaml", []byte(declaration), 0o600); err != nil {
		t.Fatal(err)
	}
	o, s := journeys.JourneyOptions{File: folder}, process.Surroundings{Out: &bytes.Buffer{}, Now: time.Now, Getenv: os.LookupEnv}
	_, journey := journeys.Journey(t.Context(), o, "00000000", s)
	_, status := overview.Status(t.Context(), o, s)
	for _, err := range []error{journeys.Journeys(t.Context(), journeys.ListOptions{JourneyOptions: o, Most: 5}, s), journey, status, journeys.PinJourney(t.Context(), o, "00000000", true, s)} {
		if err == nil || !strings.Contains(err.Error(), "no server runs here with "+folder) {
			t.Errorf("got %v", err)
		}
		if _, ours := errors.AsType[*roundtrip.Error](err); ours {
			t.Errorf("%v has a reason, and none is known", err)
		}
	}
}
