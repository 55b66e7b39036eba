package dns_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
)

// TestServer_Cases are the cases D1 to D57 of the study of name servers, asked over real sockets: UDP, and TCP where the
// answer must be the same there. What the zones say in each of them is tested record by record in dns/zone.
func TestServer_Cases(t *testing.T) {
	t.Parallel()
	h := run(t, "127.0.0.1", dns.Options{Config: config.DNS{Identity: "ams-1"}})
	class := func(c uint16) func(*miekg.Msg) { return func(m *miekg.Msg) { m.Question[0].Qclass = c } }
	opcode := func(o int) func(*miekg.Msg) { return func(m *miekg.Msg) { m.Opcode = o } }
	cookie := func(n int) miekg.EDNS0 {
		return &miekg.EDNS0_COOKIE{Code: miekg.EDNS0COOKIE, Cookie: strings.Repeat("0a", n)}
	}
	none, ours := " opt 1232", " opt 1232 ede 20: not a zone of this server"
	for _, c := range []struct {
		id, name, typ string
		change        func(*miekg.Msg)
		want          string // over UDP
		tcp           string // over TCP, where it is another answer
	}{
		{"D1", "www", "A", nil, "NOERROR aa 2/0/0", ""},
		{"D1 EDNS", "www", "A", edns(1232), "NOERROR aa 2/0/0" + none, ""},
		{"D2 SOA", "@", "SOA", nil, "NOERROR aa 1/0/0", ""},
		{"D2 NS", "@", "NS", nil, "NOERROR aa 2/0/3", ""},
		{"D2 MX", "@", "MX", nil, "NOERROR aa 2/0/2", ""},
		{"D2 TXT", "@", "TXT", nil, "NOERROR aa 1/0/0", ""},
		{"D2 CAA", "@", "CAA", nil, "NOERROR aa 1/0/0", ""},
		{"D2 AAAA", "@", "AAAA", nil, "NOERROR aa 1/0/0", ""},
		{"D3", "www", "MX", nil, "NOERROR aa 0/1/0", ""},
		{"D3 says why", "www", "MX", edns(1232), "NOERROR aa 0/1/0 opt 1232 ede 0: the name has no such records", ""},
		{"D4", "nope", "A", nil, "NXDOMAIN aa 0/1/0", ""},
		{"D4 says nothing of what is near", "nope", "A", edns(1232), "NXDOMAIN aa 0/1/0" + none, ""},
		{"D5", "b.ent", "A", edns(1232), "NOERROR aa 0/1/0 opt 1232 ede 0: only names below this one exist", ""},
		{"D6", "example.com.", "A", nil, "REFUSED 0/0/0", ""},
		{"D6 says why", "example.com.", "A", edns(1232), "REFUSED 0/0/0" + ours, ""},
		{"D6 root", ".", "NS", nil, "REFUSED 0/0/0", ""},
		{"D8 RD", "www", "A", func(m *miekg.Msg) { m.RecursionDesired = true }, "NOERROR aa rd 2/0/0", ""},
		{"D8 CD, AD, Z", "www", "A", func(m *miekg.Msg) { m.CheckingDisabled, m.AuthenticatedData, m.Zero = true, true, true }, "NOERROR aa cd 2/0/0", ""},
		{"D8 RA, AA and TC of a query", "www", "A", func(m *miekg.Msg) { m.RecursionAvailable, m.Authoritative, m.Truncated = true, true, true }, "NOERROR aa 2/0/0", ""},
		{"D9 TYPE65280", "www", "TYPE65280", nil, "NOERROR aa 1/0/0", ""},
		{"D9 HTTPS", "www", "HTTPS", nil, "NOERROR aa 1/0/3", ""},
		{"D11", "x.y.wild", "A", nil, "NOERROR aa 1/0/0", ""},
		{"D12", "x.wild", "MX", edns(1232), "NOERROR aa 0/1/0 opt 1232 ede 0: the wildcard has no such records", ""},
		{"D13", "exact.wild", "A", nil, "NOERROR aa 0/1/0", ""},
		{"D14", "x.exact.wild", "A", nil, "NXDOMAIN aa 0/1/0", ""},
		{"D15", "x.ent.wild", "A", nil, "NXDOMAIN aa 0/1/0", ""},
		{"D16", "ent.wild", "A", nil, "NOERROR aa 0/1/0", ""},
		{"D17", "z.cwild", "A", nil, "NOERROR aa 3/0/0", ""},
		{"D18", "something.e", "A", nil, "NOERROR aa 0/1/0", ""},
		{"D19", "chain1", "A", nil, "NOERROR aa 5/0/0", ""},
		{"D20", "alias", "CNAME", nil, "NOERROR aa 1/0/0", ""},
		{"D21", "alias", "MX", nil, "NOERROR aa 1/1/0", ""},
		{"D22", "dangling", "A", edns(1232), "NXDOMAIN aa 1/1/0 opt 1232 ede 0: the CNAME leads to a name that does not exist", ""},
		{"D23", "ext", "A", nil, "NOERROR aa 1/0/0", ""},
		{"D24", "loop1", "A", edns(1232), "NOERROR aa 2/0/0 opt 1232 ede 0: the CNAMEs lead in a circle", ""},
		{"D25", "todeleg", "A", nil, "NOERROR aa 1/2/4", ""},
		{"D26", "a.dn", "A", nil, "NOERROR aa 3/0/0", ""},
		{"D27", strings.Repeat("a", 61) + ".dnlong", "A", edns(1232), "YXDOMAIN aa 1/0/0 opt 1232 ede 0: the DNAME leads to a name over 255 bytes", ""},
		{"D29", "host.sub", "A", nil, "NOERROR 0/2/4", ""},
		{"D30", "sub", "DS", nil, "NOERROR aa 0/1/0", ""},
		{"D31 glue is not optional", "x.manyglue", "A", nil, "NOERROR tc 0/0/0", "NOERROR 0/9/18"},
		{"D32, D39: no OPT of ours where there was none", "big", "TXT", nil, "NOERROR aa tc 0/0/0", "NOERROR aa 60/0/0"},
		{"D33 1232", "big", "TXT", edns(1232), "NOERROR aa tc 0/0/0" + none, "NOERROR aa 60/0/0" + none},
		{"D33 4096", "big", "TXT", edns(4096), "NOERROR aa tc 0/0/0" + none, "NOERROR aa 60/0/0" + none},
		{"D33 fits 1232", "x.manyglue", "A", edns(1232), "NOERROR 0/9/18" + none, ""},
		{"D34 size 0", "x.manyglue", "A", edns(0), "NOERROR tc 0/0/0" + none, "NOERROR 0/9/18" + none},
		{"D35", "www", "A", func(m *miekg.Msg) { edns(1232)(m); m.IsEdns0().SetVersion(1) }, "BADVERS 0/0/0 opt 1232 ede 0: EDNS version 0 only", ""},
		{"D36 an unknown option", "www", "A", edns(1232, &miekg.EDNS0_LOCAL{Code: 65001, Data: []byte{1, 2}}), "NOERROR aa 2/0/0" + none, ""},
		{"D36 DO and unknown flags", "www", "A", func(m *miekg.Msg) { edns(1232)(m); m.IsEdns0().Hdr.Ttl |= 0xffff }, "NOERROR aa 2/0/0 opt 1232 do", ""},
		{"D37", "www", "A", func(m *miekg.Msg) { edns(1232)(m); m.Extra = append(m.Extra, m.Extra[0]) }, "FORMERR 0/0/0 opt 1232 ede 0: two OPT records", ""},
		{"D38", "www", "A", func(m *miekg.Msg) { edns(1232)(m); m.IsEdns0().Hdr.Name = "www.example.test." }, "FORMERR 0/0/0", ""},
		{"D40", "www", "A", edns(1232, cookie(8)), "NOERROR aa 2/0/0 opt 1232 cookie 24", ""},
		{"D40 a wrong one of ours", "www", "A", edns(1232, cookie(24)), "NOERROR aa 2/0/0 opt 1232 cookie 24", ""},
		{"D41 7", "www", "A", edns(1232, cookie(7)), "FORMERR 0/0/0 opt 1232 ede 0: a cookie of a wrong length", ""},
		{"D41 9", "www", "A", edns(1232, cookie(9)), "FORMERR 0/0/0 opt 1232 ede 0: a cookie of a wrong length", ""},
		{"D41 41", "www", "A", edns(1232, cookie(41)), "FORMERR 0/0/0 opt 1232 ede 0: a cookie of a wrong length", ""},
		{"D42", "", "", func(m *miekg.Msg) { m.Question = nil; edns(1232, cookie(8))(m) }, "NOERROR 0/0/0 opt 1232 cookie 24", ""},
		{"D42 a wrong one of ours", "", "", func(m *miekg.Msg) { m.Question = nil; edns(1232, cookie(24))(m) }, "BADCOOKIE 0/0/0 opt 1232 cookie 24", ""},
		{"D43", "www", "A", edns(1232, &miekg.EDNS0_NSID{Code: miekg.EDNS0NSID}), "NOERROR aa 2/0/0 opt 1232 nsid " + hex.EncodeToString([]byte("ams-1")), ""},
		{"D44", "@", "ANY", nil, "NOERROR aa 1/0/0", ""},
		{"D45 AXFR", "@", "AXFR", edns(1232), "FORMERR 0/0/0 opt 1232 ede 18: AXFR needs TCP", "REFUSED 0/0/0 opt 1232 ede 18: the zone is not for copying"},
		{"D45 IXFR", "@", "IXFR", nil, "REFUSED 0/0/0", ""},
		{"D45 AXFR of another's zone", "example.com.", "AXFR", edns(1232), "NOTAUTH 0/0/0" + ours, ""},
		{"D46 OPT", "www", "OPT", edns(1232), "FORMERR 0/0/0 opt 1232 ede 30: no record has this type", ""},
		{"D46 0", "www", "TYPE0", nil, "FORMERR 0/0/0", ""},
		{"D46 MAILA", "www", "MAILA", nil, "NOTIMP 0/0/0", ""},
		{"D46 TYPE128", "www", "NXNAME", nil, "FORMERR 0/0/0", ""},
		{"D46 TSIG", "www", "TSIG", nil, "FORMERR 0/0/0", ""},
		{"D47", "version.bind.", "TXT", func(m *miekg.Msg) { edns(1232)(m); class(miekg.ClassCHAOS)(m) }, "REFUSED 0/0/0 opt 1232 ede 21: only class IN is served", ""},
		{"D48 HS", "www", "A", class(miekg.ClassHESIOD), "REFUSED 0/0/0", ""},
		{"D48 NONE", "www", "A", class(miekg.ClassNONE), "REFUSED 0/0/0", ""},
		{"D48 ANY", "www", "A", class(miekg.ClassANY), "REFUSED 0/0/0", ""},
		{"D49 RRSIG", "www", "RRSIG", nil, "NOERROR aa 0/1/0", ""},
		{"D49 NSEC", "www", "NSEC", nil, "NOERROR aa 0/1/0", ""},
		{"D51", "@", "SOA", func(m *miekg.Msg) { edns(1232)(m); opcode(miekg.OpcodeNotify)(m) }, "REFUSED 0/0/0 opt 1232 ede 18: this server is the primary itself", ""},
		{"D51 another's zone", "example.com.", "SOA", opcode(miekg.OpcodeNotify), "NOTAUTH 0/0/0", ""},
		{"D52", "@", "SOA", opcode(miekg.OpcodeUpdate), "REFUSED 0/0/0", ""},
		{"D52 another's zone", "example.com.", "SOA", opcode(miekg.OpcodeUpdate), "NOTAUTH 0/0/0", ""},
		{"D62 a key that nobody has", "@", "SOA", func(m *miekg.Msg) { edns(1232)(m); m.SetTsig("none.", miekg.HmacSHA256, 300, 1) }, "REFUSED 0/0/0 opt 1232 ede 18: signed messages are not taken", ""},
	} {
		change := c.change
		if change == nil {
			change = func(*miekg.Msg) {}
		}
		name, typ := c.name, c.typ
		if typ == "" {
			name, typ = "www", "A"
		}
		asked := packet(t, name, typ, change)
		if c.id == "D36 DO and unknown flags" && binary.BigEndian.Uint32(asked[len(asked)-6:]) != 0xffff {
			t.Fatalf("%x", asked)
		}
		for network, want := range map[string]string{"udp": c.want, "tcp": c.tcp} {
			if want == "" {
				want = c.want
			}
			b := exchange(t, network, h.udp, asked)
			m := unpack(t, b)
			if got := brief(m); got != want {
				t.Errorf("%s over %s: %s\n\twant %s", c.id, network, got, want)
			}
			if !bytes.Equal(b[:2], asked[:2]) || b[2]>>3&15 != asked[2]>>3&15 || b[2]&0x80 == 0 {
				t.Errorf("%s: header %x for %x", c.id, b[:4], asked[:4])
			}
			if end := 12 + len(strings.TrimSuffix(absolute(name), ".")) + 2 + 4; len(m.Question) > 0 && name != "." && !bytes.Equal(b[12:end], asked[12:end]) {
				t.Errorf("%s: another question: %v", c.id, m.Question)
			}
			if network == "udp" && (m.IsEdns0() == nil && len(b) > 512 || len(b) > 1232) {
				t.Errorf("%s: %d bytes over UDP", c.id, len(b))
			}
			if c.id == "D1" && len(b) > 70 {
				t.Errorf("D10: %d bytes", len(b))
			}
		}
	}
	if s := h.Stats(); s.Panics != 0 || s.Unsent != 0 || s.UDP == 0 || s.TCP == 0 || s.Rcodes["NXDOMAIN"] == 0 || s.Rcodes["BADVERS"] != 2 {
		t.Errorf("%+v", s)
	}
}

