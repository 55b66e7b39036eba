package zone_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

// TestAnswer_GivesEveryTypeAsStored holds that what is declared comes out of the wire as it went in (RFC 3597): letters of names
// in the data included, and compressed only where that is allowed.
func TestAnswer_GivesEveryTypeAsStored(t *testing.T) {
	t.Parallel()
	records := []string{
		`x 60 A 192.0.2.1`, `x 60 AAAA 2001:db8::1`, `x 60 MX 10 Mail.Example.net.`, `x 60 TXT "a" "b;c" "\"d\"" "\000\255"`, `x 60 SPF "v=spf1"`,
		`x 60 PTR Some\032Printer\.x._ipp._tcp`, `x 60 SRV 1 2 3 Host`, `x 60 NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .`,
		`x 60 CAA 128 issuewild "ca.example; policy=ev"`, `x 60 TLSA 3 1 1 ` + strings.Repeat("ab", 32), `x 60 SSHFP 4 2 ` + strings.Repeat("CD", 32),
		`x 60 HINFO "a" "b"`, `x 60 RP mbox.Example.net. txt`, `x 60 AFSDB 1 afs`, `x 60 LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m`,
		`x 60 URI 10 1 "https://example.net/a"`, `x 60 CERT 1 2 3 AAAA`, `x 60 DNSKEY 257 3 13 AAAA`, `x 60 CDS 1 13 2 ABCD`, `x 60 CDNSKEY 257 3 13 AAAA`,
		`x 60 OPENPGPKEY AAAA`, `x 60 SMIMEA 3 1 1 abcd`, `x 60 EUI48 00-00-5e-00-53-2a`, `x 60 CSYNC 66 3 A NS AAAA`, `x 60 ZONEMD 1 1 1 ` + strings.Repeat("ef", 48),
		`x 60 APL 1:192.0.2.0/24 !2:2001:db8::/32`, `x 60 KX 10 host`, `x 60 MINFO a b`, `x 60 MB host`, `x 60 MG host`, `x 60 MR host`, `x 60 RT 10 host`,
		`x 60 SVCB 1 host alpn=h2 port=8443 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1 key65000="x"`, `x 60 HTTPS 1 . mandatory=alpn alpn=h3,h2 no-default-alpn ech="AAAA"`,
		`x 60 TYPE65281 \# 0`, `x 60 TYPE65282 \# 3 abcdef`, `x 60 TYPE1234 \# 3 abcdef`, `x 60 NULL \# 2 ABCD`, `x 60 DHCID AAAA`, `x 60 HIP 2 200100107b1a74df365639cc39f1d578 AAAA rvs`,
		`x 60 AMTRELAY 10 0 3 host`, `x 60 IPSECKEY 10 3 2 gateway AAAA`, `x 60 L32 10 10.1.2.0`, `x 60 NID 10 0014:4fff:ff20:ee64`, `x 60 LP 10 host`, `x 60 X25 311061700956`,
	}
	s := set(t, build(t, zone.Options{Declared: declare("all.test", append(records, "@ NS ns.example.")...)}))
	for _, record := range records {
		want, _ := dns.NewZoneParser(strings.NewReader(record), "all.test.", "").Next()
		if want == nil {
			t.Errorf("%s can't be read", record)
			continue
		}
		m, _, _ := ask(t, s, "x.all.test.", want.Header().Rrtype, 1232)
		if diff := cmp.Diff(lines([]dns.RR{want}), lines(m.Answer)); diff != "" && !strings.HasPrefix(record, "x 60 NULL") {
			t.Errorf("%s (- wanted, + got)\n%s", record, diff)
		}
		if len(m.Answer) != 1 {
			t.Errorf("%s: %s", record, m)
		}
	}
}

func TestBuild_SplitsLongTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 600)
	s := set(t, build(t, zone.Options{Declared: declare("example.test", `dkim TXT "`+long+`"`, "@ NS ns.example.")}))
	m, _, _ := ask(t, s, "dkim.example.test.", dns.TypeTXT, 1232)
	if txt := m.Answer[0].(*dns.TXT).Txt; len(txt) != 3 || strings.Join(txt, "") != long {
		t.Errorf("%q", txt)
	}
}
