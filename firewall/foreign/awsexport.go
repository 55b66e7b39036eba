package foreign

import (
	"encoding/json"
	"io"
	"net/netip"
	"strconv"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
)

// groupsJSON is the answer of aws ec2 describe-security-groups, as far as it is about who may connect. A group of it has what
// create-security-group takes, and its permissions are those that authorize-security-group-ingress and -egress take.
type groupsJSON struct {
	SecurityGroups []groupJSON
}

type groupJSON struct {
	GroupID             string           `json:"GroupId,omitempty"`
	GroupName           string           `json:"GroupName"`
	Description         string           `json:"Description"`
	IPPermissions       []permissionJSON `json:"IpPermissions"`
	IPPermissionsEgress []permissionJSON `json:"IpPermissionsEgress"`
}

type permissionJSON struct {
	IPProtocol       string      `json:"IpProtocol"` // tcp, udp, icmp, icmpv6, a number, or -1 for all
	FromPort         *int        `json:"FromPort,omitempty"`
	ToPort           *int        `json:"ToPort,omitempty"`
	IPRanges         []rangeJSON `json:"IpRanges,omitempty"`
	IPv6Ranges       []rangeJSON `json:"Ipv6Ranges,omitempty"`
	PrefixListIDs    []rangeJSON `json:"PrefixListIds,omitempty"`
	UserIDGroupPairs []rangeJSON `json:"UserIdGroupPairs,omitempty"`
}

// rangeJSON is the other end, in any of its four forms.
type rangeJSON struct {
	CidrIP       string `json:"CidrIp,omitempty"`
	CidrIPv6     string `json:"CidrIpv6,omitempty"`
	PrefixListID string `json:"PrefixListId,omitempty"`
	GroupID      string `json:"GroupId,omitempty"`
	GroupName    string `json:"GroupName,omitempty"`
	Description  string `json:"Description,omitempty"`
}

// awsTraffic is a kind of traffic in the words of AWS. from and to are nil where the protocol has none; for ICMP they are type
// and code.
func awsTraffic(t *config.Traffic) (protocol string, from, to *int) {
	two := func(a, b int) (*int, *int) { return &a, &b }
	switch {
	case t.All:
		return "-1", nil, nil
	case hasPorts(t):
		protocol = firewall.ProtocolName(t.Protocol)
		from, to = two(int(t.First), int(t.Last))
	case isICMP(t):
		protocol = firewall.ProtocolName(t.Protocol)
		from, to = two(int(t.Type), int(t.Code))
	default:
		protocol = strconv.Itoa(int(t.Protocol))
	}
	return protocol, from, to
}

// AWS writes all groups as the JSON of AWS. Lists are written as their networks, and groups refer to each other by name.
func AWS(w io.Writer, c *config.Firewall) ([]Loss, error) {
	x := &awsExport{c: c}
	all := groupsJSON{SecurityGroups: []groupJSON{}}
	for i := range c.Groups {
		all.SecurityGroups = append(all.SecurityGroups, x.group(&c.Groups[i]))
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return x.losses, e.Encode(all)
}

type awsExport struct {
	c      *config.Firewall
	losses []Loss
}

func (x *awsExport) group(g *config.SecurityGroup) groupJSON {
	out := groupJSON{GroupName: g.Name, Description: "group " + g.Name, IPPermissions: []permissionJSON{}, IPPermissionsEgress: []permissionJSON{}}
	for i := range g.Rules {
		r := &g.Rules[i]
		for k := range r.Allow {
			p, ok := x.permission(r, &r.Allow[k])
			switch {
			case !ok:
			case r.Out:
				out.IPPermissionsEgress = append(out.IPPermissionsEgress, p)
			default:
				out.IPPermissions = append(out.IPPermissions, p)
			}
		}
	}
	if !bounds(g) {
		out.IPPermissionsEgress = append(out.IPPermissionsEgress, permissionJSON{
			IPProtocol: "-1", IPRanges: []rangeJSON{{CidrIP: "0.0.0.0/0"}}, IPv6Ranges: []rangeJSON{{CidrIPv6: "::/0"}},
		})
	}
	return out
}

// permission is one kind of traffic of a rule. It reports false where nothing of it can be said there.
func (x *awsExport) permission(r *config.GroupRule, t *config.Traffic) (permissionJSON, bool) {
	if t.Protocol == firewall.SCTP && !t.All && (t.First != 0 || t.Last != 0xffff) {
		x.losses = lose(x.losses, t.Pos, t.Text+" is left out: security groups of AWS know no ports of SCTP")
		return permissionJSON{}, false
	}
	p := permissionJSON{}
	p.IPProtocol, p.FromPort, p.ToPort = awsTraffic(t)
	note := plain(r.Note)
	add := func(n netip.Prefix) {
		switch {
		case !fits(t, n):
		case n.Addr().Is4():
			p.IPRanges = append(p.IPRanges, rangeJSON{CidrIP: n.String(), Description: note})
		default:
			p.IPv6Ranges = append(p.IPv6Ranges, rangeJSON{CidrIPv6: n.String(), Description: note})
		}
	}
	for _, peer := range r.Peers {
		switch peer.Kind {
		case config.Anywhere:
			add(netip.MustParsePrefix("0.0.0.0/0"))
			add(netip.MustParsePrefix("::/0"))
		case config.Network:
			add(peer.Prefix)
		case config.GroupRef:
			p.UserIDGroupPairs = append(p.UserIDGroupPairs, rangeJSON{GroupName: peer.Name, Description: note})
		case config.PrefixRef:
			for _, l := range x.c.Lists {
				if l.Name == peer.Name {
					for _, n := range l.Networks {
						add(n)
					}
				}
			}
		case config.Loopback:
			x.losses = lose(x.losses, peer.Pos, "loopback is left out: what a machine sends itself meets no security group")
		}
	}
	return p, len(p.IPRanges)+len(p.IPv6Ranges)+len(p.UserIDGroupPairs) > 0
}
