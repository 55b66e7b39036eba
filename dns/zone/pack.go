package zone

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/dns/message"
)

// A block is the records of one set as they are sent to whoever asks for just this name: the question's name is the owner, at
// byte 12 of the message, and the block follows the question. In it are three sorts of compression pointers:
//
//   - each record begins with one to the owner, byte 12;
//   - names of the zone in the data of records end with one to the zone's name, which is the end of the owner;
//   - others point to a name in the block itself.
//
// Elsewhere a block is copied and its pointers are moved: both latter sorts by the difference in the length of the question
// where a * stands for another name, and each by its own where the block follows a CNAME. aux lists where they are.

// Bounds of blocks.
const (
	maxBlock    = 60_000 // what fits a message over TCP, with room for a chain before it
	maxSelf     = 6_000  // pointers lead to nothing behind this byte of a block, so that it can be moved by maxMoved
	maxMoved    = 9_000
	pointerBits = 0xC000
)

// The mark of a pointer into the block itself, and of an address without which a delegation leads nowhere.
const (
	selfPointer  = 1 << 31
	requiredGlue = 1 << 31
)

// auxOf returns the places of a set's pointers in its block, and its targets: pairs of a node whose addresses go into the
// additional section, and the place of its name in the block.
func auxOf(aux []uint32, at uint32) (pointers, targets []uint32) {
	if at == 0 {
		return nil, nil
	}
	n, m := aux[at]&0xFFFF, aux[at]>>16
	at++
	return aux[at : at+n], aux[at+n : at+n+2*m]
}

// pack makes the blocks of all sets.
func (b *builder) pack() {
	b.aux = append(b.aux, 0) // so that 0 means none
	total := 0
	for _, r := range b.list {
		total += int(r.length) + 12
	}
	b.blocks = make([]byte, 0, total)
	b.sets = make([]set, 0, len(b.groups))
	for _, g := range b.groups {
		r := b.list[g.from]
		s := b.packSet(g)
		if s.size > maxBlock {
			b.wrong(b.pos(r), fmt.Sprintf("the %s records of %s are too many for one message: %d bytes", typeName(r.typ), plain(b.wire(r)), s.size), fmt.Sprintf("at most %d bytes", maxBlock))
		}
		if r.typ == dns.TypeSOA && r.origin == declared {
			b.written, b.hasWritten = serialOf(b.rdata(r)), true
		}
		if note, ok := b.drafts.notes[r.data]; ok || r.origin == derived {
			if b.packed.notes == nil {
				b.packed.notes = map[uint32]string{}
			}
			b.packed.notes[uint32(len(b.sets))] = note
		}
		b.sets = append(b.sets, s)
	}
	b.packed.files = b.drafts.files
}

// packing is the block of one set while it is written.
type packing struct {
	b        []byte // of all blocks
	start    int    // of this one
	apex     []byte
	apexAt   int             // where the zone's name is in the message
	seen     map[string]int  // names, and where in the block they are
	led      map[uint32]bool // nodes whose addresses go with it
	pointers []uint32
}

func (b *builder) packSet(g group) set {
	n := &b.nodes[g.node]
	r := b.list[g.from]
	p := packing{b: b.blocks, start: len(b.blocks), apex: b.apex, apexAt: message.HeaderLen + int(n.length) - len(b.apex)}
	if g.to-g.from > 1 || r.typ == dns.TypeSOA || r.typ == dns.TypeMINFO {
		p.seen = map[string]int{}
	}
	var targets []uint32
	for _, r := range b.list[g.from:g.to] {
		p.b = append(p.b, pointerBits>>8, message.HeaderLen)
		p.b = binary.BigEndian.AppendUint16(p.b, r.typ)
		p.b = binary.BigEndian.AppendUint16(p.b, dns.ClassINET)
		p.b = binary.BigEndian.AppendUint32(p.b, r.ttl)
		length := len(p.b)
		p.b = append(p.b, 0, 0)
		name := p.data(r.typ, b.rdata(r))
		binary.BigEndian.PutUint16(p.b[length:], uint16(len(p.b)-length-2))
		targets = b.target(&p, targets, g, r, name)
	}
	b.blocks = p.b
	s := set{
		block: uint32(p.start), size: uint32(len(p.b) - p.start), ttl: r.ttl, typ: r.typ, count: uint16(g.to - g.from),
		line: r.line, column: r.column, file: r.file, origin: r.origin,
	}
	if r.typ == dns.TypeSOA { // the serial is filled in when it is sent
		clear(b.blocks[len(b.blocks)-20 : len(b.blocks)-16])
	}
	if len(p.pointers)+len(targets) > 0 {
		s.aux = uint32(len(b.aux))
		b.aux = append(b.aux, uint32(len(p.pointers))|uint32(len(targets)/2)<<16)
		b.aux = append(append(b.aux, p.pointers...), targets...)
	}
	return s
}

