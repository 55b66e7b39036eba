package kernel_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/kernel"
)

// everything is a policy with a rule of every kind.
func everything(t testing.TB, mask uint32) *firewall.Policy {
	t.Helper()
	return policyOf(t, func(c *config.Firewall) { c.Marks.Mask = mask },
		in(anywhere(), ports(firewall.TCP, 80, 80), ports(firewall.TCP, 8000, 8010), ports(firewall.UDP, 443, 443)),
		in(networks("203.0.113.0/24", "198.51.100.7/32", "2001:db8::/32", "2001:db9::7/128"), ports(firewall.TCP, 22, 22)),
		in(networks("192.0.2.0/25"), config.Traffic{Text: "icmp", Protocol: firewall.ICMP, Type: -1, Code: -1}),
		in(anywhere(), config.Traffic{Text: "icmpv6/128", Protocol: firewall.ICMPv6, Type: 128, Code: -1}),
		in(networks("10.0.0.0/8"), config.Traffic{Text: "all", All: true}),
		in(networks("0.0.0.0/0"), config.Traffic{Text: "protocol/47", Protocol: 47}),
		in(networks("0.0.0.0/1", "240.0.0.0/4", "ffff::/16"), ports(firewall.SCTP, 0, 65535)),
		out(networks("192.0.2.53/32", "2001:db8::53/128"), ports(firewall.UDP, 53, 53)),
		out(nil),
	)
}

func TestApply_ShowsInTheKernelWhatWasPlanned(t *testing.T) {
	for _, mask := range []uint32{0, 0xff0000} {
		t.Run(fmt.Sprintf("mask %#x", mask), func(t *testing.T) {
			k := table(t, space(t))
			plan := kernel.PlanOf(everything(t, mask), nil)
			report, err := k.Apply(t.Context(), plan, nil)
			if err != nil {
				t.Fatal(err)
			}
			state, err := k.State(t.Context(), plan)
			if err != nil || len(state.Drift) > 0 || !state.There {
				t.Fatalf("%+v, %v", state, err)
			}
			if report.Digest != plan.Digest() || state.Digest != plan.Digest() {
				t.Errorf("the table says that its plan is %q, not %q", state.Digest, plan.Digest())
			}
			text := run(t, "nft", "list", "table", "inet", "roundtrip")
			t.Log(text)
			for _, part := range []string{
				`comment "web rule 2"`, "tcp dport 8000-8010", "hook prerouting priority mangle; policy drop;", "hook output priority filter; policy drop;",
				`log prefix "rt:in:no_rule" group 5333`, "203.0.113.0/24", "2001:db8::/32", "fib daddr type unicast accept",
			} {
				if !strings.Contains(text, part) {
					t.Errorf("nft does not show %q", part)
				}
			}
		})
	}
}

// TestApply_TakesTenThousandNetworks is about every single one of them: a set that is cut off is a hole, or a locked door.
func TestApply_TakesTenThousandNetworks(t *testing.T) {
	k := table(t, space(t))
	plan := kernel.PlanOf(policyOf(t, nil, in(manyNetworks(10_000), ports(firewall.TCP, 443, 443))), nil)
	report, err := k.Apply(t.Context(), plan, nil) // compares all elements
	if err != nil {
		t.Fatal(err)
	}
	if report.Ranges != 10_000 {
		t.Errorf("%d ranges", report.Ranges)
	}
	state, err := k.State(t.Context(), plan)
	if err != nil || len(state.Drift) > 0 {
		t.Fatalf("%v %v", state.Drift, err)
	}
	n := 0
	for _, s := range state.Sets {
		n += s.Ranges
	}
	if n != 10_000 {
		t.Errorf("the sets have %d ranges", n)
	}
}

// manyNetworks are networks that do not touch each other, half of each family.
func manyNetworks(n int) []config.Peer {
	var list []string
	for i := range n / 2 {
		list = append(list, fmt.Sprintf("10.%d.%d.0/25", i>>8, i&255), fmt.Sprintf("2001:db8:%x::/49", i))
	}
	return networks(list...)
}

func BenchmarkApply_TenThousandNetworks(b *testing.B) {
	k := table(b, space(b))
	plan := kernel.PlanOf(policyOf(b, nil, in(manyNetworks(10_000), ports(firewall.TCP, 443, 443))), nil)
	for b.Loop() {
		if _, err := k.Apply(b.Context(), plan, plan); err != nil {
			b.Fatal(err)
		}
	}
}

