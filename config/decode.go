package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// decoder reads our tree by the table of keys.
type decoder struct {
	problems *Problems
	getenv   func(string) (string, bool)
	dir      string
}

// add records a mistake at a node.
func (d *decoder) add(n *node, format string, args ...any) *Problem {
	p := d.problems.Add(n.pos, format, args...)
	p.Path = n.path
	return p
}

// wrong says that a value has not the form that its key takes.
func (d *decoder) wrong(n *node, words string) {
	switch n.kind {
	case brokenNode:
	case nullNode:
		d.add(n, "%s has no value", n.name).Expect("%s", words)
	case scalarNode, listNode, mapNode:
		d.add(n, "%s can't be %s", n.name, n.words()).Expect("%s", words)
	}
}

// words says what a value is.
func (n *node) words() string {
	switch n.kind {
	case nullNode:
		return "empty"
	case listNode:
		return "a list"
	case mapNode:
		return "a block of keys"
	case scalarNode, brokenNode:
	}
	switch n.typ {
	case IntScalar, FloatScalar:
		return "the number " + n.text
	case BoolScalar:
		return n.text
	case StringScalar:
	}
	return fmt.Sprintf("the text %q", shorten(n.text))
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// defaults puts the defaults of keys into a new target, through the same readers as written values.
func (d *decoder) defaults(target any, keys []key) {
	for _, k := range keys {
		if k.fill != nil {
			k.fill(d, target)
		}
		if k.def != "" {
			k.set(d, target, literal(k.def))
		}
	}
}

// literal reads a default of the table.
func literal(s string) *node {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		n := &node{kind: listNode}
		for item := range strings.SplitSeq(strings.TrimSuffix(inner, "]"), ", ") {
			n.items = append(n.items, literal(item))
		}
		return n
	}
	n := &node{kind: scalarNode, text: s, typ: StringScalar}
	if _, err := strconv.Atoi(s); err == nil {
		n.typ = IntScalar
	} else if s == "true" || s == "false" {
		n.typ = BoolScalar
	}
	return n
}

// block reads the keys of a block into target. It reports whether the value is a block at all.
func (d *decoder) block(n *node, target any, keys []key) bool {
	if n.kind != mapNode {
		d.wrong(n, "a block with "+keyWords(keys))
		return false
	}
	given := make([]string, 0, len(n.pairs))
	for _, p := range d.once(n) {
		given = append(given, p.key)
		if meant := d.key(n, p, target, keys); meant != "" {
			given = append(given, meant)
		}
	}
	for _, k := range keys {
		if k.required && !n.loose && !slices.Contains(given, k.name) {
			at := d.add(n, "%s is missing", k.name)
			at.Expected = k.name + ": with " + k.typ.words
		}
	}
	return true
}

// key reads one key of a block. For an unknown one it returns the key that was probably meant.
func (d *decoder) key(n *node, p pair, target any, keys []key) (meant string) {
	i := slices.IndexFunc(keys, func(k key) bool { return k.name == p.key })
	if i < 0 {
		where := "here"
		if n.path != "" {
			where = "of " + n.path
		}
		problem := d.problems.Add(p.pos, "%q is not a key %s", shorten(p.key), where).
			Expect("one of %s", keyNames(keys)).Near(p.key, liveNames(keys))
		if ours := foreignKey(p.key); problem.Nearest == "" && slices.Contains(liveNames(keys), ours) {
			problem.Nearest = ours
		}
		problem.Path = p.value.path
		d.meant(n, p, target, keys, problem.Nearest)
		return problem.Nearest
	}
	k := keys[i]
	if k.later != "" {
		problem := d.problems.Add(p.pos, "%q is not in this version of Roundtrip", p.key)
		problem.Path, problem.Instead = p.value.path, k.later
		return ""
	}
	if p.value.kind == nullNode || p.value.kind == brokenNode {
		words := k.typ.words
		if !k.required {
			words += "; or leave the key out"
		}
		d.wrong(p.value, words)
		return ""
	}
	before := len(d.problems.List)
	k.set(d, target, p.value)
	if k.typ.texts != nil && len(d.problems.List) == before {
		d.texts(p.value, k.typ.texts)
	}
	if k.then != nil && len(d.problems.List) == before {
		k.then(d, target, p.value)
	}
	return ""
}

// meant reads the value of a misspelt key as that of the key that was meant, so that nothing is missing for what is read
// later. The mistakes in a block are told too; a single value may as well be meant for another key, and what bounds a field
// is a guess too many.
func (d *decoder) meant(n *node, p pair, target any, keys []key, name string) {
	i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
	if i < 0 || p.value.kind == nullNode || slices.Contains([]string{"min", "max", "default"}, name) || slices.ContainsFunc(n.pairs, func(other pair) bool { return other.key == name }) {
		return
	}
	before := len(d.problems.List)
	keys[i].set(d, target, p.value)
	if keys[i].typ.keys == nil {
		d.problems.List = d.problems.List[:before]
	}
	for _, problem := range d.problems.List[before:] { // later rooms look for mistakes where they should stand
		if rest, ok := strings.CutPrefix(problem.Path, p.value.path); ok {
			problem.Path = strings.TrimSuffix(p.value.path, p.key) + name + rest
		}
	}
}

// texts checks each text of a value.
func (d *decoder) texts(n *node, check func(string) error) {
	for _, item := range n.items {
		d.texts(item, check)
	}
	if n.kind != scalarNode || n.typ != StringScalar {
		return // another check says so
	}
	if err := check(n.text); err != nil {
		d.textProblem(n.pos, n.text, err).Path = n.path
	}
}

// textProblem says what a check said of a text.
func (d *decoder) textProblem(pos roundtrip.Pos, text string, err error) *Problem {
	problem := d.problems.Add(pos, "%q %s", shorten(text), err)
	if what, expected, ok := strings.Cut(problem.Message, "; expected "); ok {
		problem.Message, problem.Expected = what, expected
	}
	if e, ok := errors.AsType[*notAmong](err); ok {
		problem.Near(e.word, e.options)
	}
	return problem
}

// once returns the pairs of a map; a name that stands there a second time is reported and left out.
func (d *decoder) once(n *node) []pair {
	var out []pair
	first := make(map[string]roundtrip.Pos, len(n.pairs))
	for _, p := range n.pairs {
		if before, ok := first[p.key]; ok {
			problem := d.problems.Add(p.pos, "%q is declared a second time", shorten(p.key)).
				Expect("it once; the first one stands in line %d, column %d", before.Line, before.Column)
			problem.Path = p.value.path
			continue
		}
		first[p.key] = p.pos
		out = append(out, p)
	}
	return out
}

// path makes a path of the declaration absolute.
func (d *decoder) path(s string) string {
	if filepath.IsAbs(s) {
		return filepath.Clean(s)
	}
	return filepath.Join(d.dir, filepath.FromSlash(s))
}

// liveNames are the keys that work in this version.
func liveNames(keys []key) []string {
	var out []string
	for _, k := range keys {
		if k.later == "" {
			out = append(out, k.name)
		}
	}
	return out
}

func keyNames(keys []key) string { return list(liveNames(keys)) }

// keyWords lists keys for "a block with …".
func keyWords(keys []key) string {
	if len(liveNames(keys)) == 1 {
		return "the key " + keyNames(keys)
	}
	return "keys of " + keyNames(keys)
}

// list joins names as prose does.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// thousands writes a number as people read it.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
