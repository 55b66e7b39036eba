package wire

import (
	"net/netip"
	"sync"

	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	connectionsDefault = 20_000
	perClientDefault   = 512
)

// Peers is whom a front believes and how many connections it takes. A reload changes it, for connections that come after.
type Peers struct {
	TrustedProxies []netip.Prefix // whose word about their clients is believed
	ProxyProtocol  bool           // their connections begin with a PROXY header
	Connections    int            // at once, over all doors; 0 means 20,000
	PerClient      int            // at once from one address, /64 of IPv6; loopback and trusted proxies apart; 0 means 512
}

func (p *Peers) withDefaults() *Peers {
	c := *p
	if c.Connections <= 0 {
		c.Connections = connectionsDefault
	}
	if c.PerClient <= 0 {
		c.PerClient = perClientDefault
	}
	return &c
}

func (p *Peers) trusts(a netip.Addr) bool {
	for _, prefix := range p.TrustedProxies {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// crowd counts the connections that are open, whatever is spoken on them.
type crowd struct {
	mu     sync.Mutex // guards the two below
	total  int
	client map[netip.Addr]int
}

// Seat is the place that a connection has among those that are counted. The zero Seat has none.
type Seat struct {
	crowd  *crowd
	client netip.Addr // counted by it, where it is valid
}

// Admit counts a connection. Where the reason is not None, there is no place for it. client may be invalid, for a
// connection whose client is not known yet.
func (f *Front) Admit(client netip.Addr) (Seat, trace.Reason) {
	p := f.peers.Load()
	c := &f.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.total >= p.Connections {
		return Seat{}, trace.ReasonOf("connection.too_many")
	}
	s := Seat{crowd: c}
	if !c.take(&s, client, p) {
		return Seat{}, trace.ReasonOf("connection.too_many_of_client")
	}
	c.total++
	return s, trace.None
}

// take counts the connection as one of client from now on; it reports false where that has too many.
func (s *Seat) take(client netip.Addr, p *Peers) bool {
	s.crowd.mu.Lock()
	defer s.crowd.mu.Unlock()
	return s.crowd.take(s, client, p)
}

// take counts a seat as one of a client's, unless those are not counted.
func (c *crowd) take(s *Seat, client netip.Addr, p *Peers) bool {
	if !client.IsValid() || client.IsLoopback() || p.trusts(client) {
		return true
	}
	k := network(client)
	if c.client[k] >= p.PerClient {
		return false
	}
	if c.client == nil {
		c.client = map[netip.Addr]int{}
	}
	c.client[k]++
	s.client = k
	return true
}

// Leave gives the place back. It must be called once.
func (s Seat) Leave() {
	c := s.crowd
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total--
	if !s.client.IsValid() {
		return
	}
	if c.client[s.client]--; c.client[s.client] == 0 {
		delete(c.client, s.client)
	}
}

// Open returns how many connections are counted now.
func (f *Front) Open() int {
	f.crowd.mu.Lock()
	defer f.crowd.mu.Unlock()
	return f.crowd.total
}
