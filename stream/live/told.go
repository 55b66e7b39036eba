package live

import (
	"fmt"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// causesMax is how many journeys an event leads back to: as many as a journey has links.
const causesMax = 6

// told is what one window came to: how many were told, by collection, and who had written it. It becomes one journey, however
// many connections there were; a window that concerned nobody leaves none. The deliverer alone has it.
type told struct {
	hub    *Hub
	began  time.Time
	last   time.Time // when the last part of it ended
	parts  []part
	causes []trace.ID
	to     int // how many were told, over all parts
	who    roundtrip.ID
}

// part is the delivery to those who watch one collection, or their inboxes.
type part struct {
	began, ended time.Time
	tally
}

// tally counts connections.
type tally struct {
	name            string // of the collection
	topics, changes int
	told            int // a message was put in their queue
	slow            int // were closed, since too much waits for them
	passed          int // were told nothing: what changed is not in their view
}

func (t *tally) add(other tally) {
	t.topics += other.topics
	t.changes += other.changes
	t.told += other.told
	t.slow += other.slow
	t.passed += other.passed
}

// fate is what became of a message for one connection.
type fate int

const (
	queued fate = iota
	tooSlow
	left
)

func (t *tally) count(f fate) {
	switch f {
	case queued:
		t.told++
	case tooSlow:
		t.slow++
	case left:
	}
}

// tell begins the account of a window, nil where no journeys are kept.
func (h *Hub) tell() *told {
	if h.recorder == nil {
		return nil
	}
	now := h.now()
	return &told{hub: h, began: now, last: now}
}

// of returns the part of a collection.
func (t *told) of(name string) *part {
	for i := range t.parts {
		if t.parts[i].name == name {
			return &t.parts[i]
		}
	}
	t.parts = append(t.parts, part{tally: tally{name: name}, began: t.last})
	return &t.parts[len(t.parts)-1]
}

// delivered adds the delivery of one topic. positions are those of its changes.
func (t *told) delivered(n tally, positions func(yield func(int64) bool)) {
	if t == nil || n.told+n.slow+n.passed == 0 {
		return
	}
	p := t.of(n.name)
	p.add(n)
	t.last = t.hub.now()
	p.ended = t.last
	if n.told+n.slow == 0 {
		return
	}
	t.to += n.told + n.slow
	if t.hub.causes == nil {
		return
	}
	for at := range positions {
		if len(t.causes) >= causesMax {
			return
		}
		t.causes = t.hub.causes(t.causes, at)
	}
}

// inbox adds the delivery of one inbox.
func (t *told) inbox(account roundtrip.ID, n tally, w *window) {
	if t == nil || n.topics == 0 {
		return
	}
	if t.who = account; len(t.parts) > 0 {
		t.who = 0 // of several
	}
	t.delivered(n, func(yield func(int64) bool) {
		if c, ok := w.of[0].records[account]; ok {
			yield(c.at)
		}
	})
}

// end keeps the journey.
func (t *told) end() {
	if t == nil || t.to == 0 {
		return
	}
	j := t.hub.recorder.Begin(trace.Event)
	if j == nil {
		return
	}
	j.Start, j.Route, j.Account = t.began, t.parts[0].name, int64(t.who)
	for _, id := range t.causes {
		j.Link(trace.Link{Role: trace.Cause, Evidence: trace.Seen, ID: id})
	}
	for i := range t.parts {
		p := &t.parts[i]
		h := trace.Hop{
			Layer: trace.Stream, Verdict: trace.OK, Name: p.name, Note: p.say(), N: [2]int64{int64(p.told), int64(p.topics)},
			Start: int64(p.began.Sub(t.began)), Took: int64(p.ended.Sub(p.began)),
		}
		j.Add(h)
		if p.slow > 0 {
			h.Verdict, h.Reason, h.N = trace.Deny, trace.ReasonOf("stream.slow_consumer"), [2]int64{int64(p.slow)}
			h.Note = fmt.Sprintf("%d closed: more than 1 MB waited for each", p.slow)
			h.Start, h.Took = h.Start+h.Took, 0
			j.Add(h)
		}
	}
	t.hub.recorder.End(j)
}

// say says in a sentence what was brought to whom. That a message is in the queue of a connection does not say that it was
// read.
func (p *part) say() string {
	text := fmt.Sprintf("%d changed, queued for %d connections", p.changes, p.told)
	if p.passed > 0 {
		text += fmt.Sprintf("; %d have none of it in view", p.passed)
	}
	return text
}
