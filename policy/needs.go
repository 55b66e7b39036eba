package policy

import "github.com/roundtrip-dev/roundtrip"

// Need says how a condition hangs on the records of a collection, once it is known who asks.
type Need struct {
	Exists bool // any record of it may have a say
	Ref    bool // a record of it to which a ref leads may have a say
	Mine   int  // Exists: the field that must hold the caller's id for a record to count; -1 where others count too
}

// Needs looks at what is left of the condition with the caller put in. The zero Need: records of the collection, other
// than the one that is asked about, have no say for this caller.
func (p *Permit) Needs(c *roundtrip.Collection) Need {
	n := Need{Mine: -1}
	for _, b := range [...]*bound{p.rule, p.filter} {
		if b != nil && !p.never {
			s := search{bound: b, of: c, need: &n, inside: map[*place]bool{}}
			s.look(b.prog.root)
		}
	}
	return n
}

// search walks a bound tree for places of one collection.
type search struct {
	bound  *bound
	of     *roundtrip.Collection
	need   *Need
	inside map[*place]bool
}

func (s *search) look(n *node) {
	if n.logic() && s.bound.fold(n) != unknown {
		return
	}
	switch n.op {
	case opExists:
		if n.at.collection == s.of {
			s.found(n)
		}
	case opColumn:
		for at := n.at; at != nil && at.parent != nil; at = at.parent {
			if s.inside[at] {
				continue
			}
			s.need.Ref = s.need.Ref || at.collection == s.of
			if at.guard != nil {
				s.inside[at] = true
				s.look(at.guard)
				s.inside[at] = false
			}
		}
	default:
	}
	for _, k := range n.kids {
		s.look(k)
	}
}

// found notes an exists. Several of them are narrow only if they are by the same field.
func (s *search) found(n *node) {
	mine := s.mine(n.kids[0], n.at)
	if s.need.Exists && s.need.Mine != mine {
		mine = -1
	}
	s.need.Exists, s.need.Mine = true, mine
}

// mine returns the field of a place that the condition pins to the caller's id, or -1.
func (s *search) mine(n *node, at *place) int {
	if n.op == opAnd {
		for _, k := range n.kids {
			if f := s.mine(k, at); f >= 0 {
				return f
			}
		}
		return -1
	}
	if n.op != opCompare || n.sign != signEqual {
		return -1
	}
	for i, k := range n.kids {
		other := n.kids[1-i]
		if k.op == opColumn && k.at == at && other.op == opSlot && s.bound.prog.slots[other.slot].op == opAuthID {
			return k.field
		}
	}
	return -1
}
