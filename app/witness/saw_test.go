package witness

import (
	"net/netip"
	"testing"

	"github.com/roundtrip-dev/roundtrip/trace"
	"github.com/roundtrip-dev/roundtrip/why"
)

func TestIsOurs_LeavesStrangers(t *testing.T) {
	t.Parallel()
	refused := func(client string) *trace.Snapshot {
		return &trace.Snapshot{
			Kind: trace.Connection, Client: netip.MustParseAddr(client), Reason: trace.ReasonOf("firewall.no_rule"),
			Hops: []trace.Hop{{Layer: trace.Firewall, Verdict: trace.Deny, Reason: trace.ReasonOf("firewall.no_rule")}},
		}
	}
	for _, c := range []struct {
		from, client string
		want         bool
	}{
		{"198.51.100.7:50000", "198.51.100.7", true},
		{"198.51.100.7:50000", "203.0.113.66", false},
		{"192.168.1.4:50000", "203.0.113.66", true}, // it may be that of the translator on the way
		{"0.0.0.0:50000", "203.0.113.66", true},
		{"127.0.0.1:50000", "203.0.113.66", false},
	} {
		asked := &why.Asked{Host: "shop.test", From: []netip.AddrPort{netip.MustParseAddrPort(c.from)}}
		if exact, ok := isOurs(refused(c.client), asked); exact || ok != c.want {
			t.Errorf("tried from %s, refused was %s: %v", c.from, c.client, ok)
		}
	}
}
