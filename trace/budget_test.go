package trace_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// keeping is how production keeps journeys.
func keeping() trace.Options {
	return trace.Options{Now: time.Now, Recent: 4096, Kept: 2048, Keep: trace.Keep{
		Errors: true, Refusals: true, Slow: 0.99, Waits: 10 * time.Millisecond, Sample: 0.01, For: 15 * time.Minute,
	}}
}

// walk is a request of 12 hops; one that is denied is kept.
func walk(r *trace.Recorder, denied trace.Reason) {
	j := r.Begin(trace.Request)
	j.Method, j.Host, j.Path, j.Status = "GET", "gallery.test", "/api/photos/7", 200
	j.SetRoute("photos.get")
	for range 11 {
		j.Begin(trace.SQL, "select").OK()
	}
	if denied == trace.None {
		j.Begin(trace.Access, "photos.get").OK()
	} else {
		j.Status = 403
		j.Begin(trace.Access, "photos.get").Deny(denied)
	}
	r.End(j)
}

// TestBudget_AllocatesNothing walks with a line of the log for each request, kept and not kept. Viewers poll in between, as
// often as a page would in a second of ten thousand requests; what they allocate is theirs and is not counted.
func TestBudget_AllocatesNothing(t *testing.T) {
	denied := trace.ReasonOf("access.rule_denied")
	for name, why := range map[string]trace.Reason{"not kept": trace.None, "kept": denied} {
		t.Run(name, func(t *testing.T) {
			o := keeping()
			o.Log = trace.NewLog(io.Discard)
			r := trace.New(o)
			ctx, cancel := context.WithCancel(t.Context())
			var run sync.WaitGroup
			run.Go(func() { _ = o.Log.Run(ctx) })
			defer run.Wait()
			defer cancel()
			for range 20_000 { // fill the rings, and what they are made of
				walk(r, why)
			}
			at := make([]trace.Cursor, 3)
			for range 5 {
				for i := range at {
					_, at[i], _ = r.After(at[i], trace.Filter{Kept: trace.Denied}, 100)
				}
				if n := testing.AllocsPerRun(2000, func() { walk(r, why) }); n >= 1 { // a collection in between may empty the pool
					t.Errorf("%.2f allocations for each request, want 0", n)
				}
			}
		})
	}
}

// BenchmarkBudget prints what a request of 12 hops costs: to hold are 1.5 µs of CPU and no allocation.
func BenchmarkBudget(b *testing.B) {
	for _, c := range []struct {
		name string
		why  trace.Reason
		log  bool
	}{{"not kept", trace.None, false}, {"kept", trace.ReasonOf("access.rule_denied"), false}, {"with its log line", trace.None, true}} {
		b.Run(c.name, func(b *testing.B) {
			o := keeping()
			if c.log {
				o.Log = trace.NewLog(io.Discard)
				ctx, cancel := context.WithCancel(b.Context())
				var run sync.WaitGroup
				run.Go(func() { _ = o.Log.Run(ctx) })
				defer run.Wait()
				defer cancel()
			}
			r := trace.New(o)
			for range 20_000 {
				walk(r, c.why)
			}
			b.ReportAllocs()
			for b.Loop() {
				walk(r, c.why)
			}
		})
	}
}
