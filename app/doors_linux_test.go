package app_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/roundtrip-dev/roundtrip/app"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// insideEnv says that this process is the one with a network of its own.
const insideEnv = "ROUNDTRIP_TEST_INSIDE"

// inside runs the test that calls it a second time, in a process with a network of its own: one card with the addresses of
// the server and of its clients. It reports true there.
func inside(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideEnv) != "" {
		for _, line := range []string{
			"link set lo up", "link add card type veth peer name plug", "link set card up", "link set plug up",
			"addr add 198.18.0.1/24 dev card", "addr add 198.18.0.2/24 dev card", "addr add 198.18.0.3/24 dev card",
			"addr add 2001:db8::1/64 dev card nodad", "addr add 2001:db8::2/64 dev card nodad", "addr add 2001:db8::3/64 dev card nodad",
		} {
			if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
				t.Fatalf("ip %s: %v\n%s", line, err, out)
			}
		}
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("this machine gives no network namespaces (%v): run as root", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

const doorDeclaration = `
name: doors
firewall:
  enforce: process
  groups:
    web:
      - { allow: [tcp/8080, tcp/8443, udp/8443], from: [198.18.0.2, '2001:db8::2'], note: the good one }
      - { allow: tcp/22, from: anywhere }
      - { allow: [tcp/5300, udp/5300], from: [198.18.0.2, '2001:db8::2'] }
      - { allow: tcp/9000, to: 198.18.0.2 }
  attach: { edge: [web] }
  machines: { edge: [198.18.0.1] }
sites:
  doors.test:
    tls: local
    routes:
      - { path: /, respond: { status: 200, body: hello } }
      - { path: /near/, proxy: [http://198.18.0.2:9000] }
      - { path: /far/, proxy: [http://198.18.0.3:9000] }
dns: { zones: { doors.test: {} }, addresses: [198.18.0.1] }
store: { database: 'sqlite:data/doors.db', files: data/files }
`

// serving is an app that runs with doors that others can reach.
type serving struct {
	app    *app.App
	file   string
	reload chan struct{}
	out    *output
	roots  *x509.CertPool
}

func serve(t *testing.T, declaration string) *serving {
	t.Helper()
	folder := t.TempDir()
	s := &serving{file: filepath.Join(folder, "roundtrip.yaml"), reload: make(chan struct{}), out: &output{want: `"msg":"ready"`, seen: make(chan string, 1)}, roots: x509.NewCertPool()}
	if err := os.WriteFile(s.file, []byte(declaration), 0o600); err != nil {
		t.Fatal(err)
	}
	around := process.Surroundings{Out: io.Discard, Err: s.out, Now: time.Now, Rand: rand.Reader, Getenv: os.LookupEnv, Addresses: func() ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("198.18.0.1")}, nil
	}}
	var err error
	if s.app, err = app.New(app.Options{File: folder, HTTPS: ":8443", HTTP: ":8080", DNS: ":5300"}, around); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.app.Run(ctx, s.reload) }()
	select {
	case <-s.out.seen:
	case err := <-ended:
		t.Fatalf("it ended: %v\n%s", err, s.out.buf.String())
	}
	pem, err := os.ReadFile(filepath.Join(folder, "data", "certs", "local-ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	s.roots.AppendCertsFromPEM(pem)
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the app ended with %v", err)
		}
	})
	return s
}

// read puts another declaration in force and waits until it is.
func (s *serving) read(t *testing.T, declaration string) {
	t.Helper()
	s.out.mu.Lock()
	s.out.want = `"msg":"reloaded"`
	s.out.mu.Unlock()
	if err := os.WriteFile(s.file, []byte(declaration), 0o600); err != nil {
		t.Fatal(err)
	}
	s.reload <- struct{}{}
	<-s.out.seen
}

