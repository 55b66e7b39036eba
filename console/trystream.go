package console

import (
	"context"
	"net/http"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

const (
	tryStreamMost   = 5 * time.Minute
	tryMessagesMost = 500
)

// TryEvent is what is told of a call whose answer is a stream: first the answer, then its messages.
type TryEvent struct {
	Answer  *TryAnswer // its body is "" where messages follow
	Message string     // JSON, or an event as it was sent
}

// tryEnd is the last event of a stream that is tried.
type tryEnd struct {
	Why    string `json:"why"`              // end, messages, time or problem
	Reason string `json:"reason,omitempty"` // of a problem
	Detail string `json:"detail,omitempty"`
}

// tryStream makes a call and shows its answer as it comes: event answer, then message for each, and end. It lasts five
// minutes or 500 messages at most, and ends with the session of the operator, or when the page does not listen any more.
func (c *Console) tryStream(w http.ResponseWriter, r *http.Request) error {
	in, err := c.tryOrder(r)
	if err != nil {
		return err
	}
	s, done, err := c.open(w)
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(r.Context(), tryStreamMost)
	events, ended, over := make(chan TryEvent), make(chan error, 1), make(chan struct{})
	go func() {
		defer close(over)
		ended <- c.options.TryStream(ctx, in, func(e TryEvent) error {
			select {
			case events <- e:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	defer func() {
		cancel()
		<-over
	}()
	last, err := c.passOn(ctx, s, r, events, ended)
	if err != nil {
		return nil // nobody listens, or may listen, any more
	}
	if s.event("end", "", last) == nil {
		_ = s.flush(c.options.Now())
	}
	return nil
}

// passOn sends what is told of a stream until it is over, and says why that is. The error says that nobody is there to hear it.
func (c *Console) passOn(ctx context.Context, s *stream, r *http.Request, events <-chan TryEvent, ended <-chan error) (last tryEnd, err error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	told := c.options.Now()
	for n := 0; ; {
		select {
		case e := <-events:
			if e.Answer != nil {
				err = s.event("answer", "", e.Answer)
			} else {
				n++
				err = s.event("message", "", struct {
					Text string `json:"text"`
				}{e.Message})
			}
			if told = c.options.Now(); err == nil {
				err = s.flush(told)
			}
			if err != nil || n >= tryMessagesMost {
				return tryEnd{Why: "messages"}, err
			}
		case <-tick.C:
			if err := c.still(r); err != nil {
				return last, err
			}
			if now := c.options.Now(); now.Sub(told) >= beatEvery {
				s.beat()
				if told, err = now, s.flush(now); err != nil {
					return last, err
				}
			}
		case err := <-ended:
			return endOf(err), nil
		case <-ctx.Done():
			return tryEnd{Why: "time"}, r.Context().Err()
		}
	}
}

// endOf says how a stream ended by itself.
func endOf(err error) tryEnd {
	if err == nil {
		return tryEnd{Why: "end"}
	}
	e := roundtrip.AsError(err)
	return tryEnd{Why: "problem", Reason: e.Reason, Detail: e.Public}
}
