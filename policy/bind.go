package policy

import "github.com/roundtrip-dev/roundtrip"

// finish turns a checked tree into a program: the largest parts that need no record become slots, which are computed
// once per call and reach SQL as parameters.
func finish(b *build, root *node) *program {
	p := &program{places: b.places, counts: b.counts, inputs: b.inputs}
	p.root = p.extract(root)
	for _, at := range p.places {
		if at.guard != nil {
			at.guard = p.extract(at.guard)
			p.guarded = true
		}
	}
	return p
}

// extract returns the node with its call-only parts replaced by slots.
func (p *program) extract(n *node) *node {
	switch {
	case n.op == opConst || n.op == opSlot:
		return n
	case n.free:
		return p.slot(n)
	}
	copied := *n
	copied.kids = make([]*node, len(n.kids))
	for i, k := range n.kids {
		copied.kids[i] = p.extract(k)
	}
	return &copied
}

func (p *program) slot(n *node) *node {
	s := &node{op: opSlot, kind: n.kind, pos: n.pos, decl: n.decl, of: n.of, free: true, local: true, auth: n.auth}
	for i, other := range p.slots {
		if other.op == n.op && other.field == n.field && len(n.kids) == 0 {
			s.slot = i
			return s
		}
	}
	s.slot = len(p.slots)
	p.slots = append(p.slots, n)
	p.values = append(p.values, compileValue(n))
	return s
}

// closure returns the program in memory, compiled when it is first asked for.
func (p *program) closure() condition {
	if p.check == nil {
		p.check = compileCondition(p.root)
	}
	return p.check
}

// bound is a program with one call and caller put in.
type bound struct {
	prog   *program
	frame  frame
	guards []guard            // by place; nil where no place has one
	small  [4]roundtrip.Value // room for the slots of common rules
}

// guard remembers what the read rule of a place comes to.
type guard struct {
	folded bool
	says   verdict
}

// bind computes the slots.
func (b *bound) bind(p *program, call *roundtrip.Call, who *roundtrip.Principal) {
	b.prog = p
	b.frame.call, b.frame.who = call, who
	b.frame.args = b.small[:0]
	if len(p.values) > len(b.small) {
		b.frame.args = make([]roundtrip.Value, 0, len(p.values))
	}
	if p.guarded {
		b.guards = make([]guard, len(p.places))
	}
	for _, value := range p.values {
		b.frame.args = append(b.frame.args, value(&b.frame))
	}
}

// fold says what a condition comes to whatever the records are; unknown where that depends on them.
func (b *bound) fold(n *node) verdict {
	switch n.op {
	case opConst:
		return verdictOf(n.value.Bool())
	case opSlot:
		v := b.frame.args[n.slot]
		return verdictOf(v.Kind() == roundtrip.BoolValue && v.Bool())
	case opAnd:
		return b.foldChain(n.kids, no)
	case opOr:
		return b.foldChain(n.kids, yes)
	case opNot:
		return b.fold(n.kids[0]).not()
	case opCompare:
		return b.foldCompare(n)
	case opIsNull:
		if b.null(n.kids[0]) {
			return yes
		}
	case opIn:
		if b.null(n.kids[0]) || b.allNull(n.kids[1:]) {
			return no
		}
	case opInRoles:
		if b.null(n.kids[0]) || b.frame.who == nil || len(b.frame.who.Roles) == 0 {
			return no
		}
	case opNotNull, opColumn:
		x := n
		if n.op == opNotNull {
			x = n.kids[0]
		}
		if b.null(x) {
			return no
		}
	case opStarts, opEnds, opContains:
		if b.null(n.kids[0]) || b.null(n.kids[1]) {
			return no
		}
	case opExists:
		if b.fold(n.kids[0]) == no {
			return no
		}
	default: // what is no condition is not asked
	}
	return unknown
}

func (b *bound) foldChain(kids []*node, decisive verdict) verdict {
	result := decisive.not()
	for _, k := range kids {
		switch b.fold(k) {
		case decisive:
			return decisive
		case unknown:
			result = unknown
		default:
		}
	}
	return result
}

func (b *bound) foldCompare(n *node) verdict {
	x, y := b.null(n.kids[0]), b.null(n.kids[1])
	if n.sign != signNotEqual {
		if x || y {
			return no
		}
		return unknown
	}
	switch {
	case x && y:
		return no
	case x && b.present(n.kids[1]), y && b.present(n.kids[0]):
		return yes
	}
	return unknown
}

// null reports whether a value is null whatever the records are.
func (b *bound) null(n *node) bool {
	switch n.op {
	case opConst:
		return n.value.IsNull()
	case opSlot:
		return b.frame.args[n.slot].IsNull()
	case opSize:
		return b.null(n.kids[0])
	case opColumn:
		return b.dead(n.at)
	default:
	}
	return false
}

// present reports whether a value is known not to be null.
func (b *bound) present(n *node) bool {
	return n.logic() || (n.op == opConst || n.op == opSlot) && !b.null(n)
}

func (b *bound) allNull(list []*node) bool {
	for _, n := range list {
		if !b.null(n) {
			return false
		}
	}
	return true
}

// dead reports whether no record can be at the place, because a read rule on the way says no to this caller.
func (b *bound) dead(at *place) bool {
	for ; at != nil; at = at.parent {
		if at.guard != nil && b.guarded(at) == no {
			return true
		}
	}
	return false
}

// guarded folds the read rule of a place, once for each. Inside the rule itself the record is there.
func (b *bound) guarded(at *place) verdict {
	g := &b.guards[at.index]
	if !g.folded {
		*g = guard{folded: true, says: unknown}
		g.says = b.fold(at.guard)
	}
	return g.says
}
