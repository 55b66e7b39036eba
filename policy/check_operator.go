package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

func (c *checker) operator(e *expr) *node {
	switch e.name {
	case "&&", "||":
		return c.logical(e)
	case "!":
		return fixedOr(inherit(&node{op: opNot, kind: kindBool, pos: e.pos, kids: []*node{c.condition(e.kids[0])}}))
	case "in":
		return c.in(e)
	case "+", "-":
		return c.arithmetic(e)
	}
	return c.comparison(e)
}

// inherit computes what a node's kids say of it.
func inherit(n *node) *node {
	n.free, n.fixed, n.local = true, true, true
	for _, k := range n.kids {
		if k.op == opBad {
			return k
		}
		n.free = n.free && k.free
		n.fixed = n.fixed && k.fixed
		n.local = n.local && k.local
		n.auth = n.auth || k.auth
	}
	return n
}

// fixedOr computes a node of literals at once.
func fixedOr(n *node) *node {
	if !n.fixed || n.op == opBad || n.op == opConst || n.op == opList {
		return n
	}
	v := compileValue(n)(&frame{})
	k := constNode(n.pos, v)
	k.kind = n.kind // a duration stays one
	return k
}

// logical joins conditions: constants fold, what decides alone wins.
func (c *checker) logical(e *expr) *node {
	o, decides := opAnd, false
	if e.name == "||" {
		o, decides = opOr, true
	}
	kids := make([]*node, len(e.kids))
	for i, k := range e.kids {
		kids[i] = c.condition(k)
	}
	return join(o, decides, e.pos, kids)
}

func join(o op, decides bool, pos int, all []*node) *node {
	kids := all[:0:len(all)]
	var bad *node
	for _, k := range all {
		if k.op == opBad {
			bad = k
		}
		if value, ok := k.constant(); !ok {
			kids = append(kids, k)
		} else if value == decides && bad == nil {
			return constNode(pos, roundtrip.Bool(decides))
		}
	}
	switch {
	case bad != nil:
		return bad
	case len(kids) == 0:
		return constNode(pos, roundtrip.Bool(!decides))
	case len(kids) == 1 && kids[0].logic():
		return kids[0]
	}
	return inherit(&node{op: o, kind: kindBool, pos: pos, kids: kids})
}

func (c *checker) comparison(e *expr) *node {
	s := signOf(e.name)
	a, b := c.expr(e.kids[0]), c.expr(e.kids[1])
	return c.compare(s, a, b, e.pos)
}

func (c *checker) compare(s sign, a, b *node, pos int) *node {
	if a.op == opBad {
		return a
	}
	if b.op == opBad {
		return b
	}
	if a.kind == kindNull || b.kind == kindNull {
		return c.compareNull(s, a, b, pos)
	}
	a, b = c.coerce(a, b), c.coerce(b, a)
	if bad := c.comparable(s, a, b, pos); bad != nil {
		return bad
	}
	if a.free && !b.free {
		a, b, s = b, a, s.flip()
	}
	return fixedOr(inherit(&node{op: opCompare, kind: kindBool, sign: s, pos: pos, kids: []*node{a, b}}))
}

// compareNull makes x == null a question of its own: a literal null asks whether there is a value.
func (c *checker) compareNull(s sign, a, b *node, pos int) *node {
	if s != signEqual && s != signNotEqual {
		return c.fail(pos, "type_mismatch", "nothing is less or greater than null; use == or !=")
	}
	x := a
	if a.kind == kindNull {
		x = b
	}
	if x.kind == kindList {
		return c.fail(pos, "type_mismatch", "a list is never null; use size(…) == 0")
	}
	if x.kind == kindNull {
		return constNode(pos, roundtrip.Bool(s == signEqual))
	}
	o := opIsNull
	if s == signNotEqual {
		o = opNotNull
	}
	return fixedOr(inherit(&node{op: o, kind: kindBool, pos: pos, kids: []*node{x}}))
}

