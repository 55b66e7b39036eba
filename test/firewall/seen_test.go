package firewall

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const seenDeclaration = `
name: seen
firewall:
  rollback: off
  marks: { mask: 0xff0000 }
  groups:
    web:
      - { allow: tcp/443, from: [anywhere] }
      - { allow: [tcp/7001, udp/7001], from: [198.18.8.0/24] }
      - { allow: [tcp/7002, udp/7002], from: [198.18.8.0/24], note: goes away }
      - { allow: [tcp/7003, udp/7003], from: [198.18.8.0/24] }
  attach: { edge: [web] }
sites:
  seen.test:
    tls: local
    routes: [{ path: /, respond: { body: hello } }]
store: { database: 'sqlite:data/seen.db', files: data/files }
`

const seenAddress = "198.18.8.1"

// neighbour is another machine on a wire with the one of the test.
type neighbour struct{ calls chan func() }

// meet makes a neighbour, at 198.18.8.2; the test's own namespace is at .1.
func meet(t *testing.T) *neighbour {
	t.Helper()
	n := &neighbour{calls: make(chan func())}
	ready := make(chan int)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and its namespace with it
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Error(err)
		}
		ready <- unix.Gettid()
		for call := range n.calls {
			call()
		}
	}()
	t.Cleanup(func() { close(n.calls) })
	thread := strconv.Itoa(<-ready)
	run(t, "ip", "link", "add", "wire", "type", "veth", "peer", "name", "plug")
	run(t, "ip", "addr", "add", seenAddress+"/24", "dev", "wire")
	run(t, "ip", "link", "set", "wire", "up")
	run(t, "ip", "link", "set", "plug", "netns", thread)
	n.do(func() {
		run(t, "ip", "addr", "add", "198.18.8.2/24", "dev", "plug")
		run(t, "ip", "link", "set", "plug", "up")
	})
	return n
}

// do calls f in the neighbour's namespace.
func (n *neighbour) do(f func()) {
	done := make(chan struct{})
	n.calls <- func() { defer close(done); f() }
	<-done
}

