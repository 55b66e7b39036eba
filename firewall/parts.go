package firewall

import (
	"encoding/binary"
	"net/netip"
	"sort"
)

// Part is a stretch of addresses of which the same holds.
type Part struct {
	First, Last netip.Addr
	Rule        *Rule   // that allows it; nil where none does
	Implied     Implied // why it passes without one
	Allowed     bool
}

// String names the stretch: an address, a network, or the first and the last address.
func (p Part) String() string {
	if p.First == p.Last {
		return p.First.String()
	}
	for bits := range p.First.BitLen() {
		if n, err := p.First.Prefix(bits); err == nil && n.Addr() == p.First && lastOf(n) == number(p.Last) {
			return n.String()
		}
	}
	return p.First.String() + " to " + p.Last.String()
}

// Parts cuts a network into the stretches of which the same holds for a flow, in the order of their addresses. The flow's
// Remote does not count. Loopback is not cut out of a network that has more in it.
func (p *Policy) Parts(n netip.Prefix, f Flow) []Part {
	n = n.Masked()
	f.Remote = n.Addr()
	if v := p.Judge(f); v.Implied != ByRule && (v.Implied != ByLoopback || loopbackHas(n)) {
		return []Part{{First: n.Addr(), Last: addrOf(lastOf(n), n.Addr().Is4()), Implied: v.Implied, Allowed: true}}
	}
	side := &p.in
	if f.Out {
		side = &p.out
	}
	fam := &side.v6
	if n.Addr().Is4() {
		fam = &side.v4
	}
	sv := &fam.services[fam.protocol[f.Protocol]]
	port := selector(f)
	t := sv.table[sort.Search(len(sv.from), func(i int) bool { return sv.from[i] > port })-1]
	first, last := number(n.Addr()), lastOf(n)
	var parts []Part
	for at := first; ; {
		i := sort.Search(len(t.from), func(i int) bool { return t.from[i].compare(at) > 0 })
		end := last
		if i < len(t.from) && t.from[i].compare(last) <= 0 {
			end = t.from[i].minus1()
		}
		part := Part{First: addrOf(at, n.Addr().Is4()), Last: addrOf(end, n.Addr().Is4())}
		if i > 0 && t.rule[i-1] != 0 {
			part.Rule, part.Allowed = p.all[t.rule[i-1]-1], true
		}
		parts = append(parts, part)
		if end == last {
			return parts
		}
		at = t.from[i]
	}
}

// loopbackHas reports whether all of a network is loopback.
func loopbackHas(n netip.Prefix) bool {
	for _, l := range loopbacks() {
		if l.Contains(n.Addr()) && l.Bits() <= n.Bits() {
			return true
		}
	}
	return false
}

func (a address) minus1() address {
	if a.lo == 0 {
		a.hi--
	}
	a.lo--
	return a
}

// addrOf is the address that a number stands for.
func addrOf(a address, v4 bool) netip.Addr {
	if v4 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(a.lo))
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return netip.AddrFrom16(b)
}
