package lab_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/lab"
)

// Without any group each machine reaches each other one, over both families: what the other tests find stopped was stopped
// by a group, not by the wire.
func TestLab_TheWireIsFlat(t *testing.T) {
	l := open(t)
	for _, to := range l.Machines() {
		must(t, to.Echo(t.Context(), ":7"))
	}
	for _, from := range l.Machines() {
		for _, to := range l.Machines() {
			for _, a := range to.Addresses {
				ctx, cancel := context.WithTimeout(t.Context(), lab.Patience)
				c, err := from.Dial(ctx, "tcp", netip.AddrPortFrom(a, 7).String())
				cancel()
				if err != nil {
					t.Errorf("%s does not reach %s at %s: %v", from.Name, to.Name, a, err)
					continue
				}
				if heard, own := c.LocalAddr().(*net.TCPAddr).AddrPort().Addr(), from.IPv4(); from != to && a.Is4() && heard != own {
					t.Errorf("%s comes as %s, not %s", from.Name, heard, own)
				}
				c.Close()
			}
		}
	}
	for _, name := range []string{"lan", lab.Client, lab.Edge} {
		if _, err := net.InterfaceByName(name); err == nil {
			t.Errorf("the lab left the card %s on the machine that it runs on", name)
		}
	}
}

// Programs on a machine have the machine's addresses and ask the lab's name server.
func TestLab_ProgramsAreInside(t *testing.T) {
	l := open(t)
	m := l.Machine(lab.Client)
	has(t, "ip addr on the client", run(t, m, 0, "ip", "-o", "addr"), "198.18.1.10/15", "2001:db8:5:1::10/48")
	has(t, "resolv.conf on the client", run(t, m, 0, "cat", "/etc/resolv.conf"), "nameserver 198.18.0.53")
	if text, status, err := m.Run(t.Context(), "false"); status != 1 || err != nil {
		t.Errorf("false: %q, exit status %d, %v", text, status, err)
	}
	p, err := m.Start("sleep", "1000")
	must(t, err)
	must(t, l.Close())
	if err := p.Signal(syscall.Signal(0)); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a program of the lab outlived it: %v", err)
	}
}

// A lab whose process was killed is removed by the next one, with what runs in it; one whose process lives is left alone.
func TestLab_ADeadOneIsSwept(t *testing.T) {
	open(t) // for the skip, and so that the living one is there
	gone := exec.Command("true")
	must(t, gone.Run())
	dead := "rtl" + strconv.Itoa(gone.Process.Pid) + "-1-edge"
	live := "rtl" + strconv.Itoa(os.Getppid()) + "-77-edge"
	for _, name := range []string{dead, live} {
		run := func(args ...string) {
			t.Helper()
			if text, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
				t.Fatalf("ip %v: %v\n%s", args, err, text)
			}
		}
		run("netns", "add", name)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	}
	must(t, os.MkdirAll(filepath.Join("/etc/netns", dead), 0o755))
	inside := exec.Command("ip", "netns", "exec", dead, "sleep", "1000")
	must(t, inside.Start())
	ended := make(chan error, 1)
	go func() { ended <- inside.Wait() }()
	await(t, "sleep runs inside", func() bool {
		text, err := exec.Command("ip", "netns", "pids", dead).Output()
		return err == nil && strings.TrimSpace(string(text)) == strconv.Itoa(inside.Process.Pid)
	})

	open(t)
	select {
	case <-ended:
	case <-time.After(lab.Patience):
		t.Error("what ran in the dead lab still runs")
		_ = inside.Process.Kill()
	}
	for at, want := range map[string]bool{"/run/netns/" + dead: false, "/etc/netns/" + dead: false, "/run/netns/" + live: true} {
		if _, err := os.Stat(at); (err == nil) != want {
			t.Errorf("%s is there: %v, wanted %v", at, err == nil, want)
		}
	}
}
