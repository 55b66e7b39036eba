package rest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	bodyMaxBytes   = input.BodyMax // of a JSON body, and of all text parts of a form
	keepBytes      = 64 << 10
	mergePatchType = "application/merge-patch+json" // RFC 7396
	jsonType       = "application/json"
	formType       = "multipart/form-data"
)

// exchange is one request and its answer. It is used again for other requests, so nothing that a write hands to the store
// may point into it.
type exchange struct {
	door    *Door
	w       http.ResponseWriter
	r       *http.Request
	journey *trace.Journey
	at      place
	from    handler.Caller
	inside  bool // it was a station behind the door that refused
	torn    bool // the query string has a filter that seems to be cut in two at an &
	visit   handler.Visit
	call    roundtrip.Call // of reads alone: the store may hold a write's call for longer than the request
	answer  answer
	input   []byte // the body
	output  []byte // the problem
}

// release empties the exchange and gives it back.
func (x *exchange) release() {
	q := x.call.Query
	x.visit.Reset()
	x.answer.reset()
	*x = exchange{
		door: x.door, visit: x.visit, answer: x.answer,
		input: keep(x.input), output: keep(x.output),
		at:   place{args: x.at.args[:0]},
		call: roundtrip.Call{Query: roundtrip.Query{Equal: q.Equal[:0], Fields: q.Fields[:0], Expand: q.Expand[:0], GroupBy: q.GroupBy[:0], Select: q.Select[:0]}},
	}
	x.door.pool.Put(x)
}

// keep empties a buffer, and drops one that grew too large to be kept for the next request.
func keep(b []byte) []byte {
	if cap(b) > keepBytes {
		return nil
	}
	return b[:0]
}

// do carries a call through the house; the rows come to x.answer.
func (x *exchange) do(call *roundtrip.Call) error {
	x.visit.Call, x.visit.Answer = call, &x.answer
	x.answer.door, x.answer.action, x.answer.out = x.door, call.Action, x.answer.out[:0]
	err := x.door.core.Do(x.r.Context(), &x.visit)
	x.inside = err != nil
	return err
}

// read begins the call of a read.
func (x *exchange) read(action roundtrip.Action) *roundtrip.Call {
	x.call.Action = action
	x.place(&x.call)
	return &x.call
}

// write begins the call of a write, which takes no parameters.
func (x *exchange) write(action roundtrip.Action) (*roundtrip.Call, error) {
	if err := x.noParameters(); err != nil {
		return nil, err
	}
	key, err := idempotencyKey(x.r)
	if err != nil {
		return nil, err
	}
	call := &roundtrip.Call{Action: action, Key: key}
	x.place(call)
	return call, nil
}

func (x *exchange) place(call *roundtrip.Call) {
	if x.at.plan != nil {
		call.Collection = x.at.plan.collection
	}
	call.ID, call.Time, call.Addr = x.at.id, x.door.core.Now(), x.from.Addr
}

// media is the content type of a body without its parameters, and how it is refused.
func (x *exchange) media(accepted ...string) (string, error) {
	have := x.r.Header.Get("Content-Type")
	if i := strings.IndexByte(have, ';'); i >= 0 {
		have = have[:i]
	}
	have = strings.ToLower(strings.TrimSpace(have))
	if packed := x.r.Header.Get("Content-Encoding"); packed != "" && packed != "identity" {
		e := roundtrip.E(roundtrip.Unsupported, "request.media_type", "a body is read here as it is, not as %q", input.Cut(packed, 64))
		e.Status = http.StatusUnsupportedMediaType
		return "", e
	}
	for _, a := range accepted {
		if have == a {
			return a, nil
		}
	}
	wanted := strings.Join(accepted, " or ")
	if x.r.Method == http.MethodPatch {
		x.w.Header().Set("Accept-Patch", strings.Join(accepted, ", ")) // RFC 5789 section 2.2
	}
	e := roundtrip.E(roundtrip.Unsupported, "request.media_type", "a body of type %s is read here; this one has type %q", wanted, input.Cut(have, 64))
	if have == "" {
		e.Public = "the request says nothing of its body's type; send Content-Type: " + wanted
	}
	e.Status = http.StatusUnsupportedMediaType
	return "", e
}

// body reads the whole body into x.input. It ends with the exchange.
func (x *exchange) body() ([]byte, error) {
	if x.r.ContentLength > bodyMaxBytes {
		return nil, bodyTooLarge(bodyMaxBytes)
	}
	b := slices.Grow(x.input[:0], int(min(max(x.r.ContentLength, 511), keepBytes-1))+1) // what is claimed is believed up to a point
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := x.r.Body.Read(b[len(b):min(cap(b), bodyMaxBytes+1)])
		b = b[:len(b)+n]
		x.input = b
		switch {
		case len(b) > bodyMaxBytes:
			return nil, bodyTooLarge(bodyMaxBytes)
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return nil, bodyFailed(err)
		}
	}
}

// json reads a body of JSON.
func (x *exchange) json(accepted ...string) ([]byte, error) {
	if _, err := x.media(accepted...); err != nil {
		return nil, err
	}
	return x.body()
}

func bodyTooLarge(most int64) error {
	return roundtrip.E(roundtrip.TooLarge, "request.body_too_large", "the body is over the limit of %d bytes", most)
}

// bodyFailed names what went wrong while the body came in.
func bodyFailed(err error) error {
	var e *roundtrip.Error
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return bodyTooLarge(tooLarge.Limit)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		e = roundtrip.E(roundtrip.Deadline, "request.timeout", "the body did not arrive in time")
		e.Status = http.StatusRequestTimeout
	default:
		e = roundtrip.E(roundtrip.Invalid, "request.malformed", "the body ended too early")
	}
	e.Op, e.Err = "rest.body", err
	return e
}
