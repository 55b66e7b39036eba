package app

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns"
	"github.com/roundtrip-dev/roundtrip/dns/derive"
	"github.com/roundtrip-dev/roundtrip/dns/serial"
	"github.com/roundtrip-dev/roundtrip/dns/transfer"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// names is the name server (1 a name becomes an address) and what of it outlives a declaration. The zones that are served are
// those of the declaration with the changes of the moment: answers to challenges, and names whose upstreams are down.
type names struct {
	app      *App
	set      atomic.Pointer[zone.Set]
	declared atomic.Pointer[config.DNS] // in force, or about to be: who orders certificates asks before the swap
	book     *serial.Book
	doors    *nameDoors // nil: none is open
	server   *dns.Server
	transfer *transfer.Service
	large    atomic.Bool // many records were built: what that took is given back soon

	mu         sync.Mutex   // guards what follows, and orders the swaps of set
	built      []*builtZone // of the declaration in force
	served     []*zone.Zone // the same with their changes and serials
	challenges []challenge
	down       []string  // sites none of whose upstreams is well
	healthAt   time.Time // when down last changed what is served
}

// builtZone is a zone as it is declared and derived.
type builtZone struct {
	*zone.Zone
	declared *config.Zone
	derived  []zone.Record
	written  bool // its SOA was written by hand, and its serial with it
}

// openNames makes the name server ready. It opens no socket; a declaration without zones has none.
func (a *App) openNames() (*names, error) {
	n := &names{app: a}
	n.declared.Store(&a.config.DNS)
	var err error
	n.book, err = serial.Open(dataFolder(a.config))
	return n, err
}

// buildZones makes the zones of a declaration, each with what is derived. have are zones that were built before from the same
// declaration: those for which nothing else follows from the facts stay as they are. The error is a *config.Problems.
func buildZones(c *config.Config, f *derive.Facts, have []*builtZone) ([]*builtZone, []policy.Warning, error) {
	p := c.Problems()
	var built []*builtZone
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
			built = append(built, &builtZone{Zone: z, declared: declared, derived: derived, written: written})
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
		p.Beside(file, sparse(lines))
	}
}

// sparse is a text of which only some lines are known.
func sparse(lines map[int]string) []byte {
	text := make([]string, slices.Max(slices.Collect(maps.Keys(lines))))
	for number, line := range lines {
		text[number-1] = line
	}
	return []byte(strings.Join(text, "\n"))
}

// enter puts the zones of a house in force. Before the doors are open nobody asks, and they are only kept.
func (n *names) enter(h *house) {
	if n == nil {
		return // a command has no name server
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.declared.Store(&h.config.DNS)
	n.built = h.zones
	n.down = slices.DeleteFunc(n.down, func(site string) bool { // the others are looked at in a moment
		return !slices.ContainsFunc(h.config.Sites, func(s config.Site) bool { return s.Name == site })
	})
	n.weigh()
	if n.server != nil {
		n.server.Configure(h.config.DNS)
	}
	if n.set.Load() != nil {
		n.publish()
	}
}

// refresh derives the records of the declaration in force again: doors were opened, or the machine has other addresses.
func (n *names) refresh() {
	h := n.app.house.Load()
	n.mu.Lock()
	defer n.mu.Unlock()
	built, _, err := buildZones(h.config, n.app.facts(h.config), n.built)
	if err != nil {
		n.app.log.Error("dns: the zones can't follow what has changed on this machine; those before stay in force", "error", err)
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
func (n *names) weigh() {
	total := 0
	for _, b := range n.built {
		total += b.Count()
	}
	n.large.Store(total > manyRecords)
}

// publish makes what is served from what is built and what changed since, and tells the secondaries. A zone whose content is
// as before keeps its serial.
func (n *names) publish() {
	now := n.app.around.Now()
	served := make([]*zone.Zone, len(n.built))
	for i, b := range n.built {
		z := b.Zone
		if changes := n.changes(b); len(changes) > 0 {
			z = z.With(changes...)
		}
		number, err := n.number(b, z, now)
		if err != nil {
			n.app.log.Error("dns: the serial of the zone can't be kept, so that it grows by itself until a restart", "zone", z.Name(), "error", err)
		}
		served[i] = z.WithSerial(number)
	}
	set, err := zone.NewSet(served...)
	if err != nil { // the same zone twice, which the declaration can't have
		n.app.log.Error("dns: the zones can't be served; those before stay in force", "error", err)
		return
	}
	n.served = served
	n.set.Store(set)
	if n.transfer != nil {
		n.transfer.Changed()
	}
}

// number is the serial of a zone's content.
func (n *names) number(b *builtZone, z *zone.Zone, now time.Time) (uint32, error) {
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

// declare says which zones are about to be in force, and returns what takes that back. It is nil's too: a command has no
// name server.
func (n *names) declare(d *config.DNS) (back func()) {
	if n == nil {
		return func() {}
	}
	before := n.declared.Swap(d)
	return func() { n.declared.Store(before) }
}
