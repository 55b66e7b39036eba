package firewall

import (
	"fmt"
	"math/bits"
	"net/netip"
	"slices"

	"github.com/roundtrip-dev/roundtrip/config"
)

// never reports a rule that can match nothing, whoever comes.
func (b *builder) never(r *Rule) {
	d := r.Declared
	if len(d.Allow) == 0 || b.stale(r) || len(r.Networks) == 0 {
		return
	}
	has4 := slices.ContainsFunc(r.Networks, func(n netip.Prefix) bool { return n.Addr().Is4() })
	has6 := slices.ContainsFunc(r.Networks, func(n netip.Prefix) bool { return !n.Addr().Is4() })
	for i := range d.Allow {
		t := &d.Allow[i]
		switch {
		case t.All:
		case t.Protocol == ICMPv6 && !has6:
			b.add(false, t.Pos, "%s can never match: it is of IPv6, and the rule has only networks of IPv4", t.Text).
				Expected = "icmp, or a network of IPv6 beside them"
		case t.Protocol == ICMP && !has4:
			b.add(false, t.Pos, "%s can never match: it is of IPv4, and the rule has only networks of IPv6", t.Text).
				Expected = "icmpv6, or a network of IPv4 beside them"
		}
	}
}

// stale warns of references to which no address belongs (F5). It reports whether the rule has one.
func (b *builder) stale(r *Rule) (found bool) {
	for _, p := range r.Declared.Peers {
		if p.Kind != config.GroupRef || len(Members(b.c, p.Name)) > 0 {
			continue
		}
		role, attached := b.roleOf(p.Name)
		switch {
		case !attached:
			b.add(true, p.Pos, "%s is stale: no role has the group, so this matches nobody", PeerText(p)).
				Expected = "a role with the group under attach:, and its addresses under machines:"
		case len(b.c.Machines) == 0:
			continue // the one machine that there is has the group, and what it sends itself crosses no card
		default:
			b.add(true, p.Pos, "%s is stale: role %s has no machines, so this matches nobody", PeerText(p), role).
				Expected = "the addresses of the machines under machines: { " + role + ": [...] }"
		}
		found = true
	}
	return found
}

func (b *builder) roleOf(group string) (role string, ok bool) {
	for _, a := range b.c.Attach {
		if slices.ContainsFunc(a.Groups, func(n config.Name) bool { return n.Text == group }) {
			return a.Role, true
		}
	}
	return "", false
}

// warn says what holds but may not have been meant.
func (b *builder) warn() {
	for i := range b.c.Groups {
		g := &b.c.Groups[i]
		b.twice(g)
		if _, ok := b.roleOf(g.Name); !ok && len(g.Rules) > 0 {
			b.add(true, g.Pos, "group %s is attached to no role, so its rules hold nowhere", g.Name)
		}
	}
	for i := range b.c.Attach {
		b.wider(&b.c.Attach[i])
	}
	b.room()
}

// room reports a mask of marks that has too few numbers for the rules of a machine, which the kernel would need. A machine
// with several roles has the rules of all of them.
func (b *builder) room() {
	mask := b.c.Marks.Mask
	if mask == 0 {
		return
	}
	who, most := "this machine", b.stamps(func(string) bool { return true })
	if len(b.c.Machines) > 0 {
		most = 0
		for _, m := range b.c.Machines {
			for _, a := range m.Addresses {
				roles := RolesOf(b.c, []netip.Addr{a.Addr})
				if n := b.stamps(func(role string) bool { return slices.Contains(roles, role) }); n > most {
					who, most = "the machine "+a.Addr.String(), n
				}
			}
		}
	}
	if room := MarkRoom(mask); most > room {
		b.add(false, b.c.Marks.Pos, "the mask %#x has room for %d rules, and %s has %d", mask, room, who, most).
			Expected = fmt.Sprintf("a mask of at least %d bits", bits.Len(uint(most)))
	}
}

// stamps is how many numbers the rules of roles need: those that say the same share one.
func (b *builder) stamps(has func(role string) bool) int {
	said := map[string]bool{}
	for _, r := range b.rules {
		if slices.ContainsFunc(b.c.Attach, func(a config.Attachment) bool {
			return has(a.Role) && slices.ContainsFunc(a.Groups, func(n config.Name) bool { return n.Text == r.Group })
		}) {
			said[r.Key()] = true
		}
	}
	return len(said)
}

// twice warns of rules of one group that say the same.
func (b *builder) twice(g *config.SecurityGroup) {
	seen := map[string]int{}
	for i := range g.Rules {
		r := &g.Rules[i]
		for k := range r.Allow {
			for _, p := range r.Peers {
				key := r.Allow[k].Text + "|" + PeerText(p)
				if r.Out {
					key += "|out"
				}
				if first, ok := seen[key]; ok && first != r.Number {
					b.add(true, r.Allow[k].Pos, "%s rule %d allows %s of %s already", g.Name, first, r.Allow[k].Text, PeerText(p))
					continue
				}
				seen[key] = r.Number
			}
		}
	}
}

// wider warns where one group of a role bounds what leaves and another one does not, for the widest wins (F3). It reminds
// of the rule that every group has until it has one of its own (F1).
func (b *builder) wider(a *config.Attachment) {
	bounded, free := "", config.Name{}
	for _, name := range a.Groups {
		if bounds(b.c, name.Text) {
			bounded = name.Text
		} else if free.Text == "" {
			free = name
		}
	}
	if bounded != "" && free.Text != "" {
		b.add(true, free.Pos, "group %s has no rule with to:, so from role %s everything may leave, whatever %s says about it", free.Text, a.Role, bounded).
			Expected = "- { allow: none, to: [anywhere] } in " + free.Text + ", if " + bounded + " is to bound what leaves"
	}
}