// client is a browser at an address that speaks one protocol.
func (s *serving) client(t *testing.T, protocol, from, to string) *http.Client {
	t.Helper()
	settings := &tls.Config{RootCAs: s.roots, ServerName: "doors.test", MinVersion: tls.VersionTLS12}
	if protocol == "h3" {
		transport := &http3.Transport{TLSClientConfig: settings, Dial: func(ctx context.Context, _ string, c *tls.Config, q *quic.Config) (*quic.Conn, error) {
			local, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0)))
			if err != nil {
				return nil, err
			}
			t.Cleanup(func() { _ = local.Close() })
			tr := &quic.Transport{Conn: local}
			t.Cleanup(func() { _ = tr.Close() })
			return tr.Dial(ctx, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(to), 8443)), c, q)
		}}
		t.Cleanup(func() { _ = transport.Close() })
		return &http.Client{Transport: transport, Timeout: time.Minute}
	}
	transport := &http.Transport{TLSClientConfig: settings, ForceAttemptHTTP2: protocol == "h2", DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		d := &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))}
		return d.DialContext(ctx, network, net.JoinHostPort(to, port))
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask makes a request; an answer gives its journey.
func (s *serving) ask(t *testing.T, c *http.Client, protocol string) (trace.Snapshot, error) {
	t.Helper()
	url := "https://doors.test:8443/"
	if protocol == "plain" {
		url = "http://doors.test:8080/"
	}
	resp, err := c.Get(url)
	if err != nil {
		return trace.Snapshot{}, err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	id := resp.Header.Get("X-Journey")
	return s.await(t, func(j trace.Snapshot) bool { return j.ID.String() == id }), nil
}

// await waits for a journey, which is kept just after its answer has left.
func (s *serving) await(t *testing.T, is func(trace.Snapshot) bool) trace.Snapshot {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, j := range s.app.Recorder().Select(trace.Filter{}, 4096) {
			if is(j) {
				return j
			}
		}
	}
	t.Fatal("the journey was not kept")
	return trace.Snapshot{}
}

// Two clients with addresses of a network card, over every protocol: one is let in by a rule, which each of its journeys
// names; the other one is refused. Loopback needs no rule.
func TestDoors_AreGuardedInTheProcess(t *testing.T) {
	if !inside(t) {
		return
	}
	s := serve(t, doorDeclaration)
	for _, protocol := range []string{"plain", "h1", "h2", "h3"} {
		for from, to := range map[string]string{"198.18.0.2": "198.18.0.1", "2001:db8::2": "2001:db8::1"} {
			j, err := s.ask(t, s.client(t, protocol, from, to), protocol)
			if err != nil {
				t.Errorf("%s from %s: %v", protocol, from, err)
				continue
			}
			if h := j.Hops[0]; h.Layer != trace.Firewall || h.Name != "web rule 1" || h.Note != "the good one" || h.Verdict != trace.OK || h.Evidence != trace.Seen || h.N[0] != 1 {
				t.Errorf("%s from %s: the journey begins with %+v", protocol, from, h)
			}
		}
		for from, to := range map[string]string{"198.18.0.3": "198.18.0.1", "2001:db8::3": "2001:db8::1"} {
			if _, err := s.ask(t, s.client(t, protocol, from, to), protocol); err == nil {
				t.Errorf("%s from %s: a stranger was let in", protocol, from)
			}
		}
		j, err := s.ask(t, s.client(t, protocol, "127.0.0.1", "127.0.0.1"), protocol)
		if err != nil || j.Hops[0].Note != "loopback always passes" || j.Hops[0].Name != "groups" {
			t.Errorf("%s over loopback: %v, %+v", protocol, err, j.Hops)
		}
	}
	j := s.await(t, func(j trace.Snapshot) bool { return j.Reason.Code() == "firewall.no_rule" })
	if len(j.Hops) != 1 || j.Hops[0].Layer != trace.Firewall || j.Hops[0].Verdict != trace.Deny || j.Kind != trace.Connection ||
		!strings.Contains(j.Hops[0].Note, "would pass if web rule 1 had ") || j.Client.String() != "198.18.0.3" && j.Client.String() != "2001:db8::3" {
		t.Errorf("the stranger's journey is %+v", j)
	}
	if log := s.out.String(); !strings.Contains(log, "would pass if web rule 1 had") {
		t.Errorf("the log does not say what is turned away, and why:\n%s", log)
	}
}

// A refused connection is reset: the other end knows at once that nobody is there for it.
func TestDoors_ResetWhatTheyRefuse(t *testing.T) {
	if !inside(t) {
		return
	}
	serve(t, doorDeclaration)
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("198.18.0.3")}, Timeout: time.Minute}
	for range 20 {
		c, err := d.DialContext(t.Context(), "tcp", "198.18.0.1:8443")
		if err == nil {
			_ = c.SetReadDeadline(time.Now().Add(time.Minute))
			_, err = c.Read(make([]byte, 1))
			_ = c.Close()
		}
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("the connection ended with %v", err)
		}
	}
}

