package courier

import (
	"sync"
	"time"
)

const (
	downAfter = 8                // failures in a row after which a receiver counts as down
	downPause = 10 * time.Second // how long it is left alone between two tries then
)

// health is what is known of a receiver. One that is down is asked with one message at a time until it takes one, instead
// of with all that wait for it.
type health struct {
	mu     sync.Mutex // guards the rest
	failed int        // in a row
	rest   time.Time  // it is left alone until then
}

// note keeps how a try went.
func (h *health) note(ok bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ok {
		h.failed, h.rest = 0, time.Time{}
		return
	}
	if h.failed++; h.failed >= downAfter {
		h.rest = now.Add(downPause)
	}
}

// most returns how many messages may be under way.
func (h *health) most(now time.Time, all int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.failed < downAfter:
		return all
	case now.Before(h.rest):
		return 0
	}
	return 1
}

// until returns how long the receiver is left alone.
func (h *health) until() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rest
}
