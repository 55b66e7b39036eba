package wall

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// ReachOptions says what is to be predicted.
type ReachOptions struct {
	File    string // a roundtrip.yaml or its folder
	From    string // an address, a network, role:NAME, group:NAME, list:NAME or a role's or group's bare name, anywhere, loopback
	Traffic string // tcp/443, icmp/8
	To      string // the role of the machine that is to be reached; "" is this machine
	JSON    bool
}

// reaching is what reach found, as JSON has it.
type reaching struct {
	Allowed string      `json:"allowed"` // all, part or none
	From    string      `json:"from"`
	To      string      `json:"to"`
	Traffic string      `json:"traffic"`
	Checks  []reachSide `json:"checks"`
}

// reachSide is one end that was asked: the machine that the traffic leaves, where that is one of ours, or where it arrives.
type reachSide struct {
	Role  string                `json:"role"`
	Way   string                `json:"way"` // in or out
	Said  *firewall.Explanation `json:"said,omitempty"`
	Parts []reachPart           `json:"parts,omitempty"` // of a network of which not the same holds throughout
}

type reachPart struct {
	Addresses string `json:"addresses"`
	Allowed   bool   `json:"allowed"`
	Rule      string `json:"rule,omitempty"`
}

// Reach predicts by the declaration alone whether somebody can reach a port: it sends nothing. Where it is a machine of ours
// that asks, what may leave it is judged too. It reports whether all of it passes.
func Reach(o ReachOptions, s process.Surroundings) (reached bool, err error) {
	c, err := declare.Read(o.File, "", s.WithoutSecrets())
	if err != nil {
		return false, err
	}
	if c.Firewall == nil {
		return false, roundtrip.E(roundtrip.Missing, "command.undeclared", "%s declares no firewall: whoever reaches a listener may connect", c.File)
	}
	r := &reacher{c: c, s: s, out: &reaching{From: o.From, Traffic: o.Traffic}}
	if err := r.ask(o); err != nil {
		return false, err
	}
	reached = r.out.Allowed == "all"
	if o.JSON {
		e := json.NewEncoder(s.Out)
		e.SetIndent("", "  ")
		return reached, e.Encode(r.out)
	}
	r.write(s.Out)
	return reached, nil
}

type reacher struct {
	c    *config.Config
	s    process.Surroundings
	out  *reaching
	to   []string // roles
	from []string // the role that asks, where it is one of ours
}

func invalid(format string, args ...any) error {
	return roundtrip.E(roundtrip.Invalid, "command.invalid", format, args...)
}

func (r *reacher) ask(o ReachOptions) error {
	flow, err := reachFlow(o.Traffic)
	if err != nil {
		return err
	}
	if r.to, err = r.target(o.To); err != nil {
		return err
	}
	r.out.To = strings.Join(r.to, ", ")
	networks, err := r.source(o.From)
	if err != nil {
		return err
	}
	there, err := r.policy(r.to)
	if err != nil {
		return err
	}
	if len(r.from) > 0 {
		if err := r.leave(flow, networks); err != nil {
			return err
		}
	}
	for _, n := range networks {
		if len(r.from) == 0 || r.meets(n) {
			r.add(there, r.out.To, n, flow)
		}
	}
	if len(r.out.Checks) == 0 {
		return invalid("no machine of %s has an address that %s could speak to: one has IPv4 alone, the other one IPv6", r.out.To, o.From)
	}
	r.conclude()
	return nil
}

// reachFlow reads what is to be reached.
func reachFlow(text string) (firewall.Flow, error) {
	t, err := config.ParseTraffic(text)
	if err != nil {
		return firewall.Flow{}, invalid("%s %s", text, err)
	}
	f := firewall.Flow{Protocol: t.Protocol, Port: t.First}
	switch {
	case t.All:
		return f, invalid("all is not one thing to reach; expected such as tcp/443 or icmp/8")
	case t.First != t.Last:
		return f, invalid("%s is several ports; expected one of them, such as %s", text, f.Traffic())
	case t.Protocol == firewall.ICMP || t.Protocol == firewall.ICMPv6:
		if t.Type < 0 {
			return f, invalid("%s is every type of message; expected one, such as icmp/8 or icmpv6/128 for a ping", text)
		}
		f.Type, f.Code = uint8(t.Type), uint8(max(t.Code, 0))
	}
	return f, nil
}

