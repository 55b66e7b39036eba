package policy

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
)

// Engine holds the compiled rules of one schema. It does not change and may be used by many goroutines.
type Engine struct {
	book        *ruleBook
	collections map[*roundtrip.Collection]*access
	channels    map[string]*channel
	key         [sha256.Size]byte // signs page tokens
	warnings    []Warning
}

// access is what may be done with a collection.
type access struct {
	read, create, update, delete rule
	order                        []Order // by id
}

// rule is one compiled access rule.
type rule struct {
	name   string   // photos.read
	prog   *program // nil where there is no rule
	always bool     // constantly true: nothing to bind
}

// RuleErrors is everything that is wrong with the rules of a declaration, in the order of the declaration.
type RuleErrors struct {
	List []RuleError
}

// RuleError is one mistake in one rule.
type RuleError struct {
	Collection string
	Action     string        // read, create, update or delete: the rule's key
	Pos        roundtrip.Pos // of the mistake in the declaration file
	Column     int           // of the mistake in its line of the rule, from 1, in characters
	Message    string        // a sentence that says what is wrong and what would be right
	Nearest    string        // the nearest valid name, "" where none is near
}

// Error lists the mistakes, one a line.
func (e *RuleErrors) Error() string {
	lines := make([]string, len(e.List))
	for i, m := range e.List {
		lines[i] = m.Pos.String() + ": " + m.Collection + "." + m.Action + ": " + m.Message
	}
	return strings.Join(lines, "\n")
}

// New compiles the rules of a schema. key signs page tokens; 32 random bytes, the same on all machines that serve it.
// The error is a *RuleErrors with every mistake of every rule.
func New(schema *roundtrip.Schema, key []byte) (*Engine, error) {
	e := &Engine{
		book:        &ruleBook{schema: schema, read: map[*roundtrip.Collection]*expr{}},
		collections: make(map[*roundtrip.Collection]*access, len(schema.Collections)),
		channels:    map[string]*channel{},
		key:         sha256.Sum256(key),
		warnings:    slices.Clone(schema.Warnings),
	}
	for _, c := range schema.Collections {
		if source := c.Rules[roundtrip.Get].Source; source != "" {
			e.book.read[c], _ = parse(source, false) // its mistakes are reported where it is compiled
		}
	}
	var errs RuleErrors
	for _, c := range schema.Collections {
		e.warnBare(c)
		a := &access{order: []Order{{Field: roundtrip.FieldID}}}
		for _, action := range []roundtrip.Action{roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
			r := a.rule(action)
			r.name = c.Name + "." + ruleName(action)
			e.compileRule(c, action, r, &errs)
		}
		e.collections[c] = a
	}
	e.compileChannels(schema, &errs)
	if _, err := Notices(schema); err != nil {
		if wrong, ok := errors.AsType[*RuleErrors](err); ok {
			errs.List = append(errs.List, wrong.List...)
		}
	}
	if len(errs.List) > 0 {
		return nil, &errs
	}
	return e, nil
}

// ruleName returns the key of a rule in the declaration.
func ruleName(a roundtrip.Action) string {
	if a == roundtrip.Get {
		return "read"
	}
	return a.String()
}

// rule returns the rule that decides on an action, nil for Batch, which has none of its own.
func (a *access) rule(action roundtrip.Action) *rule {
	switch action {
	case roundtrip.Get, roundtrip.List, roundtrip.Aggregate:
		return &a.read
	case roundtrip.Create:
		return &a.create
	case roundtrip.Update:
		return &a.update
	case roundtrip.Delete:
		return &a.delete
	case roundtrip.Batch:
	}
	return nil
}

func (e *Engine) compileRule(c *roundtrip.Collection, action roundtrip.Action, r *rule, errs *RuleErrors) {
	declared := c.Rules[action]
	if declared.Source == "" {
		return
	}
	var wrong []mistake
	tree, first := parse(declared.Source, false)
	if first != nil {
		wrong = []mistake{*first}
	} else {
		r.prog, wrong = compile(e.book, c, action, tree)
	}
	for _, m := range wrong {
		pos, column := position(declared, m.pos)
		errs.List = append(errs.List, RuleError{
			Collection: c.Name, Action: ruleName(action), Pos: pos, Column: column, Message: m.message, Nearest: m.near,
		})
	}
	if r.prog == nil {
		return
	}
	value, constant := r.prog.root.constant()
	r.always = constant && value
	r.prog.check = compileCondition(r.prog.root)
	e.warn(c, action, declared, r.prog)
}

// position finds a byte offset of a rule in the declaration file. The lines of a rule of several lines are taken to be
// indented alike.
func position(r roundtrip.Rule, offset int) (roundtrip.Pos, int) {
	before := r.Source[:min(offset, len(r.Source))]
	lines := strings.Count(before, "\n")
	column := columnOf(before[strings.LastIndexByte(before, '\n')+1:], len(before))
	pos := r.Pos
	pos.Line += lines
	pos.Column += column - 1
	return pos, column
}

// columnOf turns a byte offset into a column, from 1, in characters.
func columnOf(source string, offset int) int {
	return utf8.RuneCountInString(source[:min(offset, len(source))]) + 1
}
