package proxy

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/http1"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
	"github.com/roundtrip-dev/roundtrip/gate/refusal"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// pieceMax is how much of a request's body is read before an upstream is bothered: a body that fits is sent in one go with
// the head, and can be sent again.
const pieceMax = 32 << 10

// forward is one request on its way to an upstream and back. Forwards are reused.
type forward struct {
	p       *Proxy
	w       http.ResponseWriter
	r       *http.Request
	path    string
	journey *trace.Journey
	step    trace.Step // of the attempt under way

	safe    bool // may be sent twice (RFC 9110 section 9.2.1)
	upgrade bool // the client asks for a WebSocket
	grpc    bool

	first  []byte // what was read of the body; in piece
	piece  []byte // nil until a body comes
	more   bool   // the body goes on after first
	spool  *spool // a body that was read whole before, nil where it is passed on as it comes
	begun  bool   // the rest of the body was begun to be sent: it can't be sent again
	sender *sender
	reply  reply
	over1  overConn

	out   []byte // the request as bytes
	tried []*pool.Upstream
	cut   bool // the answer broke off
	bytes int64
}

func (f *forward) begin(w http.ResponseWriter, r *http.Request, path string) {
	f.w, f.r, f.path, f.journey = w, r, path, trace.From(r.Context())
	f.safe = r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	f.grpc = refusal.Of(r) == refusal.GRPC
	f.upgrade = r.Method == http.MethodGet && isWebSocket(r.Header)
}

// end empties the forward for the next request.
func (f *forward) end() {
	if f.spool != nil {
		f.spool.close()
	}
	clear(f.tried)
	*f = forward{p: f.p, piece: f.piece, out: f.out[:0], tried: f.tried[:0]}
}

// run is the way of a request: what must be known before an upstream is bothered, then one attempt after the other until
// one has an answer.
func (f *forward) run() error {
	if err := f.checkLoop(); err != nil {
		return f.refuse(err)
	}
	if err := f.readFirst(); err != nil {
		return f.clientError(err)
	}
	var last *fault
	for try := 1; ; try++ {
		lease, err := f.p.pool.Take(f.r, f.tried)
		if err != nil && last == nil {
			return f.refuse(roundtrip.AsError(err))
		}
		if err != nil {
			return f.fail(last)
		}
		up := lease.Upstream()
		f.step = f.journey.Begin(trace.Proxy, up.Name())
		failed := f.attempt(&lease, up)
		if failed == nil {
			return nil
		}
		f.close(failed)
		if try >= f.p.declared.Tries || !f.repeatable(failed) || !f.p.pool.Retry() {
			return f.fail(failed)
		}
		last = failed
		f.tried = append(f.tried, up)
	}
}

// attempt sends the request to one upstream. nil means that an answer was given, whole or not.
func (f *forward) attempt(l *pool.Lease, up *pool.Upstream) *fault {
	began := f.p.now()
	t := up.Transport().(*transport) // Connect makes no other
	for fresh := false; ; fresh = true {
		via, err := f.open(t, fresh)
		if err != nil {
			failed := connectFault(f.r.Context(), err)
			l.Done(failed.outcome())
			return failed
		}
		var a *reply
		var failed *fault
		if via == nil {
			a, failed = f.overHTTP2(t, up)
		} else {
			a, failed = f.overHTTP1(via, up)
		}
		if failed == nil {
			a.took = f.p.now().Sub(began)
			f.deliver(l, a)
			return nil
		}
		// The upstream closed a connection that rested, at the moment when the request went out. That is nobody's fault.
		if failed.stale && !fresh && f.repeatable(failed) {
			continue
		}
		l.Done(failed.outcome())
		return failed
	}
}

func (f *forward) open(t *transport, fresh bool) (*http1.Conn, error) {
	if f.upgrade && t.up.Scheme == config.HTTPS {
		return t.openUpgrade(f.r.Context())
	}
	return t.open(f.r.Context(), f.safe, fresh)
}

// repeatable reports whether a request that failed may be sent again: nothing of it can have been acted on, or it is safe.
func (f *forward) repeatable(failed *fault) bool {
	switch {
	case failed.began || f.begun || failed.blame == pool.Client:
		return false
	case !failed.sent:
		return true
	}
	return f.safe && failed.reason == reasonReset
}

// readFirst reads what must be there of a body before an upstream is bothered: all of a small one, the beginning of a
// large one. A body of unknown length is waited for only where its client asked whether it may send it (Expect), or where
// there should be none.
func (f *forward) readFirst() error {
	r := f.r
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	if f.p.declared.Buffer && !f.grpc {
		return f.readAll()
	}
	if f.piece == nil {
		f.piece = make([]byte, pieceMax)
	}
	wait := r.ContentLength > 0 || r.Header["Expect"] != nil || f.safe
	if f.more = true; !wait {
		return nil
	}
	want := 1
	if r.ContentLength > 0 && r.ContentLength <= pieceMax {
		want = int(r.ContentLength)
	}
	n, err := io.ReadAtLeast(r.Body, f.piece, want)
	f.first = f.piece[:n]
	switch {
	case errors.Is(err, io.EOF): // nothing came
		f.more = false
		return nil
	case err != nil:
		return err
	}
	f.more = r.ContentLength < 0 || int64(n) < r.ContentLength
	return nil
}

// hasBody reports whether the upstream gets a body.
func (f *forward) hasBody() bool { return f.more || len(f.first) > 0 || f.spool != nil }

// isWebSocket reports whether a request asks for the WebSocket protocol (RFC 6455 section 4.1).
func isWebSocket(h http.Header) bool {
	upgrade := h["Upgrade"]
	return len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket") && listed(h["Connection"], "Upgrade")
}

// listed reports whether lists of tokens hold one, in any case.
func listed(lines []string, token string) bool {
	for _, line := range lines {
		for line != "" {
			var part string
			part, line, _ = strings.Cut(line, ",")
			if strings.EqualFold(strings.Trim(part, " \t"), token) {
				return true
			}
		}
	}
	return false
}
