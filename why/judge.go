package why

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Sides is what both sides saw: all that is judged by. A pure function of it is the decision table.
type Sides struct {
	Facts *Facts
	Begun *Begun // nil: no server of ours was asked
	Saw   *Saw
	Done  bool // nothing more comes
	Alone string
}

// The verdicts of a step beside those of trace.
const (
	notSent    = "not sent"
	notReached = "not reached"
	unknown    = "unknown"
)

// Judge makes a step of each station that is known so far, in the order in which a request meets them.
func Judge(s *Sides) []Step {
	var steps []Step
	add := func(all ...Step) {
		for _, step := range all {
			step.Number = len(steps) + 1
			steps = append(steps, step)
		}
	}
	f := s.Facts
	if f.Browser != nil {
		add(s.judgeBrowser()...)
		return steps
	}
	if f.Names == nil {
		return nil
	}
	add(s.judgeNames())
	if len(f.Dials) > 0 {
		add(s.judgeDoor()...)
		add(s.judgeConnection(refusedAt(steps)))
	}
	if len(f.Dials) > 0 && f.Dials[len(f.Dials)-1].Failure == None {
		add(s.judgeTLS(refusedAt(steps)))
		add(s.judgePage()...)
		if f.Preflight != nil {
			add(s.judgePreflight())
		}
		if f.Answer != nil && s.Done {
			add(s.judgeAnswer()...)
		}
	}
	if s.Done {
		add(s.rest(steps)...)
	}
	return steps
}

// refusedAt reports whether one of the steps stops it.
func refusedAt(steps []Step) bool { return slices.ContainsFunc(steps, Step.refused) }

func (s Step) refused() bool {
	return s.Verdict == trace.Deny.String() || s.Verdict == trace.Fail.String() || s.Verdict == trace.Timeout.String()
}

// pass makes a step that nothing stopped.
func pass(l trace.Layer, title, sentence string, took time.Duration, side Side) Step {
	return Step{Layer: l.String(), Title: title, Verdict: trace.OK.String(), Sentence: sentence, MS: millis(took), Side: side, Evidence: trace.Seen.String()}
}

// stop makes a step that stops the request.
func stop(l trace.Layer, title, code, sentence string, took time.Duration, side Side) Step {
	r := trace.ReasonOf(code)
	if sentence == "" {
		sentence = r.Text()
	}
	return Step{
		Layer: l.String(), Title: title, Verdict: trace.Deny.String(), Sentence: sentence, MS: millis(took), Side: side,
		Evidence: trace.Seen.String(), Reason: r.Code(), Flag: r.Flag(), Fix: r.Fix(),
	}
}

