package dns_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	miekg "github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// zones is the zone of the cases, and another one that knows little.
func zones(t testing.TB) *zone.Set {
	t.Helper()
	var built []*zone.Zone
	for _, declared := range []*config.Zone{
		{Name: "example.test", File: "zone/testdata/example.test.zone"},
		{Name: "other.test", TTL: time.Hour, Negative: 5 * time.Minute, Contact: "hostmaster@other.test", Nameservers: []config.Name{{Text: "ns1.example.test"}}, Records: []config.Name{{Text: "@ AAAA 2001:db8::77"}, {Text: "* A 192.0.2.77"}}},
	} {
		z, mistakes := zone.Build(zone.Options{Declared: declared, Serial: 1})
		if z == nil {
			t.Fatalf("%s: %+v", declared.Name, mistakes)
		}
		built = append(built, z)
	}
	s, err := zone.NewSet(built...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// house is a server that runs.
type house struct {
	*dns.Server
	udp, tcp string // addresses
}

// run starts a server with the zones of the cases on an address, and stops it at the end of the test.
func run(t testing.TB, address string, o dns.Options) *house {
	t.Helper()
	udp, tcp := sockets(t, address)
	o.UDP, o.TCP = []*net.UDPConn{udp}, []net.Listener{tcp}
	return start(t, o)
}

// start starts a server that has its sockets.
func start(t testing.TB, o dns.Options) *house {
	t.Helper()
	s, err := dns.New(defaults(o, zones(t)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	<-s.Ready()
	return &house{Server: s, udp: o.UDP[0].LocalAddr().String(), tcp: o.TCP[0].Addr().String()}
}

func defaults(o dns.Options, set *zone.Set) dns.Options {
	if o.Zones == nil {
		o.Zones = func() *zone.Set { return set }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Secret = bytes.Repeat([]byte{7}, 32)
	return o
}

// sockets opens UDP and TCP on the same port.
func sockets(t testing.TB, address string) (*net.UDPConn, net.Listener) {
	t.Helper()
	for range 20 { // a port that is free for TCP may be taken for UDP
		l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
		if err != nil {
			t.Fatal(err)
		}
		a := l.Addr().(*net.TCPAddr)
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: a.IP, Port: a.Port, Zone: a.Zone})
		if err == nil {
			return c, l
		}
		l.Close()
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil, nil
}

// packet is a query: letters of the name as they are.
func packet(t testing.TB, name, typ string, change ...func(*miekg.Msg)) []byte {
	t.Helper()
	m := new(miekg.Msg)
	m.Id, m.RecursionDesired = 0x1234, false
	number, ok := miekg.StringToType[typ]
	if !ok {
		if _, err := fmt.Sscanf(typ, "TYPE%d", &number); err != nil {
			t.Fatalf("type %s", typ)
		}
	}
	m.Question = []miekg.Question{{Name: absolute(name), Qtype: number, Qclass: miekg.ClassINET}}
	for _, c := range change {
		c(m)
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// absolute is a name of example.test, @ the zone itself, or one with a dot at its end.
func absolute(name string) string {
	switch {
	case name == "@":
		return "example.test."
	case strings.HasSuffix(name, "."):
		return name
	}
	return name + ".example.test."
}

func edns(size uint16, options ...miekg.EDNS0) func(*miekg.Msg) {
	return func(m *miekg.Msg) {
		m.SetEdns0(size, false)
		m.IsEdns0().Option = options
	}
}

// dial opens a socket whose answers must come soon.
func dial(t testing.TB, network, address string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// exchange sends a packet and returns the answer.
func exchange(t testing.TB, network, address string, b []byte) []byte {
	t.Helper()
	c := dial(t, network, address)
	defer c.Close()
	if network == "tcp" {
		write(t, c, frame(b))
		return read(t, c)
	}
	write(t, c, b)
	answer := make([]byte, 65536)
	n, err := c.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	return answer[:n]
}

func write(t testing.TB, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

func frame(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }

// read reads one message over TCP.
func read(t testing.TB, c net.Conn) []byte {
	t.Helper()
	var n [2]byte
	if _, err := io.ReadFull(c, n[:]); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, binary.BigEndian.Uint16(n[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return b
}

func unpack(t testing.TB, b []byte) *miekg.Msg {
	t.Helper()
	m := new(miekg.Msg)
	if err := m.Unpack(b); err != nil {
		t.Fatalf("%v: %x", err, b)
	}
	return m
}

// brief is an answer in a line: code, flags, how many records each section has without OPT, and what OPT says.
func brief(m *miekg.Msg) string {
	var b strings.Builder
	code := m.Rcode
	b.WriteString(miekg.RcodeToString[code])
	if code == miekg.RcodeBadVers {
		b.Reset()
		b.WriteString("BADVERS")
	}
	for _, f := range []struct {
		name string
		on   bool
	}{{"aa", m.Authoritative}, {"tc", m.Truncated}, {"rd", m.RecursionDesired}, {"ra", m.RecursionAvailable}, {"ad", m.AuthenticatedData}, {"cd", m.CheckingDisabled}, {"z", m.Zero}} {
		if f.on {
			b.WriteString(" " + f.name)
		}
	}
	extra := len(m.Extra)
	opt := m.IsEdns0()
	if opt != nil {
		extra--
	}
	fmt.Fprintf(&b, " %d/%d/%d", len(m.Answer), len(m.Ns), extra)
	if opt != nil {
		fmt.Fprintf(&b, " opt %d", opt.UDPSize())
		if opt.Do() {
			b.WriteString(" do")
		}
		for _, o := range opt.Option {
			switch o := o.(type) {
			case *miekg.EDNS0_EDE:
				fmt.Fprintf(&b, " ede %d: %s", o.InfoCode, o.ExtraText)
			case *miekg.EDNS0_COOKIE:
				fmt.Fprintf(&b, " cookie %d", len(o.Cookie)/2)
			case *miekg.EDNS0_NSID:
				fmt.Fprintf(&b, " nsid %s", o.Nsid)
			default:
				fmt.Fprintf(&b, " option %d", o.Option())
			}
		}
	}
	return b.String()
}

func recorder() *trace.Recorder { return trace.New(trace.Options{Now: time.Now, Recent: 64}) }

func addrPort(t testing.TB, s string) netip.AddrPort {
	t.Helper()
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
