package gate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Journeys keep the headers that the declaration names and no other, a bounded part of each, for operators alone.
func TestJourney_KeepsTheHeadersThatAreNamed(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	read := func() trace.Snapshot {
		r := h.get(t, "http://"+h.plain+"/x", "Host", "open.localhost", "User-Agent", "test/1", "Accept-Language", strings.Repeat("d", 500), "Cookie", "a=b")
		return h.journey(t, r.Header.Get("X-Journey"))
	}
	if s := read(); s.Headers != "" {
		t.Errorf("kept %q, and nothing was declared", s.Headers)
	}
	h.gate.SwapHeaders([]string{"User-Agent", "Accept-Language", "X-Missing"})
	s := read()
	want := []string{"User-Agent: test/1", "Accept-Language: " + strings.Repeat("d", 200)}
	if diff := cmp.Diff(want, s.View(trace.Operator, nil).Headers); diff != "" {
		t.Error(diff)
	}
	if got := s.View(trace.Viewer, nil).Headers; got != nil {
		t.Errorf("a viewer sees %v", got)
	}
}
