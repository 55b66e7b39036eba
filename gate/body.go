package gate

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// drainTime is what a client has to send the rest of a body that nobody read.
const drainTime = 5 * time.Second

// bodyRateMin is how many bytes a second a client must send on average, once it has been waited for as long as a stall may
// last. The slowest modems were thrice as fast.
const bodyRateMin = 240

// drainBytesMax is how much of a refused body is read so that the client gets its answer.
const drainBytesMax = 4 << 20

// body is the body of a request as handlers read it: bounded in bytes, and in the time without one.
//
// Its errors are *roundtrip.Error: over the limit (which wraps an *http.MaxBytesError), and a client that stalls.
type body struct {
	x        *exchange
	src      io.ReadCloser
	limit    int64
	left     int64
	calls    bool // the limit is for each message
	messages messages
	err      error // what every further Read returns

	trailers trailers
	waited   time.Duration // in Read, for the client
	got      int64         // bytes

	mu        sync.Mutex // guards the four below: Abandon comes from another goroutine than Read
	until     time.Time
	abandoned bool
	both      bool // the answer has begun
	ended     bool // the deadline is net/http's again

	refusal atomic.Pointer[roundtrip.Error] // why the body was not taken; a Read may run beside the answer
}

// open puts the body into r, where there is one. Where it is one of messages, the limit is for each of them.
func (b *body) open(x *exchange, r *http.Request, limit int64, calls bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	b.x, b.src, b.limit, b.left, b.calls = x, r.Body, limit, limit, calls
	r.Body = b
	b.trailers.announce(r)
	if r.ProtoMajor == 1 {
		x.moveWrite() // for the 100 Continue that net/http writes before the first Read
	}
}

// Read reads the next part.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	began, ok := b.moveRead()
	if !ok {
		b.err = errAbandoned
		return 0, b.err
	}
	if !b.calls && int64(len(p)) > b.left+1 { // one more than the limit tells a body that is too long from one that just fits
		p = p[:b.left+1]
	}
	n, err := b.src.Read(p)
	if err == nil && b.tooSlow(began, n) {
		err = stalled(os.ErrDeadlineExceeded)
	}
	n, err = b.count(p[:n], err)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		b.trailers.keep(b.x.req)
		if b.x.req.ProtoMajor == 1 { // net/http goes on reading, to see the client leave: that has no deadline
			b.mu.Lock()
			b.ended = true
			_ = http.NewResponseController(b.x.w).SetReadDeadline(time.Time{})
			b.mu.Unlock()
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		if err = stalled(err); b.isAbandoned() && b.x.gate.now().Before(b.until) {
			err = errAbandoned // the deadline was of who wants no more of it
		}
	}
	if why := b.x.facts.Refused(b.x.turn); why != nil {
		err = why
	}
	b.err = err
	if e, ok := errors.AsType[*roundtrip.Error](err); ok {
		b.refusal.Store(e)
	}
	return n, err
}

// count takes what was read off what there may be, and returns what may be handed on of it.
func (b *body) count(p []byte, err error) (int, error) {
	if b.calls {
		if good, ok := b.messages.feed(p, b.limit); !ok {
			return good, tooLarge(b.limit)
		}
		return len(p), err
	}
	n := len(p)
	if int64(n) > b.left {
		n, err = int(b.left), tooLarge(b.limit)
	}
	b.left -= int64(n)
	return n, err
}

// Abandon ends a Read that waits, and all that follow: nobody wants the rest of the body. It may be called while another
// goroutine reads, as where an upstream has answered before it had all of a request.
func (b *body) Abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.abandoned = true
	if b.ended {
		return
	}
	_ = http.NewResponseController(b.x.w).SetReadDeadline(b.x.gate.now().Add(-time.Second))
}

func (b *body) isAbandoned() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.abandoned
}

// Close closes the body; net/http reads the rest.
func (b *body) Close() error { return b.src.Close() }

// note writes into the journey why the body was not taken, once nobody reads it any more.
func (b *body) note() {
	if e := b.refusal.Load(); e != nil {
		_ = b.x.deny("body", e) // the handler has answered with it
		b.x.journey.SetReason(trace.ReasonOf(e.Reason))
	}
}

// moveRead keeps the read deadline ahead of now, by at least what a stalled sender gets. It reports false where the body
// was abandoned.
func (b *body) moveRead() (now time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = b.x.gate.now()
	if b.abandoned {
		return now, false
	}
	if stall := b.x.gate.times.Stall; !b.both && b.until.Sub(now) < stall {
		b.until = now.Add(stall + stall/2)
		_ = http.NewResponseController(b.x.w).SetReadDeadline(b.until) // a writer without deadlines is one of a test
	}
	return now, true
}

// tooSlow counts what a Read took, and reports whether a client sends so slowly that it only means to hold the connection:
// a byte now and then is progress, and would be enough for ever.
func (b *body) tooSlow(began time.Time, n int) bool {
	b.waited += b.x.gate.now().Sub(began)
	b.got += int64(n)
	return b.waited > b.x.gate.times.Stall && b.got < int64(b.waited.Seconds()*bodyRateMin) && !b.isBoth()
}

// answering lifts the bounds of time from a body whose answer has begun beside it, over a protocol where both go at once:
// a call of gRPC may be open for hours and silent for minutes. The proxy answers so, and bounds both ways together by its
// timeouts.idle; and calls do, whose service knows when they end.
func (b *body) answering() {
	if b.src == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.both = true; !b.ended && !b.abandoned {
		_ = http.NewResponseController(b.x.w).SetReadDeadline(time.Time{})
	}
}

func (b *body) isBoth() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.both
}

// finish looks after what the handler left of a body. Over HTTP/1 net/http reads some of it, here only the time for that is
// bounded. Over HTTP/2 it resets the stream, and some clients (curl 7.88) then lose the answer that says why: so a part of
// it is read first.
func (b *body) finish(x *exchange) {
	if x.req.Body == nil || x.req.Body == http.NoBody || errors.Is(b.err, io.EOF) {
		return
	}
	if x.req.ProtoMajor == 1 {
		if b.err == nil || errors.Is(b.err, errAbandoned) {
			_ = http.NewResponseController(x.w).SetReadDeadline(x.gate.now().Add(drainTime))
		}
		return
	}
	if x.req.Method == http.MethodConnect || errors.Is(b.err, os.ErrDeadlineExceeded) {
		return // what comes on a CONNECT has no end, and from who stalls nothing comes
	}
	if x.status >= http.StatusBadRequest || x.denied { // but not of a stream of gRPC, which its client may hold open
		_ = http.NewResponseController(x.w).SetReadDeadline(x.gate.now().Add(drainTime))
		_, _ = io.CopyN(io.Discard, x.req.Body, drainBytesMax) // whatever ends it, the answer is ready
	}
}

// errAbandoned is what a Read of an abandoned body returns.
var errAbandoned = errors.New("gate: nobody wants the rest of the body")

func tooLarge(limit int64) *roundtrip.Error {
	e := roundtrip.E(roundtrip.TooLarge, "request.body_too_large", "The body is larger than %d bytes, which is the limit here.", limit)
	e.Err = &http.MaxBytesError{Limit: limit}
	return e
}

func stalled(cause error) *roundtrip.Error {
	e := roundtrip.E(roundtrip.Invalid, "request.timeout", "The body stopped arriving before it was complete.")
	e.Status, e.Err = http.StatusRequestTimeout, cause
	return e
}
