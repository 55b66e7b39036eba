package policy

import (
	"slices"

	"github.com/roundtrip-dev/roundtrip"
)

// column writes a field: of a record that has an alias, or else by a scalar subquery from the nearest one that has.
func (w *writer) column(n *node) {
	if w.bound.dead(n.at) {
		w.b.Raw("NULL")
		return
	}
	name := n.at.collection.Fields[n.field].Name
	if a := w.aliases[n.at.index]; a.prefix != 0 {
		w.field(a, name)
		return
	}
	var chain []*place // from the first ref to the last
	at := n.at
	for w.aliases[at.index].prefix == 0 {
		chain = append(chain, at)
		at = at.parent
	}
	w.subquery(w.aliases[at.index], at, chain, name)
}

func (w *writer) field(a alias, name string) {
	a.append(w.b)
	w.b.Raw(".").Name(name)
}

// subquery writes (SELECT s2."handle" FROM "photos" AS s1 JOIN "users" AS s2 ON s2."id" = s1."author" WHERE s1."id" =
// r."photo"). chain is in the order from the last ref to the first.
func (w *writer) subquery(from alias, at *place, chain []*place, name string) {
	steps := make([]alias, len(chain))
	for i := range chain {
		steps[i] = w.fresh('s')
	}
	last := len(chain) - 1
	w.b.Raw("(SELECT ")
	w.field(steps[0], name)
	w.b.Raw(" FROM ").Name(chain[last].collection.Name).Raw(" AS ")
	steps[last].append(w.b)
	for i := last - 1; i >= 0; i-- {
		w.b.Raw(" JOIN ").Name(chain[i].collection.Name).Raw(" AS ")
		steps[i].append(w.b)
		w.b.Raw(" ON ")
		w.link(steps[i], steps[i+1], chain[i+1].collection, chain[i])
	}
	w.b.Raw(" WHERE ")
	w.link(steps[last], from, at.collection, chain[last])
	for i := last; i >= 0; i-- {
		w.aliases[chain[i].index] = steps[i]
	}
	for i := last; i >= 0; i-- {
		if g := chain[i].guard; g != nil && w.bound.guarded(chain[i]) != yes {
			w.b.Raw(" AND ")
			w.condition(g)
		}
	}
	for _, p := range chain {
		w.aliases[p.index] = alias{}
	}
	w.b.Raw(")")
}

// link writes to."id" = from."ref".
func (w *writer) link(to, from alias, of *roundtrip.Collection, p *place) {
	w.field(to, "id")
	w.b.Raw(" = ")
	w.field(from, of.Fields[p.field].Name)
}

// refJoin is one LEFT JOIN of the Joined form. Rule and filter share it where they follow the same refs alike.
type refJoin struct {
	parent int // the join that it hangs on, 0 for the own record
	field  int
	to     *roundtrip.Collection
	bound  *bound
	place  *place
	guard  *node // nil where none is left for this caller
}

// joins collects what the condition of a permit needs, parents first. numbers of rule and filter are 1-based positions
// in it by place.
type joins struct {
	list         []refJoin
	rule, filter []int
}

func (p *Permit) joins() joins {
	var js joins
	js.rule = js.collect(p.rule)
	js.filter = js.collect(p.filter)
	return js
}

func (js *joins) collect(b *bound) []int {
	if b == nil || !slices.ContainsFunc(b.prog.places, func(p *place) bool { return p.parent != nil && p.joinable() }) {
		return nil
	}
	numbers := make([]int, len(b.prog.places))
	js.walk(b, b.prog.root, numbers)
	return numbers
}

func (js *joins) walk(b *bound, n *node, numbers []int) {
	if n.kind == kindBool && b.fold(n) != unknown {
		return
	}
	if n.op == opColumn && n.at.joinable() && !b.dead(n.at) {
		js.add(b, n.at, numbers)
	}
	for _, k := range n.kids {
		js.walk(b, k, numbers)
	}
}

func (js *joins) add(b *bound, at *place, numbers []int) int {
	if at.parent == nil {
		return 0
	}
	if numbers[at.index] == 0 {
		j := refJoin{parent: js.add(b, at.parent, numbers), field: at.field, to: at.collection, bound: b, place: at}
		if at.guard != nil && b.guarded(at) != yes {
			j.guard = at.guard
		}
		numbers[at.index] = js.find(j)
	}
	return numbers[at.index]
}

// find returns the number of a join that does the same, or of a new one.
func (js *joins) find(j refJoin) int {
	for i, k := range js.list {
		if j.guard == nil && k.guard == nil && k.parent == j.parent && k.field == j.field {
			return i + 1
		}
	}
	js.list = append(js.list, j)
	return len(js.list)
}

func (js *joins) append(b *SQL) {
	var w writer
	for i, j := range js.list {
		w.start(b, j.bound)
		self, from, of := alias{'j', i + 1}, w.aliases[0], j.bound.prog.places[0].collection
		if j.parent > 0 {
			from, of = alias{'j', j.parent}, js.list[j.parent-1].to
		}
		b.Raw(" LEFT JOIN ").Name(j.to.Name).Raw(" AS ")
		self.append(b)
		b.Raw(" ON ")
		w.link(self, from, of, j.place)
		if j.guard != nil {
			w.aliases[j.place.index] = self
			b.Raw(" AND ")
			w.condition(j.guard)
		}
	}
}
