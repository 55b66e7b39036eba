package overview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	trafficFor  = 5 * time.Minute // how far back an overview looks
	trafficMost = 1024            // and at how many journeys at the most
)

// connections is what those that became no request are counted by.
const connections = "connections"

// traffic is what the last minutes' journeys tell of how things are.
type traffic struct {
	requests int
	failed   int // they could not be answered as they ought to be
	refused  int // something refused them on purpose
	span     time.Duration
	trouble  []trouble
	drops    int // journeys of packets that were dropped
	lost     int // connections that became no request
	nameless int // questions for names that are not there
}

// trouble is requests of one route that ended for one reason.
type trouble struct {
	what    string // POST /api/
	of      int    // requests of the route
	n       int    // those of the reason
	since   int    // of the route's that went well, those that came after the first of these
	after   int    // and those that came after the last
	layer   trace.Layer
	name    string // of the deciding hop
	verdict trace.Verdict
	reason  trace.Reason
	last    trace.ID
	at      time.Time // of the last
	path    string
}

// trafficOf looks at what the recorder has.
func trafficOf(r *trace.Recorder, now time.Time) *traffic {
	t := &traffic{}
	byRoute := map[string]int{}
	good := map[string]int{} // those that went well; the newest come first
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
			if s.Reason == trace.None {
				good[connections]++
				continue
			}
			t.lost++
			t.add(&s, connections, good[connections])
		case trace.Request:
			t.requests++
			what := s.Method + " " + routeOf(&s)
			byRoute[what]++
			if !t.add(&s, what, good[what]) {
				good[what]++
			}
		case trace.Query:
			if s.Reason.Code() == "dns.no_name" {
				t.nameless++
			}
		case trace.Event, trace.Push, trace.Report:
			if s.Decided >= 0 {
				t.add(&s, s.Kind.String(), 0)
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

// add counts a journey that something stopped, or would have, and reports whether something did. Of its route, so many that
// are newer went well.
func (t *traffic) add(s *trace.Snapshot, what string, newer int) bool {
	at := s.Decided
	if at < 0 {
		at = slices.IndexFunc(s.Hops, func(h trace.Hop) bool { return h.Verdict == trace.Shadowed })
	}
	if at < 0 || at >= len(s.Hops) {
		return false
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
		t.trouble = append(t.trouble, trouble{what: what, layer: h.Layer, name: h.Name, verdict: h.Verdict, reason: h.Reason, last: s.ID, at: s.Start, path: s.Path, after: newer})
	}
	t.trouble[i].n++
	t.trouble[i].since = newer
	return true
}

// troubleLeast is how many must end for one reason before somebody should look: one may be anybody's.
const troubleLeast = 3

// stands reports whether somebody should look: several ended for the reason, they are no less than a part of their route's or
// none went well since, and not as many went well after the last of them.
func (b *trouble) stands(part float64) bool {
	return part < never && b.n >= troubleLeast && b.after < b.n && (b.since == 0 || float64(b.n) >= part*float64(max(b.n, b.of)))
}

// isFailure reports whether something broke, as opposed to was refused.
func (b *trouble) isFailure() bool { return b.verdict == trace.Fail || b.verdict == trace.Timeout }

// short is what a station says of trouble at which nobody need look: 1 handshake failed (tls.client_rejected_ca).
func (b *trouble) short() string {
	noun, verb := "request", "was"
	switch {
	case b.what == connections && b.layer == trace.TLS:
		noun = "handshake"
	case b.what == connections:
		noun = "connection"
	case !strings.Contains(b.what, " "):
		noun = b.what
	}
	if b.n > 1 {
		verb, noun = "were", noun+"s"
		if strings.HasSuffix(noun, "shs") {
			noun = strings.TrimSuffix(noun, "s") + "es"
		}
	}
	switch {
	case b.isFailure() || b.what == connections:
		verb = "failed"
	case b.verdict == trace.Shadowed:
		verb += " kept from the page"
	default:
		verb += " refused"
	}
	return fmt.Sprintf("%d %s %s (%s)", b.n, noun, verb, b.reason.Code())
}

// sentence says how much there was.
func (t *traffic) sentence() string {
	switch {
	case t.requests == 0:
		return "no request in the last 5 minutes"
	case t.failed+t.refused == 0:
		return terminal.Count(t.requests, "request") + " in the last " + minutes(t.span) + ", all answered"
	}
	text := terminal.Count(t.requests, "request") + " in the last " + minutes(t.span)
	if t.failed > 0 {
		text += fmt.Sprintf(", %d failed", t.failed)
	}
	if t.refused > 0 {
		text += fmt.Sprintf(", %d refused (most often %s)", t.refused, t.most())
	}
	return text
}

// whole says how things are where all stations are well.
func (t *traffic) whole() string {
	var parts []string
	if t.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s failed", t.failed, terminal.Count(t.requests, "request")))
	}
	if t.refused > 0 {
		verb, most := "were", ", most by "
		if t.refused == 1 {
			verb, most = "was", " by "
		}
		parts = append(parts, fmt.Sprintf("%d of %s %s refused%s%s", t.refused, terminal.Count(t.requests, "request"), verb, most, t.most()))
	}
	if t.lost > 0 {
		parts = append(parts, terminal.Count(t.lost, "connection")+" came to no request")
	}
	if t.nameless > 0 {
		verb := "were"
		if t.nameless == 1 {
			verb = "was"
		}
		parts = append(parts, terminal.Count(t.nameless, "question")+" "+verb+" for names that are not there")
	}
	if len(parts) == 0 {
		return "All is well: " + t.sentence() + "."
	}
	return "All stations are well; in the last " + minutes(t.span) + " " + strings.Join(parts, ", ") + "."
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
		return terminal.Count(int(d/time.Second), "second")
	}
	return terminal.Count(int(d/time.Minute), "minute")
}

// part says how much of a route's requests ended for a reason.
func (b *trouble) part() string {
	if b.of <= b.n {
		if b.what == connections {
			return fmt.Sprintf("all %d connections", b.n)
		}
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
