package why_test

import (
	"net/netip"
	"net/url"
	"testing"

	"github.com/roundtrip-dev/roundtrip/why"
)

// A listener on one address says nothing of another, though the port be the same.
func TestConclude_RefusedWhereNobodyListens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ listens, to, want string }{
		{"127.0.0.1:8443", "[::1]:8443", "connection.no_listener"},
		{"0.0.0.0:8443", "[::1]:8443", "connection.no_listener"},
		{"127.0.0.1:8443", "203.0.113.9:8443", "connection.loopback_only"},
		{"127.0.0.1:8443", "127.0.0.1:443", "connection.no_listener"},
		{"127.0.0.1:8443", "127.0.0.1:8443", "connection.refused"},
		{"[::]:8443", "127.0.0.1:8443", "connection.refused"},
	} {
		to := netip.MustParseAddrPort(c.to)
		s := &why.Sides{
			Facts: &why.Facts{
				Target: why.Target{URL: &url.URL{Scheme: "https", Host: c.to}, Host: to.Addr().String(), Port: to.Port(), Secure: true},
				Names:  &why.Names{Source: why.Literal, Addresses: []netip.Addr{to.Addr()}},
				Dials:  []why.Dial{{To: to, Failure: why.Refused}},
			},
			Begun: &why.Begun{Reach: []netip.Addr{netip.MustParseAddr("203.0.113.9")}},
			Saw:   &why.Saw{Listens: []netip.AddrPort{netip.MustParseAddrPort(c.listens)}},
			Done:  true,
		}
		if a := why.Conclude(s); a.Reason != c.want {
			t.Errorf("%s, and the server listens on %s: %s, %s", c.to, c.listens, a.Reason, a.Sentence)
		}
	}
}
