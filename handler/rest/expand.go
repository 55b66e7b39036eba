package rest

import "github.com/roundtrip-dev/roundtrip"

// tree keeps the records of an answer apart until all of them are known: a record comes from the store before the ones
// that its refs lead to. Each record is written once, and copied to every place that points to it.
type tree struct {
	text  []byte         // the JSON of all records, without their closing braces
	nodes []node         //
	refs  []roundtrip.ID // of all nodes: where each ref that is followed leads, 0 for nowhere
	top   []int          // the nodes of hop 0, in the order of the answer
	found map[target]int // the nodes of the further hops
}

// node is one record.
type node struct {
	start, end int // in tree.text
	refs       int // its first ref in tree.refs
}

// target is a record as one hop sees it: which of its members may be seen is the hop's business.
type target struct {
	hop int
	id  roundtrip.ID
}

func (t *tree) reset() {
	clear(t.found)
	*t = tree{text: keep(t.text), nodes: t.nodes[:0], refs: t.refs[:0], top: t.top[:0], found: t.found}
}

// add writes a row of a hop.
func (t *tree) add(hops []hop, at int, row roundtrip.Row) {
	n := node{start: len(t.text), refs: len(t.refs)}
	t.text = hops[at].plan.appendRecord(t.text, row, hops[at].mask)
	t.text = t.text[:len(t.text)-1] // the closing brace comes after "expand"
	n.end = len(t.text)
	for i := at + 1; i < len(hops); i++ {
		if hops[i].parent != at {
			continue
		}
		to := roundtrip.ID(0)
		if !row.Null(hops[i].field) {
			to = roundtrip.ID(row.Int(hops[i].field))
		}
		t.refs = append(t.refs, to)
	}
	if at == 0 {
		t.top = append(t.top, len(t.nodes))
	} else {
		if t.found == nil {
			t.found = map[target]int{}
		}
		t.found[target{at, roundtrip.ID(row.Int(roundtrip.FieldID))}] = len(t.nodes)
	}
	t.nodes = append(t.nodes, n)
}

// weave writes the records of the answer with those that their refs lead to.
func (a *answer) weave() error {
	for _, n := range a.tree.top {
		a.comma()
		a.appendNode(0, n)
		if len(a.out) > answerMaxBytes {
			return answerTooLarge()
		}
	}
	return nil
}

// appendNode writes one record and, below "expand", what its refs lead to. A ref to nothing, or to a record that the
// caller may not read, has no member there.
func (a *answer) appendNode(at, index int) {
	n := a.tree.nodes[index]
	a.out = append(a.out, a.tree.text[n.start:n.end]...)
	ref, sep := n.refs, byte('{')
	for i := at + 1; i < len(a.hops); i++ {
		if a.hops[i].parent != at {
			continue
		}
		to := a.tree.refs[ref]
		ref++
		child, ok := a.tree.found[target{i, to}]
		if to == 0 || !ok {
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
	if ref > n.refs { // it has refs to follow
		if sep == '{' {
			a.startExpand(n)
			a.out = append(a.out, '{')
		}
		a.out = append(a.out, '}')
	}
	a.out = append(a.out, '}')
}

func (a *answer) startExpand(n node) {
	if n.end > n.start+1 { // the record has members before it
		a.out = append(a.out, ',')
	}
	a.out = append(a.out, `"expand":`...)
}
