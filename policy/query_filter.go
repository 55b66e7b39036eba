package policy

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// checkFilter compiles filter and short equalities into one program and binds it. What a filter looks at through a ref
// is null where the caller may not read it, so that a filter tells nothing that a read would not.
func (e *Engine) checkFilter(p *Permit) error {
	q := &p.call.Query
	if q.Filter == "" && len(q.Equal) == 0 {
		return nil
	}
	prog, err := e.compileFilter(p)
	if err != nil {
		return err
	}
	if value, ok := prog.root.constant(); ok {
		p.never = p.never || !value
		return nil
	}
	b := &bound{}
	b.bind(prog, p.call, p.principal)
	switch b.fold(prog.root) {
	case no:
		p.never = true
	case unknown:
		p.filter = b
	case yes:
	}
	return nil
}

func (e *Engine) compileFilter(p *Permit) (*program, error) {
	q := &p.call.Query
	c := newChecker(e.book, p.collection, mode{
		action: roundtrip.List, filter: true, guarded: p.principal.Job == "", operator: p.principal.Operator != nil,
	})
	var parts []*node
	if q.Filter != "" {
		tree, first := parse(q.Filter, true)
		if first != nil {
			return nil, filterError(q.Filter, []mistake{*first})
		}
		parts = append(parts, c.condition(tree))
	}
	if len(q.Equal) > maxEqual {
		return nil, wrong(q.Equal[maxEqual].Field, 0, "too_many", "at most %d fields can be given like this", maxEqual)
	}
	for _, eq := range q.Equal {
		n, err := c.equal(eq)
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
	}
	prog, mistakes := c.program(join(opAnd, false, 0, parts))
	if len(mistakes) > 0 {
		return nil, filterError(q.Filter, mistakes)
	}
	return prog, nil
}

// filterError says what is wrong with a filter, each mistake with its column.
func filterError(source string, mistakes []mistake) error {
	err := roundtrip.E(roundtrip.Invalid, "request.filter", "The filter is wrong at column %d: %s",
		columnOf(source, mistakes[0].pos), sentence(mistakes[0].message))
	for _, m := range mistakes {
		err.Details = append(err.Details, roundtrip.Detail{
			Parameter: "filter", Column: columnOf(source, m.pos), Code: m.code, Message: m.message,
		})
	}
	return err
}

// equal checks ?author=ID.
func (c *checker) equal(eq roundtrip.Equal) (*node, error) {
	own := c.root.collection
	i, err := lookup(own, eq.Field, eq.Field, 0)
	if err != nil {
		return nil, err
	}
	v, code, message := parseField(own.Fields[i], eq.Value)
	if code != "" {
		return nil, wrong(eq.Field, 0, code, "%s", message)
	}
	return c.compare(signEqual, c.column(c.root, eq.Field, 0), constNode(0, v), 0), nil
}

// parseField reads the text of a query parameter as the type of a field.
func parseField(f *roundtrip.Field, s string) (v roundtrip.Value, code, message string) {
	switch f.Type.Value() {
	case roundtrip.BoolValue:
		if s == "true" || s == "false" {
			return roundtrip.Bool(s == "true"), "", ""
		}
		return v, "not_bool", f.Name + " is true or false"
	case roundtrip.IntValue:
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return roundtrip.Int(i), "", ""
		}
		return v, "bad_number", f.Name + " is a whole number"
	case roundtrip.FloatValue:
		if x, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
			return roundtrip.Float(x), "", ""
		}
		return v, "bad_number", f.Name + " is a number"
	case roundtrip.TimeValue:
		if t, ok := parseTime(s); ok {
			return t, "", ""
		}
		return v, "bad_time", f.Name + " is a time such as 2026-11-22T19:03:31Z"
	case roundtrip.IDValue:
		if id, ok := roundtrip.ParseID(s); ok {
			return roundtrip.Ref(id), "", ""
		}
		return v, "bad_id", f.Name + " is an id, " + roundtrip.IDForm
	case roundtrip.JSONValue:
		return v, "type_mismatch", f.Name + " is " + f.Type.String() + " and can't be compared; filter=has(" + f.Name + ") tells whether it is there"
	case roundtrip.TextValue, roundtrip.Null:
	}
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return v, "bad_text", f.Name + " may not hold NUL or bytes that are not UTF-8"
	}
	if f.Type == roundtrip.TypeSelect && !slices.Contains(f.Options, s) {
		return v, "unknown_option", f.Name + " is one of " + strings.Join(f.Options, ", ") + didYouMean(nearest.Of(s, f.Options))
	}
	return roundtrip.Text(s), "", ""
}
