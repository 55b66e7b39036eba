package transfer_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	miekg "github.com/miekg/dns"
	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/transfer"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const origin = "example.test"

// secret is what the primary and its secondaries share.
var secret = base64.StdEncoding.EncodeToString([]byte("a secret that two servers share!"))

// house is a primary: the server and the transfers, joined as the app joins them.
type house struct {
	*transfer.Service

	zones    atomic.Pointer[zone.Set]
	declared atomic.Pointer[config.DNS]
	recorder *trace.Recorder
	addr     netip.AddrPort
	now      func() time.Time
}

// key declares a key; its secret lies in a file.
func key(t testing.TB, name, algorithm string) config.TSIGKey {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.TSIGKey{Name: name, Algorithm: algorithm, Secret: config.Secret{File: path}}
}

// to declares who may copy; nobody is told.
func to(key string, peers ...string) *config.Transfer {
	t := &config.Transfer{Key: config.Name{Text: key}}
	for _, p := range peers {
		addr, err := netip.ParseAddrPort(p)
		if err != nil {
			addr = netip.AddrPortFrom(netip.MustParseAddr(p), 53)
		}
		t.To = append(t.To, config.TransferPeer{Addr: addr})
	}
	return t
}

// declare makes a declaration of one zone from the file of the study, and perhaps others.
func declare(t testing.TB, z config.Zone, more ...config.Zone) *config.DNS {
	t.Helper()
	file, err := filepath.Abs("../zone/testdata/example.test.zone")
	if err != nil {
		t.Fatal(err)
	}
	z.Name, z.File = origin, file
	d := &config.DNS{
		Zones: append([]config.Zone{z}, more...),
		Keys:  []config.TSIGKey{key(t, "secondary", "hmac-sha256"), key(t, "second", "hmac-sha384"), key(t, "third", "hmac-sha512")},
	}
	for i := range d.Zones {
		z := &d.Zones[i]
		if z.TTL == 0 {
			z.TTL = time.Hour
		}
		if z.Negative == 0 {
			z.Negative = 5 * time.Minute
		}
		if z.Contact == "" {
			z.Contact = "hostmaster@" + z.Name
		}
	}
	return d
}

// build makes the zones of a declaration, with a serial that is at least the one given.
func build(t testing.TB, d *config.DNS, serial uint32) *zone.Set {
	t.Helper()
	var all []*zone.Zone
	for i := range d.Zones {
		z, mistakes := zone.Build(zone.Options{Declared: &d.Zones[i], Serial: serial})
		for _, m := range mistakes {
			if !m.Warning {
				t.Fatalf("%v: %s (expected %s)", m.Pos, m.Message, m.Expected)
			}
		}
		all = append(all, z)
	}
	set, err := zone.NewSet(all...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// newService makes the transfers alone, without a server.
func newService(t testing.TB, d *config.DNS, serial uint32, change ...func(*transfer.Options)) *house {
	t.Helper()
	h := &house{now: time.Now}
	h.zones.Store(build(t, d, serial))
	h.declared.Store(d)
	h.recorder = trace.New(trace.Options{Now: h.now, Recent: 64})
	o := transfer.Options{
		Zones: h.zones.Load, Declared: h.declared.Load, Recorder: h.recorder, Now: h.now, Rand: rand.Reader,
		Log: slog.New(slog.NewTextHandler(testLog{t}, nil)), Retry: 20 * time.Millisecond,
	}
	for _, c := range change {
		c(&o)
	}
	var err error
	if h.Service, err = transfer.New(o); err != nil {
		t.Fatal(err)
	}
	return h
}

// open runs the primary on a port of the loopback until the test ends.
func open(t testing.TB, d *config.DNS, serial uint32, change ...func(*transfer.Options)) *house {
	t.Helper()
	h := newService(t, d, serial, change...)
	udp, tcp := listen(t)
	h.addr = udp.LocalAddr().(*net.UDPAddr).AddrPort()
	s, err := dns.New(dns.Options{
		Zones: h.zones.Load, UDP: []*net.UDPConn{udp}, TCP: []net.Listener{tcp}, Config: config.DNS{RateLimit: config.DNSLimit{Off: true}},
		Recorder: h.recorder, Now: h.now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), Slow: h.Serve,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- s.Run(ctx) }()
	go func() { ended <- h.Run(ctx) }()
	<-s.Ready()
	<-h.Ready()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	return h
}

// change puts another version of the zones in force.
func (h *house) change(t testing.TB, d *config.DNS, serial uint32) {
	t.Helper()
	h.zones.Store(build(t, d, serial))
	h.declared.Store(d)
	h.Changed()
}

// serial returns the serial of the zone now.
func (h *house) serial() uint32 { return h.zones.Load().Zones()[0].Serial() }

// listen opens one port of the loopback for both UDP and TCP.
func listen(t testing.TB) (*net.UDPConn, net.Listener) {
	t.Helper()
	for range 20 {
		tcp, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(tcp.Addr().(*net.TCPAddr).AddrPort()))
		if err == nil {
			return udp, tcp
		}
		_ = tcp.Close()
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil, nil
}

// ask sends a question and returns the answer. A signature of the answer is checked by the client, where the question has one.
func (h *house) ask(t testing.TB, network string, m *miekg.Msg) *miekg.Msg {
	t.Helper()
	c := miekg.Client{Net: network, Timeout: time.Minute, TsigSecret: map[string]string{"secondary.": secret, "second.": secret, "third.": secret}}
	r, _, err := c.Exchange(m, h.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// words returns the sentence of the Extended DNS Error.
func words(m *miekg.Msg) string {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*miekg.EDNS0_EDE); ok {
				return e.ExtraText
			}
		}
	}
	return ""
}

// texts returns records one a line, with names in small letters.
func texts(all []miekg.RR) []string {
	lines := make([]string, len(all))
	for i, rr := range all {
		rr = miekg.Copy(rr)
		rr.Header().Name = strings.ToLower(rr.Header().Name)
		lines[i] = rr.String()
	}
	return lines
}

// testLog writes what the service logs to the test.
type testLog struct{ testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// until waits for what another program does: it asks again and again, for a minute at the most.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		if done() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
