package config

import (
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// noteMax is how many characters a rule's note may have, as at AWS.
const noteMax = 255

const peerWords = "anywhere, loopback, a network such as 203.0.113.0/24, group:NAME or list:NAME"

func groupRuleKeys() []key {
	return []key{
		special("allow", "kinds of traffic, such as tcp/443 or [tcp/80, tcp/443]", textOrTextsJSON(), decodeAllow).must().
			eg("[tcp/80, tcp/443, udp/443]").
			says("The traffic that may pass: tcp, udp or sctp with a port or a range (`tcp/8000-8010`), which are those of the destination; icmp and icmpv6, alone or with type and code (`icmp/3/4`); another protocol by its number (`protocol/47`); or all. none takes away what a group lets leave by default, and goes with to alone."),
		special("from", peerWords, textOrTextsJSON(), func(d *decoder, r *GroupRule, n *node) { r.Peers = append(r.Peers, d.peers(n)...) }).
			eg("[anywhere]").orElse("one of from and to must be given").
			says("Who may send it here: anywhere (both families; 0.0.0.0/0 is IPv4 alone), loopback, networks, group:NAME for the machines that have a group, list:NAME for the networks of a list."),
		special("to", peerWords, textOrTextsJSON(), func(d *decoder, r *GroupRule, n *node) { r.Out = true; r.Peers = append(r.Peers, d.peers(n)...) }).
			eg("[group:database]").orElse("one of from and to must be given").
			says("To whom it may leave. A group without such a rule lets everything leave."),
		text("note", func(r *GroupRule) *string { return &r.Note }).eg("only our own backends").
			after(func(d *decoder, target any, n *node) {
				if got := utf8.RuneCountInString(target.(*GroupRule).Note); got > noteMax {
					d.add(n, "the note has %d characters", got).Expect("at most %d", noteMax)
				}
			}).
			says("What the rule is for, at most 255 characters. Journeys show it."),
	}
}

func textOrTextsJSON() map[string]any {
	return map[string]any{"anyOf": []any{map[string]any{"type": "string"}, textsJSON()}}
}

// words reads a text, or a list of texts.
func (d *decoder) words(n *node) []Name {
	if n.kind == listNode {
		return d.names(n)
	}
	if s, ok := d.text(n); ok {
		return []Name{{Pos: n.at, Text: s}}
	}
	return nil
}

func decodeAllow(d *decoder, r *GroupRule, n *node) {
	words := d.words(n)
	if n.kind == listNode && len(n.items) == 0 {
		d.add(n, "allow is empty").Expect("what may pass, such as tcp/443; none goes with to alone")
		return
	}
	for _, w := range words {
		if w.Text == "none" || w.Text == "all" {
			if len(words) > 1 {
				d.problems.Add(w.Pos, "%s goes with nothing beside it", w.Text).Expect("%s alone, or the others without it", w.Text).Path = n.path
			}
			if w.Text == "none" {
				continue
			}
		}
		t, err := ParseTraffic(w.Text)
		if err != nil {
			d.textProblem(w.Pos, w.Text, err).Path = n.path
			continue
		}
		t.Pos = w.Pos
		r.Allow = append(r.Allow, t)
	}
}

func (d *decoder) peers(n *node) []Peer {
	if n.kind == listNode && len(n.items) == 0 {
		d.add(n, "%s is empty, so the rule would never match", n.name).Expect("%s", peerWords)
		return nil
	}
	var all []Peer
	for _, w := range d.words(n) {
		p, err := ParsePeer(w.Text)
		if err != nil {
			d.textProblem(w.Pos, w.Text, err).Path = n.path
			continue
		}
		p.Pos = w.Pos
		all = append(all, p)
	}
	return all
}

// ParsePeer reads the other end of a rule: anywhere, loopback, a network, an address, group:NAME or list:NAME. The error
// completes the text.
func ParsePeer(s string) (Peer, error) {
	switch s {
	case "anywhere":
		return Peer{Kind: Anywhere}, nil
	case "loopback":
		return Peer{Kind: Loopback}, nil
	}
	if name, ok := strings.CutPrefix(s, "group:"); ok {
		return Peer{Kind: GroupRef, Name: name}, emptyName(name, s)
	}
	if name, ok := strings.CutPrefix(s, "list:"); ok {
		return Peer{Kind: PrefixRef, Name: name}, emptyName(name, s)
	}
	p, err := ParseNetwork(s)
	if err != nil && !strings.ContainsAny(s, "/:") && strings.Trim(s, "0123456789.") != "" {
		return Peer{}, &notAmong{otherwise: "is nobody that a rule can name", word: s, options: []string{"anywhere", "loopback", "group:NAME", "list:NAME", "a network such as 203.0.113.0/24"}}
	}
	return Peer{Kind: Network, Prefix: p}, err
}

func emptyName(name, s string) error {
	if name == "" {
		return mistake("has no name behind the colon; expected such as " + s + "web")
	}
	return nil
}

// ParseNetwork reads a network as CIDR (RFC 4632), or one address. The error completes the text.
func ParseNetwork(s string) (netip.Prefix, error) {
	if strings.Contains(s, "%") {
		return netip.Prefix{}, mistake("names an interface, and rules are about addresses; expected the address without it")
	}
	if a, err := netip.ParseAddr(s); err == nil {
		switch {
		case a.Is4In6():
			return netip.Prefix{}, mistake("is an address of IPv4 written as one of IPv6; expected " + a.Unmap().String())
		case a.IsUnspecified():
			return netip.Prefix{}, mistake("is nobody's address; expected " + s + "/0 for all of its family, or anywhere for both")
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return p, mistake("is no network; expected an address and how many of its bits count, such as 203.0.113.0/24")
	case p.Addr().Is4In6() && p.Bits() >= 96:
		return p, mistake("is a network of IPv4 written as one of IPv6; expected " + netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked().String())
	case p.Masked() != p:
		return p, mistake("has bits behind its network; expected " + p.Masked().String())
	}
	return p, nil
}

// decodeRules reads the list of a group's rules.
func decodeRules(d *decoder, g *SecurityGroup, n *node) {
	if n.kind == nullNode {
		return // a group without rules: nobody may come, and it can be named
	}
	if n.kind != listNode {
		d.wrong(n, "a list of rules, such as [{ allow: tcp/443, from: anywhere }]")
		return
	}
	for i, item := range n.items {
		r := GroupRule{Pos: item.pos, Number: i + 1}
		before := len(d.problems.List)
		if d.block(item, &r, groupRuleKeys()) {
			if len(d.problems.List) == before {
				checkRule(d, &r, item)
			}
			g.Rules = append(g.Rules, r)
		}
	}
}

// checkRule looks at the keys of a rule together.
func checkRule(d *decoder, r *GroupRule, n *node) {
	at := func(name string) *node {
		if i := slices.IndexFunc(n.pairs, func(p pair) bool { return p.key == name }); i >= 0 {
			return n.pairs[i].value
		}
		return nil
	}
	from, to := at("from"), at("to")
	switch {
	case from != nil && to != nil:
		d.problems.Add(to.pos, "a rule is about what comes in (from) or what leaves (to), not both").Expect("two rules").Path = to.path
	case from == nil && to == nil:
		d.add(n, "the rule says nothing of the other end").Expect("from: for what comes in, or to: for what leaves; such as from: [anywhere]")
	case len(r.Allow) == 0 && from != nil:
		d.add(at("allow"), "allow: none with from never matches: what no rule allows does not come in anyway").Expect("no such rule; allow: none goes with to, and takes away that everything may leave")
	}
}

func groupsKey() key {
	k := key{name: "groups", typ: typ{
		words: "the name of each group and its list of rules below", keys: groupRuleKeys(), named: "group", many: true,
	}}
	k.set = func(d *decoder, target any, n *node) {
		if n.kind != mapNode {
			d.wrong(n, k.typ.words)
			return
		}
		f := target.(*Firewall)
		for _, p := range d.once(n) {
			g := SecurityGroup{Pos: p.pos, Name: p.key}
			decodeRules(d, &g, p.value)
			f.Groups = append(f.Groups, g)
		}
	}
	return k.must().
		says("Groups of rules. They are stateful, so replies pass by themselves; they allow only; the union of all groups of a machine counts; and what no rule allows does not come in. A rule is named by its group and number: web rule 1.")
}
