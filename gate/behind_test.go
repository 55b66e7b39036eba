package gate_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/peer"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// seen answers with what a station behind the gate sees of the client.
func seen(w http.ResponseWriter, r *http.Request) {
	p := peer.From(r.Context())
	fmt.Fprintf(w, "%s via %q, secure %v, tls %v, host %s, remote %s", p.Addr, p.Via, p.Secure, r.TLS != nil, p.Host, r.RemoteAddr)
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "X_alias", "X-Remote-User", "Tracestate"} {
		if v := r.Header.Get(name); v != "" || r.Header[name] != nil {
			fmt.Fprintf(w, ", %s=%s", name, v)
		}
	}
}

func behind(o *gate.Options) {
	o.Peers.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

func TestBehind_TrustedProxiesSayWhoTheClientIs(t *testing.T) {
	t.Parallel()
	h := open(t, seen, behind)
	const head = "Connection: close\r\nX-Forwarded-For: 1.2.3.4, 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 9.9.9.9\r\nX_Alias: a\r\n\r\n"
	got := raw(t, h.plain, "GET /api/x HTTP/1.1\r\nHost: gallery.localhost\r\n"+head)
	want := `203.0.113.9 via "203.0.113.9", secure true, tls true, host gallery.localhost, remote 203.0.113.9:0, X-Real-Ip=9.9.9.9`
	if !strings.HasPrefix(got, "HTTP/1.1 200") || !strings.HasSuffix(got, want) {
		t.Errorf("%s", got)
	}
	id, _, _ := strings.Cut(strings.SplitAfterN(got, "X-Journey: ", 2)[1], "\r\n")
	s := h.journey(t, id)
	if s.Client.String() != "203.0.113.9" || len(s.Hops) < 2 || s.Hops[0].Note != "behind a trusted proxy: 127.0.0.1" {
		t.Errorf("%+v", s)
	}
	got = raw(t, h.plain, "GET /x HTTP/1.1\r\nHost: other.test\r\nX-Forwarded-Host: open.localhost\r\n"+head)
	if !strings.Contains(got, "host open.localhost") {
		t.Errorf("a known host of a trusted proxy: %s", got)
	}
	got = raw(t, h.plain, "GET /x HTTP/1.1\r\nHost: open.localhost\r\nX-Forwarded-Host: other.test\r\n"+head)
	if !strings.Contains(got, "host open.localhost") {
		t.Errorf("an unknown host of a trusted proxy: %s", got)
	}
	got = raw(t, h.plain, "GET /api/x HTTP/1.1\r\nHost: gallery.localhost\r\nConnection: close\r\nX-Forwarded-Proto: http\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 308") || !strings.Contains(got, "Location: https://gallery.localhost/api/x\r\n") {
		t.Errorf("plain HTTP before the proxy: %s", got)
	}
}

func TestBehind_StrangersSayNothing(t *testing.T) {
	t.Parallel()
	h := open(t, seen)
	const lies = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: gallery.localhost\r\nX-Real-IP: 9.9.9.9\r\nX-Remote-User: root\r\n"
	got := raw(t, h.plain, "GET /x HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\n"+lies+"\r\n")
	if want := `127.0.0.1 via "", secure false, tls false, host open.localhost, remote 127.0.0.1:`; !strings.Contains(got, want) || strings.Contains(got[strings.Index(got, want):], ", X") {
		t.Errorf("%s", got)
	}
	if got := raw(t, h.plain, "GET /api/ HTTP/1.1\r\nHost: gallery.localhost\r\nConnection: close\r\n"+lies+"\r\n"); !strings.HasPrefix(got, "HTTP/1.1 308") {
		t.Errorf("a stranger's https: %s", got)
	}
	for _, h2 := range []bool{true, false} {
		a := h.do(t, h.client(t, h2), http.MethodGet, "https://gallery.localhost/api/", nil, "X-Forwarded-For", "203.0.113.9", "X_alias", "a")
		if !strings.Contains(a.body, `127.0.0.1 via "", secure true, tls true, host gallery.localhost, remote 127.0.0.1:`) || strings.Contains(a.body, ", X") {
			t.Errorf("%s: %s", a.Proto, a.body)
		}
	}
	h.gate.SwapPeers(gate.Peers{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if a := h.get(t, "http://open.localhost/", "X-Forwarded-For", "203.0.113.9"); !strings.HasPrefix(a.body, "203.0.113.9 via") {
		t.Errorf("after a reload: %s", a.body)
	}
}

// Clients of a proxy reach the proxy's ports: that of HTTP/3 is said to those who come by themselves.
func TestBehind_HTTP3IsNotOfferedThroughAProxy(t *testing.T) {
	t.Parallel()
	h, _ := openQUIC(t, seen, behind)
	if a := h.get(t, "https://gallery.localhost/api/"); a.StatusCode != 200 || a.Header["Alt-Svc"] != nil {
		t.Errorf("%s, Alt-Svc %q", a.Status, a.Header["Alt-Svc"])
	}
}

// The trace of a trusted proxy is ours too; what a stranger says of one is kept as a claim, and goes no further.
func TestBehind_TracesAreTakenUpFromTrustedProxiesAlone(t *testing.T) {
	t.Parallel()
	const id, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for name, c := range map[string]struct {
		parent        string
		trusted       bool
		adopted, kept bool
		linked        bool
	}{
		"of a trusted proxy, recorded":     {parent: "00-" + id + "-" + span + "-01", trusted: true, adopted: true, kept: true},
		"of a trusted proxy, not recorded": {parent: "00-" + id + "-" + span + "-00", trusted: true, adopted: true},
		"of a trusted proxy, broken":       {parent: "00-" + id + "-" + span, trusted: true},
		"of a stranger":                    {parent: "00-" + id + "-" + span + "-01", linked: true},
		"of a stranger, broken":            {parent: "00-" + strings.Repeat("0", 32) + "-" + span + "-01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, seen, func(o *gate.Options) {
				if c.trusted {
					behind(o)
				}
			})
			got := raw(t, h.plain, "GET /x HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\nTraceparent: "+c.parent+"\r\nTracestate: vendor=1\r\n\r\n")
			journey, _, _ := strings.Cut(strings.SplitAfterN(got, "X-Journey: ", 2)[1], "\r\n")
			if (journey == id) != c.adopted || strings.Contains(got, "Tracestate=vendor=1") != c.adopted {
				t.Errorf("journey %s: %s", journey, got)
			}
			s := h.journey(t, journey)
			linked := len(s.Links) > 1 && s.Links[0].Role == trace.Parent && s.Links[0].Evidence == trace.Reported && s.Links[0].ID.String() == id
			if s.Kept&trace.Traced != 0 != c.kept || linked != c.linked {
				t.Errorf("kept %v, links %v", s.Kept.Words(), s.Links)
			}
		})
	}
}
