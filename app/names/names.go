// Package names is the name server within the whole (1 a name becomes an address): its zones follow the declaration, the machine's
// addresses, the health of upstreams and the challenges of issuers. Commands about zones are here too: they ask the server that
// runs, or build the same zones themselves. Read [Server] first.
package names

import (
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/derive"
	"github.com/roundtrip-dev/roundtrip/dns/serial"
	"github.com/roundtrip-dev/roundtrip/dns/transfer"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Server is the name server (1 a name becomes an address) and what of it outlives a declaration. The zones that are served are
// those of the declaration with the changes of the moment: answers to challenges, and names whose upstreams are down.
type Server struct {
	o        Options
	set      atomic.Pointer[zone.Set]
	declared atomic.Pointer[config.DNS] // in force, or about to be: who orders certificates asks before the swap
	book     *serial.Book
	doors    *nameDoors // nil: none is open
	server   *dns.Server
	transfer *transfer.Service
	large    atomic.Bool // many records were built: what that took is given back soon

	mu         sync.Mutex   // guards what follows, and orders the swaps of set
	built      []*Zone      // of the declaration in force
	served     []*zone.Zone // the same with their changes and serials
	challenges []challenge
	down       []string  // sites none of whose upstreams is well
	healthAt   time.Time // when down last changed what is served
}

// Options is what the name server needs of others.
type Options struct {
	Listen    string // host:port, several joined by commas; the sockets are only opened where zones are declared
	Dev       bool   // forwards other names, and a taken port is no reason not to run
	Now       func() time.Time
	Rand      io.Reader
	Log       *slog.Logger
	Recorder  *trace.Recorder
	Probe     []byte                             // signs the names of probes
	Cookie    []byte                             // of DNS cookies
	Config    func() *config.Config              // in force
	Facts     func(*config.Config) *derive.Facts // what records are derived from
	Upstreams func() map[string][]pool.State     // by route
	Refused   func() string                      // why the declaration on the disk is not in force, "" where it is
	Admit     func(port uint16) func(udp bool, client netip.AddrPort) bool
	Visit     func(port uint16) func(j *trace.Journey, udp bool, client netip.AddrPort)
}

// Zone is a zone as it is declared and derived.
type Zone struct {
	*zone.Zone
	declared *config.Zone
	derived  []zone.Record
	written  bool // its SOA was written by hand, and its serial with it
}

// Open makes the name server of a declaration ready. It opens no socket; a declaration without zones has none.
func Open(c *config.Config, o Options) (*Server, error) {
	n := &Server{o: o}
	n.declared.Store(&c.DNS)
	var err error
	n.book, err = serial.Open(declare.DataFolder(c))
	return n, err
}

// BuildZones makes the zones of a declaration, each with what is derived. have are zones that were built before from the same
// declaration: those for which nothing else follows from the facts stay as they are. The error is a *config.Problems.
func BuildZones(c *config.Config, f *derive.Facts, have []*Zone) ([]*Zone, []policy.Warning, error) {
	p := c.Problems()
	var built []*Zone
	var warnings []policy.Warning
	for i := range c.DNS.Zones {
		declared := &c.DNS.Zones[i]
		if declared.Derive && len(f.Addresses) == 0 {
			p.Add(declared.Pos, "this machine has no address at which others reach it, so that no records of the zone can be derived").
				Expect("dns.addresses: with the address that visitors reach it at; or derive: false")
			continue
		}
		derived := derive.Records(declared, f)
		if i < len(have) && slices.Equal(have[i].derived, derived) {
			built = append(built, have[i])
			continue
		}
		z, mistakes := zone.Build(zone.Options{Declared: declared, Derived: derived, Rename: c.DNS.RenamedLines})
		for _, m := range mistakes {
			if m.Warning {
				text := m.Message
				if m.Expected != "" {
					text += "; expected " + m.Expected
				}
				warnings = append(warnings, policy.Warning{Pos: m.Pos, Message: text, Line: m.Source})
				continue
			}
			p.Add(m.Pos, "%s", m.Message).Expected = m.Expected
		}
		showLines(p, mistakes)
		if z != nil {
			_, written := z.Written()
			built = append(built, &Zone{Zone: z, declared: declared, derived: derived, written: written})
		}
	}
	return built, warnings, p.Err()
}

// showLines lets mistakes in zone files be printed with their lines.
func showLines(p *config.Problems, mistakes []zone.Mistake) {
	byFile := map[string]map[int]string{}
	for _, m := range mistakes {
		if m.Source == "" || m.Pos.Line < 1 {
			continue
		}
		if byFile[m.Pos.File] == nil {
			byFile[m.Pos.File] = map[int]string{}
		}
		byFile[m.Pos.File][m.Pos.Line] = m.Source
	}
	for file, lines := range byFile {
		p.Beside(file, declare.Sparse(lines))
	}
}

// Enter puts the zones of a declaration in force. Before the doors are open nobody asks, and they are only kept.
func (n *Server) Enter(c *config.Config, built []*Zone) {
	if n == nil {
		return // a command has no name server
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.declared.Store(&c.DNS)
	n.built = built
	n.down = slices.DeleteFunc(n.down, func(site string) bool { // the others are looked at in a moment
		return !slices.ContainsFunc(c.Sites, func(s config.Site) bool { return s.Name == site })
	})
	n.weigh()
	if n.server != nil {
		n.server.Configure(c.DNS)
	}
	if n.set.Load() != nil {
		n.publish()
	}
}

// refresh derives the records of the declaration in force again: doors were opened, or the machine has other addresses.
func (n *Server) refresh() {
	c := n.o.Config()
	n.mu.Lock()
	defer n.mu.Unlock()
	built, _, err := BuildZones(c, n.o.Facts(c), n.built)
	if err != nil {
		n.o.Log.Error("dns: the zones can't follow what has changed on this machine; those before stay in force", "error", err)
		return
	}
	same := slices.Equal(built, n.built) && n.set.Load() != nil
	if n.built = built; !same {
		n.weigh()
		n.publish()
	}
}

// manyRecords is from where on building zones leaves so much behind that it is worth giving back at once.
const manyRecords = 10_000

// weigh notes whether what was built is large.
func (n *Server) weigh() {
	total := 0
	for _, b := range n.built {
		total += b.Count()
	}
	n.large.Store(total > manyRecords)
}

// publish makes what is served from what is built and what changed since, and tells the secondaries. A zone whose content is
// as before keeps its serial.
func (n *Server) publish() {
	now := n.o.Now()
	served := make([]*zone.Zone, len(n.built))
	for i, b := range n.built {
		z := b.Zone
		if changes := n.changes(b); len(changes) > 0 {
			z = z.With(changes...)
		}
		number, err := n.number(b, z, now)
		if err != nil {
			n.o.Log.Error("dns: the serial of the zone can't be kept, so that it grows by itself until a restart", "zone", z.Name(), "error", err)
		}
		served[i] = z.WithSerial(number)
	}
	set, err := zone.NewSet(served...)
	if err != nil { // the same zone twice, which the declaration can't have
		n.o.Log.Error("dns: the zones can't be served; those before stay in force", "error", err)
		return
	}
	n.served = served
	n.set.Store(set)
	if n.transfer != nil {
		n.transfer.Changed()
	}
}

// number is the serial of a zone's content.
func (n *Server) number(b *Zone, z *zone.Zone, now time.Time) (uint32, error) {
	var number uint32
	var err error
	if b.written {
		number, err = n.book.NextFrom(z.Name(), z.Digest(), b.Serial())
	} else {
		number, err = n.book.Next(z.Name(), z.Digest(), now)
	}
	if err == nil {
		return number, nil
	}
	last, known := n.book.Last(z.Name())
	for _, s := range n.served {
		if s.Name() == z.Name() && (!known || serial.Greater(s.Serial(), last)) {
			last, known = s.Serial(), true
		}
	}
	if !known {
		return uint32(now.Unix()), err
	}
	return last + 1, err
}

// Declare says which zones are about to be in force, and returns what takes that back. It is nil's too: a command has no
// name server.
func (n *Server) Declare(d *config.DNS) (back func()) {
	if n == nil {
		return func() {}
	}
	before := n.declared.Swap(d)
	return func() { n.declared.Store(before) }
}
