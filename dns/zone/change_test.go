package zone_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

// served is a zone as it comes about: a few declared records, and those of sites.
func served(t testing.TB) *zone.Zone {
	t.Helper()
	return build(t, zone.Options{
		Declared: declare("gallery.test", "@ 300 MX 10 mail", "mail 300 A 203.0.113.25", "@ 300 TXT \"v=spf1 mx -all\"", "old CNAME www", "sub NS ns.example.net.", "fixed A 203.0.113.9"),
		Derived: []zone.Record{
			{Line: "gallery.test. 300 NS ns1.gallery.test. ; dns.nameservers"},
			{Line: "ns1.gallery.test. 300 A 203.0.113.1"},
			{Line: "gallery.test. 60 A 203.0.113.1 ; site gallery.test", Pos: roundtrip.Pos{File: "roundtrip.yaml", Line: 30, Column: 3}},
			{Line: "gallery.test. 60 AAAA 2001:db8::1 ; site gallery.test"},
			{Line: "gallery.test. 60 HTTPS 1 . alpn=h3,h2 ; site gallery.test"},
			{Line: "www.gallery.test. 60 A 203.0.113.1 ; site www.gallery.test"},
			{Line: "*.preview.gallery.test. 60 A 203.0.113.1 ; site *.preview.gallery.test"},
			{Line: "fixed.gallery.test. 60 AAAA 2001:db8::1"},
			{Line: "fixed.gallery.test. 60 HTTPS 1 . alpn=h2"},
			{Line: "old.gallery.test. 60 A 203.0.113.1"},
			{Line: "site.sub.gallery.test. 60 A 203.0.113.1"},
		},
		Serial: 7,
	})
}

func addresses(list ...string) *[]netip.Addr {
	out := []netip.Addr{}
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return &out
}

func TestBuild_DeclaredRecordsWin(t *testing.T) {
	t.Parallel()
	s := set(t, served(t))
	for name, want := range map[string]string{
		"fixed.gallery.test. A":      "fixed.gallery.test. 3600 A 203.0.113.9",
		"fixed.gallery.test. AAAA":   "",
		"fixed.gallery.test. HTTPS":  "",
		"old.gallery.test. CNAME":    "old.gallery.test. 3600 CNAME www.gallery.test.",
		"site.sub.gallery.test. A":   "",
		"www.gallery.test. A":        "www.gallery.test. 60 A 203.0.113.1",
		"x.preview.gallery.test. A":  "x.preview.gallery.test. 60 A 203.0.113.1",
		"gallery.test. SOA":          "gallery.test. 3600 SOA ns1.gallery.test. hostmaster.gallery.test. 7 3600 900 1209600 300",
		"nothing.gallery.test. TXT":  "",
		"_acme-challenge.x.test. NS": "",
	} {
		name, typ, _ := strings.Cut(name, " ")
		m, _, _ := ask(t, s, name, dns.StringToType[typ], 1232)
		if diff := cmp.Diff(want, lines(m.Answer)); diff != "" {
			t.Errorf("%s %s\n%s", name, typ, diff)
		}
	}
}

