package policy

import "github.com/roundtrip-dev/roundtrip"

// pinned reports whether an index finds the records of a place for which a condition can hold: an indexed field of it is
// equal to something that is known without looking at the place. An || needs that of each of its parts.
func pinned(n *node, at *place) bool {
	switch n.op {
	case opAnd:
		for _, k := range n.kids {
			if pinned(k, at) {
				return true
			}
		}
	case opOr:
		for _, k := range n.kids {
			if !pinned(k, at) {
				return false
			}
		}
		return true
	case opCompare:
		a, b := n.kids[0], n.kids[1]
		return n.sign == signEqual && (pins(a, b, at) || pins(b, a, at))
	case opIn, opInRoles:
		return ofIndex(n.kids[0], at)
	default:
	}
	return false
}

// pins reports whether x == y is found by an index on x, a field of the place.
func pins(x, y *node, at *place) bool {
	rounded := x.kind == kindFloat && y.kind == kindInt && !y.free // the + that the writer puts before x hides the index
	return ofIndex(x, at) && !rounded && !within(y, at)
}

func ofIndex(n *node, at *place) bool {
	return n.op == opColumn && n.at == at && served(at.collection, []int{n.field})
}

// within reports whether a node looks at the record of a place, or at what its refs lead to.
func within(n *node, at *place) bool {
	if n.op == opColumn {
		for p := n.at; p != nil; p = p.parent {
			if p == at {
				return true
			}
		}
	}
	for _, k := range n.kids {
		if within(k, at) {
			return true
		}
	}
	return false
}

// Served reports whether an index starts with a field, so that sorting by it and finding a value of it cost little.
func Served(c *roundtrip.Collection, field int) bool { return served(c, []int{field}) }

// served reports whether an index starts with one of the fields. The store keeps one on every ref.
func served(c *roundtrip.Collection, fields []int) bool {
	for _, f := range fields {
		if f == roundtrip.FieldID || c.Fields[f].Unique || c.Fields[f].Type == roundtrip.TypeRef {
			return true
		}
		for _, index := range c.Indexes {
			if index.Fields[0] == f {
				return true
			}
		}
	}
	return false
}

// indexed names a field that an index starts with, the id where there is no other.
func indexed(c *roundtrip.Collection) string {
	for i := roundtrip.FirstField; i < len(c.Fields); i++ {
		if served(c, []int{i}) {
			return c.Fields[i].Name
		}
	}
	return c.Fields[roundtrip.FieldID].Name
}

// scanning returns an exists in a condition that no index serves, nil where there is none.
func scanning(n *node) *node {
	if n.op == opExists && !pinned(n.kids[0], n.at) {
		return n
	}
	for _, k := range n.kids {
		if x := scanning(k); x != nil {
			return x
		}
	}
	return nil
}
