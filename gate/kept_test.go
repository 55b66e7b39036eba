package gate_test

import (
	"net/http"
	"strings"
	"testing"
	"unsafe"

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

// What a journey keeps of a request holds no more of it in memory: not the query, which may be 16 KiB and hold secrets.
func TestJourney_LetsGoOfTheQuery(t *testing.T) {
	t.Parallel()
	var line string // as net/http has it
	h := open(t, func(_ http.ResponseWriter, r *http.Request) { line = r.RequestURI })
	r := h.get(t, "http://"+h.plain+"/x?secret="+strings.Repeat("q", 8000), "Host", "open.localhost")
	s := h.journey(t, r.Header.Get("X-Journey"))
	if len(line) < 8000 {
		t.Fatalf("the handler saw a line of %d bytes", len(line))
	}
	first := uintptr(unsafe.Pointer(unsafe.StringData(line)))
	for name, text := range map[string]string{"method": s.Method, "path": s.Path, "proto": s.Proto, "host": s.Host} {
		at := uintptr(unsafe.Pointer(unsafe.StringData(text)))
		if at+64 >= first && at < first+uintptr(len(line))+64 { // the method stands before it, the protocol behind
			t.Errorf("the %s %q is a part of the request's line", name, text)
		}
	}
}
