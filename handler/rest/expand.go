package rest

import (
	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/tree"
)

// addNode writes a row of a hop into the tree, without the closing brace: that comes after "expand".
func (a *answer) addNode(hop int, row roundtrip.Row) {
	t, h := &a.tree, &a.hops[hop]
	start := len(t.Text)
	t.Text = h.plan.appendRecord(t.Text, row, h.mask)
	t.Text = t.Text[:len(t.Text)-1]
	t.Add(hop, row, start, len(t.Text))
}

// weave writes the records of the answer with those that their refs lead to.
func (a *answer) weave() error {
	for _, n := range a.tree.Top {
		a.comma()
		a.appendNode(0, n)
		if len(a.out) > tree.MaxBytes {
			return tree.TooLarge()
		}
	}
	return nil
}

// appendNode writes one record and, below "expand", what its refs lead to. A ref to nothing, or to a record that the
// caller may not read, has no member there.
func (a *answer) appendNode(at, index int) {
	n := a.tree.Node(index)
	a.out = append(a.out, a.tree.Text[n.Start:n.End]...)
	nth, sep := 0, byte('{')
	for i := at + 1; i < len(a.hops); i++ {
		if a.tree.Hops[i].Parent != at {
			continue
		}
		child, ok := a.tree.Child(index, i, nth)
		nth++
		if !ok {
			continue
		}
		if sep == '{' {
			a.startExpand(n)
		}
		a.out = append(a.out, sep)
		a.out = append(a.out, a.hops[i].name...)
		a.appendNode(i, child)
		sep = ','
	}
	if nth > 0 { // it has refs to follow
		if sep == '{' {
			a.startExpand(n)
			a.out = append(a.out, '{')
		}
		a.out = append(a.out, '}')
	}
	a.out = append(a.out, '}')
}

func (a *answer) startExpand(n tree.Node) {
	if n.End > n.Start+1 { // the record has members before it
		a.out = append(a.out, ',')
	}
	a.out = append(a.out, `"expand":`...)
}
