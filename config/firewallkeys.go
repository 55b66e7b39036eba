package config

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

func firewallKey() key {
	k := optional("firewall", func(c *Config) **Firewall { return &c.Firewall }, func(f *Firewall, pos roundtrip.Pos) { f.Pos = pos },
		choice("enforce", []string{"auto", "kernel", "process"}, func(f *Firewall, v string) { f.Enforce = Enforcement(v) }).or("auto").eg("process").
			says("Where the groups are enforced. kernel: by nftables, for all of the machine; the start fails where we may not. process: by this server for its own listeners: a connection is closed as soon as it is accepted, a datagram is dropped. auto: the kernel where we may, else the process."),
		groupsKey(),
		attachKey(), machinesKey(), listsKey(),
		special("rollback", "a duration from 10s to 1h, or off", map[string]any{"type": "string"}, decodeRollback).or("60s").eg("off").
			says("How long a change in the kernel waits to be confirmed (roundtrip firewall confirm) before it is taken back."),
		block("marks", func(f *Firewall) *Marks { return &f.Marks },
			special("mask", "at least 8 bits side by side, such as 0xff0000", map[string]any{"type": []string{"integer", "string"}}, decodeMask).must().eg("0xff0000").
				says("The bits of a packet's mark that are ours.")).
			after(func(_ *decoder, target any, n *node) { target.(*Firewall).Marks.Pos = n.pos }).orElse("off").
			says("Whether the kernel stamps the number of the rule on connections, so that each request can name the rule that let it in. Marks are shared with routing and other programs, so it is off until a mask says which bits are free."),
		dropsKey(),
	)
	read := k.set
	k.set = func(d *decoder, target any, n *node) {
		read(d, target, n)
		if c := target.(*Config); c.Firewall != nil {
			checkFirewall(d, c.Firewall, n)
		}
	}
	return k.orElse("none: whoever reaches a listener may connect").
		says("Who may connect: security groups, with the semantics of those of EC2. docs/firewall.md shows all of it.")
}

// mapOf reads a map of names of the user's choice in declared order.
func (d *decoder) mapOf(n *node, words string, each func(p pair)) {
	if n.kind != mapNode {
		d.wrong(n, words)
		return
	}
	for _, p := range d.once(n) {
		if p.value.kind == nullNode {
			d.wrong(p.value, words)
			continue
		}
		each(p)
	}
}

func mapJSON(value map[string]any) map[string]any {
	return map[string]any{"type": "object", "additionalProperties": value}
}

func attachKey() key {
	const words = "the name of each role and the list of its groups, such as { edge: [web, operators] }"
	return special("attach", words, mapJSON(textsJSON()), func(d *decoder, f *Firewall, n *node) {
		d.mapOf(n, words, func(p pair) {
			a := Attachment{Pos: p.pos, Role: p.key, Groups: d.names(p.value)}
			if p.value.kind == listNode && len(p.value.items) == 0 {
				d.add(p.value, "role %s has no group, so nobody could connect to its machines", p.key).Expect("at least one group")
			}
			f.Attach = append(f.Attach, a)
		})
	}).must().eg("{ edge: [web, operators] }").
		says("The groups of each role of machines. A machine has the groups of all its roles, and the widest rule wins.")
}

func machinesKey() key {
	const words = "the name of each role and the addresses of its machines, such as { edge: [203.0.113.10, 2001:db8::10] }"
	return special("machines", words, mapJSON(textsJSON()), func(d *decoder, f *Firewall, n *node) {
		d.mapOf(n, words, func(p pair) {
			m := Machine{Pos: p.pos, Role: p.key}
			for _, name := range d.names(p.value) {
				network, err := ParseNetwork(name.Text)
				if err == nil && !network.IsSingleIP() {
					err = mistake("is a network; expected the address of each machine")
				}
				if err != nil {
					d.textProblem(name.Pos, name.Text, err).Path = p.value.path
					continue
				}
				if containsAddr(m.Addresses, network.Addr()) {
					d.problems.Add(name.Pos, "%s stands twice in the list", network.Addr()).Expect("it once").Path = p.value.path
					continue
				}
				m.Addresses = append(m.Addresses, Address{Pos: name.Pos, Addr: network.Addr()})
			}
			f.Machines = append(f.Machines, m)
		})
	}).eg("{ edge: [203.0.113.10], database: [10.0.0.5] }").orElse("one machine, which has every role").
		says("The addresses of the machines of each role. They are what group:NAME stands for, and how a machine finds its own role; --role names it where no address does.")
}

func listsKey() key {
	const words = "the name of each list and the path of its file, such as { office: lists/office.txt }"
	return special("lists", words, mapJSON(map[string]any{"type": "string"}), func(d *decoder, f *Firewall, n *node) {
		d.mapOf(n, words, func(p pair) {
			s, ok := d.text(p.value)
			if !ok {
				return
			}
			l := PrefixList{Pos: p.pos, Name: p.key, File: d.path(s)}
			readPrefixList(d, &l, p.value)
			f.Lists = append(f.Lists, l)
		})
	}).eg("{ office: lists/office.txt }").orElse("none").
		says("Lists of networks in files, one network to a line; # begins a comment. Rules name them as list:NAME. A change of a file takes hold when the declaration is read again, in dev by itself.")
}

