package trace

import (
	"time"
)

// histogram counts how long the requests of a route took. A shard's lock guards it.
type histogram struct {
	buckets [bucketCount]uint64
	sum     time.Duration
	class   [6]uint64      // by status: 2 is 2xx; 0 is what has none
	code    *[codes]uint64 // of calls; nil: the route has none
}

// bucketCount is the number of buckets: one for each edge, and one for what took longer.
const bucketCount = len(bucketEdges) + 1

// bucketEdges are the upper ends of the buckets in ns, from 10 µs to 100 s. They are preferred numbers (ISO 3, R10): about
// 25 % apart, and round for those who read them.
var bucketEdges = [...]time.Duration{
	10_000, 12_500, 16_000, 20_000, 25_000, 31_500, 40_000, 50_000, 63_000, 80_000,
	100_000, 125_000, 160_000, 200_000, 250_000, 315_000, 400_000, 500_000, 630_000, 800_000,
	1_000_000, 1_250_000, 1_600_000, 2_000_000, 2_500_000, 3_150_000, 4_000_000, 5_000_000, 6_300_000, 8_000_000,
	10_000_000, 12_500_000, 16_000_000, 20_000_000, 25_000_000, 31_500_000, 40_000_000, 50_000_000, 63_000_000, 80_000_000,
	100_000_000, 125_000_000, 160_000_000, 200_000_000, 250_000_000, 315_000_000, 400_000_000, 500_000_000, 630_000_000, 800_000_000,
	1_000_000_000, 1_250_000_000, 1_600_000_000, 2_000_000_000, 2_500_000_000, 3_150_000_000, 4_000_000_000, 5_000_000_000, 6_300_000_000, 8_000_000_000,
	10_000_000_000, 12_500_000_000, 16_000_000_000, 20_000_000_000, 25_000_000_000, 31_500_000_000, 40_000_000_000, 50_000_000_000, 63_000_000_000, 80_000_000_000,
	100_000_000_000,
}

// Edges returns the upper ends of the buckets of [RouteStats]; the last bucket has none.
func Edges() []time.Duration { return bucketEdges[:] }

// bucketOf returns the bucket of a duration: the first whose edge is not below it.
func bucketOf(d time.Duration) int {
	lo, n := 0, bucketCount-1
	for n > 0 { // the same number of steps for each d, without a branch that could be guessed wrong
		half := n / 2
		if bucketEdges[lo+half] < d {
			lo, n = lo+half+1, n-half-1
		} else {
			n = half
		}
	}
	return lo
}

func (h *histogram) add(d time.Duration, status int, code Code) {
	if code != 0 && code < codes {
		if h.code == nil {
			h.code = new([codes]uint64)
		}
		h.code[code]++
	}
	h.buckets[bucketOf(d)]++
	h.sum += d
	if c := status / 100; c > 0 && c < len(h.class) {
		h.class[c]++
	} else {
		h.class[0]++
	}
}

// merge adds what another one counted.
func (h *histogram) merge(o *histogram) {
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
	h.sum += o.sum
	for i, n := range o.class {
		h.class[i] += n
	}
	if o.code == nil {
		return
	}
	if h.code == nil {
		h.code = new([codes]uint64)
	}
	for i, n := range o.code {
		h.code[i] += n
	}
}
