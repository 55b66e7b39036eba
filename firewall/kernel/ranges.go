package kernel

import (
	"net/netip"
	"slices"
)

// span is a range of addresses of one family, both ends included.
type span struct{ first, last netip.Addr }

// spans joins the networks of one family into ranges that neither overlap nor touch, in order, which is what a set of
// intervals takes. all says that they are every address of the family.
func spans(networks []netip.Prefix, six bool) (list []span, all bool) {
	for _, n := range networks {
		if n.Addr().Is6() != six {
			continue
		}
		if n.Bits() == 0 {
			return nil, true
		}
		list = append(list, span{n.Masked().Addr(), lastOf(n)})
	}
	slices.SortFunc(list, func(a, b span) int { return a.first.Compare(b.first) })
	joined := list[:0]
	for _, s := range list {
		if n := len(joined); n > 0 {
			if end := &joined[n-1].last; s.first.Compare(*end) <= 0 || end.Next() == s.first {
				if s.last.Compare(*end) > 0 {
					*end = s.last
				}
				continue
			}
		}
		joined = append(joined, s)
	}
	if len(joined) == 1 && !joined[0].first.Prev().IsValid() && !joined[0].last.Next().IsValid() {
		return nil, true
	}
	return joined, false
}

// lastOf is the last address of a network.
func lastOf(n netip.Prefix) netip.Addr {
	b := n.Addr().AsSlice()
	for i := n.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

// network returns the one network that a range is, if it is one.
func (s span) network() (netip.Prefix, bool) {
	for bits := s.first.BitLen(); bits >= 0; bits-- {
		n := netip.PrefixFrom(s.first, bits)
		if n.Masked().Addr() != s.first {
			return netip.Prefix{}, false
		}
		switch lastOf(n).Compare(s.last) {
		case 0:
			return n, true
		case 1:
			return netip.Prefix{}, false
		}
	}
	return netip.Prefix{}, false
}
