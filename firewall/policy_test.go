package firewall_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
)

// declared reads the firewall block of a declaration, given without its indentation.
func declared(t testing.TB, block string) *config.Firewall {
	t.Helper()
	source := "name: app\nfirewall:\n  " + strings.ReplaceAll(strings.TrimSpace(block), "\n", "\n  ") + "\n"
	c, err := config.Parse("roundtrip.yaml", []byte(source), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatalf("%v", err)
	}
	return c.Firewall
}

// compiled makes the policy of the machines of roles; none means every role. Mistakes are fatal, warnings are not.
func compiled(t testing.TB, block string, roles ...string) *firewall.Policy {
	t.Helper()
	p, mistakes := firewall.Compile(declared(t, block), firewall.Who{Roles: roles, Every: len(roles) == 0})
	if p == nil {
		t.Fatalf("%+v", mistakes)
	}
	return p
}

func in(protocol uint8, port uint16, from string) firewall.Flow {
	return firewall.Flow{Protocol: protocol, Port: port, Remote: netip.MustParseAddr(from)}
}

func out(protocol uint8, port uint16, to string) firewall.Flow {
	f := in(protocol, port, to)
	f.Out = true
	return f
}

func icmp(protocol, kind, code uint8, from string) firewall.Flow {
	return firewall.Flow{Protocol: protocol, Type: kind, Code: code, Remote: netip.MustParseAddr(from)}
}

// slow is the meaning of the groups, written down without any thought of speed: the reference that Judge must agree with.
func slow(c *config.Firewall, roles []string, f firewall.Flow) (group string, rule int, allowed bool) {
	if firewall.Always(f) != firewall.ByRule {
		return "", 0, true
	}
	mine := map[string]bool{}
	for _, a := range c.Attach {
		if roles == nil || slices.Contains(roles, a.Role) {
			for _, g := range a.Groups {
				mine[g.Text] = true
			}
		}
	}
	for _, g := range c.Groups {
		bounded := false
		for _, r := range g.Rules {
			bounded = bounded || r.Out
		}
		if mine[g.Name] && f.Out && !bounded {
			return "", 0, true
		}
	}
	for _, g := range c.Groups {
		for _, r := range g.Rules {
			if mine[g.Name] && r.Out == f.Out && slices.ContainsFunc(r.Allow, func(t config.Traffic) bool { return slowTraffic(t, f) }) &&
				slices.ContainsFunc(r.Peers, func(p config.Peer) bool { return slowPeer(c, p, f.Remote) }) {
				return g.Name, r.Number, true
			}
		}
	}
	return "", 0, false
}

func slowTraffic(t config.Traffic, f firewall.Flow) bool {
	if t.All {
		return true
	}
	if t.Protocol != f.Protocol || f.Protocol == firewall.ICMP && !f.Remote.Is4() || f.Protocol == firewall.ICMPv6 && f.Remote.Is4() {
		return false
	}
	switch f.Protocol {
	case firewall.TCP, firewall.UDP, firewall.SCTP:
		return t.First <= f.Port && f.Port <= t.Last
	case firewall.ICMP, firewall.ICMPv6:
		return (t.Type < 0 || t.Type == int16(f.Type)) && (t.Code < 0 || t.Code == int16(f.Code))
	}
	return true
}

func slowPeer(c *config.Firewall, p config.Peer, a netip.Addr) bool {
	switch p.Kind {
	case config.Anywhere:
		return true
	case config.Loopback:
		return a.IsLoopback()
	case config.Network:
		return p.Prefix.Contains(a)
	case config.PrefixRef:
		for _, l := range c.Lists {
			if l.Name == p.Name {
				return slices.ContainsFunc(l.Networks, func(n netip.Prefix) bool { return n.Contains(a) })
			}
		}
	case config.GroupRef:
		for _, at := range c.Attach {
			for _, m := range c.Machines {
				if at.Role == m.Role && slices.ContainsFunc(at.Groups, func(n config.Name) bool { return n.Text == p.Name }) &&
					slices.ContainsFunc(m.Addresses, func(o config.Address) bool { return o.Addr == a }) {
					return true
				}
			}
		}
	}
	return false
}

// world makes firewalls and flows at random, from few addresses and ports, so that they meet.
type world struct{ *rand.Rand }

