package dns_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// alone makes a server that has no sockets, and whose clock stands still.
func alone(t testing.TB, o dns.Options) *dns.Server {
	t.Helper()
	now := time.Unix(1_800_000_000, 0)
	if o.Now == nil {
		o.Now = func() time.Time { return now }
	}
	s, err := dns.New(defaults(o, zones(t)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestServer_BoundsAnswersOfOneKindToOneNetwork(t *testing.T) {
	t.Parallel()
	limit := config.DNS{RateLimit: config.DNSLimit{Responses: 10, Slip: 2}}
	far, loopback := addrPort(t, "198.51.100.1:1000"), addrPort(t, "127.0.0.1:1000")
	cookies := alone(t, dns.Options{})
	made := unpack(t, cookies.Desk().Serve(packet(t, "www", "A", edns(1232, &miekg.EDNS0_COOKIE{Code: miekg.EDNS0COOKIE, Cookie: "0102030405060708"})), far, false))
	proof := edns(1232, made.IsEdns0().Option...)
	for _, c := range []struct {
		name             string
		ask              func(i int) []byte
		client           netip.AddrPort
		tcp, dry         bool
		whole, truncated int
	}{
		{"one name", func(int) []byte { return packet(t, "www", "A") }, far, false, false, 10, 15},
		{"names of a wildcard", func(i int) []byte { return packet(t, fmt.Sprintf("x%d.wild", i), "A") }, far, false, false, 10, 15},
		{"names that are not there", func(i int) []byte { return packet(t, fmt.Sprintf("x%d", i), "A", edns(1232)) }, far, false, false, 10, 15},
		{"names without such records", func(i int) []byte { return packet(t, []string{"www", "mail", "ns1", "ent"}[i%4], "LOC") }, far, false, false, 10, 15},
		{"names below a delegation", func(i int) []byte { return packet(t, fmt.Sprintf("x%d.sub", i), "A") }, far, false, false, 10, 15},
		{"names that are not ours", func(i int) []byte { return packet(t, fmt.Sprintf("x%d.example.com.", i), "A") }, far, false, false, 25, 0}, // errors slip whole
		{"many names", func(i int) []byte { return packet(t, []string{"www", "mail", "ns1", "ns2"}[i%4], "A") }, far, false, false, 40, 0},
		{"over TCP", func(int) []byte { return packet(t, "www", "A") }, far, true, false, 40, 0},
		{"loopback", func(int) []byte { return packet(t, "www", "A") }, loopback, false, false, 40, 0},
		{"with a cookie of ours", func(int) []byte { return packet(t, "www", "A", proof) }, far, false, false, 40, 0},
		{"with a cookie of its own", func(int) []byte {
			return packet(t, "www", "A", edns(1232, &miekg.EDNS0_COOKIE{Code: miekg.EDNS0COOKIE, Cookie: "0102030405060708"}))
		}, far, false, false, 10, 15},
		{"a dry run", func(int) []byte { return packet(t, "www", "A") }, far, false, true, 40, 0},
	} {
		limit.RateLimit.DryRun = c.dry
		s := alone(t, dns.Options{Config: limit})
		d := s.Desk()
		whole, truncated := 0, 0
		for i := range 40 {
			switch b := d.Serve(c.ask(i), c.client, c.tcp); {
			case b == nil:
			case unpack(t, b).Truncated:
				if m := unpack(t, b); len(m.Answer)+len(m.Ns) != 0 || (m.IsEdns0() != nil) != strings.Contains(c.name, "there") && !strings.Contains(c.name, "cookie") {
					t.Errorf("%s: %v", c.name, m)
				}
				truncated++
			default:
				whole++
			}
		}
		if c.name == "many names" && whole < 40 {
			t.Errorf("%s: %d of 40", c.name, whole)
		} else if whole != c.whole || truncated != c.truncated {
			t.Errorf("%s: %d whole and %d truncated, want %d and %d", c.name, whole, truncated, c.whole, c.truncated)
		}
		st := s.Stats()
		if c.dry && (st.WouldLimit != 30 || st.Limited != 0) || !c.dry && st.Limited+uint64(whole+truncated) != 40 {
			t.Errorf("%s: %+v", c.name, st)
		}
	}
}

func TestServer_TakesANewDeclaration(t *testing.T) {
	t.Parallel()
	s := alone(t, dns.Options{Config: config.DNS{RateLimit: config.DNSLimit{Responses: 1}}})
	d, far, ask := s.Desk(), addrPort(t, "198.51.100.1:1000"), packet(t, "www", "A", edns(1232, &miekg.EDNS0_NSID{Code: miekg.EDNS0NSID}))
	d.Serve(ask, far, false)
	if d.Serve(ask, far, false) != nil {
		t.Error("the limit does not hold")
	}
	s.Configure(config.DNS{RateLimit: config.DNSLimit{Responses: 1, Off: true}, Identity: "b"})
	if b := d.Serve(ask, far, false); b == nil || !strings.HasSuffix(brief(unpack(t, b)), " nsid 62") {
		t.Errorf("%x", b)
	}
}

func TestServer_CountsConnectionsOfEachClient(t *testing.T) {
	t.Parallel()
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	c := config.DNS{
		Clients: config.DNSClients{Connections: 8, PerClient: 2},
		Zones:   []config.Zone{{Transfer: &config.Transfer{To: []config.TransferPeer{{Addr: netip.AddrPortFrom(b, 53)}}}}},
	}
	in := alone(t, dns.Options{}).Crowd(c, a, a, a, b, b, b, b, netip.MustParseAddr("::1"), netip.MustParseAddr("::1"), netip.MustParseAddr("::1"))
	if want := []bool{true, true, false, true, true, true, true, true, true, false}; !slices.Equal(in, want) {
		t.Errorf("%v, want %v", in, want)
	}
}

func TestServer_AsksTheFirewall(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	h := run(t, "127.0.0.1", dns.Options{Admit: func(udp bool, client netip.AddrPort) bool {
		asked.Add(1)
		return !udp && client.Addr().IsLoopback()
	}})
	udp := dial(t, "udp", h.udp)
	write(t, udp, packet(t, "www", "A"))
	if m := unpack(t, exchange(t, "tcp", h.tcp, packet(t, "www", "A"))); len(m.Answer) != 2 {
		t.Errorf("%v", m)
	}
	for h.Stats().Barred == 0 { // the datagram may still be on its way
		time.Sleep(time.Millisecond)
	}
	if s := h.Stats(); s.UDP != 1 || s.Barred != 1 || s.Rcodes["NOERROR"] != 1 || asked.Load() != 2 {
		t.Errorf("%+v, asked %d times", s, asked.Load())
	}
}

func TestServer_WithoutZonesRefuses(t *testing.T) {
	t.Parallel()
	d := alone(t, dns.Options{Zones: func() *zone.Set { return nil }}).Desk()
	for _, typ := range []string{"A", "AXFR"} {
		if m := unpack(t, d.Serve(packet(t, "www", typ), addrPort(t, "198.51.100.1:1000"), true)); m.Rcode != miekg.RcodeRefused && m.Rcode != miekg.RcodeNotAuth {
			t.Errorf("%v", m)
		}
	}
}

// A mistake of ours costs one answer.
func TestServer_OutlivesACrash(t *testing.T) {
	t.Parallel()
	s := alone(t, dns.Options{Recorder: recorder(), Visit: func(j *trace.Journey, _ bool, _ netip.AddrPort) {
		if j.Method == "A" {
			panic("a mistake")
		}
	}})
	d, far := s.Desk(), addrPort(t, "198.51.100.1:1000")
	if got := brief(unpack(t, d.Serve(packet(t, "www", "A", edns(1232)), far, false))); got != "SERVFAIL 0/0/0 opt 1232" {
		t.Errorf("%s", got)
	}
	if got := brief(unpack(t, d.Serve(packet(t, "www", "AAAA"), far, false))); got != "NOERROR aa 1/0/0" || s.Stats().Panics != 1 {
		t.Errorf("%s, %+v", got, s.Stats())
	}
}

func TestServer_LeavesToOthersWhatIsTheirs(t *testing.T) {
	t.Parallel()
	for _, handled := range []bool{true, false} {
		var seen atomic.Int32
		h := run(t, "127.0.0.1", dns.Options{Slow: func(_ context.Context, x *dns.Exchange) bool {
			seen.Add(1)
			if x.Query.Key == nil || x.Local.String() != "127.0.0.1" || !x.Client.IsValid() || x.TCP != x.Query.TCP {
				t.Errorf("%+v", x)
			}
			if !handled {
				return false
			}
			answer := x.Answer(x.Query, 300)
			if n := len(answer); n > 300 {
				t.Errorf("%d bytes", n)
			}
			if x.TCP {
				_ = x.Reply(answer)
			}
			return x.Reply(answer) == nil
		}})
		signed := func(m *miekg.Msg) { m.SetTsig("key.", miekg.HmacSHA256, 300, 1) }
		asks := [][]byte{
			packet(t, "@", "SOA", signed), packet(t, "@", "SOA", func(m *miekg.Msg) { m.Opcode = miekg.OpcodeNotify }),
			packet(t, "@", "SOA", func(m *miekg.Msg) { m.Opcode = miekg.OpcodeUpdate }),
		}
		if !handled { // a fast answer to these makes no sense
			asks = append(asks, packet(t, "@", "IXFR"), packet(t, "@", "AXFR"))
		}
		for _, ask := range asks {
			for _, network := range []string{"udp", "tcp"} {
				m := unpack(t, exchange(t, network, h.udp, ask))
				if refused := m.Rcode == miekg.RcodeRefused || m.Rcode == miekg.RcodeFormatError; refused == handled {
					t.Errorf("%s, handled %v: %v", network, handled, m)
				}
			}
		}
		if int(seen.Load()) != 2*len(asks) || h.Stats().Slow != uint64(seen.Load()) {
			t.Errorf("%d were left, %+v", seen.Load(), h.Stats())
		}
	}
}

func TestServer_ForwardsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	var fails atomic.Bool
	o := dns.Options{Forward: func(_ context.Context, b []byte, _ bool) ([]byte, error) {
		if fails.Load() {
			return nil, context.DeadlineExceeded
		}
		m := new(miekg.Msg)
		if err := m.Unpack(b); err != nil {
			return nil, err
		}
		m.Response, m.RecursionAvailable, m.Ns = true, true, []miekg.RR{&miekg.NS{Hdr: miekg.RR_Header{Name: ".", Rrtype: miekg.TypeNS, Class: miekg.ClassINET}, Ns: "far."}}
		return m.Pack()
	}}
	h := run(t, "127.0.0.1", o)
	rd := func(m *miekg.Msg) { m.RecursionDesired = true }
	for _, network := range []string{"udp", "tcp"} {
		for _, c := range []struct {
			name   string
			change func(*miekg.Msg)
			want   string
		}{
			{"www", rd, "NOERROR aa rd ra 2/0/0"},
			{"nope", rd, "NXDOMAIN aa rd ra 0/1/0"},
			{"example.com.", rd, "NOERROR rd ra 0/1/0"},
			{"example.com.", func(*miekg.Msg) {}, "REFUSED ra 0/0/0"},
			{"example.com.", func(m *miekg.Msg) { rd(m); m.Question[0].Qclass = miekg.ClassCHAOS }, "REFUSED rd ra 0/0/0"},
		} {
			if got := brief(unpack(t, exchange(t, network, h.udp, packet(t, c.name, "A", c.change)))); got != c.want {
				t.Errorf("%s %s: %s, want %s", network, c.name, got, c.want)
			}
		}
	}
	fails.Store(true)
	if got := brief(unpack(t, exchange(t, "tcp", h.udp, packet(t, "example.com.", "A", rd, edns(1232))))); got != "SERVFAIL rd ra 0/0/0 opt 1232 ede 23: no resolver of this machine gave an answer" {
		t.Errorf("%s", got)
	}
	d := alone(t, o).Desk()
	if got := brief(unpack(t, d.Serve(packet(t, "example.com.", "A", rd), addrPort(t, "198.51.100.1:1000"), false))); got != "REFUSED rd 0/0/0" {
		t.Errorf("a stranger: %s", got)
	}
}

// Nothing is allocated for an answer, whatever it is and whatever the client can do.
func TestServer_Allocates(t *testing.T) {
	clock := time.Now()
	s := alone(t, dns.Options{
		Config: config.DNS{RateLimit: config.DNSLimit{Responses: 1_000_000_000, Slip: 2}, Identity: "ams-1"}, Now: func() time.Time { return clock },
		Recorder: trace.New(trace.Options{Now: time.Now, Recent: 64}), Admit: func(bool, netip.AddrPort) bool { return true },
	})
	d := s.Desk()
	client := addrPort(t, "198.51.100.1:1000")
	cookie := edns(1232, &miekg.EDNS0_COOKIE{Code: miekg.EDNS0COOKIE, Cookie: "0102030405060708"}, &miekg.EDNS0_NSID{Code: miekg.EDNS0NSID})
	for name, b := range map[string][]byte{
		"positive": packet(t, "www", "A"), "EDNS": packet(t, "www", "A", edns(1232)), "cookie and NSID": packet(t, "www", "A", cookie),
		"NODATA": packet(t, "www", "MX", edns(1232)), "NXDOMAIN": packet(t, "nope", "A", edns(1232)), "wildcard": packet(t, "x.wild", "A"),
		"CNAME": packet(t, "chain1", "A"), "DNAME": packet(t, "a.dn", "A"), "referral": packet(t, "x.sub", "A"), "truncated": packet(t, "big", "TXT", edns(1232)),
		"refused": packet(t, "example.com.", "A", edns(1232)), "ANY": packet(t, "@", "ANY"), "malformed": packet(t, "www", "A")[:20],
		"CH": packet(t, "version.bind.", "TXT", func(m *miekg.Msg) { m.Question[0].Qclass = miekg.ClassCHAOS }),
	} {
		for range 100 { // the few that have a journey in this second
			d.Serve(b, client, false)
		}
		if n := testing.AllocsPerRun(200, func() { d.Serve(b, client, false) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkServe(b *testing.B) {
	s := alone(b, dns.Options{Now: time.Now, Recorder: trace.New(trace.Options{Now: time.Now, Recent: 64}), Config: config.DNS{RateLimit: config.DNSLimit{Responses: 1_000_000_000, Slip: 2}}})
	d, client := s.Desk(), addrPort(b, "198.51.100.1:1000")
	for name, q := range map[string][]byte{
		"positive": packet(b, "www", "A", edns(1232)), "NXDOMAIN": packet(b, "nope", "A", edns(1232)), "wildcard": packet(b, "x.wild", "A", edns(1232)),
		"cookie": packet(b, "www", "A", edns(1232, &miekg.EDNS0_COOKIE{Code: miekg.EDNS0COOKIE, Cookie: hex.EncodeToString([]byte("12345678"))})),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.Serve(q, client, false)
			}
		})
	}
}
