package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/kernel"
)

// patience bounds waits that only a defect reaches; short is how long a test looks whether a packet that was dropped gets an
// answer after all. That it was dropped the kernel's own counter tells.
const (
	patience = time.Minute
	short    = 200 * time.Millisecond
)

// machine is another machine: a thread in a network namespace of its own.
type machine struct {
	work  chan func()
	ended chan struct{}
	tid   int
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	m := &machine{work: make(chan func()), ended: make(chan struct{})}
	ready := make(chan error)
	go func() {
		defer close(m.ended)
		runtime.LockOSThread() // ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		m.tid = unix.Gettid()
		ready <- err
		for f := range m.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(m.work); <-m.ended })
	return m
}

// do runs f on the machine.
func (m *machine) do(f func()) {
	done := make(chan struct{})
	select {
	case m.work <- func() { defer close(done); f() }:
		<-done
	case <-m.ended: // a test failed on it
	}
}

// wire joins this machine (198.18.N.1, 2001:db8:N::1) with another one (.2, ::2).
func wire(t testing.TB, m *machine, n int) {
	t.Helper()
	a, b := fmt.Sprintf("v%d", n), fmt.Sprintf("w%d", n)
	run(t, "ip", "link", "add", a, "type", "veth", "peer", "name", b, "netns", fmt.Sprint(m.tid))
	up := func(dev string, host int) {
		run(t, "ip", "addr", "add", fmt.Sprintf("198.18.%d.%d/24", n, host), "dev", dev)
		run(t, "ip", "addr", "add", fmt.Sprintf("2001:db8:%d::%d/64", n, host), "dev", dev, "nodad")
		run(t, "ip", "link", "set", dev, "up")
		settled(t, fmt.Sprintf("2001:db8:%d::%d", n, host))
	}
	up(a, 1)
	m.do(func() {
		run(t, "ip", "link", "set", "lo", "up")
		up(b, 2)
		run(t, "ip", "route", "add", "default", "via", fmt.Sprintf("198.18.%d.1", n))
	})
}

// echo answers on an address of the calling thread's namespace until the test ends: each line comes back.
func echo(t testing.TB, address string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { defer c.Close(); _, _ = io.Copy(c, c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
}

// say sends a line and reads it back.
func say(c net.Conn, line string) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, line); err != nil {
		return err
	}
	got := make([]byte, len(line))
	_, err := io.ReadFull(c, got)
	if err == nil && string(got) != line {
		err = fmt.Errorf("%q came back as %q", line, got)
	}
	return err
}

func dial(m *machine, address string, wait time.Duration) (c net.Conn, err error) {
	m.do(func() { c, err = net.DialTimeout("tcp", address, wait) })
	return c, err
}

func dialed(t testing.TB, m *machine, address string) net.Conn {
	t.Helper()
	c, err := dial(m, address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := say(c, "hello"); err != nil {
		t.Fatal(err)
	}
	return c
}

// dropped fails the test unless a connection is dropped, and counted.
func dropped(t testing.TB, k *kernel.Table, m *machine, address string) {
	t.Helper()
	before := drops(t, k)
	if c, err := dial(m, address, short); err == nil {
		_ = c.Close()
		t.Errorf("%s takes connections", address)
	} else if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("%s: %v", address, err)
	}
	if after := drops(t, k); after <= before {
		t.Errorf("nothing was counted as dropped on the way to %s", address)
	}
}

