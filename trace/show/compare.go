package show

import (
	"math"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Pair is a hop of one journey beside the same hop of another. One of both may be missing.
type Pair struct {
	Layer   string         `json:"layer"`
	Name    string         `json:"name,omitempty"`
	A       *trace.HopView `json:"a"`
	B       *trace.HopView `json:"b"`
	MS      float64        `json:"ms"`                // how much longer it took in B
	Differs []string       `json:"differs,omitempty"` // there, verdict, reason, time: the last one beyond what two runs differ by anyhow
	Largest bool           `json:"largest,omitempty"` // of all that differ in time, the most
}

const (
	noiseMS   = 0.25 // what two runs differ by anyhow, in ms
	noisePart = 0.3  // and as a part of the shorter time
)

// Compare puts the hops of two journeys beside each other: those of the same layer and name, the first with the first. They
// come in the order of b, and what only a has stands where it was.
func Compare(a, b trace.View) []Pair {
	pairs := align(a.Hops, b.Hops)
	largest, most := -1, 0.0
	for i := range pairs {
		p := &pairs[i]
		p.judge()
		if d := math.Abs(p.MS); len(p.Differs) > 0 && d > most {
			largest, most = i, d
		}
	}
	if largest >= 0 {
		pairs[largest].Largest = true
	}
	return pairs
}

// align finds for each hop of b the next one of a that is alike.
func align(a, b []trace.HopView) []Pair {
	var pairs []Pair
	taken := make([]bool, len(a))
	next := 0 // of a: those before it are told
	for i := range b {
		found := -1
		for k := range a {
			if !taken[k] && a[k].Layer == b[i].Layer && a[k].Name == b[i].Name {
				found = k
				break
			}
		}
		if found >= 0 {
			for ; next < found; next++ {
				if !taken[next] && !later(a[next], b[i:]) {
					taken[next] = true
					pairs = append(pairs, Pair{Layer: a[next].Layer, Name: a[next].Name, A: &a[next]})
				}
			}
			taken[found] = true
			pairs = append(pairs, Pair{Layer: b[i].Layer, Name: b[i].Name, A: &a[found], B: &b[i]})
			continue
		}
		pairs = append(pairs, Pair{Layer: b[i].Layer, Name: b[i].Name, B: &b[i]})
	}
	for k := range a {
		if !taken[k] {
			pairs = append(pairs, Pair{Layer: a[k].Layer, Name: a[k].Name, A: &a[k]})
		}
	}
	return pairs
}

// later reports whether a hop like h is still to come.
func later(h trace.HopView, rest []trace.HopView) bool {
	for i := range rest {
		if rest[i].Layer == h.Layer && rest[i].Name == h.Name {
			return true
		}
	}
	return false
}

func (p *Pair) judge() {
	switch {
	case p.A == nil:
		p.MS, p.Differs = p.B.MS, []string{"there"}
		return
	case p.B == nil:
		p.MS, p.Differs = -p.A.MS, []string{"there"}
		return
	}
	p.MS = math.Round((p.B.MS-p.A.MS)*1000) / 1000
	if p.A.Verdict != p.B.Verdict {
		p.Differs = append(p.Differs, "verdict")
	}
	if p.A.Reason != p.B.Reason {
		p.Differs = append(p.Differs, "reason")
	}
	if p.A.T < 0 && p.B.T < 0 {
		return // of the connection, which is another journey
	}
	if d := math.Abs(p.MS); d > noiseMS && d > noisePart*min(p.A.MS, p.B.MS) {
		p.Differs = append(p.Differs, "time")
	}
}
