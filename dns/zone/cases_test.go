package zone_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

// soa is the negative answer's SOA: its TTL is the lower of its own and MINIMUM (RFC 2308 section 3).
const soa = "\n; authority\nexample.test. 300 SOA ns1.example.test. hostmaster.example.test. 2026112201 7200 900 1209600 300"

// subReferral is what is said of names below sub.example.test.
const subReferral = `
; authority
sub.example.test. 3600 NS ns.sub.example.test.
sub.example.test. 3600 NS ns1.example.test.
; additional
ns.sub.example.test. 3600 A 192.0.2.53
ns.sub.example.test. 3600 AAAA 2001:db8::53
ns1.example.test. 3600 A 192.0.2.1
ns1.example.test. 3600 AAAA 2001:db8::1`

const wwwA = "\nwww.example.test. 300 A 192.0.2.80\nwww.example.test. 300 A 192.0.2.81"

// TestAnswer_Cases are D1 to D31 of the study of name servers, as far as zones decide them.
func TestAnswer_Cases(t *testing.T) {
	t.Parallel()
	s := set(t, example(t))
	for _, c := range []struct {
		id, name, typ string
		found         message.Found
		want          string
	}{
		{"D1", "www", "A", message.Data, "NOERROR aa" + wwwA},
		{"D2 SOA", "@", "SOA", message.Data, "NOERROR aa\nexample.test. 3600 SOA ns1.example.test. hostmaster.example.test. 2026112201 7200 900 1209600 300"},
		{"D2 NS", "@", "NS", message.Data, "NOERROR aa\nexample.test. 3600 NS ns1.example.test.\nexample.test. 3600 NS ns2.example.test.\n; additional\n" +
			"ns1.example.test. 3600 A 192.0.2.1\nns1.example.test. 3600 AAAA 2001:db8::1\nns2.example.test. 3600 A 192.0.2.2"},
		{"D2 MX", "@", "MX", message.Data, "NOERROR aa\nexample.test. 3600 MX 10 mail.example.test.\nexample.test. 3600 MX 20 mail2.example.net.\n; additional\n" +
			"mail.example.test. 3600 A 192.0.2.25\nmail.example.test. 3600 AAAA 2001:db8::25"},
		{"D2 TXT", "@", "TXT", message.Data, "NOERROR aa\nexample.test. 3600 TXT \"v=spf1 mx -all\""},
		{"D2 CAA", "@", "CAA", message.Data, "NOERROR aa\nexample.test. 3600 CAA 0 issue \"letsencrypt.org\""},
		{"D2 A", "@", "A", message.Data, "NOERROR aa\nexample.test. 3600 A 192.0.2.10"},
		{"D2 AAAA", "@", "AAAA", message.Data, "NOERROR aa\nexample.test. 3600 AAAA 2001:db8::10"},
		{"D3", "www", "MX", message.NoData, "NOERROR aa" + soa},
		{"D4", "nope", "A", message.NoName, "NXDOMAIN aa" + soa},
		{"D5 ent", "ent", "A", message.Empty, "NOERROR aa" + soa},
		{"D5 b.ent", "b.ent", "A", message.Empty, "NOERROR aa" + soa},
		{"D6", "example.com.", "A", message.Refused, "REFUSED"},
		{"D6 root", ".", "NS", message.Refused, "REFUSED"},
		{"D6 above", "test.", "NS", message.Refused, "REFUSED"},
		{"D9 unknown type", "www", "TYPE65280", message.Data, `NOERROR aa` + "\n" + `www.example.test. 3600 CLASS1 TYPE65280 \# 4 deadbeef`},
		{"D9 HTTPS", "www", "HTTPS", message.Data, "NOERROR aa\nwww.example.test. 3600 HTTPS 1 . alpn=\"h3,h2\" ipv4hint=\"192.0.2.80\"\n; additional" + wwwA + "\nwww.example.test. 3600 AAAA 2001:db8::80"},
		{"D9 SVCB", "svc", "SVCB", message.Data, "NOERROR aa\nsvc.example.test. 3600 SVCB 1 www.example.test. alpn=\"h2\" port=\"8443\"\n; additional" + wwwA + "\nwww.example.test. 3600 AAAA 2001:db8::80"},
		{"D9 SRV", "_sip._tcp", "SRV", message.Data, "NOERROR aa\n_sip._tcp.example.test. 3600 SRV 0 5 5060 www.example.test.\n; additional" + wwwA + "\nwww.example.test. 3600 AAAA 2001:db8::80"},
		{"D11", "x.wild", "A", message.Data, "NOERROR aa\nx.wild.example.test. 3600 A 192.0.2.99"},
		{"D11 deeper", "x.y.wild", "A", message.Data, "NOERROR aa\nx.y.wild.example.test. 3600 A 192.0.2.99"},
		{"D12", "x.wild", "MX", message.NoData, "NOERROR aa" + soa},
		{"D13", "exact.wild", "A", message.NoData, "NOERROR aa" + soa},
		{"D14", "x.exact.wild", "A", message.NoName, "NXDOMAIN aa" + soa},
		{"D15", "x.ent.wild", "A", message.NoName, "NXDOMAIN aa" + soa},
		{"D16", "ent.wild", "A", message.Empty, "NOERROR aa" + soa},
		{"D17 literally", "*.wild", "A", message.Data, "NOERROR aa\n*.wild.example.test. 3600 A 192.0.2.99"},
		{"D17 alias", "z.cwild", "A", message.Chain, "NOERROR aa\nz.cwild.example.test. 3600 CNAME www.example.test." + wwwA},
		{"D18", "something.e", "A", message.Empty, "NOERROR aa" + soa},
		{"D18 below", "f.something.e", "A", message.Empty, "NOERROR aa" + soa},
		{"D19", "alias", "A", message.Chain, "NOERROR aa\nalias.example.test. 3600 CNAME www.example.test." + wwwA},
		{"D19 chain", "chain1", "A", message.Chain, "NOERROR aa\nchain1.example.test. 3600 CNAME chain2.example.test.\nchain2.example.test. 3600 CNAME chain3.example.test.\nchain3.example.test. 3600 CNAME www.example.test." + wwwA},
		{"D19 to a wildcard", "towild", "A", message.Chain, "NOERROR aa\ntowild.example.test. 3600 CNAME x.wild.example.test.\nx.wild.example.test. 3600 A 192.0.2.99"},
		{"D20", "alias", "CNAME", message.Data, "NOERROR aa\nalias.example.test. 3600 CNAME www.example.test."},
		{"D21", "alias", "MX", message.Chain, "NOERROR aa\nalias.example.test. 3600 CNAME www.example.test." + soa},
		{"D22", "dangling", "A", message.Chain, "NXDOMAIN aa\ndangling.example.test. 3600 CNAME nothere.example.test." + soa},
		{"D23", "ext", "A", message.ChainOut, "NOERROR aa\next.example.test. 3600 CNAME www.example.net."},
		{"D24", "loop1", "A", message.ChainLoop, "NOERROR aa\nloop1.example.test. 3600 CNAME loop2.example.test.\nloop2.example.test. 3600 CNAME loop1.example.test."},
		{"D25", "todeleg", "A", message.Chain, "NOERROR aa\ntodeleg.example.test. 3600 CNAME host.sub.example.test." + subReferral},
		{"D26", "a.dn", "A", message.Chain, "NOERROR aa\ndn.example.test. 3600 DNAME www.target.example.test.\na.dn.example.test. 3600 CNAME a.www.target.example.test.\na.www.target.example.test. 3600 A 192.0.2.55"},
		{"D26 itself", "dn", "A", message.NoData, "NOERROR aa" + soa},
		{"D26 DNAME", "dn", "DNAME", message.Data, "NOERROR aa\ndn.example.test. 3600 DNAME www.target.example.test."},
		{"D26 CNAME", "a.dn", "CNAME", message.Data, "NOERROR aa\ndn.example.test. 3600 DNAME www.target.example.test.\na.dn.example.test. 3600 CNAME a.www.target.example.test."},
		{"D26 out", "x.y.dnout", "A", message.ChainOut, "NOERROR aa\ndnout.example.test. 3600 DNAME example.net.\nx.y.dnout.example.test. 3600 CNAME x.y.example.net."},
		{"D27", strings.Repeat("a", 61) + ".dnlong", "A", message.TooLong, "YXDOMAIN aa\ndnlong.example.test. 3600 DNAME " +
			strings.Repeat("a", 59) + "." + strings.Repeat("b", 59) + "." + strings.Repeat("c", 59) + ".example.test."},
		{"D29 below", "host.sub", "A", message.Delegation, "NOERROR" + subReferral},
		{"D29 itself", "sub", "A", message.Delegation, "NOERROR" + subReferral},
		{"D29 NS", "sub", "NS", message.Delegation, "NOERROR" + subReferral},
		{"D29 glue", "ns.sub", "A", message.Delegation, "NOERROR" + subReferral},
		{"D29 occluded", "occluded.sub", "A", message.Delegation, "NOERROR" + subReferral},
		{"D30", "sub", "DS", message.NoData, "NOERROR aa" + soa},
		{"D30 signed", "signed", "DS", message.Data, "NOERROR aa\nsigned.example.test. 3600 DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"},
		{"D30 below", "x.sub", "DS", message.Delegation, "NOERROR" + subReferral},
		{"D44", "www", "ANY", message.Minimal, "NOERROR aa" + wwwA},
		{"D44 alias", "alias", "ANY", message.Minimal, "NOERROR aa\nalias.example.test. 3600 CNAME www.example.test."},
		{"D49", "www", "RRSIG", message.NoData, "NOERROR aa" + soa},
	} {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			name := c.name
			switch {
			case name == "@":
				name = "example.test."
			case !strings.HasSuffix(name, "."):
				name += ".example.test."
			}
			typ := uint16(65280)
			if c.typ != "TYPE65280" {
				typ = dns.StringToType[c.typ]
			}
			m, r, _ := ask(t, s, name, typ, 1232)
			if diff := cmp.Diff(c.want, whole(m)); diff != "" {
				t.Errorf("%s %s (- wanted, + got)\n%s", name, c.typ, diff)
			}
			if r.Found != c.found || r.Truncated {
				t.Errorf("%s %s: found %d, wanted %d", name, c.typ, r.Found, c.found)
			}
		})
	}
}

