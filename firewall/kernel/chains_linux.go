package kernel

import (
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"

	"github.com/roundtrip-dev/roundtrip/firewall"
)

const (
	inbound   = "inbound"
	outbound  = "outbound"
	stampMap  = "stamps" // mark -> chain that stamps it again, for the packets that follow
	dropLimit = "drops"  // bounds what is handed up of drops
)

// line is one rule of nftables.
type line struct {
	comment string // web rule 2
	exprs   []expr.Any
}

// chain is one chain with its rules.
type chain struct {
	name  string
	hook  *nftables.ChainHook // nil: no base chain
	prio  *nftables.ChainPriority
	lines []line
}

// chains are all chains of the plan's table, those that others jump to first.
func (p *Plan) chains() []chain {
	var list []chain
	for _, r := range p.stamping() {
		list = append(list, chain{name: r.stamp(), lines: []line{
			{comment: r.Name, exprs: append(setMarks(r.Mark, p.Mask), verdict(expr.VerdictAccept))},
		}})
	}
	list = append(list, chain{name: inbound, hook: nftables.ChainHookPrerouting, prio: nftables.ChainPriorityMangle, lines: p.side(false)})
	if !p.FreeOut {
		list = append(list, chain{name: outbound, hook: nftables.ChainHookOutput, prio: nftables.ChainPriorityFilter, lines: p.side(true)})
	}
	return list
}

// stamps reports whether connections get the number of the rule.
func (p *Plan) stamps(r *PlanRule) bool { return firewall.Mark(r.Mark, p.Mask) != 0 }

// stamping are the rules that stamp, one for each number: rules that say the same have one between them.
func (p *Plan) stamping() []*PlanRule {
	var list []*PlanRule
	seen := map[uint16]bool{}
	for i := range p.Rules {
		if r := &p.Rules[i]; p.stamps(r) && !seen[r.Mark] {
			seen[r.Mark] = true
			list = append(list, r)
		}
	}
	return list
}

// side is the way of a packet through one chain: what belongs to a connection that was admitted, then what always passes,
// then the groups.
func (p *Plan) side(out bool) []line {
	lo := device(expr.MetaKeyIIFNAME, "lo")
	if out {
		lo = device(expr.MetaKeyOIFNAME, "lo")
	}
	accept := verdict(expr.VerdictAccept)
	lines := []line{{"loopback", append(lo, accept)}}
	if p.Mask != 0 {
		lines = append(lines, line{"stamps of admitted connections", p.stampAgain()})
	}
	lines = append(lines, line{digestComment + p.Digest(), append(state(expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED), accept)})
	if !out {
		lines = append(lines, line{"not for this machine", append(forwarded(), accept)})
	}
	for _, l := range always(out) {
		lines = append(lines, line{l.comment, append(l.exprs, accept)})
	}
	lines = append(lines, p.drop(out, firewall.LogInvalid, state(expr.CtStateBitINVALID))...)
	for i := range p.Rules {
		if r := &p.Rules[i]; r.Out == out {
			lines = append(lines, p.rule(r)...)
		}
	}
	return append(lines, p.drop(out, firewall.LogNoRule, nil)...)
}

// digestComment comes before the digest of the plan, in the comment of the rule for replies.
const digestComment = "replies; roundtrip "

// stampAgain gives packets of an admitted connection the mark that its first one got. Replies need none.
func (p *Plan) stampAgain() []expr.Any {
	return slices.Concat(state(expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED),
		[]expr.Any{&expr.Ct{Key: expr.CtKeyDIRECTION, Register: 1}, equal([]byte{0})},
		[]expr.Any{
			&expr.Ct{Key: expr.CtKeyMARK, Register: 1}, masked(native(p.Mask), native(0)),
			&expr.Lookup{SourceRegister: 1, SetName: stampMap, SetID: stampMapID, IsDestRegSet: true},
		})
}

