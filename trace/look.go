package trace

import (
	"encoding/hex"
	"slices"
	"strings"
)

// findMin is how many hex digits of an id are needed to find a journey by.
const findMin = 6

// pinsMax is how many journeys may be pinned at once: nothing pushes them out.
const pinsMax = 100

// Select returns copies of the journeys that the filter takes, newest first, at most n.
func (r *Recorder) Select(f Filter, n int) []Snapshot {
	if r == nil || n <= 0 {
		return nil
	}
	var all []Snapshot
	take := func(left *int) func(j *Journey) bool {
		return func(j *Journey) bool {
			if s := j.head(); f.Match(&s) {
				s.fill(j)
				all = append(all, s)
				*left--
			}
			return *left > 0
		}
	}
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for l := range s.lanes {
			left := n
			if lane(l) == laneSpill {
				left = len(s.lanes[l].slots) // the newest may stand anywhere
			}
			s.lanes[l].each(take(&left))
		}
		s.mu.Unlock()
	}
	left := n
	r.eachSaved(take(&left))
	sortNewest(all)
	return all[:min(n, len(all))]
}

// Find returns a copy of the journey with that id: 32 hex digits, or at least six with which only one begins.
func (r *Recorder) Find(id string) (Snapshot, bool) {
	if r == nil || len(id) < findMin || len(id) > 2*len(ID{}) {
		return Snapshot{}, false
	}
	id = strings.ToLower(id)
	var found Snapshot
	var is, other ID
	r.each(func(j *Journey) {
		switch {
		case !j.ID.begins(id) || j.ID == is:
		case is == ID{}:
			is, found = j.ID, j.snapshot()
		default:
			other = j.ID
		}
	})
	return found, is != ID{} && other == ID{}
}

// begins reports whether the hex digits of the id begin with those, in lower case.
func (id *ID) begins(digits string) bool {
	var b [2 * len(ID{})]byte
	hex.Encode(b[:], id[:])
	return string(b[:len(digits)]) == digits
}

// Following returns copies of the journeys with a link to that one, the oldest first: the requests of a connection, the
// events of a request.
func (r *Recorder) Following(id ID) []Snapshot {
	if r == nil {
		return nil
	}
	var all []Snapshot
	r.each(func(j *Journey) {
		if slices.ContainsFunc(j.links[:j.nlink], func(l Link) bool { return l.ID == id }) {
			all = append(all, j.snapshot())
		}
	})
	sortNewest(all)
	slices.Reverse(all)
	return all
}

// Pin keeps a journey until it is unpinned. It reports whether it could: the journey must still be held, and not too many
// be pinned.
func (r *Recorder) Pin(id ID, on bool) bool {
	if r == nil {
		return false
	}
	done := false
	r.each(func(j *Journey) {
		switch is := j.Kept&Pinned != 0; {
		case j.ID != id:
		case is == on:
			done = true
		case !on:
			j.Kept &^= Pinned
			r.pins.Add(-1)
			done = true
		case r.pins.Add(1) <= pinsMax:
			j.Kept |= Pinned
			done = true
		default:
			r.pins.Add(-1)
		}
	})
	r.release()
	return done
}

// release lets go of the saved journeys that nobody has pinned any more.
func (r *Recorder) release() {
	r.saved.Lock()
	defer r.saved.Unlock()
	r.pinned = slices.DeleteFunc(r.pinned, func(j *Journey) bool { return j.Kept&Pinned == 0 })
}

// each calls do for all journeys that are held, under the lock of where they are.
func (r *Recorder) each(do func(j *Journey)) {
	all := func(j *Journey) bool { do(j); return true }
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for l := range s.lanes {
			s.lanes[l].each(all)
		}
		s.mu.Unlock()
	}
	r.eachSaved(all)
}

// eachSaved calls do for the pinned journeys that fell out of their rings, the newest first, until it returns false.
func (r *Recorder) eachSaved(do func(j *Journey) bool) {
	r.saved.Lock()
	defer r.saved.Unlock()
	for _, j := range slices.Backward(r.pinned) {
		if !do(j) {
			return
		}
	}
}
