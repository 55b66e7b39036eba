package firewall

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// Explanation says why a flow passes, or everything that stands in its way.
type Explanation struct {
	Allowed  bool      `json:"allowed"`
	Flow     string    `json:"flow"`              // tcp/443 from 203.0.113.9
	Rule     string    `json:"rule,omitempty"`    // that allows it
	Note     string    `json:"note,omitempty"`    // of that rule
	Where    string    `json:"where,omitempty"`   // it stands: roundtrip.yaml:24:9
	Because  string    `json:"because,omitempty"` // why it passes without a rule, or why no rule was asked
	Blockers []Blocker `json:"blockers,omitempty"`
	Would    []string  `json:"would_pass_if,omitempty"`

	client string // that came in; "" for what goes out
}

// Blocker is one rule that does not allow a flow, or a group that has none to ask.
type Blocker struct {
	Group string `json:"group"`
	Rule  int    `json:"rule,omitempty"` // 0: the group has no rule in this direction
	Where string `json:"where"`
	Why   string `json:"why"` // web rule 1 allows tcp/443 from anywhere, not tcp/5432

	far int
	at  *Rule
}

// Explain says why a flow passes or does not: the rule that allows it, or every rule of the machine's groups with what keeps
// it from allowing it, the nearest first.
func (p *Policy) Explain(f Flow) Explanation {
	f.Remote = f.Remote.Unmap().WithZone("")
	v := p.Judge(f)
	e := Explanation{Allowed: v.Allowed, Flow: f.String()}
	switch {
	case v.Rule != nil:
		e.Rule, e.Note, e.Where, e.Because = v.Rule.Name, v.Rule.Note, where(v.Rule.Pos), v.Rule.Name+" "+v.Rule.Text
		return e
	case v.Allowed:
		e.Because = v.Implied.String()
		return e
	case len(p.groups) == 0:
		e.Because = "no group holds for this machine, so nothing may come in"
		return e
	}
	for _, name := range p.groups {
		e.Blockers = append(e.Blockers, p.blockers(name, f)...)
	}
	slices.SortStableFunc(e.Blockers, func(a, b Blocker) int { return a.far - b.far })
	e.Would = p.would(f, e.Blockers)
	if !f.Out {
		e.client = f.Remote.String()
	}
	return e
}

// String says what the flow is and where it comes from or goes.
func (f Flow) String() string {
	if f.Out {
		return f.Traffic() + " to " + f.Remote.String()
	}
	return f.Traffic() + " from " + f.Remote.String()
}

func where(p roundtrip.Pos) string { return p.String() }

// How far a rule is from allowing a flow.
const (
	farPeer    = 1  // the traffic is right, the address is not
	farPort    = 2  // the address is right, and the protocol; not the port
	farTraffic = 3  // the address is right alone
	farBoth    = 6  // neither
	farNothing = 20 // the group has no rule to ask
)

// blockers are the rules of one group that do not allow a flow.
func (p *Policy) blockers(group string, f Flow) []Blocker {
	var all []Blocker
	for _, r := range p.rules {
		if r.Group != group || r.Out != f.Out {
			continue
		}
		b := Blocker{Group: group, Rule: r.Number, Where: where(r.Pos), at: r, Why: r.Name + " " + r.Text}
		traffic, sameProtocol := r.takes(f)
		peer := r.has(f.Remote)
		if len(r.Declared.Allow) > 0 {
			b.Why += ", not " + r.missing(f, traffic, peer)
		}
		switch {
		case len(r.Declared.Allow) == 0:
			b.far = farNothing
		case traffic:
			b.far = farPeer
		case peer && sameProtocol:
			b.far = farPort
		case peer:
			b.far = farTraffic
		default:
			b.far = farBoth
		}
		all = append(all, b)
	}
	if len(all) == 0 {
		i := slices.IndexFunc(p.declared.Groups, func(g config.SecurityGroup) bool { return g.Name == group })
		direction := "comes in"
		if f.Out {
			direction = "leaves"
		}
		all = append(all, Blocker{
			Group: group, Where: where(p.declared.Groups[i].Pos), far: farNothing,
			Why: group + " has no rule about what " + direction + ", so it allows nothing",
		})
	}
	return all
}

