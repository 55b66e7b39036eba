package acme

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// The challenges (RFC 8555 section 8, RFC 8737).
const (
	HTTP01 = "http-01"
	TLS01  = "tls-alpn-01"
	DNS01  = "dns-01"
)

// Mistake is what can't be right in a declaration.
type Mistake struct {
	Pos     roundtrip.Pos
	Message string
}

// Check looks for what can be known to fail before anybody is asked.
func Check(declared config.ACME, sites []config.Site, zone Zone) []Mistake {
	var all []Mistake
	add := func(pos roundtrip.Pos, format string, args ...any) {
		all = append(all, Mistake{pos, fmt.Sprintf(format, args...)})
	}
	for _, d := range declared.Issuers {
		if _, err := newIssuer(d, declared.Email); err != nil {
			add(d.Pos, "%v", err)
		}
	}
	for i := range sites {
		site := &sites[i]
		if site.TLS.Mode != config.TLSAuto {
			continue
		}
		name, pos := canonical(site.Name), site.TLS.Pos
		if pos.Line == 0 {
			pos = site.Pos
		}
		if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
			add(pos, "%s is an address, and tls: auto is for names: use tls: local or certificate files", site.Name)
			continue
		}
		if len(challenges(declared.Challenges, name, zone)) > 0 {
			continue
		}
		switch {
		case strings.HasPrefix(name, "*.") && zone == nil:
			add(pos, "the wildcard %s needs the challenge dns-01, which is answered by a zone of ours, and there is none: declare the zone (dns.zones), or the names one by one, or use certificate files", site.Name)
		case strings.HasPrefix(name, "*."):
			add(pos, "the wildcard %s needs the challenge dns-01 in a zone of ours: declare its zone, or _acme-challenge.%s as one if the domain is hosted elsewhere, and leave dns-01 among acme.challenges", site.Name, strings.TrimPrefix(name, "*."))
		default:
			add(pos, "none of the challenges %s can be answered for %s", strings.Join(declared.Challenges, ", "), site.Name)
		}
	}
	return all
}

// challenges returns those that can be answered for a name: what is allowed, of what we can do.
func challenges(allowed []string, name string, zone Zone) []string {
	var able []string
	if !strings.HasPrefix(name, "*.") { // only dns-01 proves a wildcard
		able = append(able, HTTP01, TLS01)
	}
	if zone != nil && zone.Serves(strings.TrimPrefix(name, "*.")) {
		able = append(able, DNS01)
	}
	if len(allowed) == 0 {
		return able
	}
	return slices.DeleteFunc(able, func(c string) bool { return !slices.Contains(allowed, c) })
}

// inTurn returns those of the challenges that are tried now: our own zone's only in every second try, since the others need
// no secondary to follow, and every server that answers for the name has them.
func inTurn(able []string, tries int) []string {
	byZone := func(c string) bool { return c == DNS01 }
	if !slices.ContainsFunc(able, byZone) || len(able) == 1 {
		return able
	}
	if tries%2 == 1 {
		return []string{DNS01}
	}
	return slices.DeleteFunc(slices.Clone(able), byZone)
}
