package console

import (
	"cmp"
	"context"
	"net/http"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// batchMost is how many journeys one batch has at most: 250 a second are more than anybody reads, and three pages that are open
// must cost the requests little. What does not fit comes with the next batch; what is too far behind
// by then is counted as missed.
const batchMost = 25

// watchJourneys streams what ends from now on: event journey for each that the filter takes, event missed with how many
// nobody could look at in time. The last event of a batch has an id; a browser that comes back with it (Last-Event-ID) goes
// on there, and gets a batch again that did not arrive whole. A page that opens a stream anew can't send that header: it
// says the id as after.
func (c *Console) watchJourneys(w http.ResponseWriter, r *http.Request) error {
	f, err := filterOf(r.URL.Query())
	if err != nil {
		return err
	}
	s, done, err := c.open(w)
	if err != nil {
		return err
	}
	defer done()
	at := trace.ParseCursor(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")))
	told := false
	_ = c.watch(r.Context(), s, func(context.Context) error {
		if err := c.still(r); err != nil {
			return err
		}
		list, next, missed := c.options.Recorder.After(at, f, batchMost)
		at, s.at = next, next.String()
		if !told { // so that it can go on from here, whatever comes
			told = true
			if err := s.event("open", s.at, struct{}{}); err != nil {
				return err
			}
		}
		return s.batch(c.views(r, list), missed)
	}) // what ended it can't be told any more: the answer has begun
	return nil
}

// batch adds what ended since the last one. The id stands at its last event.
func (s *stream) batch(list []trace.View, missed int) error {
	if missed > 0 {
		if err := s.event("missed", "", struct {
			N int `json:"n"`
		}{missed}); err != nil {
			return err
		}
	}
	for i := range list {
		id := ""
		if i == len(list)-1 {
			id = s.at
		}
		if err := s.event("journey", id, &list[i]); err != nil {
			return err
		}
	}
	return nil
}