// dial connects from the neighbour to the test's machine.
func (n *neighbour) dial(t *testing.T, network, port string) net.Conn {
	t.Helper()
	var c net.Conn
	var err error
	n.do(func() { c, err = net.DialTimeout(network, net.JoinHostPort(seenAddress, port), server.Patience) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// echo answers what comes to a port with the same, over TCP and UDP.
func echo(t *testing.T, port string) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(seenAddress, port))
	if err != nil {
		t.Fatal(err)
	}
	u, err := net.ListenPacket("udp", net.JoinHostPort(seenAddress, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = l.Close(), u.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	go func() {
		b := make([]byte, 64)
		for {
			n, from, err := u.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = u.WriteTo(b[:n], from)
		}
	}()
}

// works reports whether a byte comes back.
func works(c net.Conn, patience time.Duration) error {
	_ = c.SetDeadline(time.Now().Add(patience))
	b := []byte{'x'}
	if _, err := c.Write(b); err != nil {
		return err
	}
	_, err := io.ReadFull(bufio.NewReaderSize(c, 1), b)
	return err
}

// seenFlow is what of a listed flow the test looks at.
type seenFlow struct {
	Traffic, Remote, Rule, Evidence string
	Removed, Allowed, Out           bool
}

func flowsOf(t *testing.T, args ...string) []seenFlow {
	t.Helper()
	var a struct{ Flows []seenFlow }
	status, text := roundtrip(t, append([]string{"firewall", "flows", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(text), &a); err != nil || status != 0 {
		t.Fatalf("%d: %v: %s", status, err, text)
	}
	return a.Flows
}

// A rule is removed: what it has let in goes on, is told of, and is cut, and nothing else.
func TestCut_EndsWhatARemovedRuleHasLetIn(t *testing.T) {
	space(t)
	n := meet(t)
	run(t, "sysctl", "-q", "-w", "net.ipv4.tcp_fwmark_accept=1")
	s := server.Start(t, server.Declare(t, seenDeclaration), "--https", seenAddress+":443", "--enforce", "kernel")
	flows := map[string]net.Conn{}
	for _, port := range []string{"7001", "7002", "7003"} {
		echo(t, port)
		for _, network := range []string{"tcp", "udp"} {
			c := n.dial(t, network, port)
			flows[network+"/"+port] = c
			if err := works(c, server.Patience); err != nil {
				t.Fatalf("%s/%s: %v", network, port, err)
			}
		}
	}
	write(t, s.Folder, strings.Replace(seenDeclaration, "      - { allow: [tcp/7002, udp/7002], from: [198.18.8.0/24], note: goes away }\n", "", 1))
	s.Signal(syscall.SIGHUP)
	says(t, s, `"generation":2`)
	says(t, s, `"let_in_by":"web rule 3","flows":2`) // what goes on
	for name, c := range flows {
		if err := works(c, server.Patience); err != nil {
			t.Errorf("the reload has ended %s: %v", name, err)
		}
	}
	over := n.dial(t, "tcp", "7001") // a connection that has ended is no flow, though the kernel remembers it
	if err := works(over, server.Patience); err != nil {
		t.Fatal(err)
	}
	_ = over.(*net.TCPConn).SetLinger(0)
	_ = over.Close()
	all := flowsOf(t, s.Folder)
	if len(all) != 6 || all[0].Allowed || all[1].Allowed || !all[2].Allowed {
		t.Errorf("the flows are %+v", all)
	}
	for _, f := range all { // rule 4 is rule 3 now, and its flows are its own still
		gone := strings.HasSuffix(f.Traffic, "/7002")
		want := "web rule 3"
		if strings.HasSuffix(f.Traffic, "/7001") {
			want = "web rule 2"
		}
		if f.Rule != want || f.Removed != gone || f.Allowed == gone || f.Evidence != "reported" || f.Out || !strings.HasPrefix(f.Remote, "198.18.8.2:") {
			t.Errorf("got %+v", f)
		}
	}
	if standing := flowsOf(t, "--rule", "web 3", s.Folder); len(standing) != 2 || standing[0].Removed {
		t.Errorf("of the rule that is called web 3 now: %+v", standing)
	}

	if status, text := roundtrip(t, "firewall", "status", s.Folder); status != 0 || !strings.Contains(text, "2 flows that no rule allows any more") {
		t.Errorf("status: %d: %s", status, text)
	}
	if status, text := roundtrip(t, "firewall", "cut", s.Folder); status != 2 || !strings.Contains(text, "--removed") {
		t.Errorf("without a choice: %d: %s", status, text)
	}
	if status, text := roundtrip(t, "firewall", "cut", "--removed", s.Folder); status != 2 || !strings.Contains(text, "--yes") {
		t.Errorf("without an answer: %d: %s", status, text)
	}
	if status, text := roundtrip(t, "firewall", "cut", "--removed", "--yes", s.Folder); status != 0 || !strings.Contains(text, "Ended 2 flows") {
		t.Errorf("cut: %d: %s", status, text)
	}
	if _, err := flows["tcp/7002"].Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the flow that was cut says %v", err)
	}
	if err := works(flows["udp/7002"], 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the flow of UDP that was cut says %v", err)
	}
	for _, name := range []string{"tcp/7001", "udp/7001", "tcp/7003", "udp/7003"} {
		if err := works(flows[name], server.Patience); err != nil {
			t.Errorf("the cut has ended %s: %v", name, err)
		}
	}
	if left := flowsOf(t, "--removed", s.Folder); len(left) != 0 {
		t.Errorf("left are %+v", left)
	}
}

// What the kernel drops is listed with what would let it pass, and a request names the rule that the kernel let it in by.
func TestDrops_AreExplainedAndRequestsNameTheirRule(t *testing.T) {
	space(t)
	n := meet(t)
	run(t, "sysctl", "-q", "-w", "net.ipv4.tcp_fwmark_accept=1")
	s := server.Start(t, server.Declare(t, seenDeclaration), "--https", seenAddress+":443", "--enforce", "kernel")

	client := http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, ServerName: "seen.test"},
		DisableKeepAlives: true,
	}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://seen.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn := n.dial(t, "tcp", "443")
	client.Transport.(*http.Transport).Dial = func(string, string) (net.Conn, error) { return conn, nil } //nolint:staticcheck // made in the other namespace
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	says(t, s, `"rule":"web rule 1","rule_is":"reported"`) // by the mark, not by our own model

	c := n.dial(t, "udp", "5432")
	for range 3 {
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	var a struct {
		Mode  string
		Drops []struct {
			Traffic, Remote, Local, Reason, Evidence, Short string
			Packets                                         int
		}
		Counted []struct {
			Reason  string
			Packets int
		}
	}
	until(t, "three packets are told of", func() bool {
		status, text := roundtrip(t, "firewall", "drops", "--json", s.Folder)
		if err := json.Unmarshal([]byte(text), &a); err != nil || status != 0 {
			t.Fatalf("%d: %v: %s", status, err, text)
		}
		return len(a.Drops) == 1 && a.Drops[0].Packets == 3
	})
	d := a.Drops[0]
	if a.Mode != "kernel" || d.Traffic != "udp/5432" || d.Remote != "198.18.8.2" || d.Local != seenAddress || d.Reason != "firewall.no_rule" ||
		d.Evidence != "reported" || !strings.Contains(d.Short, "would pass if") {
		t.Errorf("got %+v", d)
	}
	counted := 0
	for _, c := range a.Counted {
		counted += c.Packets
	}
	if counted < 3 {
		t.Errorf("the kernel has counted %+v", a.Counted)
	}
	status, text := roundtrip(t, "firewall", "drops", s.Folder)
	if status != 0 || !strings.Contains(text, "udp/5432 from 198.18.8.2") || !strings.Contains(text, "would pass if") {
		t.Errorf("%d:\n%s", status, text)
	}
	for line := range strings.Lines(text) {
		if len([]rune(strings.TrimSuffix(line, "\n"))) > 80 && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
}