// D7: the question comes back byte for byte, and the answers belong to it as it was written.
func TestServer_KeepsTheLettersOfTheQuestion(t *testing.T) {
	t.Parallel()
	h := run(t, "127.0.0.1", dns.Options{})
	for _, name := range []string{"wWw.ExAmPlE.tEsT.", "X.wIlD.example.TEST.", "WWW.EXAMPLE.TEST."} {
		m := unpack(t, exchange(t, "udp", h.udp, packet(t, name, "A")))
		if m.Question[0].Name != name || len(m.Answer) == 0 || m.Answer[0].Header().Name != name {
			t.Errorf("%s: %v", name, m)
		}
	}
}

// D50: header alone, and with a question.
func TestServer_KnowsThreeOpcodes(t *testing.T) {
	t.Parallel()
	h := run(t, "127.0.0.1", dns.Options{})
	for o := range 16 {
		if o == miekg.OpcodeQuery || o == miekg.OpcodeNotify || o == miekg.OpcodeUpdate {
			continue
		}
		whole := packet(t, "www", "A", func(m *miekg.Msg) { m.Opcode = o })
		alone := append(bytes.Clone(whole[:4]), 0, 0, 0, 0, 0, 0, 0, 0)
		for _, b := range [][]byte{whole, alone} {
			if m := unpack(t, exchange(t, "udp", h.udp, b)); m.Rcode != miekg.RcodeNotImplemented || m.Opcode != o || m.Id != 0x1234 {
				t.Errorf("opcode %d: %v", o, m)
			}
		}
	}
}

// A cookie of ours that comes back is the same, and proves that its client is who it says.
func TestServer_KnowsItsCookies(t *testing.T) {
	t.Parallel()
	h := run(t, "127.0.0.1", dns.Options{})
	first := unpack(t, exchange(t, "udp", h.udp, packet(t, "www", "A", edns(1232, &miekg.EDNS0_COOKIE{Code: miekg.EDNS0COOKIE, Cookie: "0102030405060708"}))))
	made := first.IsEdns0().Option[0].(*miekg.EDNS0_COOKIE).Cookie
	if !strings.HasPrefix(made, "010203040506070801000000") {
		t.Errorf("cookie %s", made)
	}
	again := unpack(t, exchange(t, "udp", h.udp, packet(t, "www", "A", func(m *miekg.Msg) {
		m.Question = nil
		edns(1232, &miekg.EDNS0_COOKIE{Code: miekg.EDNS0COOKIE, Cookie: made})(m)
	})))
	if again.Rcode != miekg.RcodeSuccess || again.IsEdns0().Option[0].(*miekg.EDNS0_COOKIE).Cookie != made {
		t.Errorf("%v", again)
	}
}
