package trace

import (
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"
)

// Keep says which journeys are held longer than most. What was made to find something out, what a trusted caller traces,
// and the first of each route and reason for some time are kept besides.
type Keep struct {
	Errors   bool          // what failed, or was answered with 5xx
	Refusals bool          // what something refused
	Slow     float64       // what is slower than this part of its route's requests: 0.99; 0: none is too slow
	Over     time.Duration // what took longer than this; 0: none is too slow
	Waits    time.Duration // what waited for at least this long at one hop, or would have been refused; 0: none
	Sample   float64       // this part of all: 0.01
	For      time.Duration // nothing is held longer than this, but what is pinned; 0: until newer ones push it out
}

// firstFor is for how long a first of its kind stays the only one.
const firstFor = 10 * time.Minute

// judge notes why an ended journey is kept, and says where it goes. overShare reports that it would be kept, had its
// network not had so many already.
func (r *Recorder) judge(j *Journey, rt *route) (l lane, overShare bool) {
	keep := r.keep.Load()
	k := j.Kept
	if j.failed() {
		k |= Errored
	} else if j.Reason != None {
		k |= Denied
	}
	if keep.Over > 0 && j.Took > keep.Over {
		k |= Slow
	} else if slow := rt.slow.Load(); slow > 0 && int64(j.Took) > slow && keep.Slow > 0 {
		k |= Slow
	}
	if keep.Waits > 0 && j.waited(int64(keep.Waits)) {
		k |= Missed
	}
	if keep.Sample > 0 && rand.Float64() < keep.Sample { //nolint:gosec // a sample, not a secret
		k |= Sampled
	}
	since := j.Start.Sub(r.began)
	if rt.due(j.Reason, since) {
		k |= First
	}
	if !keep.Errors {
		k &^= Errored
	}
	if !keep.Refusals {
		k &^= Denied
	}
	if l = laneOf(j.Kind, k); l >= laneFailed && (r.share == nil || !r.share.take(j.Client, k, j.Start)) {
		overShare = r.share != nil
		k, l = k&^(Errored|Denied|Slow|First|Missed|Sampled), laneRecent
	} else if k&First != 0 && !rt.first(j.Reason, since) { // asked only now: one that is not kept leaves its place to the next
		k &^= First
		l = laneOf(j.Kind, k)
	}
	if l == laneRecent && j.Kind != Request {
		l = laneOther
	}
	j.Kept = k
	return l, overShare
}

// laneOf says which lane is for journeys that are kept for these causes. What is rare comes first, so that it does not go
// where much is: whoever comes by can have handshakes fail and send reports, so those have no place among our own failures.
func laneOf(kind Kind, k Kept) lane {
	switch {
	case k&(Probed|First) != 0:
		return laneChosen
	case k&Errored != 0 && (kind == Request || kind == Event || kind == Push):
		return laneFailed
	case k&(Errored|Denied) != 0:
		return laneRefused
	case k&(Slow|Missed) != 0:
		return laneSlow
	case k&(Sampled|Traced) != 0:
		return laneSample
	}
	return laneRecent
}

// failed reports whether something went wrong on our side.
func (j *Journey) failed() bool {
	if j.Kind == Request && (j.Status >= 500 || j.Code.failed()) {
		return true
	}
	return j.Decided >= 0 && j.hops[j.Decided].Verdict != Deny
}

// waited reports whether a hop waited for at least floor ns, or would have refused the journey.
func (j *Journey) waited(floor int64) bool {
	for i := range j.Len() {
		if !j.marks.isDone(i) {
			continue
		}
		if h := &j.hops[i]; h.Verdict == Shadowed || h.Verdict == Wait && h.Took >= floor {
			return true
		}
	}
	return false
}

// share bounds how much of what is kept one network of clients may fill: a flood of refused strangers must not push out
// what others did.
type share struct {
	seed   maphash.Seed
	perMin uint32
	slots  [1024]atomic.Uint64 // tag (24 bits), minute (20), count (20)
}

func newShare(kept int) *share {
	return &share{seed: maphash.MakeSeed(), perMin: uint32(max(8, kept/64))}
}

// take reports whether one more journey of the client may be kept. Probes are ours, and so is who comes from this machine.
func (s *share) take(a netip.Addr, k Kept, at time.Time) bool {
	if k&Probed != 0 || !a.IsValid() || a.IsLoopback() {
		return true
	}
	bits := 24
	if a = a.Unmap(); a.Is6() {
		bits = 56
	}
	p, _ := a.Prefix(bits)
	h := maphash.Comparable(s.seed, p)
	slot := &s.slots[h%uint64(len(s.slots))]
	mark := h>>40<<40 | uint64(at.Unix()/60)&(1<<20-1)<<20
	for {
		old := slot.Load()
		next := mark | 1
		if old>>20 == mark>>20 {
			if uint32(old&(1<<20-1)) >= s.perMin {
				return false
			}
			next = old + 1
		}
		if slot.CompareAndSwap(old, next) {
			return true
		}
	}
}