func drops(t testing.TB, k *kernel.Table) (n uint64) {
	t.Helper()
	s, err := k.State(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range s.Drops {
		n += d.Packets
	}
	return n
}

func apply(t testing.TB, k *kernel.Table, p *firewall.Policy) *kernel.Plan {
	t.Helper()
	plan := kernel.PlanOf(p, nil)
	if _, err := k.Apply(t.Context(), plan, nil); err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestPackets_GroupsDecide(t *testing.T) {
	k, client := table(t, space(t)), newMachine(t)
	wire(t, client, 1)
	for _, at := range []string{"198.18.1.1:80", "198.18.1.1:81", "[2001:db8:1::1]:80", "[2001:db8:1::1]:81", "127.0.0.1:81"} {
		echo(t, at)
	}
	client.do(func() { echo(t, "198.18.1.2:90") })
	plan := apply(t, k, policyOf(t, nil, in(anywhere(), ports(firewall.TCP, 80, 80))))
	dialed(t, client, "198.18.1.1:80")
	dialed(t, client, "[2001:db8:1::1]:80") // whose neighbours were found
	dropped(t, k, client, "198.18.1.1:81")
	dropped(t, k, client, "[2001:db8:1::1]:81")
	own, err := net.Dial("tcp", "127.0.0.1:81") // never crosses a network card
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	there, err := net.DialTimeout("tcp", "198.18.1.2:90", patience) // F1: everything may leave; F8: and its answers come in
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	if err := errors.Join(say(own, "own"), say(there, "there")); err != nil {
		t.Error(err)
	}
	state, err := k.State(t.Context(), plan)
	if err != nil || state.Rules[0].Packets != 2 { // the first packet of each connection
		t.Errorf("rule 1 has counted %d connections, %v", state.Rules[0].Packets, err)
	}
}

func TestPackets_OutboundRulesBoundWhatLeaves(t *testing.T) {
	k, there := table(t, space(t)), newMachine(t)
	wire(t, there, 1)
	there.do(func() { echo(t, "198.18.1.2:90"); echo(t, "198.18.1.2:91") })
	echo(t, "198.18.1.1:80")
	apply(t, k, policyOf(t, nil, in(anywhere(), ports(firewall.TCP, 80, 80)), out(networks("198.18.1.2/32"), ports(firewall.TCP, 90, 90))))
	c, err := net.DialTimeout("tcp", "198.18.1.2:90", patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := say(c, "out"); err != nil {
		t.Error(err)
	}
	dialed(t, there, "198.18.1.1:80") // F8: replies to it leave, whatever the rules for what leaves say
	before := drops(t, k)
	if c, err := net.DialTimeout("tcp", "198.18.1.2:91", short); err == nil {
		_ = c.Close()
		t.Error("a connection left that no rule allows")
	}
	if drops(t, k) <= before {
		t.Error("nothing was counted as dropped")
	}
}

// A rule that was open to all, both ways, is removed: in EC2 its flows are not tracked and stop at once (F11). Here everything is
// tracked, so they go on like those of any other rule (F10).
func TestPackets_FlowsOfARemovedRuleGoOn(t *testing.T) {
	k, client := table(t, space(t)), newMachine(t)
	wire(t, client, 1)
	echo(t, "198.18.1.1:80")
	plan := apply(t, k, policyOf(t, nil, in(anywhere(), ports(firewall.TCP, 80, 80))))
	c := dialed(t, client, "198.18.1.1:80")
	if _, err := k.Apply(t.Context(), kernel.PlanOf(policyOf(t, nil, in(anywhere(), ports(firewall.TCP, 81, 81))), nil), plan); err != nil {
		t.Fatal(err)
	}
	if err := say(c, "still here"); err != nil {
		t.Error(err)
	}
	dropped(t, k, client, "198.18.1.1:80")
}

// Protocols without ports are tracked by the two addresses and the protocol (F9): an answer comes in, and nothing else does.
func TestPackets_OtherProtocolsAreTracked(t *testing.T) {
	k, there := table(t, space(t)), newMachine(t)
	wire(t, there, 1)
	raw := func(address string) net.PacketConn {
		c, err := net.ListenPacket("ip4:99", address) // any private encryption scheme
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	here := raw("198.18.1.1")
	var far net.PacketConn
	there.do(func() { far = raw("198.18.1.2") })
	send := func(c net.PacketConn, text, to string) {
		if _, err := c.WriteTo([]byte(text), &net.IPAddr{IP: net.ParseIP(to)}); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(c net.PacketConn, wait time.Duration) (string, error) {
		_ = c.SetReadDeadline(time.Now().Add(wait))
		b := make([]byte, 64)
		n, _, err := c.ReadFrom(b)
		return string(b[:n]), err
	}
	apply(t, k, policyOf(t, nil, in(anywhere(), ports(firewall.TCP, 80, 80))))
	before := drops(t, k)
	send(far, "unasked", "198.18.1.1")
	if text, err := hear(here, short); err == nil {
		t.Errorf("%q came in", text)
	}
	if drops(t, k) != before+1 {
		t.Error("nothing was counted as dropped")
	}
	send(here, "question", "198.18.1.2")
	if text, err := hear(far, patience); text != "question" {
		t.Errorf("%q, %v", text, err)
	}
	send(far, "answer", "198.18.1.1")
	if text, err := hear(here, patience); text != "answer" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestPackets_ReloadLosesNothing changes the table again and again under connections that are held and made anew (F10).
func TestPackets_ReloadLosesNothing(t *testing.T) {
	k, client := table(t, space(t)), newMachine(t)
	wire(t, client, 1)
	echo(t, "198.18.1.1:80")
	echo(t, "198.18.1.1:81")
	both := policyOf(t, nil, in(anywhere(), ports(firewall.TCP, 80, 81)))
	one := policyOf(t, nil, in(anywhere(), ports(firewall.TCP, 80, 80)))
	apply(t, k, both)
	held := dialed(t, client, "198.18.1.1:81")
	const changes = 20
	stop, asked := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				asked <- nil
				return
			default:
			}
			c, err := dial(client, "198.18.1.1:80", patience)
			if err == nil {
				err = errors.Join(say(c, fmt.Sprint(n)), c.Close())
			}
			if err != nil {
				asked <- fmt.Errorf("connection %d: %w", n, err)
				return
			}
		}
	}()
	for i := range changes {
		plan := kernel.PlanOf(both, nil)
		if i%2 == 0 {
			plan = kernel.PlanOf(one, nil)
		}
		if _, err := k.Apply(t.Context(), plan, nil); err != nil {
			t.Fatal(err)
		}
		if err := say(held, "still here"); err != nil {
			t.Fatalf("after change %d: %v", i, err)
		}
	}
	close(stop)
	if err := <-asked; err != nil {
		t.Error(err)
	}
	apply(t, k, one)
	dropped(t, k, client, "198.18.1.1:81")
	if err := say(held, "its rule is gone, and it is still here"); err != nil {
		t.Error(err)
	}
}

// TestPackets_PublishedPortsAreJudged translates the port of a container to one of the machine, as Docker does, which
// firewalls in the hook input never see; what is only passed on stays none of our business.
func TestPackets_PublishedPortsAreJudged(t *testing.T) {
	k, client, container := table(t, space(t)), newMachine(t), newMachine(t)
	wire(t, client, 1)
	wire(t, container, 2)
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o600); err != nil { // of this thread's namespace
		t.Fatal(err)
	}
	container.do(func() { echo(t, "198.18.2.2:5432") })
	run(t, "nft", "add table ip nat; add chain ip nat pre { type nat hook prerouting priority dstnat; policy accept; };"+
		"add rule ip nat pre ip daddr 198.18.1.1 tcp dport 15432 dnat to 198.18.2.2:5432")
	dialed(t, client, "198.18.1.1:15432")
	apply(t, k, policyOf(t, nil, in(anywhere(), ports(firewall.TCP, 80, 80))))
	dropped(t, k, client, "198.18.1.1:15432")
	dialed(t, client, "198.18.2.2:5432") // forwarded: for the container's own rules to judge
	apply(t, k, policyOf(t, nil, in(networks("198.18.1.2/32"), ports(firewall.TCP, 15432, 15432))))
	dialed(t, client, "198.18.1.1:15432")
}

// TestPackets_CarryTheNumberOfTheirRule looks at the mark of an accepted socket and of the connection.
func TestPackets_CarryTheNumberOfTheirRule(t *testing.T) {
	k, client := table(t, space(t)), newMachine(t)
	wire(t, client, 1)
	if err := os.WriteFile("/proc/sys/net/ipv4/tcp_fwmark_accept", []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "198.18.1.1:81")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	run(t, "nft", "add table inet mine; add chain inet mine pre { type filter hook prerouting priority raw; policy accept; }; add rule inet mine pre meta mark set 0x4005")
	apply(t, k, policyOf(t, func(c *config.Firewall) { c.Marks.Mask = 0xff0000 },
		in(anywhere(), ports(firewall.TCP, 80, 80)), in(anywhere(), ports(firewall.TCP, 81, 81))))
	c, err := dial(client, "198.18.1.1:81", patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	raw, err := accepted.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var mark int
	var failed error
	if err := raw.Control(func(fd uintptr) { mark, failed = unix.GetsockoptInt(int(fd), syscall.SOL_SOCKET, unix.SO_MARK) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	if mark != 0x024005 { // rule 2, and the bits of somebody else
		t.Errorf("the socket has the mark %#x", mark)
	}
	if text := run(t, "conntrack", "-L", "-p", "tcp", "--dport", "81"); !strings.Contains(text, fmt.Sprintf("mark=%d ", 0x020000)) {
		t.Errorf("the connection has another mark: %s", text)
	}
}

// TestPackets_LaterDatagramsAreStampedToo: a datagram is no connection, so each needs the mark that its first one got.
func TestPackets_LaterDatagramsAreStampedToo(t *testing.T) {
	k, client := table(t, space(t)), newMachine(t)
	wire(t, client, 1)
	apply(t, k, policyOf(t, func(c *config.Firewall) { c.Marks.Mask = 0xff00 }, in(anywhere(), ports(firewall.UDP, 53, 53))))
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVMARK, 1) })
		return errors.Join(err, failed)
	}}
	packet, err := lc.ListenPacket(context.Background(), "udp4", "198.18.1.1:53")
	if err != nil {
		t.Fatal(err)
	}
	defer packet.Close()
	server := packet.(*net.UDPConn)
	var c net.Conn
	client.do(func() { c, err = net.Dial("udp", "198.18.1.1:53") })
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 3 {
		if _, err := c.Write([]byte("?")); err != nil {
			t.Fatal(err)
		}
		data, control := make([]byte, 16), make([]byte, 64)
		_ = server.SetDeadline(time.Now().Add(patience))
		n, size, _, from, err := server.ReadMsgUDPAddrPort(data, control)
		if err != nil {
			t.Fatal(err)
		}
		messages, err := unix.ParseSocketControlMessage(control[:size])
		if err != nil || len(messages) != 1 || string(messages[0].Data[:4]) != "\x00\x01\x00\x00" {
			t.Errorf("datagram %d has the mark %v, %v", i, messages, err)
		}
		if _, err := server.WriteToUDPAddrPort(data[:n], from); err != nil { // now it is a connection for the kernel
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := c.Read(data); err != nil {
			t.Fatal(err)
		}
	}
}
