package show

import (
	"cmp"
	"slices"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// span is one row of a waterfall: a hop, or time that no hop accounts for.
type span struct {
	hop      *trace.HopView // nil: unaccounted
	from, to float64        // ms since the start
	decided  bool
}

// early reports whether the span ended so long before the request that it belongs to another one's time.
func (s *span) early() bool { return s.to < -earlyMax }

// gapLeast is how much time must be unaccounted for before that is told, in ms.
const gapLeast = 1.0

// spansOf returns the hops in the order in which they began, and the gaps between them.
func spansOf(v *trace.View) []span {
	hops := make([]span, len(v.Hops))
	for i := range v.Hops {
		h := &v.Hops[i]
		hops[i] = span{hop: h, from: h.T, to: h.T + h.MS, decided: i == v.Decided}
	}
	slices.SortStableFunc(hops, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	if v.Dropped > 0 || slices.ContainsFunc(v.Hops, func(h trace.HopView) bool { return h.Verdict == trace.Open.String() }) {
		return hops // what is not known can't be told from what took no hop
	}
	var all []span
	covered := 0.0 // up to where hops account for the time
	for _, s := range hops {
		if s.from-covered > gapLeast {
			all = append(all, span{from: covered, to: s.from})
		}
		covered = max(covered, s.to)
		all = append(all, s)
	}
	if v.MS-covered > gapLeast {
		all = append(all, span{from: covered, to: v.MS})
	}
	return all
}

// slowest returns the span that took the largest part of the request itself, and which part, from 0 to 1.
func slowest(spans []span, total float64) (most *span, part float64) {
	if total <= 0 {
		return nil, 0
	}
	for i := range spans {
		s := &spans[i]
		if p := (s.to - max(s.from, 0)) / total; s.to > 0 && p > part {
			most, part = s, min(p, 1)
		}
	}
	return most, part
}
