package firewall

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// Rule is one rule of a group, with everything that its words stand for.
type Rule struct {
	ID       uint16 // from 1 over all groups in declared order; the number that the kernel stamps on what it admits
	Group    string
	Number   int    // in its group, from 1
	Name     string // web rule 1
	Pos      roundtrip.Pos
	Text     string // allows tcp/80, tcp/443 from anywhere
	Note     string
	Out      bool // it is about what leaves
	Declared *config.GroupRule
	Networks []netip.Prefix // sorted, none inside of another; groups and lists expanded. Empty: nobody
	Loopback bool           // loopback is among Networks
}

// Key names a rule by what it says, so that its counters stay its own while rules before it come and go.
func (r *Rule) Key() string {
	if r.Out {
		return r.Group + " out " + r.Text
	}
	return r.Group + " " + r.Text
}

// ruleText is a rule in words.
func ruleText(d *config.GroupRule) string {
	var b strings.Builder
	b.WriteString("allows ")
	for i, t := range d.Allow {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(t.Text)
	}
	if len(d.Allow) == 0 {
		b.WriteString("nothing")
	}
	if d.Out {
		b.WriteString(" to ")
	} else {
		b.WriteString(" from ")
	}
	for i, p := range d.Peers {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(PeerText(p))
	}
	return b.String()
}

// PeerText is the other end of a rule as it is declared.
func PeerText(p config.Peer) string {
	switch p.Kind {
	case config.Anywhere:
		return "anywhere"
	case config.Loopback:
		return "loopback"
	case config.GroupRef:
		return "group:" + p.Name
	case config.PrefixRef:
		return "list:" + p.Name
	case config.Network:
	}
	if p.Prefix.IsSingleIP() {
		return p.Prefix.Addr().String()
	}
	return p.Prefix.String()
}

// everywhere are the networks of anywhere: both families, which a rule for 0.0.0.0/0 alone does not have.
func everywhere() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}
}

func loopbacks() []netip.Prefix {
	return []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8), netip.PrefixFrom(netip.IPv6Loopback(), 128)}
}

// merged sorts networks and leaves out those that lie inside of another one. Neighbours stay two: what a rule names can be
// found again in the kernel.
func merged(all []netip.Prefix) []netip.Prefix {
	slices.SortFunc(all, comparePrefix)
	out := all[:0]
	for _, p := range all {
		if n := len(out); n > 0 && out[n-1].Addr().Is4() == p.Addr().Is4() && out[n-1].Overlaps(p) {
			continue // sorted: the wider one came first
		}
		out = append(out, p)
	}
	return slices.Clip(out)
}

// comparePrefix sorts by family, address, and the wider first.
func comparePrefix(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 { // Compare puts IPv4 before IPv6
		return c
	}
	return a.Bits() - b.Bits()
}

// ProtocolName is the name of a protocol in rules: tcp, udp, icmp, icmpv6, sctp, or its number.
func ProtocolName(p uint8) string {
	switch p {
	case ICMP:
		return "icmp"
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMPv6:
		return "icmpv6"
	case SCTP:
		return "sctp"
	}
	return "protocol/" + strconv.Itoa(int(p))
}

// The protocols that have ports, or types (IANA protocol numbers).
const (
	ICMP   uint8 = 1
	TCP    uint8 = 6
	UDP    uint8 = 17
	ICMPv6 uint8 = 58
	SCTP   uint8 = 132
)
