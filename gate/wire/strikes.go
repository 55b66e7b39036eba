package wire

import (
	"net/netip"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	strikesMax   = 3           // floods of one address within strikesTime until it is refused
	strikesTime  = time.Minute // and how long it is then
	strikesAddrs = 4096        // addresses that are remembered
)

// strikes remembers which addresses were cut off for floods. An address may be that of many people, so it is refused only
// after several, and not for long.
type strikes struct {
	mu sync.Mutex // guards of
	of map[netip.Addr]strike
}

type strike struct {
	count int
	last  time.Time
}

// strike counts a flood. Trusted proxies are apart, whose clients are many.
func (f *Front) strike(facts *Facts) {
	if !f.peers.Load().trusts(facts.Client) {
		f.floods.strike(facts.Client, f.options.Now())
	}
}

// flooded reports whether a connection is not served because its client flooded others, and tells of it.
func (f *Front) flooded(facts *Facts) bool {
	if !f.floods.refused(facts.Client, facts.Accepted) {
		return false
	}
	f.Refused(facts, trace.ReasonOf("client.flood"), nil)
	return true
}

// strike counts a flood of an address. Loopback is apart: behind it everybody may come through another server.
func (s *strikes) strike(addr netip.Addr, now time.Time) {
	if !addr.IsValid() || addr.IsLoopback() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[netip.Addr]strike{}
	}
	key := network(addr)
	k := s.of[key]
	if now.Sub(k.last) > strikesTime {
		k.count = 0
	}
	if len(s.of) >= strikesAddrs && k.count == 0 {
		s.forget(now)
	}
	s.of[key] = strike{count: k.count + 1, last: now}
}

// forget makes room: what is over goes, and if all is fresh, all goes.
func (s *strikes) forget(now time.Time) {
	for addr, k := range s.of {
		if now.Sub(k.last) > strikesTime {
			delete(s.of, addr)
		}
	}
	if len(s.of) >= strikesAddrs {
		clear(s.of)
	}
}

// refused reports whether an address is not served for the time being.
func (s *strikes) refused(addr netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.of) == 0 {
		return false
	}
	k, ok := s.of[network(addr)]
	return ok && k.count >= strikesMax && now.Sub(k.last) <= strikesTime
}

// network is what one client can choose its addresses from: a /64 of IPv6.
func network(addr netip.Addr) netip.Addr {
	if addr.Is4() {
		return addr
	}
	p, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return p.Addr()
}
