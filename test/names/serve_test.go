package names_test

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const shop = `
name: shop
dns:
  addresses: [127.0.0.1]
  zones:
    shop.test:
      records:
        - '@    300 MX 10 mail.shop.test.'
        - 'mail 300 A 203.0.113.25'
        - 'old CNAME shop.test.'
    eu.shop.test: {}
sites:
  shop.test:
    tls: local
    routes: [{ path: /, respond: { body: hello } }]
  '*.preview.shop.test':
    tls: local
    routes: [{ path: /, respond: { body: preview } }]
  plain.shop.test:
    tls: off
    routes: [{ path: /, respond: { body: plain } }]
`

func TestServe_DerivesRecordsFromTheDoors(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Declare(t, shop))
	_, port, err := net.SplitHostPort(s.HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	https := `1 . alpn="h3,h2" port="` + port + `" ipv4hint="127.0.0.1"`
	for _, network := range []string{"udp", "tcp"} {
		for _, test := range []struct {
			name string
			typ  uint16
			want []string
		}{
			{"shop.test", dns.TypeA, []string{"127.0.0.1"}},
			{"shop.test", dns.TypeHTTPS, []string{https}},
			{"_" + port + "._https.shop.test", dns.TypeHTTPS, []string{`1 shop.test. alpn="h3,h2"`}},
			{"shop.test", dns.TypeNS, []string{"ns1.shop.test."}},
			{"ns1.shop.test", dns.TypeA, []string{"127.0.0.1"}},
			{"shop.test", dns.TypeMX, []string{"10 mail.shop.test."}},
			{"any.preview.shop.test", dns.TypeHTTPS, []string{https}},
			{"plain.shop.test", dns.TypeA, []string{"127.0.0.1"}},
			{"plain.shop.test", dns.TypeHTTPS, []string{}},
			{"old.shop.test", dns.TypeA, []string{"127.0.0.1", "shop.test."}},
			{"eu.shop.test", dns.TypeNS, []string{"ns1.eu.shop.test."}},
			{"nothing.shop.test", dns.TypeA, []string{}},
		} {
			r := ask(t, s, network, test.name, test.typ)
			if diff := cmp.Diff(test.want, data(r)); diff != "" || !r.Authoritative {
				t.Errorf("%s %s over %s, authoritative %v: %s", test.name, dns.TypeToString[test.typ], network, r.Authoritative, diff)
			}
		}
	}
	if r := ask(t, s, "udp", "elsewhere.test", dns.TypeA); r.Rcode != dns.RcodeRefused {
		t.Errorf("a name that is not ours: %v", r)
	}
	host, dnsPort, _ := net.SplitHostPort(s.DNS)
	out, err := exec.Command("dig", "@"+host, "-p", dnsPort, "+short", "shop.test", "MX").CombinedOutput()
	if err != nil || string(out) != "10 mail.shop.test.\n" {
		t.Errorf("dig: %v %s", err, out)
	}
}

// The serial is that of the content: a restart keeps it, another record makes it grow.
func TestServe_TheSerialGrowsWithTheContent(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Declare(t, strings.ReplaceAll(shop, "tls: local", "tls: off"))) // so that no port of HTTPS is in the zone
	first := serialOf(t, s, "shop.test")
	s.Stop()
	s.Restart()
	if again := serialOf(t, s, "shop.test"); again != first {
		t.Errorf("after a restart the serial is %d, and was %d", again, first)
	}
	declare(t, s, strings.ReplaceAll(strings.Replace(shop, "203.0.113.25", "203.0.113.26", 1), "tls: local", "tls: off"))
	await(t, s, "mail.shop.test", dns.TypeA, "203.0.113.26")
	if grown := serialOf(t, s, "shop.test"); grown <= first {
		t.Errorf("with another record the serial is %d, and was %d", grown, first)
	}
}

// A cookie that was made before a restart is good after it: the server gives it back as it is.
func TestServe_KnowsItsCookiesAfterARestart(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Declare(t, shop))
	cookie := func(have string) string {
		m := new(dns.Msg)
		m.SetQuestion("shop.test.", dns.TypeSOA)
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: have})
		client := dns.Client{Timeout: server.Patience}
		r, _, err := client.ExchangeContext(t.Context(), m, s.DNS)
		if err != nil || r.IsEdns0() == nil || len(r.IsEdns0().Option) == 0 {
			t.Fatalf("%v %v", err, r)
		}
		return r.IsEdns0().Option[0].(*dns.EDNS0_COOKIE).Cookie
	}
	first := cookie("0123456789abcdef")
	s.Stop()
	s.Restart()
	if again := cookie(first); again != first {
		t.Errorf("after a restart the cookie %s was answered with %s", first, again)
	}
}