func skip(l trace.Layer, title, sentence string) Step {
	return Step{Layer: l.String(), Title: title, Verdict: trace.Skip.String(), Sentence: sentence, Side: Nobody, Evidence: trace.Seen.String()}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// rest are the stations that were not reached, so that nobody takes them for passed.
func (s *Sides) rest(steps []Step) []Step {
	f := s.Facts
	var all []Step
	miss := func(l trace.Layer, title, sentence string) {
		all = append(all, Step{Layer: l.String(), Title: title, Verdict: notReached, Sentence: sentence, Side: Nobody, Evidence: trace.Seen.String()})
	}
	if len(f.Dials) == 0 {
		miss(trace.TCP, "tcp", "not reached")
	}
	if f.TLS == nil && f.Target.Secure && (len(f.Dials) == 0 || f.Dials[len(f.Dials)-1].Failure != None) {
		miss(trace.TLS, "tls", "not reached")
	}
	if f.Answer == nil {
		what := "not sent"
		if f.Mixed || f.Preflight != nil && f.Preflight.Failure == None && refusedAt(steps) {
			what = "not sent, as a browser would not send it (--anyway goes on)"
		} else if f.TLS != nil && f.TLS.Reason != "" && f.TLS.Leaf != nil {
			what = "not sent, as a browser would not send it (--anyway goes on)"
		}
		all = append(all, Step{Layer: trace.App.String(), Title: s.requestTitle(), Verdict: notSent, Sentence: what, Side: Nobody, Evidence: trace.Seen.String()})
	}
	return all
}

func (s *Sides) requestTitle() string {
	if s.Facts.Target.Socket {
		return "websocket"
	}
	if s.Facts.Call {
		return "call"
	}
	return "request"
}

// ours reports whether the address is one of the server's machine.
func (s *Sides) ours(a netip.Addr) bool {
	if s.Begun == nil {
		return false
	}
	return a.IsLoopback() || slices.Contains(s.Begun.Reach, a) || s.Saw != nil && slices.Contains(s.Saw.Own, a)
}

func addresses(all []netip.Addr) string {
	words := make([]string, len(all))
	for i, a := range all {
		words[i] = a.String()
	}
	return strings.Join(words, ", ")
}

// reached is the try that counts: the last one where it became a connection, else the first to which there is a way.
func (s *Sides) reached() *Dial {
	all := s.Facts.Dials
	if last := &all[len(all)-1]; last.Failure == None {
		return last
	}
	for i := range all {
		if all[i].Failure != Unreachable {
			return &all[i]
		}
	}
	return &all[0]
}

// view is the server's record of a request.
func (s *Sides) view(e *Exchange) *trace.View {
	if s.Saw == nil || e == nil || e.ID == "" {
		return nil
	}
	for i := range s.Saw.Requests {
		if s.Saw.Requests[i].ID == e.ID {
			return &s.Saw.Requests[i]
		}
	}
	return nil
}

// Conclude says in one sentence what all the steps come to.
func Conclude(s *Sides) *Answer {
	f := s.Facts
	a := &Answer{
		URL: f.Target.Shown, Method: f.Method, Origin: f.Origin, Stopped: -1, Foreign: s.Begun == nil, Steps: Judge(s), Server: s.view(f.Answer),
	}
	if a.Server == nil {
		a.Server = s.view(f.Preflight)
	}
	if a.Server != nil {
		a.Journey = a.Server.ID
	}
	a.Stopped = slices.IndexFunc(a.Steps, Step.refused)
	a.Unknown = s.unknown(a)
	if a.Stopped < 0 {
		a.Well = true
		s.well(a)
		return a
	}
	step := a.Steps[a.Stopped]
	a.Reason, a.Flag, a.Layer, a.Fix, a.Where = step.Reason, step.Flag, step.Layer, step.Fix, step.Where
	a.Sentence = fmt.Sprintf("Stopped at %s: %s", step.Title, sentence(step.Sentence))
	return a
}

// sentence ends with a full stop.
func sentence(text string) string {
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

// unknown are the things that can't be known from here.
func (s *Sides) unknown(a *Answer) []string {
	var all []string
	switch {
	case s.Begun == nil:
		all = append(all, "Only this side is known: "+orElse(s.Alone, "no Roundtrip server was asked what it saw."))
	case !s.Begun.Ours:
		all = append(all, "The server that was asked has neither this name nor its zone: what happened behind the connection is not known.")
	}
	if a.Stopped >= 0 {
		switch step := a.Steps[a.Stopped]; step.Reason {
		case "connection.refused":
			all = append(all, "A closed port and a firewall that rejects look the same from this side.")
		case "connection.timed_out", "connection.not_seen":
			all = append(all, "Which device on the way drops the packets can't be seen from either end.")
		}
	}
	if b := s.Facts.Browser; b != nil {
		if a.Server != nil && !s.Facts.exact {
			all = append(all, "The server's record was found by the browser's address, the path and the time, since a page can't mark its requests: it is likely the right one, and not more.")
		}
		if a.Stopped >= 0 && !s.arrived() && !s.Facts.Mixed {
			all = append(all, "Extensions, service workers and a missing permission for the local network stop requests too, and no page is told.")
		}
		return all
	}
	if a.Stopped < 0 && s.Facts.Origin != "" {
		all = append(all, "What only a browser knows is not looked at: extensions, service workers, its caches, a permission for the local network.")
	}
	return all
}
