package policy

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/roundtrip-dev/roundtrip"
)

// verdict is what a condition says: yes, no, or that only the database knows.
type verdict uint8

const (
	unknown verdict = iota
	no
	yes
)

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// frame is what a closure looks at.
type frame struct {
	call *roundtrip.Call
	who  *roundtrip.Principal
	args []roundtrip.Value // the bound values of opSlot
	row  roundtrip.Row     // the own record; nil while binding
}

type (
	condition func(f *frame) verdict
	operand   func(f *frame) roundtrip.Value
)

func always(v verdict) condition { return func(*frame) verdict { return v } }

// compileCondition makes the closure of a node that says yes or no. What needs other records is unknown.
func compileCondition(n *node) condition {
	switch n.op {
	case opAnd:
		return compileChain(n.kids, no)
	case opOr:
		return compileChain(n.kids, yes)
	case opNot:
		x := compileCondition(n.kids[0])
		return func(f *frame) verdict { return x(f).not() }
	default:
	}
	if !n.local {
		return always(unknown)
	}
	switch n.op {
	case opConst:
		return always(verdictOf(n.value.Bool()))
	case opInputGiven:
		field := n.field
		return func(f *frame) verdict { return verdictOf(given(f.call, field)) }
	case opCompare:
		return compileCompare(n)
	case opIsNull:
		x := compileNull(n.kids[0])
		return func(f *frame) verdict { return verdictOf(x(f)) }
	case opNotNull:
		x := compileNull(n.kids[0])
		return func(f *frame) verdict { return verdictOf(!x(f)) }
	case opIn:
		return compileIn(n)
	case opInRoles:
		x := compileValue(n.kids[0])
		return func(f *frame) verdict {
			v := x(f)
			return verdictOf(!v.IsNull() && f.who != nil && slices.Contains(f.who.Roles, v.Text()))
		}
	case opStarts, opEnds, opContains:
		return compileText(n)
	default:
	}
	x := compileValue(n) // a bool field or value: null is no
	return func(f *frame) verdict { v := x(f); return verdictOf(v.Kind() == roundtrip.BoolValue && v.Bool()) }
}

func (v verdict) not() verdict {
	switch v {
	case yes:
		return no
	case no:
		return yes
	case unknown:
	}
	return unknown
}

// compileChain makes && (decisive no) or || (decisive yes).
func compileChain(kids []*node, decisive verdict) condition {
	parts := make([]condition, len(kids))
	for i, k := range kids {
		parts[i] = compileCondition(k)
	}
	return func(f *frame) verdict {
		result := decisive.not()
		for _, part := range parts {
			switch part(f) {
			case decisive:
				return decisive
			case unknown:
				result = unknown
			default:
			}
		}
		return result
	}
}

func given(call *roundtrip.Call, field int) bool {
	if call == nil {
		return false
	}
	if call.Input != nil && call.Input.Set[field] {
		return true
	}
	for _, add := range call.Adds {
		if add.Field == field {
			return true
		}
	}
	return false
}

// compileValue makes the closure of any local node; conditions give a bool.
func compileValue(n *node) operand {
	if n.logic() {
		x := compileCondition(n)
		return func(f *frame) roundtrip.Value { return roundtrip.Bool(x(f) == yes) }
	}
	switch n.op {
	case opConst:
		v := n.value
		return func(*frame) roundtrip.Value { return v }
	case opSlot:
		slot := n.slot
		return func(f *frame) roundtrip.Value { return f.args[slot] }
	case opAuthID:
		return func(f *frame) roundtrip.Value {
			if f.who.Stranger() {
				return roundtrip.Value{}
			}
			return roundtrip.Ref(f.who.ID)
		}
	case opAuthField:
		field := n.field
		return func(f *frame) roundtrip.Value {
			if f.who.Stranger() || f.who.Account == nil {
				return roundtrip.Value{}
			}
			return f.who.Account.Values[field]
		}
	case opNow:
		return func(f *frame) roundtrip.Value { return roundtrip.Time(f.call.Time) }
	case opIP:
		return addr
	case opInput:
		field := n.field
		return func(f *frame) roundtrip.Value {
			if f.call.Input == nil {
				return roundtrip.Value{}
			}
			return f.call.Input.Values[field]
		}
	case opColumn:
		field, kind := n.field, n.decl.Type.Value()
		return func(f *frame) roundtrip.Value { return column(f.row, field, kind) }
	case opSize:
		return compileSize(n.kids[0])
	case opNegate, opAdd, opSubtract:
		return compileArithmetic(n)
	default:
	}
	return func(*frame) roundtrip.Value { return roundtrip.Value{} }
}

func addr(f *frame) roundtrip.Value {
	if !f.call.Addr.IsValid() {
		return roundtrip.Value{}
	}
	return roundtrip.Text(f.call.Addr.Unmap().String())
}

// column reads a field without copying text: the value is good only while the row is.
func column(row roundtrip.Row, field int, kind roundtrip.ValueKind) roundtrip.Value {
	if r, ok := row.(*roundtrip.Record); ok {
		return r.Values[field]
	}
	if row.Null(field) {
		return roundtrip.Value{}
	}
	if kind == roundtrip.TextValue {
		b := row.Bytes(field) // compared and dropped while the row stands
		return roundtrip.Text(unsafe.String(unsafe.SliceData(b), len(b)))
	}
	return roundtrip.RowValue(row, field, kind)
}

func compileNull(n *node) func(f *frame) bool {
	if n.op == opColumn {
		field := n.field
		return func(f *frame) bool { return f.row.Null(field) }
	}
	x := compileValue(n)
	return func(f *frame) bool { return x(f).IsNull() }
}

