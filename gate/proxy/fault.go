package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/http1"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	reasonReset  = "proxy.reset"
	reasonClient = "client.aborted"
)

// statusClientGone is what a request has as its status when its client left before there was one.
const statusClientGone = 499

// fault is why an attempt came to no answer, and who made it so.
type fault struct {
	reason string
	blame  pool.Blame
	cause  error
	sent   bool // a byte of the request may have reached the upstream
	began  bool // a byte of the answer came
	stale  bool // a connection that rested was closed before a byte of the answer came
}

func (f *fault) outcome() pool.Outcome { return pool.Outcome{Blame: f.blame, Cause: f.cause} }

// connectError is what went wrong while a connection was made.
type connectError struct {
	tls bool
	err error
}

func (e *connectError) Error() string {
	if e.tls {
		return "TLS with the upstream: " + e.err.Error()
	}
	return e.err.Error()
}

func (e *connectError) Unwrap() error { return e.err }

// connectFault judges an error of a connection that was being made. Nothing of the request was sent.
func connectFault(ctx context.Context, err error) *fault {
	f := &fault{reason: "proxy.connect_refused", blame: pool.Up, cause: err}
	var timeout net.Error
	var c *connectError
	var ours *roundtrip.Error
	switch {
	case ctx.Err() != nil:
		f.reason, f.blame = reasonClient, pool.Client
	case errors.As(err, &ours): // it may not leave this machine: no upstream can help that
		f.reason, f.blame = ours.Reason, pool.Edge
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		f.reason = "proxy.connect_timeout"
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.EADDRNOTAVAIL):
		f.reason, f.blame = "proxy.no_descriptors", pool.Edge // we are out of descriptors or ports: no upstream can help that
	case errors.As(err, &c) && c.tls:
		f.reason = "proxy.tls_failed"
	}
	return f
}

// answerFault judges an error while an answer was waited for or read. late is the reason where it took too long.
func answerFault(err error, late string) *fault {
	f := &fault{reason: reasonReset, blame: pool.Up, cause: err}
	var e *http1.Error
	if !errors.As(err, &e) {
		return f
	}
	switch e.Kind {
	case http1.Bad:
		f.reason = "proxy.bad_answer"
	case http1.Timeout:
		f.reason = late
	case http1.Gone:
		f.reason, f.blame = reasonClient, pool.Client
	case http1.Closed:
	}
	return f
}

// close ends the hop of an attempt that failed.
func (f *forward) close(failed *fault) {
	verdict := trace.Fail
	switch failed.reason {
	case "proxy.connect_timeout", "proxy.first_byte_timeout", "proxy.idle_timeout":
		verdict = trace.Timeout
	}
	if failed.cause != nil {
		f.step.Note(failed.cause.Error())
	}
	f.step.End(verdict, trace.ReasonOf(failed.reason))
}

// fail answers for an attempt that failed, the last one. Nothing of the upstream is told to the client.
func (f *forward) fail(failed *fault) error {
	if failed.blame == pool.Client {
		return f.clientError(failed.cause)
	}
	var e *roundtrip.Error
	switch failed.reason {
	case "proxy.connect_timeout":
		e = roundtrip.E(roundtrip.Deadline, failed.reason, "The server behind this address did not take the connection in time.")
	case "proxy.first_byte_timeout":
		e = roundtrip.E(roundtrip.Deadline, failed.reason, "The server behind this address did not answer in time.")
	case "proxy.bad_answer":
		e = badGateway(failed.reason, "The server behind this address gave an answer that can't be read.")
	case reasonReset:
		e = badGateway(failed.reason, "The server behind this address closed the connection before it had answered.")
	case "proxy.no_descriptors":
		e = roundtrip.E(roundtrip.Internal, failed.reason, "")
	default:
		e = badGateway(failed.reason, "The server behind this address can't be reached.")
	}
	e.Op, e.Err = "proxy.forward", failed.cause
	return f.refuse(e)
}

func badGateway(reason, public string) *roundtrip.Error {
	e := roundtrip.E(roundtrip.Unavailable, reason, public)
	e.Status = http.StatusBadGateway
	return e
}

// clientError is the answer where the client is to blame: it stalled, sent too much or what can't be read, or left.
func (f *forward) clientError(err error) error { return f.refuse(f.clientProblem(err)) }

func (f *forward) clientProblem(err error) *roundtrip.Error {
	if e, ok := errors.AsType[*roundtrip.Error](err); ok {
		return e
	}
	e := roundtrip.E(roundtrip.Invalid, "request.malformed", "The body of the request can't be read.")
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		e = roundtrip.E(roundtrip.Invalid, reasonClient, "The request ended before it was complete.")
		e.Status = statusClientGone
	}
	e.Op, e.Err = "proxy.body", err
	return e
}

// broken is an answer that ended too early, after a part of it was passed on: only cutting it off tells the client. Over
// HTTP/1 that is the connection, over HTTP/2 the stream.
func (f *forward) broken(failed *fault) {
	f.close(failed)
	f.journey.SetReason(trace.ReasonOf(failed.reason))
	f.cut = true
}
