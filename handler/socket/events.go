package socket

import (
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/stream/live"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// retry tells an EventSource to wait two seconds before it connects again.
const retry = "retry: 2000\n\n"

// topicsMax bounds the topics of one stream of events.
const topicsMax = 100

// eventStream is a client of server-sent events. The handler's own goroutine writes.
type eventStream struct {
	door *Door
	live *live.Conn
	wake chan struct{}
	cut  chan struct{}
}

// Wake says that there is something to write.
func (s *eventStream) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Ping needs no answer: a client that has gone fails the next write.
func (s *eventStream) Ping() { s.live.Heard.Store(s.door.now().Unix()) }

// Cut ends the stream.
func (s *eventStream) Cut() {
	select {
	case s.cut <- struct{}{}:
	default:
	}
}

// events sends topics until the client goes. One topic that is refused is an answer with its status; of several, it is a
// message among the others.
func (d *Door) events(w http.ResponseWriter, r *http.Request, from handler.Caller, topics []string, cursor string) error {
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		cursor = last
	}
	if len(topics) > topicsMax {
		return roundtrip.E(roundtrip.Limited, "stream.topics", "a connection may have %d topics", topicsMax)
	}
	who, err := d.hub.Who(r.Context(), from.Token)
	if err != nil {
		return err
	}
	s := &eventStream{door: d, wake: make(chan struct{}, 1), cut: make(chan struct{}, 1)}
	single := len(topics) == 1
	conn, err := d.hub.Join(s, from.Addr, from.Token, who, single)
	if err != nil {
		step(r.Context(), "events", err)
		return err
	}
	s.live = conn
	defer conn.Leave()
	if j := trace.From(r.Context()); j != nil {
		conn.Journey = j.ID
	}
	conn.Start()
	if !single { // a topic that is refused is a message, so that the answer can begin: nobody waits for all of it in memory
		step(r.Context(), "events", nil)
		if !s.begin(w, r) {
			return nil
		}
	}
	for _, topic := range topics {
		err := conn.Subscribe(r.Context(), "", topic, cursor)
		if err != nil && single {
			step(r.Context(), "events", err)
			return err
		}
		if err != nil {
			conn.Refuse("", topic, err)
		}
		if !single && !s.flush(w) {
			return nil
		}
	}
	conn.Whole()
	if single {
		step(r.Context(), "events", nil)
		if !s.begin(w, r) {
			return nil
		}
	}
	s.serve(w, r)
	return nil
}

// begin sends the head of the answer. It reports false where there is nothing more to send.
func (s *eventStream) begin(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	h["Content-Type"] = []string{"text/event-stream"}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Accel-Buffering"] = []string{"no"} // asks proxies to hand on at once
	h["X-Content-Type-Options"] = []string{"nosniff"}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return false
	}
	_, err := w.Write([]byte(retry))
	return err == nil
}

// serve writes until the client goes, or the hub says that it is over.
func (s *eventStream) serve(w http.ResponseWriter, r *http.Request) {
	for s.flush(w) {
		select {
		case <-r.Context().Done():
			return
		case <-s.cut:
			return
		case <-s.wake:
		}
	}
}

// flush writes all that waits. It reports false where nothing can follow.
func (s *eventStream) flush(w http.ResponseWriter) bool {
	for {
		items, closing := s.live.Take()
		if len(items) == 0 && closing.Code == 0 {
			return true
		}
		for i := range items {
			if _, err := w.Write(s.event(&items[i])); err != nil {
				return false
			}
		}
		if err := http.NewResponseController(w).Flush(); err != nil || closing.Code != 0 {
			return false
		}
	}
}

// event is one message as an event. Its JSON has no line ends, so that it is one data line.
func (s *eventStream) event(i *live.Item) []byte {
	text := i.JSON()
	b := make([]byte, 0, len(text)+64)
	if id := s.live.Cursor(i); id != "" {
		b = append(append(append(b, "id: "...), id...), '\n')
	}
	b = append(b, "data: "...)
	b = append(b, text...)
	return append(b, "\n\n"...)
}