func compileCompare(n *node) condition {
	a, b, s := n.kids[0], n.kids[1], n.sign
	if a.op == opColumn && b.op == opSlot && a.kind == b.kind && a.kind != kindFloat && a.kind != kindText {
		return compileFast(a.field, b.slot, s)
	}
	x, y := compileValue(a), compileValue(b)
	return func(f *frame) verdict { return verdictOf(s.holds(x(f), y(f))) }
}

// compileFast compares a column that is kept as an integer with a bound value.
func compileFast(field, slot int, s sign) condition {
	return func(f *frame) verdict {
		arg := &f.args[slot]
		if f.row.Null(field) || arg.IsNull() {
			return verdictOf(s == signNotEqual && f.row.Null(field) != arg.IsNull())
		}
		return verdictOf(s.order(cmp.Compare(f.row.Int(field), arg.Int())))
	}
}

// order reports whether the sign holds for the result of a comparison.
func (s sign) order(c int) bool {
	switch s {
	case signEqual:
		return c == 0
	case signNotEqual:
		return c != 0
	case signLess:
		return c < 0
	case signLessEqual:
		return c <= 0
	case signGreater:
		return c > 0
	case signGreaterEqual:
		return c >= 0
	}
	return false
}

// holds compares two values. Null makes all false but !=, which then asks whether the other has a value.
func (s sign) holds(a, b roundtrip.Value) bool {
	if a.IsNull() || b.IsNull() {
		return s == signNotEqual && a.IsNull() != b.IsNull()
	}
	return s.order(compareValues(a, b))
}

func compareValues(a, b roundtrip.Value) int {
	ak, bk := a.Kind(), b.Kind()
	switch {
	case ak == roundtrip.TextValue:
		return strings.Compare(a.Text(), b.Text())
	case ak == roundtrip.FloatValue && bk == roundtrip.FloatValue:
		return cmp.Compare(a.Float(), b.Float())
	case ak == roundtrip.FloatValue:
		return -compareIntFloat(b.Int(), a.Float())
	case bk == roundtrip.FloatValue:
		return compareIntFloat(a.Int(), b.Float())
	}
	return cmp.Compare(a.Int(), b.Int())
}

// compareIntFloat compares exactly, as SQLite does: neither side is rounded.
func compareIntFloat(i int64, f float64) int {
	switch {
	case f < -(1 << 63):
		return 1
	case f >= 1<<63:
		return -1
	}
	whole := math.Trunc(f)
	if c := cmp.Compare(i, int64(whole)); c != 0 {
		return c
	}
	return cmp.Compare(whole, f)
}

func compileIn(n *node) condition {
	x := compileValue(n.kids[0])
	items := make([]operand, len(n.kids)-1)
	for i, k := range n.kids[1:] {
		items[i] = compileValue(k)
	}
	return func(f *frame) verdict {
		v := x(f)
		for _, item := range items {
			if signEqual.holds(v, item(f)) {
				return yes
			}
		}
		return no
	}
}

func compileText(n *node) condition {
	x, y, o := compileValue(n.kids[0]), compileValue(n.kids[1]), n.op
	return func(f *frame) verdict {
		v, w := x(f), y(f)
		if v.IsNull() || w.IsNull() {
			return no
		}
		switch o {
		case opStarts:
			return verdictOf(strings.HasPrefix(v.Text(), w.Text()))
		case opEnds:
			return verdictOf(strings.HasSuffix(v.Text(), w.Text()))
		default:
			return verdictOf(strings.Contains(v.Text(), w.Text()))
		}
	}
}

// compileSize counts the characters of a text, or the caller's roles.
func compileSize(n *node) operand {
	if n.op == opRoles {
		return func(f *frame) roundtrip.Value {
			if f.who == nil {
				return roundtrip.Int(0)
			}
			return roundtrip.Int(int64(len(f.who.Roles)))
		}
	}
	x := compileValue(n)
	return func(f *frame) roundtrip.Value {
		v := x(f)
		if v.IsNull() {
			return v
		}
		return roundtrip.Int(int64(utf8.RuneCountInString(v.Text())))
	}
}

// compileArithmetic calculates with values of the call. What leaves the range of its type is null.
func compileArithmetic(n *node) operand {
	x, kind := compileValue(n.kids[0]), n.kind
	if n.op == opNegate {
		zero := roundtrip.Int(0)
		return func(f *frame) roundtrip.Value {
			v := x(f)
			if v.Kind() == roundtrip.FloatValue {
				return roundtrip.Float(-v.Float())
			}
			return calculate(kind, zero, v, true)
		}
	}
	y, minus := compileValue(n.kids[1]), n.op == opSubtract
	return func(f *frame) roundtrip.Value { return calculate(kind, x(f), y(f), minus) }
}

func calculate(k kind, a, b roundtrip.Value, minus bool) roundtrip.Value {
	if a.IsNull() || b.IsNull() {
		return roundtrip.Value{}
	}
	switch k {
	case kindText:
		return roundtrip.Text(a.Text() + b.Text())
	case kindFloat:
		x, y := a.Float(), b.Float()
		if minus {
			y = -y
		}
		if sum := x + y; !math.IsInf(sum, 0) && !math.IsNaN(sum) {
			return roundtrip.Float(sum)
		}
		return roundtrip.Value{}
	default:
	}
	x, y := a.Int(), b.Int()
	sum, mixed := x+y, (x < 0) != (y < 0)
	if minus {
		sum, mixed = x-y, !mixed
	}
	switch {
	case !mixed && (sum < 0) != (x < 0): // overflow
		return roundtrip.Value{}
	case k == kindTime:
		return roundtrip.Micros(sum)
	}
	return roundtrip.Int(sum)
}
