package names

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/derive"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// Warnings tells why the world might not find what the zones say.
func (m *Machine) Warnings(c *config.Config, f *derive.Facts, built []*Zone, p *firewall.Policy) []policy.Warning {
	if len(c.DNS.Zones) == 0 || m.Dev {
		return nil
	}
	var warnings []policy.Warning
	if i := slices.IndexFunc(c.DNS.Zones, func(z config.Zone) bool { return z.Derive && config.IsPublic(z.Name) }); i >= 0 &&
		!slices.ContainsFunc(f.Addresses, func(addr netip.Addr) bool { return !derive.IsPrivate(addr) }) {
		warnings = append(warnings, policy.Warning{Pos: c.DNS.Zones[i].Pos, Message: fmt.Sprintf(
			"records will be derived with %s, which nobody outside of this network reaches; declare the public address of this machine, or of the router before it, as dns.addresses",
			joinAddresses(f.Addresses))})
	}
	if p == nil || !isNameserver(built, slices.Concat(f.Addresses, m.Own())) {
		return warnings
	}
	port := dnsPort(m.DNS)
	var closed []string
	for _, protocol := range []uint8{firewall.UDP, firewall.TCP} {
		flow := firewall.Flow{Protocol: protocol, Remote: netip.AddrFrom4([4]byte{198, 51, 100, 1}), Port: port} // a stranger's
		if !p.Judge(flow).Allowed {
			closed = append(closed, flow.Traffic())
		}
	}
	if len(closed) == 0 {
		return warnings
	}
	return append(warnings, policy.Warning{Pos: c.Firewall.Pos, Message: fmt.Sprintf(
		"no rule lets everybody ask the name server by %s; a group of this machine needs { allow: [tcp/%d, udp/%d], from: [anywhere] }",
		strings.Join(closed, " and "), port, port)})
}

// isNameserver reports whether the NS records of a zone lead to one of the addresses.
func isNameserver(built []*Zone, own []netip.Addr) bool {
	for _, b := range built {
		set, err := zone.NewSet(b.Zone)
		if err != nil {
			continue
		}
		for _, host := range answers(set, b.Name(), dns.TypeNS) {
			for _, typ := range []uint16{dns.TypeA, dns.TypeAAAA} {
				for _, text := range answers(set, host, typ) {
					if addr, err := netip.ParseAddr(text); err == nil && slices.Contains(own, addr) {
						return true
					}
				}
			}
		}
	}
	return false
}

// answers are the data of an answer, the last word of each.
func answers(set *zone.Set, name string, typ uint16) []string {
	var all []string
	for _, record := range set.Explain(name, typ).Answer {
		words := strings.Fields(record)
		all = append(all, words[len(words)-1])
	}
	return all
}

// dnsPort is the port of the first address that DNS is served at.
func dnsPort(list string) uint16 {
	first, _, _ := strings.Cut(list, ",")
	_, text, err := net.SplitHostPort(strings.TrimSpace(first))
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

func joinAddresses(list []netip.Addr) string {
	var all []string
	for _, addr := range list {
		all = append(all, addr.String())
	}
	return strings.Join(all, ", ")
}
