package trace_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// clock is a clock that moves by a step each time it is read.
type clock struct {
	mu   sync.Mutex // guards now
	now  time.Time
	step time.Duration
}

func newClock(step time.Duration) *clock {
	return &clock{now: time.Date(2026, 11, 22, 19, 3, 31, 114_000_000, time.UTC), step: step}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(c.step)
	return c.now
}

func TestJourney_KeepsHopsInOrderWithTheirTimes(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: newClock(time.Millisecond).Now, Recent: 64})
	r.SetGeneration(7)
	j := r.Begin(trace.Request)
	j.Status = 403
	j.SetAccount(42)
	j.SetRoute("/api/")
	j.Add(trace.Hop{Layer: trace.TLS, Verdict: trace.OK, Note: "TLS 1.3 h2", Start: -5000, Took: 4000})
	j.Begin(trace.Auth, "session").OK()
	j.Begin(trace.Access, "photos.create").Note("role").N(3, 4).Deny(trace.ReasonOf("access.rule_denied"))
	r.End(j)

	got, ok := r.Find(j.ID.String())
	if !ok {
		t.Fatal("the journey is not kept")
	}
	if got.Generation != 7 || got.Account != 42 || got.Route != "/api/" || got.Decided != 2 || got.Reason.Code() != "access.rule_denied" {
		t.Errorf("journey: %+v", got)
	}
	want := []trace.Hop{
		{Layer: trace.TLS, Verdict: trace.OK, Note: "TLS 1.3 h2", Start: -5000, Took: 4000},
		{Layer: trace.Auth, Verdict: trace.OK, Name: "session", Start: 1e6, Took: 1e6},
		{Layer: trace.Access, Verdict: trace.Deny, Reason: trace.ReasonOf("access.rule_denied"), Name: "photos.create", Note: "role", N: [2]int64{3, 4}, Start: 3e6, Took: 1e6},
	}
	if !slices.Equal(got.Hops, want) {
		t.Errorf("hops:\n%+v\nwant:\n%+v", got.Hops, want)
	}
	if got.Took != 5*time.Millisecond {
		t.Errorf("took %v, want 5ms", got.Took)
	}
}

func TestStep_ThenEndsAndBeginsAtOneMoment(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: newClock(time.Millisecond).Now, Recent: 64})
	j := r.Begin(trace.Request)
	s := j.Begin(trace.Pool, "writer").N(1, 8).Then(trace.Wait, trace.Commit, "create")
	s = s.Note("alone").Then(trace.OK, trace.Stream, "outbox")
	s.OK()
	s.Then(trace.OK, trace.SQL, "select").OK() // the clock again: nobody knows for how long that step was closed
	r.End(j)
	s.Then(trace.OK, trace.SQL, "too late").OK()
	trace.Step{}.Then(trace.OK, trace.SQL, "of no journey").OK()

	want := []trace.Hop{
		{Layer: trace.Pool, Verdict: trace.Wait, Name: "writer", N: [2]int64{1, 8}, Start: 1e6, Took: 1e6},
		{Layer: trace.Commit, Verdict: trace.OK, Name: "create", Note: "alone", Start: 2e6, Took: 1e6},
		{Layer: trace.Stream, Verdict: trace.OK, Name: "outbox", Start: 3e6, Took: 1e6},
		{Layer: trace.SQL, Verdict: trace.OK, Name: "select", Start: 5e6, Took: 1e6},
	}
	if got := r.Select(trace.Filter{}, 1)[0]; !slices.Equal(got.Hops, want) || got.Took != 7*time.Millisecond {
		t.Errorf("took %v, hops:\n%+v\nwant 7ms:\n%+v", got.Took, got.Hops, want)
	}
}

func TestStep_ThenCountsHopsBeyondTheRoom(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 8})
	j := r.Begin(trace.Request)
	s := j.Begin(trace.SQL, "select")
	for range trace.HopsMax + 4 {
		s = s.Then(trace.OK, trace.SQL, "select")
	}
	s.OK()
	r.End(j)
	if got := r.Select(trace.Filter{}, 1)[0]; got.Dropped != 5 || len(got.Hops) != trace.HopsMax {
		t.Errorf("dropped %d of %d hops, want 5 of %d", got.Dropped, len(got.Hops), trace.HopsMax)
	}
}

