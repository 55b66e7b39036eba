package live

import (
	"context"
	"net/netip"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

// Why a snapshot comes in place of changes.
const (
	resetTooOld  = "too_old"  // changes since the cursor are no longer kept
	resetEpoch   = "epoch"    // the cursor is of another database
	resetTooMany = "too_many" // more changed than is worth sending
	resetRule    = "rule"     // who may see what was decided anew
)

// Subscribe puts a topic on the connection: its first message is a snapshot, or with a cursor the changes since, and then
// come the changes. id is the number of the client's message or "". Errors are those of a GET, Limited stream.topics, and
// Conflict stream.subscribed.
func (c *Conn) Subscribe(ctx context.Context, id, topic, cursor string) error {
	var since *roundtrip.Cursor
	if cursor != "" {
		at, err := roundtrip.ParseCursor(cursor)
		if err != nil {
			return err
		}
		since = &at
	}
	if len(topic) > topicMax {
		return roundtrip.E(roundtrip.Invalid, "request.invalid", "a topic may have %d bytes; this one has %d", topicMax, len(topic))
	}
	if err := c.reserve(topic); err != nil {
		return err
	}
	select {
	case c.hub.gate <- struct{}{}:
		defer func() { <-c.hub.gate }()
	case <-ctx.Done():
		c.release(topic)
		return roundtrip.E(roundtrip.Unavailable, "app.stopping", "the server is stopping; connect again in a moment")
	}
	c.hub.examine(ctx, c)
	var s subscription
	var err error
	switch {
	case topic == inboxTopic:
		s, err = c.hub.joinInbox(ctx, c, id, since)
	case strings.HasPrefix(topic, channelPrefix):
		s, err = c.hub.joinChannel(ctx, c, id, topic)
	default:
		s, err = c.hub.join(ctx, c, id, topic, since)
	}
	if err != nil {
		c.release(topic)
		return err
	}
	return c.settle(topic, s)
}

// reserve makes room for one more topic.
func (c *Conn) reserve(topic string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.topics[topic]; there {
		return roundtrip.E(roundtrip.Conflict, "stream.subscribed", "the connection has this topic already")
	}
	if len(c.topics) >= topicsMax {
		return roundtrip.E(roundtrip.Limited, "stream.topics", "a connection may have %d topics; unsubscribe from some", topicsMax)
	}
	if c.topics == nil {
		c.topics = map[string]subscription{}
	}
	if !c.left {
		c.topics[topic] = pending{}
	}
	return nil
}

// pending holds the place of a topic whose first message is being made.
type pending struct{}

func (pending) leave(*Conn) {}

// hold puts a subscription in its place before it is made, so that whoever learns that the client is another one now finds
// it, and returns who the client is until then.
func (c *Conn) hold(topic string, s subscription) *roundtrip.Principal {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.left {
		c.topics[topic] = s
	}
	return c.who
}

func (c *Conn) release(topic string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.topics, topic)
}

// settle puts the subscription in its place, unless the client has gone meanwhile.
func (c *Conn) settle(topic string, s subscription) error {
	c.mu.Lock()
	left := c.left
	if !left {
		c.topics[topic] = s
	}
	c.mu.Unlock()
	if left {
		s.leave(c)
	}
	return nil
}

// Unsubscribe takes a topic off the connection. No message of it is queued after it has returned. Errors: Missing
// stream.not_subscribed.
func (c *Conn) Unsubscribe(topic string) error {
	c.mu.Lock()
	s := c.topics[topic]
	delete(c.topics, topic)
	c.mu.Unlock()
	if s == nil {
		return roundtrip.E(roundtrip.Missing, "stream.not_subscribed", "the connection does not have this topic")
	}
	s.leave(c)
	return nil
}

// join puts a connection into the group of a topic.
func (h *Hub) join(ctx context.Context, c *Conn, id, topic string, since *roundtrip.Cursor) (subscription, error) {
	past := h.newPast(since)
	for {
		house := h.house.Load()
		asked, err := house.Pages.Topic(topic)
		if err != nil {
			return nil, err
		}
		if err := past.read(ctx, asked.Collection.Number); err != nil { // most of it, before anybody waits for us
			return nil, err
		}
		g, err := h.group(house, topic, asked)
		if err != nil {
			return nil, err
		}
		s, err := g.enter(ctx, c, id, past)
		if s != nil || err != nil {
			return s, err
		}
	}
}

// enter lets a connection into a group. It returns nothing where the group has just ended, or is one of an older
// declaration that can't be brought under the one in force.
func (g *group) enter(ctx context.Context, c *Conn, id string, past *past) (subscription, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.hub.house.Load(); !g.gone && g.house != now { // nobody is let in by what an older declaration says
		if len(g.audiences) == 0 {
			g.end()
		} else {
			asked, err := now.Pages.Topic(g.topic)
			g.enterHouse(ctx, now, asked, err)
		}
	}
	if g.gone {
		return nil, nil //nolint:nilnil // the caller makes another group
	}
	s, err := g.take(ctx, c, id, past)
	if err != nil {
		if len(g.audiences) == 0 {
			g.end()
		}
		return nil, err
	}
	return s, nil
}

// group returns the group of a topic, making it for the first one who comes.
func (h *Hub) group(house *House, topic string, asked *Asked) (*group, error) {
	h.mu.Lock()
	g := h.groups[topic]
	h.mu.Unlock()
	if g != nil {
		return g, nil
	}
	fresh, err := newGroup(h, house, topic, asked)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if g := h.groups[topic]; g != nil {
		return g, nil
	}
	h.groups[topic] = fresh
	h.index.list(fresh)
	return fresh, nil
}

