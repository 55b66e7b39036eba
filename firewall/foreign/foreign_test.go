package foreign_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/foreign"
)

const shop = `
groups:
  web:
    - { allow: [tcp/80, tcp/443, udp/443], from: anywhere, note: the shop's "door" }
    - { allow: tcp/8000-8010, from: ['group:web', 10.0.0.0/8] }
    - { allow: [icmp/8, icmp/3/1, icmpv6], from: ['list:office', loopback] }
  database:
    - { allow: tcp/5432, from: 'group:web', note: only our own backends }
    - { allow: all, from: [2001:db8::/32, 198.51.100.7] }
    - { allow: protocol/47, from: 0.0.0.0/0 }
    - { allow: tcp/443, to: 203.0.113.0/24 }
  big-closed:
    - { allow: sctp/3868, from: anywhere }
    - { allow: none, to: anywhere }
attach: { edge: [web], db: [database, big-closed] }
machines: { edge: [10.0.0.1, 2001:db8::1], db: [10.0.0.5] }
lists: { office: testdata/office.txt }`

func read(t testing.TB, block string) *config.Firewall {
	t.Helper()
	c, err := config.Parse("roundtrip.yaml", []byte("name: app\n"+block), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatalf("%v\n%s", err, block)
	}
	return c.Firewall
}

func shopFirewall(t testing.TB) *config.Firewall {
	t.Helper()
	return read(t, "firewall:\n  "+strings.ReplaceAll(strings.TrimSpace(shop), "\n", "\n  ")+"\n")
}

// golden compares with a file of testdata. With UPDATE set it writes the file: read it as a user would.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (- file, + now)\n%s", path, diff)
	}
}

func lossesOf(all []foreign.Loss) string {
	var b strings.Builder
	for _, l := range all {
		fmt.Fprintf(&b, "%s %s\n", l.Pos, l.Text)
	}
	return b.String()
}

func TestTerraform_WritesEveryRule(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	losses, err := foreign.Terraform(&b, shopFirewall(t))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "shop.tf", b.Bytes())
	const want = "roundtrip.yaml:7:68 loopback is left out: what a machine sends itself meets no security group\n" +
		"roundtrip.yaml:14:18 sctp/3868 is left out: security groups of AWS know no ports of SCTP\n"
	if got := lossesOf(losses); got != want {
		t.Errorf("the losses are\n%s", got)
	}
	if strings.Count(b.String(), "{") != strings.Count(b.String(), "}") || strings.Count(b.String(), `"`)%2 != 0 {
		t.Error("it is no HCL")
	}
}

func TestAWS_WritesEveryGroup(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if _, err := foreign.AWS(&b, shopFirewall(t)); err != nil {
		t.Fatal(err)
	}
	golden(t, "shop.json", b.Bytes())
}

// randomFirewall has only what AWS has words for.
func randomFirewall(r *rand.Rand) string {
	traffic := func() string {
		all := []string{"all", "icmp", "icmp/8", "icmp/3/1", "icmpv6", "icmpv6/128", "protocol/47", "tcp/0-65535", "sctp/0-65535", "tcp/1", "tcp/2", "udp/1-3", "tcp/2-4", "udp/2"}
		return all[r.IntN(len(all))]
	}
	peer := func() string {
		all := []string{"anywhere", "0.0.0.0/0", "'::/0'", "10.0.0.0/30", "10.0.0.2", "10.0.0.4/31", "'2001:db8::/126'", "'2001:db8::5'", "'group:a'", "'group:b'", "'group:c'"}
		return all[r.IntN(len(all))]
	}
	var b strings.Builder
	b.WriteString("firewall:\n  groups:\n")
	for _, g := range []string{"a", "b", "c"} {
		fmt.Fprintf(&b, "    %s:\n", g)
		for i := range r.IntN(5) {
			key := "from"
			if r.IntN(3) == 0 {
				key = "to"
			}
			t := traffic()
			p := peer()
			if strings.HasPrefix(t, "icmp") { // of both families, or check refuses what can never match
				p = "anywhere"
			}
			fmt.Fprintf(&b, "      - { allow: %s, %s: [%s], note: 'n %d' }\n", t, key, p, i%2)
		}
		if r.IntN(4) == 0 {
			b.WriteString("      - { allow: none, to: anywhere }\n")
		}
	}
	b.WriteString("  attach: { a: [a], b: [b], c: [c] }\n  machines: { a: [10.0.0.1, '2001:db8::1'], b: [10.0.0.2], c: ['2001:db8::6'] }\n")
	return b.String()
}

