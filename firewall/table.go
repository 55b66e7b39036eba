package firewall

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"sort"

	"github.com/roundtrip-dev/roundtrip/config"
)

// side is one direction of a policy, compiled: two binary searches find the rule with the lowest number that allows a flow.
// The first finds the services: ports, or type and code, are cut into spans in which the same rules speak. The second finds
// the rule by address: those rules' networks are cut into spans too, each with the lowest rule that has it.
type side struct {
	v4, v6 family
}

// family is one family of addresses of a side.
type family struct {
	protocol [256]uint16 // index into services; 0 for what only rules with `all` allow
	services []service
}

// service is the rules of one protocol.
type service struct {
	from  []uint16 // where spans of ports begin, ascending; the first is 0
	table []*addresses
}

// addresses are spans of addresses with the rule that has each, 0 for none. IPv4 addresses stand in lo alone.
type addresses struct {
	from []address
	rule []uint16
}

// address is an address as a number.
type address struct{ hi, lo uint64 }

func number(a netip.Addr) address {
	if a.Is4() {
		b := a.As4()
		return address{lo: uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return address{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (a address) compare(b address) int {
	return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo))
}

// plus1 returns the next address, and false behind the last one of 128 bits.
func (a address) plus1() (address, bool) {
	if a.lo++; a.lo == 0 {
		a.hi++
	}
	return a, a != address{}
}

// lastOf returns the last address of a network.
func lastOf(p netip.Prefix) address {
	a, free := number(p.Addr()), p.Addr().BitLen()-p.Bits()
	if free >= 64 {
		a.lo = ^uint64(0)
		if free > 64 {
			a.hi |= 1<<(free-64) - 1
		}
		return a
	}
	a.lo |= 1<<free - 1
	return a
}

// find returns the number of the lowest rule that allows a flow, 0 for none.
func (s *side) find(f Flow) uint16 {
	fam := &s.v6
	if f.Remote.Is4() {
		fam = &s.v4
	} else if !f.Remote.IsValid() {
		return 0
	}
	if len(fam.services) == 0 {
		return 0
	}
	sv := &fam.services[fam.protocol[f.Protocol]]
	port := selector(f)
	i := sort.Search(len(sv.from), func(i int) bool { return sv.from[i] > port }) - 1
	return sv.table[i].find(number(f.Remote))
}

func (t *addresses) find(a address) uint16 {
	i := sort.Search(len(t.from), func(i int) bool { return t.from[i].compare(a) > 0 }) - 1
	if i < 0 {
		return 0
	}
	return t.rule[i]
}

// selector is what of a flow is compared beside protocol and address: the port, or type and code as one number.
func selector(f Flow) uint16 {
	switch f.Protocol {
	case TCP, UDP, SCTP:
		return f.Port
	case ICMP, ICMPv6:
		return uint16(f.Type)<<8 | uint16(f.Code)
	}
	return 0
}

// span is what a kind of traffic takes of the selector.
func span(t *config.Traffic) (first, last uint16) {
	switch {
	case t.All:
		return 0, 0xffff
	case t.Protocol == TCP, t.Protocol == UDP, t.Protocol == SCTP:
		return t.First, t.Last
	case (t.Protocol == ICMP || t.Protocol == ICMPv6) && t.Type >= 0 && t.Code >= 0:
		n := uint16(t.Type)<<8 | uint16(t.Code)
		return n, n
	case (t.Protocol == ICMP || t.Protocol == ICMPv6) && t.Type >= 0:
		return uint16(t.Type) << 8, uint16(t.Type)<<8 | 0xff
	}
	return 0, 0xffff
}

// speaks reports whether traffic can be of a family: icmp is IPv4's, icmpv6 IPv6's.
func speaks(t *config.Traffic, v4 bool) bool {
	return t.All || (t.Protocol != ICMP || v4) && (t.Protocol != ICMPv6 || !v4)
}

// compile cuts the rules of one direction into spans.
func compile(rules []*Rule, out bool) side {
	var mine []*Rule
	for _, r := range rules {
		if r.Out == out {
			mine = append(mine, r)
		}
	}
	tables := map[string]*addresses{}
	return side{v4: compileFamily(mine, true, tables), v6: compileFamily(mine, false, tables)}
}

// claim is one kind of traffic of one rule.
type claim struct {
	rule        *Rule
	first, last uint16
}

func compileFamily(rules []*Rule, v4 bool, tables map[string]*addresses) family {
	var everything []claim
	byProtocol := map[uint8][]claim{}
	for _, r := range rules {
		for i := range r.Declared.Allow {
			t := &r.Declared.Allow[i]
			if !speaks(t, v4) {
				continue
			}
			first, last := span(t)
			if c := (claim{r, first, last}); t.All {
				everything = append(everything, c)
			} else {
				byProtocol[t.Protocol] = append(byProtocol[t.Protocol], c)
			}
		}
	}
	f := family{services: []service{compileService(everything, v4, tables)}}
	for protocol := range 256 {
		claims := byProtocol[uint8(protocol)]
		if len(claims) == 0 {
			continue
		}
		f.protocol[protocol] = uint16(len(f.services))
		f.services = append(f.services, compileService(slices.Concat(claims, everything), v4, tables))
	}
	return f
}

func compileService(claims []claim, v4 bool, tables map[string]*addresses) service {
	cuts := []int{0}
	for _, c := range claims {
		cuts = append(cuts, int(c.first), int(c.last)+1)
	}
	slices.Sort(cuts)
	var s service
	for _, at := range slices.Compact(cuts) {
		if at > 0xffff {
			break
		}
		var speaking []*Rule
		for _, c := range claims {
			if int(c.first) <= at && at <= int(c.last) {
				speaking = append(speaking, c.rule)
			}
		}
		slices.SortFunc(speaking, func(a, b *Rule) int { return int(a.ID) - int(b.ID) })
		speaking = slices.Compact(speaking)
		key := make([]byte, 0, 2*len(speaking)+1)
		if v4 {
			key = append(key, 4)
		}
		for _, r := range speaking {
			key = binary.BigEndian.AppendUint16(key, r.ID)
		}
		t := tables[string(key)]
		if t == nil {
			t = compileAddresses(speaking, v4)
			tables[string(key)] = t
		}
		s.from, s.table = append(s.from, uint16(at)), append(s.table, t)
	}
	return s
}

// compileAddresses cuts the networks of rules into spans: a sweep over where they begin and end, with the rules that hold
// at each place.
func compileAddresses(rules []*Rule, v4 bool) *addresses {
	type edge struct {
		at   address
		rule uint16
		ends bool
	}
	var edges []edge
	for _, r := range rules {
		for _, n := range r.Networks {
			if n.Addr().Is4() != v4 {
				continue
			}
			edges = append(edges, edge{number(n.Addr()), r.ID, false})
			if next, ok := lastOf(n).plus1(); ok {
				edges = append(edges, edge{next, r.ID, true})
			}
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return a.at.compare(b.at) })
	t := &addresses{}
	var here standing
	for i := 0; i < len(edges); {
		at := edges[i].at
		for ; i < len(edges) && edges[i].at == at; i++ {
			if edges[i].ends {
				here.remove(edges[i].rule)
			} else {
				here.add(edges[i].rule)
			}
		}
		winner := here.least()
		if n := len(t.rule); n > 0 && t.rule[n-1] == winner || n == 0 && winner == 0 {
			continue
		}
		t.from, t.rule = append(t.from, at), append(t.rule, winner)
	}
	t.from, t.rule = slices.Clip(t.from), slices.Clip(t.rule)
	return t
}

// standing is a multiset of rule numbers, of which the least is asked for. It is a sorted list of numbers with counts: a place
// is rarely in the networks of more than a few rules.
type standing struct {
	rules []uint16
	count []int
}

func (h *standing) add(r uint16) {
	i, found := slices.BinarySearch(h.rules, r)
	if found {
		h.count[i]++
		return
	}
	h.rules, h.count = slices.Insert(h.rules, i, r), slices.Insert(h.count, i, 1)
}

func (h *standing) remove(r uint16) {
	i, found := slices.BinarySearch(h.rules, r)
	if !found {
		return
	}
	if h.count[i]--; h.count[i] == 0 {
		h.rules, h.count = slices.Delete(h.rules, i, i+1), slices.Delete(h.count, i, i+1)
	}
}

func (h *standing) least() uint16 {
	if len(h.rules) == 0 {
		return 0
	}
	return h.rules[0]
}
