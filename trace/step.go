package trace

// Layer is a station of the path, in path order.
type Layer uint8

// The layers. Their numbers are the exit status of commands (less ten), so new ones go at the end.
const (
	DNS Layer = iota + 1
	Firewall
	TCP
	TLS
	Route
	CORS
	Limit
	Static
	Proxy
	Auth
	Access
	Schema
	Pool
	SQL
	Commit
	Files
	Stream
	App
	Webhook
	WebPush
	Mail
	Client // the browser or program that asks: seen by roundtrip why and by reports of browsers only
)

// String returns the layer's short name, as it stands in the waterfall.
func (l Layer) String() string {
	names := [...]string{"", "dns", "firewall", "tcp", "tls", "route", "cors", "limit", "static", "proxy", "auth", "access", "schema", "pool", "sql", "commit", "files", "stream", "app", "webhook", "push", "mail", "client"}
	if int(l) < len(names) {
		return names[l]
	}
	return "unknown"
}

// Verdict is what a station decided.
type Verdict uint8

// The verdicts.
const (
	Open     Verdict = iota // the step has not ended
	OK                      // passed
	Deny                    // refused on purpose
	Fail                    // could not
	Timeout                 // had no time left
	Wait                    // passed, after waiting
	Cached                  // answered from memory
	Skip                    // does not apply here
	Shadowed                // would have been refused
)

// String returns the verdict's word.
func (v Verdict) String() string {
	names := [...]string{"open", "ok", "deny", "error", "timeout", "wait", "cached", "skip", "shadow"}
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}

// Refused reports whether the station let nothing pass.
func (v Verdict) Refused() bool { return v == Deny || v == Fail || v == Timeout }

// Evidence says how a hop is known.
type Evidence uint8

// The kinds of evidence, the strongest first.
const (
	Seen      Evidence = iota // we did it or saw it ourselves
	Reported                  // another party that was there told us, such as the kernel
	Likely                    // it follows from what was seen, unless something changed in between
	Hint                      // something points to it
	Predicted                 // our model says so; nobody looked
)

// String returns the evidence's word.
func (e Evidence) String() string {
	names := [...]string{"seen", "reported", "likely", "hint", "predicted"}
	if int(e) < len(names) {
		return names[e]
	}
	return "unknown"
}

// Hop is one station's entry. Start is nanoseconds since the journey's start and may be negative for what happened
// before its first byte.
type Hop struct {
	Layer    Layer
	Verdict  Verdict
	Evidence Evidence
	Reason   Reason
	Start    int64  // ns since the journey's start
	Took     int64  // ns
	Name     string // an interned name: site, route, rule, statement; never text that a client sent
	Note     string // one short sentence or value, for those who may see it
	N        [2]int64
}

// Step is an open hop. It belongs to one goroutine at a time, and must be closed. The zero Step does nothing.
type Step struct {
	j    *Journey
	i    int32  // -1: it had no room
	turn uint32 // of the journey when it was opened
}

// hop returns the hop while it is open, else nil.
func (s Step) hop() *Hop {
	if s.j == nil || s.i < 0 || s.j.turn.Load() != s.turn || !s.j.marks.isOpen(int(s.i)) {
		return nil
	}
	return &s.j.hops[s.i]
}

// OK closes the step: passed.
func (s Step) OK() { s.End(OK, None) }

// Deny closes the step: refused, and why.
func (s Step) Deny(r Reason) { s.End(Deny, r) }

// End closes the step. A step that is closed already stays as it is.
func (s Step) End(v Verdict, r Reason) {
	if h := s.hop(); h != nil {
		s.close(h, int64(s.j.since()), v, r)
	}
}

// Then closes a step that let the request pass, and opens the one that follows upon it at the same moment: it reads the clock
// once, which is a third of what both cost. It is for stations between which nothing is done.
func (s Step) Then(v Verdict, layer Layer, name string) Step {
	if s.j == nil || s.j.turn.Load() != s.turn {
		return Step{}
	}
	h := s.hop()
	if h == nil {
		return s.j.Begin(layer, name)
	}
	now := int64(s.j.since())
	s.close(h, now, v, None)
	i := s.j.slot()
	if i < 0 {
		return s.j.nowhere()
	}
	return s.j.open(i, layer, name, now)
}

func (s Step) close(h *Hop, now int64, v Verdict, r Reason) {
	h.Took, h.Verdict, h.Reason = now-h.Start, v, r
	s.j.marks.done(s.i)
}

// Note adds a short text to the open step.
func (s Step) Note(text string) Step {
	if h := s.hop(); h != nil {
		h.Note = bounded(text)
	}
	return s
}

// N adds two numbers to the open step, such as busy and total connections of a pool.
func (s Step) N(a, b int64) Step {
	if h := s.hop(); h != nil {
		h.N = [2]int64{a, b}
	}
	return s
}
