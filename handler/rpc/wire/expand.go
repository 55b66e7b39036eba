package wire

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/tree"
)

// The tags of a record's fields etag and expand.
const (
	tagETag   = 4<<3 | 2
	tagExpand = numberExpand<<3 | 2
)

// addNode writes a row of a hop into the tree. What its refs lead to stands at the field expand: in Proto between the
// system fields and the declared ones, in JSON at the end.
func (a *Answer) addNode(at int, row roundtrip.Row) {
	t, h := &a.tree, &a.hops[at]
	start := len(t.Text)
	if a.format == JSON {
		t.Text = h.plan.appendMembers(append(t.Text, '{'), row, h.mask)
		t.Add(at, row, start, len(t.Text))
		return
	}
	t.Text = h.plan.appendFields(t.Text, row, h.mask, h.plan.order[:h.plan.expandAt])
	middle := len(t.Text)
	t.Text = h.plan.appendFields(t.Text, row, h.mask, h.plan.order[h.plan.expandAt:])
	t.Add(at, row, start, middle)
}

// weave writes the records of the answer with those that their refs lead to.
func (a *Answer) weave() error {
	if a.format == Proto {
		for range a.tree.Len() {
			a.sizes = append(a.sizes, -1)
		}
	}
	for _, n := range a.tree.Top {
		if a.format == Proto && len(a.out)+a.size(0, n) > tree.MaxBytes {
			return tree.TooLarge()
		}
		switch {
		case a.action == roundtrip.List && a.format == Proto:
			a.out = protowire.AppendVarint(append(a.out, tagElement), uint64(a.size(0, n)))
			a.appendNode(0, n)
		case a.format == Proto:
			a.appendNode(0, n)
		default:
			if a.action == roundtrip.List {
				a.element()
			}
			a.appendNodeJSON(0, n)
		}
		if len(a.out) > tree.MaxBytes {
			return tree.TooLarge()
		}
	}
	return nil
}

// nestedOf returns the hops that start at one.
func (a *Answer) nestedOf(at int) []nested {
	span := a.hops[at].nested
	return a.nested[span[0]:span[1]]
}

// size is the length of a record's message.
func (a *Answer) size(at, node int) int {
	if a.sizes[node] >= 0 {
		return a.sizes[node]
	}
	n := a.tree.Node(node)
	size := n.End - n.Start
	if len(a.nestedOf(at)) > 0 {
		size += 1 + protowire.SizeBytes(a.expandSize(at, node))
	}
	a.sizes[node] = size
	return size
}

// expandSize is the length of a record's Expand.
func (a *Answer) expandSize(at, node int) int {
	size := 0
	for _, to := range a.nestedOf(at) {
		if child, ok := a.tree.Child(node, to.hop, to.nth); ok {
			size += len(to.tag) + protowire.SizeBytes(a.size(to.hop, child))
		}
	}
	return size
}

// appendNode writes one record. A ref to nothing, or to a record that the caller may not read, has no field in expand.
func (a *Answer) appendNode(at, node int) {
	n := a.tree.Node(node)
	a.out = append(a.out, a.tree.Text[n.Start:n.Open]...)
	if nested := a.nestedOf(at); len(nested) > 0 {
		a.out = protowire.AppendVarint(append(a.out, tagExpand), uint64(a.expandSize(at, node)))
		for _, to := range nested {
			child, ok := a.tree.Child(node, to.hop, to.nth)
			if !ok {
				continue
			}
			a.out = protowire.AppendVarint(append(a.out, to.tag...), uint64(a.size(to.hop, child)))
			a.appendNode(to.hop, child)
		}
	}
	a.out = append(a.out, a.tree.Text[n.Open:n.End]...)
}

func (a *Answer) appendNodeJSON(at, node int) {
	n := a.tree.Node(node)
	a.out = append(a.out, a.tree.Text[n.Start:n.End]...)
	if nested := a.nestedOf(at); len(nested) > 0 {
		if n.End > n.Start+1 { // the record has members before it
			a.out = append(a.out, ',')
		}
		a.out = append(a.out, `"expand":{`...)
		comma := false
		for _, to := range nested {
			child, ok := a.tree.Child(node, to.hop, to.nth)
			if !ok {
				continue
			}
			if comma {
				a.out = append(a.out, ',')
			}
			a.out = append(a.out, to.column.key...)
			a.appendNodeJSON(to.hop, child)
			comma = true
		}
		a.out = append(a.out, '}')
	}
	a.out = append(a.out, '}')
}
