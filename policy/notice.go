package policy

import (
	"slices"

	"github.com/roundtrip-dev/roundtrip"
)

// Notice is one declared notification, compiled for one collection whose writes cause it. It does not change and may be
// used by many goroutines.
type Notice struct {
	Declared   *roundtrip.Notice
	Collection *roundtrip.Collection

	to, by, group, unless *term // nil where nothing is declared
	data                  []*term
	owner                 int // the field with default: auth.id that says who did it, or -1
	local                 bool
	counts                bool
}

// term is one expression of a notice.
type term struct {
	bound     bound // nothing of it is known of a call, so it is bound once and for all
	kind      roundtrip.ValueKind
	condition bool
	get       operand // of a local one
}

// Event is what a notification comes to for one record.
type Event struct {
	To    roundtrip.ID    // who gets it, 0 for nobody
	By    roundtrip.ID    // who did it as far as the record says, 0 where it does not; see [Notice.FromCaller]
	Group roundtrip.Value // what it is gathered by; null also where nothing is declared
	Data  []string        // the values of the paths in the text
}

// Notices compiles the notifications of a schema. The error is a *RuleErrors with every mistake.
func Notices(schema *roundtrip.Schema) ([]*Notice, error) {
	book := &ruleBook{schema: schema, read: map[*roundtrip.Collection]*expr{}}
	var errs RuleErrors
	var all []*Notice
	for _, declared := range schema.Notices {
		var done []*roundtrip.Collection
		for _, trigger := range declared.When {
			if slices.Contains(done, trigger.Collection) {
				continue
			}
			done = append(done, trigger.Collection)
			c := noticeCompiler{book: book, errs: &errs, notice: &Notice{Declared: declared, Collection: trigger.Collection}}
			all = append(all, c.compile())
		}
	}
	if len(errs.List) > 0 {
		return nil, &errs
	}
	return all, nil
}

// byCaller is what by says where it is not the record that tells who did it.
const byCaller = "caller"

// noticeCompiler compiles one notice for one collection.
type noticeCompiler struct {
	book   *ruleBook
	errs   *RuleErrors
	notice *Notice
}

func (c *noticeCompiler) compile() *Notice {
	n, d := c.notice, c.notice.Declared
	n.owner = -1
	n.to = c.account("to", d.To)
	if d.By.Source != byCaller {
		n.by = c.account("by", d.By)
		n.owner = owner(n.Collection)
	}
	n.group = c.value("group", d.Group, c.groupable)
	n.unless = c.value("unless", d.Unless, nil)
	for _, part := range parseText(d.Text, c.report) {
		if part.expr == "" {
			continue
		}
		inner := roundtrip.Rule{Source: part.expr, Pos: d.Text.Pos}
		inner.Pos, _ = position(d.Text, part.at)
		n.data = append(n.data, c.value("text", inner, c.showable))
	}
	n.local = true
	for _, t := range n.terms() {
		if t != nil {
			n.local = n.local && t.get != nil
			n.counts = n.counts || t.bound.prog.counts
		}
	}
	return n
}

// owner returns the field that a new record has its maker in, or -1.
func owner(c *roundtrip.Collection) int {
	for i, f := range c.Fields {
		if f.Default.Source == roundtrip.DefaultAuthID {
			return i
		}
	}
	return -1
}

func (c *noticeCompiler) report(r roundtrip.Rule, what string, m mistake) {
	pos, column := position(r, m.pos)
	c.errs.List = append(c.errs.List, RuleError{
		Collection: "notifications." + c.notice.Declared.Name, Action: what, Pos: pos, Column: column, Message: m.message, Nearest: m.near,
	})
}

// account compiles an expression that names an account.
func (c *noticeCompiler) account(what string, r roundtrip.Rule) *term {
	return c.value(what, r, func(n *node) *mistake {
		accounts := c.book.schema.Accounts()
		if n.kind == kindID && n.of == accounts && accounts != nil {
			return nil
		}
		message := "this must name an account, and it is " + n.describe()
		if accounts != nil {
			message += "; expected a ref to " + accounts.Name + ", such as a field of the record that points there"
		}
		return &mistake{pos: n.pos, code: "not_account", message: message}
	})
}

func (c *noticeCompiler) groupable(n *node) *mistake {
	if n.kind == kindOpaque || n.kind == kindFloat || n.op != opColumn {
		return &mistake{pos: n.pos, code: "not_group", message: "events can't be gathered by " + n.describe() + "; expected a field, such as a ref, text, select, int, bool or time"}
	}
	return nil
}