// takes reports whether one kind of the rule's traffic is the flow's, and whether one is of its protocol at least.
func (r *Rule) takes(f Flow) (all, protocol bool) {
	for i := range r.Declared.Allow {
		t := &r.Declared.Allow[i]
		if t.All {
			return true, true
		}
		if t.Protocol != f.Protocol || !speaks(t, f.Remote.Is4()) {
			continue
		}
		protocol = true
		if first, last := span(t); first <= selector(f) && selector(f) <= last {
			return true, true
		}
	}
	return false, protocol
}

// has reports whether an address is among the rule's networks.
func (r *Rule) has(a netip.Addr) bool {
	i, found := slices.BinarySearchFunc(r.Networks, a, func(n netip.Prefix, a netip.Addr) int { return n.Addr().Compare(a) })
	if !found {
		i--
	}
	return i >= 0 && r.Networks[i].Contains(a)
}

// missing says what of a flow a rule does not have.
func (r *Rule) missing(f Flow, traffic, peer bool) string {
	from := "from "
	if f.Out {
		from = "to "
	}
	var b strings.Builder
	if !traffic {
		b.WriteString(f.Traffic())
		if !peer {
			b.WriteByte(' ')
		}
	}
	if !peer {
		b.WriteString(from + f.Remote.String())
		if why := r.whyNot(f.Remote); why != "" {
			b.WriteString(" (" + why + ")")
		}
	}
	return b.String()
}

// whyNot says what a reader of the rule may have overlooked about an address that is not among its networks.
func (r *Rule) whyNot(a netip.Addr) string {
	for _, p := range r.Declared.Peers {
		switch {
		case p.Kind == config.Network && p.Prefix.Bits() == 0 && p.Prefix.Addr().Is4() != a.Is4():
			return p.Prefix.String() + " is one family alone; anywhere is both"
		case p.Kind == config.GroupRef && len(r.Networks) == 0:
			return "no machine with an address has the group " + p.Name
		}
	}
	return ""
}

// would lists what would let a flow pass: a change of the nearest rules, or a rule of its own.
func (p *Policy) would(f Flow, blockers []Blocker) []string {
	var all []string
	key, alone := "from", p.named(f.Remote)
	if f.Out {
		key = "to"
	}
	for _, b := range blockers {
		switch b.far {
		case farPeer:
			all = append(all, fmt.Sprintf("%s had %s in its %s: (%s)", b.at.Name, alone, key, b.Where))
		case farPort:
			all = append(all, fmt.Sprintf("%s had %s in its allow: (%s)", b.at.Name, f.Declared(), b.Where))
		}
		if len(all) == wouldMax {
			break
		}
	}
	if g := p.declared.Groups[slices.IndexFunc(p.declared.Groups, func(g config.SecurityGroup) bool { return g.Name == p.groups[0] })]; len(all) == 0 {
		all = append(all, fmt.Sprintf("%s had the rule { allow: %s, %s: [%s] } (%s)", g.Name, f.Declared(), key, alone, where(g.Pos)))
	}
	return all
}

// named is an address as a rule would name it: by a group, where a machine of ours has it.
func (p *Policy) named(a netip.Addr) string {
	for _, role := range RolesOf(p.declared, []netip.Addr{a}) {
		for _, at := range p.declared.Attach {
			if at.Role == role && len(at.Groups) > 0 {
				return "group:" + at.Groups[0].Text
			}
		}
	}
	return a.String()
}

// wouldMax is how many changes are proposed at the most.
const wouldMax = 3

// Declared is the flow's traffic as a rule would be written.
func (f Flow) Declared() string {
	if (f.Protocol == ICMP || f.Protocol == ICMPv6) && f.Code == 0 {
		return fmt.Sprintf("%s/%d", ProtocolName(f.Protocol), f.Type)
	}
	return f.Traffic()
}