// take lets a connection in and queues its first message. The caller holds mu, so that no change is delivered between the
// snapshot and the first change after it.
func (g *group) take(ctx context.Context, c *Conn, id string, past *past) (*subscriber, error) {
	s := &subscriber{conn: c, group: g}
	who := c.hold(g.topic, s)
	var addr netip.Addr
	if g.traits.Addr {
		addr = c.addr
	}
	p, err := g.permit(who, addr)
	if err != nil {
		return nil, err
	}
	if err := past.read(ctx, g.asked.Collection.Number); err != nil {
		return nil, err
	}
	err = g.hub.store.View(ctx, func(v store.View) error {
		position, err := v.Position()
		if err != nil {
			return err
		}
		if err := past.finish(v, g.asked.Collection.Number, position); err != nil {
			return err
		}
		a := g.audience(c, who)
		f, err := g.first(ctx, v, a, p, id, past, position)
		if err != nil {
			if len(a.subs) == 0 {
				g.drop(a)
			}
			return err
		}
		s.in, s.from = a, f.position
		a.subs = append(a.subs, s)
		g.joined = max(g.joined, position)
		c.answer(f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// first makes the first message for somebody who comes.
func (g *group) first(ctx context.Context, v store.View, a *audience, p *policy.Permit, id string, past *past, position int64) (*Frame, error) {
	reset := past.reset
	if past.since != nil && reset == "" {
		if reset = g.outdated(past, a, p); past.since.Position <= g.hub.ruled.Load() {
			reset = resetRule
		}
	}
	if past.since != nil && reset == "" {
		f, err := g.catchUp(ctx, v, p, id, past)
		if err == nil {
			err = g.learn(v, a, p)
		}
		return f, err
	}
	if g.asked.Silent {
		if err := g.learn(v, a, p); err != nil {
			return nil, err
		}
		return g.sealed(appendSnapshot(message(id, g.topic, 16), nil, reset), position), nil
	}
	pieces, err := g.page(ctx, v, a, p)
	if err != nil {
		return nil, err
	}
	if g.asked.ID != 0 && len(pieces) == 0 && past.since == nil {
		return nil, roundtrip.E(roundtrip.Missing, "store.missing", "%s has no record %q", g.asked.Collection.Name, g.asked.ID)
	}
	return g.sealed(appendSnapshot(message(id, g.topic, size(pieces)), pieces, reset), position), nil
}

// page reads a snapshot and notes what is held from now on.
func (g *group) page(ctx context.Context, v store.View, a *audience, p *policy.Permit) (pieces []Piece, err error) {
	switch {
	case p == nil:
	case g.asked.ID != 0:
		pieces, err = g.house.Pages.Some(ctx, v, p, []roundtrip.ID{g.asked.ID})
	default:
		pieces, err = g.house.Pages.Page(ctx, v, p)
	}
	if err != nil {
		return nil, err
	}
	return pieces, g.learn(v, a, p)
}

func size(pieces []Piece) int {
	n := 0
	for _, p := range pieces {
		n += len(p.JSON) + 1
	}
	return n
}

// learn notes the first records of the topic as held: what a client has, it has from a snapshot, or from a GET of the same
// list.
func (g *group) learn(v store.View, a *audience, p *policy.Permit) error {
	if g.traits.Everything {
		return nil
	}
	if err := g.attend(v, a, p); err != nil {
		return err
	}
	position, err := v.Position()
	if err != nil {
		return err
	}
	ids, more, err := g.firsts(v, p)
	if err != nil {
		return err
	}
	all := map[roundtrip.ID]bool{}
	if g.shared {
		g.known.open = g.known.open || more
		stranger := p
		if a.key.account != 0 {
			if stranger, err = g.permit(&roundtrip.Principal{}, netip.Addr{}); err != nil {
				return err
			}
		}
		if all, err = readable(v, stranger, ids); err != nil {
			return err
		}
	}
	a.known.open = a.known.open || more
	for _, id := range ids {
		if all[id] {
			g.known.came(id, position)
		} else {
			a.known.came(id, position)
		}
	}
	return nil
}

// resetAll sends a snapshot to everybody.
func (g *group) resetAll(ctx context.Context, v store.View, why string) error {
	g.known = known{}
	for _, a := range g.audiences {
		if err := g.reset(ctx, v, a, why); err != nil {
			return err
		}
	}
	return nil
}

// reset sends a snapshot to one audience. Its cursor is the position of what was read, as for those who come: with that of an
// older window, who is cut off then and comes back would never be told of a record that was made after the window and is
// gone by then.
func (g *group) reset(ctx context.Context, v store.View, a *audience, why string) error {
	p, err := g.permit(a.who, a.key.addr)
	if err != nil {
		return err
	}
	a.known = known{}
	pieces, err := g.page(ctx, v, a, p)
	if err != nil {
		return err
	}
	position, err := v.Position()
	if err != nil {
		return err
	}
	g.joined = max(g.joined, position)
	f := g.sealed(appendSnapshot(message("", g.topic, size(pieces)), pieces, why), position)
	for _, s := range a.subs {
		s.from = max(s.from, position)
		s.conn.Send(f)
	}
	return nil
}
