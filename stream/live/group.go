package live

import (
	"net/netip"
	"sync"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// group is everybody who watches the same topic. What they are sent is decided and written once for all of them as far as
// it is the same for all.
type group struct {
	hub   *Hub
	topic string

	mu        sync.Mutex // guards all below; it is held while a snapshot is taken and while a change is delivered
	gone      bool       // nobody is left: whoever comes makes another group
	house     *House
	asked     *Asked
	traits    policy.Traits
	sieve     *policy.Permit // the filter alone, where it is the same for all callers; nil where there is none
	shared    bool           // what a stranger may see is decided and written once, for all
	known     known          // what all of them were sent
	joined    int64          // the newest position of a first message
	audiences map[audienceKey]*audience
}

// audience is those of a group who see the same: the connections of one account, or of strangers.
type audience struct {
	key   audienceKey
	who   *roundtrip.Principal
	known known // what was sent to them and not to the whole group
	subs  []*subscriber
	mines map[mineKey]bool // by which records of others it is told what it may see
}

// audienceKey tells audiences apart. The address counts only where a rule asks for it.
type audienceKey struct {
	account roundtrip.ID
	addr    netip.Addr
}

// subscriber is a connection in a group.
type subscriber struct {
	conn  *Conn
	group *group
	in    *audience // nil before it is in, and after it has left
	from  int64     // up to here it has been sent everything
}

// knownMax bounds how many records are remembered as sent.
const knownMax = 4096

// known remembers which records clients may hold, so that they are told of those that they lose and of no others.
type known struct {
	ids  map[roundtrip.ID]held
	open bool // they may hold others too
}

// held says who holds a record: all who were there at a position, and perhaps some of those who came until another one.
type held struct{ all, some int64 }

// came notes that somebody who came at a position was sent a record.
func (k *known) came(id roundtrip.ID, position int64) {
	h, there := k.ids[id]
	if !there {
		h.all = position
	}
	h.some = max(h.some, position)
	k.set(id, h, there)
}

// put notes that everybody was sent a record: those who were there at a position, 0 for all.
func (k *known) put(id roundtrip.ID, position int64) {
	h, there := k.ids[id]
	h.all = position
	k.set(id, h, there)
}

func (k *known) set(id roundtrip.ID, h held, there bool) {
	if !there && len(k.ids) >= knownMax {
		k.open = true
		return
	}
	if k.ids == nil {
		k.ids = map[roundtrip.ID]held{}
	}
	k.ids[id] = h
}

// drop notes that those who were there before a position were told that a record is gone. Who came at it or later may hold it
// still: they were not sent that message, and are told with the change that they have not been sent yet.
func (k *known) drop(id roundtrip.ID, position int64) {
	h, there := k.ids[id]
	if there && h.some >= position {
		k.ids[id] = held{all: h.some, some: h.some}
		return
	}
	delete(k.ids, id)
}

// all reports whether everybody who was there at a position was sent a record.
func (k *known) all(id roundtrip.ID, position int64) bool {
	h, there := k.ids[id]
	return there && h.all <= position
}

func (k *known) has(id roundtrip.ID) bool {
	_, ok := k.ids[id]
	return ok
}

// newGroup judges a topic under a house.
func newGroup(h *Hub, house *House, topic string, asked *Asked) (*group, error) {
	g := &group{hub: h, topic: topic, audiences: map[audienceKey]*audience{}}
	return g, g.build(house, asked)
}

// build sets what the declaration says of the group.
func (g *group) build(house *House, asked *Asked) error {
	g.house, g.asked, g.sieve = house, asked, nil
	call := g.call()
	var err error
	if g.traits, err = house.Policy.Traits(call); err != nil {
		return err
	}
	stranger, err := g.permit(&roundtrip.Principal{}, netip.Addr{})
	if err != nil {
		return err
	}
	g.shared = g.traits.Public && (stranger == nil || openToAll(stranger.Query().Expand))
	if q := &asked.Query; asked.ID == 0 && (q.Filter != "" || len(q.Equal) > 0) && g.traits.Sieve {
		only := *call
		only.Query = roundtrip.Query{Filter: q.Filter, Equal: q.Equal}
		g.sieve, err = house.Policy.Job(&only, "live: which topics a change concerns")
	}
	return err
}

// openToAll reports whether what refs lead to looks the same for everybody.
func openToAll(expand []policy.Expand) bool {
	for i := range expand {
		if p := expand[i].Permit; !p.Always() || !openToAll(p.Query().Expand) {
			return false
		}
	}
	return true
}

// call is what the topic asks, now.
func (g *group) call() *roundtrip.Call {
	c := &roundtrip.Call{Action: roundtrip.List, Collection: g.asked.Collection, Query: g.asked.Query, Time: g.hub.now()}
	if g.asked.ID != 0 {
		c.Action, c.ID = roundtrip.Get, g.asked.ID
	}
	return c
}

// permit asks policy for somebody who watches. It is nil where they can see no record at all.
func (g *group) permit(who *roundtrip.Principal, addr netip.Addr) (*policy.Permit, error) {
	call := g.call()
	call.Addr = addr
	p, err := g.house.Policy.Decide(call, who)
	switch {
	case err == nil && !p.Never():
		return p, nil
	case err == nil, roundtrip.AsError(err).Reason == "access.hidden":
		return nil, nil //nolint:nilnil // no permit and no mistake: nothing is to be seen
	}
	return nil, err
}

func (g *group) keyOf(c *Conn, who *roundtrip.Principal) audienceKey {
	key := audienceKey{}
	if !who.Stranger() {
		key.account = who.ID
	}
	if g.traits.Addr {
		key.addr = c.addr
	}
	return key
}

// audience returns the audience of a connection, making it for the first one. The caller holds mu.
func (g *group) audience(c *Conn, who *roundtrip.Principal) *audience {
	key := g.keyOf(c, who)
	a := g.audiences[key]
	if a == nil {
		a = &audience{key: key}
		g.audiences[key] = a
	}
	a.who = who
	return a
}

// leave takes a connection out of the group, and the group out of the hub when it was the last.
func (s *subscriber) leave(*Conn) {
	g := s.group
	g.mu.Lock()
	defer g.mu.Unlock()
	a := s.in
	if a == nil {
		return
	}
	s.in = nil
	for i, other := range a.subs {
		if other == s {
			last := len(a.subs) - 1
			a.subs[i] = a.subs[last]
			a.subs[last] = nil
			a.subs = a.subs[:last]
			break
		}
	}
	if len(a.subs) > 0 {
		return
	}
	g.drop(a)
	if len(g.audiences) == 0 {
		g.end()
	}
}

// drop ends an audience. The caller holds mu.
func (g *group) drop(a *audience) {
	delete(g.audiences, a.key)
	g.hub.untie(a)
}

// end takes the group out of the hub. The caller holds mu.
func (g *group) end() {
	g.gone = true
	g.hub.mu.Lock()
	defer g.hub.mu.Unlock()
	if g.hub.groups[g.topic] == g {
		delete(g.hub.groups, g.topic)
	}
	g.hub.index.unlist(g)
}
