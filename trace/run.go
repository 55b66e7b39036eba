package trace

import (
	"context"
	"time"
)

// tend is how often the recorder looks after what it holds.
const tend = 10 * time.Second

// What is slow is judged by about the last windowMax requests of a route, once there were slowMin of them.
const (
	slowMin   = 200
	windowMax = 4096
)

// Run forgets journeys that are older than Keep.For, and learns how long the requests of each route take, until ctx ends.
func (r *Recorder) Run(ctx context.Context) error {
	if r == nil {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(tend)
	defer tick.Stop()
	windows := map[*route]*window{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			r.tend(windows)
		}
	}
}

// tend does what Run does at each tick.
func (r *Recorder) tend(windows map[*route]*window) {
	keep := r.keep.Load()
	if keep.For > 0 {
		r.forget(r.now().Add(-keep.For))
	}
	for _, rt := range r.routes.all() {
		h, _ := r.measured(rt)
		w := windows[rt]
		if w == nil {
			w = &window{}
			windows[rt] = w
		}
		w.take(h)
		rt.slow.Store(int64(w.quantile(keep.Slow)))
	}
}

// forget lets go of what ended before then.
func (r *Recorder) forget(before time.Time) {
	for i := range r.shards {
		for _, j := range r.shards[i].takeOld(before) {
			r.recycle(j)
		}
	}
}

// takeOld takes the journeys out that ended before then.
func (s *shard) takeOld(before time.Time) (old []*Journey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.lanes {
		for i, j := range s.lanes[l].slots {
			if j != nil && j.Start.Add(j.Took).Before(before) {
				s.lanes[l].slots[i] = nil
				old = append(old, j)
			}
		}
	}
	return old
}

// window is how long the last requests of a route took.
type window struct {
	seen  [bucketCount]uint64 // what the route's histogram had at the last look
	last  [bucketCount]uint64
	total uint64
}

// take adds what came since the last look. Beyond windowMax what is older counts half, so that the window follows.
func (w *window) take(h *histogram) {
	if w.total > windowMax {
		w.total = 0
		for i := range w.last {
			w.last[i] /= 2
			w.total += w.last[i]
		}
	}
	for i, n := range h.buckets {
		w.last[i] += n - w.seen[i]
		w.total += n - w.seen[i]
		w.seen[i] = n
	}
}

// quantile returns what that part of the requests took at most, 0 where too few were seen, or where that is beyond the last
// edge.
func (w *window) quantile(q float64) time.Duration {
	if q <= 0 || w.total < slowMin {
		return 0
	}
	left := float64(w.total) * q
	for i, edge := range bucketEdges {
		if left -= float64(w.last[i]); left <= 0 {
			return edge
		}
	}
	return 0
}
