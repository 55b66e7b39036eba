package transfer_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	miekg "github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/config"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// secondary is another name server that copies the zone: a real one.
type secondary struct {
	name string
	addr netip.AddrPort
	log  *bytes.Buffer
}

// start runs a name server in the foreground until the test ends.
func start(t *testing.T, name string, addr netip.AddrPort, binary string, args ...string) *secondary {
	t.Helper()
	path, err := exec.LookPath(binary)
	if err != nil {
		path = "/usr/sbin/" + binary
	}
	s := &secondary{name: name, addr: addr, log: new(bytes.Buffer)}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s is needed (make debian): %v", name, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", name, s.log)
		}
	})
	return s
}

// free returns an address of the loopback that nobody uses for UDP or TCP.
func free(t *testing.T) netip.AddrPort {
	t.Helper()
	udp, tcp := listen(t)
	_, _ = udp.Close(), tcp.Close()
	return udp.LocalAddr().(*net.UDPAddr).AddrPort()
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// documented returns the configuration of another server that docs/dns.md shows below a line that names it, with the zone, the
// secret and the addresses of a test in it.
func documented(t *testing.T, name string, primary, addr netip.AddrPort) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/dns.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "(`"+name+"`):\n\n```\n")
	block, _, ok2 := strings.Cut(rest, "```\n")
	if !ok || !ok2 {
		t.Fatalf("docs/dns.md shows no %s", name)
	}
	at := func(a netip.AddrPort) string { return fmt.Sprintf("%s@%d", a.Addr(), a.Port()) }
	return strings.NewReplacer(
		"example.com", origin, "SECRET", secret,
		"ip-address: 198.51.100.7", "ip-address: "+at(addr), "198.51.100.7@53", at(addr),
		"request-xfr: AXFR 203.0.113.7", "request-xfr: AXFR "+at(primary), "203.0.113.7@53", at(primary), "203.0.113.7", primary.Addr().String(),
	).Replace(block)
}

// nsd runs NSD with the configuration of docs/dns.md, in a folder of its own; and lets us look at what it has.
func nsd(t *testing.T, primary, addr netip.AddrPort) *secondary {
	t.Helper()
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "nsd.conf"), strings.ReplaceAll(`
server:
	server-count: 1
	username: ""
	chroot: ""
	zonesdir: "DIR"
	database: ""
	pidfile: ""
	xfrdfile: "DIR/xfrd.state"
	xfrdir: "DIR"
	zonelistfile: "DIR/zone.list"
	xfrd-reload-timeout: 0
	verbosity: 2
remote-control:
	control-enable: no
`, "DIR", dir)+documented(t, "nsd.conf", primary, addr)+"\tprovide-xfr: 127.0.0.1 NOKEY\n")
	return start(t, "NSD", addr, "nsd", "-d", "-c", file)
}

// knot runs Knot in the same way.
func knot(t *testing.T, primary, addr netip.AddrPort) *secondary {
	t.Helper()
	dir := t.TempDir()
	conf := strings.NewReplacer(
		"server:\n", "server:\n    rundir: "+dir+"\n    user: root:root\n    background-workers: 1\n",
		"zone:\n", "  - id: copy\n    address: 127.0.0.1\n    action: transfer\nzone:\n",
		"acl: told", "acl: [told, copy]\n    storage: "+dir,
	).Replace(documented(t, "knot.conf", primary, addr))
	file := write(t, filepath.Join(dir, "knot.conf"), "log:\n  - target: stderr\n    any: info\ndatabase:\n    storage: "+dir+"\n"+conf)
	return start(t, "Knot", addr, "knotd", "-c", file)
}

// serial asks the secondary which serial it has; 0 for none yet.
func (s *secondary) serial() uint32 {
	r, err := miekg.Exchange(new(miekg.Msg).SetQuestion(origin+".", miekg.TypeSOA), s.addr.String())
	if err != nil || len(r.Answer) != 1 {
		return 0
	}
	soa, ok := r.Answer[0].(*miekg.SOA)
	if !ok || !r.Authoritative {
		return 0
	}
	return soa.Serial
}