// coerce reads a literal text as what it is compared with: an id, a time, an option.
func (c *checker) coerce(n, with *node) *node {
	if n.op != opConst || n.kind != kindText {
		return n
	}
	text := n.value.Text()
	switch {
	case with.kind == kindID:
		id, ok := roundtrip.ParseID(text)
		if !ok {
			return c.fail(n.pos, "bad_id", "%s is an id, %s, and %s is none", with.subject(), roundtrip.IDForm, quote(text))
		}
		m := constNode(n.pos, roundtrip.Ref(id))
		return m
	case with.kind == kindTime:
		t, ok := parseTime(text)
		if !ok {
			return c.fail(n.pos, "bad_time", "%s is a time such as \"2026-11-22T19:03:31Z\", and %s is none", with.subject(), quote(text))
		}
		return constNode(n.pos, t)
	case with.decl != nil && with.decl.Type == roundtrip.TypeSelect && !slices.Contains(with.decl.Options, text):
		near := nearest.Of(text, with.decl.Options)
		bad := c.fail(n.pos, "unknown_option", "%s is one of %s, never %s%s", with.decl.Name,
			strings.Join(with.decl.Options, ", "), quote(text), didYouMean(near))
		c.wrong[len(c.wrong)-1].near = near
		return bad
	}
	return n
}

func didYouMean(near string) string {
	if near == "" {
		return ""
	}
	return "; did you mean \"" + near + "\"?"
}

// subject names a node at the start of a sentence.
func (n *node) subject() string {
	switch {
	case n.decl != nil:
		return n.decl.Name
	case n.op == opAuthID:
		return "auth.id"
	case n.op == opNow:
		return "now"
	}
	return "the other side"
}

// parseTime reads RFC 3339, or a date alone as its first moment in UTC.
func parseTime(s string) (roundtrip.Value, bool) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return roundtrip.Time(t), true
		}
	}
	return roundtrip.Value{}, false
}

// comparable refuses comparisons that can never be meant.
func (c *checker) comparable(s sign, a, b *node, pos int) *node {
	if a.op == opBad {
		return a
	}
	if b.op == opBad {
		return b
	}
	for _, n := range []*node{a, b} {
		switch n.kind {
		case kindOpaque:
			return c.fail(pos, "type_mismatch", "%s can't be compared; only has(…) and == null tell something of it", n.describe())
		case kindList:
			return c.fail(pos, "type_mismatch", "a list can't be compared; use in, as in \"moderator\" in auth.roles")
		default:
		}
	}
	if a.kind != b.kind && (!a.kind.number() || !b.kind.number()) {
		return c.fail(pos, "type_mismatch", "%s can't be compared with %s", a.describe(), b.describe())
	}
	if a.kind == kindBool && s != signEqual && s != signNotEqual {
		return c.fail(pos, "type_mismatch", "yes and no have no order; use == or !=")
	}
	if a.kind == kindID && a.of != nil && b.of != nil && a.of != b.of {
		return c.fail(pos, "type_mismatch", "an id of %s is never an id of %s", a.of.Name, b.of.Name)
	}
	return nil
}

func (c *checker) in(e *expr) *node {
	x := c.expr(e.kids[0])
	if x.op == opBad {
		return x
	}
	if x.kind == kindNull {
		return c.fail(e.pos, "type_mismatch", "null is in no list; ask x == null")
	}
	if e.kids[1].kind != exprList {
		list := c.expr(e.kids[1])
		switch {
		case list.op == opBad:
			return list
		case list.op != opRoles:
			return c.fail(e.kids[1].pos, "type_mismatch", "in looks into a list such as [1, 2] or auth.roles, and this is %s", list.describe())
		case x.kind != kindText:
			return c.fail(e.pos, "type_mismatch", "roles are texts, and this is %s", x.describe())
		case x.op == opConst && !c.mode.filter && !slices.Contains(c.book.schema.Roles, x.value.Text()):
			return c.unknownRole(x)
		}
		n := inherit(&node{op: opInRoles, kind: kindBool, pos: e.pos, kids: []*node{x}})
		n.auth, n.fixed = true, false
		return n
	}
	return c.inList(x, e)
}

