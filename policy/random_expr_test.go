package policy_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
)

// scene is what an expression of the oracle looks at.
type scene struct {
	w       *world
	who     *roundtrip.Principal
	guarded bool // filters: what is behind a ref must be readable
	record  *roundtrip.Record
	locals  []*roundtrip.Record
}

// term is a generated expression: its source, and what it must come to, written down apart from the engine.
type term struct {
	source string
	value  func(s *scene) roundtrip.Value
	cel    bool // CEL says the same over records without nulls
}

func (t term) holds(s *scene) bool {
	v := t.value(s)
	return v.Kind() == roundtrip.BoolValue && v.Bool()
}

// maker generates terms.
type maker struct {
	r      *rand.Rand
	w      *world
	filter bool
	locals []*roundtrip.Collection
	scans  int // exists so far: a filter may have four
}

func boolean(source string, cel bool, f func(s *scene) bool) term {
	return term{source, func(s *scene) roundtrip.Value { return roundtrip.Bool(f(s)) }, cel}
}

// condition makes a term that says yes or no.
func (m *maker) condition(depth int) term {
	if depth > 0 {
		switch m.r.IntN(9) {
		case 0, 1, 2:
			return m.chain(depth)
		case 3, 4:
			x := m.condition(depth - 1)
			return boolean("!("+x.source+")", x.cel, func(s *scene) bool { return !x.holds(s) })
		case 5:
			return m.sameAnswer(depth)
		case 6:
			deepest := 2
			if m.filter {
				deepest = 1
			}
			if m.scans++; len(m.locals) < deepest && m.scans <= 4 {
				return m.exists(depth)
			}
		}
	}
	switch m.r.IntN(12) {
	case 0:
		return m.operand(roundtrip.TypeBool)
	case 1:
		return m.isNull()
	case 2:
		return m.in()
	case 3, 4:
		return m.textFunction()
	case 5:
		return m.roles()
	case 6:
		if t, ok := m.readable(); ok {
			return t
		}
	case 7:
		b := m.r.IntN(2) == 0
		return boolean(strconv.FormatBool(b), true, func(*scene) bool { return b })
	}
	return m.comparison()
}

func (m *maker) chain(depth int) term {
	and := m.r.IntN(2) == 0
	sign := " || "
	if and {
		sign = " && "
		if m.filter && m.r.IntN(2) == 0 {
			sign = " AND "
		}
	}
	parts := make([]term, 2+m.r.IntN(2))
	sources := make([]string, len(parts))
	cel := sign != " AND "
	for i := range parts {
		parts[i] = m.condition(depth - 1)
		sources[i] = parts[i].source
		cel = cel && parts[i].cel
	}
	return boolean("("+strings.Join(sources, sign)+")", cel, func(s *scene) bool {
		for _, p := range parts {
			if p.holds(s) != and {
				return !and
			}
		}
		return and
	})
}

// sameAnswer compares a condition with a condition or a bool.
func (m *maker) sameAnswer(depth int) term {
	x, y := m.condition(depth-1), m.operand(roundtrip.TypeBool)
	if m.r.IntN(2) == 0 {
		y = m.condition(depth - 1)
	}
	if m.r.IntN(2) == 0 {
		x, y = y, x
	}
	sign := pick(m.r, []string{"==", "!="})
	return boolean("(("+x.source+") "+sign+" ("+y.source+"))", x.cel && y.cel, func(s *scene) bool {
		return compareOracle(sign, x.value(s), y.value(s))
	})
}

func (m *maker) comparison() term {
	t := pick(m.r, []roundtrip.FieldType{roundtrip.TypeInt, roundtrip.TypeFloat, roundtrip.TypeText, roundtrip.TypeTime, roundtrip.TypeRef})
	u := t
	if t == roundtrip.TypeFloat || t == roundtrip.TypeInt {
		u = pick(m.r, []roundtrip.FieldType{roundtrip.TypeInt, roundtrip.TypeFloat})
	}
	x, y := m.operand(t), m.operand(u)
	if t == roundtrip.TypeRef {
		x, y = m.id(), m.id()
	}
	sign := pick(m.r, []string{"==", "==", "!=", "!=", "<", "<=", ">", ">="})
	cel := x.cel && y.cel && t == u // cel-go rounds large ints to compare them with floats; we and SQLite don't
	return boolean(x.source+" "+sign+" "+y.source, cel, func(s *scene) bool {
		return compareOracle(sign, x.value(s), y.value(s))
	})
}

