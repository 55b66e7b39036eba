package zone

import (
	"bytes"
	"hash/maphash"

	"github.com/miekg/dns"
)

// packed is the records of a zone in the form in which they are sent. Its parts refer to each other by number, so that there
// are few things for the garbage collector to follow. It never changes.
type packed struct {
	apex       []byte // wire name
	apexLabels int

	names  []byte
	nodes  []node   // in canonical order, the zone itself first
	sets   []set    // in the order of nodes
	blocks []byte   // of sets
	aux    []uint32 // of sets: see set.aux
	files  []string // of sets: where their records stand

	seed  maphash.Seed
	index []uint32 // a hash table of nodes: number + 1, or 0

	notes      map[uint32]string // by set: what derived records follow from
	written    uint32            // serial of a declared SOA
	hasWritten bool
	base       [32]byte // digest of all of it
}

// node is one name of a zone, with or without records.
type node struct {
	name   uint32 // in names
	sets   uint32 // the first of its sets
	count  uint16 // of its sets
	length uint8  // of the name
	labels uint8
	flags  nodeFlags
	cut    uint32 // number + 1 of the topmost delegation at or above it, or DNAME above it; 0 for none
	wild   uint32 // number + 1 of the name that is a * below it, or 0
}

type nodeFlags uint8

const (
	delegates nodeFlags = 1 << iota // it has NS records and is not the zone itself
	redirects                       // it has a DNAME record
	aliased                         // it has a CNAME record
)

// set is the records of one name and type (an RRset, RFC 2181 section 5).
type set struct {
	block  uint32 // in blocks
	size   uint32 // of the block
	ttl    uint32
	aux    uint32 // 0, or in aux: see auxOf
	line   uint32 // of its first record
	typ    uint16
	count  uint16 // of records
	column uint16
	file   uint16
	origin origin
}

// builder makes a packed zone from drafts.
type builder struct {
	*drafts
	*packed
	groups []group // one for each set, in order
}

// group is the drafts of one set.
type group struct {
	node     uint32
	from, to uint32 // in drafts.list
}

// tree makes the nodes: one for each name, and one for each name between it and the zone (RFC 4592 section 2.2.2).
func (b *builder) tree() {
	b.seed = maphash.MakeSeed()
	type level struct {
		node uint32
		key  []byte
	}
	b.room()
	var path []level // from the zone down to the present name
	for from := 0; from < len(b.list); {
		r := b.list[from]
		to := from + 1
		for to < len(b.list) && b.sameName(r, b.list[to]) {
			to++
		}
		key := b.key(r)
		for len(path) > 0 && !bytes.HasPrefix(key, path[len(path)-1].key) {
			path = path[:len(path)-1]
		}
		name := b.wire(r)
		have := b.apexLabels - 1
		if len(path) > 0 {
			have = int(b.nodes[path[len(path)-1].node].labels)
		}
		for missing := labels(name) - have - 1; missing >= 0; missing-- {
			at := name
			for range missing {
				at = parent(at)
			}
			above := int64(-1)
			if len(path) > 0 {
				above = int64(path[len(path)-1].node)
			}
			path = append(path, level{b.grow(at, above), keyEnd(key, missing)})
		}
		b.fill(path[len(path)-1].node, uint32(from), uint32(to))
		from = to
	}
	b.hash()
}

// keyEnd returns the key of the name that is so many labels above that of a key.
func keyEnd(key []byte, up int) []byte {
	for ; up > 0; up-- {
		key = key[:bytes.LastIndexByte(key[:len(key)-1], 0)+1]
	}
	return key
}

// room makes room for what there will be, names between others apart.
func (b *builder) room() {
	names, sets, bytes := 0, 0, 0
	for i, r := range b.list {
		if i == 0 || !b.sameName(r, b.list[i-1]) {
			names++
			bytes += len(b.wire(r))
		} else if r.typ == b.list[i-1].typ {
			continue
		}
		sets++
	}
	b.nodes = make([]node, 0, names+names/64+8)
	b.names = make([]byte, 0, bytes+bytes/64+256)
	b.groups = make([]group, 0, sets)
}

// grow adds a node below another one; above is -1 for the zone itself.
func (b *builder) grow(name []byte, above int64) uint32 {
	i := uint32(len(b.nodes))
	n := node{name: uint32(len(b.names)), length: uint8(len(name)), labels: uint8(labels(name)), sets: uint32(len(b.groups))}
	b.names = append(b.names, name...)
	if above >= 0 {
		over := &b.nodes[above]
		if n.cut = over.cut; n.cut == 0 && over.flags&redirects != 0 {
			n.cut = uint32(above) + 1
		}
		if isWild(name) {
			over.wild = i + 1
		}
	}
	b.nodes = append(b.nodes, n)
	return i
}

// fill gives a node its sets.
func (b *builder) fill(at, from, to uint32) {
	n := &b.nodes[at]
	if n.cut != 0 && !b.derivedCut(n) { // what runs here has no say below a delegation
		kept := from
		for i := from; i < to; i++ {
			if b.list[i].origin != derived {
				b.list[kept] = b.list[i]
				kept++
			}
		}
		to = kept
	}
	for from < to {
		end := from + 1
		for end < to && b.list[end].typ == b.list[from].typ {
			end++
		}
		switch b.list[from].typ {
		case dns.TypeNS:
			if at != 0 {
				n.flags |= delegates
			}
		case dns.TypeDNAME:
			n.flags |= redirects
		case dns.TypeCNAME:
			n.flags |= aliased
		}
		b.groups = append(b.groups, group{node: at, from: from, to: end})
		n.count++
		from = end
	}
	if n.cut == 0 && n.flags&delegates != 0 {
		n.cut = at + 1
	}
}

// derivedCut reports whether the delegation above a node was derived itself, and so was its glue.
func (b *builder) derivedCut(n *node) bool {
	for _, g := range b.groupsOf(n.cut - 1) {
		if r := b.list[g.from]; r.typ == dns.TypeNS {
			return r.origin == derived
		}
	}
	return false
}

// hash makes the table of names.
func (b *builder) hash() {
	size := 8
	for size < 2*len(b.nodes) {
		size *= 2
	}
	b.index = make([]uint32, size)
	mask := uint64(size - 1)
	for i := range b.nodes {
		slot := maphash.Bytes(b.seed, b.nameOf(&b.nodes[i])) & mask
		for b.index[slot] != 0 {
			slot = (slot + 1) & mask
		}
		b.index[slot] = uint32(i) + 1
	}
}

func (p *packed) nameOf(n *node) []byte { return p.names[n.name : n.name+uint32(n.length)] }

// lookup finds a node by its wire name in small letters.
func (p *packed) lookup(key []byte) (uint32, bool) {
	mask := uint64(len(p.index) - 1)
	for slot := maphash.Bytes(p.seed, key) & mask; ; slot = (slot + 1) & mask {
		i := p.index[slot]
		if i == 0 {
			return 0, false
		}
		if n := &p.nodes[i-1]; bytes.Equal(p.nameOf(n), key) {
			return i - 1, true
		}
	}
}
