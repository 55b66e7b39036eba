package zone

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// check reports records that contradict each other, and warns of those that are hardly meant.
func (b *builder) check() {
	glue := b.glueNames()
	for i := range b.groups {
		g := &b.groups[i]
		first := b.list[g.from]
		b.checkTTLs(g)
		switch first.typ {
		case dns.TypeCNAME:
			b.checkCNAME(g)
		case dns.TypeDNAME:
			b.checkDNAME(g)
		case dns.TypeNS:
			if isWild(b.wire(first)) {
				b.wrong(b.pos(first), "a * can't be delegated", "NS records at each name, or no *")
			}
		case dns.TypeSOA:
			if g.to-g.from > 1 {
				b.wrong(b.pos(b.list[g.from+1]), "there is a second SOA record", "one")
			}
		}
		b.checkOccluded(g, glue)
		b.checkDot(g)
		for _, r := range b.list[g.from:g.to] {
			b.checkTarget(g, r)
		}
	}
}

// checkDot warns of a name that ends with the zone's own name twice: one of the zone was written without the dot at its end.
func (b *builder) checkDot(g *group) {
	r := b.list[g.from]
	if short, ok := b.doubled(b.wire(r)); ok && r.origin == declared {
		b.warn(b.pos(r), fmt.Sprintf("names without a dot at the end lie below the zone: this one is %s", plain(b.wire(r))), short+". with a dot at the end")
	}
}

// doubled returns what was probably meant by a name that ends with the zone's own name twice.
func (b *builder) doubled(name []byte) (meant string, ok bool) {
	zone := b.zone[:len(b.zone)-1]
	if !within(name, append(bytes.Clone(zone), b.zone...)) {
		return "", false
	}
	return plain(append(bytes.Clone(name[:len(name)-len(b.zone)]), 0)), true
}

// orDot completes what was expected in the place of a name that is not there.
func (b *builder) orDot(expected string, name []byte) string {
	if short, ok := b.doubled(name); ok {
		return short + ". with a dot at the end, for without one it lies below the zone"
	}
	return expected
}

// checkTTLs makes the TTLs of a set one (RFC 2181 section 5.2): the lowest.
func (b *builder) checkTTLs(g *group) {
	low, differ := b.list[g.from].ttl, false
	for _, r := range b.list[g.from+1 : g.to] {
		differ = differ || r.ttl != low
		low = min(low, r.ttl)
	}
	if !differ {
		return
	}
	for i := g.from; i < g.to; i++ {
		if r := &b.list[i]; r.ttl != low {
			b.warn(b.pos(*r), fmt.Sprintf("the %s records of %s have several TTLs, and all are served with the lowest, %d", typeName(r.typ), plain(b.wire(*r)), low), "one TTL for all of them")
			break
		}
	}
	for i := g.from; i < g.to; i++ {
		b.list[i].ttl = low
	}
}

// checkCNAME holds that an alias has no other data (RFC 1034 section 3.6.2).
func (b *builder) checkCNAME(g *group) {
	r := b.list[g.from]
	name := plain(b.wire(r))
	if g.node == 0 {
		b.wrong(b.pos(r), "the zone itself can't be an alias: it has SOA and NS records, and CNAME stands alone", "A and AAAA records, or a site of this name, whose addresses are derived")
		return
	}
	for i := g.from + 1; i < g.to; i++ {
		b.wrong(b.pos(b.list[i]), name+" is an alias of two names", "one CNAME record; the first one stands "+b.seen(b.list[i], r))
	}
	for _, o := range b.groupsOf(g.node) {
		if other := b.list[o.from]; other.typ != dns.TypeCNAME {
			b.wrong(b.pos(r), fmt.Sprintf("%s is an alias, and has %s records too (%s)", name, typeName(other.typ), b.seen(r, other)), "the CNAME record alone, or no CNAME record")
			return
		}
	}
	if to := b.rdata(r); within(lowered(to), b.zone) {
		if n, ok := b.reach(lowered(to)); !ok {
			b.warn(b.pos(r), name+" is an alias of "+plain(to)+", which is not there", b.orDot("a name of the zone that has records", lowered(to)))
		} else if n != nil && b.loops(g) {
			b.warn(b.pos(r), name+" is an alias that leads back to itself", "the alias of a name with records")
		}
	}
}

// seen says where another record stands, from one that is told of.
func (b *builder) seen(from, other draft) string {
	if from.file == other.file && other.origin == declared {
		return fmt.Sprintf("in line %d", other.line)
	}
	return "at " + b.pos(other).String()
}

// checkDNAME holds the rules of RFC 6672 section 2.4.
func (b *builder) checkDNAME(g *group) {
	r := b.list[g.from]
	name := plain(b.wire(r))
	for i := g.from + 1; i < g.to; i++ {
		b.wrong(b.pos(b.list[i]), name+" has two DNAME records", "one; the first one stands "+b.seen(b.list[i], r))
	}
	if isWild(b.wire(r)) {
		b.wrong(b.pos(r), "a * can't have a DNAME record", "DNAME records at each name, or no *")
	}
	if n := &b.nodes[g.node]; n.flags&delegates != 0 {
		b.wrong(b.pos(r), name+" is delegated, and has a DNAME record too", "one of the two")
	}
	if to := lowered(b.rdata(r)); within(to, b.wire(r)) {
		b.warn(b.pos(r), "the DNAME record of "+name+" moves names to "+plain(to)+", below itself, on and on", "a name that does not lie below "+name)
	}
	for _, o := range b.groups[g.firstBelow(b):] {
		below := b.list[o.from]
		if !bytes.HasPrefix(b.key(below), b.key(r)) {
			break
		}
		if o.node != g.node && below.origin != derived {
			b.wrong(b.pos(below), fmt.Sprintf("%s lies below %s, whose DNAME record (%s) moves all names below it", plain(b.wire(below)), name, b.seen(below, r)), "no record below the DNAME")
			return
		}
	}
}

