package firewall_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
)

// The cases F1 to F14 are those in which security groups of EC2 are known to differ from what people expect. F8 to F12 are
// about packets of flows that stand, which the kernel tracks; its room has their tests.

func wants(t *testing.T, p *firewall.Policy, allowed bool, flows ...firewall.Flow) {
	t.Helper()
	for _, f := range flows {
		if v := p.Judge(f); v.Allowed != allowed {
			t.Errorf("%s is allowed: %t, expected %t", f, v.Allowed, allowed)
		}
	}
}

func TestF1_ANewGroupLetsNothingInAndEverythingOut(t *testing.T) {
	t.Parallel()
	p := compiled(t, "groups: { web: [] }\nattach: { edge: [web] }")
	wants(t, p, false, in(6, 443, "203.0.113.9"), in(17, 53, "2001:db8::9"), icmp(1, 8, 0, "203.0.113.9"))
	wants(t, p, true, out(6, 443, "203.0.113.9"), out(17, 53, "2001:db8::9"))
	if v := p.Judge(out(6, 443, "203.0.113.9")); v.Implied != firewall.ByDefault {
		t.Errorf("it passes by %v", v.Implied)
	}
	p = compiled(t, "groups: { web: [{ allow: none, to: anywhere }] }\nattach: { edge: [web] }") // the default, removed
	wants(t, p, false, out(6, 443, "203.0.113.9"), out(17, 53, "2001:db8::9"))
	p = compiled(t, "groups: { web: [{ allow: tcp/443, to: 203.0.113.0/24 }] }\nattach: { edge: [web] }")
	wants(t, p, true, out(6, 443, "203.0.113.9"))
	wants(t, p, false, out(6, 80, "203.0.113.9"), out(6, 443, "198.51.100.1"))
}

func TestF2_WhatNoRuleAllowsDoesNotPass(t *testing.T) {
	t.Parallel()
	p := compiled(t, "groups: { web: [{ allow: tcp/443, from: anywhere }] }\nattach: { edge: [web] }")
	wants(t, p, true, in(6, 443, "203.0.113.9"), in(6, 443, "2001:db8::9"))
	wants(t, p, false, in(17, 443, "203.0.113.9"), in(6, 444, "203.0.113.9"), in(132, 443, "203.0.113.9"), icmp(1, 8, 0, "203.0.113.9"))
	v := p.Judge(in(6, 22, "203.0.113.9"))
	if v.Rule != nil || v.Reason.Code() != "firewall.no_rule" {
		t.Errorf("%+v", v)
	}
}

func TestF3_TheUnionOfAllGroupsCountsAndTheWidestWins(t *testing.T) {
	t.Parallel()
	const block = `
groups:
  narrow:
    - { allow: tcp/22, from: 203.0.113.0/24 }
    - { allow: tcp/443, to: 203.0.113.0/24 }
  wide:
    - { allow: tcp/22, from: anywhere }
attach: { edge: [narrow, wide], inner: [narrow] }
machines: { edge: [10.0.0.1], inner: [10.0.0.2] }`
	p := compiled(t, block, "edge")
	wants(t, p, true, in(6, 22, "198.51.100.1"), out(6, 25, "198.51.100.1")) // wide has no rule about what leaves: all does
	if v := p.Judge(in(6, 22, "203.0.113.9")); v.Rule.Name != "narrow rule 1" {
		t.Errorf("of two rules that allow it, %s is named", v.Rule.Name)
	}
	p = compiled(t, block, "inner")
	wants(t, p, false, in(6, 22, "198.51.100.1"), out(6, 25, "198.51.100.1"))
	both := compiled(t, block, "edge", "inner")
	if !slices.Equal(both.Groups(), []string{"narrow", "wide"}) || len(both.Rules()) != 3 {
		t.Errorf("a machine of two roles has %v", both.Groups())
	}
	_, mistakes := firewall.Compile(declared(t, block), firewall.Who{Every: true})
	if len(mistakes) != 1 || !mistakes[0].Warning || !strings.Contains(mistakes[0].Message, "group wide has no rule with to:") {
		t.Errorf("the author hears %+v", mistakes)
	}
}