// target returns the roles of the machine that is to be reached.
func (r *reacher) target(to string) ([]string, error) {
	known := roleNames(r.c.Firewall)
	if to != "" {
		if !slices.Contains(known, to) {
			return nil, invalid("--to %s: there is no such role; expected one of %s", to, strings.Join(known, ", "))
		}
		return []string{to}, nil
	}
	if len(r.c.Firewall.Machines) == 0 || len(known) == 1 {
		return known, nil
	}
	if r.s.Addresses != nil {
		own, err := r.s.Addresses()
		if err != nil {
			return nil, err
		}
		if roles := firewall.RolesOf(r.c.Firewall, own); len(roles) > 0 {
			return roles, nil
		}
	}
	return nil, invalid("this machine is none of the declared ones: say with --to which role is to be reached, one of %s", strings.Join(known, ", "))
}

func (r *reacher) policy(roles []string) (*firewall.Policy, error) {
	p, mistakes := firewall.Compile(r.c.Firewall, firewall.Who{Roles: roles})
	if p == nil {
		return nil, declare.DoorProblems(r.c, mistakes).Err()
	}
	return p, nil
}

// source returns the networks of those who ask, and notes the roles of a machine of ours.
func (r *reacher) source(from string) ([]netip.Prefix, error) {
	f := r.c.Firewall
	kind, name, named := strings.Cut(from, ":")
	switch {
	case slices.Contains(roleNames(f), from) || named && kind == "role":
		if named {
			from = name
		}
		r.from = []string{from}
		return r.known(r.addressesOf(from), "role "+from)
	case slices.ContainsFunc(f.Groups, func(g config.SecurityGroup) bool { return g.Name == from }) || named && kind == "group":
		if named {
			from = name
		}
		for _, a := range f.Attach {
			if len(r.from) == 0 && slices.ContainsFunc(a.Groups, func(n config.Name) bool { return n.Text == from }) {
				r.from = []string{a.Role}
			}
		}
		return r.known(firewall.Members(f, from), "group "+from)
	case named && kind == "list":
		for _, l := range f.Lists {
			if l.Name == name {
				return l.Networks, nil
			}
		}
		return nil, invalid("there is no list %s", name)
	}
	p, err := config.ParsePeer(from)
	if err != nil {
		return nil, r.nobody(from, err)
	}
	switch p.Kind {
	case config.Anywhere:
		return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, nil
	case config.Loopback:
		return []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, nil
	case config.Network, config.GroupRef, config.PrefixRef:
	}
	if p.Prefix.IsSingleIP() {
		r.from = firewall.RolesOf(f, []netip.Addr{p.Prefix.Addr()})
	}
	return []netip.Prefix{p.Prefix}, nil
}

// nobody says who could be asked about instead.
func (r *reacher) nobody(from string, err error) error {
	names := roleNames(r.c.Firewall)
	for _, g := range r.c.Firewall.Groups {
		if !slices.Contains(names, g.Name) {
			names = append(names, g.Name)
		}
	}
	if strings.ContainsAny(from, "./:") {
		return invalid("%s %s", from, err)
	}
	meant := ""
	if near := nearest.Of(from, append(slices.Clone(names), "anywhere", "loopback")); near != "" {
		meant = fmt.Sprintf("; did you mean %q?", near)
	}
	return invalid("there is no role or group %s; expected one of %s, or an address, a network, anywhere, loopback, list:NAME%s", from, strings.Join(names, ", "), meant)
}

func (r *reacher) addressesOf(role string) []netip.Prefix {
	var all []netip.Prefix
	for _, m := range r.c.Firewall.Machines {
		if m.Role == role {
			for _, a := range m.Addresses {
				all = append(all, netip.PrefixFrom(a.Addr, a.Addr.BitLen()))
			}
		}
	}
	return all
}

