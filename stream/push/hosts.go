package push

import (
	"sync"
	"time"
)

const (
	hostFails = 3           // failures in a row after which a push service is left alone
	hostRest  = time.Minute // for how long; then one message tries it
	hostsMax  = 10_000      // of which failures are known
)

// hosts knows which push services fail. An endpoint is chosen by whoever subscribes: one that only takes time would
// otherwise hold up the messages to everybody else, with each notification that its owner provokes.
type hosts struct {
	mu sync.Mutex // guards of
	of map[string]*host
}

type host struct {
	failed int // in a row
	rest   time.Time
}

// wait returns how long a host is left alone, 0 for not at all. Whoever gets 0 for one that was down tries it for all.
func (h *hosts) wait(name string, now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.of[name]
	switch {
	case at == nil || at.failed < hostFails:
		return 0
	case now.Before(at.rest):
		return at.rest.Sub(now)
	}
	at.rest = now.Add(hostRest)
	return 0
}

// note keeps how a try went.
func (h *hosts) note(name string, ok bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ok {
		delete(h.of, name)
		return
	}
	if len(h.of) > hostsMax {
		clear(h.of)
	}
	at := h.of[name]
	if at == nil {
		at = &host{}
		h.of[name] = at
	}
	if at.failed++; at.failed >= hostFails {
		at.rest = now.Add(hostRest)
	}
}
