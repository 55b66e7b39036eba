package watch_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// namespace is one machine of a test.
type namespace struct {
	name string
	file *os.File // stays open as long as the namespace is used
}

// fd is the descriptor that netlink sockets are opened with.
func (n *namespace) fd() int { return int(n.file.Fd()) }

// sys_setns is the same on all of Linux's architectures that we build for; the syscall package has no name for it.
func setns(fd int) error {
	_, _, errno := syscall.RawSyscall(sysSetns(), uintptr(fd), syscall.CLONE_NEWNET, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func sysSetns() uintptr {
	if runtime.GOARCH == "arm64" {
		return 268
	}
	return 308
}

// do runs f on a thread that is in the namespace. What f opens stays there.
func (n *namespace) do(t testing.TB, f func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked, so that the thread ends with the goroutine
		err := setns(n.fd())
		if err == nil {
			err = f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatalf("in %s: %v", n.name, err)
	}
}

// nft loads rules into the namespace.
func (n *namespace) nft(t testing.TB, rules string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "ip", "netns", "exec", n.name, "nft", "-f", "-")
	c.Stdin = strings.NewReader(rules)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("nft: %v\n%s", err, out)
	}
}

// run runs a program in the namespace.
func (n *namespace) run(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ip", append([]string{"netns", "exec", n.name}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

var pairs atomic.Int32

// The two ends of the wire.
var (
	server4, client4 = netip.MustParseAddr("198.18.7.1"), netip.MustParseAddr("198.18.7.2")
	server6, client6 = netip.MustParseAddr("2001:db8:7::1"), netip.MustParseAddr("2001:db8:7::2")
)

// wire makes two machines that see each other.
func wire(t testing.TB) (server, client *namespace) {
	t.Helper()
	id := fmt.Sprintf("rts%d-%d", os.Getpid(), pairs.Add(1))
	server, client = newNamespace(t, id+"a"), newNamespace(t, id+"b")
	ip(t, "link", "add", "wire", "netns", server.name, "type", "veth", "peer", "name", "wire", "netns", client.name)
	for n, addresses := range map[*namespace][2]netip.Addr{server: {server4, server6}, client: {client4, client6}} {
		n.run(t, "ip", "addr", "add", addresses[0].String()+"/24", "dev", "wire")
		n.run(t, "ip", "addr", "add", addresses[1].String()+"/64", "dev", "wire", "nodad")
		n.run(t, "ip", "link", "set", "lo", "up")
		n.run(t, "ip", "link", "set", "wire", "up")
	}
	return server, client
}

func newNamespace(t testing.TB, name string) *namespace {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("this machine can't make network namespaces, which this test is about: ip netns add: %v: %s", err, out)
	}
	n := &namespace{name: name}
	t.Cleanup(func() {
		_ = n.file.Close()
		_ = exec.CommandContext(context.WithoutCancel(t.Context()), "ip", "netns", "del", name).Run()
	})
	var err error
	if n.file, err = os.Open("/var/run/netns/" + name); err != nil {
		t.Fatal(err)
	}
	return n
}

func ip(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// listen opens a TCP port in the namespace that answers each line with itself, and hands over the connections that it
// accepted.
func (n *namespace) listen(t testing.TB, at netip.AddrPort) <-chan net.Conn {
	t.Helper()
	var l net.Listener
	n.do(t, func() (err error) {
		l, err = new(net.ListenConfig).Listen(t.Context(), "tcp", at.String())
		return err
	})
	accepted, ended := make(chan net.Conn, 16), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return accepted
}

// dial connects from the namespace.
func (n *namespace) dial(t testing.TB, network string, to netip.AddrPort) net.Conn {
	t.Helper()
	var c net.Conn
	n.do(t, func() (err error) {
		c, err = new(net.Dialer).DialContext(t.Context(), network, to.String())
		return err
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// packets opens a UDP port in the namespace.
func (n *namespace) packets(t testing.TB, at netip.AddrPort) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	n.do(t, func() (err error) {
		c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		return err
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}