func (m *maker) isNull() term {
	x := m.path(pick(m.r, []roundtrip.FieldType{roundtrip.TypeInt, roundtrip.TypeText, roundtrip.TypeBool, roundtrip.TypeRef, roundtrip.TypeJSON}))
	switch m.r.IntN(3) {
	case 0:
		return boolean("has("+x.source+")", x.cel, func(s *scene) bool { return !x.value(s).IsNull() })
	case 1:
		return boolean(x.source+" == null", x.cel, func(s *scene) bool { return x.value(s).IsNull() })
	}
	return boolean("null != "+x.source, x.cel, func(s *scene) bool { return !x.value(s).IsNull() })
}

func (m *maker) in() term {
	t := pick(m.r, []roundtrip.FieldType{roundtrip.TypeInt, roundtrip.TypeFloat, roundtrip.TypeText})
	x := m.operand(t)
	items := make([]term, m.r.IntN(4))
	sources := make([]string, len(items))
	cel := x.cel
	for i := range items {
		items[i] = m.operand(t)
		if t == roundtrip.TypeFloat && m.r.IntN(2) == 0 {
			items[i] = m.operand(roundtrip.TypeInt)
			cel = false
		}
		sources[i] = items[i].source
		cel = cel && items[i].cel
	}
	return boolean(x.source+" in ["+strings.Join(sources, ", ")+"]", cel, func(s *scene) bool {
		v := x.value(s)
		return slices.ContainsFunc(items, func(i term) bool { return compareOracle("==", v, i.value(s)) })
	})
}

func (m *maker) textFunction() term {
	x := m.operand(roundtrip.TypeText)
	for x.source == "" {
		x = m.operand(roundtrip.TypeText)
	}
	y := m.text()
	name := pick(m.r, []string{"startsWith", "endsWith", "contains"})
	return boolean(x.source+"."+name+"("+y.source+")", x.cel && y.cel, func(s *scene) bool {
		v, w := x.value(s), y.value(s)
		if v.IsNull() || w.IsNull() {
			return false
		}
		switch name {
		case "startsWith":
			return strings.Index(v.Text(), w.Text()) == 0
		case "endsWith":
			return len(v.Text()) >= len(w.Text()) && v.Text()[len(v.Text())-len(w.Text()):] == w.Text()
		}
		return len(strings.Split(v.Text(), w.Text())) > 1 || w.Text() == ""
	})
}

func (m *maker) roles() term {
	x := m.operand(roundtrip.TypeText)
	return boolean(x.source+" in auth.roles", x.cel, func(s *scene) bool {
		v := x.value(s)
		return !v.IsNull() && slices.Contains(s.who.Roles, v.Text())
	})
}

func (m *maker) readable() (term, bool) {
	x := m.path(roundtrip.TypeRef)
	if strings.HasSuffix(x.source, ".q") || x.source == "q" || strings.Count(x.source, ".") > 2 {
		return term{}, false // things may not ask for things, which could be themselves; and three refs are the limit
	}
	to := m.w.users
	if strings.HasSuffix(x.source, ".t") {
		to = m.w.teams
	}
	return boolean("readable("+x.source+")", false, func(s *scene) bool {
		v := x.value(s)
		target := s.w.rows[to][v.ID()]
		return !v.IsNull() && target != nil && s.readable(target)
	}), true
}

func (m *maker) exists(depth int) term {
	c := pick(m.r, []*roundtrip.Collection{m.w.users, m.w.teams, m.w.users})
	name := []string{"e", "f"}[len(m.locals)]
	pin := m.pin(c, name)
	m.locals = append(m.locals, c)
	x := m.condition(depth - 1)
	if m.filter || len(m.locals) > 1 { // what an index must serve
		x = both(pin, x)
	}
	m.locals = m.locals[:len(m.locals)-1]
	return boolean(c.Name+".exists("+name+", "+x.source+")", false, func(s *scene) bool {
		for _, r := range s.w.rows[c] {
			inner := *s
			inner.locals = append(append([]*roundtrip.Record(nil), s.locals...), r)
			if x.holds(&inner) && (!s.guarded || s.readable(r)) {
				return true
			}
		}
		return false
	})
}

