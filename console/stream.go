package console

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

const (
	viewersMax  = 32                     // streams that are open at once
	batchEvery  = 100 * time.Millisecond // at most ten batches a second
	beatEvery   = 15 * time.Second       // a stream that says nothing says that it lives
	sendTimeout = 10 * time.Second       // who does not read for so long is cut off; nothing is queued for them
	streamMost  = 2 * time.Hour          // then the browser comes back by itself, and its session is looked at again
)

// stream is an answer of server-sent events (HTML standard, section 9.2).
type stream struct {
	w    http.ResponseWriter
	out  *http.ResponseController
	text bytes.Buffer // what is not sent yet
	at   string       // where a viewer goes on who has seen all that was sent; "" where that can not be
}

// open begins a stream, if there is a place for one more viewer. done gives the place back.
func (c *Console) open(w http.ResponseWriter) (s *stream, done func(), err error) {
	select {
	case c.viewers <- struct{}{}:
	default:
		e := roundtrip.E(roundtrip.Unavailable, "console.viewers", "%d pages watch already: close one of them", viewersMax)
		e.Retry = 5 * time.Second
		return nil, nil, e
	}
	s = &stream{w: w, out: http.NewResponseController(w)}
	_ = s.out.SetReadDeadline(time.Time{}) // the one of the request has no meaning for what lasts; where it can't be set it is not there
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	s.text.WriteString("retry: 1000\n\n")
	return s, func() { <-c.viewers }, nil
}

// event adds an event to what is sent next. id may be "".
func (s *stream) event(name, id string, data any) error {
	text, err := json.Marshal(data) // has no line end
	if err != nil {
		return err
	}
	if id != "" {
		s.text.WriteString("id: " + id + "\n")
	}
	s.text.WriteString("event: " + name + "\ndata: ")
	s.text.Write(text)
	s.text.WriteString("\n\n")
	return nil
}

// beat adds what no page hears of, so that both sides notice that the other one is gone; an id without an event is taken
// note of all the same.
func (s *stream) beat() {
	s.text.WriteString(": \n")
	if s.at != "" {
		s.text.WriteString("id: " + s.at + "\n")
	}
	s.text.WriteString("\n")
}

// flush sends what was added. It gives up on a viewer who does not read.
func (s *stream) flush(now time.Time) error {
	if s.text.Len() == 0 {
		return nil
	}
	_ = s.out.SetWriteDeadline(now.Add(sendTimeout)) // over HTTP/2 it is the stream's
	if _, err := s.text.WriteTo(s.w); err != nil {
		return err
	}
	return s.out.Flush()
}

// watch calls look about ten times a second and sends what it adds, until the viewer goes, the server stops or look says
// that it is over. A viewer who reads slowly holds up nobody but themselves: look is asked again when they have read.
func (c *Console) watch(ctx context.Context, s *stream, look func(ctx context.Context) error) error {
	tick := time.NewTicker(batchEvery)
	defer tick.Stop()
	began, told := c.options.Now(), c.options.Now()
	for {
		if err := look(ctx); err != nil {
			return err
		}
		now := c.options.Now()
		if s.text.Len() > 0 {
			told = now
		} else if now.Sub(told) >= beatEvery {
			s.beat()
			told = now
		}
		if s.flush(now) != nil || now.Sub(began) >= streamMost {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// watchOverview streams the overview whenever it changes: event overview.
func (c *Console) watchOverview(w http.ResponseWriter, r *http.Request) error {
	s, done, err := c.open(w)
	if err != nil {
		return err
	}
	defer done()
	var last []byte
	var n uint64
	_ = c.watch(r.Context(), s, func(ctx context.Context) error {
		if err := c.still(r); err != nil {
			return err
		}
		o := c.options.Overview(ctx)
		text, err := json.Marshal(o)
		if err != nil || bytes.Equal(text, last) {
			return err
		}
		last = text
		n++
		return s.event("overview", strconv.FormatUint(n, 10), json.RawMessage(text))
	}) // what ended it can't be told any more: the answer has begun
	return nil
}

// still reports whether the operator of a stream may still see it: one who was removed, signed out or given another role is
// cut off.
func (c *Console) still(r *http.Request) error {
	before, _ := OperatorFrom(r.Context())
	now, in, err := c.who(r, false)
	if err == nil && (!in || now.Name != before.Name || now.Role != before.Role) {
		err = roundtrip.E(roundtrip.Unauthenticated, "auth.expired", "the session has ended")
	}
	return err
}