func TestF4_AGroupReferenceIsTheMembersAddressesAndNotTheirRules(t *testing.T) {
	t.Parallel()
	const block = `
groups:
  web:
    - { allow: tcp/443, from: anywhere }
    - { allow: tcp/7946, from: group:web }
  database:
    - { allow: tcp/5432, from: group:web }
attach: { edge: [web], database: [database] }
machines: { edge: [10.0.0.1, 203.0.113.10, 2001:db8::10], database: [10.0.0.5] }`
	p := compiled(t, block, "database")
	// EC2 takes private addresses alone; here every address that is declared counts, which is what people expect.
	wants(t, p, true, in(6, 5432, "10.0.0.1"), in(6, 5432, "203.0.113.10"), in(6, 5432, "2001:db8::10"))
	wants(t, p, false, in(6, 5432, "10.0.0.2"), in(6, 443, "10.0.0.1"), in(6, 5432, "10.0.0.5"))
	wants(t, compiled(t, block, "edge"), true, in(6, 7946, "10.0.0.1")) // a group may name itself
	wants(t, compiled(t, block, "edge"), false, in(6, 7946, "10.0.0.5"))
	if got := p.Rules()[0].Networks; !slices.Equal(got, []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("203.0.113.10/32"), netip.MustParsePrefix("2001:db8::10/128")}) {
		t.Errorf("the rule stands for %v", got)
	}
}

func TestF5_AReferenceToAGroupThatNobodyHasIsStale(t *testing.T) {
	t.Parallel()
	const block = `
groups:
  old:
  database:
    - { allow: tcp/5432, from: [group:old, 10.0.0.9] }
attach: { database: [database] }`
	p, mistakes := firewall.Compile(declared(t, block), firewall.Who{Every: true})
	if p == nil || len(mistakes) != 1 || !mistakes[0].Warning || !strings.Contains(mistakes[0].Message, "group:old is stale") || mistakes[0].Pos.Line != 6 {
		t.Fatalf("%+v", mistakes)
	}
	wants(t, p, true, in(6, 5432, "10.0.0.9"))
	wants(t, p, false, in(6, 5432, "10.0.0.1"))
	// Where the role has no machines, it is stale too; where no machines are declared at all, the one that there is has it.
	for declaration, stale := range map[string]bool{
		"attach: { edge: [old], database: [database] }\nmachines: { database: [10.0.0.5] }": true,
		"attach: { edge: [old], database: [database] }":                                     false,
	} {
		block := "groups:\n  old:\n  database:\n    - { allow: tcp/5432, from: group:old }\n" + declaration
		if _, mistakes := firewall.Compile(declared(t, block), firewall.Who{Every: true}); (len(mistakes) == 1) != stale {
			t.Errorf("%s\n%+v", declaration, mistakes)
		}
	}
}