// pin makes a condition that an index serves, on the record of an exists about to be made.
func (m *maker) pin(c *roundtrip.Collection, name string) term {
	inner := len(m.locals)
	field := func(f string) term {
		return term{name + "." + f, func(s *scene) roundtrip.Value { return s.locals[inner].Get(f) }, false}
	}
	x, y := field("n"), m.operand(roundtrip.TypeInt)
	switch m.r.IntN(5) {
	case 0:
		x, y = field("s"), m.operand(roundtrip.TypeText)
	case 1:
		if c == m.w.users {
			x, y = field("id"), m.id()
		} else {
			x, y = field("lead"), m.id()
		}
	case 2:
		x, y = field("n"), m.operand(roundtrip.TypeFloat)
	case 3:
		a, b := m.pin(c, name), m.pin(c, name)
		return boolean("("+a.source+" || "+b.source+")", false, func(s *scene) bool { return a.holds(s) || b.holds(s) })
	}
	if m.r.IntN(2) == 0 {
		x, y = y, x
	}
	return boolean(x.source+" == "+y.source, false, func(s *scene) bool { return compareOracle("==", x.value(s), y.value(s)) })
}

func both(a, b term) term {
	return boolean("("+a.source+" && "+b.source+")", a.cel && b.cel, func(s *scene) bool { return a.holds(s) && b.holds(s) })
}

// readable is the oracle of the read rules in random_world_test.go.
func (s *scene) readable(r *roundtrip.Record) bool {
	switch r.Collection {
	case s.w.users:
		inner := scene{w: s.w, who: s.who}
		team := inner.follow(r, "t")
		n := roundtrip.Value{}
		if team != nil {
			n = team.Get("n")
		}
		return r.Get("c").Bool() || compareOracle("!=", n, roundtrip.Int(2)) && !r.Get("s").IsNull()
	case s.w.teams:
		return compareOracle("!=", r.Get("n"), s.account("score")) || slices.Contains(s.who.Roles, "staff")
	}
	return !r.Get("b").Bool() || compareOracle("==", r.Get("r"), s.me()) || compareOracle("==", r.Get("n"), roundtrip.Int(3))
}

func (s *scene) me() roundtrip.Value { return roundtrip.Ref(s.who.ID) }

func (s *scene) account(name string) roundtrip.Value {
	if s.who.Account == nil {
		return roundtrip.Value{}
	}
	return s.who.Account.Get(name)
}

func (s *scene) follow(r *roundtrip.Record, ref string) *roundtrip.Record {
	i, _ := r.Collection.Lookup(ref)
	to := r.Collection.Fields[i].To
	target := s.w.rows[to][r.Values[i].ID()]
	if r.Values[i].IsNull() || target == nil || s.guarded && !s.readable(target) {
		return nil
	}
	return target
}

// operand makes a term of a type: a field, something of the call, or a literal.
func (m *maker) operand(t roundtrip.FieldType) term {
	if m.r.IntN(5) < 3 {
		return m.path(t)
	}
	switch t {
	case roundtrip.TypeBool:
		if m.r.IntN(2) == 0 {
			return m.ofAccount("c")
		}
		b := m.r.IntN(2) == 0
		return boolean(strconv.FormatBool(b), true, func(*scene) bool { return b })
	case roundtrip.TypeInt:
		return m.int()
	case roundtrip.TypeFloat:
		f := pick(m.r, floats())
		source := strconv.FormatFloat(f, 'g', -1, 64)
		if !strings.ContainsAny(source, ".e") {
			source += ".0"
		}
		return term{source, func(*scene) roundtrip.Value { return roundtrip.Float(f) }, true}
	case roundtrip.TypeTime:
		return m.time()
	default:
		return m.text()
	}
}

func (m *maker) ofAccount(name string) term {
	return term{"auth." + name, func(s *scene) roundtrip.Value { return s.account(name) }, false}
}

func (m *maker) int() term {
	switch m.r.IntN(5) {
	case 0:
		return m.ofAccount("score")
	case 1:
		x := m.path(roundtrip.TypeText)
		return term{"size(" + x.source + ")", func(s *scene) roundtrip.Value {
			v := x.value(s)
			if v.IsNull() {
				return v
			}
			return roundtrip.Int(int64(utf8.RuneCountInString(v.Text())))
		}, x.cel}
	case 2:
		i := int64(m.r.IntN(3))
		return term{fmt.Sprintf("auth.score + %d - 1", i), func(s *scene) roundtrip.Value {
			return sumOracle(sumOracle(s.account("score"), i), -1)
		}, false}
	}
	i := pick(m.r, ints())
	return term{strconv.FormatInt(i, 10), func(*scene) roundtrip.Value { return roundtrip.Int(i) }, true}
}