func TestServe_PrintsAndExplains(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Declare(t, shop))
	printed, code := command(t, "zone", "shop.test", s.Folder)
	for _, want := range []string{"$ORIGIN shop.test.", "MX       10 mail.shop.test.", "; from site *.preview.shop.test", "; from dns.addresses"} {
		if !strings.Contains(printed, want) {
			t.Errorf("roundtrip zone (exit %d) does not say %q:\n%s", code, want, printed)
		}
	}
	file := filepath.Join(t.TempDir(), "shop.test.zone")
	if err := os.WriteFile(file, []byte(printed), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ldns-read-zone", file).CombinedOutput(); err != nil {
		t.Errorf("ldns reads no zone in it: %v %s", err, out)
	}
	explained, code := command(t, "dns", "explain", "www.shop.test", "MX", s.Folder)
	for _, want := range []string{"NXDOMAIN", "closest encloser", "*.shop.test"} {
		if code != 0 || !strings.Contains(explained, want) {
			t.Errorf("dns explain (exit %d) does not say %q:\n%s", code, want, explained)
		}
	}
	asJSON, code := command(t, "dns", "explain", "--json", "old", "A", s.Folder)
	var e struct {
		Name, Rcode string
		Answer      []string
	}
	if err := json.Unmarshal([]byte(asJSON), &e); err != nil || code != 0 || e.Name != "old.shop.test" || e.Rcode != "NOERROR" || len(e.Answer) != 2 {
		t.Errorf("dns explain --json (exit %d, %v):\n%s", code, err, asJSON)
	}
	status, code := command(t, "dns", "status", s.Folder)
	if code != 0 || !strings.Contains(status, "DNS is served at "+s.DNS) || !strings.Contains(status, "eu.shop.test") {
		t.Errorf("dns status (exit %d):\n%s", code, status)
	}
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"zone", "shpo.test", s.Folder}, "did you mean shop.test?"},
		{[]string{"dns", "explain", "shop.test", "MXX", s.Folder}, "did you mean MX?"},
		{[]string{"zone"}, "takes the name of a zone"},
	} {
		if out, code := command(t, test.args...); code == 0 || !strings.Contains(out, test.says) {
			t.Errorf("%v (exit %d): %s", test.args, code, out)
		}
	}
}

// Without a server the same commands say what one would answer.
func TestCommands_WithoutAServer(t *testing.T) {
	t.Parallel()
	folder := server.Declare(t, shop)
	printed, code := command(t, "zone", "shop.test", folder)
	if code != 0 || !strings.Contains(printed, "No server runs here") || !strings.Contains(printed, `HTTPS    1 . alpn="h3,h2" ipv4hint="127.0.0.1"`) {
		t.Errorf("zone (exit %d):\n%s", code, printed)
	}
	dev, code := command(t, "zone", "shop.localhost", folder)
	if code != 0 || !strings.Contains(dev, "$ORIGIN shop.localhost.") || !strings.Contains(dev, "MX       10 mail.shop.localhost.") {
		t.Errorf("zone of dev (exit %d):\n%s", code, dev)
	}
	if out, code := command(t, "dns", "status", folder); code == 0 || !strings.Contains(out, "no server runs") {
		t.Errorf("status (exit %d): %s", code, out)
	}
	if _, err := os.Stat(filepath.Join(folder, "data")); err == nil {
		t.Error("looking made a data folder")
	}
}

func TestCheck_FindsConflicts(t *testing.T) {
	t.Parallel()
	folder := server.Declare(t, strings.Replace(shop, "- 'old CNAME shop.test.'", "- 'old CNAME shop.test.'\n        - 'old A 192.0.2.1'\n        - '@ CNAME elsewhere.test.'", 1))
	out, code := command(t, "check", folder)
	if code != 1 || !strings.Contains(out, "roundtrip.yaml:") || strings.Count(out, "CNAME") < 2 {
		t.Errorf("check (exit %d):\n%s", code, out)
	}
}

func TestServe_SaysWhoHasThePort(t *testing.T) {
	t.Parallel()
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	out, code := command(t, "serve", "--https", "127.0.0.1:0", "--http", "127.0.0.1:0", "--dns", taken.LocalAddr().String(), server.Declare(t, shop))
	if code != 1 || !strings.Contains(out, taken.LocalAddr().String()) || !strings.Contains(out, "--dns") {
		t.Errorf("exit %d: %s", code, out)
	}
}
