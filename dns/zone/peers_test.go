package zone_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
)

// peer is another name server, a real one, that has the same zones.
type peer struct {
	name, addr string
	log        bytes.Buffer
}

// run starts it in the foreground until the test ends.
func (p *peer) run(t *testing.T, binary string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(binary)
	if err != nil {
		path = "/usr/sbin/" + binary
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s is needed (make debian): %v", p.name, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", p.name, p.log.String())
		}
	})
}

// ask asks it over UDP.
func (p *peer) ask(name string, typ uint16, wait time.Duration) (*dns.Msg, error) {
	q := new(dns.Msg)
	q.SetQuestion(name, typ)
	q.SetEdns0(4096, false)
	client := dns.Client{UDPSize: 4096, Timeout: wait}
	m, _, err := client.Exchange(q, p.addr)
	return m, err
}

// await asks until it has the zone.
func (p *peer) await(t *testing.T, name string) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for range 1200 {
		if m, err := p.ask(name, dns.TypeSOA, time.Second); err == nil && m.Rcode == dns.RcodeSuccess && len(m.Answer) == 1 {
			return
		}
		<-again.C
	}
	t.Fatalf("%s does not serve %s", p.name, name)
}

func freePort(t *testing.T) int {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr).Port
}

// peers starts NSD and Knot with zones that we print for them.
func peers(t *testing.T, zones []*zone.Zone) []*peer {
	t.Helper()
	dir := t.TempDir()
	nsd, knot := &peer{name: "NSD"}, &peer{name: "Knot"}
	var nsdConf, knotConf strings.Builder
	port := freePort(t)
	nsd.addr = fmt.Sprintf("127.0.0.1:%d", port)
	fmt.Fprintf(&nsdConf, "server:\n ip-address: 127.0.0.1@%d\n zonesdir: %q\n pidfile: %q\n zonelistfile: %q\n xfrdfile: %q\n database: \"\"\n"+
		" username: \"\"\n rrl-ratelimit: 0\n minimal-responses: yes\nremote-control:\n control-enable: no\n",
		port, dir, dir+"/pid", dir+"/list", dir+"/xfrd")
	port = freePort(t)
	knot.addr = fmt.Sprintf("127.0.0.1:%d", port)
	fmt.Fprintf(&knotConf, "server:\n  listen: 127.0.0.1@%d\n  rundir: %s/run\ndatabase:\n  storage: %s/db\ntemplate:\n  - id: default\n    storage: %s\n"+
		"    semantic-checks: off\nzone:\n", port, dir, dir, dir)
	for _, z := range zones {
		write(t, filepath.Join(dir, z.Name()), print(t, z))
		fmt.Fprintf(&nsdConf, "zone:\n name: %q\n zonefile: %q\n", z.Name(), z.Name())
		fmt.Fprintf(&knotConf, "  - domain: %s\n    file: %s\n", z.Name(), z.Name())
	}
	for _, folder := range []string{"run", "db"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	nsd.run(t, "nsd", "-d", "-c", write(t, dir+"/nsd.conf", nsdConf.String()))
	knot.run(t, "knotd", "-c", write(t, dir+"/knot.conf", knotConf.String()))
	for _, p := range []*peer{nsd, knot} {
		for _, z := range zones {
			p.await(t, z.Name()+".")
		}
	}
	return []*peer{nsd, knot}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// comparable is what servers that are right agree on: NS records beside an answer, and additional ones, are a matter of taste.
func comparable(m *dns.Msg, zone string) said {
	s := said{rcode: m.Rcode, aa: m.Authoritative, answer: sorted(m.Answer), authority: sorted(m.Ns)}
	if len(m.Answer) > 0 {
		s.authority = slices.DeleteFunc(s.authority, func(line string) bool { return strings.HasPrefix(line, zone+"\t") && strings.Contains(line, "\tns\t") })
	}
	if len(s.authority) == 0 {
		s.authority = nil
	}
	return s
}

// TestAnswer_AgreesWithNSDAndKnot compares answers from random zones, and from the zone of the cases, with those of two servers
// that are known to be right. They look for aliases in one zone only, so each zone leads to itself.
func TestAnswer_AgreesWithNSDAndKnot(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(77, 5))
	zones := []*zone.Zone{example(t)}
	for i := range 40 {
		name := fmt.Sprintf("z%d.test.", i)
		z, _ := randomZone(t, r, []string{name}, name)
		zones = append(zones, z)
	}
	s, others := set(t, zones...), peers(t, zones)
	var names []string // of the zone of the cases
	for rr := range zones[0].Records() {
		names = append(names, rr.Header().Name)
	}
	names = append(names, "nope.example.test.", "x.y.wild.example.test.", "x.exact.wild.example.test.", "ent.wild.example.test.", "z.cwild.example.test.",
		"b.ent.example.test.", "x.e.example.test.", "a.dn.example.test.", "x.dnout.example.test.", "host.sub.example.test.", "x.signed.example.test.")
	types := []uint16{dns.TypeA, dns.TypeA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeDNAME, dns.TypeMX, dns.TypeNS, dns.TypeDS, dns.TypeTXT, dns.TypeSRV, dns.TypeSOA}
	for i := range 1500 {
		z, typ := zones[r.IntN(len(zones))], types[r.IntN(len(types))]
		name := randomName(r, z.Name()+".")
		if i%4 == 0 {
			z, name = zones[0], names[r.IntN(len(names))]
		}
		m, result, _ := ask(t, s, name, typ, 1232)
		if result.Found == message.ChainLoop || m.Truncated {
			continue // how often round a loop, and how much of what is too long, is for each to choose
		}
		for _, p := range others {
			theirs, err := p.ask(name, typ, time.Minute)
			if err != nil {
				t.Fatalf("%s: %v", p.name, err)
			}
			apex := z.Name() + "."
			if diff := cmp.Diff(comparable(theirs, apex), comparable(m, apex), cmp.AllowUnexported(said{})); diff != "" {
				t.Errorf("%s %s (- %s, + we)\n%s\n%s", name, dns.Type(typ), p.name, diff, print(t, z))
			}
		}
	}
}
