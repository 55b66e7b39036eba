package config_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/roundtrip-dev/roundtrip/config"
)

func TestDev_ZonesAreRenamedAsSitesAre(t *testing.T) {
	t.Parallel()
	c := &config.Config{
		DNS: config.DNS{
			Zones: []config.Zone{
				{Name: "gallery.test", Transfer: &config.Transfer{}, Nameservers: []config.Name{{Text: "ns1.gallery.test"}, {Text: "ns.hoster.net"}}, Records: []config.Name{
					{Text: `@ 300 MX 10 mail.gallery.test.`},
					{Text: `shop CNAME shop.hoster.net.`},
				}},
				{Name: "eu.gallery.test"},
				{Name: "gallery.example"},
				{Name: "_acme-challenge.other.com"},
			},
			Keys:      []config.TSIGKey{{Name: "secondary"}},
			Addresses: []config.Address{{Addr: netip.MustParseAddr("203.0.113.7")}},
		},
		Sites: []config.Site{{Name: "gallery.test"}, {Name: "*.gallery.example"}, {Name: "www.eu.gallery.test"}, {Name: "elsewhere.org"}},
	}
	dev := c.Dev("8443")
	var zones, sites []string
	for _, z := range dev.DNS.Zones {
		zones = append(zones, z.Name)
	}
	for _, s := range dev.Sites {
		sites = append(sites, s.Name)
	}
	if diff := cmp.Diff([]string{"gallery.localhost", "eu.gallery.localhost", "gallery.example.localhost", "_acme-challenge.other.localhost"}, zones); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"gallery.localhost", "*.gallery.example.localhost", "www.eu.gallery.localhost", "elsewhere.localhost"}, sites); diff != "" {
		t.Error(diff)
	}
	first := dev.DNS.Zones[0]
	if diff := cmp.Diff([]string{"@ 300 MX 10 mail.gallery.localhost.", "shop CNAME shop.hoster.net."}, []string{first.Records[0].Text, first.Records[1].Text}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ns1.gallery.localhost", "ns.hoster.net"}, []string{first.Nameservers[0].Text, first.Nameservers[1].Text}); diff != "" {
		t.Error(diff)
	}
	if first.Transfer != nil || dev.DNS.Keys != nil || dev.DNS.Addresses != nil {
		t.Errorf("dev has transfers %v, keys %v, addresses %v", first.Transfer, dev.DNS.Keys, dev.DNS.Addresses)
	}
	was := c.DNS.Zones[0]
	if was.Name != "gallery.test" || was.Transfer == nil || was.Records[0].Text != `@ 300 MX 10 mail.gallery.test.` || was.Nameservers[0].Text != "ns1.gallery.test" {
		t.Errorf("the declaration itself has changed: %+v", was)
	}
}

func TestRenamedLiness(t *testing.T) {
	t.Parallel()
	d := config.DNS{Renames: []config.Rename{{From: "eu.gallery.test", To: "eu.gallery.localhost"}, {From: "gallery.test", To: "gallery.localhost"}}}
	for line, want := range map[string]string{
		"":                                       "",
		"@ A 192.0.2.1":                          "@ A 192.0.2.1",
		"gallery.test. A 192.0.2.1":              "gallery.localhost. A 192.0.2.1",
		"\tA 192.0.2.1":                          "\tA 192.0.2.1",
		"www.Gallery.TEST.\tCNAME gallery.test.": "www.gallery.localhost.\tCNAME gallery.localhost.",
		"x NS ns1.eu.gallery.test.":              "x NS ns1.eu.gallery.localhost.",
		"relative gallery.test":                  "relative gallery.test",
		"mygallery.test. A 192.0.2.1":            "mygallery.test. A 192.0.2.1",
		`@ TXT "in gallery.test. quotes" gallery.test.`:                        `@ TXT "in gallery.test. quotes" gallery.localhost.`,
		`@ TXT "a \" gallery.test. b"`:                                         `@ TXT "a \" gallery.test. b"`,
		`@ TXT "open gallery.test.`:                                            `@ TXT "open gallery.test.`,
		`@ MX 10 mail.gallery.test. ; for gallery.test.`:                       `@ MX 10 mail.gallery.localhost. ; for gallery.test.`,
		`@ SOA (ns1.gallery.test. host\.x.gallery.test. 1 2 3)`:                `@ SOA (ns1.gallery.localhost. host\.x.gallery.localhost. 1 2 3)`,
		`@ HTTPS 1 gallery.test. alpn="h2" ipv4hint=192.0.2.1`:                 `@ HTTPS 1 gallery.localhost. alpn="h2" ipv4hint=192.0.2.1`,
		"a TXT x\nb.gallery.test. ; c gallery.test.\nd.gallery.test. TXT \\\"": "a TXT x\nb.gallery.localhost. ; c gallery.test.\nd.gallery.localhost. TXT \\\"",
	} {
		if got := d.RenamedLines(line); got != want {
			t.Errorf("%q became %q, want %q", line, got, want)
		}
	}
}
