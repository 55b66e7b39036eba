package app

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	trafficFor  = 5 * time.Minute // how far back an overview looks
	trafficMost = 1024            // and at how many journeys at the most
)

// connections is what those that became no request are counted by.
const connections = "connection"

// traffic is what the last minutes' journeys tell of how things are.
type traffic struct {
	requests int
	failed   int // they could not be answered as they ought to be
	refused  int // something refused them on purpose
	span     time.Duration
	trouble  []trouble
	drops    int // journeys of packets that were dropped
	lost     int // connections that became no request
}

// trouble is requests of one route that ended for one reason.
type trouble struct {
	what    string // POST /api/
	of      int    // requests of the route
	n       int    // those of the reason
	layer   trace.Layer
	name    string // of the deciding hop
	verdict trace.Verdict
	reason  trace.Reason
	last    trace.ID
	path    string // of the last
}

// trafficOf looks at what the recorder has.
func trafficOf(r *trace.Recorder, now time.Time) *traffic {
	t := &traffic{}
	byRoute := map[string]int{}
	oldest := now
	for _, s := range r.Select(trace.Filter{Since: now.Add(-trafficFor)}, trafficMost) {
		if s.Start.Before(oldest) {
			oldest = s.Start
		}
		switch s.Kind {
		case trace.Drop:
			t.drops++
		case trace.Connection:
			byRoute[connections]++
			if s.Reason != trace.None {
				t.lost++
				t.add(&s, connections)
			}
		case trace.Request:
			t.requests++
			what := s.Method + " " + routeOf(&s)
			byRoute[what]++
			t.add(&s, what)
		case trace.Query, trace.Event, trace.Push, trace.Report:
			if s.Decided >= 0 && s.Kind != trace.Query {
				t.add(&s, s.Kind.String())
			}
		}
	}
	t.span = now.Sub(oldest)
	for i := range t.trouble {
		if t.trouble[i].of = byRoute[t.trouble[i].what]; t.trouble[i].of == 0 {
			t.trouble[i].of = t.trouble[i].n
		}
	}
	slices.SortStableFunc(t.trouble, func(a, b trouble) int { return b.n - a.n })
	return t
}

// routeOf is the template of a journey's route; without one it is the path that was asked for.
func routeOf(s *trace.Snapshot) string { return cmp.Or(s.Route, s.Path) }

// add counts a journey that something stopped, or would have.
func (t *traffic) add(s *trace.Snapshot, what string) {
	at := s.Decided
	if at < 0 {
		at = slices.IndexFunc(s.Hops, func(h trace.Hop) bool { return h.Verdict == trace.Shadowed })
	}
	if at < 0 || at >= len(s.Hops) {
		return
	}
	h := &s.Hops[at]
	switch {
	case s.Kind != trace.Request:
	case h.Verdict == trace.Fail || h.Verdict == trace.Timeout:
		t.failed++
	default:
		t.refused++
	}
	i := slices.IndexFunc(t.trouble, func(b trouble) bool { return b.what == what && b.reason == h.Reason && b.name == h.Name })
	if i < 0 {
		i = len(t.trouble)
		t.trouble = append(t.trouble, trouble{what: what, layer: h.Layer, name: h.Name, verdict: h.Verdict, reason: h.Reason, last: s.ID, path: s.Path})
	}
	t.trouble[i].n++
}

// sentence says how much there was.
func (t *traffic) sentence() string {
	switch {
	case t.requests == 0:
		return "no request in the last 5 minutes"
	case t.failed+t.refused == 0:
		return count(t.requests, "request") + " in the last " + minutes(t.span) + ", all answered"
	}
	text := count(t.requests, "request") + " in the last " + minutes(t.span)
	if t.failed > 0 {
		text += fmt.Sprintf(", %d failed", t.failed)
	}
	if t.refused > 0 {
		text += fmt.Sprintf(", %d refused (most often %s)", t.refused, t.most())
	}
	return text
}

// most is the reason that is the most frequent among refusals.
func (t *traffic) most() string {
	for _, b := range t.trouble {
		if b.verdict != trace.Fail && b.verdict != trace.Timeout {
			return b.reason.Code()
		}
	}
	return "of no known reason"
}

func minutes(d time.Duration) string {
	switch {
	case d < 2*time.Second:
		return "second"
	case d < 2*time.Minute:
		return count(int(d/time.Second), "second")
	}
	return count(int(d/time.Minute), "minute")
}

// part says how much of a route's requests ended for a reason.
func (b *trouble) part() string {
	if b.of <= b.n {
		return fmt.Sprintf("every %s (%d)", b.what, b.n)
	}
	return fmt.Sprintf("%.0f %% of %s (%d of %d)", 100*float64(b.n)/float64(b.of), b.what, b.n, b.of)
}

// at lists what was stopped at some layers.
func (t *traffic) at(layers ...trace.Layer) []trouble {
	var all []trouble
	for _, b := range t.trouble {
		if slices.Contains(layers, b.layer) {
			all = append(all, b)
		}
	}
	return all
}
