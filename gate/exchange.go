package gate

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/cors"
	"github.com/roundtrip-dev/roundtrip/gate/peer"
	"github.com/roundtrip-dev/roundtrip/gate/refusal"
	"github.com/roundtrip-dev/roundtrip/gate/wire"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// statusAborted is what a journey has as its status when the client left before there was one.
const statusAborted = 499

// pieceMax is how many bytes are written under one deadline: small enough that a slow reader makes progress in time,
// large enough that the deadline costs nothing.
const pieceMax = 64 << 10

// bufferedMax is how many bytes of a body net/http keeps at least until the handler has ended.
const bufferedMax = 2048

// exchange is one request and its answer: the response writer that handlers get. It counts status and bytes, puts the
// headers that every answer has, and moves deadlines. Exchanges are reused: a handler must not keep its writer.
type exchange struct {
	gate    *Gate
	w       http.ResponseWriter
	req     *http.Request
	journey *trace.Journey
	site    *site // nil until it is found
	facts   *wire.Facts
	own     wire.Facts // where the request came without one, as in a test
	body    body
	peer    *peer.Peer
	turn    int64 // the how manieth request of its connection this is; 0 where they are not counted
	behind  bool  // a trusted proxy
	secure  bool  // whether the connection itself has TLS
	aliases bool  // there are header names with "_" or "."

	status  int
	bytes   int64
	failed  error // the first failed write
	until   *time.Time
	refused *roundtrip.Error // why the framing of the request is not taken
	stream  time.Time        // until, for a stream of HTTP/2
	flushed bool
	taken   bool          // the connection is somebody else's now
	muted   bool          // the body of the answer is not sent
	call    bool          // it is one of gRPC, gRPC-Web or Connect
	denied  bool          // a call was refused whose body has an end
	tunnel  io.ReadCloser // what comes on a stream that shall become a WebSocket; nil for other requests
	owned   wire.Stream   // that stream, once it is taken
	idText  string
	id      [1]string
	origin  [1]string           // what Access-Control-Allow-Origin says; "" for none
	visited bool                // an operator asks, whose cookie was taken off
	proxied bool                // the answer is an upstream's
	left    [1]string           // what RateLimit says
	policy  []string            // what RateLimit-Policy says; nil where no rate holds
	fixed   map[string][]string // what the answer says whatever the site's declaration does; nil for nothing
	buf     []byte
}

// end closes the exchange, also after a panic of the handler.
func (x *exchange) end() {
	v := recover()
	g := x.gate
	cut := v != nil && !x.panicked(v)
	if x.status == 0 && !cut && x.req.Context().Err() == nil {
		x.WriteHeader(http.StatusOK)
	}
	x.body.finish(x)
	if x.status != 0 && !cut && !x.taken {
		x.moveWrite() // for what is still buffered
	}
	x.body.note()
	x.report()
	owned, ctx := x.owned, x.req.Context()
	if v == nil { // a handler that crashed may have left its writer with somebody
		*x = exchange{gate: g, buf: x.buf[:0]}
		g.pool.Put(x)
	}
	if g.inflight.Add(-1) == 0 && g.stopping.Load() {
		select {
		case g.idle <- struct{}{}:
		default:
		}
	}
	if owned != nil {
		owned.Rest(ctx)
	}
	if cut { // net/http ends the connection or stream, without a log line
		panic(http.ErrAbortHandler)
	}
}

// panicked answers for a handler that crashed. It reports false where a part of the answer had been sent, so that only
// cutting it off tells the client.
func (x *exchange) panicked(v any) bool {
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return false
	}
	x.gate.log.Error("a handler crashed", slog.Any("panic", v), slog.String("journey", x.idText),
		slog.String("method", x.req.Method), slog.String("path", x.req.URL.Path), slog.String("stack", string(debug.Stack())))
	err := roundtrip.E(roundtrip.Internal, "app.panic", "")
	x.journey.Add(trace.Hop{Layer: trace.App, Verdict: trace.Fail, Reason: trace.ReasonOf(err.Reason), Name: "panic", Start: int64(x.journey.Elapsed())})
	x.journey.SetReason(trace.ReasonOf(err.Reason))
	if x.status != 0 {
		return false
	}
	clear(x.w.Header())
	x.refuse(err)
	return true
}

