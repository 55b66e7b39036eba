package trace_test

import (
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// TestCode_FindsRefusedCallsWhoseStatusIsGood ends calls as each protocol does, and asks what is kept of them and why.
func TestCode_FindsRefusedCallsWhoseStatusIsGood(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		status, grpc  int
		hop           trace.Verdict
		reason, words string // of the hop; the causes that it is kept for
		code, outcome string
	}{
		{"a good one", 200, 0, trace.OK, "", "", "OK", "ok"},
		{"a good one in spite of a failed hop", 200, 0, trace.Fail, "proxy.connect_refused", "", "OK", "ok"},
		{"refused by a rule", 200, 7, trace.Deny, "access.rule_denied", "deny", "PERMISSION_DENIED", "deny"},
		{"refused by a rule, over Connect", 403, 7, trace.Deny, "access.rule_denied", "deny", "PERMISSION_DENIED", "deny"},
		{"crashed", 200, 13, trace.Fail, "app.panic", "error", "INTERNAL", "error"},
		{"too late", 200, 4, trace.Timeout, "app.deadline", "error", "DEADLINE_EXCEEDED", "timeout"},
		{"a watch that its caller has ended", 200, 1, trace.Timeout, "client.aborted", "", "CANCELLED", "ok"},
		{"another server's failure", 200, 14, trace.OK, "", "error", "UNAVAILABLE", "ok"},
		{"another server's refusal", 200, 5, trace.OK, "", "", "NOT_FOUND", "ok"},
		{"a code that nobody has declared", 200, 99, trace.OK, "", "error", "UNKNOWN", "ok"},
	} {
		r := trace.New(trace.Options{Now: time.Now, Recent: 64, Kept: 64, Keep: trace.Keep{Errors: true, Refusals: true}})
		j := r.Begin(trace.Request)
		j.Status = tt.status
		j.SetCode(trace.CodeOf(tt.grpc))
		j.Add(trace.Hop{Layer: trace.Access, Verdict: tt.hop, Reason: trace.ReasonOf(tt.reason)})
		id := j.ID.String()
		r.End(j)
		s, ok := r.Find(id)
		if !ok {
			t.Fatalf("%s: it is not there", tt.name)
		}
		if v := s.View(trace.Viewer, nil); v.Code != tt.code || v.Outcome != tt.outcome || strings.Join(without(v.Kept, "first"), " ") != tt.words {
			t.Errorf("%s: %s, %s, kept for %v", tt.name, v.Code, v.Outcome, v.Kept)
		}
	}
}

// without leaves a word out.
func without(words []string, word string) (rest []string) {
	for _, w := range words {
		if w != word {
			rest = append(rest, w)
		}
	}
	return rest
}

// TestCode_IsForgottenWithItsJourney fills a journey anew that was a call before.
func TestCode_IsForgottenWithItsJourney(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 1})
	for range 100 {
		j := r.Begin(trace.Request)
		if j.Code != 0 {
			t.Fatalf("a new journey has the code %s", j.Code)
		}
		j.SetCode(trace.CodeOf(7))
		r.End(j)
	}
}

func TestCode_StandsInTheLog(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSpace(written(t, func(r *trace.Recorder) {
		for _, grpc := range []int{0, 7, 13} {
			j := r.Begin(trace.Request)
			j.Status = 200
			j.SetCode(trace.CodeOf(grpc))
			r.End(j)
		}
		r.End(r.Begin(trace.Request))
	})), "\n")
	for i, want := range []string{`"status":200,"code":"OK",`, `"status":200,"code":"PERMISSION_DENIED",`, `"status":200,"code":"INTERNAL",`} {
		if !strings.Contains(lines[i], want) || strings.Contains(lines[i], `"level":"ERROR"`) != (i == 2) {
			t.Errorf("%s", lines[i])
		}
	}
	if len(lines) != 4 || strings.Contains(lines[3], `"code"`) {
		t.Errorf("%s", lines)
	}
}

// TestCode_IsFoundByItsName takes the names as gRPC, Connect and Go write them.
func TestCode_IsFoundByItsName(t *testing.T) {
	t.Parallel()
	for n := range 17 {
		want := trace.CodeOf(n)
		for _, name := range []string{want.String(), strings.ToLower(want.String()), strings.ReplaceAll(want.String(), "_", ""), strings.ReplaceAll(want.String(), "_", "-")} {
			if c, ok := trace.CodeNamed(name); !ok || c != want {
				t.Errorf("%q is %v, %v", name, c, ok)
			}
		}
	}
	if c, ok := trace.CodeNamed("canceled"); !ok || c != trace.CodeOf(1) {
		t.Error(c, ok)
	}
	for _, name := range []string{"", "NONE", "7", "OKAY"} {
		if c, ok := trace.CodeNamed(name); ok {
			t.Errorf("%q is %v", name, c)
		}
	}
}

// TestFilter_TakesAStatusOrACode asks for journeys by what stands in their lines.
func TestFilter_TakesAStatusOrACode(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 64})
	for _, end := range [][2]int{{200, 0}, {200, 7}, {403, 7}, {403, -1}, {404, -1}} { // the last two are no calls
		j := r.Begin(trace.Request)
		j.Status = end[0]
		if end[1] >= 0 {
			j.SetCode(trace.CodeOf(end[1]))
		}
		r.End(j)
	}
	for word, want := range map[string]int{"": 5, "200": 2, "403": 2, "4": 3, "4xx": 3, "PERMISSION_DENIED": 2, "PermissionDenied": 2, "ok": 1, "NOT_FOUND": 0} {
		var f trace.Filter
		if !f.SetStatus(word) {
			t.Errorf("%q is no status", word)
		}
		if got := len(r.Select(f, 10)); got != want {
			t.Errorf("%q finds %d, want %d", word, got, want)
		}
	}
	for _, word := range []string{"6", "99", "600", "-4", "xx", "DENIED", "4x"} {
		if f := (trace.Filter{}); f.SetStatus(word) {
			t.Errorf("%q asks for %+v", word, f)
		}
	}
}
