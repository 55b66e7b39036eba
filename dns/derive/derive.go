// Package derive says which records follow from what runs: addresses and HTTPS records of the sites, the name servers of a
// zone, and who may give certificates for its names. It is a pure function of facts, so that `roundtrip check` says what
// `roundtrip serve` will answer.
package derive

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

// Facts is what runs, as far as names are made of it.
type Facts struct {
	Addresses []netip.Addr // where visitors reach this machine, see [Reachable]
	From      string       // where Addresses come from, for the comments: dns.addresses, this machine
	Secure    Door         // of HTTPS
	Sites     []config.Site
	Issuers   []config.Issuer // of certificates; none declared means Let's Encrypt
	Zones     []config.Zone   // all that we serve: a name belongs to the closest one
}

// Door is a listener.
type Door struct {
	At    netip.AddrPort // where it listens; not valid: nobody does
	HTTP3 bool           // QUIC is served on the same port over UDP
}

const (
	// addressTTL is how long a derived record may be kept: short enough to move a site in an afternoon.
	addressTTL = 5 * time.Minute
	// httpsPort is the one that a browser takes by itself.
	httpsPort = 443
)

// HealthTTL is how long a record may be kept that follows the health of upstreams, in seconds.
const HealthTTL = 30

// Records returns what is derived for one of f.Zones. Each line names all that it names in full, and ends with a comment that
// says what it was made from. Declared records win over these; see [zone.Build].
func Records(z *config.Zone, f *Facts) []zone.Record {
	l := &lines{zone: z, facts: f, ttl: min(z.TTL, addressTTL)}
	if z.WhenDown.Policy == config.DropDown || z.WhenDown.Policy == config.FallbackDown {
		l.ttl = min(l.ttl, HealthTTL*time.Second)
	}
	l.nameservers()
	if !z.Derive {
		return l.records
	}
	for i := range f.Zones {
		if child := &f.Zones[i]; child != z && child.Name != z.Name && closest(f.Zones, parent(child.Name)) == z.Name {
			l.delegation(child)
		}
	}
	for i := range f.Sites {
		if s := &f.Sites[i]; Owner(f.Zones, s.Name) == z.Name {
			l.site(s)
		}
	}
	return l.records
}

// Owner returns the name of the closest zone that a site's name lies in, "" for none. Wildcards belong to the zone that they
// lie below: *.example.com to example.com.
func Owner(zones []config.Zone, site string) string {
	return closest(zones, strings.TrimPrefix(site, "*."))
}

func closest(zones []config.Zone, name string) string {
	best := ""
	for i := range zones {
		if z := zones[i].Name; within(name, z) && len(z) > len(best) {
			best = z
		}
	}
	return best
}

// within reports whether a name is a zone's apex or below it.
func within(name, zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }

// parent is the name without its leftmost label.
func parent(name string) string {
	_, rest, _ := strings.Cut(name, ".")
	return rest
}

// lines gathers the records of one zone.
type lines struct {
	zone    *config.Zone
	facts   *Facts
	ttl     time.Duration
	records []zone.Record
}

// add writes one record. The name has no dot at its end.
func (l *lines) add(pos roundtrip.Pos, from, name string, ttl time.Duration, format string, args ...any) {
	line := fmt.Sprintf("%s. %d %s ; %s", name, int(ttl/time.Second), fmt.Sprintf(format, args...), from)
	l.records = append(l.records, zone.Record{Line: line, Pos: pos})
}

// addresses writes the address records of a name.
func (l *lines) addresses(pos roundtrip.Pos, from, name string, ttl time.Duration, list []netip.Addr) {
	for _, a := range list {
		kind := "AAAA"
		if a.Is4() {
			kind = "A"
		}
		l.add(pos, from, name, ttl, "%s %s", kind, a)
	}
}

// nameservers writes the NS records of the apex, and the address of the first where it lies in the zone: that is this server.
// The addresses of others that lie in the zone have to be declared.
func (l *lines) nameservers() {
	z := l.zone
	if !z.Derive && len(z.Nameservers) == 0 {
		return
	}
	for i, host := range Nameservers(z) {
		from := "dns.zones." + z.Name + ".nameservers"
		if len(z.Nameservers) == 0 {
			from = "this server, since no nameservers are declared"
		}
		l.add(host.Pos, from, z.Name, z.TTL, "NS %s.", host.Text)
		if i == 0 && Owner(l.facts.Zones, host.Text) == z.Name {
			l.addresses(host.Pos, l.facts.From, host.Text, z.TTL, l.facts.Addresses)
		}
	}
}

// Nameservers returns the name servers of a zone: the declared ones, or ns1 in it.
func Nameservers(z *config.Zone) []config.Name {
	if len(z.Nameservers) > 0 {
		return z.Nameservers
	}
	return []config.Name{{Pos: z.Pos, Text: "ns1." + z.Name}}
}

// delegation writes what tells resolvers of another zone of ours below this one: its NS records, and the address of the first
// where it lies in there.
func (l *lines) delegation(child *config.Zone) {
	from := "dns.zones." + child.Name
	for i, host := range Nameservers(child) {
		l.add(child.Pos, from, child.Name, l.zone.TTL, "NS %s.", host.Text)
		if i == 0 && within(host.Text, child.Name) {
			l.addresses(child.Pos, from, host.Text, l.zone.TTL, l.facts.Addresses)
		}
	}
}
