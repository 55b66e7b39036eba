package zone

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

// Change puts other records in the place of a zone's at one name, for as long as they are needed.
type Change struct {
	Name      string        // small letters, without a dot at the end; it may be a name that the zone does not have
	TXT       []string      // values beside those of the zone: answers to challenges
	Addresses *[]netip.Addr // in place of the derived addresses, and of the HTTPS records that repeat them; nil leaves them
	TTL       uint32        // of these records, in seconds
	Why       string        // in a few words, for [Zone.Print]
}

func isAddress(typ uint16) bool { return typ == dns.TypeA || typ == dns.TypeAAAA }

// empty reports whether the change takes back the one before.
func (c Change) empty() bool { return len(c.TXT) == 0 && c.Addresses == nil }

// overlay is what changes make of a few names of a packed zone. Numbers and places in it go on where those of the packed zone end.
type overlay struct {
	nodes   []node
	names   []byte
	sets    []set
	blocks  []byte
	aux     []uint32
	byName  map[string]uint32
	instead map[uint32]uint32 // of a packed node's number
	why     map[uint32]string // by the place of a set's block
}

// With returns the zone with changes, each of which takes the place of the one before at the same name. A change of nothing but
// a name takes that back. At a name outside the zone, at an alias, and below a delegation nothing changes; nor do declared
// addresses.
func (z *Zone) With(changes ...Change) *Zone {
	other := *z
	other.changes = slices.Clone(z.changes)
	for _, c := range changes {
		i, found := slices.BinarySearchFunc(other.changes, c.Name, func(o Change, name string) int { return cmp.Compare(o.Name, name) })
		switch {
		case found && c.empty():
			other.changes = slices.Delete(other.changes, i, i+1)
		case found:
			other.changes[i] = c
		case !c.empty():
			other.changes = slices.Insert(other.changes, i, c)
		}
	}
	other.overlay()
	return &other
}

// overlay makes the overlay of the changes, and the digest.
func (z *Zone) overlay() {
	z.over = nil
	if len(z.changes) > 0 {
		z.over = &overlay{byName: map[string]uint32{}, instead: map[uint32]uint32{}, why: map[uint32]string{}}
	}
	h := sha256.New()
	base := z.base
	_, _ = h.Write(base[:]) // a hash does not fail
	changed := false
	for _, c := range z.changes {
		if !z.apply(c) {
			continue
		}
		changed = true
		_, _ = fmt.Fprintf(h, "%q %q %d", c.Name, c.TXT, c.TTL)
		if c.Addresses != nil {
			_, _ = fmt.Fprintf(h, " %v", *c.Addresses)
		}
	}
	if z.sum = base; changed {
		z.sum = [32]byte(h.Sum(nil))
	}
}

// apply puts one change into the overlay. It reports false where there is nothing that it could change.
func (z *Zone) apply(c Change) bool {
	name, ok := wireName(c.Name)
	if !ok {
		return false
	}
	lower(name)
	if !within(name, z.apex) {
		return false
	}
	var at [message.LabelsMax]uint8
	p := z.seek(name, at[:starts(name, at[:])])
	if p.cut != nil || p.exact && p.node.flags&aliased != 0 {
		return false
	}
	if len(c.TXT) == 0 && !p.exact && len(*c.Addresses) == 0 {
		return false
	}
	i := z.own(name)
	n := *z.at(i)
	sets := slices.Clone(z.setsOf(&n))
	if len(c.TXT) > 0 {
		sets = z.addText(sets, c)
	}
	if c.Addresses != nil && !slices.ContainsFunc(sets, func(s set) bool { return isAddress(s.typ) && s.origin == declared }) {
		sets = slices.DeleteFunc(sets, func(s set) bool {
			return s.origin == derived && (isAddress(s.typ) || s.typ == dns.TypeHTTPS)
		})
		sets = z.addAddresses(sets, dns.TypeA, c)
		sets = z.addAddresses(sets, dns.TypeAAAA, c)
	}
	slices.SortFunc(sets, func(a, b set) int { return cmp.Compare(a.typ, b.typ) })
	n.sets, n.count = uint32(len(z.sets)+len(z.over.sets)), uint16(len(sets))
	z.over.sets = append(z.over.sets, sets...)
	*z.at(i) = n
	return true
}