// records copies the zone from the secondary.
func (s *secondary) records(t *testing.T) []string {
	t.Helper()
	messages, err := new(miekg.Transfer).In(new(miekg.Msg).SetAxfr(origin+"."), s.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	var all []miekg.RR
	for m := range messages {
		if m.Error != nil {
			t.Fatalf("%s: %v", s.name, m.Error)
		}
		all = append(all, m.RR...)
	}
	return slices.Sorted(slices.Values(texts(all[:len(all)-1])))
}

// The acceptance test of the room: two name servers of others, as Debian ships them, copy the zone with a signature, are told
// of a change, and have it.
func TestSecondaries_CopyTheZoneAndHearOfChanges(t *testing.T) {
	t.Parallel()
	at := []netip.AddrPort{free(t), free(t)}
	transferTo := to("secondary", at[0].String(), at[1].String())
	transferTo.Notify = true
	d := declare(t, config.Zone{Transfer: transferTo})
	h := open(t, d, 2000000001)

	all := []*secondary{nsd(t, h.addr, at[0]), knot(t, h.addr, at[1])}
	holds := func(serial uint32) {
		t.Helper()
		var want []miekg.RR
		for rr := range h.zones.Load().Zones()[0].Records() {
			want = append(want, rr)
		}
		for _, s := range all {
			until(t, fmt.Sprintf("%s has serial %d", s.name, serial), func() bool { return s.serial() == serial })
			if got, want := s.records(t), slices.Sorted(slices.Values(texts(want))); !slices.Equal(got, want) {
				t.Errorf("%s has %d records, we have %d:\n%s\n\n%s", s.name, len(got), len(want), strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
	holds(h.serial())

	d2 := *d
	d2.Zones = slices.Clone(d.Zones)
	d2.Zones[0].Records = []config.Name{{Text: "added 300 A 192.0.2.200"}}
	h.change(t, &d2, h.serial()+5)
	holds(h.serial()) // REFRESH is hours away: they have heard of it

	for _, c := range h.State() {
		until(t, c.Peer.String()+" has confirmed", func() bool { return h.State()[0].Notified == h.serial() && h.State()[1].Notified == h.serial() })
		if c.Held == nil || c.Held.Serial != h.serial() || c.Held.Key != "secondary" || c.Held.Records == 0 {
			t.Errorf("%v is thought to have %+v", c.Peer, c.Held)
		}
	}
	var seen int
	for _, j := range h.recorder.Select(trace.Filter{}, 100) {
		if hop := j.Hops[0]; (j.Method == "AXFR" || j.Method == "IXFR") && hop.N[0] > 1 { // Knot asks for IXFR once it has the zone
			seen++
			if j.Host != origin || j.Proto != "tcp" || j.Bytes != hop.N[1] || j.Bytes == 0 || !strings.Contains(hop.Note, "key secondary") {
				t.Errorf("the journey of a transfer: %+v", j)
			}
		}
	}
	if seen < 4 {
		t.Errorf("%d transfers have a journey, want 4", seen)
	}
}

// dig and kdig as clients, with the key and without.
func TestTransfer_ToClientsOfOthers(t *testing.T) {
	t.Parallel()
	h := open(t, declare(t, config.Zone{Transfer: to("secondary", "127.0.0.1")}), 1)
	var records int
	for range h.zones.Load().Zones()[0].Records() {
		records++
	}
	host, port := "@"+h.addr.Addr().String(), fmt.Sprint(h.addr.Port())
	for _, c := range []struct {
		name string
		args []string
		good bool
	}{
		{"dig", []string{"dig", host, "-p", port, "+tcp", "-y", "hmac-sha256:secondary:" + secret, origin, "AXFR"}, true},
		{"dig without the key", []string{"dig", host, "-p", port, "+tcp", origin, "AXFR"}, false},
		{"dig with another algorithm", []string{"dig", host, "-p", port, "+tcp", "-y", "hmac-sha512:secondary:" + secret, origin, "AXFR"}, false},
		{"dig, IXFR of an old serial", []string{"dig", host, "-p", port, "+tcp", "-y", "hmac-sha256:secondary:" + secret, origin, "IXFR=0"}, true},
		{"kdig", []string{"kdig", host, "-p", port, "+tcp", "-y", "hmac-sha256:secondary:" + secret, origin, "AXFR"}, true},
		{"kdig without the key", []string{"kdig", host, "-p", port, "+tcp", origin, "AXFR"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text, _ := exec.CommandContext(context.Background(), c.args[0], c.args[1:]...).CombinedOutput() // some end with an error when refused
			var lines, soas int
			for line := range strings.Lines(string(text)) {
				if strings.HasPrefix(line, ";") || strings.TrimSpace(line) == "" || strings.Contains(line, "\tTSIG\t") {
					continue
				}
				lines++
				if f := strings.Fields(line); len(f) > 3 && f[3] == "SOA" {
					soas++
				}
			}
			if c.good && (lines != records+1 || soas != 2) {
				t.Errorf("%d records with %d SOA, want %d with 2:\n%s", lines, soas, records+1, text)
			}
			if !c.good && soas != 0 {
				t.Errorf("it has the zone:\n%s", text)
			}
			if c.good && strings.Contains(string(text), "verify") {
				t.Errorf("the signature:\n%s", text)
			}
		})
	}
}
