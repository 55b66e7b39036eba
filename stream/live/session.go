package live

import (
	"context"
	"slices"
	"sync"

	"github.com/roundtrip-dev/roundtrip"
)

// doubts holds the accounts whose sessions may have ended, or whose record has changed.
type doubts struct {
	work sync.Mutex // held while they are asked: who waits for it finds all doubts settled that were there before

	mu       sync.Mutex
	accounts map[roundtrip.ID]struct{}
	wake     chan struct{}
}

func (d *doubts) init() { d.wake = make(chan struct{}, 1) }

// Doubt says that a session of an account may have ended, or that its record or roles may have changed: what its connections
// may see is asked again. It never waits.
func (h *Hub) Doubt(account roundtrip.ID) {
	h.doubts.mu.Lock()
	if h.doubts.accounts == nil {
		h.doubts.accounts = map[roundtrip.ID]struct{}{}
	}
	h.doubts.accounts[account] = struct{}{}
	h.doubts.mu.Unlock()
	select {
	case h.doubts.wake <- struct{}{}:
	default:
	}
}

// clearDoubts asks again for those in doubt, until ctx ends.
func (h *Hub) clearDoubts(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.doubts.wake:
		}
		h.settle(ctx)
	}
}

// settle asks again for all who are in doubt now.
func (h *Hub) settle(ctx context.Context) {
	h.doubts.work.Lock()
	defer h.doubts.work.Unlock()
	h.doubts.mu.Lock()
	accounts := h.doubts.accounts
	h.doubts.accounts = nil
	h.doubts.mu.Unlock()
	for account := range accounts {
		for _, c := range h.connsOf(account) {
			h.examine(ctx, c)
		}
	}
}

// renew makes sure that nothing of a window is delivered to somebody as they were before it: accounts of the window are
// asked for anew, and whoever else is in doubt.
func (h *Hub) renew(ctx context.Context, w *window) {
	house := h.house.Load()
	if house.Accounts != nil {
		if t := w.of[house.Accounts.Number]; t != nil && t.moved {
			for _, account := range h.watching(t) {
				house.Forget(account)
				h.Doubt(account)
			}
		}
	}
	h.settle(ctx)
}

// watching lists the accounts of a window that have connections.
func (h *Hub) watching(t *touched) []roundtrip.ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []roundtrip.ID
	for account := range h.conns {
		if c, changed := t.records[account]; account != 0 && (t.over || changed && !c.counts) {
			list = append(list, account)
		}
	}
	return list
}

func (h *Hub) connsOf(account roundtrip.ID) []*Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []*Conn
	for c := range h.conns[account] {
		list = append(list, c)
	}
	return list
}

// examine asks whose a connection is. One whose session has ended is closed; where the account is another than it was,
// topics whose rule looks at it are read anew.
func (h *Hub) examine(ctx context.Context, c *Conn) {
	c.mu.Lock()
	token, before := c.token, c.who
	c.mu.Unlock()
	if token == "" {
		return
	}
	who, err := h.house.Load().Who(ctx, token)
	if err != nil {
		if e := roundtrip.AsError(err); e.Kind == roundtrip.Unauthenticated {
			c.Close(Closing{CloseSession, "auth.expired", "the session has ended; sign in again"})
		}
		return // nobody knows just now: it is asked again
	}
	if alike(who, before) {
		return
	}
	c.mu.Lock()
	if c.token != token { // it has shown another one meanwhile
		c.mu.Unlock()
		return
	}
	c.who = who
	subs := c.subscribers()
	c.mu.Unlock()
	for _, s := range subs {
		s.became(ctx, who)
	}
	h.stillThere(ctx, c)
}

// alike reports whether two principals are the same to every rule: sessions are read anew every second, mostly to find that
// nothing has changed.
func alike(a, b *roundtrip.Principal) bool {
	if a == b {
		return true
	}
	if a.ID != b.ID || a.Session != b.Session || !slices.Equal(a.Roles, b.Roles) || (a.Account == nil) != (b.Account == nil) {
		return false
	}
	return a.Account == nil || a.Account.Collection == b.Account.Collection && slices.Equal(a.Account.Values, b.Account.Values)
}

// subscribers lists the groups that the connection is in. The caller holds mu.
func (c *Conn) subscribers() []*subscriber {
	var list []*subscriber
	for _, t := range c.topics {
		if s, ok := t.(*subscriber); ok {
			list = append(list, s)
		}
	}
	return list
}

// Authenticate makes the connection one of whoever holds the token. It can be said once, by a stranger. Errors are those of
// identity, Limited stream.connections, and Conflict stream.signed_in.
func (c *Conn) Authenticate(ctx context.Context, token string) error {
	if !c.Who().Stranger() {
		return roundtrip.E(roundtrip.Conflict, "stream.signed_in", "the connection is somebody's already; open another one")
	}
	if token == "" {
		return roundtrip.E(roundtrip.Unauthenticated, "auth.invalid", "auth takes a session token")
	}
	who, err := c.hub.house.Load().Who(ctx, token)
	if err != nil {
		return err
	}
	h := c.hub
	h.mu.Lock()
	old := c.owner
	h.dismiss(c)
	if err := h.admit(c, owner{account: who.ID}); err != nil {
		_ = h.admit(c, old) // it had its place there a moment ago
		h.mu.Unlock()
		return err
	}
	h.mu.Unlock()
	c.mu.Lock()
	c.token, c.who = token, who
	subs := c.subscribers()
	c.mu.Unlock()
	for _, s := range subs {
		s.became(ctx, who)
	}
	for _, m := range c.channels() {
		m.named(who)
	}
	return nil
}

// ack is what a person has been shown.
type ack struct {
	position int64
	at       int64 // Unix seconds
}

// ackLife is how long it is known after the last connection has ended, in seconds: who looked and closed the page needs no
// push for what they saw, however long the grace of pushes and letters is.
const ackLife = 3600

// forgetAcks drops what is too old to matter. The caller holds h.mu.
func (h *Hub) forgetAcks() {
	now := h.now().Unix()
	for account, a := range h.acked {
		if h.conns[account] == nil && now-a.at > ackLife {
			delete(h.acked, account)
		}
	}
}

// Ack notes that the person has been shown what their inbox had up to a position. Errors: Invalid request.invalid.
func (c *Conn) Ack(ctx context.Context, cursor string) error {
	at, err := roundtrip.ParseCursor(cursor)
	if err != nil {
		return err
	}
	h := c.hub
	who := c.Who()
	if who.Stranger() || at.Epoch != h.epoch {
		return nil
	}
	if at.Position > h.read.Load() { // a snapshot may be ahead of what we have read of the log
		if head, err := h.head(ctx); err != nil || at.Position > head {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conns[who.ID] != nil {
		h.acked[who.ID] = ack{max(h.acked[who.ID].position, at.Position), h.now().Unix()}
	}
	return nil
}