// report closes the journey.
func (x *exchange) report() {
	j := x.journey
	if j == nil {
		return
	}
	j.Status, j.Bytes = x.status, x.bytes
	x.noteCode()
	// Ending a read of HTTP/1 ends the context too, and so does the end of a WebSocket on a stream, whoever ends it.
	left := x.failed != nil || x.req.Context().Err() != nil && !x.body.isAbandoned() && !x.whole()
	if left && x.owned == nil && j.Reason == trace.None && !x.gate.stopping.Load() && !x.endless() {
		j.SetReason(trace.ReasonOf("client.aborted"))
		if j.Status == 0 {
			j.Status = statusAborted
		}
	}
	x.gate.recorder.End(j)
}

// whole reports whether all was written of an answer whose length is told: its client has what it came for, and may be gone
// before the handler has ended.
func (x *exchange) whole() bool {
	length := x.w.Header()["Content-Length"]
	if x.status == 0 || len(length) != 1 {
		return false
	}
	n, err := strconv.ParseInt(length[0], 10, 64)
	return err == nil && (x.bytes == n || x.req.Method == http.MethodHead || x.status == http.StatusNotModified)
}

// endless reports whether the answer is a stream of events or of messages, which ends when the client goes.
func (x *exchange) endless() bool {
	kind := x.w.Header()["Content-Type"]
	return x.status == http.StatusOK && len(kind) == 1 && (kind[0] == "text/event-stream" || x.call && x.flushed && refusal.IsStream(kind[0]))
}

// deny notes in the journey who refused, and returns the error.
func (x *exchange) deny(name string, err *roundtrip.Error) *roundtrip.Error {
	return x.denyWith(name, "", err)
}

// denyWith is deny with what the journey should tell of it besides.
func (x *exchange) denyWith(name, note string, err *roundtrip.Error) *roundtrip.Error {
	verdict := trace.Deny
	if err.Kind == roundtrip.Internal {
		verdict = trace.Fail
	}
	x.journey.Add(trace.Hop{Layer: trace.Route, Verdict: verdict, Reason: trace.ReasonOf(err.Reason), Name: name, Note: note, Start: int64(x.journey.Elapsed())})
	return err
}

// refuse answers with an error: a remote call in the form of its protocol, everything else with a problem (RFC 9457).
func (x *exchange) refuse(e *roundtrip.Error) {
	if x.status != 0 {
		x.failed = e
		return
	}
	h := x.Header()
	h["Cache-Control"] = []string{"no-store"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	if e.Reason == "request.malformed" {
		x.hangUp() // where one mistake was, more may come
	}
	if e.Allow != "" {
		h["Allow"] = []string{e.Allow}
	}
	if e.Retry > 0 {
		h["Retry-After"] = []string{strconv.Itoa(int((e.Retry + time.Second - 1) / time.Second))}
	}
	status := e.HTTPStatus()
	if call := refusal.Of(x.req); call != refusal.None {
		x.journey.SetRPC(call.String())
		x.journey.SetReason(trace.ReasonOf(e.Reason)) // whose status may be 200
		x.journey.SetCode(trace.CodeOf(e.Kind.GRPC()))
		a := refusal.Make(call, x.req, h, e, x.idText)
		status, x.buf, x.denied = a.Status, append(x.buf[:0], a.Body...), x.req.ContentLength > 0
	} else {
		h["Content-Type"] = []string{roundtrip.ProblemType}
		x.buf = e.AppendProblem(x.buf[:0], x.req.URL.Path, x.idText)
	}
	h["Content-Length"] = []string{strconv.Itoa(len(x.buf))}
	x.WriteHeader(status)
	_, _ = x.Write(x.buf) // a failed write is kept in x.failed
}

// hangUp lets no other request come on this connection. On HTTP/2 the other streams are no part of it, and net/http would
// end them all for the header.
func (x *exchange) hangUp() {
	if x.req.ProtoMajor == 1 || x.req.Method == "PRI" {
		x.Header()["Connection"] = []string{"close"}
	}
}

// Header returns the headers of the answer.
func (x *exchange) Header() http.Header { return x.w.Header() }

// Unwrap leads http.ResponseController to the writer below.
func (x *exchange) Unwrap() http.ResponseWriter { return x.w }

// WriteHeader sends the status and headers. What every answer has is put here, so that no handler can lose it.
func (x *exchange) WriteHeader(status int) {
	if x.status != 0 {
		return
	}
	if x.tunnel != nil && !x.taken && status >= 200 && status < 300 { // it would say that the WebSocket is open
		status, x.muted = http.StatusBadRequest, true
		clear(x.w.Header())
	}
	if status >= 200 || status == http.StatusSwitchingProtocols {
		x.status = status
		x.putHeaders()
		if x.req.ProtoMajor == 3 { // http3 sends these very slices when the handler has ended, and by then x is another request's
			for name, lines := range x.w.Header() {
				x.w.Header()[name] = slices.Clone(lines)
			}
		}
		if (x.proxied || x.call) && x.req.ProtoMajor > 1 && status < http.StatusMultipleChoices {
			x.body.answering()
		}
	}
	x.w.WriteHeader(status)
}

func (x *exchange) putHeaders() {
	h := x.w.Header()
	if x.body.refusal.Load() != nil {
		x.hangUp() // nothing more can come on this connection
	}
	if x.status != http.StatusSwitchingProtocols && x.req.Header["Upgrade"] != nil {
		x.hangUp() // what comes after an upgrade that was not taken is not looked at
	}
	if x.idText != "" {
		x.id[0] = x.idText
		h["X-Journey"] = x.id[:]
		x.putTiming(h)
	}
	if x.site == nil {
		return
	}
	if x.secure && x.req.ProtoMajor < 3 && !x.behind { // at the address that the client has, the port is the proxy's
		if alt := x.gate.altSvc.Load(); alt != nil {
			h["Alt-Svc"] = *alt
		}
	}
	if x.policy != nil {
		h["Ratelimit-Policy"], h["Ratelimit"] = x.policy, x.left[:]
	}
	x.site.headers.put(h, x.peer.Secure)
	for name, value := range x.fixed {
		h[name] = value
	}
	if x.site.cors != nil {
		if x.proxied {
			cors.TakeOff(h)
		}
		x.site.cors.Put(h, x.origin[:])
	}
}

// Write sends a part of the body, in pieces that have a deadline each.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if x.muted {
		return len(p), nil
	}
	if x.isBuffered(len(p)) {
		return x.wrote(x.w.Write(p))
	}
	sent := 0
	for sent < len(p) {
		x.moveWrite()
		n, err := x.wrote(x.w.Write(p[sent:min(len(p), sent+pieceMax)]))
		x.restWrite()
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (x *exchange) wrote(n int, err error) (int, error) {
	x.bytes += int64(n)
	if err != nil && x.failed == nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		x.failed = err
	}
	return n, err
}

