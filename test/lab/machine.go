package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Machine is one of the lab's machines.
type Machine struct {
	Name      string
	Folder    string       // what the machine keeps: its roundtrip.yaml and data
	Addresses []netip.Addr // IPv4 and IPv6 in turns

	namespace string
	handle    *os.File // of the namespace; open as long as the machine is, since the number in it is used
	processes []*Process
}

// open takes hold of the namespace.
func (m *Machine) open() (err error) {
	if err := os.MkdirAll(m.Folder, 0o700); err != nil {
		return err
	}
	m.handle, err = os.Open(filepath.Join(namespaces, m.namespace))
	return err
}

// configure gives the machine its addresses. Duplicates of them can't be there, so IPv6 doesn't wait for any.
func (m *Machine) configure(ctx context.Context) error {
	err := m.Inside(func() error {
		for _, at := range []string{"all", "default", "eth0"} {
			if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+at+"/accept_dad", []byte("0"), 0o644); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("prepare %s: %w", m.namespace, err)
	}
	var commands strings.Builder
	for _, a := range m.Addresses {
		bits := "/15 brd +"
		if a.Is6() {
			bits = "/48 nodad"
		}
		fmt.Fprintf(&commands, "addr add %s%s dev eth0\n", a, bits)
	}
	commands.WriteString("link set lo up\nlink set eth0 up\n")
	if text, err := batch(ctx, m.namespace, commands.String()); err != nil {
		return fmt.Errorf("give %s its addresses: %s", m.namespace, firstLine(text, err))
	}
	return nil
}

// resolve makes the programs of the machine ask a name server. ip netns exec puts the file over /etc/resolv.conf.
func (m *Machine) resolve(server netip.Addr) error {
	folder := filepath.Join(settings, m.namespace)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	text := fmt.Sprintf("nameserver %s\noptions timeout:2 attempts:2\n", server)
	return os.WriteFile(filepath.Join(folder, "resolv.conf"), []byte(text), 0o644)
}

// Namespace returns the name of the machine's network namespace, for ip netns exec.
func (m *Machine) Namespace() string { return m.namespace }

// IPv4 returns the address that the machine has.
func (m *Machine) IPv4() netip.Addr { return m.Addresses[0] }

// IPv6 returns the address that the machine has.
func (m *Machine) IPv6() netip.Addr { return m.Addresses[1] }

// Inside runs do on a thread that is in the machine's network. Sockets stay where they were made, so a connection that do
// opens can be used outside as well; a goroutine that do starts is outside.
func (m *Machine) Inside(do func() error) error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	if err := enter(m.handle); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter %s: %w", m.namespace, err)
	}
	defer func() {
		if enter(home) == nil {
			runtime.UnlockOSThread() // else the thread ends with its goroutine: nobody may run on it
		}
	}()
	return do()
}

// Dial connects from the machine. The address is an IP address with a port: names are looked up by other goroutines, which
// are outside.
func (m *Machine) Dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("dial from %s: %w", m.Name, err)
	}
	err = m.Inside(func() error {
		c, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// Listen listens on the machine.
func (m *Machine) Listen(ctx context.Context, network, address string) (l net.Listener, err error) {
	err = m.Inside(func() error {
		l, err = (&net.ListenConfig{}).Listen(ctx, network, address)
		return err
	})
	return l, err
}

// Resolver asks the lab's name server, from this machine.
func (m *Machine) Resolver(server netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return m.Dial(ctx, network, netip.AddrPortFrom(server, 53).String())
	}}
}

// close ends what runs on the machine. More than once does nothing.
func (m *Machine) close() error {
	for _, p := range m.processes {
		p.Kill()
	}
	if err := m.handle.Close(); !errors.Is(err, os.ErrClosed) && !errors.Is(err, os.ErrInvalid) {
		return err
	}
	return nil
}
