package policy

import (
	"fmt"
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// The limits of a checked tree.
const (
	maxHops    = 3    // refs in one path
	maxExists  = 2    // exists inside exists, in rules; in filters there is none inside another
	maxScans   = 4    // exists in one filter: each is asked for each record
	maxChecked = 4000 // nodes with all read rules put in
)

// rules knows the read rules that are put in where a ref is followed.
type ruleBook struct {
	schema *roundtrip.Schema
	read   map[*roundtrip.Collection]*expr // parsed; nil where there is none or it is broken
}

// build is what all checkers of one program share.
type build struct {
	places []*place
	nodes  int
	scans  int
	counts bool
	inputs []int
}

// local is a name that an exists introduced.
type local struct {
	name string
	at   *place
}

// checker gives names their meaning and refuses what does not fit.
type checker struct {
	book   *ruleBook
	build  *build
	root   *place
	mode   mode
	locals []local
	exists int
	stack  []*roundtrip.Collection // whose read rules are being put in
	wrong  []mistake
}

// mode says what a source is.
type mode struct {
	action  roundtrip.Action // of a rule
	filter  bool             // written by a caller: bare names are fields
	guarded bool             // nothing may be looked at that the caller may not read
	notice  bool             // of a notification: there is a record, and no caller

	operator bool // the caller may read everything: no read rule is put in, and the limits stay
}

func newChecker(book *ruleBook, own *roundtrip.Collection, m mode) *checker {
	root := &place{collection: own}
	c := &checker{book: book, build: &build{places: []*place{root}}, root: root, mode: m}
	if !m.filter && m.action == roundtrip.Get {
		c.stack = append(c.stack, own)
	}
	return c
}

// compile makes the program of a parsed rule.
func compile(book *ruleBook, own *roundtrip.Collection, action roundtrip.Action, e *expr) (*program, []mistake) {
	c := newChecker(book, own, mode{action: action})
	return c.program(c.condition(e))
}

// program ends the check of a tree.
func (c *checker) program(n *node) (*program, []mistake) {
	if c.build.nodes > maxChecked {
		c.fail(n.pos, "too_complex", "with the read rules that it brings in it is too large")
	}
	if len(c.wrong) > 0 {
		return nil, c.wrong
	}
	return finish(c.build, n), nil
}

func (c *checker) fail(pos int, code, format string, args ...any) *node {
	c.wrong = append(c.wrong, mistake{pos: pos, code: code, message: fmt.Sprintf(format, args...)})
	return &node{op: opBad, pos: pos}
}

// unknown reports a name that is none, with the nearest that is one.
func (c *checker) unknown(pos int, code, what, name string, names []string) *node {
	return c.unknownNear(pos, code, what, name, nearest.Of(name, names))
}

func (c *checker) unknownNear(pos int, code, what, name, near string) *node {
	message := fmt.Sprintf("%s %q", what, name)
	if near != "" {
		message += fmt.Sprintf("; did you mean %q?", near)
	}
	c.wrong = append(c.wrong, mistake{pos: pos, code: code, message: message, near: near})
	return &node{op: opBad, pos: pos}
}

// condition checks an expression that must say yes or no.
func (c *checker) condition(e *expr) *node {
	n := c.expr(e)
	if n.kind != kindBool && n.kind != kindBad {
		return c.fail(e.pos, "not_bool", "yes or no is needed here, and this is %s%s", n.describe(), hintBool(n))
	}
	return n
}

func hintBool(n *node) string {
	if n.op == opColumn || n.op == opAuthField || n.op == opInput {
		return "; compare it with something, or ask has(…)"
	}
	return ""
}

// describe names a node for a message: author (an id of users), or just its type.
func (n *node) describe() string {
	what := n.kind.String()
	if n.decl != nil && n.decl.Type == roundtrip.TypeFile {
		what = "a file"
	}
	if n.kind == kindID && n.of != nil {
		what += " of " + n.of.Name
	}
	if n.decl != nil {
		return n.decl.Name + ", " + what
	}
	return what
}

func (c *checker) expr(e *expr) *node {
	c.build.nodes++
	if c.build.nodes > maxChecked {
		return &node{op: opBad, pos: e.pos} // compile reports it
	}
	switch e.kind {
	case exprLiteral:
		return constNode(e.pos, e.value)
	case exprName:
		return c.name(e)
	case exprMember:
		return c.member(e)
	case exprCall:
		return c.call(e)
	case exprOperator:
		return c.operator(e)
	case exprList:
	}
	return c.fail(e.pos, "misplaced_list", "a list can stand only after in, and in size()")
}

func constNode(pos int, v roundtrip.Value) *node {
	return &node{op: opConst, kind: kindOfValue(v), pos: pos, value: v, free: true, fixed: true, local: true}
}

func kindOfValue(v roundtrip.Value) kind {
	switch v.Kind() {
	case roundtrip.BoolValue:
		return kindBool
	case roundtrip.IntValue:
		return kindInt
	case roundtrip.FloatValue:
		return kindFloat
	case roundtrip.TextValue:
		return kindText
	case roundtrip.TimeValue:
		return kindTime
	case roundtrip.IDValue:
		return kindID
	case roundtrip.Null, roundtrip.JSONValue:
	}
	return kindNull
}

// thing is what can stand before a dot.
type thing struct {
	at      *place
	auth    bool
	input   bool
	request bool
}

// variables lists the names that a source can start a path with.
func (c *checker) variables() []string {
	names := []string{"record", "auth", "now", "request"}
	if c.mode.notice {
		names = names[:1]
	}
	if c.mode.action == roundtrip.Update {
		names = append(names, "input")
	}
	for _, l := range c.locals {
		names = append(names, l.name)
	}
	if c.mode.filter {
		names = append(names, c.root.collection.FieldNames()...)
	}
	return names
}

// name checks a name that stands alone.
func (c *checker) name(e *expr) *node {
	if bad := c.callerless(e); bad != nil {
		return bad
	}
	if e.name == "now" {
		return &node{op: opNow, kind: kindTime, pos: e.pos, free: true, local: true}
	}
	if c.mode.filter {
		if _, isLocal := c.local(e.name); !isLocal && !reserved(e.name) {
			if _, ok := c.root.collection.Lookup(e.name); ok {
				return c.column(c.root, e.name, e.pos)
			}
		}
	}
	t, bad := c.thing(e)
	if bad != nil {
		return bad
	}
	switch {
	case t.at != nil:
		return c.fail(e.pos, "not_a_value", "%s is a whole record; name one of its fields, such as %s.id", e.name, e.name)
	case t.auth:
		return c.fail(e.pos, "not_a_value", "auth is not a value; a signed-in caller has auth.id != null")
	}
	return c.fail(e.pos, "not_a_value", "%s is not a value; name one of its members", e.name)
}

func reserved(name string) bool {
	switch name {
	case "record", "auth", "now", "request", "input":
		return true
	}
	return false
}

// callerless refuses, in a notification, what is known of a call only.
func (c *checker) callerless(e *expr) *node {
	if c.mode.notice && e.name != "record" && reserved(e.name) {
		return c.fail(e.pos, "no_caller", "%s is not known here: a notification speaks of the record that causes it", e.name)
	}
	return nil
}

func (c *checker) local(name string) (*place, bool) {
	for i := len(c.locals) - 1; i >= 0; i-- {
		if c.locals[i].name == name {
			return c.locals[i].at, true
		}
	}
	return nil, false
}

// thing resolves what stands before a dot.
func (c *checker) thing(e *expr) (thing, *node) {
	switch e.kind {
	case exprName:
		return c.namedThing(e)
	case exprMember:
		t, bad := c.thing(e.kids[0])
		if bad != nil {
			return t, bad
		}
		if t.at == nil {
			return t, c.fail(e.pos, "no_path", "only the record's refs can be followed; %s has no members", e.name)
		}
		n := c.column(t.at, e.name, e.pos)
		if n.op == opBad {
			return t, n
		}
		return c.throughRef(n)
	case exprLiteral, exprCall, exprOperator, exprList:
	}
	return thing{}, c.fail(e.pos, "no_path", "this has no members; only record, auth and refs have")
}

func (c *checker) namedThing(e *expr) (thing, *node) {
	if bad := c.callerless(e); bad != nil {
		return thing{}, bad
	}
	if at, ok := c.local(e.name); ok {
		return thing{at: at}, nil
	}
	switch e.name {
	case "record":
		return thing{at: c.root}, nil
	case "auth":
		return thing{auth: true}, nil
	case "request":
		return thing{request: true}, nil
	case "now":
		return thing{}, c.fail(e.pos, "no_path", "now is a time and has no members")
	case "input":
		if c.mode.action == roundtrip.Update {
			return thing{input: true}, nil
		}
		return thing{}, c.fail(e.pos, "no_input", "input is known in update rules only%s", hintInput(c.mode.action))
	}
	if c.mode.filter {
		if _, ok := c.root.collection.Lookup(e.name); ok {
			n := c.column(c.root, e.name, e.pos)
			return c.throughRef(n)
		}
		return thing{}, c.unknown(e.pos, "unknown_field", c.root.collection.Name+" has no field", e.name, c.variables())
	}
	return thing{}, c.unknownNear(e.pos, "unknown_name", "nothing is called", e.name, c.meant(e.name))
}

// meant is what an unknown name of a rule was probably meant for: a field without the record that has it, those of the
// innermost exists first; then the variable, then the field that is spelt nearly so.
func (c *checker) meant(name string) string {
	records := make([]local, 0, len(c.locals)+1)
	for _, l := range c.locals {
		records = append([]local{l}, records...)
	}
	records = append(records, local{name: "record", at: c.root})
	for _, r := range records {
		if _, ok := r.at.collection.Lookup(name); ok {
			return r.name + "." + name
		}
	}
	if near := nearest.Of(name, c.variables()); near != "" {
		return near
	}
	for _, r := range records {
		if near := nearest.Of(name, r.at.collection.FieldNames()); near != "" {
			return r.name + "." + near
		}
	}
	return ""
}

func hintInput(a roundtrip.Action) string {
	if a == roundtrip.Create {
		return "; on create, record is what is being created"
	}
	return ""
}

// throughRef follows a column to the record that it points to.
func (c *checker) throughRef(n *node) (thing, *node) {
	if n.decl.Type != roundtrip.TypeRef {
		return thing{}, c.fail(n.pos, "no_path", "%s is no ref, it has no members", n.describe())
	}
	at, bad := c.follow(n, c.mode.guarded)
	return thing{at: at}, bad
}

// follow returns the place behind a ref. guarded puts the read rule of the target in.
func (c *checker) follow(n *node, guarded bool) (*place, *node) {
	for _, p := range c.build.places {
		if p.parent == n.at && p.field == n.field && (p.guard != nil) == guarded {
			return p, nil
		}
	}
	p := &place{collection: n.decl.To, parent: n.at, field: n.field, index: len(c.build.places)}
	if p.hops(c.root) > maxHops {
		return nil, c.fail(n.pos, "too_far", "a path may follow %d refs, no more", maxHops)
	}
	c.build.places = append(c.build.places, p)
	if guarded {
		guard, bad := c.readRule(p, n.pos)
		if bad != nil {
			return nil, bad
		}
		p.guard = guard
	}
	return p, nil
}

// readRule puts the read rule of a place's collection in, with the place as its record.
func (c *checker) readRule(at *place, pos int) (*node, *node) {
	if c.mode.operator {
		return constNode(pos, roundtrip.Bool(true)), nil
	}
	for i, done := range c.stack {
		if done != at.collection {
			continue
		}
		cycle := ""
		for _, step := range c.stack[i:] {
			cycle += step.Name + ".read → "
		}
		return nil, c.fail(pos, "recursive_rule", "a read rule may not ask itself: %s%s.read", cycle, at.collection.Name)
	}
	e := c.book.read[at.collection]
	if e == nil {
		return constNode(pos, roundtrip.Bool(false)), nil // no rule: nobody; a broken one is reported where it stands
	}
	inner := &checker{
		book: c.book, build: c.build, root: at, mode: mode{action: roundtrip.Get},
		stack: append(append([]*roundtrip.Collection(nil), c.stack...), at.collection),
	}
	n := inner.condition(e)
	for _, m := range inner.wrong {
		if m.code == "recursive_rule" {
			c.wrong = append(c.wrong, mistake{pos: pos, code: m.code, message: m.message})
			return nil, &node{op: opBad, pos: pos}
		}
	}
	if len(inner.wrong) > 0 {
		return constNode(pos, roundtrip.Bool(false)), nil
	}
	return n, nil
}

// member checks a path that is used as a value.
func (c *checker) member(e *expr) *node {
	t, bad := c.thing(e.kids[0])
	if bad != nil {
		return bad
	}
	switch {
	case t.auth:
		return c.authMember(e)
	case t.input:
		return c.inputMember(e)
	case t.request:
		if e.name == "ip" {
			return &node{op: opIP, kind: kindText, pos: e.pos, free: true, local: true}
		}
		return c.unknown(e.pos, "unknown_name", "request has no member", e.name, []string{"ip"})
	}
	return c.column(t.at, e.name, e.pos)
}

func (c *checker) column(at *place, name string, pos int) *node {
	i, ok := at.collection.Lookup(name)
	if !ok {
		return c.unknown(pos, "unknown_field", at.collection.Name+" has no field", name, at.collection.FieldNames())
	}
	f := at.collection.Fields[i]
	if f.Type == roundtrip.TypeCount {
		c.build.counts = true
	}
	n := &node{op: opColumn, kind: kindOf(f.Type), pos: pos, field: i, decl: f, at: at, local: at == c.build.places[0]}
	switch f.Type {
	case roundtrip.TypeID:
		n.of = at.collection
	case roundtrip.TypeRef:
		n.of = f.To
	default:
	}
	return n
}

func (c *checker) authMember(e *expr) *node {
	accounts := c.book.schema.Accounts()
	switch e.name {
	case "id":
		return &node{op: opAuthID, kind: kindID, of: accounts, pos: e.pos, free: true, local: true, auth: true}
	case "roles":
		return &node{op: opRoles, kind: kindList, pos: e.pos, free: true, local: true, auth: true}
	}
	names := []string{"roles"}
	if accounts != nil {
		if i, ok := accounts.Lookup(e.name); ok {
			f := accounts.Fields[i]
			n := &node{op: opAuthField, kind: kindOf(f.Type), field: i, decl: f, pos: e.pos, free: true, local: true, auth: true}
			if f.Type == roundtrip.TypeRef {
				n.of = f.To
			}
			return n
		}
		names = append(names, accounts.FieldNames()...)
	} else {
		names = append(names, "id")
	}
	return c.unknown(e.pos, "unknown_field", "auth has no member", e.name, names)
}

func (c *checker) inputMember(e *expr) *node {
	own := c.root.collection
	i, ok := own.Lookup(e.name)
	if !ok {
		return c.unknown(e.pos, "unknown_field", own.Name+" has no field", e.name, own.FieldNames())
	}
	f := own.Fields[i]
	c.build.inputs = append(c.build.inputs, i)
	n := &node{op: opInput, kind: kindOf(f.Type), field: i, decl: f, pos: e.pos, free: true, local: true}
	if f.Type == roundtrip.TypeRef {
		n.of = f.To
	}
	return n
}

// quote shortens and quotes a text of the source for a message.
func quote(s string) string {
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return strconv.Quote(s)
}