func (c *noticeCompiler) showable(n *node) *mistake {
	if n.kind == kindOpaque || n.op != opColumn {
		return &mistake{pos: n.pos, code: "not_text", message: n.describe() + " can't stand in a text; expected a field, such as {record." + firstText(c.notice.Collection) + "}"}
	}
	return nil
}

func firstText(c *roundtrip.Collection) string {
	for _, f := range c.Fields {
		if f.Type.Value() == roundtrip.TextValue {
			return f.Name
		}
	}
	return c.Fields[roundtrip.FieldID].Name
}

// value compiles one expression; fits judges what it comes to, nil wants a condition.
func (c *noticeCompiler) value(what string, r roundtrip.Rule, fits func(*node) *mistake) *term {
	if r.Source == "" {
		return nil
	}
	tree, first := parse(r.Source, false)
	if first != nil {
		c.report(r, what, *first)
		return nil
	}
	ch := newChecker(c.book, c.notice.Collection, mode{action: roundtrip.Create, notice: true})
	var root *node
	if fits == nil {
		root = ch.condition(tree)
	} else if root = ch.expr(tree); root.op != opBad && len(ch.wrong) == 0 {
		if m := fits(root); m != nil {
			ch.wrong = append(ch.wrong, *m)
		}
	}
	prog, wrong := ch.program(root)
	for _, m := range wrong {
		c.report(r, what, m)
	}
	if prog == nil {
		return nil
	}
	t := &term{kind: prog.root.valueKind(), condition: fits == nil}
	t.bound.bind(prog, &roundtrip.Call{}, nil)
	if prog.root.local {
		t.get = compileValue(prog.root)
	}
	return t
}

// terms returns the expressions in the order of the statement's columns.
func (n *Notice) terms() []*term { return append([]*term{n.to, n.by, n.group, n.unless}, n.data...) }

// Local reports whether the record alone says everything, so that [Notice.EventOf] tells it without a statement.
func (n *Notice) Local() bool { return n.local }

// ReadsCounts reports whether an expression looks at a count field of any collection.
func (n *Notice) ReadsCounts() bool { return n.counts }

// AppendColumns appends the values that [Notice.Event] reads, as columns of a SELECT over alias r.
func (n *Notice) AppendColumns(b *SQL) {
	var w writer
	for i, t := range n.terms() {
		if i > 0 {
			b.Raw(", ")
		}
		switch {
		case t == nil:
			b.Raw("NULL")
		case t.condition:
			w.start(b, &t.bound)
			b.Raw("((")
			w.condition(t.bound.prog.root)
			b.Raw(") IS TRUE)")
		default:
			w.start(b, &t.bound)
			w.value(t.bound.prog.root)
		}
	}
}

// Event reads the row of a statement with [Notice.AppendColumns]. record is the one that caused it.
func (n *Notice) Event(record *roundtrip.Record, row roundtrip.Row) Event {
	return n.event(record, func(at int, t *term) roundtrip.Value { return roundtrip.RowValue(row, at, t.kind) })
}

// EventOf is Event for a Local notice: it needs no statement.
func (n *Notice) EventOf(record *roundtrip.Record) Event {
	return n.event(record, func(_ int, t *term) roundtrip.Value {
		f := t.bound.frame
		f.row = record
		return t.get(&f)
	})
}

func (n *Notice) event(record *roundtrip.Record, get func(int, *term) roundtrip.Value) Event {
	value := func(at int, t *term) roundtrip.Value {
		if t == nil {
			return roundtrip.Value{}
		}
		return get(at, t)
	}
	e := Event{To: value(0, n.to).ID(), By: value(1, n.by).ID(), Group: value(2, n.group)}
	if n.by == nil && n.owner >= 0 {
		e.By = record.Values[n.owner].ID()
	}
	if value(3, n.unless).Bool() {
		e.To = 0
	}
	if e.To == 0 {
		return Event{}
	}
	for i, t := range n.data {
		e.Data = append(e.Data, show(value(4+i, t)))
	}
	return e
}

// valueKind is the form in which a value of the node is kept.
func (n *node) valueKind() roundtrip.ValueKind {
	switch n.kind {
	case kindBool:
		return roundtrip.BoolValue
	case kindInt, kindDuration:
		return roundtrip.IntValue
	case kindFloat:
		return roundtrip.FloatValue
	case kindTime:
		return roundtrip.TimeValue
	case kindID:
		return roundtrip.IDValue
	case kindText, kindOpaque, kindBad, kindNull, kindList:
	}
	return roundtrip.TextValue
}

// FromCaller reports whether it is the caller who did it: the declaration does not say who, and the record says at most who
// made it, which is who created it but need not be who changed or deleted it.
func (n *Notice) FromCaller(action roundtrip.Action) bool {
	return n.by == nil && (n.owner < 0 || action != roundtrip.Create)
}