func decodeRollback(d *decoder, f *Firewall, n *node) {
	if n.kind == scalarNode && n.text == "off" {
		f.Rollback = 0
		return
	}
	if n.kind != scalarNode {
		d.wrong(n, "a duration from 10s to 1h, or off")
		return
	}
	if v, ok := d.duration(n, "10s", "1h"); ok {
		f.Rollback = v
	}
}

// markBitsMin is how many bits a mask has at least: room for 255 rules.
const markBitsMin = 8

func decodeMask(d *decoder, m *Marks, n *node) {
	const words = "at least 8 bits side by side, such as 0xff0000"
	v, err := strconv.ParseUint(n.text, 0, 32)
	if n.kind != scalarNode || err != nil {
		d.wrong(n, words)
		return
	}
	mask := uint32(v)
	if ones := bits.OnesCount32(mask); ones < markBitsMin || bits.Len32(mask)-bits.TrailingZeros32(mask) != ones {
		d.add(n, "mask can't be %s", n.text).Expect("%s", words)
		return
	}
	m.Mask = mask
}

func dropsKey() key {
	keys := []key{
		integer("rate", 1, 100_000, func(l *DropLog) *int { return &l.Rate }).or("1000").eg("100").
			says("How many dropped packets a second the kernel hands up at the most. All are counted."),
	}
	k := block("drops", func(f *Firewall) *DropLog { return &f.Drops }, keys...)
	read := k.set
	k.set = func(d *decoder, target any, n *node) {
		switch {
		case n.kind == scalarNode && n.text == "off":
			target.(*Firewall).Drops.Off = true
		case n.kind == mapNode:
			read(d, target, n)
		default:
			d.wrong(n, "off, or a block with "+keyWords(keys))
		}
	}
	k.typ.words = "off, or a block with " + keyWords(keys)
	k.typ.json = map[string]any{"enum": []string{"off"}}
	return k.eg("{ rate: 100 }").
		says("What is told of packets that the kernel drops: who they came from, and what would let them pass.")
}

// roleNames matches what roles, groups and lists are called.
var roleNames = matches(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`, "is no name; expected small letters, digits and dashes, a letter first, at most 63")

// checkFirewall looks at what is only seen together: names, and what refers to them.
func checkFirewall(d *decoder, f *Firewall, n *node) {
	c := &firewallCheck{d: d, f: f, path: n.path}
	for _, g := range f.Groups {
		c.groups = append(c.groups, g.Name)
		if c.name(g.Pos, g.Name); strings.HasPrefix(g.Name, "sg-") {
			c.add(g.Pos, "a group's name can't start with sg-: that is how the ids of AWS start").Expect("%s", strings.TrimPrefix(g.Name, "sg-"))
		}
	}
	for _, l := range f.Lists {
		c.lists = append(c.lists, l.Name)
		c.name(l.Pos, l.Name)
	}
	for _, a := range f.Attach {
		c.roles = append(c.roles, a.Role)
		c.name(a.Pos, a.Role)
		for _, g := range a.Groups {
			c.known(g.Pos, "group", g.Text, c.groups)
		}
	}
	for _, m := range f.Machines {
		c.known(m.Pos, "role", m.Role, c.roles)
	}
	for i := range f.Groups {
		for k := range f.Groups[i].Rules {
			for _, p := range f.Groups[i].Rules[k].Peers {
				switch p.Kind {
				case GroupRef:
					c.known(p.Pos, "group", p.Name, c.groups)
				case PrefixRef:
					c.known(p.Pos, "list", p.Name, c.lists)
				case Anywhere, Loopback, Network:
				}
			}
		}
	}
}

type firewallCheck struct {
	d                    *decoder
	f                    *Firewall
	path                 string
	groups, lists, roles []string
}

func (c *firewallCheck) add(pos roundtrip.Pos, format string, args ...any) *Problem {
	p := c.d.problems.Add(pos, format, args...)
	p.Path = c.path
	return p
}

func (c *firewallCheck) name(pos roundtrip.Pos, name string) {
	if err := roleNames(name); err != nil {
		c.d.textProblem(pos, name, err).Path = c.path
	}
}

func (c *firewallCheck) known(pos roundtrip.Pos, what, name string, all []string) {
	for _, known := range all {
		if known == name {
			return
		}
	}
	p := c.add(pos, "there is no %s %q", what, shorten(name)).Near(name, all)
	switch {
	case len(all) > 0:
		p.Expect("one of %s", list(all))
	case what == "list":
		p.Expect("lists: { %s: FILE } in the firewall", name)
	case what == "role":
		p.Expect("attach: { %s: [...] } in the firewall", name)
	}
}