func TestF6_ProtocolsHavePortsTypesOrNumbers(t *testing.T) {
	t.Parallel()
	p := compiled(t, `
groups:
  web:
    - { allow: [tcp/8000-8010, icmp/8, icmp/3/1, icmpv6, protocol/47, sctp/3868], from: anywhere }
  inner:
    - { allow: all, from: 10.0.0.0/8 }
attach: { edge: [web, inner] }`)
	wants(t, p, true, in(6, 8000, "203.0.113.9"), in(6, 8010, "203.0.113.9"), icmp(1, 8, 0, "203.0.113.9"), icmp(1, 8, 7, "203.0.113.9"), icmp(1, 3, 1, "203.0.113.9"),
		icmp(58, 128, 0, "2001:db8::9"), icmp(58, 1, 4, "2001:db8::9"), in(47, 0, "203.0.113.9"), in(132, 3868, "203.0.113.9"),
		in(6, 1, "10.1.2.3"), in(50, 0, "10.1.2.3"), icmp(1, 13, 0, "10.1.2.3"))
	wants(t, p, false, in(6, 7999, "203.0.113.9"), in(6, 8011, "203.0.113.9"), icmp(1, 0, 0, "203.0.113.9"), icmp(1, 3, 0, "203.0.113.9"), in(50, 0, "203.0.113.9"),
		icmp(58, 128, 0, "203.0.113.9")) // icmpv6 over IPv4 is nobody's
	for _, wrong := range []string{"tcp", "icmp/256", "protocol/6"} {
		if _, err := config.ParseTraffic(wrong); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

func TestF7_PortsAreThoseOfTheDestination(t *testing.T) {
	t.Parallel()
	// A flow has no other port: no rule can speak of the port that it comes from.
	p := compiled(t, "groups: { web: [{ allow: udp/53, from: anywhere }, { allow: tcp/25, to: anywhere }] }\nattach: { edge: [web] }")
	wants(t, p, true, in(17, 53, "203.0.113.9"), out(6, 25, "203.0.113.9"))
	wants(t, p, false, out(17, 53, "203.0.113.9"), in(6, 25, "203.0.113.9"))
}

func TestF13_AllOfIPv4IsNothingOfIPv6(t *testing.T) {
	t.Parallel()
	p := compiled(t, `
groups:
  web:
    - { allow: tcp/80, from: 0.0.0.0/0 }
    - { allow: tcp/81, from: '::/0' }
    - { allow: tcp/82, from: anywhere }
attach: { edge: [web] }`)
	wants(t, p, true, in(6, 80, "203.0.113.9"), in(6, 81, "2001:db8::9"), in(6, 82, "203.0.113.9"), in(6, 82, "2001:db8::9"), in(6, 80, "::ffff:203.0.113.9"))
	wants(t, p, false, in(6, 80, "2001:db8::9"), in(6, 81, "203.0.113.9"))
	if e := p.Explain(in(6, 80, "2001:db8::9")); !strings.Contains(strings.Join(strings.Fields(e.String()), " "), "0.0.0.0/0 is one family alone") {
		t.Errorf("it is not explained:\n%s", e)
	}
}

func TestF14_NamesAndNotesAreBounded(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"groups: { sg-1: [] }\n  attach: { e: [sg-1] }":                                                                                "can't start with sg-",
		"groups: { a: [{ allow: all, from: anywhere, note: " + strings.Repeat("é", 256) + " }] }\n  attach: { e: [a] }":                "256 characters",
		"groups: { a: [], a: [] }\n  attach: { e: [a] }":                                                                               "a second time",
		"groups: { a: [{ allow: all, from: anywhere, note: " + strings.Repeat("é", 255) + " }] }\n  attach: { e: [a] }\n  enforce: no": "enforce",
	} {
		_, err := config.Parse("roundtrip.yaml", []byte("name: app\nfirewall:\n  "+source+"\n"), func(string) (string, bool) { return "", false })
		if err == nil || !strings.Contains(err.Error(), want) || want == "enforce" && strings.Contains(err.Error(), "characters") {
			t.Errorf("%s\n%v", source, err)
		}
	}
}

func TestPolicy_LetsPassWhatTheNetworkNeeds(t *testing.T) {
	t.Parallel()
	p := compiled(t, "groups: { web: [{ allow: none, to: anywhere }] }\nattach: { edge: [web] }")
	wants(t, p, true, in(6, 5432, "127.0.0.1"), in(6, 5432, "127.8.9.10"), in(17, 53, "::1"), out(6, 1, "::1"), in(6, 1, "::ffff:127.0.0.1"),
		icmp(58, 133, 0, "fe80::1"), icmp(58, 136, 0, "fe80::1%eth0"), icmp(58, 2, 0, "2001:db8::1"), icmp(1, 3, 4, "203.0.113.9"),
		icmp(58, 130, 0, "fe80::1"), icmp(58, 132, 0, "fe80::1"), icmp(58, 143, 0, "fe80::1"))
	wants(t, p, false, icmp(58, 129, 0, "fe80::1"), icmp(58, 137, 0, "fe80::1"), icmp(1, 3, 3, "203.0.113.9"), icmp(58, 128, 0, "fe80::1"))
	for f, why := range map[firewall.Flow]firewall.Implied{
		in(6, 5432, "127.0.0.1"):         firewall.ByLoopback,
		icmp(58, 135, 0, "fe80::1"):      firewall.ByNeighbours,
		icmp(58, 2, 0, "2001:db8::1"):    firewall.ByPathMTU,
		icmp(1, 3, 4, "203.0.113.9"):     firewall.ByPathMTU,
		in(6, 5432, "::ffff:127.0.0.10"): firewall.ByLoopback,
	} {
		if v := p.Judge(f); v.Implied != why || v.Implied.String() == "" {
			t.Errorf("%s passes by %d", f, v.Implied)
		}
	}
}

func TestCompile_SaysWhatCanNeverMatchAndWhatIsTwice(t *testing.T) {
	t.Parallel()
	for block, want := range map[string]string{
		"groups: { a: [{ allow: [tcp/80, icmpv6/128], from: 10.0.0.0/8 }] }\nattach: { e: [a] }":                                                 "icmpv6/128 can never match",
		"groups: { a: [{ allow: icmp, from: [2001:db8::/32] }] }\nattach: { e: [a] }":                                                            "icmp can never match",
		"groups: { a: [{ allow: tcp/80, from: anywhere }, { allow: [tcp/443, tcp/80], from: [10.0.0.0/8, anywhere] }] }\nattach: { e: [a] }":     "a rule 1 allows tcp/80 of anywhere already",
		"groups: { a: [{ allow: tcp/80, from: anywhere }], b: [{ allow: tcp/81, from: anywhere }] }\nattach: { e: [a] }":                         "group b is attached to no role",
		"groups: { a: [{ allow: icmp, from: [10.0.0.0/8, 2001:db8::/32] }, { allow: tcp/1, from: 10.0.0.0/8 }] }\nattach: { e: [a] }":            "",
		"groups: { a: [{ allow: tcp/80, from: anywhere }, { allow: tcp/80, to: anywhere }, { allow: none, to: anywhere }] }\nattach: { e: [a] }": "",
	} {
		_, mistakes := firewall.Compile(declared(t, block), firewall.Who{Every: true})
		switch {
		case want == "" && len(mistakes) > 0, want != "" && len(mistakes) != 1:
			t.Errorf("%s\n%+v", block, mistakes)
		case want != "" && (!strings.Contains(mistakes[0].Message, want) || mistakes[0].Pos.Line == 0):
			t.Errorf("%s\n%+v", block, mistakes[0])
		}
	}
}

func TestCompile_MasksHaveRoomForTheRulesOfEachMachine(t *testing.T) {
	t.Parallel()
	rules := func(from int) string { // 200 of them; a mask of 8 bits has room for 255
		var b strings.Builder
		for port := range 200 {
			fmt.Fprintf(&b, "    - { allow: tcp/%d, from: anywhere }\n", from+port)
		}
		return b.String()
	}
	groups := "marks: { mask: 0xff }\ngroups:\n  a:\n" + rules(1) + "  b:\n" + rules(1001) + "attach: { one: [a], two: [b] }\n"
	for machines, want := range map[string]string{
		"": "this machine has 400",
		"machines: { one: [192.0.2.1], two: [192.0.2.2] }":            "",
		"machines: { one: [192.0.2.1], two: [192.0.2.1, 192.0.2.2] }": "the machine 192.0.2.1 has 400",
	} {
		p, mistakes := firewall.Compile(declared(t, groups+machines), firewall.Who{Every: true})
		switch {
		case want == "" && p == nil, want != "" && (p != nil || len(mistakes) != 1):
			t.Errorf("%q: %+v", machines, mistakes)
		case want != "" && (!strings.Contains(mistakes[0].Message, want) || mistakes[0].Expected != "a mask of at least 9 bits" || mistakes[0].Pos.Line != 3):
			t.Errorf("%q: %+v", machines, mistakes[0])
		}
	}
}
