package policy

import (
	"fmt"

	"github.com/roundtrip-dev/roundtrip"
)

// Warning is something that a rule may say, but that is seldom meant or slow.
type Warning = roundtrip.Warning

// Warnings returns what was noticed while the schema was built, and in the rules in the order of the declaration.
func (e *Engine) Warnings() []Warning { return e.warnings }

func (e *Engine) warn(c *roundtrip.Collection, action roundtrip.Action, declared roundtrip.Rule, p *program) {
	report := func(n *node, format string, args ...any) {
		pos, _ := position(declared, n.pos)
		e.warnings = append(e.warnings, Warning{Pos: pos, Message: fmt.Sprintf(format, args...)})
	}
	warnNot(p.root, p.root, report)
	warnExists(action, p.root, report)
	if action == roundtrip.Get {
		warnScan(c, p.root, report)
	}
}

// warnBare looks for a collection that nobody can do anything with. A rule that says 'false' shows that it is meant.
func (e *Engine) warnBare(c *roundtrip.Collection) {
	for _, r := range c.Rules {
		if r.Source != "" {
			return
		}
	}
	e.warnings = append(e.warnings, Warning{Pos: c.Pos, Message: c.Name +
		" has no rules, so nobody may read or write its records; add some, such as rules: { read: 'true' }, or read: 'false' if that is meant"})
}

type reporter func(n *node, format string, args ...any)

// warnNot looks for ! over a field that can be null: null makes the inner condition false and the whole true.
func warnNot(root, n *node, report reporter) {
	if n.op == opNot {
		if f := nullable(n.kids[0]); f != nil && !asksNull(root, f) {
			report(n, "! makes this true where %s has no value; say has(…) beside it if that is not meant", f.Name)
		}
	}
	for _, k := range n.kids {
		warnNot(root, k, report)
	}
}

// nullable returns an optional field without default whose missing value makes the condition false.
func nullable(n *node) *roundtrip.Field {
	switch n.op {
	case opIsNull, opNotNull, opNot, opExists:
		return nil
	case opCompare:
		if n.sign == signNotEqual {
			return nil
		}
	case opColumn:
		if n.decl.Optional() && n.decl.Default.Source == roundtrip.NoDefault {
			return n.decl
		}
	default:
	}
	for _, k := range n.kids {
		if f := nullable(k); f != nil {
			return f
		}
	}
	return nil
}

func asksNull(n *node, f *roundtrip.Field) bool {
	if (n.op == opIsNull || n.op == opNotNull) && n.kids[0].decl == f {
		return true
	}
	for _, k := range n.kids {
		if asksNull(k, f) {
			return true
		}
	}
	return false
}

// warnExists looks for exists that must read a whole collection. Rules of writes are asked by the one writer.
func warnExists(action roundtrip.Action, n *node, report reporter) {
	if n.op == opExists && !pinned(n.kids[0], n.at) {
		of := n.at.collection
		waits := ""
		if action.Writes() {
			waits = ", while all other writes wait"
		}
		report(n, "no index serves this exists: each check reads all of %s%s; compare an indexed field of it, such as %s, with ==", of.Name, waits, indexed(of))
	}
	for _, k := range n.kids {
		warnExists(action, k, report)
	}
}

// warnScan looks for read rules that narrow a list by a field without index.
func warnScan(c *roundtrip.Collection, root *node, report reporter) {
	own := ownPlace(root)
	if own == nil {
		return
	}
	if fields := equalities(root, own, nil); len(fields) > 0 && !served(c, fields) {
		report(root, "lists of %s are narrowed by %s, which no index serves; declare one", c.Name, c.Fields[fields[0]].Name)
	}
}

func ownPlace(n *node) *place {
	if n.op == opColumn && n.local {
		return n.at
	}
	for _, k := range n.kids {
		if p := ownPlace(k); p != nil {
			return p
		}
	}
	return nil
}

// equalities adds the fields of a place that the condition pins to a value.
func equalities(n *node, at *place, fields []int) []int {
	switch n.op {
	case opAnd:
		for _, k := range n.kids {
			fields = equalities(k, at, fields)
		}
	case opCompare:
		if n.sign != signEqual {
			break
		}
		for i, k := range n.kids {
			if k.op == opColumn && k.at == at && (n.kids[1-i].op != opColumn || n.kids[1-i].at != at) {
				fields = append(fields, k.field)
			}
		}
	case opIn, opInRoles:
		if k := n.kids[0]; k.op == opColumn && k.at == at {
			fields = append(fields, k.field)
		}
	default:
	}
	return fields
}
