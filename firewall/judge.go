package firewall

import (
	"net/netip"
	"strconv"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// Flow is the first packet of a connection, or what stands for one: what a rule can be asked about. Replies are none, for
// they pass with the flow that they belong to.
type Flow struct {
	Out        bool // it leaves this machine
	Protocol   uint8
	Remote     netip.Addr // the other end
	Port       uint16     // of the destination; tcp, udp and sctp only
	Type, Code uint8      // icmp and icmpv6 only
}

// Traffic is what the flow is without its ends: tcp/443, icmp/8/0.
func (f Flow) Traffic() string {
	switch f.Protocol {
	case TCP, UDP, SCTP:
		return ProtocolName(f.Protocol) + "/" + strconv.Itoa(int(f.Port))
	case ICMP, ICMPv6:
		return ProtocolName(f.Protocol) + "/" + strconv.Itoa(int(f.Type)) + "/" + strconv.Itoa(int(f.Code))
	}
	return ProtocolName(f.Protocol)
}

// Implied is why a flow passes without a rule.
type Implied uint8

// What passes without a rule.
const (
	ByRule        Implied = iota // it does not: a rule allows it, or nothing does
	ByLoopback                   // groups stand at the network card, and this never crosses one
	ByDefault                    // a group of the machine has no rule about what leaves, so everything may (F1)
	ByNeighbours                 // without it IPv6 finds no neighbour (RFC 4861, RFC 3810)
	ByPathMTU                    // without it, large packets vanish (RFC 1191, RFC 8201)
	ByEnforcement                // the kernel lets it pass or not, and did
	ByAbsence                    // no firewall is declared: there is no station, and no hop
)

// String says it in words.
func (i Implied) String() string {
	switch i {
	case ByLoopback:
		return "loopback always passes"
	case ByDefault:
		return "a group without to: rules lets everything leave"
	case ByNeighbours:
		return "neighbour discovery always passes"
	case ByPathMTU:
		return "packet too big always passes"
	case ByEnforcement:
		return "the kernel enforces the groups, and let it pass"
	case ByAbsence:
		return "no firewall is declared"
	case ByRule:
	}
	return ""
}

// Verdict is what was decided of a flow.
type Verdict struct {
	Allowed  bool
	Rule     *Rule          // that allows it, the one with the lowest number; nil where none does
	Implied  Implied        // why it passes without one
	Reason   trace.Reason   // why it does not
	Evidence trace.Evidence // Seen: decided here. Predicted: the kernel decides, and this is what it ought to
}

// Hop is the verdict as a station of a journey. It allocates nothing.
func (v Verdict) Hop() trace.Hop {
	h := trace.Hop{Layer: trace.Firewall, Verdict: trace.OK, Evidence: v.Evidence, Name: "groups", Note: v.Implied.String()}
	switch {
	case !v.Allowed:
		h.Verdict, h.Reason = trace.Deny, v.Reason
	case v.Rule != nil:
		h.Name, h.Note, h.N = v.Rule.Name, v.Rule.Note, [2]int64{int64(v.Rule.ID), 0}
	}
	return h
}

// Always returns why a flow passes whatever the groups say, or ByRule.
func Always(f Flow) Implied {
	switch {
	case f.Remote.IsLoopback():
		return ByLoopback
	case f.Protocol == ICMPv6 && (f.Type >= 133 && f.Type <= 136 || f.Type >= 130 && f.Type <= 132 || f.Type == 143):
		return ByNeighbours // solicitations and advertisements of routers and neighbours; and who listens to them, which switches ask
	case f.Protocol == ICMPv6 && f.Type == 2, f.Protocol == ICMP && f.Type == 3 && f.Code == 4:
		return ByPathMTU
	}
	return ByRule
}

// Judge decides whether a flow may pass. It allocates nothing.
func (p *Policy) Judge(f Flow) Verdict {
	f.Remote = f.Remote.Unmap().WithZone("")
	if i := Always(f); i != ByRule {
		return Verdict{Allowed: true, Implied: i}
	}
	side := &p.in
	if f.Out {
		if p.freeOut {
			return Verdict{Allowed: true, Implied: ByDefault}
		}
		side = &p.out
	}
	if n := side.find(f); n != 0 {
		return Verdict{Allowed: true, Rule: p.all[n-1]}
	}
	return Verdict{Reason: p.noRule}
}
