package derive

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/roundtrip-dev/roundtrip/config"
)

// site writes the records of one site.
func (l *lines) site(s *config.Site) {
	if _, err := netip.ParseAddr(s.Name); err == nil {
		return // an address has no name
	}
	from := "site " + s.Name
	l.addresses(s.Pos, from, s.Name, l.ttl, l.facts.Addresses)
	l.https(s, from)
	l.caa(s, from)
}

// https writes how a browser reaches the site by its first packet (RFC 9460): with which protocols, at which port, and where.
// A site without TLS has none, since the record alone makes browsers leave plain HTTP.
func (l *lines) https(s *config.Site, from string) {
	door := l.facts.Secure
	if s.TLS.Mode == config.TLSOff || !door.At.IsValid() {
		return
	}
	at := Covered(door.At.Addr(), l.facts.Addresses)
	if len(at) == 0 {
		return // it listens where visitors don't come, behind something else that we know nothing of
	}
	alpn := "h2"
	if door.HTTP3 {
		alpn = "h3,h2"
	}
	port := door.At.Port()
	if port == httpsPort {
		l.add(s.Pos, from, s.Name, l.ttl, `HTTPS 1 . alpn=%q%s`, alpn, hints(at))
		return
	}
	l.add(s.Pos, from, s.Name, l.ttl, `HTTPS 1 . alpn=%q port=%d%s`, alpn, port, hints(at))
	if !strings.HasPrefix(s.Name, "*.") { // below a wildcard every name is answered by it already
		// A URL with a port is looked up below a name of its own (section 9.1).
		l.add(s.Pos, from, fmt.Sprintf("_%d._https.%s", port, s.Name), l.ttl, `HTTPS 1 %s. alpn=%q`, s.Name, alpn)
	}
}

// hints spares browsers that wait for the HTTPS record the look-up of addresses (section 7.3).
func hints(list []netip.Addr) string {
	var four, six []string
	for _, a := range list {
		if a.Is4() {
			four = append(four, a.String())
		} else {
			six = append(six, a.String())
		}
	}
	text := ""
	if len(four) > 0 {
		text += " ipv4hint=" + strings.Join(four, ",")
	}
	if len(six) > 0 {
		text += " ipv6hint=" + strings.Join(six, ",")
	}
	return text
}

// caa writes who may give certificates for the site's name (RFC 8659): the issuers that are asked for one. It stands at the
// site's own name, so that what else the zone names can have other issuers. Where it isn't known how one of them calls itself
// there is no record: it would be shut out.
func (l *lines) caa(s *config.Site, from string) {
	if s.TLS.Mode != config.TLSAuto {
		return
	}
	identities, known := Identities(l.facts.Issuers)
	if !known {
		return
	}
	name := strings.TrimPrefix(s.Name, "*.") // section 3: for *.example.com it is looked up at example.com
	for _, id := range identities {
		l.add(s.Pos, from+", acme.issuers", name, l.zone.TTL, "CAA 0 issue %q", id)
	}
}
