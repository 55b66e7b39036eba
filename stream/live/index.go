package live

import "github.com/roundtrip-dev/roundtrip"

// set is some groups.
type set map[*group]struct{}

// index finds the groups that changes may concern. Most people watch what hangs on one record (the comments of a photo), so
// those topics are found by the value that they want, and cost nothing while others' records change. Hub.mu guards it.
type index struct {
	watch  map[int32]set                   // by collection: groups that any of its changes may concern
	single map[recordKey]set               // topics of one record
	pins   map[*roundtrip.Collection]*pins // groups that want one value in a field of its records; positions of fields are those of one declaration
	behind map[recordKey]set               // groups whose rule looks at one record only: the one that they are pinned to
}

// pins is the pinned groups of one collection.
type pins struct {
	groups set
	fields map[int]int // how many groups are pinned by each field
	by     map[pin]set
}

// pin is a field and the value that a topic wants there: comments?photo=ID.
type pin struct {
	field int
	value roundtrip.Value
}

func newIndex() index {
	return index{watch: map[int32]set{}, single: map[recordKey]set{}, pins: map[*roundtrip.Collection]*pins{}, behind: map[recordKey]set{}}
}

// put adds a group to one of the index's maps.
func put[K comparable](m map[K]set, key K, g *group) {
	if m[key] == nil {
		m[key] = set{}
	}
	m[key][g] = struct{}{}
}

// drop takes a group out of one of the index's maps.
func drop[K comparable](m map[K]set, key K, g *group) {
	if delete(m[key], g); len(m[key]) == 0 {
		delete(m, key)
	}
}

// list makes the changes of collections find the group.
func (x *index) list(g *group) {
	own := g.asked.Collection.Number
	switch p, pinned := g.pin(); {
	case g.asked.ID != 0:
		put(x.single, recordKey{own, g.asked.ID}, g)
	case pinned:
		x.pin(g.asked.Collection, p, g)
	default:
		put(x.watch, own, g)
	}
	for number, id := range g.behind() {
		if id != 0 {
			put(x.behind, recordKey{number, id}, g)
		} else {
			put(x.watch, number, g)
		}
	}
}

// unlist takes the group out. What the declaration says of it must not have changed in between.
func (x *index) unlist(g *group) {
	own := g.asked.Collection.Number
	drop(x.single, recordKey{own, g.asked.ID}, g)
	drop(x.watch, own, g)
	if p, pinned := g.pin(); pinned {
		x.unpin(g.asked.Collection, p, g)
	}
	for number, id := range g.behind() {
		drop(x.behind, recordKey{number, id}, g)
		drop(x.watch, number, g)
	}
}

func (x *index) pin(collection *roundtrip.Collection, p pin, g *group) {
	all := x.pins[collection]
	if all == nil {
		all = &pins{groups: set{}, fields: map[int]int{}, by: map[pin]set{}}
		x.pins[collection] = all
	}
	all.groups[g] = struct{}{}
	all.fields[p.field]++
	put(all.by, p, g)
}

func (x *index) unpin(collection *roundtrip.Collection, p pin, g *group) {
	all := x.pins[collection]
	if all == nil {
		return
	}
	if _, listed := all.groups[g]; !listed {
		return
	}
	delete(all.groups, g)
	if all.fields[p.field]--; all.fields[p.field] == 0 {
		delete(all.fields, p.field)
	}
	if drop(all.by, p, g); len(all.groups) == 0 {
		delete(x.pins, collection)
	}
}

// concerned finds the pinned groups that changes may concern: those that want what a record has now, and all of them where
// it may have had something else before. rows are the records as they are, nil where they could not be read.
func (p *pins) concerned(order []change, rows map[roundtrip.ID]*roundtrip.Record) set {
	found := set{}
	for _, c := range order {
		row := rows[c.id]
		for field := range p.fields {
			if row == nil || c.again || !c.fresh && !c.counts && !settled(row.Collection.Fields[field]) {
				return p.groups
			}
			for g := range p.by[pin{field, row.Values[field]}] {
				found[g] = struct{}{}
			}
		}
	}
	return found
}

// settled reports whether a record has one value of a field for all its life. The deletion of what a ref points to may
// empty the ref, although nobody may write it.
func settled(f *roundtrip.Field) bool {
	return f.Immutable && (f.Type != roundtrip.TypeRef || f.OnDelete != roundtrip.SetNull)
}

// pin returns how the group is found among those of its collection.
func (g *group) pin() (pin, bool) {
	if g.asked.ID != 0 || g.sieve == nil {
		return pin{}, false
	}
	for _, e := range g.traits.Equal {
		if pinnable(e.Field, g.asked.Collection.Fields[e.Field]) {
			return pin{e.Field, e.Value}, true
		}
	}
	return pin{}, false
}

// pinnable reports whether groups may be found by what a field has. 0 and -0 are equal, and no key finds both; and what
// moves with the counts of a record had another value before a change that is of counts alone.
func pinnable(field int, f *roundtrip.Field) bool {
	return f.Type.Value() != roundtrip.FloatValue && f.Type != roundtrip.TypeCount && field != roundtrip.FieldETag && field != roundtrip.FieldUpdateTime
}

// behind lists the collections whose records have a say, by number, each with the one record of it that matters, or 0 where
// any may.
func (g *group) behind() map[int32]roundtrip.ID {
	all := make(map[int32]roundtrip.ID, len(g.traits.Depends))
	for _, d := range g.traits.Depends {
		all[d.Collection.Number] = 0
		for _, e := range g.traits.Equal {
			if d.Via == e.Field && g.asked.ID == 0 && d.Collection != g.asked.Collection {
				all[d.Collection.Number] = e.Value.ID()
			}
		}
	}
	return all
}
