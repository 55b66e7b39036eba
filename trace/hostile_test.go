package trace_test

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Two journeys that end at once may come into their ring in the other order. A viewer that reads few at a time gets each once.
func TestRecorder_AfterGivesEachOnceWhateverTheirEnds(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	r := trace.New(trace.Options{Recent: 256, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(-time.Millisecond) // the later its place, the earlier its end
		return now
	}})
	_, at, _ := r.After(trace.Cursor{}, trace.Filter{}, 1)
	const many = 64
	for range many {
		ended(r, trace.Request, nil)
	}
	seen := map[trace.ID]int{}
	for range 2 * many {
		list, next, missed := r.After(at, trace.Filter{}, 3)
		if missed != 0 {
			t.Fatalf("missed %d", missed)
		}
		for _, id := range ids(list) {
			seen[id]++
		}
		at = next
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	if len(seen) != many {
		t.Errorf("%d of %d came", len(seen), many)
	}
}

// What TLS says of a handshake quotes the protocols that the client named: 64 KiB of them.
func TestRecorder_BoundsNotes(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 8})
	long := strings.Repeat("x", 64<<10)
	id := ended(r, trace.Connection, func(j *trace.Journey) {
		j.Add(trace.Hop{Layer: trace.TLS, Note: long})
		j.Begin(trace.Auth, "session").Note(long).OK()
	})
	s, _ := r.Find(id.String())
	for _, h := range s.Hops {
		if len(h.Note) > 512 {
			t.Errorf("a note of %d bytes is kept", len(h.Note))
		}
	}
}

// Anybody can have handshakes fail and send reports, from as many networks as they like. Neither pushes out what failed here.
func TestRecorder_StrangersLeaveTheErrors(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 16, Kept: 40, Keep: trace.Keep{Errors: true, Refusals: true}})
	fail := func(j *trace.Journey) { j.Status = 502; j.SetReason(trace.ReasonOf("store.failed")) }
	ended(r, trace.Request, fail)
	ours := ended(r, trace.Request, fail)
	for i := range 2000 {
		from := netip.AddrFrom4([4]byte{203, byte(i >> 8), byte(i), 9})
		ended(r, trace.Connection, func(j *trace.Journey) {
			j.Client = from
			j.Add(trace.Hop{Layer: trace.TLS, Verdict: trace.Fail, Reason: trace.ReasonOf("tls.handshake_failed")})
		})
		ended(r, trace.Report, func(j *trace.Journey) {
			j.Client = from
			j.Add(trace.Hop{Layer: trace.Client, Verdict: trace.Fail, Reason: trace.ReasonOf("client.crashed")})
		})
	}
	if _, ok := r.Find(ours.String()); !ok {
		t.Error("strangers pushed out an error of ours")
	}
}

// A network that has its share used up can't use up the first of each kind, too.
func TestRecorder_AFloodLeavesTheFirsts(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: newClock(0).Now, Recent: 64, Kept: 400, Keep: trace.Keep{Refusals: true}})
	from := func(client, reason string) trace.Kept {
		id := ended(r, trace.Request, func(j *trace.Journey) {
			j.Client = netip.MustParseAddr(client)
			refused(reason)(j)
		})
		s, _ := r.Find(id.String())
		return s.Kept
	}
	for range 100 {
		from("203.0.113.1", "access.rule_denied")
	}
	if k := from("203.0.113.1", "auth.missing"); k&trace.First != 0 {
		t.Error("a first of its kind is kept for a network beyond its share")
	}
	if k := from("198.51.100.7", "auth.missing"); k&trace.First == 0 {
		t.Error("the flood has used up the first of its kind")
	}
}
