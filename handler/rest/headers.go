package rest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/caller"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// fixedHeaders are header values that never change, made once. Their slices are full, so that an Add elsewhere copies.
type fixedHeaders struct {
	json, problem, noSniff, private, noStore, askAgain, vary, yes []string
}

func newFixedHeaders() fixedHeaders {
	return fixedHeaders{
		json: []string{jsonType}, problem: []string{roundtrip.ProblemType}, noSniff: []string{"nosniff"},
		private: []string{"private, no-cache"}, noStore: []string{"no-store"}, askAgain: []string{"no-cache"},
		vary: []string{"Authorization, Cookie"}, yes: []string{"true"},
	}
}

// send writes an answer with a body of JSON. etag may be "".
func (x *exchange) send(status int, body []byte, etag string) error {
	h := x.w.Header()
	x.secure(h, x.door.fixed.json)
	values := make([]string, 1, 2) // one allocation for both headers
	values[0] = strconv.Itoa(len(body))
	h["Content-Length"] = values[:1:1]
	if etag != "" {
		values = append(values, etag)
		h["Etag"] = values[1:2:2]
	}
	x.w.WriteHeader(status)
	_, err := x.w.Write(body)
	return x.aborted(err)
}

// sendEmpty writes an answer without a body.
func (x *exchange) sendEmpty(status int, etag string) error {
	h := x.w.Header()
	x.secure(h, nil)
	if etag != "" {
		h["Etag"] = []string{etag}
	}
	x.w.WriteHeader(status)
	return nil
}

// secure sets what every answer of the API has: the type that it really has, and that it belongs to one caller. Reads may
// be kept by the browser if it asks each time.
func (x *exchange) secure(h http.Header, contentType []string) {
	f := &x.door.fixed
	if contentType != nil {
		h["Content-Type"] = contentType
	}
	h["X-Content-Type-Options"] = f.noSniff
	if x.r.Method == http.MethodGet || x.r.Method == http.MethodHead {
		h["Cache-Control"] = f.private
	} else {
		h["Cache-Control"] = f.noStore
	}
	if len(h["Vary"]) == 0 {
		h["Vary"] = f.vary
	} else {
		h.Add("Vary", f.vary[0])
	}
}

// options answers which methods a path has (RFC 9110 section 9.3.7).
func (x *exchange) options() error {
	x.w.Header()["Allow"] = []string{x.at.allow}
	return x.sendEmpty(http.StatusNoContent, "")
}

// problem writes an error (RFC 9457) and notes in the journey why the request ended so.
func (x *exchange) problem(err error) {
	if x.torn {
		err = tornHint(err)
	}
	e := roundtrip.AsError(err)
	x.note(e)
	var journey string
	if x.journey != nil {
		journey = x.journey.ID.String()
	}
	x.output = e.AppendProblem(x.output[:0], x.r.URL.Path, journey)
	h := x.w.Header()
	x.secure(h, x.door.fixed.problem)
	h["Cache-Control"] = x.door.fixed.noStore
	h["Content-Length"] = []string{strconv.Itoa(len(x.output))}
	h.Del("Etag")
	if e.Kind == roundtrip.Unauthenticated {
		h["Www-Authenticate"] = []string{challenge(e)}
		if x.at.shape != authShape { // those see to it themselves: a wrong password must not end the session that is there
			caller.DropCookie(h, x.r, x.from, e)
		}
	}
	if e.Retry > 0 {
		h["Retry-After"] = []string{strconv.FormatInt(max(1, int64((e.Retry+999_999_999)/1_000_000_000)), 10)}
	}
	if e.Allow != "" {
		h["Allow"] = []string{e.Allow}
	}
	if x.r.ProtoMajor == 1 && (e.Kind == roundtrip.TooLarge || e.HTTPStatus() == http.StatusRequestTimeout) {
		h["Connection"] = []string{"close"} // the rest of the body is not worth reading; HTTP/2 ends the stream alone
	}
	x.w.WriteHeader(e.HTTPStatus())
	if _, err := x.w.Write(x.output); err != nil {
		_ = x.aborted(err)
	}
}

// challenge is the WWW-Authenticate value (RFC 6750 section 3).
func challenge(e *roundtrip.Error) string {
	if e.Reason == "auth.missing" {
		return `Bearer realm="api"`
	}
	return `Bearer realm="api", error="invalid_token"`
}

// idempotencyKey reads the Idempotency-Key header.
func idempotencyKey(r *http.Request) (string, error) {
	values := r.Header["Idempotency-Key"]
	if len(values) == 0 {
		return "", nil
	}
	key := strings.TrimSpace(values[0])
	if len(values) != 1 || !input.GoodKey(key) {
		return "", badHeader("Idempotency-Key", input.KeyForm)
	}
	return key, nil
}

func badHeader(name, expected string) error {
	return roundtrip.E(roundtrip.Invalid, "request.invalid", "the header %s is wrong: %s", name, expected).
		With(roundtrip.Detail{Parameter: name, Code: "header", Message: expected})
}
