package policy

import (
	"slices"

	"github.com/roundtrip-dev/roundtrip"
)

// Traits says of a read (its rule and its filter) what is known before any record and any caller are: whether one answer
// does for all callers, and what else than the record itself the answer hangs on. Streams ask it once for each topic.
type Traits struct {
	// Everything is set where the rule is constantly true and there is no filter: each record is seen by everybody.
	Everything bool
	// Public is set where a record that a stranger may see may be seen by everybody: the caller stands only where being
	// known can turn a no into a yes.
	Public bool
	// Depends lists the other collections whose records have a say, the own one among them if an exists ranges over it.
	Depends []Dependency
	Counts  bool // a count field of any collection has a say
	Account bool // a field of the caller's account or their roles have a say, so that more than auth.id makes the answer
	Roles   bool // the roles alone
	Addr    bool // request.ip has a say
	// Equal is what the query's short conditions (author=ID) want: the filter refuses every record that has something else.
	Equal []EqualValue
	// Sieve is set where the filter says the same to every caller about a record alone, at any time: what it refuses then,
	// nobody sees.
	Sieve bool
}

// Dependency is one collection that has a say in who may read another one.
type Dependency struct {
	Collection *roundtrip.Collection
	Exists     bool // any of its records may count; else only one that a ref leads to
	Via        int  // where only this ref of the record itself leads to the one that counts: its position; else -1
}

// EqualValue is a field of the record and the value that it is to have.
type EqualValue struct {
	Field int
	Value roundtrip.Value
}

// Collection returns the collection that has a number in the schema's history, or nil.
func (e *Engine) Collection(number int32) *roundtrip.Collection {
	for _, c := range e.book.schema.Collections {
		if c.Number == number {
			return c
		}
	}
	return nil
}

// Traits looks at a list or get as Decide would, for no caller in particular. Errors are those of Decide about the query.
func (e *Engine) Traits(call *roundtrip.Call) (Traits, error) {
	t := Traits{Public: true, Sieve: true}
	a, ok := e.collections[call.Collection]
	if !ok {
		return t, &roundtrip.Error{Kind: roundtrip.Internal, Reason: "app.internal", Op: "policy.traits"}
	}
	t.Everything = a.read.always
	if a.read.prog != nil && !a.read.always {
		t.add(a.read.prog)
	}
	t.Public = t.Public && !t.Addr
	q := &call.Query
	if call.Action == roundtrip.Get || q.Filter == "" && len(q.Equal) == 0 {
		return t, nil
	}
	prog, err := e.compileFilter(&Permit{action: call.Action, collection: call.Collection, call: call, principal: &roundtrip.Principal{}})
	if err != nil {
		return t, err
	}
	t.Everything = false
	t.add(prog)
	for _, eq := range q.Equal {
		if i, ok := call.Collection.Lookup(eq.Field); ok {
			if v, code, _ := parseField(call.Collection.Fields[i], eq.Value); code == "" {
				t.Equal = append(t.Equal, EqualValue{i, v})
			}
		}
	}
	t.Sieve = sieves(prog)
	t.Public = t.Public && !t.Addr
	return t, nil
}

// add looks at one program.
func (t *Traits) add(p *program) {
	for _, at := range p.places[1:] {
		via := -1
		if at.parent == p.places[0] && !at.exists {
			via = at.field
		}
		i := slices.IndexFunc(t.Depends, func(d Dependency) bool { return d.Collection == at.collection })
		if i < 0 {
			t.Depends = append(t.Depends, Dependency{Collection: at.collection, Exists: at.exists, Via: via})
		} else {
			t.Depends[i].Exists = t.Depends[i].Exists || at.exists
			if t.Depends[i].Via != via {
				t.Depends[i].Via = -1
			}
		}
		if at.guard != nil {
			t.notice(at.guard)
		}
	}
	t.Counts = t.Counts || p.counts
	t.notice(p.root)
	for _, n := range p.slots {
		t.notice(n)
	}
	m := &monotone{p: p, auth: map[*place]bool{}, rises: map[*place]bool{}, inside: map[*place]bool{}}
	t.Public = t.Public && m.up(p.root)
}

// sieves reports whether a filter speaks of the record and of constants only. What lies behind a ref is open to a sieve:
// in memory it is not known.
func sieves(p *program) bool {
	var calls func(n *node) bool
	calls = func(n *node) bool {
		switch n.op {
		case opAuthID, opAuthField, opRoles, opInRoles, opNow, opIP:
			return true
		default:
		}
		return slices.ContainsFunc(n.kids, calls)
	}
	return !calls(p.root) && !slices.ContainsFunc(p.slots, calls)
}

