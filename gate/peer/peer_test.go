package peer_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/gate/peer"
)

func trust(prefixes ...string) *peer.Trust {
	t := &peer.Trust{Knows: func(host string) bool { return host == "known.test" || host == "known.test:8443" }}
	for _, p := range prefixes {
		t.Proxies = append(t.Proxies, netip.MustParsePrefix(p))
	}
	return t
}

func request(headers ...string) *http.Request {
	r := &http.Request{Method: http.MethodGet, Host: "asked.test", Header: http.Header{}}
	for i := 0; i < len(headers); i += 2 {
		r.Header[headers[i]] = append(r.Header[headers[i]], headers[i+1])
	}
	return r
}

func TestTrust_WalksFromTheNearestProxyToTheFirstThatIsNotTrusted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		headers   []string
		addr, via string
	}{
		"nothing said":              {nil, "10.0.0.1", ""},
		"one client":                {[]string{"X-Forwarded-For", "203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		"what the client invented":  {[]string{"X-Forwarded-For", "127.0.0.1, 203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		"two proxies":               {[]string{"X-Forwarded-For", "8.8.8.8, 203.0.113.9, 10.0.0.2"}, "203.0.113.9", "203.0.113.9, 10.0.0.2"},
		"two lines":                 {[]string{"X-Forwarded-For", "8.8.8.8", "X-Forwarded-For", "203.0.113.9,10.0.0.2"}, "203.0.113.9", "203.0.113.9, 10.0.0.2"},
		"proxies alone":             {[]string{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}, "10.0.0.3", "10.0.0.3, 10.0.0.2"},
		"garbage on the left":       {[]string{"X-Forwarded-For", "\"<x>, 203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
		"garbage behind a proxy":    {[]string{"X-Forwarded-For", "203.0.113.9, nonsense, 10.0.0.2"}, "10.0.0.2", "10.0.0.2"},
		"garbage at once":           {[]string{"X-Forwarded-For", "203.0.113.9, unknown"}, "10.0.0.1", ""},
		"empty":                     {[]string{"X-Forwarded-For", ""}, "10.0.0.1", ""},
		"comma at the end":          {[]string{"X-Forwarded-For", "203.0.113.9,"}, "10.0.0.1", ""},
		"IPv6":                      {[]string{"X-Forwarded-For", "2001:db8::9"}, "2001:db8::9", "2001:db8::9"},
		"IPv6 in brackets":          {[]string{"X-Forwarded-For", "[2001:db8::9]"}, "2001:db8::9", "2001:db8::9"},
		"IPv6 with port":            {[]string{"X-Forwarded-For", "[2001:db8::9]:4711"}, "2001:db8::9", "2001:db8::9"},
		"IPv6 with zone":            {[]string{"X-Forwarded-For", "fe80::1%eth0"}, "10.0.0.1", ""},
		"IPv4 with port":            {[]string{"X-Forwarded-For", "203.0.113.9:4711"}, "203.0.113.9", "203.0.113.9"},
		"IPv4 in IPv6":              {[]string{"X-Forwarded-For", "203.0.113.9, ::ffff:10.0.0.2"}, "203.0.113.9", "203.0.113.9, 10.0.0.2"},
		"leading zeros":             {[]string{"X-Forwarded-For", "203.0.113.009"}, "10.0.0.1", ""},
		"Forwarded":                 {[]string{"Forwarded", "for=8.8.8.8, for=203.0.113.9;proto=https"}, "203.0.113.9", "203.0.113.9"},
		"Forwarded quoted":          {[]string{"Forwarded", `For="[2001:db8::9]:80";by=10.0.0.1, for=10.0.0.2`}, "2001:db8::9", "2001:db8::9, 10.0.0.2"},
		"Forwarded comma in quotes": {[]string{"Forwarded", `for=8.8.8.8, for=203.0.113.9;ext="a,for=1.2.3.4"`}, "203.0.113.9", "203.0.113.9"},
		"Forwarded open quote left": {[]string{"Forwarded", `for="8.8.8.8, for=203.0.113.9`}, "203.0.113.9", "203.0.113.9"},
		"Forwarded open quote":      {[]string{"Forwarded", `for=203.0.113.9;x="`}, "10.0.0.1", ""},
		"Forwarded escape":          {[]string{"Forwarded", `for="203.0.113.9\"`}, "10.0.0.1", ""},
		"Forwarded unknown":         {[]string{"Forwarded", "for=203.0.113.9, for=unknown"}, "10.0.0.1", ""},
		"Forwarded hidden":          {[]string{"Forwarded", "for=203.0.113.9, for=_hidden"}, "10.0.0.1", ""},
		"Forwarded twice for":       {[]string{"Forwarded", "for=203.0.113.9;for=203.0.113.8"}, "10.0.0.1", ""},
		"both":                      {[]string{"Forwarded", "for=8.8.8.8", "X-Forwarded-For", "203.0.113.9"}, "203.0.113.9", "203.0.113.9"},
	} {
		r := request(c.headers...)
		m := trust("10.0.0.0/8").Meet(r, netip.MustParseAddr("10.0.0.1"), nil)
		if m.Peer.Addr.String() != c.addr || m.Peer.Via != c.via || m.Peer.Direct.String() != "10.0.0.1" {
			t.Errorf("%s: %+v, want %s via %q", name, m.Peer, c.addr, c.via)
		}
		if len(r.Header) != 0 || m.Note == "" {
			t.Errorf("%s: left %v, note %q", name, r.Header, m.Note)
		}
		if name == "both" != strings.Contains(m.Note, "Forwarded is not") {
			t.Errorf("%s: %q", name, m.Note)
		}
	}
}

func TestTrust_BelievesSchemeAndHostOfTrustedProxiesAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		direct  string
		tls     bool
		headers []string
		secure  bool
		host    string
	}{
		"https ended before us":  {"10.0.0.1", false, []string{"X-Forwarded-Proto", "https"}, true, "asked.test"},
		"any case":               {"10.0.0.1", false, []string{"X-Forwarded-Proto", "HTTPS"}, true, "asked.test"},
		"http before TLS to us":  {"10.0.0.1", true, []string{"X-Forwarded-Proto", "http"}, false, "asked.test"},
		"no word":                {"10.0.0.1", true, nil, true, "asked.test"},
		"a foreign word":         {"10.0.0.1", false, []string{"X-Forwarded-Proto", "gopher"}, false, "asked.test"},
		"a list":                 {"10.0.0.1", false, []string{"X-Forwarded-For", "203.0.113.9, 10.0.0.2", "X-Forwarded-Proto", "http, https, http"}, true, "asked.test"},
		"Forwarded":              {"10.0.0.1", false, []string{"Forwarded", "for=203.0.113.9;proto=https;host=known.test"}, true, "known.test"},
		"Forwarded of nobody":    {"10.0.0.1", false, []string{"Forwarded", "for=unknown;proto=https"}, true, "asked.test"},
		"host":                   {"10.0.0.1", false, []string{"X-Forwarded-Host", "known.test:8443"}, false, "known.test:8443"},
		"host that is not ours":  {"10.0.0.1", false, []string{"X-Forwarded-Host", "evil.test"}, false, "asked.test"},
		"a stranger says https":  {"203.0.113.9", false, []string{"X-Forwarded-Proto", "https"}, false, "asked.test"},
		"a stranger says http":   {"203.0.113.9", true, []string{"X-Forwarded-Proto", "http"}, true, "asked.test"},
		"a stranger says a host": {"203.0.113.9", true, []string{"X-Forwarded-Host", "known.test"}, true, "asked.test"},
	} {
		r := request(c.headers...)
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		m := trust("10.0.0.0/8").Meet(r, netip.MustParseAddr(c.direct), nil)
		if m.Peer.Secure != c.secure || m.Peer.Host != c.host {
			t.Errorf("%s: %+v", name, m.Peer)
		}
		if len(r.Header) != 0 {
			t.Errorf("%s: left %v", name, r.Header)
		}
	}
}

func TestTrust_TakesOffWhatAStrangerMustNotSay(t *testing.T) {
	t.Parallel()
	lies := []string{
		"X-Forwarded-For", "X-Forwarded-Prefix", "Forwarded", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip",
		"X-Original-Url", "X-Rewrite-Url", "X-Remote-User", "X-Auth-Request-User", "Remote-User", "X-Forwarded-Client-Cert", "Proxy",
	}
	truths := []string{"Accept", "Cookie", "Authorization", "Via", "X-Requested-With", "X-Csrf-Token", "User-Agent", "X-Api-Key"}
	for _, name := range append(slices.Clone(lies), truths...) {
		if http.CanonicalHeaderKey(name) != name {
			t.Fatalf("%s is not canonical", name)
		}
		r := request(name, "x")
		m := trust("10.0.0.0/8").Meet(r, netip.MustParseAddr("203.0.113.9"), nil)
		if lie := slices.Contains(lies, name); lie != (r.Header[name] == nil) || lie != peer.Forgeable(name) {
			t.Errorf("%s: left %v", name, r.Header)
		}
		if m.Peer.Addr != m.Peer.Direct || m.Peer.Via != "" || m.Note != "" {
			t.Errorf("%s: %+v", name, m)
		}
	}
	r := request("X-Remote-User", "ann", "X-Forwarded-For", "203.0.113.9", "Proxy", "x")
	trust("10.0.0.0/8").Meet(r, netip.MustParseAddr("10.0.0.1"), nil)
	if len(r.Header) != 1 || r.Header["X-Remote-User"] == nil {
		t.Errorf("of a trusted proxy is left: %v", r.Header)
	}
}

func TestStripAliases_LetsPassWhatARouteNames(t *testing.T) {
	t.Parallel()
	old := "X_Old" // as an HTTP/1 client may send it
	r := request(old, "1", "X.Dotted", "2", "X_real_ip", "3", "X-Fine", "4")
	m := trust().Meet(r, netip.MustParseAddr("203.0.113.9"), nil)
	if !m.Aliases {
		t.Error("aliases were not seen")
	}
	peer.StripAliases(r.Header, []string{"x_old", "X_Real_IP"})
	if len(r.Header) != 2 || r.Header[old] == nil || r.Header["X-Fine"] == nil {
		t.Errorf("%v", r.Header)
	}
}

func TestFrom_FindsThePeerOfTheRequestBeforeThatOfTheConnection(t *testing.T) {
	t.Parallel()
	var slot peer.Slot
	ctx := peer.WithSlot(context.Background(), &slot)
	if p := peer.From(ctx); p == nil || p.Addr.IsValid() {
		t.Errorf("%+v", p)
	}
	first, second := &peer.Peer{Host: "a"}, &peer.Peer{Host: "b"}
	for i, keep := range []*peer.Peer{first, first, second} {
		if slot.Keep(keep) != (keep == first) {
			t.Errorf("keep %d: the slot is filled once", i)
		}
	}
	if peer.From(ctx) != first || peer.From(peer.With(ctx, second)) != second {
		t.Error("the wrong peer was found")
	}
	tr, direct := trust("10.0.0.0/8"), netip.MustParseAddr("203.0.113.9")
	m := tr.Meet(request(), direct, nil)
	if again := tr.Meet(request(), direct, m.Peer); again.Peer != m.Peer {
		t.Error("the peer of the connection is not used again")
	}
	other := request()
	other.Host = "other.test"
	if again := tr.Meet(other, direct, m.Peer); again.Peer.Host != "other.test" {
		t.Error("another host has the same peer")
	}
}

// FuzzTrust checks that the walk never believes what stands left of the first address that is not trusted, whatever a
// client writes there.
func FuzzTrust_BelievesOnlyWhatTrustedProxiesSaid(f *testing.F) {
	for _, s := range []string{"", "1.2.3.4", `"`, `\`, `"a, b`, "for=1.2.3.4", `for="1.2.3.4`, "[::1]:80,", "unknown, 10.0.0.9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, invented string) {
		tr, direct := trust("10.0.0.0/8"), netip.MustParseAddr("10.0.0.1")
		for name, said := range map[string]string{"X-Forwarded-For": "203.0.113.9, 10.0.0.2", "Forwarded": `for=203.0.113.9;proto=https, for="10.0.0.2"`} {
			for _, headers := range [][]string{{name, invented + ", " + said}, {name, invented, name, said}} {
				if m := tr.Meet(request(headers...), direct, nil); m.Peer.Addr.String() != "203.0.113.9" || m.Peer.Via != "203.0.113.9, 10.0.0.2" {
					t.Fatalf("%q: %+v", headers, m.Peer)
				}
			}
			m := tr.Meet(request(name, invented), direct, nil)
			for hop := range strings.SplitSeq(m.Peer.Via, ", ") {
				if _, err := netip.ParseAddr(hop); hop != "" && err != nil {
					t.Fatalf("%q: via %q", invented, m.Peer.Via)
				}
			}
		}
	})
}