// TestStep_OfAnEarlierRequestIsDead closes a step again after its journey was filled anew.
func TestStep_OfAnEarlierRequestIsDead(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 8})
	stale := map[*trace.Journey]trace.Step{}
	for range 1000 { // until one is used again, which is the pool's affair
		j := r.Begin(trace.Request)
		old, again := stale[j]
		s := j.Begin(trace.SQL, "select")
		old.End(trace.Fail, trace.ReasonOf("store.failed"))
		old.Then(trace.Fail, trace.SQL, "stale").OK()
		s.OK()
		stale[j] = s
		r.End(j)
		if !again {
			continue
		}
		if got := r.Select(trace.Filter{}, 1)[0]; len(got.Hops) != 1 || got.Hops[0].Verdict != trace.OK || got.Hops[0].Reason != trace.None {
			t.Fatalf("the hop of an earlier request was written: %+v", got.Hops)
		}
	}
}

func TestJourney_DecidesWhoStoppedIt(t *testing.T) {
	t.Parallel()
	denied, failed := trace.ReasonOf("access.rule_denied"), trace.ReasonOf("store.failed")
	for _, c := range []struct {
		name    string
		status  int
		reason  trace.Reason
		hops    []trace.Hop
		decided int
		want    string
	}{
		{"all passed", 200, trace.None, []trace.Hop{{Verdict: trace.OK}}, -1, ""},
		{"answered in spite of a failed hop", 200, trace.None, []trace.Hop{{Verdict: trace.Fail, Reason: failed}}, -1, ""},
		{"the last refusal decides", 403, trace.None, []trace.Hop{{Verdict: trace.Fail, Reason: failed}, {Verdict: trace.Deny, Reason: denied}, {Verdict: trace.OK}}, 1, "access.rule_denied"},
		{"a shadow decides nothing", 404, trace.None, []trace.Hop{{Verdict: trace.Shadowed, Reason: denied}}, -1, ""},
		{"its own reason wins", 499, trace.ReasonOf("client.aborted"), []trace.Hop{{Verdict: trace.Fail, Reason: failed}}, -1, "client.aborted"},
		{"its own reason names the hop", 500, failed, []trace.Hop{{Verdict: trace.Fail, Reason: failed}, {Verdict: trace.Deny, Reason: denied}}, 0, "store.failed"},
		{"a time-out is a refusal", 504, trace.None, []trace.Hop{{Verdict: trace.Timeout, Reason: trace.ReasonOf("store.deadline")}}, 0, "store.deadline"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := trace.New(trace.Options{Now: time.Now, Recent: 8})
			j := r.Begin(trace.Request)
			j.Status = c.status
			j.SetReason(c.reason)
			for _, h := range c.hops {
				j.Add(h)
			}
			r.End(j)
			got := r.Select(trace.Filter{}, 1)[0]
			if got.Decided != c.decided || got.Reason.Code() != c.want {
				t.Errorf("decided %d, %q; want %d, %q", got.Decided, got.Reason.Code(), c.decided, c.want)
			}
		})
	}
}

func TestJourney_CountsHopsBeyondItsRoom(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 8})
	j := r.Begin(trace.Request)
	for range trace.HopsMax + 5 {
		j.Begin(trace.SQL, "select").OK()
	}
	r.End(j)
	if got := r.Select(trace.Filter{}, 1)[0]; got.Dropped != 5 || len(got.Hops) != trace.HopsMax {
		t.Errorf("dropped %d of %d hops", got.Dropped, len(got.Hops))
	}
}

func TestJourney_NilDoesNothing(t *testing.T) {
	t.Parallel()
	var r *trace.Recorder
	j := r.Begin(trace.Request)
	ctx := trace.With(t.Context(), j)
	trace.From(ctx).Begin(trace.Auth, "session").Note("x").N(1, 2).OK()
	j.Add(trace.Hop{})
	j.SetAccount(1)
	j.SetReason(1)
	j.SetRoute("/")
	r.SetGeneration(1)
	r.End(j)
	if j.Len() != 0 || j.Elapsed() != 0 || r.Select(trace.Filter{}, 5) != nil {
		t.Error("a nil journey has something in it")
	}
	if _, ok := r.Find("00"); ok {
		t.Error("a nil recorder finds something")
	}
}