// always is what passes whatever the groups say: without it there is no network.
func always(out bool) []line {
	var lines []line
	add := func(comment string, exprs ...[]expr.Any) {
		lines = append(lines, line{comment, slices.Concat(exprs...)})
	}
	kinds := func(comment string, first, last byte) { // of ICMPv6
		add(comment, family(ipv6), protocol(firewall.ICMPv6), []expr.Any{
			payload(expr.PayloadBaseTransportHeader, 0, 1),
			&expr.Cmp{Op: expr.CmpOpGte, Register: 1, Data: []byte{first}}, &expr.Cmp{Op: expr.CmpOpLte, Register: 1, Data: []byte{last}},
		})
	}
	kinds("IPv6 neighbours", 130, 136) // who listens to groups (RFC 2710), and neighbour discovery (RFC 4861), which needs it
	add("IPv6 neighbours", family(ipv6), protocol(firewall.ICMPv6), icmp(143, -1))
	add("path MTU", family(ipv6), protocol(firewall.ICMPv6), icmp(2, -1))
	add("path MTU", family(ipv4), protocol(firewall.ICMP), icmp(3, 4))
	if out {
		add("DHCP", family(ipv4), udpPorts(68, 67))
		add("DHCP", family(ipv6), udpPorts(546, 547))
	} else {
		add("DHCP", family(ipv4), udpPorts(67, 68))
		add("DHCP", family(ipv6), udpPorts(547, 546))
	}
	return lines
}

// drop hands up what it may, counts and drops.
func (p *Plan) drop(out bool, reason string, which []expr.Any) []line {
	var lines []line
	if p.DropRate > 0 {
		lines = append(lines, line{"drop: " + reason, slices.Concat(which, handUp(out, reason))})
	}
	return append(lines, line{"drop: " + reason, slices.Concat(which, []expr.Any{count(dropName(out, reason)), verdict(expr.VerdictDrop)})})
}

// rule makes the rules of nftables of one rule of a group: one for each kind of traffic and family.
func (p *Plan) rule(r *PlanRule) []line {
	four, all4 := spans(r.Networks, false)
	six, all6 := spans(r.Networks, true)
	var lines []line
	add := func(t Traffic, f byte, where []expr.Any) {
		what, ok := matches(t, f)
		if !ok {
			return
		}
		end := verdict(expr.VerdictAccept)
		if p.stamps(r) {
			end = &expr.Verdict{Kind: expr.VerdictGoto, Chain: r.stamp()}
		}
		lines = append(lines, line{r.Name, slices.Concat(what, where, []expr.Any{count(r.counter()), end})})
	}
	for _, t := range r.Traffic {
		if all4 && all6 {
			add(t, noFamily, nil)
			continue
		}
		if all4 || len(four) > 0 {
			add(t, ipv4, r.where(four, false))
		}
		if all6 || len(six) > 0 {
			add(t, ipv6, r.where(six, true))
		}
	}
	return lines
}

// where compares the other end with the networks of one family: none to compare is all of it.
func (r *PlanRule) where(list []span, six bool) []expr.Any {
	if len(list) == 0 {
		return nil
	}
	if n, ok := list[0].network(); ok && len(list) == 1 {
		return inNetwork(n, r.Out)
	}
	return []expr.Any{remote(six, r.Out), &expr.Lookup{SourceRegister: 1, SetName: r.set(six), SetID: r.setID(six)}}
}

// matches compares the traffic. ok is false where the family has no such traffic.
func matches(t Traffic, f byte) (list []expr.Any, ok bool) {
	switch {
	case t.All:
		return family(f), true
	case t.Protocol == firewall.ICMP:
		return slices.Concat(family(ipv4), protocol(t.Protocol), icmp(t.Type, t.Code)), f != ipv6
	case t.Protocol == firewall.ICMPv6:
		return slices.Concat(family(ipv6), protocol(t.Protocol), icmp(t.Type, t.Code)), f != ipv4
	case t.Protocol == firewall.TCP || t.Protocol == firewall.UDP || t.Protocol == firewall.SCTP:
		return slices.Concat(family(f), protocol(t.Protocol), destinationPorts(t.First, t.Last)), true
	}
	return slices.Concat(family(f), protocol(t.Protocol)), true
}

// comment is a rule's comment as nft shows it.
func comment(text string) []byte {
	if len(text) > commentBytes {
		text = text[:commentBytes]
	}
	return userdata.AppendString(nil, userdata.TypeComment, text)
}

// commentBytes is how long a comment may be for nft to read it.
const commentBytes = 127
