package dns_test

import (
	"encoding/hex"
	"strings"
	"testing"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/probe"
)

// Whatever comes in, the server must not crash, must not answer an answer, and what it says must be a message, with the id and
// the opcode of what was asked, in the size that the client takes.
func FuzzServe(f *testing.F) {
	signer, err := probe.New([]byte(strings.Repeat("k", 32)))
	if err != nil {
		f.Fatal(err)
	}
	s := alone(f, dns.Options{Recorder: recorder(), Probe: signer, Config: config.DNS{Identity: "ams-1"}})
	far := addrPort(f, "198.51.100.1:1000")
	for _, m := range malformed(f) {
		b, err := hex.DecodeString(strings.ReplaceAll(m.packet, " ", ""))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, false)
	}
	cookie := edns(1232, &miekg.EDNS0_COOKIE{Code: miekg.EDNS0COOKIE, Cookie: "0102030405060708"}, &miekg.EDNS0_NSID{Code: miekg.EDNS0NSID})
	f.Add(packet(f, "www", "A", cookie), true)
	f.Add(packet(f, strings.Repeat("0", probe.Len)+".diag", "A", cookie), false)
	f.Add(packet(f, "a.dn", "ANY"), false)
	f.Fuzz(func(t *testing.T, asked []byte, tcp bool) {
		d := s.Desk()
		b := d.Serve(asked, far, tcp)
		if n := s.Stats().Panics; n != 0 {
			t.Fatalf("%d crashes", n)
		}
		if len(asked) < 12 || asked[2]&0x80 != 0 {
			if b != nil {
				t.Fatalf("it is answered with %x", b)
			}
			return
		}
		m := unpack(t, b)
		if b[0] != asked[0] || b[1] != asked[1] || b[2]>>3 != asked[2]>>3|0x10 || m.RecursionAvailable || m.AuthenticatedData {
			t.Fatalf("the header is %x", b[:4])
		}
		if !tcp && (len(b) > 1232 || m.IsEdns0() == nil && len(b) > 512) {
			t.Fatalf("%d bytes", len(b))
		}
	})
}