func (t *Traits) notice(n *node) {
	switch n.op {
	case opAuthField:
		t.Account = true
	case opRoles, opInRoles:
		t.Account, t.Roles = true, true
	case opIP:
		t.Addr = true
	default:
	}
	for _, k := range n.kids {
		t.notice(k)
	}
}

// monotone judges the parts of a program: what does it mean for all callers that a stranger gets a yes, or a no? For a
// stranger all of auth is null and the roles are empty. It errs on the side of no.
//
// The read rule of a place speaks of that place itself: inside of it the record is there.
type monotone struct {
	p      *program
	auth   map[*place]bool // the caller has part in the read rule of the place
	rises  map[*place]bool // that rule is up
	inside map[*place]bool // whose rule is being looked at
}

// up reports whether a stranger's yes is everybody's yes.
func (m *monotone) up(n *node) bool {
	if !m.touched(n) {
		return true
	}
	switch n.op {
	case opAnd, opOr:
		return !slices.ContainsFunc(n.kids, func(k *node) bool { return !m.up(k) })
	case opNot:
		return m.down(n.kids[0])
	case opExists:
		return m.up(n.kids[0])
	case opSlot:
		return m.up(m.p.slots[n.slot])
	case opAuthField, opInRoles: // a stranger gets no yes
		return true
	case opColumn:
		return m.seen(n)
	case opNotNull:
		return m.absent(n.kids[0]) || m.seen(n.kids[0])
	case opCompare:
		return n.sign != signNotEqual && m.values(n.kids)
	case opStarts, opEnds, opContains:
		return m.values(n.kids)
	case opIn:
		if m.absent(n.kids[0]) {
			return true
		}
		return !slices.ContainsFunc(n.kids, func(k *node) bool { return m.touched(k) && !m.absent(k) && !m.seen(k) })
	default:
	}
	return false
}

// down reports whether a stranger's no is everybody's no.
func (m *monotone) down(n *node) bool {
	if !m.touched(n) {
		return true
	}
	switch n.op {
	case opAnd, opOr:
		return !slices.ContainsFunc(n.kids, func(k *node) bool { return !m.down(k) })
	case opNot:
		return m.up(n.kids[0])
	case opExists:
		return m.down(n.kids[0])
	case opSlot:
		return m.down(m.p.slots[n.slot])
	case opIsNull: // a stranger gets no no
		return m.absent(n.kids[0]) || m.seen(n.kids[0])
	default:
	}
	return false
}

// values reports whether a comparison of values, which null makes false, is up: a stranger has null among them, or the
// same values as everybody who sees as much.
func (m *monotone) values(kids []*node) bool {
	if slices.ContainsFunc(kids, m.absent) {
		return true
	}
	return !slices.ContainsFunc(kids, func(k *node) bool { return m.touched(k) && !m.seen(k) })
}

// absent reports whether a value is always null for a stranger.
func (m *monotone) absent(n *node) bool {
	switch n.op {
	case opAuthID, opAuthField:
		return true
	case opSlot:
		return m.absent(m.p.slots[n.slot])
	case opNegate, opAdd, opSubtract:
		return slices.ContainsFunc(n.kids, m.absent)
	case opSize:
		return n.kids[0].op != opRoles && m.absent(n.kids[0])
	default:
	}
	return false
}

// seen reports whether a column is there for everybody for whom it is there for a stranger: the read rules on the way to
// it are up.
func (m *monotone) seen(n *node) bool {
	if n.op == opSize {
		return m.seen(n.kids[0])
	}
	if n.op != opColumn {
		return false
	}
	for at := n.at; at != nil; at = at.parent {
		if at.guard != nil && !m.risesAt(at) {
			return false
		}
	}
	return true
}

// touched reports whether the caller has part in a node.
func (m *monotone) touched(n *node) bool {
	switch n.op {
	case opAuthID, opAuthField, opRoles, opInRoles:
		return true
	case opSlot:
		return m.touched(m.p.slots[n.slot])
	case opColumn:
		for at := n.at; at != nil; at = at.parent {
			if at.guard != nil && m.touchedAt(at) {
				return true
			}
		}
	default:
	}
	return slices.ContainsFunc(n.kids, m.touched)
}

func (m *monotone) touchedAt(at *place) bool { return m.ask(m.auth, at, m.touched, false) }

func (m *monotone) risesAt(at *place) bool { return m.ask(m.rises, at, m.up, true) }

// ask puts a question to the read rule of a place, once.
func (m *monotone) ask(known map[*place]bool, at *place, question func(*node) bool, itself bool) bool {
	if m.inside[at] {
		return itself
	}
	answer, ok := known[at]
	if !ok {
		m.inside[at] = true
		answer = question(at.guard)
		m.inside[at] = false
		known[at] = answer
	}
	return answer
}
