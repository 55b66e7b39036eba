package roundtrip

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind is the family of an [Error]: it alone decides which status leaves at each door.
type Kind uint8

// The closed list of kinds. The zero value is Internal, so that an error nobody classified never tells a stranger
// anything.
const (
	Internal        Kind = iota // our fault; nothing of the cause leaves the process
	Invalid                     // the request is wrong as it stands
	Unauthenticated             // who is asking is not known, or no longer
	Denied                      // known, and not allowed
	Missing                     // not there, or not to be seen
	Conflict                    // something with that identity or key exists already
	Stale                       // the record changed since the caller read it (If-Match)
	Unprocessable               // well formed, but the state of the system forbids it
	Limited                     // over a limit; try again later
	TooLarge                    // the body is over its limit
	Unsupported                 // a method or content type that is not served here
	Unavailable                 // we can't now; try again
	Deadline                    // our own time ran out
)

// kindRow is one line of the table that maps a kind to every door.
type kindRow struct {
	status  int    // HTTP (RFC 9110 section 15)
	connect string // Connect and problem+json code
	grpc    int    // gRPC status code
	socket  int    // WebSocket close code (RFC 6455 section 7.4)
	title   string // problem+json title (RFC 9457 section 3.1.3)
}

func (k Kind) row() kindRow {
	switch k {
	case Internal:
		return kindRow{500, "internal", 13, 1011, "Something went wrong on our side"}
	case Invalid:
		return kindRow{400, "invalid_argument", 3, 4400, "The request has wrong values"}
	case Unauthenticated:
		return kindRow{401, "unauthenticated", 16, 4401, "Sign in first"}
	case Denied:
		return kindRow{403, "permission_denied", 7, 4403, "This is not allowed"}
	case Missing:
		return kindRow{404, "not_found", 5, 4404, "There is no such thing here"}
	case Conflict:
		return kindRow{409, "already_exists", 6, 4409, "It exists already"}
	case Stale:
		return kindRow{412, "aborted", 10, 4412, "The record has changed since you read it"}
	case Unprocessable:
		return kindRow{422, "failed_precondition", 9, 4422, "The present state forbids this"}
	case Limited:
		return kindRow{429, "resource_exhausted", 8, 4429, "Too many requests"}
	case TooLarge:
		return kindRow{413, "resource_exhausted", 8, 1009, "The request is too large"}
	case Unsupported:
		return kindRow{405, "unimplemented", 12, 4405, "This is not served here"}
	case Unavailable:
		return kindRow{503, "unavailable", 14, 1013, "Not available right now"}
	case Deadline:
		return kindRow{504, "deadline_exceeded", 4, 4504, "It took too long"}
	}
	return Internal.row()
}

// Status returns the HTTP status code of the kind.
func (k Kind) Status() int { return k.row().status }

// Code returns the Connect name of the kind (https://connectrpc.com/docs/protocol#error-codes), which problem+json
// carries too.
func (k Kind) Code() string { return k.row().connect }

// GRPC returns the gRPC status code of the kind.
func (k Kind) GRPC() int { return k.row().grpc }

// CloseCode returns the WebSocket close code of the kind.
func (k Kind) CloseCode() int { return k.row().socket }

// Title returns the short public sentence of the kind.
func (k Kind) Title() string { return k.row().title }

// String returns the Connect name.
func (k Kind) String() string { return k.Code() }

// Detail is one thing that is wrong with a request: where, and what would be right.
type Detail struct {
	Pointer   string // JSON pointer into the body (RFC 6901), or ""
	Parameter string // name of the query parameter or header, or ""
	Column    int    // 1-based column inside a filter or rule, or 0
	Code      string // machine-readable, snake_case: required, too_long, unknown_field …
	Message   string // a sentence for a person, with the nearest valid name where one is near
}

// Error is the one error type of the house. Reason and Public leave the process; Op and Err never do, they are written
// to the journey and the log.
type Error struct {
	Kind    Kind
	Reason  string // dotted code of the reason catalogue in package trace, such as store.unique
	Public  string // a sentence for the caller; "" means the kind's title
	Details []Detail
	Allow   string        // for Unsupported: the methods that are served, as an Allow header
	Status  int           // an exact HTTP status where the kind is too coarse (415, 421); 0 means the kind's
	Retry   time.Duration // when to try again; 0 means not said
	Op      string        // what was attempted, such as sqlite.insert
	Err     error         // the cause
}

// E makes an error of a kind with its reason code and public sentence.
func E(kind Kind, reason, public string, args ...any) *Error {
	if len(args) > 0 {
		public = fmt.Sprintf(public, args...)
	}
	return &Error{Kind: kind, Reason: reason, Public: public}
}

// Wrap makes an internal error: the cause stays inside. A cause that is an *Error already keeps its kind and is
// returned as it is.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return &Error{Kind: Internal, Reason: "app.internal", Op: op, Err: err}
}

// With adds details and returns the error.
func (e *Error) With(details ...Detail) *Error {
	e.Details = append(e.Details, details...)
	return e
}

// Error says everything, for logs and journeys; it is never sent to a caller.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		b.WriteString(": ")
	}
	b.WriteString(e.Reason)
	if e.Public != "" {
		b.WriteString(": ")
		b.WriteString(e.Public)
	}
	for _, d := range e.Details {
		fmt.Fprintf(&b, "; %s%s %s: %s", d.Pointer, d.Parameter, d.Code, d.Message)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// HTTPStatus returns the status that leaves over HTTP.
func (e *Error) HTTPStatus() int {
	if e.Status != 0 {
		return e.Status
	}
	return e.Kind.Status()
}

// AsError returns err as an *Error; anything that is none is internal and keeps its text inside.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: Internal, Reason: "app.internal", Err: err}
}
