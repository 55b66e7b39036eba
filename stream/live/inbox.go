package live

import (
	"context"
	"sync"

	"github.com/roundtrip-dev/roundtrip"
)

// inboxTopic is the topic of an account's own notifications.
const inboxTopic = "inbox"

// inboxGroup is the connections of one account that watch its inbox.
type inboxGroup struct {
	hub     *Hub
	account roundtrip.ID

	mu   sync.Mutex // guards all below
	gone bool
	at   int64 // all of subs have what is up to here
	subs []*inboxSubscriber
}

// inboxSubscriber is a connection that watches an inbox.
type inboxSubscriber struct {
	conn *Conn
	in   *inboxGroup
	from int64
}

// joinInbox puts a connection on its account's inbox.
func (h *Hub) joinInbox(ctx context.Context, c *Conn, id string, since *roundtrip.Cursor) (subscription, error) {
	inbox := h.house.Load().Inbox
	if inbox == nil {
		return nil, roundtrip.E(roundtrip.Missing, "request.unknown_path", "there is no inbox: no notifications are declared")
	}
	who := c.Who()
	if who.Stranger() {
		return nil, roundtrip.E(roundtrip.Unauthenticated, "auth.missing", "sign in to see your inbox")
	}
	past := h.newPast(since)
	if since != nil && past.reset == "" {
		if err := past.kept(ctx); err != nil {
			return nil, err
		}
	}
	for {
		g := h.inboxGroup(who.ID)
		s, err := g.take(ctx, inbox, c, id, past)
		if s != nil || err != nil {
			return s, err
		}
	}
}

func (h *Hub) inboxGroup(account roundtrip.ID) *inboxGroup {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := h.inbox[account]
	if g == nil {
		g = &inboxGroup{hub: h, account: account}
		h.inbox[account] = g
	}
	return g
}

// take lets a connection in. It returns nothing where the group has just ended.
func (g *inboxGroup) take(ctx context.Context, inbox Inbox, c *Conn, id string, past *past) (subscription, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone {
		return nil, nil //nolint:nilnil // the caller makes another group
	}
	f, err := g.first(ctx, inbox, id, past)
	if err != nil {
		g.endIfEmpty()
		return nil, err
	}
	s := &inboxSubscriber{conn: c, in: g, from: f.position}
	if len(g.subs) == 0 || f.position < g.at {
		g.at = f.position
	}
	g.subs = append(g.subs, s)
	c.answer(f)
	return s, nil
}

func (g *inboxGroup) first(ctx context.Context, inbox Inbox, id string, past *past) (*Frame, error) {
	reset := past.reset
	if past.since != nil && reset == "" {
		members, position, err := inbox.Since(ctx, g.account, past.since.Position)
		if err != nil {
			return nil, err
		}
		if members != nil {
			return g.frame(id, members, "", position), nil
		}
		reset = resetTooOld
	}
	members, position, err := inbox.Snapshot(ctx, g.account)
	if err != nil {
		return nil, err
	}
	return g.frame(id, members, reset, position), nil
}

func (g *inboxGroup) frame(id string, members []byte, reset string, position int64) *Frame {
	b := append(append(message(id, inboxTopic, len(members)), ','), members...)
	if reset != "" {
		b = append(append(append(b, `,"reset":"`...), reset...), '"')
	}
	return g.hub.end(b, position)
}

// leave takes a connection off.
func (s *inboxSubscriber) leave(*Conn) {
	g := s.in
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.subs {
		if other == s {
			g.subs = append(g.subs[:i], g.subs[i+1:]...)
			break
		}
	}
	g.endIfEmpty()
}

func (g *inboxGroup) endIfEmpty() {
	if len(g.subs) > 0 {
		return
	}
	g.gone = true
	g.hub.mu.Lock()
	defer g.hub.mu.Unlock()
	if g.hub.inbox[g.account] == g {
		delete(g.hub.inbox, g.account)
	}
}

// deliverInboxes brings what is new in inboxes to their accounts, until ctx ends.
func (h *Hub) deliverInboxes(ctx context.Context) {
	for {
		w := h.inboxes.take(ctx)
		if w == nil {
			return
		}
		h.settle(ctx)
		told := h.tell()
		for _, g := range h.inboxesOf(w) {
			n, err := g.changed(ctx, h.house.Load().Inbox, w.to)
			told.inbox(g.account, n, w)
			if err != nil {
				h.log.Error("live: an inbox could not be delivered", "account", g.account.String(), "error", err)
				g.closeAll(Closing{CloseRestart, "stream.failed", "the inbox could not be read; come back with your cursors"})
			}
		}
		h.inboxes.done.Store(w.to)
		told.end()
	}
}

// inboxesOf returns the watched inboxes that changed: where more changed than can be named, all of them.
func (h *Hub) inboxesOf(w *window) []*inboxGroup {
	t := w.of[0]
	if t == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []*inboxGroup
	if t.over {
		for _, g := range h.inbox {
			list = append(list, g)
		}
		return list
	}
	for account := range t.records {
		if g := h.inbox[account]; g != nil {
			list = append(list, g)
		}
	}
	return list
}

// changed sends what is new since the last time.
func (g *inboxGroup) changed(ctx context.Context, inbox Inbox, to int64) (n tally, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone || inbox == nil || g.at >= to {
		return n, nil
	}
	members, position, err := inbox.Since(ctx, g.account, g.at)
	if err != nil {
		return n, err
	}
	reset := ""
	if members == nil {
		reset = resetTooOld
		if members, position, err = inbox.Snapshot(ctx, g.account); err != nil {
			return n, err
		}
	}
	n.name, n.topics, n.changes = inboxTopic, 1, 1
	g.at = position
	var f *Frame
	for _, s := range g.subs {
		if s.from >= position {
			continue
		}
		s.from = position
		if f == nil {
			f = g.frame("", members, reset, position)
		}
		n.count(s.conn.put(Item{Frame: f}))
	}
	return n, nil
}

func (g *inboxGroup) closeAll(with Closing) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.subs {
		s.conn.Close(with)
	}
}
