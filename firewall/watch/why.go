package watch

import "github.com/roundtrip-dev/roundtrip/trace"

// Told is a drop with what the policy in force says of it.
type Told struct {
	Drop

	Nearest string   // the rule that came nearest to letting it pass, and what it lacks
	Would   []string // what would let it pass
	Short   string   // one sentence of both
}

// Listing is what is known of drops at one moment.
type Listing struct {
	Drops     []Told // newest first
	Turn      uint64 // of the newest
	Kernel    bool   // the kernel enforces, and its drops are listened to
	Lost      int64  // times that the kernel threw packets away before they were read
	Odd       int64  // messages that could not be read
	Forgotten uint64 // packets of drops that had to make place for others
	Fault     string // why the kernel's drops are not heard of, "" where they are
}

// Drops lists what changed after a turn, newest first and at most n; after turn 0, all.
func (w *Watch) Drops(turn uint64, n int) Listing {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := Listing{Turn: w.drops.turn, Kernel: w.listening, Lost: w.lost, Odd: w.odd, Forgotten: w.drops.forgotten}
	if w.wrong != nil && w.listening {
		l.Fault = w.wrong.Error()
	}
	for _, d := range w.drops.since(turn, n) {
		l.Drops = append(l.Drops, w.why(&d))
	}
	return l
}

// why says what the policy in force has to say of a drop, which may be another one than that by which it was dropped.
func (w *Watch) why(d *Drop) Told {
	told := Told{Drop: *d, Short: d.Reason.Fix()}
	if d.Reason == trace.ReasonOf("firewall.table_full") || d.Reason == trace.ReasonOf("firewall.invalid_state") {
		return told // of these the rules know nothing
	}
	if w.policy == nil {
		told.Short = "there are no groups any more"
		return told
	}
	e := w.policy.Explain(d.Flow)
	if told.Would = e.Would; len(e.Blockers) > 0 {
		told.Nearest = e.Blockers[0].Why
	}
	told.Short = d.Flow.Traffic() + " " + e.Short()
	if e.Allowed {
		told.Short = "it would pass now: " + e.Because
	}
	if told.Nearest == "" && !e.Allowed {
		told.Nearest = e.Because
	}
	return told
}