func TestJourney_IsDeadAfterItsEnd(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 8})
	j := r.Begin(trace.Request)
	ctx := trace.With(t.Context(), j)
	if trace.From(ctx) != j {
		t.Fatal("the context does not carry the journey")
	}
	late := j.Begin(trace.Commit, "held open")
	r.End(j)
	j.Begin(trace.SQL, "too late").OK()
	j.Add(trace.Hop{Layer: trace.SQL})
	if got := r.Select(trace.Filter{}, 1)[0]; len(got.Hops) != 1 || got.Hops[0].Verdict != trace.Open {
		t.Errorf("hops after the end: %+v", got.Hops)
	}
	// The held journey falls out of the ring, and must not be filled again while its step is open.
	for range 200 {
		next := r.Begin(trace.Request)
		if next == j {
			t.Fatal("a journey with an open step is in use again")
		}
		r.End(next)
	}
	late.Note("still safe").OK()
	late.Deny(1) // a closed step stays as it is
}

func TestJourney_ContextOfAnEndedRequestLeadsNowhere(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 8})
	old := map[*trace.Journey]context.Context{}
	for range 100_000 { // the pool decides which journey comes back when
		j := r.Begin(trace.Request)
		if ctx := old[j]; ctx != nil {
			if trace.From(ctx) != nil {
				t.Error("an old context leads into the journey of another request")
			}
			return
		}
		old[j] = trace.With(t.Context(), j) //nolint:fatcontext // kept to look back into it
		r.End(j)
	}
	t.Error("no journey was ever used again")
}

func TestJourney_TakesStepsOfManyGoroutines(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: time.Now, Recent: 64})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				j := r.Begin(trace.Request)
				ctx := trace.With(context.Background(), j)
				var steps sync.WaitGroup
				for range 3 {
					steps.Go(func() { trace.From(ctx).Begin(trace.SQL, "select").Note("n").OK() })
				}
				straggler := make(chan struct{})
				go func() { // does not wait for the end of the request
					defer close(straggler)
					trace.From(ctx).Begin(trace.Commit, "late").Note("n").Deny(1)
				}()
				steps.Wait()
				r.End(j)
				r.Select(trace.Filter{}, 4)
				<-straggler
			}
		})
	}
	all.Wait()
}

func TestRecorder_KeepsTheNewest(t *testing.T) {
	t.Parallel()
	r := trace.New(trace.Options{Now: newClock(time.Millisecond).Now, Recent: 16})
	var ids []string
	for range 400 {
		j := r.Begin(trace.Request)
		ids = append(ids, j.ID.String())
		r.End(j)
	}
	got := r.Select(trace.Filter{}, 4)
	for i := 1; i < len(got); i++ {
		if got[i].Start.After(got[i-1].Start) {
			t.Error("not sorted, newest first")
		}
	}
	if got[0].ID.String() != ids[len(ids)-1] {
		t.Error("the last journey is not the first of the recent ones")
	}
	if n := len(r.Select(trace.Filter{}, 1000)); n > 16 {
		t.Errorf("%d are kept, want at most 16", n)
	}
	if _, ok := r.Find(ids[0]); ok {
		t.Error("the oldest is still there")
	}
	if _, ok := r.Find(ids[399]); !ok {
		t.Error("the newest is not found")
	}
	for _, bad := range []string{"", "zz", ids[399][:5], ids[399] + "00"} {
		if _, ok := r.Find(bad); ok {
			t.Errorf("found %q", bad)
		}
	}
	if r.Select(trace.Filter{}, -1) != nil {
		t.Error("a negative number gives something")
	}
}

func TestJourney_AllocatesNothing(t *testing.T) {
	r := trace.New(trace.Options{Now: time.Now, Recent: 64})
	for range 1000 { // fill the rings
		r.End(r.Begin(trace.Request))
	}
	n := testing.AllocsPerRun(1000, func() { travel(r, 12) })
	if n >= 1 { // the pool may be emptied by a collection in between
		t.Errorf("%.2f allocations per journey, want 0", n)
	}
}

func travel(r *trace.Recorder, hops int) {
	j := r.Begin(trace.Request)
	for range hops {
		j.Begin(trace.SQL, "select").OK()
	}
	r.End(j)
}

func BenchmarkJourney(b *testing.B) {
	for _, hops := range []int{0, 4, 12} {
		b.Run(fmt.Sprintf("hops=%d", hops), func(b *testing.B) {
			r := trace.New(trace.Options{Now: time.Now, Recent: 4096})
			for range 8192 {
				r.End(r.Begin(trace.Request))
			}
			b.ReportAllocs()
			for b.Loop() {
				travel(r, hops)
			}
		})
	}
}

func BenchmarkJourney_ManyGoroutines(b *testing.B) {
	r := trace.New(trace.Options{Now: time.Now, Recent: 4096})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			travel(r, 12)
		}
	})
}
