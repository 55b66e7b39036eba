package config

import (
	"slices"
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
)

// Outline is a declaration as it is written: its keys with their places and their texts. It knows nothing of what they
// mean, so that it can be made of a file of any version, and secrets stay the references that they are in the file.
type Outline struct {
	file string
	root *node // nil where the text can't be read as YAML
}

// NewOutline reads the text of a declaration. A text that can't be read has an empty outline.
func NewOutline(file string, source []byte) *Outline {
	return &Outline{file: file, root: readTree(file, source, NewProblems(file, source))}
}

// Place returns where a key stands, such as Place("store", "pool", "max"); items of lists are named by their number, from 0.
// It is the zero Pos where the key is not written.
func (o *Outline) Place(path ...string) roundtrip.Pos {
	if o == nil || o.root == nil {
		return roundtrip.Pos{}
	}
	return o.root.place(path)
}

// Below returns where a key stands in the block that begins at a place. It is the zero Pos where there is no such block, or
// the key is not written in it.
func (o *Outline) Below(at roundtrip.Pos, path ...string) roundtrip.Pos {
	if o == nil || o.root == nil {
		return roundtrip.Pos{}
	}
	found, _ := o.root.below(at, path)
	return found
}

// place follows a path down. An empty path is the node itself.
func (n *node) place(path []string) roundtrip.Pos {
	at := n.pos
	for _, word := range path {
		next, pos := n.child(word)
		if next == nil {
			return roundtrip.Pos{}
		}
		n, at = next, pos
	}
	return at
}

// child returns the value of a key or the item with a number, and where it begins: at its key, where it has one.
func (n *node) child(word string) (*node, roundtrip.Pos) {
	for _, p := range n.pairs {
		if p.key == word {
			return p.value, p.pos
		}
	}
	if i, err := strconv.Atoi(word); err == nil && i >= 0 && i < len(n.items) {
		return n.items[i], n.items[i].pos
	}
	return nil, roundtrip.Pos{}
}

// below looks for the path in every value that begins at a place: a block and its first key begin at the same one.
func (n *node) below(at roundtrip.Pos, path []string) (roundtrip.Pos, bool) {
	if n.pos == at {
		if found := n.place(path); found.Line > 0 {
			return found, true
		}
	}
	for _, p := range n.pairs {
		if p.pos == at {
			if found := p.value.place(path); found.Line > 0 && len(path) > 0 {
				return found, true
			}
		}
		if found, ok := p.value.below(at, path); ok {
			return found, true
		}
	}
	for _, item := range n.items {
		if found, ok := item.below(at, path); ok {
			return found, true
		}
	}
	return roundtrip.Pos{}, false
}

// flow writes a node in one line, as YAML would take it.
func (n *node) flow() string { return string(n.appendFlow(nil)) }

func (n *node) appendFlow(b []byte) []byte {
	switch n.kind {
	case mapNode:
		b = append(b, '{')
		for i, p := range n.pairs {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, p.key...), ": "...)
			b = p.value.appendFlow(b)
		}
		return append(b, '}')
	case listNode:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = item.appendFlow(b)
		}
		return append(b, ']')
	case scalarNode:
		return append(b, n.text...)
	case nullNode, brokenNode:
	}
	return b
}

// Change is one key that two declarations have differently. An empty Was says that it is new, an empty Now that it is gone.
type Change struct {
	Path  string `json:"path"` // store.pool.max
	Was   string `json:"was"`
	Now   string `json:"now"`
	Where string `json:"where,omitempty"` // of the key, or of what it was in: FILE:LINE:COLUMN of the later declaration
}

// changeTextMax bounds how much of a value a change tells, in bytes.
const changeTextMax = 240

// Diff returns what differs between two declarations, in the order of the later one. Blocks are compared key by key; lists
// item by item, where an item that only moved has not changed.
func Diff(a, z *Outline) []Change {
	if a == nil || z == nil || a.root == nil || z.root == nil {
		return nil
	}
	d := &differ{}
	d.compare(a.root, z.root, "", z.root.pos)
	return d.found
}

type differ struct{ found []Change }

func (d *differ) add(path, was, now string, at roundtrip.Pos) {
	where := ""
	if at.Line > 0 {
		where = at.String()
	}
	d.found = append(d.found, Change{path, clip(was, changeTextMax), clip(now, changeTextMax), where})
}

// clip cuts a text at the end of a character.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xc0 == 0x80 {
		most--
	}
	return s[:most] + "…"
}

func (d *differ) compare(a, z *node, path string, at roundtrip.Pos) {
	switch {
	case a.kind == mapNode && z.kind == mapNode:
		d.maps(a, z, path, at)
	case a.kind == listNode && z.kind == listNode:
		d.lists(a, z, path, at)
	default:
		if was, now := a.flow(), z.flow(); was != now {
			d.add(path, was, now, at)
		}
	}
}

func (d *differ) maps(a, z *node, path string, at roundtrip.Pos) {
	for _, p := range z.pairs {
		sub := join(path, p.key)
		if was, _ := a.child(p.key); was != nil {
			d.compare(was, p.value, sub, p.pos)
			continue
		}
		d.add(sub, "", p.value.flow(), p.pos)
	}
	for _, p := range a.pairs {
		if now, _ := z.child(p.key); now == nil {
			d.add(join(path, p.key), p.value.flow(), "", at)
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// lists leaves out the items that both have. Of the rest, blocks in the same place are the same item, changed.
func (d *differ) lists(a, z *node, path string, at roundtrip.Pos) {
	gone := slices.Clone(a.items)
	var come []int
	for i, item := range z.items {
		if k := slices.IndexFunc(gone, func(g *node) bool { return g.flow() == item.flow() }); k >= 0 {
			gone = slices.Delete(gone, k, k+1)
			continue
		}
		come = append(come, i)
	}
	for _, i := range come {
		item := z.items[i]
		sub := path + "[" + strconv.Itoa(i) + "]"
		if len(gone) == len(come) && item.kind == mapNode && gone[0].kind == mapNode {
			d.compare(gone[0], item, sub, item.pos)
			gone, come = gone[1:], come[1:]
			continue
		}
		d.add(sub, "", item.flow(), item.pos)
	}
	for _, item := range gone {
		d.add(path, item.flow(), "", at)
	}
}
