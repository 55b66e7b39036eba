package dns

import (
	"hash/maphash"
	"sync"
)

// How many queries of one reader have a journey in a second, beside those of probes. Others in the list of journeys must not
// be pushed out of it by a flood of questions.
const (
	samplesMax  = 1
	refusalsMax = 5
	firstsMax   = 5
	firstAgain  = 60 // seconds after which a kind of answer counts as new
)

// sampler decides which queries have a journey.
type sampler struct {
	mu     sync.Mutex // guards all below
	seed   maphash.Seed
	second int64
	// taken in this second
	samples, refusals, firsts int
	seen                      [512]int64 // by the hash of a kind: the second in which it was last taken
}

func newSampler() *sampler { return &sampler{seed: maphash.MakeSeed()} }

// take decides about a query: in a second that it came, about a zone, with an answer of a kind, refused or not.
func (s *sampler) take(second int64, zone []byte, kind uint64, refused bool) bool {
	i := (maphash.Bytes(s.seed, zone) + kind*0x9e3779b97f4a7c15) % uint64(len(s.seen))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.second != second {
		s.second, s.samples, s.refusals, s.firsts = second, 0, 0, 0
	}
	switch {
	case second-s.seen[i] >= firstAgain && s.firsts < firstsMax:
		s.firsts++
	case refused && s.refusals < refusalsMax:
		s.refusals++
	case s.samples < samplesMax:
		s.samples++
	default:
		return false
	}
	s.seen[i] = second
	return true
}
