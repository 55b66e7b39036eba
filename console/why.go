package console

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// why goes the way of a request for an operator and streams what it finds: event step for each station, at the end event
// answer, or event problem where it could not be done.
func (c *Console) why(w http.ResponseWriter, r *http.Request) error {
	var in WhyOrder
	if err := readJSON(r, &in); err != nil {
		return err
	}
	u, err := url.Parse(in.URL)
	if err != nil || u.Host == "" {
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "url is no address to ask").
			With(roundtrip.Detail{Pointer: "/url", Code: "bad_url", Message: "expected an address such as https://gallery.test/api/photos"})
	}
	select {
	case c.whys <- struct{}{}:
		defer func() { <-c.whys }()
	default:
		return roundtrip.E(roundtrip.Limited, "console.whys", "%d probes run already: wait until one has ended", whysMax)
	}
	if err := Note(r.Context(), Entry{What: "why", Target: in.Method + " " + u.Scheme + "://" + u.Host + u.Path, Note: as(in.As)}); err != nil {
		return err
	}
	s, done, err := c.open(w)
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(r.Context(), whyTimeout)
	defer cancel()
	out := &steps{stream: s, now: c.options.Now, gone: cancel}
	answer, err := c.options.Why(ctx, in, func(step any) { out.send("step", step) })
	if err != nil {
		out.send("problem", problem(err))
		return nil
	}
	out.send("answer", answer)
	return nil
}

func as(login string) string {
	if login == "" {
		return ""
	}
	return "as " + login
}

// problem is an error as an event carries it.
func problem(err error) any {
	e := roundtrip.AsError(err)
	return struct {
		Status int    `json:"status"`
		Reason string `json:"reason"`
		Detail string `json:"detail"`
	}{e.HTTPStatus(), e.Reason, e.Public}
}

// steps sends what is found as soon as it is.
type steps struct {
	now  func() time.Time
	gone func() // who asked does not listen any more

	mu     sync.Mutex // guards stream
	stream *stream
}

func (s *steps) send(name string, data any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream.event(name, "", data) != nil || s.stream.flush(s.now()) != nil {
		s.gone()
	}
}
