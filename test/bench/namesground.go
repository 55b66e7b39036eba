package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// The zone: hosts with an address of each family, aliases of them, and names with a wildcard below.
const (
	namesZone     = "bench.test"
	hosts         = 40_000 // 80,000 records
	aliases       = 15_000
	wildcards     = 4_995
	questionsEach = 50_000
)

// kind is one way to ask.
type kind struct {
	name string
	ask  func(r *rand.Rand) string // a name and a type
}

func kinds() []kind {
	positive := func(r *rand.Rand) string { return fmt.Sprintf("h%05d.%s A", r.IntN(hosts), namesZone) }
	wildcard := func(r *rand.Rand) string {
		return fmt.Sprintf("x%d.w%04d.%s A", r.IntN(1e6), r.IntN(wildcards), namesZone)
	}
	alias := func(r *rand.Rand) string { return fmt.Sprintf("a%05d.%s A", r.IntN(aliases), namesZone) }
	none := func(r *rand.Rand) string { return fmt.Sprintf("n%d.%s A", r.IntN(1e6), namesZone) }
	return []kind{
		{"mixed", func(r *rand.Rand) string {
			switch n := r.IntN(100); {
			case n < 40:
				return positive(r)
			case n < 50:
				return strings.TrimSuffix(positive(r), "A") + "AAAA"
			case n < 65:
				return wildcard(r)
			case n < 80:
				return alias(r)
			default:
				return none(r)
			}
		}},
		{"positive", positive},
		{"wildcard", wildcard},
		{"CNAME", alias},
		{"NXDOMAIN", none},
	}
}

// namesGround is what all name servers stand on: the same zone and the same questions.
type namesGround struct {
	ground

	file    string
	records int
	edges   []*edge
}

func newNamesGround(ctx context.Context, dir string, o options, say progress) (*namesGround, error) {
	w := &namesGround{ground: ground{dir: dir}, file: filepath.Join(dir, namesZone+".zone")}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := w.write(); err != nil {
		return nil, err
	}
	core := filepath.Join(dir, "coredns")
	if cached, err := filepath.Abs("../../.bin/coredns-v1.15.0"); err == nil {
		core = cached
	}
	if err := buildPeer(ctx, "CoreDNS", "peer/coredns", core, say); err != nil {
		return nil, err
	}
	add := func(name, binary, settings, file, text string, args ...string) error {
		e, err := w.newEdge(ctx, name, binary)
		if err != nil {
			return err
		}
		e.settings = settings
		plain, err := freeAddr(ctx)
		if err != nil {
			return err
		}
		put := strings.NewReplacer("ADDR", e.addr, "PLAIN", plain, "PORT", e.addr[strings.LastIndexByte(e.addr, ':')+1:],
			"NAME", namesZone, "ZONEFILE", w.file, "HOME", e.home(), "LOG", e.log)
		path, err := e.write(file, put.Replace(text))
		if err != nil {
			return err
		}
		for _, a := range args {
			e.args = append(e.args, strings.ReplaceAll(put.Replace(a), "CONFIG", path))
		}
		w.edges = append(w.edges, e)
		return nil
	}
	err := errors.Join(
		add("CoreDNS", core, "v1.15.0 with the plugins bind and file", "Corefile", corefile, "-conf", "CONFIG", "-quiet"),
		add("NSD", "nsd", "Debian's, one server process, rate limiting off", "nsd.conf", nsdConf, "-d", "-c", "CONFIG"),
		add("Knot", "knotd", "Debian's, one UDP worker", "knot.conf", knotConf, "-c", "CONFIG"),
	)
	if err == nil && o.bin != "" {
		err = add("Roundtrip", o.bin, "the whole program, rate limiting off, journeys on (sampled)", "roundtrip.yaml", namesDeclaration,
			"serve", "CONFIG", "--data", "HOME/data", "--dns", "ADDR", "--http", "PLAIN")
	}
	return w, err
}

const corefile = `NAME:PORT {
	bind 127.0.0.1
	file ZONEFILE
}
`

