// Package lab is several machines on one: a client, a stranger, a name server, an edge, two application machines and a
// database, each a network namespace of Linux with an address of its own, all on one wire. Packets between them are real
// ones, through the kernel's own firewall, and nothing of it touches the network of the machine that it runs on.
//
// The wire is flat on purpose: any machine reaches any other one, so that what stops a packet can only be a security group.
package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// ErrNoNamespaces is wrapped by New's error where this machine can't make network namespaces.
var ErrNoNamespaces = errors.New("this machine can't make network namespaces")

// The machines. Servers, visitors and strangers have a network each, out of the ranges for benchmarks (RFC 2544) and
// documentation (RFC 3849).
const (
	Client   = "client"   // 198.18.1.10: a visitor
	Stranger = "stranger" // 198.18.2.66: somebody whom no rule knows
	Operator = "operator" // 198.18.0.9: who looks after the machines
	DNS      = "dns"      // 198.18.0.53, and 198.18.0.54: a machine with two addresses
	Edge     = "edge"     // 198.18.0.80: the gate
	App1     = "app1"     // 198.18.0.31
	App2     = "app2"     // 198.18.0.32
	DB       = "db"       // 198.18.0.40
)

// plan is the addresses of each machine; the first of each family is the one that it speaks from.
var plan = []struct {
	name      string
	addresses []string
}{
	{Client, []string{"198.18.1.10", "2001:db8:5:1::10"}},
	{Stranger, []string{"198.18.2.66", "2001:db8:5:2::66"}},
	{Operator, []string{"198.18.0.9", "2001:db8:5::9"}},
	{DNS, []string{"198.18.0.53", "2001:db8:5::53", "198.18.0.54", "2001:db8:5::54"}},
	{Edge, []string{"198.18.0.80", "2001:db8:5::80"}},
	{App1, []string{"198.18.0.31", "2001:db8:5::31"}},
	{App2, []string{"198.18.0.32", "2001:db8:5::32"}},
	{DB, []string{"198.18.0.40", "2001:db8:5::40"}},
}

// Lab is the machines and their wire.
type Lab struct {
	name     string // of this lab: the namespaces' names begin with it
	folder   string // holds a folder for each machine
	machines []*Machine
}

// labs counts those of this process, so that two of one test run don't meet.
var labs atomic.Int32

// New makes the machines. What a lab whose process was killed has left behind is removed first. Folder holds what the
// machines keep; it must exist.
func New(ctx context.Context, folder string) (*Lab, error) {
	if err := sweep(ctx); err != nil {
		return nil, err
	}
	l := &Lab{name: fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), labs.Add(1)), folder: folder}
	if text, err := ip(ctx, "", "netns", "add", l.wire()); err != nil {
		return nil, fmt.Errorf("%w: ip netns add: %s (root may, with CAP_SYS_ADMIN and CAP_NET_ADMIN)", ErrNoNamespaces, firstLine(text, err))
	}
	err := l.plug(ctx)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// wire is the namespace of the bridge that all machines are plugged into.
func (l *Lab) wire() string { return l.name + "-wire" }

// plug makes the bridge, the machines, and a cable from each to the bridge.
func (l *Lab) plug(ctx context.Context) error {
	var bridge strings.Builder
	bridge.WriteString("link add lan type bridge mcast_snooping 0\nlink set lan up\n")
	for _, p := range plan {
		m := &Machine{Name: p.name, Folder: filepath.Join(l.folder, p.name), namespace: l.name + "-" + p.name}
		for _, a := range p.addresses {
			m.Addresses = append(m.Addresses, netip.MustParseAddr(a))
		}
		if text, err := ip(ctx, "", "netns", "add", m.namespace); err != nil {
			return fmt.Errorf("make %s: %s", m.namespace, firstLine(text, err))
		}
		l.machines = append(l.machines, m)
		if err := m.open(); err != nil {
			return err
		}
		fmt.Fprintf(&bridge, "link add eth0 netns %s type veth peer name %s\nlink set %s master lan up\n", m.namespace, p.name, p.name)
	}
	if text, err := batch(ctx, l.wire(), bridge.String()); err != nil {
		return fmt.Errorf("make the wire: %s", firstLine(text, err))
	}
	for _, m := range l.machines {
		if err := m.configure(ctx); err != nil {
			return err
		}
		if err := m.resolve(l.Machine(DNS).Addresses[0]); err != nil {
			return err
		}
	}
	return nil
}

// Machine returns one of the machines; a name that is none is a mistake of the caller.
func (l *Lab) Machine(name string) *Machine {
	for _, m := range l.machines {
		if m.Name == name {
			return m
		}
	}
	panic("lab: no machine " + name)
}

// Machines lists all machines.
func (l *Lab) Machines() []*Machine { return l.machines }

// Close ends what runs on the machines and removes them and all that New made outside of its folder.
func (l *Lab) Close() error {
	var errs []error
	for _, m := range l.machines {
		errs = append(errs, m.close())
	}
	// Without the context of the caller: what was made is removed, whatever became of the test.
	return errors.Join(append(errs, remove(context.Background(), l.name))...)
}

// ip runs ip(8), inside a namespace unless that is "".
func ip(ctx context.Context, namespace string, args ...string) (string, error) {
	if namespace != "" {
		args = append([]string{"-n", namespace}, args...)
	}
	text, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
	return string(text), err
}

// batch runs several commands of ip(8) in one go.
func batch(ctx context.Context, namespace, commands string) (string, error) {
	cmd := exec.CommandContext(ctx, "ip", "-n", namespace, "-batch", "-")
	cmd.Stdin = io.Reader(strings.NewReader(commands))
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// firstLine is what a program said before it failed, or how it failed where it said nothing.
func firstLine(text string, err error) string {
	if line, _, _ := strings.Cut(strings.TrimSpace(text), "\n"); line != "" {
		return line
	}
	return err.Error()
}
