package console

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	pulseEvery  = 5 * time.Second
	pulseSlices = 60 // five minutes
)

// pulse is how the requests of the last minutes went, in slices of time. It is made of what the recorder counts, which is each
// request, and not of the journeys that it kept.
type pulse struct {
	recorder *trace.Recorder
	now      func() time.Time

	mu     sync.Mutex // guards all below
	at     time.Time  // where the newest slice ended
	before []uint64   // the counts at that time, by bucket of [trace.Edges]
	slices []slice    // the oldest first
}

// slice is what ended within some time.
type slice struct {
	took    time.Duration
	buckets []uint64
}

func newPulse(r *trace.Recorder, now func() time.Time) *pulse {
	p := &pulse{recorder: r, now: now, at: now()}
	p.before = p.counts()
	return p
}

// run ends a slice every few seconds, until ctx ends.
func (p *pulse) run(ctx context.Context) {
	tick := time.NewTicker(pulseEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.beat()
		}
	}
}

// beat ends a slice.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, counts, at := p.open()
	p.slices = append(p.slices, s)
	if len(p.slices) > pulseSlices {
		p.slices = p.slices[1:]
	}
	p.before, p.at = counts, at
}

// open is the slice that has not ended, with the counts and the time that it goes up to.
func (p *pulse) open() (slice, []uint64, time.Time) {
	counts, at := p.counts(), p.now()
	s := slice{took: at.Sub(p.at), buckets: make([]uint64, len(counts))}
	for i := range counts {
		s.buckets[i] = counts[i] - p.before[i]
	}
	return s, counts, at
}

// counts are all requests that ended since the start, by how long they took.
func (p *pulse) counts() []uint64 {
	all := make([]uint64, len(trace.Edges())+1)
	for _, r := range p.recorder.Routes() {
		for i, n := range r.Buckets {
			all[i] += n
		}
	}
	return all
}

// shownPulse is what the page draws.
type shownPulse struct {
	shownSlice // of all slices

	Slices []shownSlice `json:"slices"` // the oldest first; the last has not ended
}

// shownSlice says how many requests ended within some time, and within how many ms half and 99 of 100 of them were answered.
type shownSlice struct {
	MS  float64 `json:"ms"` // how long the slice is
	N   uint64  `json:"n"`
	P50 float64 `json:"p50,omitempty"`
	P99 float64 `json:"p99,omitempty"`
}

func (p *pulse) show() shownPulse {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, counts, _ := p.open()
	all := slice{buckets: make([]uint64, len(counts))}
	var out shownPulse
	for _, s := range append(p.slices[:len(p.slices):len(p.slices)], last) {
		all.took += s.took
		for i, n := range s.buckets {
			all.buckets[i] += n
		}
		out.Slices = append(out.Slices, s.shown())
	}
	out.shownSlice = all.shown()
	return out
}

func (s slice) shown() shownSlice {
	out := shownSlice{MS: ms(s.took)}
	for _, n := range s.buckets {
		out.N += n
	}
	if out.N > 0 {
		out.P50, out.P99 = ms(s.quantile(out.N, 0.5)), ms(s.quantile(out.N, 0.99))
	}
	return out
}

// quantile is the time within which that part of n requests were answered. Between the edges of a bucket, which lie 25 % apart,
// it takes them as spread evenly.
func (s slice) quantile(n uint64, part float64) time.Duration {
	edges := trace.Edges()
	rank := part * float64(n)
	var below uint64
	for i, in := range s.buckets {
		if in == 0 || float64(below+in) < rank {
			below += in
			continue
		}
		if i == len(edges) {
			break
		}
		var from time.Duration
		if i > 0 {
			from = edges[i-1]
		}
		return from + time.Duration((rank-float64(below))/float64(in)*float64(edges[i]-from))
	}
	return edges[len(edges)-1]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func (c *Console) showPulse(*http.Request) (any, error) { return c.pulse.show(), nil }
