package zone

import "github.com/miekg/dns"

// place is where a name was found in a zone.
type place struct {
	node     *node // the name itself, or else its closest encloser: the longest of its ends that is there (RFC 4592 section 3.3.1)
	exact    bool  // node is the name itself
	cut      *node // the delegation at or above the name, or the DNAME above it, that takes over; nil for none
	wildcard *node // the * that stands for a name that is not there, or nil
}

// seek finds a name, which lies in the zone. at is where its labels begin.
func (z *Zone) seek(key []byte, at []uint8) (p place) {
	i, ok := z.number(key)
	p.exact = ok
	if !ok {
		// If a name is there, so are all its ends: the longest is found by halving.
		low, high := 1, len(at)-z.apexLabels // labels that are left out: too few, enough
		for low < high {
			middle := (low + high) / 2
			if j, ok := z.number(key[at[middle]:]); ok {
				high, i = middle, j
			} else {
				low = middle + 1
			}
		}
		if high == len(at)-z.apexLabels {
			i = 0
		}
	}
	p.node = z.at(i)
	switch {
	case p.node.cut != 0:
		p.cut = z.at(p.node.cut - 1)
	case !p.exact && p.node.flags&redirects != 0:
		p.cut = p.node
	case !p.exact && p.node.wild != 0:
		p.wildcard = z.at(p.node.wild - 1)
	}
	return p
}

// number finds the node of a name.
func (z *Zone) number(key []byte) (uint32, bool) {
	if z.over != nil {
		if i, ok := z.over.byName[string(key)]; ok {
			return i, true
		}
	}
	return z.lookup(key)
}

// at returns the node of a number.
func (z *Zone) at(i uint32) *node {
	if z.over != nil {
		if j, ok := z.over.instead[i]; ok {
			i = j
		}
		if n := uint32(len(z.nodes)); i >= n {
			return &z.over.nodes[i-n]
		}
	}
	return &z.nodes[i]
}

// setsOf returns the sets of a node.
func (z *Zone) setsOf(n *node) []set {
	if base := uint32(len(z.sets)); n.sets >= base && z.over != nil {
		return z.over.sets[n.sets-base:][:n.count]
	}
	return z.sets[n.sets:][:n.count]
}

// set returns the set of a type, or nil.
func (z *Zone) set(n *node, typ uint16) *set {
	sets := z.setsOf(n)
	for i := range sets {
		if sets[i].typ == typ {
			return &sets[i]
		}
	}
	return nil
}

// block returns the block of a set.
func (z *Zone) block(s *set) []byte {
	if base := uint32(len(z.blocks)); s.block >= base && z.over != nil {
		return z.over.blocks[s.block-base:][:s.size]
	}
	return z.blocks[s.block:][:s.size]
}

// wireOf returns the name of a node.
func (z *Zone) wireOf(n *node) []byte {
	if base := uint32(len(z.names)); n.name >= base && z.over != nil {
		return z.over.names[n.name-base:][:n.length]
	}
	return z.nameOf(n)
}

// delegation reports whether a cut is one that takes a question of a type over: DS records are the parent's.
func (p *place) delegation(typ uint16) bool {
	return p.cut != nil && p.cut.flags&delegates != 0 && (p.cut != p.node || !p.exact || typ != dns.TypeDS)
}