func sumOracle(v roundtrip.Value, i int64) roundtrip.Value {
	if v.IsNull() {
		return v
	}
	sum := new(big.Int).Add(big.NewInt(v.Int()), big.NewInt(i))
	if !sum.IsInt64() {
		return roundtrip.Value{}
	}
	return roundtrip.Int(sum.Int64())
}

func (m *maker) time() term {
	hours := m.r.IntN(3)
	at := baseTime().Add(time.Duration(hours) * time.Hour)
	value := func(*scene) roundtrip.Value { return roundtrip.Time(at) }
	if m.r.IntN(2) == 0 {
		return term{fmt.Sprintf(`(now + duration("%dh"))`, hours), value, true}
	}
	return term{fmt.Sprintf("timestamp(%q)", at.Format(time.RFC3339)), value, true}
}

func (m *maker) text() term {
	if m.r.IntN(4) == 0 {
		return m.ofAccount("s")
	}
	text := pick(m.r, texts())
	return term{strconv.Quote(text), func(*scene) roundtrip.Value { return roundtrip.Text(text) }, true}
}

// id makes a term that is an id of users.
func (m *maker) id() term {
	switch m.r.IntN(4) {
	case 0:
		return term{"auth.id", func(s *scene) roundtrip.Value { return s.me() }, false}
	case 1:
		if c := m.base(); c.collection == m.w.things {
			return c.field("r")
		}
	}
	return term{"record.r", func(s *scene) roundtrip.Value { return s.record.Get("r") }, true}
}

// base is a record that can be named.
type base struct {
	source     string
	collection *roundtrip.Collection
	record     func(s *scene) *roundtrip.Record
	own        bool
}

func (b base) field(name string) term {
	source := b.source + "." + name
	if b.source == "" {
		source = name
	}
	return term{source, func(s *scene) roundtrip.Value {
		if r := b.record(s); r != nil {
			return r.Get(name)
		}
		return roundtrip.Value{}
	}, b.own}
}

func (m *maker) base() base {
	if n := len(m.locals); n > 0 && m.r.IntN(3) > 0 {
		i := m.r.IntN(n)
		return base{[]string{"e", "f"}[i], m.locals[i], func(s *scene) *roundtrip.Record { return s.locals[i] }, false}
	}
	b := base{"record", m.w.things, func(s *scene) *roundtrip.Record { return s.record }, true}
	if m.filter && m.r.IntN(2) == 0 {
		b.source, b.own = "", false
	}
	return b
}

// path makes a field of a type, up to three refs away.
func (m *maker) path(t roundtrip.FieldType) term {
	b := m.base()
	for range 3 {
		if m.r.IntN(3) > 0 {
			break
		}
		refs := fieldsOf(b.collection, roundtrip.TypeRef)
		ref := pick(m.r, refs)
		from := b
		i, _ := from.collection.Lookup(ref)
		b = base{from.field(ref).source, from.collection.Fields[i].To, func(s *scene) *roundtrip.Record {
			r := from.record(s)
			if r == nil {
				return nil
			}
			return s.follow(r, ref)
		}, false}
	}
	for len(fieldsOf(b.collection, t)) == 0 {
		b = base{"record", m.w.things, func(s *scene) *roundtrip.Record { return s.record }, true}
	}
	return b.field(pick(m.r, fieldsOf(b.collection, t)))
}

func fieldsOf(c *roundtrip.Collection, t roundtrip.FieldType) []string {
	var names []string
	for _, f := range c.Fields[roundtrip.FirstField:] {
		if f.Type == t {
			names = append(names, f.Name)
		}
	}
	return names
}

// compareOracle compares by the rules of the language, numbers by arbitrary precision.
func compareOracle(sign string, a, b roundtrip.Value) bool {
	if a.IsNull() || b.IsNull() {
		return sign == "!=" && a.IsNull() != b.IsNull()
	}
	var c int
	switch {
	case a.Kind() == roundtrip.TextValue:
		c = strings.Compare(a.Text(), b.Text())
	case a.Kind() == roundtrip.FloatValue || b.Kind() == roundtrip.FloatValue:
		c = bigOf(a).Cmp(bigOf(b))
	default:
		c = big.NewInt(a.Int()).Cmp(big.NewInt(b.Int()))
	}
	switch sign {
	case "==":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func bigOf(v roundtrip.Value) *big.Float {
	if v.Kind() == roundtrip.FloatValue {
		return new(big.Float).SetPrec(200).SetFloat64(v.Float())
	}
	return new(big.Float).SetPrec(200).SetInt64(v.Int())
}
