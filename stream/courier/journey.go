package courier

import (
	"context"

	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// try does a job once, and keeps a journey of that which leads back to the request that left the job.
func (c *Courier) try(ctx context.Context, job store.Job) Outcome {
	j := c.o.Recorder.Begin(trace.Push)
	if j != nil {
		j.Route = c.o.Name
		j.Link(trace.Link{Role: trace.Cause, Evidence: trace.Seen, ID: job.Cause})
	}
	got := c.o.Do(trace.With(ctx, j), job)
	got.Why = plain(got.Why)
	if j == nil {
		return got
	}
	j.Status = got.Status
	j.Add(c.hop(got, job, int64(j.Elapsed())))
	c.o.Recorder.End(j)
	return got
}

// hop is a try as its journey has it: which one it was, and what came of it.
func (c *Courier) hop(got Outcome, job store.Job, took int64) trace.Hop {
	h := trace.Hop{
		Layer: c.o.Layer, Verdict: trace.OK, Evidence: got.Evidence, Name: c.o.Name, Note: got.Why, Took: took,
		N: [2]int64{int64(job.Tries), int64(got.Status)},
	}
	switch {
	case got.Skipped:
		h.Verdict = trace.Skip
	case !got.Done:
		h.Verdict, h.Reason = trace.Fail, trace.ReasonOf("app.internal")
		if got.Reason != "" {
			h.Reason = trace.ReasonOf(got.Reason)
		}
	case h.Note == "":
		h.Note = "taken; whether anybody saw it is not known"
	}
	return h
}