func TestWith_ChangesOneName(t *testing.T) {
	t.Parallel()
	z := served(t)
	type answers map[string]string
	for _, c := range []struct {
		name    string
		changes []zone.Change
		want    answers
	}{
		{"a challenge at a name that is not there", []zone.Change{{Name: "_acme-challenge.gallery.test", TXT: []string{"two", "one", "one"}, TTL: 5}}, answers{
			"_acme-challenge.gallery.test. TXT": "NOERROR aa\n_acme-challenge.gallery.test. 5 TXT \"one\"\n_acme-challenge.gallery.test. 5 TXT \"two\"",
		}},
		{"names between it and the zone", []zone.Change{{Name: "_acme-challenge.a.b.gallery.test", TXT: []string{"x"}, TTL: 5}}, answers{
			"b.gallery.test. A":                     "NOERROR aa\n; authority\ngallery.test. 300 SOA ns1.gallery.test. hostmaster.gallery.test. 7 3600 900 1209600 300",
			"_acme-challenge.a.b.gallery.test. TXT": "NOERROR aa\n_acme-challenge.a.b.gallery.test. 5 TXT \"x\"",
			"c.a.b.gallery.test. A":                 "NXDOMAIN aa\n; authority\ngallery.test. 300 SOA ns1.gallery.test. hostmaster.gallery.test. 7 3600 900 1209600 300",
		}},
		{"values beside declared ones", []zone.Change{{Name: "gallery.test", TXT: []string{"x", "v=spf1 mx -all"}, TTL: 5}}, answers{
			"gallery.test. TXT": "NOERROR aa\ngallery.test. 5 TXT \"v=spf1 mx -all\"\ngallery.test. 5 TXT \"x\"",
			"gallery.test. A":   "NOERROR aa\ngallery.test. 60 A 203.0.113.1",
		}},
		{"a long value", []zone.Change{{Name: "long.gallery.test", TXT: []string{strings.Repeat("a", 300)}, TTL: 5}}, answers{
			"long.gallery.test. TXT": "NOERROR aa\nlong.gallery.test. 5 TXT \"" + strings.Repeat("a", 255) + "\" \"" + strings.Repeat("a", 45) + "\"",
		}},
		{"no addresses", []zone.Change{{Name: "gallery.test", Addresses: addresses(), TTL: 5}}, answers{
			"gallery.test. A":     "NOERROR aa\n; authority\ngallery.test. 300 SOA ns1.gallery.test. hostmaster.gallery.test. 7 3600 900 1209600 300",
			"gallery.test. HTTPS": "NOERROR aa\n; authority\ngallery.test. 300 SOA ns1.gallery.test. hostmaster.gallery.test. 7 3600 900 1209600 300",
			"gallery.test. MX":    "NOERROR aa\ngallery.test. 300 MX 10 mail.gallery.test.\n; additional\nmail.gallery.test. 300 A 203.0.113.25",
		}},
		{"other addresses", []zone.Change{{Name: "gallery.test", Addresses: addresses("203.0.113.99", "203.0.113.98", "203.0.113.99"), TTL: 5}}, answers{
			"gallery.test. A":    "NOERROR aa\ngallery.test. 5 A 203.0.113.98\ngallery.test. 5 A 203.0.113.99",
			"gallery.test. AAAA": "NOERROR aa\n; authority\ngallery.test. 300 SOA ns1.gallery.test. hostmaster.gallery.test. 7 3600 900 1209600 300",
		}},
		{"what a wildcard gives", []zone.Change{{Name: "*.preview.gallery.test", Addresses: addresses("2001:db8::9"), TTL: 5}}, answers{
			"x.preview.gallery.test. AAAA": "NOERROR aa\nx.preview.gallery.test. 5 AAAA 2001:db8::9",
		}},
		{"addresses in additional data", []zone.Change{{Name: "ns1.gallery.test", Addresses: addresses("203.0.113.77"), TTL: 5}}, answers{
			"gallery.test. NS": "NOERROR aa\ngallery.test. 300 NS ns1.gallery.test.\n; additional\nns1.gallery.test. 5 A 203.0.113.77",
		}},
		{"declared addresses stay", []zone.Change{{Name: "fixed.gallery.test", Addresses: addresses(), TTL: 5}}, answers{
			"fixed.gallery.test. A": "NOERROR aa\nfixed.gallery.test. 3600 A 203.0.113.9",
		}},
		{"a new wildcard", []zone.Change{{Name: "*.new.gallery.test", Addresses: addresses("203.0.113.50"), TTL: 5}, {Name: "x.y.new.gallery.test", TXT: []string{"x"}, TTL: 5}}, answers{
			"z.new.gallery.test. A": "NOERROR aa\nz.new.gallery.test. 5 A 203.0.113.50",
			"y.new.gallery.test. A": "NOERROR aa\n; authority\ngallery.test. 300 SOA ns1.gallery.test. hostmaster.gallery.test. 7 3600 900 1209600 300",
		}},
		{"nothing at an alias, below a delegation, outside", []zone.Change{
			{Name: "old.gallery.test", TXT: []string{"x"}},
			{Name: "x.sub.gallery.test", TXT: []string{"x"}},
			{Name: "example.net", TXT: []string{"x"}},
			{Name: "a..b", TXT: []string{"x"}},
		}, answers{"old.gallery.test. TXT": "NOERROR aa\nold.gallery.test. 3600 CNAME www.gallery.test.\n; authority\ngallery.test. 300 SOA ns1.gallery.test. hostmaster.gallery.test. 7 3600 900 1209600 300"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			changed := z.With(c.changes...)
			one := z
			for _, change := range c.changes {
				one = one.With(change)
			}
			if changed.Digest() != one.Digest() {
				t.Error("several changes at once have another digest than one after the other")
			}
			if same := changed.Digest() == z.Digest(); same != strings.HasPrefix(c.name, "nothing") && same != strings.HasPrefix(c.name, "declared") {
				t.Errorf("the digest stays the same: %v", same)
			}
			s := set(t, changed)
			for question, want := range c.want {
				name, typ, _ := strings.Cut(question, " ")
				m, _, _ := ask(t, s, name, dns.StringToType[typ], 1232)
				if diff := cmp.Diff(want, whole(m)); diff != "" {
					t.Errorf("%s (- wanted, + got)\n%s", question, diff)
				}
			}
			var back []zone.Change
			for _, change := range c.changes {
				back = append(back, zone.Change{Name: change.Name})
			}
			restored := changed.With(back...)
			if restored.Digest() != z.Digest() || print(t, restored) != print(t, z) {
				t.Errorf("taken back, the zone is\n%s", print(t, restored))
			}
		})
	}
}

