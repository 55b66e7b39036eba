package live

import (
	"context"
	"math"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

// Enter puts a declaration in force. What is watched is read anew under it: its rules may say otherwise than those before.
// Topics that it does not have any more close their connections with 4101. Who comes back with a cursor from under another
// one starts anew, also after a restart. The database must be open.
func (h *Hub) Enter(ctx context.Context, house *House) {
	since, err := h.store.Since(ctx, "reading", house.Policy.Reading())
	if err != nil {
		h.log.Error("live: what declarations said before is not known", "error", err)
		since = math.MaxInt64
	}
	if h.house.Load() == nil {
		h.ruled.Store(since)
		h.house.Store(house)
		return
	}
	h.ruled.Store(math.MaxInt64) // until all are brought over, heartbeats may be ahead of a snapshot that is still to come
	h.house.Store(house)
	h.bring(ctx, house)
	head, err := h.head(ctx)
	if err != nil {
		h.log.Error("live: the log of changes can't be read", "error", err)
		return
	}
	h.ruled.Store(head)
}

// bring brings all groups under a house.
func (h *Hub) bring(ctx context.Context, house *House) {
	h.mu.Lock()
	groups := make([]*group, 0, len(h.groups))
	for _, g := range h.groups {
		groups = append(groups, g)
	}
	h.mu.Unlock()
	for _, g := range groups {
		g.move(ctx, house)
	}
	for _, c := range h.everybody(false) {
		h.stillThere(ctx, c)
	}
}

// move brings a group under another house.
func (g *group) move(ctx context.Context, house *House) {
	asked, err := house.Pages.Topic(g.topic)
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.gone && g.house != house {
		g.enterHouse(ctx, house, asked, err)
	}
}

// enterHouse brings the group under another house: asked is what it makes of the topic, or err why it has none. The caller
// holds mu.
func (g *group) enterHouse(ctx context.Context, house *House, asked *Asked, err error) {
	g.hub.mu.Lock()
	g.hub.index.unlist(g)
	g.hub.mu.Unlock()
	if err == nil {
		err = g.build(house, asked)
	}
	if err != nil {
		g.gone = true
		g.hub.mu.Lock()
		if g.hub.groups[g.topic] == g { // who comes now makes another one
			delete(g.hub.groups, g.topic)
		}
		g.hub.mu.Unlock()
		g.closeAll(Closing{CloseChanged, "stream.changed", "the declaration changed what you watch; come back with your cursors"})
		return
	}
	g.hub.mu.Lock()
	g.hub.index.list(g)
	g.hub.mu.Unlock()
	g.regroup()
	g.failed(g.hub.store.View(ctx, func(v store.View) error {
		return g.resetAll(ctx, v, resetRule)
	}))
}

// regroup deals the subscribers into audiences anew. The caller holds mu.
func (g *group) regroup() {
	old := g.audiences
	g.audiences = map[audienceKey]*audience{}
	for _, a := range old {
		g.hub.untie(a)
		for _, s := range a.subs {
			s.in = g.audience(s.conn, a.who)
			s.in.subs = append(s.in.subs, s)
		}
	}
}

func (g *group) closeAll(with Closing) {
	for _, a := range g.audiences {
		for _, s := range a.subs {
			s.conn.Close(with)
		}
	}
}

// became brings a subscriber into another audience, or gives its audience a principal that is newer. Where the rule looks
// at more than the id, what it sees is read anew.
func (s *subscriber) became(ctx context.Context, who *roundtrip.Principal) {
	g := s.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone || s.in == nil {
		return
	}
	old := s.in
	next := g.audience(s.conn, who)
	if next == old && !g.traits.Account {
		return
	}
	if next != old {
		s.moveTo(next)
	}
	if g.house != g.hub.house.Load() {
		return // it is read anew for the new declaration anyway
	}
	g.failed(g.hub.store.View(ctx, func(v store.View) error {
		return g.reset(ctx, v, next, resetRule)
	}))
}

// moveTo changes the audience. The caller holds the group's mu.
func (s *subscriber) moveTo(next *audience) {
	old := s.in
	for i, other := range old.subs {
		if other == s {
			old.subs = append(old.subs[:i], old.subs[i+1:]...)
			break
		}
	}
	if len(old.subs) == 0 {
		s.group.drop(old)
	}
	s.in = next
	next.subs = append(next.subs, s)
}

// CloseAll closes all connections with 1012 and takes no new ones: the server stops.
func (h *Hub) CloseAll() {
	for _, c := range h.everybody(true) {
		c.Close(Closing{CloseRestart, "app.stopping", "the server stops; come back in a moment"})
	}
}

func (h *Hub) everybody(last bool) []*Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = h.stopped || last
	var conns []*Conn
	for _, slot := range h.wheel {
		for c := range slot {
			conns = append(conns, c)
		}
	}
	return conns
}

// partTime is how long clients have to take the last message when the hub ends.
const partTime = 3 * time.Second

// stop ends all connections: well, and those that don't listen by force.
func (h *Hub) stop(cut context.CancelFunc) {
	h.CloseAll()
	ended := make(chan struct{})
	go func() {
		h.parts.Wait()
		close(ended)
	}()
	late := time.NewTimer(partTime)
	defer late.Stop()
	select {
	case <-ended:
		return
	case <-late.C:
	}
	cut()
	for _, c := range h.everybody(true) {
		c.sink.Cut()
	}
	<-ended
}
