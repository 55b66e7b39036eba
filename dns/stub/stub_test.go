package stub_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip/dns/stub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// resolver runs a DNS server over UDP and TCP on one port of an address of loopback, and returns that port.
func resolver(t *testing.T, h dns.HandlerFunc) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	streams, err := net.Listen("tcp", packets.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	var run sync.WaitGroup
	t.Cleanup(run.Wait) // after the servers were told to stop
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: h}, {Listener: streams, Handler: h}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		run.Go(func() { _ = s.ActivateAndServe() })
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	_, port, _ := net.SplitHostPort(packets.LocalAddr().String())
	return port
}

// stubFor makes a stub whose one resolver is at a port of loopback.
func stubFor(t *testing.T, port string, o stub.Options) *stub.Stub {
	t.Helper()
	o.File = filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(o.File, []byte("nameserver 127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := stub.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.SetPort(port)
	return s
}

func query(t *testing.T, name string, typ uint16, edns uint16) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, typ)
	if edns > 0 {
		m.SetEdns0(edns, true)
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ask(t *testing.T, s *stub.Stub, packet []byte, tcp bool) *dns.Msg {
	t.Helper()
	b, err := s.Forward(t.Context(), packet, tcp)
	if err != nil {
		t.Fatal(err)
	}
	var q, m dns.Msg
	if err := q.Unpack(packet); err != nil {
		t.Fatal(err)
	}
	if err := m.Unpack(b); err != nil {
		t.Fatal(err)
	}
	if m.Id != q.Id || !m.Response || !m.RecursionAvailable || m.Authoritative || m.Question[0] != q.Question[0] || (m.IsEdns0() != nil) != (q.IsEdns0() != nil) {
		t.Errorf("%v", &m)
	}
	return &m
}

// txt answers with n records of about 200 bytes.
func txt(n int) dns.HandlerFunc {
	return func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		m.Authoritative = true
		for i := range n {
			m.Answer = append(m.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 5}, Txt: []string{fmt.Sprint(i, strings.Repeat("x", 190))}})
		}
		m.SetEdns0(4096, false)
		if w.RemoteAddr().Network() == "udp" {
			m.Truncate(1232)
		}
		_ = w.WriteMsg(m)
	}
}

func TestStub_AsksTheResolver(t *testing.T) {
	t.Parallel()
	s := stubFor(t, resolver(t, txt(2)), stub.Options{Timeout: time.Minute})
	if m := ask(t, s, query(t, "eXample.com.", dns.TypeTXT, 0), false); len(m.Answer) != 2 || m.Truncated {
		t.Errorf("%v", m)
	}
	m := ask(t, s, query(t, "example.com.", dns.TypeTXT, 1232), false)
	if len(m.Answer) != 2 || m.IsEdns0().UDPSize() != 1232 || !m.IsEdns0().Do() {
		t.Errorf("%v", m)
	}
}

func TestStub_AnswersInTheSizeThatIsTaken(t *testing.T) {
	t.Parallel()
	s := stubFor(t, resolver(t, txt(40)), stub.Options{Timeout: time.Minute})
	for _, c := range []struct {
		edns uint16
		tcp  bool
		max  int
		all  bool
	}{{0, false, 512, false}, {1232, false, 1232, false}, {4096, false, 1232, false}, {0, true, 65535, true}, {512, true, 65535, true}} {
		packet := query(t, "example.com.", dns.TypeTXT, c.edns)
		b, err := s.Forward(t.Context(), packet, c.tcp)
		if err != nil || len(b) > c.max {
			t.Errorf("%+v: %d bytes, %v", c, len(b), err)
		}
		if m := ask(t, s, packet, c.tcp); m.Truncated == c.all || (len(m.Answer) == 40) != c.all {
			t.Errorf("%+v: %d records, truncated %v", c, len(m.Answer), m.Truncated)
		}
	}
}

func TestStub_AnswersLocalhostItself(t *testing.T) {
	t.Parallel()
	s := stubFor(t, resolver(t, func(_ dns.ResponseWriter, q *dns.Msg) { t.Errorf("the resolver was asked %v", q.Question) }), stub.Options{Timeout: time.Minute})
	for name, typ := range map[string]uint16{"localhost.": dns.TypeA, "a.b.LOCALHOST.": dns.TypeAAAA} {
		m := ask(t, s, query(t, name, typ, 0), false)
		if len(m.Answer) != 1 || m.Answer[0].Header().Name != name || m.Rcode != 0 {
			t.Errorf("%v", m)
		}
		switch rr := m.Answer[0].(type) {
		case *dns.A:
			if !rr.A.IsLoopback() {
				t.Errorf("%v", rr)
			}
		case *dns.AAAA:
			if !rr.AAAA.IsLoopback() {
				t.Errorf("%v", rr)
			}
		}
	}
	if m := ask(t, s, query(t, "localhost.", dns.TypeMX, 0), false); len(m.Answer) != 0 || m.Rcode != 0 {
		t.Errorf("%v", m)
	}
}

func TestStub_SaysWhenThereIsNoAnswer(t *testing.T) {
	t.Parallel()
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(closed.LocalAddr().String())
	closed.Close()
	s := stubFor(t, port, stub.Options{Timeout: 200 * time.Millisecond})
	if _, err := s.Forward(t.Context(), query(t, "example.com.", dns.TypeA, 0), false); err == nil || !strings.Contains(err.Error(), "no resolver of") {
		t.Errorf("%v", err)
	}
	if _, err := s.Forward(t.Context(), []byte{1, 2, 3}, false); err == nil {
		t.Error("three bytes are a question")
	}
	failing := stubFor(t, resolver(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		_ = w.WriteMsg(m.SetRcode(q, dns.RcodeServerFailure))
	}), stub.Options{Timeout: time.Minute})
	if m := ask(t, failing, query(t, "example.com.", dns.TypeA, 0), false); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("%v", m)
	}
}

func TestStub_NeverAsksItself(t *testing.T) {
	t.Parallel()
	port := resolver(t, func(_ dns.ResponseWriter, q *dns.Msg) { t.Errorf("we were asked %v", q.Question) })
	for _, self := range []string{"127.0.0.1:" + port, "0.0.0.0:" + port, "[::]:" + port} {
		s := stubFor(t, port, stub.Options{Timeout: time.Minute, Self: []netip.AddrPort{netip.MustParseAddrPort(self)}})
		m := ask(t, s, query(t, "example.com.", dns.TypeA, 1232), false)
		if m.Rcode != dns.RcodeRefused || len(m.IsEdns0().Option) != 1 || !strings.Contains(m.IsEdns0().Option[0].String(), "this server itself") {
			t.Errorf("%s: %v", self, m)
		}
	}
}

// A resolver that asks us in turn gets its question back refused, and soon.
func TestStub_RefusesCircles(t *testing.T) {
	t.Parallel()
	var s *stub.Stub
	made := make(chan struct{})
	port := resolver(t, func(w dns.ResponseWriter, q *dns.Msg) {
		<-made
		b, err := q.Pack()
		if err != nil {
			return
		}
		if b, err = s.Forward(context.Background(), b, false); err == nil {
			_, _ = w.Write(b)
		}
	})
	s = stubFor(t, port, stub.Options{Timeout: time.Minute})
	close(made)
	m := ask(t, s, query(t, "example.com.", dns.TypeA, 1232), false)
	if m.Rcode != dns.RcodeRefused || !strings.Contains(m.IsEdns0().String(), "came back") {
		t.Errorf("%v", m)
	}
}
