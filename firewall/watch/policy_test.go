package watch_test

import (
	"net/netip"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/watch"
	"github.com/roundtrip-dev/roundtrip/firewall/watch/flows"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// port allows a port, tcp and udp, from some peer.
func port(number uint16, from config.Peer) config.GroupRule {
	tcp := config.Traffic{Text: "tcp", Protocol: firewall.TCP, First: number, Last: number}
	udp := config.Traffic{Text: "udp", Protocol: firewall.UDP, First: number, Last: number}
	return config.GroupRule{Allow: []config.Traffic{tcp, udp}, Peers: []config.Peer{from}}
}

func anywhere() config.Peer { return config.Peer{Kind: config.Anywhere} }

func network(text string) config.Peer {
	return config.Peer{Kind: config.Network, Prefix: netip.MustParsePrefix(text)}
}

// policyOf compiles a group web of these rules for a machine that has it.
func policyOf(t *testing.T, rules ...config.GroupRule) *firewall.Policy {
	t.Helper()
	for i := range rules {
		rules[i].Number = i + 1
		for k := range rules[i].Allow {
			a := &rules[i].Allow[k]
			a.Text = firewall.Flow{Protocol: a.Protocol, Port: a.First}.Traffic()
		}
	}
	p, mistakes := firewall.Compile(&config.Firewall{
		Groups: []config.SecurityGroup{{Name: "web", Rules: rules}, {Name: "nobody"}},
		Attach: []config.Attachment{{Role: "edge", Groups: []config.Name{{Text: "web"}}}},
	}, firewall.Who{Every: true})
	if p == nil {
		t.Fatal(mistakes)
	}
	return p
}

func TestSurvey_SaysByWhichRuleAFlowCameIn(t *testing.T) {
	t.Parallel()
	before := policyOf(t, port(7001, anywhere()), port(7002, anywhere()), port(7003, network("198.18.0.0/16")))
	after := policyOf(t, port(7001, anywhere()), port(7003, network("198.18.0.0/16")))
	var stamps firewall.Stamps
	for _, p := range []*firewall.Policy{before, after} {
		if err := stamps.Enter(p, mask); err != nil {
			t.Fatal(err)
		}
	}
	l := &watch.Ledger{Stamps: &stamps}
	l.Enter(before)
	l.Enter(after)
	ends := func(from netip.Addr, to netip.Addr, port uint16, mark uint32) flows.Flow {
		return flows.Flow{Protocol: firewall.TCP, From: netip.AddrPortFrom(from, 40000), To: netip.AddrPortFrom(to, port), Mark: mark}
	}
	stranger := netip.MustParseAddr("203.0.113.9")
	for _, test := range []struct {
		name string
		flow flows.Flow
		want watch.Live
	}{
		{"marked, in force", ends(client4, server4, 7001, 0x010000), watch.Live{Rule: "web rule 1", Allowed: true, Because: "web rule 1"}},
		{"marked, removed", ends(client4, server4, 7002, 0x020000), watch.Live{Rule: "web rule 2", Removed: true}},
		{"marked, moved up", ends(client4, server4, 7003, 0x030000), watch.Live{Rule: "web rule 2", Allowed: true, Because: "web rule 2"}},
		{"marked by another rule than would do now", ends(client4, server4, 7001, 0x020000), watch.Live{Rule: "web rule 2", Removed: true, Allowed: true, Because: "web rule 1"}},
		{"not marked, in force", ends(client6, server6, 7001, 0xff), watch.Live{Rule: "web rule 1", Allowed: true, Because: "web rule 1", Evidence: trace.Predicted}},
		{"not marked, removed", ends(client6, server6, 7002, 0), watch.Live{Rule: "web rule 2", Removed: true, Evidence: trace.Predicted}},
		{"never allowed", ends(stranger, server4, 7003, 0), watch.Live{Evidence: trace.Predicted}},
		{"going out", ends(server4, client4, 443, 0), watch.Live{Allowed: true, Because: firewall.ByDefault.String(), Evidence: trace.Predicted}},
	} {
		got, ok := l.Look(&test.flow, []netip.Addr{server4, server6})
		if !ok {
			t.Errorf("%s: it is none of the groups' business", test.name)
		}
		want := test.want
		if test.want.Evidence == trace.Seen {
			want.Evidence = trace.Reported
		}
		if got.Rule != want.Rule || got.Removed != want.Removed || got.Allowed != want.Allowed || got.Because != want.Because || got.Evidence != want.Evidence {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
	lo := netip.MustParseAddr("127.0.0.1")
	foreign := []flows.Flow{ends(lo, lo, 7002, 0), ends(client4, stranger, 7002, 0), ends(server4, server4, 7002, 0)}
	for i := range foreign {
		if v, ok := l.Look(&foreign[i], []netip.Addr{server4, lo}); ok {
			t.Errorf("a flow that is none of the groups' business: %+v", v)
		}
	}
}