// A reload changes who may connect from then on, and cuts nobody off.
func TestDoors_FollowTheDeclaration(t *testing.T) {
	if !inside(t) {
		return
	}
	s := serve(t, doorDeclaration)
	held := map[string]*http.Client{}
	for _, protocol := range []string{"h1", "h2", "h3"} {
		held[protocol] = s.client(t, protocol, "198.18.0.2", "198.18.0.1")
		if _, err := s.ask(t, held[protocol], protocol); err != nil {
			t.Fatal(err)
		}
	}
	s.read(t, strings.Replace(doorDeclaration, "198.18.0.2,", "198.18.0.3,", 1))
	for protocol, c := range held {
		if j, err := s.ask(t, c, protocol); err != nil || j.Hops[0].Name != "web rule 1" {
			t.Errorf("%s: a connection that was open was cut off: %v", protocol, err)
		}
		if _, err := s.ask(t, s.client(t, protocol, "198.18.0.2", "198.18.0.1"), protocol); err == nil {
			t.Errorf("%s: the old rule is still in force", protocol)
		}
		if _, err := s.ask(t, s.client(t, protocol, "198.18.0.3", "198.18.0.1"), protocol); err != nil {
			t.Errorf("%s: the new rule is not in force: %v", protocol, err)
		}
	}
	s.read(t, doorDeclaration[:strings.Index(doorDeclaration, "firewall:")]+doorDeclaration[strings.Index(doorDeclaration, "sites:"):])
	j, err := s.ask(t, s.client(t, "h2", "198.18.0.2", "198.18.0.1"), "h2")
	if err != nil || j.Hops[0].Layer == trace.Firewall {
		t.Errorf("without a firewall: %v, %+v", err, j.Hops)
	}
}

// The name server's doors are guarded too: a stranger gets no answer, and no sign that there is one.
func TestDoors_GuardTheNameServer(t *testing.T) {
	if !inside(t) {
		return
	}
	s := serve(t, doorDeclaration)
	query := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 7}, Question: []dns.Question{{Name: "doors.test.", Qtype: dns.TypeSOA, Qclass: dns.ClassINET}}}
	ask := func(network, from, to string) error {
		var local net.Addr = &net.UDPAddr{IP: net.ParseIP(from)}
		if network == "tcp" {
			local = &net.TCPAddr{IP: net.ParseIP(from)}
		}
		c := &dns.Client{Net: network, Timeout: 300 * time.Millisecond, Dialer: &net.Dialer{LocalAddr: local, Timeout: time.Minute}}
		if from != "198.18.0.3" && from != "2001:db8::3" {
			c.Timeout = time.Minute
		}
		answer, _, err := c.Exchange(query.Copy(), net.JoinHostPort(to, "5300"))
		if err == nil && len(answer.Answer) != 1 {
			t.Errorf("%s from %s: %v", network, from, answer)
		}
		return err
	}
	for _, network := range []string{"udp", "tcp"} {
		for from, to := range map[string]string{"198.18.0.2": "198.18.0.1", "2001:db8::2": "2001:db8::1", "127.0.0.1": "127.0.0.1"} {
			if err := ask(network, from, to); err != nil {
				t.Errorf("%s from %s: %v", network, from, err)
			}
		}
		for from, to := range map[string]string{"198.18.0.3": "198.18.0.1", "2001:db8::3": "2001:db8::1"} {
			if err := ask(network, from, to); err == nil {
				t.Errorf("%s from %s: a stranger got an answer", network, from)
			}
		}
	}
	j := s.await(t, func(j trace.Snapshot) bool { return j.Kind == trace.Drop })
	if len(j.Hops) != 1 || j.Hops[0].Layer != trace.Firewall || j.Reason.Code() != "firewall.no_rule" || !strings.Contains(j.Hops[0].Note, "would pass if web rule 3 had ") {
		t.Errorf("the stranger's journey is %+v", j)
	}
	s.await(t, func(j trace.Snapshot) bool {
		return j.Kind == trace.Query && len(j.Hops) > 0 && j.Hops[0].Layer == trace.Firewall && j.Hops[0].Name == "web rule 3"
	})
}

// What may leave is bounded too, for the connections that the server makes itself.
func TestDoors_BoundWhatLeaves(t *testing.T) {
	if !inside(t) {
		return
	}
	for _, address := range []string{"198.18.0.2:9000", "198.18.0.3:9000"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		upstream := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }), ReadHeaderTimeout: time.Second}
		go func() { _ = upstream.Serve(l) }()
		t.Cleanup(func() { _ = upstream.Close() })
	}
	s := serve(t, doorDeclaration)
	c := s.client(t, "h2", "198.18.0.2", "198.18.0.1")
	for path, want := range map[string]string{"/near/": "here", "/far/": "firewall.no_rule"} {
		resp, err := c.Get("https://doors.test:8443" + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !strings.Contains(string(body), want) || (resp.StatusCode == http.StatusOK) != (path == "/near/") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	s.await(t, func(j trace.Snapshot) bool {
		return j.Reason.Code() == "firewall.no_rule" && j.Decided >= 0 && strings.Contains(j.Hops[j.Decided].Note, "would pass if web rule 4 had 198.18.0.3 in its to:")
	})
}
