package foreign

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
)

// NftablesTable is the table of an exported ruleset. It is not the one that the server itself keeps.
const NftablesTable = "security_groups"

// Nftables writes the policy of one machine as a file for nft -f, which replaces what the same file loaded before and leaves
// all other tables alone.
func Nftables(w io.Writer, p *firewall.Policy, role string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, `#!/usr/sbin/nft -f
# The security groups of role %s: %s.
# Made by roundtrip export nftables. Try it with nft -c -f FILE; load it with nft -f FILE.

table inet %[3]s
delete table inet %[3]s
table inet %[3]s {
`, role, strings.Join(p.Groups(), ", "), NftablesTable)
	for _, r := range p.Rules() {
		writeSets(&b, r)
	}
	b.WriteString(`	chain inbound {
		type filter hook input priority filter; policy drop;
		ct state established,related accept comment "replies, and errors about what passes"
		ct state invalid drop
		iif lo accept comment "groups stand at the network card"
		icmpv6 type { 130, 131, 132, 133, 134, 135, 136, 143 } accept comment "IPv6 finds neighbours and routers"
		icmpv6 type packet-too-big accept
		icmp type destination-unreachable icmp code 4 accept comment "path MTU"
		udp sport 67 udp dport 68 accept comment "answers of DHCP"
		udp sport 547 udp dport 546 accept comment "answers of DHCPv6"
`)
	writeRules(&b, p, false)
	b.WriteString("		counter comment \"no rule allows it\"\n	}\n")
	if !p.FreeOut() {
		b.WriteString(`
	chain outbound {
		type filter hook output priority filter; policy drop;
		ct state established,related accept
		oif lo accept
		icmpv6 type { 130, 131, 132, 133, 134, 135, 136, 143 } accept
		icmpv6 type packet-too-big accept
		icmp type destination-unreachable icmp code 4 accept
		udp sport 68 udp dport 67 accept
		udp sport 546 udp dport 547 accept
`)
		writeRules(&b, p, true)
		b.WriteString("		counter comment \"no rule allows it\"\n	}\n")
	}
	b.WriteString("}\n")
	_, err := w.Write(b.Bytes())
	return err
}

// setName is the set of a rule's networks of one family.
func setName(r *firewall.Rule, v4 bool) string {
	name := strings.ReplaceAll(r.Group, "-", "_") + "_" + strconv.Itoa(r.Number)
	if v4 {
		return name + "_v4"
	}
	return name + "_v6"
}

// networksOf returns a rule's networks of one family, and whether they are all of it.
func networksOf(r *firewall.Rule, v4 bool) (all []netip.Prefix, whole bool) {
	for _, n := range r.Networks {
		if n.Addr().Is4() == v4 {
			all = append(all, n)
			whole = whole || n.Bits() == 0
		}
	}
	return all, whole
}

// writeSets declares the sets of a rule's networks.
func writeSets(b *bytes.Buffer, r *firewall.Rule) {
	for _, v4 := range []bool{true, false} {
		all, whole := networksOf(r, v4)
		if len(all) == 0 || whole || len(r.Declared.Allow) == 0 {
			continue
		}
		kind := "ipv6_addr"
		if v4 {
			kind = "ipv4_addr"
		}
		fmt.Fprintf(b, "\tset %s {\n\t\ttype %s\n\t\tflags interval\n\t\tauto-merge\n\t\telements = {\n", setName(r, v4), kind)
		for _, n := range all {
			fmt.Fprintf(b, "\t\t\t%s,\n", n)
		}
		b.WriteString("\t\t}\n\t}\n\n")
	}
}

func writeRules(b *bytes.Buffer, p *firewall.Policy, out bool) {
	for _, r := range p.Rules() {
		if r.Out != out {
			continue
		}
		for i := range r.Declared.Allow {
			t := &r.Declared.Allow[i]
			for _, match := range ends(r, t) {
				fmt.Fprintf(b, "\t\t%s%scounter accept comment %s\n", match, nftTraffic(t), nftComment(r))
			}
		}
	}
}

// ends are the matches of a rule's networks, one for each family that the traffic can be of.
func ends(r *firewall.Rule, t *config.Traffic) []string {
	side := "saddr"
	if r.Out {
		side = "daddr"
	}
	var found []string
	whole := 0
	for _, v4 := range []bool{true, false} {
		all, every := networksOf(r, v4)
		if len(all) == 0 || !fits(t, all[0]) {
			continue
		}
		family, word := "ipv6", "ip6"
		if v4 {
			family, word = "ipv4", "ip"
		}
		if every {
			whole++
			found = append(found, "meta nfproto "+family+" ")
			continue
		}
		found = append(found, word+" "+side+" @"+setName(r, v4)+" ")
	}
	if whole == 2 {
		return []string{""} // both families: nothing to compare
	}
	return found
}

// nftTraffic is what a rule compares beside the address.
func nftTraffic(t *config.Traffic) string {
	switch {
	case t.All:
		return ""
	case t.Protocol == firewall.TCP, t.Protocol == firewall.UDP, t.Protocol == firewall.SCTP:
		name := firewall.ProtocolName(t.Protocol)
		if t.First == t.Last {
			return fmt.Sprintf("%s dport %d ", name, t.First)
		}
		return fmt.Sprintf("%s dport %d-%d ", name, t.First, t.Last)
	case isICMP(t):
		name, protocol := "icmp", "icmp"
		if t.Protocol == firewall.ICMPv6 {
			name, protocol = "icmpv6", "ipv6-icmp"
		}
		switch {
		case t.Type < 0:
			return "meta l4proto " + protocol + " "
		case t.Code < 0:
			return fmt.Sprintf("%s type %d ", name, t.Type)
		}
		return fmt.Sprintf("%s type %d %[1]s code %[3]d ", name, t.Type, t.Code)
	}
	return fmt.Sprintf("meta l4proto %d ", t.Protocol)
}

// nftCommentMax is how many bytes the kernel keeps of a comment.
const nftCommentMax = 120

func nftComment(r *firewall.Rule) string {
	text := r.Name
	if r.Note != "" {
		text += ": " + strings.ReplaceAll(plain(r.Note), "\\", "_")
	}
	return `"` + text[:min(len(text), nftCommentMax)] + `"`
}
