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

// Terraform writes all groups as resources of Terraform's AWS provider: a group each, and every rule by itself, so that groups
// can refer to each other.
func Terraform(w io.Writer, c *config.Firewall) ([]Loss, error) {
	t := &terraform{c: c}
	t.b.WriteString(`# Made by roundtrip export terraform.

variable "vpc_id" {
  type        = string
  description = "The VPC that the groups are for."
}
`)
	for i := range c.Lists {
		t.list(&c.Lists[i])
	}
	for i := range c.Groups {
		t.group(&c.Groups[i])
	}
	_, err := w.Write(t.b.Bytes())
	return t.losses, err
}

type terraform struct {
	c      *config.Firewall
	b      bytes.Buffer
	losses []Loss
}

// hclText is a text as HCL has it.
func hclText(s string) string { return `"` + strings.ReplaceAll(plain(s), "${", "$_") + `"` }

// hclName is a name of a resource: letters, digits, _.
func hclName(parts ...string) string { return strings.ReplaceAll(strings.Join(parts, "_"), "-", "_") }

// list writes the networks of a list, one resource for each family.
func (t *terraform) list(l *config.PrefixList) {
	for _, family := range []string{"IPv4", "IPv6"} {
		var all []netip.Prefix
		for _, n := range l.Networks {
			if n.Addr().Is4() == (family == "IPv4") {
				all = append(all, n)
			}
		}
		if len(all) == 0 {
			continue
		}
		fmt.Fprintf(&t.b, "\nresource \"aws_ec2_managed_prefix_list\" %q {\n  name           = %q\n  address_family = %q\n  max_entries    = %d\n",
			hclName(l.Name, strings.ToLower(family)), l.Name+"-"+strings.ToLower(family), family, len(all))
		for _, n := range all {
			fmt.Fprintf(&t.b, "  entry { cidr = %q }\n", n)
		}
		t.b.WriteString("}\n")
	}
}

func (t *terraform) group(g *config.SecurityGroup) {
	fmt.Fprintf(&t.b, "\nresource \"aws_security_group\" %q {\n  name        = %q\n  description = %s\n  vpc_id      = var.vpc_id\n}\n",
		hclName(g.Name), g.Name, hclText("group "+g.Name))
	for i := range g.Rules {
		r := &g.Rules[i]
		for k := range r.Allow {
			t.rule(g, r, &r.Allow[k], k)
		}
	}
	if !bounds(g) { // the rule that a new group has, and that the provider takes away
		all := &config.Traffic{All: true}
		for _, n := range []string{"0.0.0.0/0", "::/0"} {
			t.one(g, hclName(g.Name, "out", family(netip.MustParsePrefix(n))), "egress", all, cidr(netip.MustParsePrefix(n)), "everything may leave")
		}
	}
}

func family(n netip.Prefix) string {
	if n.Addr().Is4() {
		return "ipv4"
	}
	return "ipv6"
}

// cidr is the line that names a network.
func cidr(n netip.Prefix) [2]string { return [2]string{"cidr_" + family(n), strconv.Quote(n.String())} }

// rule writes one kind of traffic of a rule, a resource for each end.
func (t *terraform) rule(g *config.SecurityGroup, r *config.GroupRule, traffic *config.Traffic, k int) {
	if traffic.Protocol == firewall.SCTP && !traffic.All && (traffic.First != 0 || traffic.Last != 0xffff) {
		t.losses = lose(t.losses, traffic.Pos, traffic.Text+" is left out: security groups of AWS know no ports of SCTP")
		return
	}
	way := "ingress"
	if r.Out {
		way = "egress"
	}
	for i, peer := range r.Peers {
		name := fmt.Sprintf("%s_%d_%d_%d", hclName(g.Name), r.Number, k+1, i+1)
		switch peer.Kind {
		case config.Loopback:
			t.losses = lose(t.losses, peer.Pos, "loopback is left out: what a machine sends itself meets no security group")
		case config.GroupRef:
			t.one(g, name, way, traffic, [2]string{"referenced_security_group_id", "aws_security_group." + hclName(peer.Name) + ".id"}, r.Note)
		case config.PrefixRef:
			for _, f := range t.families(peer.Name, traffic) {
				t.one(g, name+"_"+f, way, traffic, [2]string{"prefix_list_id", "aws_ec2_managed_prefix_list." + hclName(peer.Name, f) + ".id"}, r.Note)
			}
		case config.Anywhere:
			for _, n := range []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")} {
				if fits(traffic, n) {
					t.one(g, name+"_"+family(n), way, traffic, cidr(n), r.Note)
				}
			}
		case config.Network:
			if fits(traffic, peer.Prefix) {
				t.one(g, name, way, traffic, cidr(peer.Prefix), r.Note)
			}
		}
	}
}

// families are those that a list has networks of and the traffic can be of.
func (t *terraform) families(list string, traffic *config.Traffic) []string {
	var found []string
	for _, want := range []string{"ipv4", "ipv6"} {
		for _, l := range t.c.Lists {
			if l.Name != list {
				continue
			}
			for _, n := range l.Networks {
				if family(n) == want && fits(traffic, n) {
					found = append(found, want)
					break
				}
			}
		}
	}
	return found
}

// one writes one rule.
func (t *terraform) one(g *config.SecurityGroup, name, way string, traffic *config.Traffic, end [2]string, note string) {
	protocol, from, to := awsTraffic(traffic)
	lines := [][2]string{{"security_group_id", "aws_security_group." + hclName(g.Name) + ".id"}, end, {"ip_protocol", strconv.Quote(protocol)}}
	if from != nil {
		lines = append(lines, [2]string{"from_port", strconv.Itoa(*from)}, [2]string{"to_port", strconv.Itoa(*to)})
	}
	if note != "" {
		lines = append(lines, [2]string{"description", hclText(note)})
	}
	width := 0
	for _, line := range lines {
		width = max(width, len(line[0]))
	}
	fmt.Fprintf(&t.b, "\nresource \"aws_vpc_security_group_%s_rule\" %q {\n", way, name)
	for _, line := range lines {
		fmt.Fprintf(&t.b, "  %-*s = %s\n", width, line[0], line[1])
	}
	t.b.WriteString("}\n")
}
