package dns_test

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
)

// dig and kdig must understand what we say, and say nothing against it.
func TestServer_IsUnderstoodByOthers(t *testing.T) {
	t.Parallel()
	h := run(t, "127.0.0.1", dns.Options{Config: config.DNS{Identity: "ams-1"}})
	_, port, err := net.SplitHostPort(h.udp)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		command string
		want    []string
	}{
		{"dig +short www.example.test A", []string{"192.0.2.80", "192.0.2.81"}},
		{"dig +nsid www.example.test A", []string{"status: NOERROR", "flags: qr aa rd;", "ANSWER: 2", "COOKIE: ", "(good)", `("ams-1")`}},
		{"dig www.example.test MX", []string{"status: NOERROR", "ANSWER: 0, AUTHORITY: 1", "EDE: 0 (Other)", "(the name has no such records)", "\t300\tIN\tSOA"}},
		{"dig example.com A", []string{"status: REFUSED", "EDE: 20 (Not Authoritative)", "(not a zone of this server)"}},
		{"dig big.example.test TXT", []string{";; Truncated, retrying in TCP mode.", "ANSWER: 60"}},
		{"dig +noedns +ignore big.example.test TXT", []string{"flags: qr aa tc rd;", "ANSWER: 0"}},
		{"dig +tcp +keepopen www.example.test A www.example.test AAAA", []string{"192.0.2.81", "2001:db8::80"}},
		{"dig +ednsopt=65001:0102 +ednsflags=0x7fff www.example.test A", []string{"status: NOERROR", "EDNS: version: 0, flags:;"}},
		{"dig +edns=1 +noednsnegotiation www.example.test A", []string{"status: BADVERS"}},
		{"dig +opcode=status www.example.test A", []string{"opcode: STATUS, status: NOTIMP"}},
		{"dig -c CH -t TXT version.bind", []string{"status: REFUSED", "EDE: 21 (Not Supported)"}},
		{"dig +header-only +noedns", []string{"status: FORMERR"}},
		{"dig www.example.test HTTPS", []string{`1 . alpn="h3,h2" ipv4hint=192.0.2.80`}},
		{"dig _sip._tcp.example.test SRV", []string{"0 5 5060 www.example.test.", "ADDITIONAL: 4"}},
		{"kdig www.example.test A", []string{"status: NOERROR", "192.0.2.80"}},
		{"kdig +cookie +nsid +edns www.example.test TYPE65280", []string{"COOKIE: ", `"ams-1"`, `\# 4 DEADBEEF`}},
		{"kdig +tcp big.example.test TXT", []string{"ANSWER: 60"}},
		{"kdig x.sub.example.test A", []string{"ANSWER: 0; AUTHORITY: 2; ADDITIONAL: 4", "ns.sub.example.test."}},
		{"kdig a.dn.example.test A", []string{"DNAME", "CNAME", "192.0.2.55"}},
	} {
		words := strings.Fields(c.command)
		if _, err := exec.LookPath(words[0]); err != nil {
			t.Fatalf("%v: the tests of the name server need the programs that `make debian` lists", err)
		}
		args := append([]string{"@127.0.0.1", "-p", port}, words[1:]...)
		out, err := exec.Command(words[0], args...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", c.command, err, out)
		}
		for _, want := range c.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: %q is missing in\n%s", c.command, want, out)
			}
		}
		for _, bad := range []string{"WARNING", "Warning", ";; Got bad packet", "malformed"} {
			if strings.Contains(string(out), bad) && !strings.Contains(string(out), "recursion requested but not available") {
				t.Errorf("%s: it says\n%s", c.command, out)
			}
		}
	}
}