// own returns the number of a node of the overlay for a name, which is made as far as it is not there.
func (z *Zone) own(name []byte) uint32 {
	o := z.over
	if i, ok := o.byName[string(name)]; ok {
		return i
	}
	next := uint32(len(z.nodes) + len(o.nodes))
	var n node
	if i, ok := z.lookup(name); ok {
		n = z.nodes[i]
		o.instead[i] = next
		o.nodes = append(o.nodes, n)
	} else {
		above := z.own(parent(name))
		next = uint32(len(z.nodes) + len(o.nodes))
		n = node{name: uint32(len(z.names) + len(o.names)), length: uint8(len(name)), labels: uint8(labels(name)), sets: uint32(len(z.sets) + len(o.sets))}
		o.names = append(o.names, name...)
		o.nodes = append(o.nodes, n)
		if isWild(name) {
			z.at(above).wild = next + 1
		}
	}
	o.byName[string(name)] = next
	return next
}

// begin appends the head of a record to the blocks of the overlay.
func (o *overlay) begin(typ uint16, ttl uint32, length int) {
	o.blocks = append(o.blocks, pointerBits>>8, message.HeaderLen, byte(typ>>8), byte(typ), 0, byte(dns.ClassINET))
	o.blocks = binary.BigEndian.AppendUint32(o.blocks, ttl)
	o.blocks = binary.BigEndian.AppendUint16(o.blocks, uint16(length))
}

// addText adds TXT records to those that are there.
func (z *Zone) addText(sets []set, c Change) []set {
	o := z.over
	s := set{typ: dns.TypeTXT, ttl: c.TTL, block: uint32(len(z.blocks) + len(o.blocks))}
	start := len(o.blocks)
	var have [][]byte
	if i := slices.IndexFunc(sets, func(s set) bool { return s.typ == dns.TypeTXT }); i >= 0 {
		old := bytes.Clone(z.block(&sets[i]))
		s.line, s.column, s.file, s.origin = sets[i].line, sets[i].column, sets[i].file, sets[i].origin
		for at := 0; at < len(old); { // one TTL for all of them (RFC 2181 section 5.2)
			end := at + 12 + int(binary.BigEndian.Uint16(old[at+10:]))
			binary.BigEndian.PutUint32(old[at+6:], c.TTL)
			have = append(have, old[at+12:end])
			at = end
		}
		o.blocks = append(o.blocks, old...)
		sets = slices.Delete(sets, i, i+1)
	}
	for _, value := range slices.Sorted(slices.Values(c.TXT)) {
		var data []byte
		for rest := value; ; {
			part := rest[:min(len(rest), 255)]
			data = append(append(data, byte(len(part))), part...)
			if rest = rest[len(part):]; rest == "" {
				break
			}
		}
		if slices.ContainsFunc(have, func(h []byte) bool { return bytes.Equal(h, data) }) {
			continue
		}
		have = append(have, data)
		o.begin(dns.TypeTXT, c.TTL, len(data))
		o.blocks = append(o.blocks, data...)
	}
	s.count, s.size = uint16(len(have)), uint32(len(o.blocks)-start)
	o.why[s.block] = c.Why
	return append(sets, s)
}

// addAddresses adds the addresses of one family.
func (z *Zone) addAddresses(sets []set, typ uint16, c Change) []set {
	o := z.over
	s := set{typ: typ, ttl: c.TTL, block: uint32(len(z.blocks) + len(o.blocks)), origin: derived}
	start := len(o.blocks)
	addresses := map[netip.Addr]bool{}
	for _, a := range *c.Addresses {
		if a = a.Unmap(); a.IsValid() && a.Is4() == (typ == dns.TypeA) {
			addresses[a.WithZone("")] = true
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(addresses), netip.Addr.Compare) {
		data := a.AsSlice()
		o.begin(typ, c.TTL, len(data))
		o.blocks = append(o.blocks, data...)
	}
	if s.count, s.size = uint16(len(addresses)), uint32(len(o.blocks)-start); s.count == 0 {
		return sets
	}
	o.why[s.block] = c.Why
	return append(sets, s)
}
