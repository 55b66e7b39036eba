package trace_test

import (
	"context"
	"io"
	"sync"
	"syscall"
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

// create is a request of 12 hops as the stations write them: those of the gate take no time of their own, and some follow upon
// each other at once.
func create(r *trace.Recorder) {
	j := r.Begin(trace.Request)
	j.Method, j.Host, j.Path, j.Status = "POST", "gallery.test", "/api/photos", 201
	j.Add(trace.Hop{Layer: trace.Firewall, Verdict: trace.OK, Name: "web", N: [2]int64{1, 443}, Start: -4e6})
	j.Add(trace.Hop{Layer: trace.TLS, Verdict: trace.OK, Name: "gallery.test", Note: "TLS 1.3 h2", Start: -4e6, Took: 3e6})
	for _, l := range []trace.Layer{trace.CORS, trace.Limit, trace.Route} {
		j.Add(trace.Hop{Layer: l, Verdict: trace.OK, Name: "/api/", Note: "roundtrip.yaml:7:9", Start: int64(j.Elapsed())})
	}
	j.SetRoute("photos.create")
	j.Begin(trace.Auth, "session").End(trace.Cached, trace.None)
	j.SetAccount(7)
	j.Begin(trace.Access, "photos.create").Note("true").Then(trace.OK, trace.Schema, "photos.create").OK()
	j.Begin(trace.Pool, "store.writer").N(1, 1024).Then(trace.OK, trace.Commit, "create photos").OK()
	j.Begin(trace.Pool, "store.readers").N(1, 4).OK()
	j.Begin(trace.SQL, "load photos").N(1, 0).OK()
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

// cpuTime is the processor time of the whole process.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkBudget prints what a request of 12 hops costs: to hold are 1.5 µs of CPU and no allocation.
func BenchmarkBudget(b *testing.B) {
	for _, c := range []struct {
		name string
		log  bool
		walk func(r *trace.Recorder)
	}{
		{"a create, not kept", false, create},
		{"a create, with its log line", true, create},
		{"each hop alone, not kept", false, func(r *trace.Recorder) { walk(r, trace.None) }},
		{"each hop alone, kept", false, func(r *trace.Recorder) { walk(r, trace.ReasonOf("access.rule_denied")) }},
	} {
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
				c.walk(r)
			}
			b.ReportAllocs()
			start := cpuTime(b)
			defer func() { b.ReportMetric(float64(cpuTime(b)-start)/float64(b.N), "cpu-ns/op") }() // steadier than the clock on a busy machine
			for b.Loop() {
				c.walk(r)
			}
		})
	}
}