// firstBelow returns the number of the group behind those of g's node.
func (g *group) firstBelow(b *builder) int {
	n := &b.nodes[g.node]
	return int(n.sets) + int(n.count)
}

func (b *builder) groupsOf(at uint32) []group {
	n := &b.nodes[at]
	return b.groups[n.sets : n.sets+uint32(n.count)]
}

// has reports whether a node has records of a type.
func (b *builder) has(at uint32, typ uint16) bool {
	for _, g := range b.groupsOf(at) {
		if b.list[g.from].typ == typ {
			return true
		}
	}
	return false
}

func (b *builder) hasAddress(at uint32) bool { return b.has(at, dns.TypeA) || b.has(at, dns.TypeAAAA) }

// reach finds what answers for a name in the zone: its node or the * that stands for it. It is nil where a delegation or a
// DNAME takes over, and false where there is nothing.
func (b *builder) reach(name []byte) (*node, bool) {
	at, exact := b.lookup(name)
	for rest, ok := name, exact; !ok; {
		rest = parent(rest)
		at, ok = b.lookup(rest)
	}
	n := &b.nodes[at]
	switch {
	case n.cut != 0, !exact && n.flags&redirects != 0:
		return nil, true
	case exact:
		return n, true
	case n.wild != 0:
		return &b.nodes[n.wild-1], true
	}
	return nil, false
}

// loops follows an alias through the zone.
func (b *builder) loops(g *group) bool {
	start := b.wire(b.list[g.from])
	for range maxChain {
		name := lowered(b.rdata(b.list[g.from]))
		if bytes.Equal(name, start) {
			return true
		}
		at, ok := b.lookup(name)
		if !ok || b.nodes[at].flags&aliased == 0 {
			return false
		}
		g = &b.groups[b.nodes[at].sets]
		if b.list[g.from].typ != dns.TypeCNAME {
			return false
		}
	}
	return false
}

// glueNames are the names that delegations lead to: below one, they alone are of use.
func (b *builder) glueNames() map[string]bool {
	out := map[string]bool{}
	for _, g := range b.groups {
		if b.list[g.from].typ != dns.TypeNS || g.node == 0 {
			continue
		}
		for _, r := range b.list[g.from:g.to] {
			out[string(lowered(b.rdata(r)))] = true
		}
	}
	return out
}

// checkOccluded warns of records that are never seen, since the name servers of a delegation are asked for them.
func (b *builder) checkOccluded(g *group, glue map[string]bool) {
	n := &b.nodes[g.node]
	if n.cut == 0 {
		return
	}
	over := &b.nodes[n.cut-1]
	if over.flags&delegates == 0 {
		return // a DNAME, which says so itself
	}
	r := b.list[g.from]
	switch r.typ {
	case dns.TypeNS, dns.TypeDS:
		if n == over {
			return
		}
	case dns.TypeA, dns.TypeAAAA:
		if glue[string(b.wire(r))] {
			return
		}
	}
	b.warn(b.pos(r), fmt.Sprintf("%s %s is never given: %s is delegated to other name servers", plain(b.wire(r)), typeName(r.typ), plain(b.nameOf(over))),
		"the record in the zone of those name servers")
}

// checkTarget looks at the name that a record leads to.
func (b *builder) checkTarget(g *group, r draft) {
	var at int
	switch r.typ {
	case dns.TypeNS:
	case dns.TypeMX:
		at = 2
	case dns.TypeSRV:
		at = 6
	default:
		return
	}
	to := lowered(b.rdata(r)[at:])
	if !within(to, b.zone) || b.nodes[g.node].cut != 0 && b.nodes[g.node].cut != g.node+1 {
		return
	}
	what := fmt.Sprintf("the %s record of %s leads to %s", typeName(r.typ), plain(b.wire(r)), plain(to))
	i, ok := b.lookup(to)
	n, reached := b.reach(to)
	switch {
	case ok && b.hasAddress(i):
		return
	case n != nil && n.flags&aliased != 0:
		b.warn(b.pos(r), what+", which is an alias (RFC 2181 section 10.3)", "a name with addresses of its own")
		return
	case n != nil && n.wild == 0 && !ok && reached: // a * may stand for it
		return
	}
	below := b.cutOf(to)
	switch {
	case r.typ != dns.TypeNS:
		b.warn(b.pos(r), what+", which has no address", b.orDot("an A or AAAA record for it", to))
	case below == 0, below == g.node+1:
		example := strings.TrimSuffix(strings.TrimSuffix(plain(to), plain(b.zone)), ".")
		b.wrong(b.pos(r), what+", which has no address, so nobody could reach it", b.orDot("an address for it, such as: "+example+" A 203.0.113.10", to))
	}
}

// cutOf returns the number + 1 of the delegation that a name lies below, or 0.
func (b *builder) cutOf(name []byte) uint32 {
	for ; ; name = parent(name) {
		if i, ok := b.lookup(name); ok {
			return b.nodes[i].cut
		}
	}
}

// lowered returns the wire name at the beginning of data in small letters.
func lowered(data []byte) []byte {
	n := 0
	for data[n] != 0 {
		n += int(data[n]) + 1
	}
	name := bytes.Clone(data[:n+1])
	lower(name)
	return name
}
