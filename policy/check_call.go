package policy

import (
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// functions lists what can be called.
func functions() []string {
	return []string{"has", "size", "startsWith", "endsWith", "contains", "exists", "readable", "timestamp", "duration"}
}

func (c *checker) call(e *expr) *node {
	switch e.name {
	case "has":
		return c.has(e)
	case "size":
		return c.size(e)
	case "startsWith", "endsWith", "contains":
		return c.textFunction(e)
	case "exists":
		return c.existsCall(e)
	case "readable":
		if c.mode.notice {
			return c.fail(e.pos, "no_caller", "readable asks what a caller may read, and a notification has none")
		}
		return c.readable(e)
	case "timestamp", "duration":
		return c.timeLiteral(e)
	}
	return c.unknown(e.pos, "unknown_function", "there is no function", e.name, functions())
}

// arguments checks how a function is called.
func (c *checker) arguments(e *expr, method bool, n int, usage string) *node {
	if e.on == method && len(e.kids) == n {
		return nil
	}
	return c.fail(e.pos, "bad_call", "%s is used like this: %s", e.name, usage)
}

func (c *checker) has(e *expr) *node {
	const usage = "has(record.caption)"
	if bad := c.arguments(e, false, 1, usage); bad != nil {
		return bad
	}
	arg := e.kids[0]
	if arg.kind != exprMember && (!c.mode.filter || arg.kind != exprName) {
		return c.fail(arg.pos, "bad_call", "has asks for a field: %s", usage)
	}
	inputs := len(c.build.inputs)
	x := c.expr(arg)
	if x.op == opBad {
		return x
	}
	if x.op == opInput { // whether it is given, not what
		c.build.inputs = c.build.inputs[:inputs]
		return inherit(&node{op: opInputGiven, kind: kindBool, pos: e.pos, field: x.field, decl: x.decl, free: true, local: true}).call()
	}
	if x.op != opColumn && x.op != opAuthField && x.op != opAuthID {
		return c.fail(arg.pos, "bad_call", "has asks for a field: %s", usage)
	}
	return inherit(&node{op: opNotNull, kind: kindBool, pos: e.pos, kids: []*node{x}})
}

// call marks a node without kids as one that needs the call.
func (n *node) call() *node {
	n.fixed = false
	return n
}

func (c *checker) size(e *expr) *node {
	if len(e.kids) != 1 {
		return c.fail(e.pos, "bad_call", "size is used like this: size(record.caption)")
	}
	if list := e.kids[0]; list.kind == exprList {
		for _, item := range list.kids {
			if k := c.expr(item); k.op == opBad {
				return k
			}
		}
		return constNode(e.pos, roundtrip.Int(int64(len(list.kids))))
	}
	x := c.expr(e.kids[0])
	if x.op == opBad {
		return x
	}
	if x.kind != kindText && x.kind != kindList {
		return c.fail(e.pos, "type_mismatch", "only texts and lists have a size, and this is %s", x.describe())
	}
	return fixedOr(inherit(&node{op: opSize, kind: kindInt, pos: e.pos, kids: []*node{x}}))
}

func (c *checker) textFunction(e *expr) *node {
	if bad := c.arguments(e, true, 2, "record.caption."+e.name+`("sun")`); bad != nil {
		return bad
	}
	x, arg := c.expr(e.kids[0]), c.expr(e.kids[1])
	if x.op == opBad {
		return x
	}
	if arg.op == opBad {
		return arg
	}
	for _, n := range []*node{x, arg} {
		if n.kind != kindText {
			return c.fail(n.pos, "type_mismatch", "%s works on texts, and this is %s", e.name, n.describe())
		}
	}
	if !arg.free {
		return c.fail(arg.pos, "type_mismatch", "what %s looks for may not be a field of a record", e.name)
	}
	o := opStarts
	switch e.name {
	case "endsWith":
		o = opEnds
	case "contains":
		o = opContains
	}
	return fixedOr(inherit(&node{op: o, kind: kindBool, pos: e.pos, kids: []*node{x, arg}}))
}

func (c *checker) timeLiteral(e *expr) *node {
	usage := `timestamp("2026-11-22T19:03:31Z")`
	if e.name == "duration" {
		usage = `duration("24h")`
	}
	if bad := c.arguments(e, false, 1, usage); bad != nil {
		return bad
	}
	arg := e.kids[0]
	if arg.kind != exprLiteral || arg.value.Kind() != roundtrip.TextValue {
		return c.fail(arg.pos, "bad_call", "%s takes one text in quotes: %s", e.name, usage)
	}
	if e.name == "timestamp" {
		t, ok := parseTime(arg.value.Text())
		if !ok {
			return c.fail(arg.pos, "bad_time", "%s is no time; write it like %s", quote(arg.value.Text()), usage)
		}
		return constNode(e.pos, t)
	}
	d, err := time.ParseDuration(arg.value.Text())
	if err != nil {
		return c.fail(arg.pos, "bad_duration", "%s is no duration; write hours, minutes and seconds like %s or duration(\"1m30s\")", quote(arg.value.Text()), usage)
	}
	n := constNode(e.pos, roundtrip.Int(d.Microseconds()))
	n.kind = kindDuration
	return n
}

// readable asks whether the record behind a ref is there and its read rule holds.
func (c *checker) readable(e *expr) *node {
	if bad := c.arguments(e, false, 1, "readable(record.photo)"); bad != nil {
		return bad
	}
	x := c.expr(e.kids[0])
	if x.op == opBad {
		return x
	}
	if x.op != opColumn || x.decl.Type != roundtrip.TypeRef {
		return c.fail(e.kids[0].pos, "type_mismatch", "readable asks for a ref of a record, and this is %s", x.describe())
	}
	at, bad := c.follow(x, true)
	if bad != nil {
		return bad
	}
	id := at.collection.Fields[roundtrip.FieldID]
	target := &node{op: opColumn, kind: kindID, of: at.collection, pos: e.pos, field: roundtrip.FieldID, decl: id, at: at}
	n := inherit(&node{op: opNotNull, kind: kindBool, pos: e.pos, kids: []*node{target}})
	n.auth = at.guard.auth
	return n
}

// existsCall checks likes.exists(l, condition).
func (c *checker) existsCall(e *expr) *node {
	const usage = "follows.exists(f, f.follower == auth.id)"
	if bad := c.arguments(e, true, 3, usage); bad != nil {
		return bad
	}
	on, variable := e.kids[0], e.kids[1]
	if on.kind != exprName || variable.kind != exprName {
		return c.fail(e.pos, "bad_call", "exists is used like this: %s", usage)
	}
	target := c.book.schema.Lookup(on.name)
	if target == nil {
		return c.unknown(on.pos, "unknown_collection", "there is no collection", on.name, c.book.schema.Names())
	}
	if reserved(variable.name) {
		return c.fail(variable.pos, "bad_call", "%s has a meaning already; take another name, such as %s", variable.name, strings.ToLower(on.name[:1]))
	}
	if c.mode.filter && c.exists > 0 {
		return c.fail(e.pos, "too_deep", "in a filter, exists can't stand inside another exists")
	}
	if c.exists >= maxExists {
		return c.fail(e.pos, "too_deep", "exists can stand inside one other exists, no deeper")
	}
	if c.build.scans++; c.mode.guarded && c.build.scans > maxScans {
		return c.fail(e.pos, "too_complex", "a filter may have %d exists, no more", maxScans)
	}
	at := &place{collection: target, index: len(c.build.places), exists: true}
	c.build.places = append(c.build.places, at)
	c.exists++
	c.locals = append(c.locals, local{variable.name, at})
	kids := []*node{c.condition(e.kids[2])}
	c.locals = c.locals[:len(c.locals)-1]
	c.exists--
	if bad := c.affordable(e, at, kids[0]); bad != nil {
		return bad
	}
	if c.mode.guarded {
		guard, bad := c.readRule(at, e.pos)
		if bad != nil {
			return bad
		}
		kids = append(kids, guard)
	}
	cond := join(opAnd, false, e.pos, kids)
	if cond.op == opBad {
		return cond
	}
	if holds, ok := cond.constant(); ok && !holds {
		return constNode(e.pos, roundtrip.Bool(false))
	}
	n := inherit(&node{op: opExists, kind: kindBool, pos: e.pos, at: at, kids: []*node{cond}})
	n.free, n.fixed, n.local = false, false, false
	return n
}

// affordable refuses an exists that looks through a whole collection where that is asked too often: in a caller's filter,
// for each record; in a rule, for each record of another one that is looked through.
func (c *checker) affordable(e *expr, at *place, condition *node) *node {
	if value, constant := condition.constant(); constant && !value || condition.op == opBad || pinned(condition, at) {
		return nil
	}
	of := at.collection
	if c.mode.guarded {
		return c.fail(e.pos, "not_indexed", "%s.exists would look through all of %s: compare an indexed field, such as %s, with ==", of.Name, of.Name, indexed(of))
	}
	if inner := scanning(condition); inner != nil && !c.mode.filter {
		return c.fail(inner.pos, "not_indexed", "%s.exists would look through all of %s for each record of %s: compare an indexed field, such as %s, with ==",
			inner.at.collection.Name, inner.at.collection.Name, of.Name, indexed(inner.at.collection))
	}
	return nil
}
