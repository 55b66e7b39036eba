package sqlite

import (
	"slices"
	"sync"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	causesEach = 4    // of one change; what else a group of writes summed up into it is not named
	causesKept = 8192 // changes whose causes are known: those who deliver them are milliseconds behind, not minutes
)

// cause is which journeys wrote something. Most changes have one; the sums of a group of writes have as many as were in it.
type cause struct {
	ids [causesEach]trace.ID
	n   int
}

func causedBy(id trace.ID) cause {
	if id == (trace.ID{}) {
		return cause{}
	}
	return cause{ids: [causesEach]trace.ID{id}, n: 1}
}

// add adds the causes of another one.
func (c *cause) add(other cause) {
	for _, id := range other.ids[:other.n] {
		if c.n < causesEach && !slices.Contains(c.ids[:c.n], id) {
			c.ids[c.n] = id
			c.n++
		}
	}
}

// first is the one that is kept where there is room for one.
func (c *cause) first() trace.ID { return c.ids[0] }

// by returns the journey of the op that runs.
func (t *tx) by() cause {
	if t.op == nil {
		return cause{}
	}
	return causedBy(t.op.by)
}

// put adds a change to those of the group, with what caused it.
func (t *tx) put(ch roundtrip.Change, by cause) {
	t.changes = append(t.changes, ch)
	t.causes = append(t.causes, by)
}

// causes remembers which journeys wrote the last changes, each in the place that its position has.
type causes struct {
	mu   sync.Mutex // guards kept
	kept []caused   // nil until there is one
}

type caused struct {
	position int64
	cause
}

// keep is told of a group that was committed.
func (c *causes) keep(changes []roundtrip.Change, by []cause) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, ch := range changes {
		if by[i].n == 0 {
			continue
		}
		if c.kept == nil {
			c.kept = make([]caused, causesKept)
		}
		c.kept[ch.Position%causesKept] = caused{ch.Position, by[i]}
	}
}

// AppendCauses appends the journeys whose writes made the change at a position, those that are not there yet: several where a
// group of writes was summed up into one change, and none where that is not known any more, or the writer had no journey.
func (s *Store) AppendCauses(to []trace.ID, position int64) []trace.ID {
	c := &s.causes
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || c.kept[position%causesKept].position != position {
		return to
	}
	found := &c.kept[position%causesKept]
	for _, id := range found.ids[:found.n] {
		if !slices.Contains(to, id) {
			to = append(to, id)
		}
	}
	return to
}
