// Package tree keeps the records of an answer apart until all of them are known, and then says which stands in which: a
// record comes from the store before the ones that its refs lead to. Each record is written once, and copied to every place
// that points to it. How records are written, and put into each other, is the door's.
package tree

import "github.com/roundtrip-dev/roundtrip"

// MaxBytes bounds what one answer may grow to: 200 records of a megabyte each are no page.
const MaxBytes = 16 << 20

// TooLarge is the error of an answer over [MaxBytes].
func TooLarge() error {
	return roundtrip.E(roundtrip.Unprocessable, "request.invalid",
		"the answer would be over %d MB; ask for fewer records with page_size, or for fewer members with fields", MaxBytes>>20)
}

// Hop is one collection in the answer, as a tree sees it: whose records lead to it, by which of their fields. Hop 0 is the
// call's own.
type Hop struct{ Parent, Field int }

// Tree is the records of one answer. It is used again after [Tree.Reset].
type Tree struct {
	Text []byte         // of all records, without what stands in them
	Hops []Hop          //
	Top  []int          // the nodes of hop 0, in the order of the answer
	node []Node         //
	refs []roundtrip.ID // of all nodes: where each ref that is followed leads, 0 for nowhere
	of   map[target]int // the nodes of the further hops
}

// Node is one record: where its text starts, is to be opened for what stands in it, and ends.
type Node struct {
	Start, Open, End int
	refs             int // its first ref in Tree.refs
}

// target is a record as one hop sees it: which of its members may be seen is the hop's business.
type target struct {
	hop int
	id  roundtrip.ID
}

// Reset empties the tree. Its memory is kept, a text over keepBytes is not.
func (t *Tree) Reset(keepBytes int) {
	clear(t.of)
	text := t.Text[:0]
	if cap(text) > keepBytes {
		text = nil
	}
	*t = Tree{Text: text, Hops: t.Hops[:0], Top: t.Top[:0], node: t.node[:0], refs: t.refs[:0], of: t.of}
}

// Add takes a row of a hop whose text stands at the end of t.Text, from start on.
func (t *Tree) Add(hop int, row roundtrip.Row, start, open int) {
	n := Node{Start: start, Open: open, End: len(t.Text), refs: len(t.refs)}
	for i := hop + 1; i < len(t.Hops); i++ {
		if t.Hops[i].Parent != hop {
			continue
		}
		to := roundtrip.ID(0)
		if !row.Null(t.Hops[i].Field) {
			to = roundtrip.ID(row.Int(t.Hops[i].Field))
		}
		t.refs = append(t.refs, to)
	}
	if hop == 0 {
		t.Top = append(t.Top, len(t.node))
	} else {
		if t.of == nil {
			t.of = map[target]int{}
		}
		t.of[target{hop, roundtrip.ID(row.Int(roundtrip.FieldID))}] = len(t.node)
	}
	t.node = append(t.node, n)
}

// Len returns how many records there are.
func (t *Tree) Len() int { return len(t.node) }

// Node returns a record.
func (t *Tree) Node(i int) Node { return t.node[i] }

// Child returns the node that the ref of a further hop leads to from a node of that hop's parent. nth counts the parent's
// hops from 0. A ref to nothing, or to a record that the caller may not read, has none.
func (t *Tree) Child(node, hop, nth int) (int, bool) {
	to := t.refs[t.node[node].refs+nth]
	if to == 0 {
		return 0, false
	}
	i, ok := t.of[target{hop, to}]
	return i, ok
}