// WriteString is Write for a string.
func (x *exchange) WriteString(s string) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if x.muted || !x.isBuffered(len(s)) {
		return x.Write([]byte(s))
	}
	return x.wrote(io.WriteString(x.w, s))
}

// ReadFrom copies from src, by sendfile where the connection and src allow it, in pieces that have a deadline each.
func (x *exchange) ReadFrom(src io.Reader) (int64, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if x.muted {
		return io.Copy(io.Discard, src)
	}
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: src, N: 1<<63 - 1}
	}
	var sent int64
	for limited.N > 0 {
		if x.req.ProtoMajor == 1 || !x.isBuffered(int(min(limited.N, pieceMax))) {
			x.moveWrite()
		}
		piece := &io.LimitedReader{R: limited.R, N: min(limited.N, pieceMax)}
		want := piece.N
		n, err := io.Copy(x.w, piece)
		x.restWrite()
		sent += n
		limited.N -= want - piece.N
		if _, err := x.wrote(int(n), err); err != nil {
			return sent, err
		}
		if piece.N > 0 { // src has ended
			break
		}
	}
	return sent, nil
}

// Flush sends what is buffered.
func (x *exchange) Flush() { _ = x.FlushError() }

// FlushError sends what is buffered.
func (x *exchange) FlushError() error {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	x.moveWrite()
	x.flushed = true
	_, err := x.wrote(0, http.NewResponseController(x.w).Flush())
	x.restWrite()
	return err
}

// isBuffered reports whether net/http will keep n more bytes of the body, so that writing them can't block. It writes
// them when the handler has ended.
func (x *exchange) isBuffered(n int) bool {
	return !x.flushed && x.bytes+int64(n) <= bufferedMax
}

// restWrite takes the deadline of an HTTP/2 stream away: it ends the stream whether or not somebody writes, and a
// handler may take its time between two writes.
func (x *exchange) restWrite() {
	if x.req.ProtoMajor != 1 && !x.until.IsZero() {
		*x.until = time.Time{}
		_ = http.NewResponseController(x.w).SetWriteDeadline(time.Time{}) // a writer without deadlines is one of a test
	}
}

// moveWrite keeps the write deadline ahead of now, by at least what a stalled reader gets.
func (x *exchange) moveWrite() {
	now := x.gate.now()
	if stall := x.gate.times.Stall; x.until.Sub(now) < stall {
		*x.until = now.Add(stall + stall/2)
		_ = http.NewResponseController(x.w).SetWriteDeadline(*x.until) // a writer without deadlines is one of a test
	}
}
