package trace

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// RouteStats says how the requests of one route went since the start.
type RouteStats struct {
	Route    string // the template; "" is of those that found none
	Count    uint64
	Sum      time.Duration
	Buckets  []uint64        // how many took at most as long as the edge of the same index in [Edges] and longer than the one before it
	Classes  [6]uint64       // by the first digit of the status; 0: without one
	Codes    map[Code]uint64 // how calls of gRPC, gRPC-Web and Connect ended; nil: there were none
	Refusals []Refusal
	Slow     time.Duration // above it a request is slower than most; 0: too few were seen
}

// Refusal counts the requests of a route that ended for one reason.
type Refusal struct {
	Class  int  // the first digit of the status
	Code   Code // of a call
	Reason Reason
	Count  uint64
}

// Routes returns how the requests of each route went, sorted by route.
func (r *Recorder) Routes() []RouteStats {
	if r == nil {
		return nil
	}
	var list []RouteStats
	for _, rt := range r.routes.all() {
		h, why := r.measured(rt)
		s := RouteStats{Route: rt.name, Sum: h.sum, Buckets: h.buckets[:], Classes: h.class, Slow: time.Duration(rt.slow.Load())}
		for _, n := range h.buckets {
			s.Count += n
		}
		if s.Count == 0 {
			continue
		}
		if h.code != nil {
			s.Codes = map[Code]uint64{}
			for c, n := range h.code {
				if n > 0 {
					s.Codes[Code(c)] = n
				}
			}
		}
		for by, n := range why {
			s.Refusals = append(s.Refusals, Refusal{by.class, by.code, by.why, n})
		}
		slices.SortFunc(s.Refusals, func(a, b Refusal) int {
			return cmp.Or(a.Class-b.Class, cmp.Compare(a.Code, b.Code), cmp.Compare(a.Reason, b.Reason))
		})
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b RouteStats) int { return strings.Compare(a.Route, b.Route) })
	return list
}

// measured puts together what the shards have counted of a route.
func (r *Recorder) measured(rt *route) (h *histogram, why map[refusal]uint64) {
	h, why = &histogram{}, map[refusal]uint64{}
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		if rt.number < len(s.hists) && s.hists[rt.number] != nil {
			h.merge(s.hists[rt.number])
		}
		for by, n := range s.why {
			if by.route == rt.number {
				why[by] += n
			}
		}
		s.mu.Unlock()
	}
	return h, why
}
