// Package foreign writes security groups as others have them (nftables, Terraform and the JSON of AWS), and reads those of AWS.
//
// What another side can't say is never made wider: it is left out, and a [Loss] says so.
package foreign

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
)

// Loss is something that the other side has no words for.
type Loss struct {
	Pos  roundtrip.Pos // of the rule, where it is one of a declaration
	Text string
}

// lose adds a loss, once.
func lose(all []Loss, pos roundtrip.Pos, text string) []Loss {
	if l := (Loss{pos, text}); !slices.Contains(all, l) {
		return append(all, l)
	}
	return all
}

// bounds reports whether a group has rules about what leaves, and so not the one that lets all leave.
func bounds(g *config.SecurityGroup) bool {
	for i := range g.Rules {
		if g.Rules[i].Out {
			return true
		}
	}
	return false
}

// fits reports whether traffic can be of a network's family.
func fits(t *config.Traffic, n netip.Prefix) bool {
	switch t.Protocol {
	case firewall.ICMP:
		return t.All || n.Addr().Is4()
	case firewall.ICMPv6:
		return t.All || !n.Addr().Is4()
	}
	return true
}

func isICMP(t *config.Traffic) bool {
	return !t.All && (t.Protocol == firewall.ICMP || t.Protocol == firewall.ICMPv6)
}

func hasPorts(t *config.Traffic) bool {
	return !t.All && (t.Protocol == firewall.TCP || t.Protocol == firewall.UDP)
}

// plain keeps of a text what AWS takes in descriptions, at most 255 characters.
func plain(s string) string {
	const most, also = 255, " ._-:/()#,@[]+=&;{}!$*"
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(also, r) {
			return r
		}
		return '_'
	}, s)
	return s[:min(len(s), most)]
}