const nsdConf = `server:
	ip-address: 127.0.0.1@PORT
	server-count: 1
	username: ""
	chroot: ""
	zonesdir: "HOME"
	database: ""
	pidfile: ""
	xfrdfile: ""
	xfrdir: "HOME"
	zonelistfile: "HOME/zone.list"
	rrl-ratelimit: 0
	rrl-whitelist-ratelimit: 0
remote-control:
	control-enable: no
zone:
	name: NAME
	zonefile: ZONEFILE
`

const knotConf = `server:
    listen: 127.0.0.1@PORT
    rundir: HOME
    user: root:root
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: error
database:
    storage: HOME
zone:
  - domain: NAME
    file: ZONEFILE
    zonefile-sync: -1
    journal-content: none
`

const namesDeclaration = `name: bench
journeys: { log: false }
dns:
  rate_limit: off
  zones:
    NAME: { file: ZONEFILE, derive: false }
`

// write writes the zone and the questions.
func (w *namesGround) write() error {
	f, err := os.Create(w.file)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(f)
	line := func(format string, args ...any) {
		w.records++
		fmt.Fprintf(b, format+"\n", args...)
	}
	fmt.Fprintf(b, "$ORIGIN %s.\n$TTL 3600\n", namesZone)
	line("@ SOA ns1 hostmaster 1 7200 3600 1209600 300")
	line("@ NS ns1")
	line("@ NS ns2")
	line("ns1 A 192.0.2.1")
	line("ns2 A 192.0.2.2")
	for i := range hosts {
		line("h%05d A 10.%d.%d.%d", i, i>>16, i>>8&255, i&255)
		line("h%05d AAAA 2001:db8::%x", i, i)
	}
	for i := range aliases {
		line("a%05d CNAME h%05d", i, i)
	}
	for i := range wildcards {
		line("*.w%04d A 10.200.%d.%d", i, i>>8, i&255)
	}
	if err := errors.Join(b.Flush(), f.Close()); err != nil {
		return err
	}
	for _, k := range kinds() {
		r := rand.New(rand.NewPCG(1, 2))
		var text strings.Builder
		for range questionsEach {
			text.WriteString(k.ask(r) + "\n")
		}
		if err := os.WriteFile(w.questions(k.name), []byte(text.String()), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// questions returns where the questions of a kind lie.
func (w *namesGround) questions(kind string) string { return filepath.Join(w.dir, kind+".questions") }

// wait asks one question of each kind until all are answered rightly, so that nobody is measured while answering wrongly.
func (w *namesGround) wait(ctx context.Context, e *edge) error {
	var wrong error
	for begin := time.Now(); time.Since(begin) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		if wrong = errors.Join(
			e.expect(ctx, "h00077", "", dns.RcodeSuccess, "10.0.0.77"),
			e.expect(ctx, "any.w0007", "", dns.RcodeSuccess, "10.200.0.7"),
			e.expect(ctx, "a00077", "h00077", dns.RcodeSuccess, "10.0.0.77"),
			e.expect(ctx, "n77", "", dns.RcodeNameError, ""),
		); wrong == nil || ctx.Err() != nil {
			return ctx.Err()
		}
	}
	text, _ := os.ReadFile(e.log)
	return fmt.Errorf("%s answers wrongly: %w; it wrote:\n%s", e.name, wrong, tail(text, 2000))
}

// expect asks for an address and looks at the answer.
func (e *edge) expect(ctx context.Context, name, alias string, rcode int, address string) error {
	m := new(dns.Msg).SetQuestion(name+"."+namesZone+".", dns.TypeA)
	c := dns.Client{Timeout: time.Second}
	r, _, err := c.ExchangeContext(ctx, m, e.addr)
	if err != nil {
		return err
	}
	var got, through string
	for _, rr := range r.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			got = rr.A.String()
		case *dns.CNAME:
			through, _, _ = strings.Cut(rr.Target, ".")
		}
	}
	if r.Rcode != rcode || got != address || through != alias || !r.Authoritative || (address == "") != (len(r.Ns) == 1 && len(r.Answer) == 0) {
		return fmt.Errorf("asked for %s: %v", name, r)
	}
	return nil
}
