package overview

import (
	"net/netip"
	"strings"
	"testing"
)

// Viewers of the console see what the firewall drops, and not who it was.
func TestOverview_ShortensClients(t *testing.T) {
	t.Parallel()
	for client, want := range map[string]string{
		"203.0.113.77":  "it would pass if 203.0.113.0/24 were in a group",
		"2001:db8::7:1": "it would pass if 2001:db8::/56 were in a group",
	} {
		for _, mask := range []string{"", "/32", "/128"} {
			from, short := unnamed(netip.MustParseAddr(client), "it would pass if "+client+mask+" were in a group")
			if short != want || !strings.Contains(want, " "+from+" ") {
				t.Errorf("%s%s: from %s, %s", client, mask, from, short)
			}
		}
	}
}
