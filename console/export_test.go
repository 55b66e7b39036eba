package console

import (
	"slices"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Patterns are the routes of the API.
func (c *Console) Patterns() []string {
	var all []string
	for _, r := range c.routes() {
		all = append(all, r.pattern)
	}
	return all
}

// Beat ends a slice of the pulse, as the clock does every few seconds.
func (c *Console) Beat() { c.pulse.beat() }

// Quantile is the time within which that part of requests that took so long were answered.
func Quantile(took []time.Duration, part float64) time.Duration {
	s := slice{buckets: make([]uint64, len(trace.Edges())+1)}
	for _, d := range took {
		i, _ := slices.BinarySearch(trace.Edges(), d)
		s.buckets[i]++
	}
	return s.quantile(uint64(len(took)), part)
}

// Sweep ends the sessions that nobody comes back to, as the clock does every minute.
func (c *Console) Sweep() { c.sweep() }
