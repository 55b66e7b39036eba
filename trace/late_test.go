package trace_test

import (
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// What is found out beside a request stands in its journey when it comes, and until then the journey is nobody else's.
func TestLate_ComesAfterTheEnd(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 8}) // a place in each shard
	j := r.Begin(trace.Request)
	j.Begin(trace.Auth, "session").OK()
	step := j.Begin(trace.SQL, "notes.list").Note("slow")
	late := step.Later()
	if second := step.Later(); second != (trace.Late{}) {
		t.Error("two notes were promised")
	}
	step.OK()
	r.End(j)
	seen := func() trace.Snapshot {
		s, ok := r.Find(j.ID.String())
		if !ok {
			t.Fatal("the journey is gone")
		}
		return s
	}
	if s := seen(); !s.Awaits || s.Hops[1].Note != "slow" || s.Hops[1].Verdict != trace.OK {
		t.Fatalf("before: %+v", s)
	}
	late.Note("SCAN notes")
	if s := seen(); s.Awaits || s.Hops[1].Note != "slow; SCAN notes" || s.Hops[0].Note != "" {
		t.Errorf("after: %+v", s)
	}
	if step.Later() != (trace.Late{}) {
		t.Error("a step that has ended promises a note")
	}
	trace.Late{}.Note("nothing happens")
}

func TestLate_KeepsTheJourneyFromBeingFilledAgain(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 8})
	first := r.Begin(trace.Request)
	step := first.Begin(trace.SQL, "notes.list")
	late := step.Later()
	step.OK()
	id := first.ID
	r.End(first)
	for range 64 { // they push it out
		j := r.Begin(trace.Request)
		if j == first {
			t.Fatal("it was filled again while a note was owed")
		}
		r.End(j)
	}
	late.Note("SCAN notes")
	if first.ID != id || len(r.Select(trace.Filter{}, 64)) == 0 {
		t.Error("the journey is another one's")
	}
	for _, s := range r.Select(trace.Filter{}, 64) {
		for _, h := range s.Hops {
			if h.Note != "" {
				t.Errorf("a note of another journey: %+v", h)
			}
		}
	}
}
