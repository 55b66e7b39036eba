package trace

import "sync"

// shard is a part of what is held; several of them keep the cores from waiting for each other.
type shard struct {
	mu    sync.Mutex // guards all below
	seq   uint64     // of the last journey that ended here
	lanes [laneCount]ring
	count counts
	hists []*histogram // by the number of the route
	why   map[refusal]uint64
	_     [24]byte // keeps neighbours off one cache line
}

// lane is one of the rings of a shard. There are several, so that much of one kind can't push out what is rare.
type lane uint8

const (
	laneRecent  lane = iota // requests that are nothing special
	laneOther               // what else is nothing special: connections, queries, events
	laneSpill               // what newer ones of its kind pushed out of a kept lane; its order is not that in which they ended
	laneFailed              // kept from here on
	laneRefused             // and failures of what strangers alone make: handshakes, reports
	laneSlow                // slow ones, and those that waited
	laneSample              // the sample, and what trusted callers trace
	laneChosen              // probes, and the first of their kind
	laneCount
)

// keptLanes is how many lanes are for what is kept.
const keptLanes = int(laneCount - laneFailed)

// ring holds the last journeys of one lane. Its slots are nil where none was yet, or where it was taken out.
type ring struct {
	slots []*Journey
	next  int
}

func (s *shard) init(recent, kept int) {
	for l := range s.lanes {
		n := recent / shardCount
		switch {
		case lane(l) == laneOther, lane(l) == laneSpill:
			n = max(recent/4, min(recent, 64)) / shardCount
		case lane(l) >= laneFailed:
			n = (kept + keptLanes*shardCount - 1) / (keptLanes * shardCount)
		}
		if lane(l) < laneFailed {
			n = max(1, n)
		}
		s.lanes[l].slots = make([]*Journey, n)
	}
	s.why = map[refusal]uint64{}
}

// put takes an ended journey in and returns the one that it pushes out, if any.
func (s *shard) put(j *Journey, l lane, route int, overShare bool) (old *Journey) {
	s.mu.Lock()
	s.seq++
	j.seq = s.seq
	s.tally(j, route, overShare)
	old = s.lanes[l].put(j)
	if old != nil && l >= laneFailed && old.Kept&Pinned == 0 { // many of one kind: it is recent all the same
		old = s.lanes[laneSpill].put(old)
	}
	s.mu.Unlock()
	return old
}

func (r *ring) put(j *Journey) (old *Journey) {
	old, r.slots[r.next] = r.slots[r.next], j
	if r.next++; r.next == len(r.slots) {
		r.next = 0
	}
	return old
}

// each calls do for the journeys of the ring, the newest first, until it returns false.
func (r *ring) each(do func(j *Journey) bool) {
	r.walk(func(_ int, j *Journey) bool { return do(j) })
}

// walk is each, with the slots that they are in.
func (r *ring) walk(do func(slot int, j *Journey) bool) {
	for k := range r.slots {
		i := r.next - 1 - k
		if i < 0 {
			i += len(r.slots)
		}
		if j := r.slots[i]; j != nil && !do(i, j) {
			return
		}
	}
}