// whole writes an answer.
func whole(m *dns.Msg) string {
	out := dns.RcodeToString[m.Rcode]
	if m.Authoritative {
		out += " aa"
	}
	for _, section := range []struct {
		head string
		rrs  []dns.RR
	}{{"", m.Answer}, {"\n; authority", m.Ns}, {"\n; additional", m.Extra}} {
		if len(section.rrs) > 0 {
			out += section.head + "\n" + lines(section.rrs)
		}
	}
	return out
}

func TestAnswer_KeepsTheLettersOfTheQuestion(t *testing.T) { // D7
	t.Parallel()
	s := set(t, example(t))
	for _, name := range []string{"wWw.ExAmPlE.tEsT.", "X.wIlD.example.TEST.", "aLiAs.eXample.test."} {
		m, _, _ := ask(t, s, name, dns.TypeA, 1232)
		if m.Question[0].Name != name || len(m.Answer) == 0 || m.Answer[0].Header().Name != name {
			t.Errorf("%s: %s", name, m)
		}
	}
}

func TestAnswer_IsSmall(t *testing.T) { // D10
	t.Parallel()
	if _, _, n := ask(t, set(t, example(t)), "www.example.test.", dns.TypeA, 1232); n > 70 {
		t.Errorf("www A has %d bytes", n)
	}
}

