package trace

// counts is what a shard has counted. Its lock guards it.
type counts struct {
	kinds [kindCount]uint64
	kept  [len(keptWords)]uint64
	share uint64
	hops  uint64
}

// refusal is what refusals are counted by.
type refusal struct {
	route int
	class int // of the status
	code  Code
	why   Reason
}

// refusalsMax bounds how many refusals are told apart; the reasons and routes are declared, so it takes a large
// declaration and many ways to be refused to come near it.
const refusalsMax = 4096

// tally counts a journey. The lock must be held.
func (s *shard) tally(j *Journey, route int, overShare bool) {
	if int(j.Kind) < len(s.count.kinds) {
		s.count.kinds[j.Kind]++
	}
	for i, k := 0, j.Kept; k != 0 && i < len(s.count.kept); i, k = i+1, k>>1 {
		s.count.kept[i] += uint64(k & 1)
	}
	if overShare {
		s.count.share++
	}
	s.count.hops += uint64(j.Dropped)
	if j.Reason != None {
		if by := (refusal{route, j.Status / 100, j.Code, j.Reason}); len(s.why) < refusalsMax || s.why[by] > 0 {
			s.why[by]++
		}
	}
	for len(s.hists) <= route {
		s.hists = append(s.hists, nil)
	}
	if s.hists[route] == nil {
		s.hists[route] = &histogram{}
	}
	s.hists[route].add(j.Took, j.Status, j.Code)
}

// Stats says what a recorder has done since its start.
type Stats struct {
	Recorded uint64            `json:"recorded"` // journeys that ended
	Kinds    map[string]uint64 `json:"kinds"`    // the same, by their kind
	Kept     map[string]uint64 `json:"kept"`     // by why; one may have several causes
	Held     int               `json:"held"`     // that can be looked at now
	HeldKept int               `json:"held_kept"`
	Pinned   int               `json:"pinned"`
	Bounded  uint64            `json:"bounded"`  // not kept, since their network had its share already
	Hops     uint64            `json:"hops"`     // hops that had no room in their journey
	LogLines uint64            `json:"log_lost"` // lines of the access log that could not be written
}

// Stats returns the counts.
func (r *Recorder) Stats() Stats {
	s := Stats{Kinds: map[string]uint64{}, Kept: map[string]uint64{}}
	if r == nil {
		return s
	}
	for i := range r.shards {
		r.shards[i].stats(&s)
	}
	s.Pinned = int(r.pins.Load())
	r.saved.Lock()
	s.Held += len(r.pinned)
	s.HeldKept += len(r.pinned)
	r.saved.Unlock()
	s.LogLines = r.log.lost()
	return s
}

func (s *shard) stats(to *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, n := range s.count.kinds {
		if n > 0 {
			to.Kinds[Kind(k).String()] += n
			to.Recorded += n
		}
	}
	for i, n := range s.count.kept {
		if n > 0 {
			to.Kept[keptWords[i]] += n
		}
	}
	to.Bounded += s.count.share
	to.Hops += s.count.hops
	for l := range s.lanes {
		s.lanes[l].each(func(*Journey) bool {
			to.Held++
			if lane(l) >= laneFailed {
				to.HeldKept++
			}
			return true
		})
	}
}