func TestApply_LeavesTablesOfOthersAlone(t *testing.T) {
	k := table(t, space(t))
	run(t, "nft", "add table ip mine; add table inet filter; add chain inet filter input { type filter hook input priority 0; policy accept; };"+
		"add set ip mine s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }; }; add rule inet filter input tcp dport 25 counter drop")
	before := run(t, "nft", "list", "ruleset")
	plan := kernel.PlanOf(everything(t, 0xff), nil)
	for range 2 {
		if _, err := k.Apply(t.Context(), plan, nil); err != nil {
			t.Fatal(err)
		}
	}
	if there, err := k.Off(t.Context()); err != nil || !there {
		t.Fatal(there, err)
	}
	if after := run(t, "nft", "list", "ruleset"); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if there, err := k.Off(t.Context()); err != nil || there {
		t.Errorf("off once more: %t, %v", there, err)
	}
}

func TestState_ShowsEveryDifference(t *testing.T) {
	plan := kernel.PlanOf(everything(t, 0xff0000), nil)
	for name, test := range map[string]struct{ change, tells string }{
		"table gone":         {"delete table inet roundtrip", "the table inet roundtrip is gone"},
		"chain emptied":      {"flush chain inet roundtrip outbound", `what stood for "loopback" is gone`},
		"dormant":            {"add table inet roundtrip { flags dormant; }", "the table inet roundtrip is dormant: nothing is enforced"},
		"foreign rule":       {"insert rule inet roundtrip inbound tcp dport 23 accept", "a rule that is not ours"},
		"foreign chain":      {"add chain inet roundtrip mine", "the chain mine is not ours"},
		"foreign set":        {"add set inet roundtrip mine { type ipv4_addr; }", "the set mine is not ours"},
		"address taken away": {"delete element inet roundtrip net4.web.2 { 198.51.100.7 }", "set net4.web.2 has other addresses"},
		"address added":      {"add element inet roundtrip net6.web.2 { 2001:dbf::/32 }", "set net6.web.2 has other addresses"},
		"stamp taken away":   {"delete element inet roundtrip stamps { 0x010000 }", "the map stamps has other marks"},
		"policy":             {"chain inet roundtrip inbound { policy accept; }", "the policy of the chain inbound is not drop"},
	} {
		t.Run(name, func(t *testing.T) {
			k := table(t, space(t))
			if _, err := k.Apply(t.Context(), plan, nil); err != nil {
				t.Fatal(err)
			}
			run(t, "nft", test.change)
			state, err := k.State(t.Context(), plan)
			if err != nil || !strings.Contains(strings.Join(state.Drift, "\n"), test.tells) {
				t.Errorf("%v %q does not tell %q", err, state.Drift, test.tells)
			}
			if _, err := k.Apply(t.Context(), plan, plan); err != nil {
				t.Fatal(err)
			}
			if state, err = k.State(t.Context(), plan); err != nil || len(state.Drift) > 0 {
				t.Errorf("applied again, %v %q", err, state.Drift)
			}
		})
	}
}

func TestApply_CountersGoWithWhatARuleSays(t *testing.T) {
	k := table(t, space(t))
	ssh, web := in(networks("203.0.113.0/24"), ports(firewall.TCP, 22, 22)), in(anywhere(), ports(firewall.TCP, 443, 443))
	ssh.Allow[0].Text, web.Allow[0].Text = "tcp/22", "tcp/443"
	before := kernel.PlanOf(policyOf(t, nil, ssh, web), nil)
	if _, err := k.Apply(t.Context(), before, nil); err != nil {
		t.Fatal(err)
	}
	run(t, "nft", "delete table inet roundtrip")
	run(t, "nft", "add table inet roundtrip { counter in.web.1 { packets 7 bytes 700; }; counter in.web.2 { packets 3 bytes 300; };"+
		" counter drop.in.no_rule { packets 11 bytes 1100; }; }")
	after := kernel.PlanOf(policyOf(t, nil, web, ssh), nil) // they have changed places
	if _, err := k.Apply(t.Context(), after, before); err != nil {
		t.Fatal(err)
	}
	state, err := k.State(t.Context(), after)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []uint64{3, 7} {
		if got := state.Rules[i].Packets; got != want || state.Rules[i].Bytes != 100*want {
			t.Errorf("rule %d has counted %d packets, not %d", i+1, got, want)
		}
	}
	if got := state.Drops[0].Packets; got != 11 {
		t.Errorf("%d drops, not 11", got)
	}
}

func TestApply_RulesThatSayTheSameShareAStamp(t *testing.T) {
	k := table(t, space(t))
	same := in(anywhere(), ports(firewall.TCP, 80, 80))
	var stamps firewall.Stamps
	policy := policyOf(t, func(c *config.Firewall) { c.Marks.Mask = 0xff }, same, same)
	if err := stamps.Enter(policy, 0xff); err != nil {
		t.Fatal(err)
	}
	plan := kernel.PlanOf(policy, stamps.Number)
	if _, err := k.Apply(t.Context(), plan, nil); err != nil {
		t.Fatal(err)
	}
	stands(t, k, plan)
}