func TestWithSerial_ChangesNothingElse(t *testing.T) {
	t.Parallel()
	z := served(t)
	other := z.WithSerial(4_000_000_000)
	if other.Serial() != 4_000_000_000 || z.Serial() != 7 || other.Digest() != z.Digest() {
		t.Errorf("%d, %d", other.Serial(), z.Serial())
	}
	for what, s := range map[string]*zone.Set{"answer": set(t, other), "changed": set(t, other.With(zone.Change{Name: "x.gallery.test", TXT: []string{"x"}}))} {
		m, _, _ := ask(t, s, "gallery.test.", dns.TypeSOA, 1232)
		none, _, _ := ask(t, s, "none.gallery.test.", dns.TypeA, 1232)
		if m.Answer[0].(*dns.SOA).Serial != 4_000_000_000 || none.Ns[0].(*dns.SOA).Serial != 4_000_000_000 {
			t.Errorf("%s: %s\n%s", what, m, none)
		}
	}
}

func TestBuild_SerialOfAWrittenSOAIsTheLeast(t *testing.T) {
	t.Parallel()
	const line = "@ SOA ns1.example. mail.example. 4294967290 1 1 1 1"
	for serial, want := range map[uint32]uint32{0: 4294967290, 4294967295: 4294967295, 5: 5, 4294967000: 4294967290} {
		z := build(t, zone.Options{Declared: declare("example.test", line, "@ NS ns.example."), Serial: serial})
		if written, ok := z.Written(); z.Serial() != want || !ok || written != 4294967290 {
			t.Errorf("with %d: %d, written %d %v", serial, z.Serial(), written, ok)
		}
	}
	if _, ok := served(t).Written(); ok {
		t.Error("a serial was written where no SOA was")
	}
}

func TestDigest_IsOfTheRecords(t *testing.T) {
	t.Parallel()
	digest := func(lines ...string) [32]byte {
		return build(t, zone.Options{Declared: declare("example.test", append(lines, "@ NS ns.example.")...), Serial: uint32(len(lines))}).Digest()
	}
	base := digest("a A 192.0.2.1", "a A 192.0.2.2", "b MX 1 a")
	if base != digest("b MX 1 a", "A A 192.0.2.2", "a A 192.0.2.1", "a A 192.0.2.1") {
		t.Error("the order, the case or a record that stands twice changes the digest")
	}
	for _, other := range [][]string{{"a A 192.0.2.1", "b MX 1 a"}, {"a A 192.0.2.1", "a A 192.0.2.3", "b MX 1 a"}, {"a 5 A 192.0.2.1", "a 5 A 192.0.2.2", "b MX 1 a"}, {"a A 192.0.2.1", "a A 192.0.2.2", "c MX 1 a"}} {
		if base == digest(other...) {
			t.Errorf("%q has the same digest", other)
		}
	}
}