func (w world) addr() netip.Addr {
	switch w.IntN(8) {
	case 0:
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0xd, 0xb8, 15: byte(w.IntN(8))})
	case 1:
		return netip.AddrFrom16([16]byte{0: 0xff, 1: 0xff, 2: 0xff, 3: 0xff, 4: 0xff, 5: 0xff, 6: 0xff, 7: 0xff, 8: 0xff, 9: 0xff, 10: 0xff, 11: 0xff, 12: 0xff, 13: 0xff, 14: 0xff, 15: byte(248 + w.IntN(8))})
	case 2:
		return netip.AddrFrom4([4]byte{255, 255, 255, byte(248 + w.IntN(8))})
	case 3:
		return netip.AddrFrom4([4]byte{127, 0, 0, byte(w.IntN(3))})
	case 4:
		return netip.AddrFrom4([4]byte{0, 0, 0, byte(w.IntN(3))})
	}
	return netip.AddrFrom4([4]byte{10, 0, byte(w.IntN(3)), byte(w.IntN(8))})
}

func (w world) prefix() netip.Prefix {
	a := w.addr()
	bits := a.BitLen() - w.IntN(6)
	if w.IntN(10) == 0 {
		bits = w.IntN(a.BitLen() + 1)
	}
	return netip.PrefixFrom(a, bits).Masked()
}

func (w world) traffic() config.Traffic {
	for {
		texts := []string{
			"all", "icmp", "icmp/8", "icmp/3/1", "icmp/3/4", "icmpv6", "icmpv6/128", "icmpv6/1/0", "protocol/47", "protocol/0", "protocol/255",
			fmt.Sprintf("tcp/%d", 1+w.IntN(6)), fmt.Sprintf("udp/%d", 1+w.IntN(6)), "tcp/0-65535", "udp/0-3", "sctp/5-65535",
			fmt.Sprintf("tcp/%d-%d", w.IntN(4), 1+w.IntN(6)), fmt.Sprintf("udp/%d-%d", w.IntN(4), 1+w.IntN(6)),
		}
		if t, err := config.ParseTraffic(texts[w.IntN(len(texts))]); err == nil {
			return t
		}
	}
}

func (w world) flow() firewall.Flow {
	protocols := []uint8{firewall.TCP, firewall.UDP, firewall.SCTP, firewall.ICMP, firewall.ICMPv6, 47, 0, 255}
	f := firewall.Flow{Out: w.IntN(3) == 0, Protocol: protocols[w.IntN(len(protocols))], Remote: w.addr()}
	switch f.Protocol {
	case firewall.TCP, firewall.UDP, firewall.SCTP:
		f.Port = []uint16{0, 1, 2, 3, 4, 5, 6, 7, 65535}[w.IntN(9)]
	case firewall.ICMP, firewall.ICMPv6:
		f.Type, f.Code = []uint8{0, 1, 2, 3, 8, 128, 133, 255}[w.IntN(8)], []uint8{0, 1, 4, 255}[w.IntN(4)]
	}
	return f
}

func (w world) firewall() *config.Firewall {
	c := &config.Firewall{}
	names := []string{"a", "b", "c"}
	for _, l := range []string{"x", "y"} {
		list := config.PrefixList{Name: l}
		for range 1 + w.IntN(5) {
			list.Networks = append(list.Networks, w.prefix())
		}
		c.Lists = append(c.Lists, list)
	}
	for _, name := range names {
		g := config.SecurityGroup{Name: name}
		for i := range w.IntN(5) {
			r := config.GroupRule{Number: i + 1, Out: w.IntN(4) == 0}
			for range 1 + w.IntN(3) {
				r.Allow = append(r.Allow, w.traffic())
			}
			for range 1 + w.IntN(3) {
				p := config.Peer{Kind: config.PeerKind(1 + w.IntN(5))}
				switch p.Kind {
				case config.Network:
					p.Prefix = w.prefix()
				case config.GroupRef:
					p.Name = names[w.IntN(3)]
				case config.PrefixRef:
					p.Name = c.Lists[w.IntN(2)].Name
				case config.Anywhere, config.Loopback:
				}
				r.Peers = append(r.Peers, p)
			}
			g.Rules = append(g.Rules, r)
		}
		c.Groups = append(c.Groups, g)
	}
	for _, role := range []string{"one", "two"} {
		a := config.Attachment{Role: role}
		for _, g := range names {
			if w.IntN(2) == 0 {
				a.Groups = append(a.Groups, config.Name{Text: g})
			}
		}
		c.Attach = append(c.Attach, a)
		m := config.Machine{Role: role}
		for range w.IntN(3) {
			m.Addresses = append(m.Addresses, config.Address{Addr: w.addr()})
		}
		c.Machines = append(c.Machines, m)
	}
	return c
}