func (r *reacher) known(all []netip.Prefix, what string) ([]netip.Prefix, error) {
	if len(all) == 0 {
		return nil, invalid("%s has no machines, so nobody knows its addresses; expected an address, or machines: in the firewall", what)
	}
	return all, nil
}

// leave judges what may leave the machine of ours that asks, towards each address of those that are asked and that one of
// its own can speak to.
func (r *reacher) leave(f firewall.Flow, own []netip.Prefix) error {
	here, err := r.policy(r.from)
	if err != nil {
		return err
	}
	f.Out = true
	for _, role := range r.to {
		for _, n := range r.addressesOf(role) {
			if slices.ContainsFunc(own, func(o netip.Prefix) bool { return o.Addr().Is4() == n.Addr().Is4() }) {
				r.add(here, strings.Join(r.from, ", "), n, f)
			}
		}
	}
	return nil
}

// meets reports whether a machine that is to be reached has an address of a network's family, or none that is declared.
func (r *reacher) meets(n netip.Prefix) bool {
	known := false
	for _, role := range r.to {
		for _, to := range r.addressesOf(role) {
			if known = true; to.Addr().Is4() == n.Addr().Is4() {
				return true
			}
		}
	}
	return !known
}

// add asks one end about one network.
func (r *reacher) add(p *firewall.Policy, role string, n netip.Prefix, f firewall.Flow) {
	side := reachSide{Role: role, Way: "in"}
	if f.Out {
		side.Way = "out"
	}
	parts := p.Parts(n, f)
	if len(parts) == 1 {
		f.Remote = n.Addr()
		said := p.Explain(f)
		side.Said = &said
		if !n.IsSingleIP() {
			said.Flow = strings.Replace(said.Flow, " "+n.Addr().String(), " "+n.String(), 1)
		}
	} else {
		for _, part := range parts {
			rp := reachPart{Addresses: part.String(), Allowed: part.Allowed}
			if part.Rule != nil {
				rp.Rule = part.Rule.Name + " " + part.Rule.Text
			}
			side.Parts = append(side.Parts, rp)
		}
	}
	r.out.Checks = append(r.out.Checks, side)
}

// conclude says whether all, a part or nothing passes.
func (r *reacher) conclude() {
	yes, no := false, false
	for _, side := range r.out.Checks {
		if side.Said != nil {
			yes, no = yes || side.Said.Allowed, no || !side.Said.Allowed
		}
		for _, part := range side.Parts {
			yes, no = yes || part.Allowed, no || !part.Allowed
		}
	}
	switch {
	case yes && !no:
		r.out.Allowed = "all"
	case yes:
		r.out.Allowed = "part"
	default:
		r.out.Allowed = "none"
	}
}

// partsShown is how many stretches of a network are printed.
const partsShown = 12

func (r *reacher) write(w io.Writer) {
	ours := len(r.from) > 0
	for _, side := range r.out.Checks {
		if ours && side.Way == "out" {
			fmt.Fprintf(w, "leaving %s: ", side.Role)
		} else if ours {
			fmt.Fprintf(w, "arriving at %s: ", side.Role)
		}
		if side.Said != nil {
			fmt.Fprint(w, side.Said)
			continue
		}
		fmt.Fprintf(w, "in part: %s from %s\n", r.out.Traffic, r.out.From)
		for i, part := range side.Parts {
			if i == partsShown {
				fmt.Fprintf(w, "  … and %d more stretches\n", len(side.Parts)-i)
				break
			}
			answer := "no: nothing allows it"
			if part.Allowed {
				answer = "yes: " + part.Rule
			}
			indent := "  "
			for _, line := range terminal.Wrap(part.Addresses+": "+answer, terminal.Columns-len(indent)-2) {
				fmt.Fprintln(w, indent+line)
				indent = "    "
			}
		}
	}
}