func TestAnswer_FitsTheLimitOrIsTruncated(t *testing.T) {
	t.Parallel()
	s := set(t, example(t))
	for _, c := range []struct {
		id, name   string
		typ        uint16
		limit      int
		truncated  bool
		additional int
	}{
		{"D31 glue fits", "x.manyglue.example.test.", dns.TypeA, 1232, false, 18},
		{"D31 glue does not fit", "x.manyglue.example.test.", dns.TypeA, 512, true, 0},
		{"D32 big TXT", "big.example.test.", dns.TypeTXT, 512, true, 0},
		{"D33 big TXT", "big.example.test.", dns.TypeTXT, 1232, true, 0},
		{"D57 big TXT over TCP", "big.example.test.", dns.TypeTXT, 65535, false, 0},
		{"optional addresses are left out", "example.test.", dns.TypeMX, 99, false, 0},
		{"optional addresses as far as they fit", "example.test.", dns.TypeMX, 100, false, 1},
		{"optional glue is left out", "x.sub.example.test.", dns.TypeA, 122, false, 2},
		{"required glue is not", "x.sub.example.test.", dns.TypeA, 110, true, 0},
	} {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			m, r, n := ask(t, s, c.name, c.typ, c.limit)
			if m.Truncated != c.truncated || len(m.Extra) != c.additional || int(r.Additionals) != c.additional || n > c.limit {
				t.Errorf("%d bytes, TC %v: %s", n, m.Truncated, m)
			}
			if c.truncated && len(m.Answer)+len(m.Ns)+len(m.Extra) != 0 {
				t.Errorf("a truncated answer has records: %s", m)
			}
			if c.id == "D57 big TXT over TCP" && len(m.Answer) != 60 {
				t.Errorf("%d records", len(m.Answer))
			}
		})
	}
}

func TestAnswer_SaysHowItWasFound(t *testing.T) {
	t.Parallel()
	s := set(t, example(t))
	for name, want := range map[string]message.Result{
		"www.example.test.":      {ZoneLabels: 2, EncloserLabels: 3},
		"x.y.wild.example.test.": {ZoneLabels: 2, EncloserLabels: 3, Wildcard: true},
		"a.b.nope.example.test.": {ZoneLabels: 2, EncloserLabels: 2},
	} {
		_, r, _ := ask(t, s, name, dns.TypeA, 1232)
		if r.ZoneLabels != want.ZoneLabels || r.EncloserLabels != want.EncloserLabels || r.Wildcard != want.Wildcard {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