// unknownRole reports a role that no account can have. A filter may ask for any text: its writer need not learn the roles.
func (c *checker) unknownRole(x *node) *node {
	roles := c.book.schema.Roles
	if near := nearest.Of(x.value.Text(), roles); near != "" || len(roles) == 0 {
		bad := c.unknown(x.pos, "unknown_role", "identity.roles has no role", x.value.Text(), roles)
		return bad
	}
	return c.fail(x.pos, "unknown_role", "identity.roles has no role %s; it has %s", quote(x.value.Text()), strings.Join(roles, ", "))
}

// inList checks x in [a, b]. Items that are fields make it a chain of ==, which says the same.
func (c *checker) inList(x *node, e *expr) *node {
	n := &node{op: opIn, kind: kindBool, pos: e.pos, kids: []*node{x}}
	for _, item := range e.kids[1].kids {
		k := c.expr(item)
		if k.op == opBad {
			return k
		}
		if k.kind == kindNull {
			return c.fail(item.pos, "type_mismatch", "null is equal to nothing in a list; ask x == null")
		}
		k = c.coerce(k, x)
		if bad := c.comparable(signEqual, x, k, item.pos); bad != nil {
			return bad
		}
		n.kids = append(n.kids, k)
	}
	if len(n.kids) == 1 {
		return constNode(e.pos, roundtrip.Bool(false))
	}
	simple := x.free || x.op == opColumn
	for _, k := range n.kids[1:] {
		simple = simple && k.free
	}
	if simple {
		return fixedOr(inherit(n))
	}
	chain := make([]*node, 0, len(n.kids)-1)
	for _, k := range n.kids[1:] {
		chain = append(chain, c.compare(signEqual, x, k, e.pos))
	}
	return join(opOr, true, e.pos, chain)
}

// arithmetic is done once per call, before any record is looked at; so fields take no part in it.
func (c *checker) arithmetic(e *expr) *node {
	kids := make([]*node, len(e.kids))
	for i, k := range e.kids {
		kids[i] = c.expr(k)
		if kids[i].op == opBad {
			return kids[i]
		}
		if !kids[i].free {
			return c.fail(e.pos, "no_arithmetic", "%s is a field of a record and can't be calculated with; bring the sum to the other side, as in record.create_time > now - duration(\"24h\")", kids[i].describe())
		}
	}
	n := &node{op: opNegate, pos: e.pos, kids: kids}
	if len(kids) == 2 {
		n.op = opAdd
		if e.name == "-" {
			n.op = opSubtract
		}
	}
	n.kind = resultOf(n.op, kids)
	if n.kind == kindBad {
		if len(kids) == 1 {
			return c.fail(e.pos, "type_mismatch", "%s has no negative", kids[0].describe())
		}
		return c.fail(e.pos, "type_mismatch", "%s does not go between %s and %s", e.name, kids[0].describe(), kids[1].describe())
	}
	return fixedOr(inherit(n))
}

func resultOf(o op, kids []*node) kind {
	a := kids[0].kind
	if o == opNegate {
		if a.number() || a == kindDuration {
			return a
		}
		return kindBad
	}
	b := kids[1].kind
	switch {
	case a == kindInt && b == kindInt:
		return kindInt
	case a.number() && b.number():
		return kindFloat
	case a == kindText && b == kindText && o == opAdd:
		return kindText
	case a == kindDuration && b == kindDuration:
		return kindDuration
	case a == kindTime && b == kindDuration:
		return kindTime
	case a == kindDuration && b == kindTime && o == opAdd:
		return kindTime
	case a == kindTime && b == kindTime && o == opSubtract:
		return kindDuration
	}
	return kindBad
}