// data appends the data of a record; only names of the types of RFC 1035 may be compressed (RFC 3597 section 4). It returns
// where in the block the first name is.
func (p *packing) data(typ uint16, data []byte) (name int) {
	before, names := 0, 1
	switch typ {
	case dns.TypeNS, dns.TypeCNAME, dns.TypePTR, dns.TypeMB, dns.TypeMG, dns.TypeMR, dns.TypeMD, dns.TypeMF:
	case dns.TypeMX:
		before = 2
	case dns.TypeSOA, dns.TypeMINFO:
		names = 2
	default:
		p.b = append(p.b, data...)
		return len(p.b) - p.start - len(data)
	}
	p.b = append(p.b, data[:before]...)
	data = data[before:]
	name = len(p.b) - p.start
	for range names {
		n := 0
		for data[n] != 0 {
			n += int(data[n]) + 1
		}
		p.name(data[:n+1])
		data = data[n+1:]
	}
	p.b = append(p.b, data...)
	return name
}

// name appends a name, compressed.
func (p *packing) name(name []byte) {
	small := lowered(name)
	for small[0] != 0 {
		if bytes.Equal(small, p.apex) {
			p.point(p.apexAt, 0)
			return
		}
		if at, ok := p.seen[string(small)]; ok {
			p.point(p.apexAt+len(p.apex)+4+at, selfPointer)
			return
		}
		if at := len(p.b) - p.start; p.seen != nil && at < maxSelf {
			p.seen[string(small)] = at
		}
		n := int(name[0]) + 1
		p.b = append(p.b, name[:n]...)
		name, small = name[n:], small[n:]
	}
	p.b = append(p.b, 0)
}

func (p *packing) point(at int, mark uint32) {
	p.pointers = append(p.pointers, uint32(len(p.b)-p.start)|mark)
	p.b = binary.BigEndian.AppendUint16(p.b, uint16(pointerBits|at))
}

// target adds the node whose addresses go with a record.
func (b *builder) target(p *packing, targets []uint32, g group, r draft, name int) []uint32 {
	data := b.rdata(r)
	switch r.typ {
	case dns.TypeNS:
	case dns.TypeMX:
		data = data[2:]
	case dns.TypeSRV:
		data, name = data[6:], name+6
	case dns.TypeSVCB, dns.TypeHTTPS:
		if data[0] == 0 && data[1] == 0 {
			return targets // an alias
		}
		if data, name = data[2:], name+2; data[0] == 0 { // the owner itself: the pointer that the first record begins with
			data, name = b.wire(r), 0
		}
	default:
		return targets
	}
	to := lowered(data)
	if !within(to, b.zone) {
		return targets
	}
	i, ok := b.lookup(to)
	if !ok || !b.hasAddress(i) || isWild(b.wire(r)) && name == 0 {
		return targets
	}
	delegation := r.typ == dns.TypeNS && g.node != 0
	if b.nodes[i].cut != 0 && !delegation {
		return targets // not ours to say
	}
	if p.led[i] {
		return targets
	}
	if p.led == nil {
		p.led = map[uint32]bool{}
	}
	p.led[i] = true
	at := uint32(name)
	if delegation && within(to, b.nameOf(&b.nodes[g.node])) {
		at |= requiredGlue
	}
	return append(targets, i, at)
}

// sumUp returns a digest of all records, the serial left out.
func (p *packed) sumUp() [32]byte {
	h := sha256.New()
	var head []byte
	for i := range p.nodes {
		n := &p.nodes[i]
		for _, s := range p.sets[n.sets : n.sets+uint32(n.count)] {
			head = append(head[:0], p.nameOf(n)...)
			head = binary.BigEndian.AppendUint16(head, s.typ)
			head = binary.BigEndian.AppendUint32(head, s.size)
			_, _ = h.Write(head) // a hash does not fail
			_, _ = h.Write(p.blocks[s.block : s.block+s.size])
		}
	}
	return [32]byte(h.Sum(nil))
}
