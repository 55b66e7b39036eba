package pool

import (
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
)

// condition is what health checks say of an upstream.
type condition uint8

const (
	well     condition = iota // it answered, or is never asked
	unproven                  // it was not asked yet
	unwell                    // it gives wrong answers
)

// Upstream is one server behind a route. It outlives the pool that made it where the next declaration has it too.
type Upstream struct {
	Declared  config.Upstream
	transport Transport
	leaving   chan struct{} // closed when its streams should go
	quiet     chan struct{} // closed when it left and its last request has ended

	// What follows is guarded by the ward of its pools.

	running int
	left    bool

	condition condition
	since     time.Time // of the condition, or of the ejection
	right     int       // right answers to health checks in a row
	wrong     int

	faults    int       // of requests, in a row
	ejected   bool      // requests failed too often
	until     time.Time // ejected: from then on one request is let through to try it
	trial     bool      // which is on its way
	ejections int       // one soon after the other: each lasts twice as long
	back      time.Time // when it came back, for the slow start; zero: long ago

	lastError string
	lastAt    time.Time
	firstByte time.Duration // moving average
}

func newUpstream(declared config.Upstream, t Transport, now time.Time) *Upstream {
	return &Upstream{Declared: declared, transport: t, since: now, leaving: make(chan struct{}), quiet: make(chan struct{})}
}

// Name returns the URL that it was declared with.
func (u *Upstream) Name() string { return u.Declared.URL }

// Transport returns what carries requests to it.
func (u *Upstream) Transport() Transport { return u.transport }

// Leaving is closed when no declaration has the upstream any more, or the server stops: upgraded streams are told to go.
// Requests that run have the time of timeouts.drain; then the transport is closed.
func (u *Upstream) Leaving() <-chan struct{} { return u.leaving }

// leave says that there will be no more requests. It is called under the lock.
func (u *Upstream) leave() {
	if u.left {
		return
	}
	u.left = true
	close(u.leaving)
	if u.running == 0 {
		close(u.quiet)
	}
}

// ended counts one request that has ended. It is called under the lock.
func (u *Upstream) ended() {
	u.running--
	if u.running > 0 || !u.left {
		return
	}
	select {
	case <-u.quiet: // it was quiet before: the request met an old route table
	default:
		close(u.quiet)
	}
}
