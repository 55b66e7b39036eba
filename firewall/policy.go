package firewall

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Who says for which machine a policy is.
type Who struct {
	Roles []string // that the machine has; its groups are those of all of them
	Every bool     // it has every role, as the one machine of a declaration without machines has
}

func (w Who) has(role string) bool { return w.Every || slices.Contains(w.Roles, role) }

// Mistake is what is wrong with a declaration, or what its author may not have meant.
type Mistake struct {
	Pos      roundtrip.Pos
	Message  string
	Expected string // what would be right, "" where the message says it
	Warning  bool   // it holds nevertheless
}

// Policy is the groups of one machine, compiled. It does not change.
type Policy struct {
	who      Who
	declared *config.Firewall
	all      []*Rule // of every group, by number: all[0] is rule 1
	rules    []*Rule // of this machine
	groups   []string
	in, out  side
	freeOut  bool // a group of the machine has no rule about what leaves: everything may (F1, F3)
	noRule   trace.Reason
}

// Compile makes the policy of one machine. Where a mistake is no warning, the policy is nil.
func Compile(c *config.Firewall, who Who) (*Policy, []Mistake) {
	p := &Policy{who: who, declared: c, noRule: trace.ReasonOf("firewall.no_rule")}
	for i := range c.Attach {
		if !who.has(c.Attach[i].Role) {
			continue
		}
		for _, g := range c.Attach[i].Groups {
			if !slices.Contains(p.groups, g.Text) {
				p.groups = append(p.groups, g.Text)
			}
		}
	}
	b := &builder{c: c}
	for i := range c.Groups {
		g := &c.Groups[i]
		mine := slices.Contains(p.groups, g.Name)
		for k := range g.Rules {
			r := b.rule(len(p.all)+1, g, &g.Rules[k])
			p.all = append(p.all, r)
			if mine {
				p.rules = append(p.rules, r)
			}
		}
	}
	p.freeOut = slices.ContainsFunc(p.groups, func(g string) bool { return !bounds(c, g) })
	b.rules = p.all
	b.warn()
	for _, m := range b.mistakes {
		if !m.Warning {
			return nil, b.mistakes
		}
	}
	p.in = compile(p.rules, false)
	p.out = compile(p.rules, true)
	return p, b.mistakes
}

// Rules are the rules of this machine, in the order of their numbers.
func (p *Policy) Rules() []*Rule { return p.rules }

// Every returns the rules of all groups, in the order of their numbers.
func (p *Policy) Every() []*Rule { return p.all }

// Rule returns the rule with a number, also one of another machine's groups; nil where there is none.
func (p *Policy) Rule(id uint16) *Rule {
	if id == 0 || int(id) > len(p.all) {
		return nil
	}
	return p.all[id-1]
}

// Roles are the roles of this machine.
func (p *Policy) Roles() []string {
	if !p.who.Every {
		return p.who.Roles
	}
	var all []string
	for _, a := range p.declared.Attach {
		all = append(all, a.Role)
	}
	return all
}

// Groups are the groups of this machine, in the order in which they were attached.
func (p *Policy) Groups() []string { return p.groups }

// Declared is what the policy was made of.
func (p *Policy) Declared() *config.Firewall { return p.declared }

// FreeOut reports whether everything may leave: a group without a rule about it lets all leave (F1), and of several groups
// the widest wins (F3).
func (p *Policy) FreeOut() bool { return p.freeOut }

// bounds reports whether a group has a rule about what leaves.
func bounds(c *config.Firewall, group string) bool {
	i := slices.IndexFunc(c.Groups, func(g config.SecurityGroup) bool { return g.Name == group })
	return i >= 0 && slices.ContainsFunc(c.Groups[i].Rules, func(r config.GroupRule) bool { return r.Out })
}

// Members returns the addresses of the machines that have a group (F4), sorted. Machines whose addresses nobody declared
// have none here.
func Members(c *config.Firewall, group string) []netip.Prefix {
	var all []netip.Prefix
	for _, a := range c.Attach {
		if !slices.ContainsFunc(a.Groups, func(n config.Name) bool { return n.Text == group }) {
			continue
		}
		for _, m := range c.Machines {
			if m.Role != a.Role {
				continue
			}
			for _, addr := range m.Addresses {
				all = append(all, netip.PrefixFrom(addr.Addr, addr.Addr.BitLen()))
			}
		}
	}
	return merged(all)
}

// RolesOf returns the roles among whose machines is one with such an address.
func RolesOf(c *config.Firewall, own []netip.Addr) []string {
	var roles []string
	for _, m := range c.Machines {
		if slices.ContainsFunc(m.Addresses, func(a config.Address) bool { return slices.Contains(own, a.Addr) }) {
			roles = append(roles, m.Role)
		}
	}
	return roles
}

// builder makes rules of declared ones, and gathers what is to be said about them.
type builder struct {
	c        *config.Firewall
	rules    []*Rule // of every group
	mistakes []Mistake
}

func (b *builder) add(warning bool, pos roundtrip.Pos, format string, args ...any) *Mistake {
	b.mistakes = append(b.mistakes, Mistake{Pos: pos, Message: fmt.Sprintf(format, args...), Warning: warning})
	return &b.mistakes[len(b.mistakes)-1]
}

func (b *builder) rule(id int, g *config.SecurityGroup, d *config.GroupRule) *Rule {
	r := &Rule{
		ID: uint16(id), Group: g.Name, Number: d.Number, Name: fmt.Sprintf("%s rule %d", g.Name, d.Number),
		Pos: d.Pos, Text: ruleText(d), Note: d.Note, Out: d.Out, Declared: d,
	}
	for _, p := range d.Peers {
		switch p.Kind {
		case config.Anywhere:
			r.Networks = append(r.Networks, everywhere()...)
		case config.Loopback:
			r.Networks, r.Loopback = append(r.Networks, loopbacks()...), true
		case config.Network:
			r.Networks = append(r.Networks, p.Prefix)
		case config.GroupRef:
			r.Networks = append(r.Networks, Members(b.c, p.Name)...)
		case config.PrefixRef:
			for _, l := range b.c.Lists {
				if l.Name == p.Name {
					r.Networks = append(r.Networks, l.Networks...)
				}
			}
		}
	}
	r.Networks = merged(r.Networks)
	r.Loopback = slices.ContainsFunc(r.Networks, func(n netip.Prefix) bool {
		return n.Contains(netip.IPv6Loopback()) || n.Contains(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	})
	b.never(r)
	return r
}
