package kernel_test

import (
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/firewall/kernel"
)

// space gives the test a network namespace of its own: the goroutine's thread lives in it, and so does every program that
// it starts. Nothing of this package touches the firewall of the machine.
func space(t testing.TB) (fd int) {
	t.Helper()
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and the namespace with it
	before := inode(t)
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("this machine gives no network namespaces (%v): run as root", err)
	}
	if inode(t) == before {
		t.Fatal("still in the namespace of the machine")
	}
	f, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // and f stays reachable until then
	run(t, "ip", "link", "set", "lo", "up")
	return int(f.Fd())
}

func inode(t testing.TB) string {
	t.Helper()
	at, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// run runs a program in the namespace of the test, and fails the test if it fails.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func table(t testing.TB, fd int) *kernel.Table {
	t.Helper()
	k, err := kernel.New(kernel.Options{NetNS: fd, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// rules is a policy of one machine with one group.
func policyOf(t testing.TB, change func(*config.Firewall), rules ...config.GroupRule) *firewall.Policy {
	t.Helper()
	for i := range rules {
		rules[i].Number = i + 1
	}
	c := &config.Firewall{
		Groups: []config.SecurityGroup{{Name: "web", Rules: rules}},
		Attach: []config.Attachment{{Role: "edge", Groups: []config.Name{{Text: "web"}}}},
		Drops:  config.DropLog{Rate: 1000},
	}
	if change != nil {
		change(c)
	}
	p, mistakes := firewall.Compile(c, firewall.Who{Every: true})
	if p == nil {
		t.Fatalf("%+v", mistakes)
	}
	return p
}

func in(peers []config.Peer, traffic ...config.Traffic) config.GroupRule {
	return config.GroupRule{Allow: traffic, Peers: peers}
}

func out(peers []config.Peer, traffic ...config.Traffic) config.GroupRule {
	return config.GroupRule{Out: true, Allow: traffic, Peers: peers}
}

func ports(protocol uint8, first, last uint16) config.Traffic {
	return config.Traffic{Text: "tcp/x", Protocol: protocol, First: first, Last: last}
}

func anywhere() []config.Peer { return []config.Peer{{Kind: config.Anywhere}} }

func networks(list ...string) []config.Peer {
	var peers []config.Peer
	for _, n := range list {
		peers = append(peers, config.Peer{Kind: config.Network, Prefix: netip.MustParsePrefix(n)})
	}
	return peers
}

// settled waits until an IPv6 address that was added takes packets: it comes into force in the kernel's own time.
func settled(t testing.TB, address string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !strings.Contains(run(t, "ip", "-6", "route", "show", "table", "local"), "local "+address+" "); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s does not come into force", address)
		}
	}
}
