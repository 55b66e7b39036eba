package derive_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/derive"
)

var both = []netip.Addr{netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7")}

func door(at string, http3 bool) derive.Door {
	return derive.Door{At: netip.MustParseAddrPort(at), HTTP3: http3}
}

func zoneNamed(name string) config.Zone {
	return config.Zone{Name: name, Derive: true, TTL: time.Hour}
}

func site(name string, mode config.TLSMode) config.Site {
	return config.Site{Name: name, TLS: config.TLS{Mode: mode}}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	apex := []string{
		"example.com. 3600 NS ns1.example.com.",
		"ns1.example.com. 3600 A 203.0.113.7",
		"ns1.example.com. 3600 AAAA 2001:db8::7",
	}
	for name, test := range map[string]struct {
		facts derive.Facts
		zone  config.Zone
		want  []string // besides apex
		own   bool     // want is all
	}{
		"a zone without sites": {},
		"a site at the apex over HTTP/2 and HTTP/3": {
			facts: derive.Facts{Secure: door("[::]:443", true), Sites: []config.Site{site("example.com", config.TLSFiles)}},
			want: []string{
				"example.com. 300 A 203.0.113.7", "example.com. 300 AAAA 2001:db8::7",
				`example.com. 300 HTTPS 1 . alpn="h3,h2" ipv4hint=203.0.113.7 ipv6hint=2001:db8::7`,
			},
		},
		"without HTTP/3 it isn't promised": {
			facts: derive.Facts{Secure: door("[::]:443", false), Sites: []config.Site{site("www.example.com", config.TLSFiles)}},
			want: []string{
				"www.example.com. 300 A 203.0.113.7", "www.example.com. 300 AAAA 2001:db8::7",
				`www.example.com. 300 HTTPS 1 . alpn="h2" ipv4hint=203.0.113.7 ipv6hint=2001:db8::7`,
			},
		},
		"another port, with the name of URLs that have it (RFC 9460 section 9.1)": {
			facts: derive.Facts{Secure: door("[::]:8443", false), Sites: []config.Site{site("example.com", config.TLSFiles)}},
			want: []string{
				"example.com. 300 A 203.0.113.7", "example.com. 300 AAAA 2001:db8::7",
				`example.com. 300 HTTPS 1 . alpn="h2" port=8443 ipv4hint=203.0.113.7 ipv6hint=2001:db8::7`,
				`_8443._https.example.com. 300 HTTPS 1 example.com. alpn="h2"`,
			},
		},
		"a wildcard": {
			facts: derive.Facts{Secure: door("[::]:8443", false), Sites: []config.Site{site("*.example.com", config.TLSFiles)}},
			want: []string{
				"*.example.com. 300 A 203.0.113.7", "*.example.com. 300 AAAA 2001:db8::7",
				`*.example.com. 300 HTTPS 1 . alpn="h2" port=8443 ipv4hint=203.0.113.7 ipv6hint=2001:db8::7`,
			},
		},
		"plain HTTP has no HTTPS record": {
			facts: derive.Facts{Secure: door("[::]:443", true), Sites: []config.Site{site("example.com", config.TLSOff)}},
			want:  []string{"example.com. 300 A 203.0.113.7", "example.com. 300 AAAA 2001:db8::7"},
		},
		"where nobody listens for HTTPS there is no record of it": {
			facts: derive.Facts{Sites: []config.Site{site("example.com", config.TLSFiles)}},
			want:  []string{"example.com. 300 A 203.0.113.7", "example.com. 300 AAAA 2001:db8::7"},
		},
		"nor where it listens on loopback, behind something else": {
			facts: derive.Facts{Secure: door("127.0.0.1:8443", true), Sites: []config.Site{site("example.com", config.TLSFiles)}},
			want:  []string{"example.com. 300 A 203.0.113.7", "example.com. 300 AAAA 2001:db8::7"},
		},
		"one that takes IPv4 alone hints at that alone": {
			facts: derive.Facts{Secure: door("0.0.0.0:443", false), Sites: []config.Site{site("example.com", config.TLSFiles)}},
			want: []string{
				"example.com. 300 A 203.0.113.7", "example.com. 300 AAAA 2001:db8::7",
				`example.com. 300 HTTPS 1 . alpn="h2" ipv4hint=203.0.113.7`,
			},
		},
		"tls: auto names Let's Encrypt": {
			facts: derive.Facts{Sites: []config.Site{site("www.example.com", config.TLSAuto), site("*.preview.example.com", config.TLSAuto)}},
			want: []string{
				"www.example.com. 300 A 203.0.113.7", "www.example.com. 300 AAAA 2001:db8::7",
				`www.example.com. 3600 CAA 0 issue "letsencrypt.org"`,
				"*.preview.example.com. 300 A 203.0.113.7", "*.preview.example.com. 300 AAAA 2001:db8::7",
				`preview.example.com. 3600 CAA 0 issue "letsencrypt.org"`,
			},
		},
		"each issuer that is asked": {
			facts: derive.Facts{
				Issuers: []config.Issuer{
					{Directory: "https://acme-v02.api.letsencrypt.org/directory"},
					{Directory: "https://acme-staging-v02.api.letsencrypt.org/directory"},
					{Directory: "https://acme.zerossl.com/v2/DV90"},
				},
				Sites: []config.Site{site("www.example.com", config.TLSAuto)},
			},
			want: []string{
				"www.example.com. 300 A 203.0.113.7", "www.example.com. 300 AAAA 2001:db8::7",
				`www.example.com. 3600 CAA 0 issue "letsencrypt.org"`, `www.example.com. 3600 CAA 0 issue "sectigo.com"`,
			},
		},
		"an issuer that we don't know must not be shut out": {
			facts: derive.Facts{
				Issuers: []config.Issuer{{Directory: "https://acme-v02.api.letsencrypt.org/directory"}, {Directory: "https://ca.internal/acme"}},
				Sites:   []config.Site{site("www.example.com", config.TLSAuto)},
			},
			want: []string{"www.example.com. 300 A 203.0.113.7", "www.example.com. 300 AAAA 2001:db8::7"},
		},
		"sites of other zones, and of none": {
			facts: derive.Facts{Sites: []config.Site{
				site("example.org", config.TLSFiles), site("notexample.com", config.TLSFiles), site("www.eu.example.com", config.TLSFiles), site("203.0.113.7", config.TLSFiles),
			}, Zones: []config.Zone{zoneNamed("eu.example.com")}},
			want: []string{
				"eu.example.com. 3600 NS ns1.eu.example.com.", "ns1.eu.example.com. 3600 A 203.0.113.7", "ns1.eu.example.com. 3600 AAAA 2001:db8::7",
			},
		},
		"a zone below one of ours is delegated by that one alone": {
			facts: derive.Facts{Zones: []config.Zone{zoneNamed("a.b.example.com"), {Name: "b.example.com", Derive: true, TTL: time.Hour, Nameservers: []config.Name{{Text: "ns.hoster.net"}}}}},
			want:  []string{"b.example.com. 3600 NS ns.hoster.net."},
		},
		"declared name servers, the first of which we are": {
			zone: config.Zone{Name: "example.com", Derive: true, TTL: time.Hour, Nameservers: []config.Name{{Text: "a.example.com"}, {Text: "b.example.com"}, {Text: "ns.hoster.net"}}},
			own:  true,
			want: []string{
				"example.com. 3600 NS a.example.com.", "a.example.com. 3600 A 203.0.113.7", "a.example.com. 3600 AAAA 2001:db8::7",
				"example.com. 3600 NS b.example.com.", "example.com. 3600 NS ns.hoster.net.",
			},
		},
		"derive: false": {
			zone:  config.Zone{Name: "example.com", TTL: time.Hour},
			facts: derive.Facts{Secure: door("[::]:443", true), Sites: []config.Site{site("example.com", config.TLSAuto)}},
			own:   true,
		},
		"derive: false, with name servers": {
			zone: config.Zone{Name: "example.com", TTL: time.Hour, Nameservers: []config.Name{{Text: "ns.hoster.net"}}},
			own:  true,
			want: []string{"example.com. 3600 NS ns.hoster.net."},
		},
		"a short TTL of the zone holds for what is derived": {
			zone:  config.Zone{Name: "example.com", Derive: true, TTL: time.Minute, Nameservers: []config.Name{{Text: "ns.hoster.net"}}},
			facts: derive.Facts{Sites: []config.Site{site("example.com", config.TLSOff)}},
			own:   true,
			want:  []string{"example.com. 60 NS ns.hoster.net.", "example.com. 60 A 203.0.113.7", "example.com. 60 AAAA 2001:db8::7"},
		},
		"names that follow the health of upstreams are kept for a short time": {
			zone: config.Zone{
				Name: "example.com", Derive: true, TTL: time.Hour, Nameservers: []config.Name{{Text: "ns.hoster.net"}}, WhenDown: config.WhenDown{Policy: config.DropDown},
			},
			facts: derive.Facts{Sites: []config.Site{site("example.com", config.TLSOff)}},
			own:   true,
			want:  []string{"example.com. 3600 NS ns.hoster.net.", "example.com. 30 A 203.0.113.7", "example.com. 30 AAAA 2001:db8::7"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := test.zone
			if z.Name == "" {
				z = zoneNamed("example.com")
			}
			want := test.want
			if !test.own {
				want = append(apex[:len(apex):len(apex)], want...)
			}
			f := test.facts
			f.Addresses, f.From = both, derive.FromDeclaration
			f.Zones = append(f.Zones, z)
			var got []string
			for _, r := range derive.Records(&z, &f) {
				line, from, said := strings.Cut(r.Line, " ; ")
				if !said || from == "" {
					t.Errorf("%q doesn't say what it was made from", r.Line)
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		declared, machine, door string
		dev                     bool
		want                    string
	}{
		"what is declared, in its order":           {declared: "2001:db8::1 203.0.113.9", machine: "203.0.113.7", door: "::", want: "2001:db8::1 203.0.113.9"},
		"public ones of the machine":               {machine: "127.0.0.1 ::1 fe80::1 10.0.0.5 2001:db8::7 203.0.113.7 203.0.113.7", door: "::", want: "203.0.113.7 2001:db8::7"},
		"private ones where there is nothing else": {machine: "127.0.0.1 10.0.0.5 fd00::5 100.64.3.2", door: "::", want: "10.0.0.5 100.64.3.2 fd00::5"},
		"one public family is enough":              {machine: "10.0.0.5 2001:db8::7", door: "::", want: "2001:db8::7"},
		"the one that is listened on":              {machine: "203.0.113.7 203.0.113.8", door: "203.0.113.8", want: "203.0.113.8"},
		"IPv4 alone":                               {machine: "203.0.113.7 2001:db8::7", door: "0.0.0.0", want: "203.0.113.7"},
		"behind a proxy on loopback":               {machine: "127.0.0.1 203.0.113.7", door: "127.0.0.1", want: "203.0.113.7"},
		"nothing but loopback":                     {machine: "127.0.0.1 ::1", door: "::", want: ""},
		"dev":                                      {declared: "203.0.113.9", machine: "203.0.113.7", door: "::", dev: true, want: "127.0.0.1 ::1"},
		"dev, on one of them":                      {door: "127.0.0.1", dev: true, want: "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var declared []config.Address
			for _, a := range addresses(test.declared) {
				declared = append(declared, config.Address{Addr: a})
			}
			got, from := derive.Reachable(declared, addresses(test.machine), netip.MustParseAddr(test.door), test.dev)
			if diff := cmp.Diff(test.want, words(got)); diff != "" || from == "" {
				t.Errorf("%s (from %q)", diff, from)
			}
		})
	}
}

func addresses(text string) (list []netip.Addr) {
	for word := range strings.FieldsSeq(text) {
		list = append(list, netip.MustParseAddr(word))
	}
	return list
}

func words(list []netip.Addr) string {
	var all []string
	for _, a := range list {
		all = append(all, a.String())
	}
	return strings.Join(all, " ")
}