// What is written for AWS and read back lets pass the same.
func TestAWS_ComesBackTheSame(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 2026))
	for range 150 {
		c := read(t, randomFirewall(r))
		var there, back bytes.Buffer
		if losses, err := foreign.AWS(&there, c); err != nil || len(losses) > 0 {
			t.Fatal(err, losses)
		}
		if losses, err := foreign.FromAWS(&back, &there); err != nil || len(losses) > 0 {
			t.Fatal(err, losses)
		}
		again := read(t, back.String())
		again.Machines = c.Machines // whose addresses AWS finds by itself
		for _, role := range []string{"a", "b", "c"} {
			who := firewall.Who{Roles: []string{role}}
			before, _ := firewall.Compile(c, who)
			after, _ := firewall.Compile(again, who)
			for range 200 {
				f := randomFlow(r)
				if a, b := before.Judge(f), after.Judge(f); a.Allowed != b.Allowed {
					t.Fatalf("%s of %s, out %t: %t before and %t after\n%s", f, role, f.Out, a.Allowed, b.Allowed, back.String())
				}
			}
		}
	}
}

func randomFlow(r *rand.Rand) firewall.Flow {
	addrs := []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.6", "2001:db8::1", "2001:db8::3", "2001:db8::5", "2001:db8::6", "203.0.113.1"}
	protocols := []uint8{firewall.TCP, firewall.UDP, firewall.ICMP, firewall.ICMPv6, firewall.SCTP, 47, 50}
	f := firewall.Flow{Out: r.IntN(2) == 0, Protocol: protocols[r.IntN(len(protocols))], Remote: netip.MustParseAddr(addrs[r.IntN(len(addrs))])}
	switch f.Protocol {
	case firewall.ICMP, firewall.ICMPv6:
		f.Type, f.Code = []uint8{3, 8, 128, 1}[r.IntN(4)], uint8(r.IntN(2))
	case firewall.TCP, firewall.UDP, firewall.SCTP:
		f.Port = uint16(1 + r.IntN(5))
	}
	return f
}

// An answer as AWS gives it: ids, defaults, names that ours can't be, references to others.
func TestFromAWS_ReadsWhatAWSAnswers(t *testing.T) {
	t.Parallel()
	source, err := os.Open("testdata/describe.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.Close() }()
	var b bytes.Buffer
	losses, err := foreign.FromAWS(&b, source)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "describe.yaml", b.Bytes())
	c := read(t, b.String())
	if len(c.Groups) != 5 || len(losses) != 4 {
		t.Errorf("%d groups, losses:\n%s", len(c.Groups), lossesOf(losses))
	}
}

func TestFromAWS_RefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"", "{}", "[]", `{"SecurityGroups":[]}`, `{"SecurityGroups":{}}`, "groups:"} {
		if _, err := foreign.FromAWS(&bytes.Buffer{}, strings.NewReader(source)); err == nil || !strings.Contains(err.Error(), "describe-security-groups") {
			t.Errorf("%q: %v", source, err)
		}
	}
}

// Whatever comes, what is written can be read.
func FuzzFromAWS(f *testing.F) {
	if source, err := os.ReadFile("testdata/describe.json"); err == nil {
		f.Add(string(source))
	}
	f.Add(`{"SecurityGroups":[{"GroupName":"sg-sg-x\n'","IpPermissions":[{"IpProtocol":"6","FromPort":5,"ToPort":2,"IpRanges":[{"CidrIp":"1.2.3.4/5","Description":"'\u0000 #"}]}]},{}]}`)
	f.Fuzz(func(t *testing.T, source string) {
		var b bytes.Buffer
		if _, err := foreign.FromAWS(&b, strings.NewReader(source)); err != nil {
			return
		}
		if _, err := config.Parse("roundtrip.yaml", append([]byte("name: app\n"), b.Bytes()...), func(string) (string, bool) { return "", false }); err != nil && !strings.Contains(err.Error(), "too long") {
			t.Errorf("%v\n%s", err, b.String())
		}
	})
}