// agree compares Judge with its reference, and Explain with Judge.
func agree(t *testing.T, w world, flows int) {
	t.Helper()
	c := w.firewall()
	roles := [][]string{nil, {"one"}, {"one", "two"}}[w.IntN(3)]
	p, mistakes := firewall.Compile(c, firewall.Who{Roles: roles, Every: roles == nil})
	if p == nil {
		for _, m := range mistakes {
			if !m.Warning && !strings.Contains(m.Message, "can never match") {
				t.Fatalf("%+v", m)
			}
		}
		return
	}
	for range flows {
		f := w.flow()
		group, rule, allowed := slow(c, roles, f)
		v := p.Judge(f)
		if v.Allowed != allowed || (v.Rule != nil) != (group != "") || v.Rule != nil && (v.Rule.Group != group || v.Rule.Number != rule) {
			t.Fatalf("%s, out %t: %+v, %+v; expected %s rule %d, %t\n%+v", f, f.Out, v, v.Rule, group, rule, allowed, c)
		}
		partsAgree(t, p, w.prefix(), f)
		if e := p.Explain(f); e.Allowed != allowed || !allowed && (len(e.Would) == 0 && e.Because == "" || strings.Contains(e.String(), "\n\n")) {
			t.Fatalf("%s: %+v", f, e)
		}
	}
}

// partsAgree looks whether the parts of a network cover it, one after the other, and say of their ends what Judge says.
func partsAgree(t *testing.T, p *firewall.Policy, n netip.Prefix, f firewall.Flow) {
	t.Helper()
	parts := p.Parts(n, f)
	next := n.Addr()
	for i, part := range parts {
		if part.First != next || part.Last.Less(part.First) || !n.Contains(part.Last) || part.String() == "" {
			t.Fatalf("%s in parts: %v", n, parts)
		}
		if next = part.Last.Next(); i == len(parts)-1 && next.IsValid() && n.Contains(next) {
			t.Fatalf("%s in parts: %v", n, parts)
		}
		for _, end := range []netip.Addr{part.First, part.Last} {
			f.Remote = end
			if v := p.Judge(f); v.Implied != firewall.ByLoopback && (v.Allowed != part.Allowed || v.Rule != part.Rule) {
				t.Fatalf("%s: %s of %v, and Judge says %+v", n, end, part, v)
			}
		}
	}
}

func TestPolicy_JudgesAsTheRulesAreMeant(t *testing.T) {
	t.Parallel()
	w := world{rand.New(rand.NewPCG(5, 2026))}
	for range 400 {
		agree(t, w, 200)
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { agree(t, world{rand.New(rand.NewPCG(a, b))}, 50) })
}

func TestPolicy_JudgesWithoutAllocating(t *testing.T) {
	p := compiled(t, `
groups:
  web:
    - { allow: [tcp/443, udp/443], from: anywhere }
    - { allow: icmp, from: 10.0.0.0/8 }
attach: { edge: [web] }`)
	var g firewall.Guard
	g.Swap(p, true)
	flows := []firewall.Flow{in(firewall.TCP, 443, "203.0.113.9"), in(firewall.TCP, 22, "::ffff:203.0.113.9"), in(firewall.UDP, 443, "fe80::1%eth0"), icmp(1, 8, 0, "10.1.2.3")}
	if n := testing.AllocsPerRun(100, func() {
		for _, f := range flows {
			if h := g.Admit(f).Hop(); h.Layer == 0 {
				t.Error("no hop")
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

var errBench = errors.New("the wrong verdict")

// manyNetworks is a firewall of 500 rules for one port, with 20 networks each.
func manyNetworks(b testing.TB) *config.Firewall {
	b.Helper()
	c := &config.Firewall{Attach: []config.Attachment{{Role: "edge", Groups: []config.Name{{Text: "web"}}}}}
	g := config.SecurityGroup{Name: "web"}
	traffic, err := config.ParseTraffic("tcp/443")
	if err != nil {
		b.Fatal(err)
	}
	for i := range 500 {
		r := config.GroupRule{Number: i + 1, Allow: []config.Traffic{traffic}}
		for k := range 20 {
			n := i*20 + k
			r.Peers = append(r.Peers, config.Peer{Kind: config.Network, Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 0}), 24)})
		}
		g.Rules = append(g.Rules, r)
	}
	c.Groups = append(c.Groups, g)
	return c
}

func BenchmarkPolicy_Judge10000Networks(b *testing.B) {
	p, _ := firewall.Compile(manyNetworks(b), firewall.Who{Every: true})
	f := in(firewall.TCP, 443, "10.39.15.200")
	b.ReportAllocs()
	for b.Loop() {
		if !p.Judge(f).Allowed {
			b.Fatal(errBench)
		}
	}
}

func BenchmarkPolicy_Compile10000Networks(b *testing.B) {
	c := manyNetworks(b)
	for b.Loop() {
		if p, _ := firewall.Compile(c, firewall.Who{Every: true}); p == nil {
			b.Fatal(errBench)
		}
	}
}
