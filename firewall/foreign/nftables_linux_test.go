package foreign_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/foreign"
)

func nftables(t *testing.T, c *config.Firewall, role string) string {
	t.Helper()
	p, mistakes := firewall.Compile(c, firewall.Who{Roles: []string{role}})
	if p == nil {
		t.Fatalf("%+v", mistakes)
	}
	var b bytes.Buffer
	if err := foreign.Nftables(&b, p, role); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// loaded loads a ruleset twice in a network of its own, and returns what nft lists then.
func loaded(t *testing.T, ruleset string) string {
	t.Helper()
	nft, err := exec.LookPath("nft")
	if err != nil {
		t.Fatal("there is no nft here: make debian installs it")
	}
	// Two loads of one file: the second one takes the first one's place.
	cmd := exec.Command("sh", "-ec", nft+` -c -f "$1"; `+nft+` -f "$1"; `+nft+` -f "$1"; `+nft+` list ruleset`, "sh", ruleset)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("this machine gives no network namespaces (%v): run as root", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func TestNftables_IsARulesetThatNftLoads(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"edge", "db"} {
		golden(t, "shop-"+role+".nft", []byte(nftables(t, shopFirewall(t), role)))
		got := loaded(t, filepath.Join("testdata", "shop-"+role+".nft"))
		if n := strings.Count(got, "table inet "); n != 1 || strings.Contains(got, "table ip ") {
			t.Errorf("%d tables\n%s", n, got)
		}
		want := map[string][]string{
			"edge": {"tcp dport 443 counter packets 0 bytes 0 accept comment \"web rule 1: the shop_s _door_\"", "ip6 saddr @web_3_v6 meta l4proto ipv6-icmp", "policy drop", "10.0.0.0/8"},
			"db":   {"chain outbound", "ip daddr @database_4_v4 tcp dport 443", "meta nfproto ipv4 meta l4proto gre", "sctp dport 3868"},
		}[role]
		for _, line := range want {
			if !strings.Contains(got, line) {
				t.Errorf("%s: %q is not in\n%s", role, line, got)
			}
		}
	}
}
