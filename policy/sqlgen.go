package policy

import (
	"strconv"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
)

// alias names a record in a statement: r, j1 (joined), e1 (ranged over by exists), s1 (in a scalar subquery).
type alias struct {
	prefix byte // 0: it has none
	number int
}

func (a alias) append(b *SQL) {
	b.Text = append(b.Text, a.prefix)
	if a.number > 0 {
		b.Text = strconv.AppendInt(b.Text, int64(a.number), 10)
	}
}

// writer writes the SQL of one bound program. What is known folds away on the way. A leaf may be NULL where it means no:
// AND, OR and WHERE treat that alike, and everything else asks IS TRUE or IS NOT TRUE. Columns stand bare, so that an
// index can serve them.
type writer struct {
	b       *SQL
	bound   *bound
	aliases []alias // by place
	small   [8]alias
	next    int // numbers e and s aliases through the whole condition, so that none hides another
}

// start makes the writer write one bound program; its own record alone has an alias then.
func (w *writer) start(b *SQL, bound *bound) {
	w.b, w.bound = b, bound
	w.small = [len(w.small)]alias{}
	w.aliases = w.small[:]
	if n := len(bound.prog.places); n > len(w.small) {
		w.aliases = make([]alias, n)
	}
	w.aliases[0] = alias{prefix: 'r'}
}

func (w *writer) fresh(prefix byte) alias {
	w.next++
	return alias{prefix, w.next}
}

// condition writes a node that says yes or no.
func (w *writer) condition(n *node) {
	switch w.bound.fold(n) {
	case yes:
		w.b.Raw("TRUE")
		return
	case no:
		w.b.Raw("FALSE")
		return
	case unknown:
	}
	switch n.op {
	case opAnd:
		w.chain(n.kids, " AND ")
	case opOr:
		w.chain(n.kids, " OR ")
	case opNot:
		w.b.Raw("((")
		w.condition(n.kids[0])
		w.b.Raw(") IS NOT TRUE)")
	case opCompare:
		w.compare(n)
	case opIsNull:
		w.value(n.kids[0])
		w.b.Raw(" IS NULL")
	case opNotNull:
		w.value(n.kids[0])
		w.b.Raw(" IS NOT NULL")
	case opIn:
		w.in(n)
	case opInRoles:
		w.inRoles(n)
	case opStarts, opEnds, opContains:
		w.text(n)
	case opExists:
		w.exists(n)
	default:
		w.value(n)
	}
}

// chain writes the parts that are not known, in brackets where there are several.
func (w *writer) chain(kids []*node, operator string) {
	start := len(w.b.Text)
	w.b.Raw("(")
	written := 0
	for _, k := range kids {
		if w.bound.fold(k) != unknown {
			continue
		}
		if written > 0 {
			w.b.Raw(operator)
		}
		w.condition(k)
		written++
	}
	if written == 1 {
		w.b.Text = append(w.b.Text[:start], w.b.Text[start+1:]...)
		return
	}
	w.b.Raw(")")
}

// value writes an operand. A condition that is compared is made two-valued first.
func (w *writer) value(n *node) {
	switch {
	case n.logic():
		w.b.Raw("((")
		w.condition(n)
		w.b.Raw(") IS TRUE)")
	case n.op == opConst:
		w.literal(n.value)
	case n.op == opSlot:
		w.literal(w.bound.frame.args[n.slot])
	case n.op == opSize:
		w.b.Raw(pick(w.b.Dialect, "length(", "char_length("))
		w.value(n.kids[0])
		w.b.Raw(")")
	case n.op == opColumn:
		w.column(n)
	}
}

func pick(d Dialect, sqlite, postgres string) string {
	if d == Postgres {
		return postgres
	}
	return sqlite
}

func (w *writer) literal(v roundtrip.Value) {
	if v.IsNull() {
		w.b.Raw("NULL")
		return
	}
	w.b.Arg(v)
}

// known returns the value of a literal or slot.
func (w *writer) known(n *node) (roundtrip.Value, bool) {
	switch n.op {
	case opConst:
		return n.value, true
	case opSlot:
		return w.bound.frame.args[n.slot], true
	default:
	}
	return roundtrip.Value{}, false
}

func (w *writer) compare(n *node) {
	a, b, s := n.kids[0], n.kids[1], n.sign
	if v, ok := w.known(b); ok && a.kind.number() && !v.IsNull() {
		w.compareNumber(a, s, v)
		return
	}
	w.number(a, b)
	w.sign(s)
	w.number(b, a)
}

// number writes a column that may be compared with one of the other number type. SQLite would round an int to look it
// up in an index on floats; the + keeps it from using one.
func (w *writer) number(n, with *node) {
	if n.kind == kindFloat && with.kind == kindInt && w.b.Dialect != Postgres {
		w.b.Raw("+")
	}
	w.value(n)
}

func (w *writer) sign(s sign) {
	switch s {
	case signEqual:
		w.b.Raw(" = ")
	case signNotEqual:
		w.b.Raw(pick(w.b.Dialect, " IS NOT ", " IS DISTINCT FROM "))
	default:
		w.b.Raw(" ").Raw(s.String()).Raw(" ")
	}
}

// compareNumber compares a column with a number of its own type, into which the value is brought without rounding.
func (w *writer) compareNumber(a *node, s sign, v roundtrip.Value) {
	s, v, outcome := exact(a.kind, s, v)
	switch outcome {
	case yes:
		if s == signNotEqual {
			w.b.Raw("TRUE") // null differs too
			return
		}
		w.value(a)
		w.b.Raw(" IS NOT NULL")
	case no:
		w.b.Raw("FALSE")
	case unknown:
		w.value(a)
		w.sign(s)
		w.b.Arg(v)
	}
}

func (w *writer) in(n *node) {
	x := n.kids[0]
	text, args := len(w.b.Text), len(w.b.Args)
	w.value(x)
	w.b.Raw(" IN (")
	written := 0
	for _, item := range n.kids[1:] {
		v, _ := w.known(item)
		if v.IsNull() {
			continue
		}
		if x.kind.number() {
			_, same, outcome := exact(x.kind, signEqual, v)
			if outcome == no {
				continue
			}
			v = same
		}
		if written > 0 {
			w.b.Raw(", ")
		}
		w.b.Arg(v)
		written++
	}
	if written == 0 {
		w.b.Text, w.b.Args = append(w.b.Text[:text], "FALSE"...), w.b.Args[:args] // no item can be equal
		return
	}
	w.b.Raw(")")
}

func (w *writer) inRoles(n *node) {
	w.value(n.kids[0])
	w.b.Raw(" IN (")
	for i, role := range w.bound.frame.who.Roles {
		if i > 0 {
			w.b.Raw(", ")
		}
		w.b.Arg(roundtrip.Text(role))
	}
	w.b.Raw(")")
}

func (w *writer) text(n *node) {
	v, _ := w.known(n.kids[1])
	s := v.Text()
	switch {
	case n.op == opStarts:
		w.starts(n.kids[0], s)
	case s == "": // every text ends with and contains nothing
		w.value(n.kids[0])
		w.b.Raw(" IS NOT NULL")
	case n.op == opContains:
		w.b.Raw(pick(w.b.Dialect, "instr(", "strpos("))
		w.value(n.kids[0])
		w.b.Raw(", ").Arg(v).Raw(") > 0")
	case w.b.Dialect == Postgres:
		w.b.Raw("right(")
		w.value(n.kids[0])
		w.b.Raw(", ").Arg(roundtrip.Int(int64(utf8.RuneCountInString(s)))).Raw(") = ").Arg(v)
	default:
		w.b.Raw("substr(CAST(")
		w.value(n.kids[0])
		w.b.Raw(" AS BLOB), ").Arg(roundtrip.Int(-int64(len(s)))).Raw(") = CAST(").Arg(v).Raw(" AS BLOB)")
	}
}

// starts writes a range, which an index serves: all texts from the prefix up to the first that no longer has it.
func (w *writer) starts(x *node, prefix string) {
	end, bounded := after(prefix)
	if bounded {
		w.b.Raw("(")
	}
	w.value(x)
	w.b.Raw(" >= ").Arg(roundtrip.Text(prefix))
	if bounded {
		w.b.Raw(" AND ")
		w.value(x)
		w.b.Raw(" < ").Arg(roundtrip.Text(end)).Raw(")")
	}
}

// after returns the first text in byte order behind all that start with the prefix; UTF-8 sorts as its characters do.
func after(prefix string) (string, bool) {
	for prefix != "" {
		r, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch r {
		case utf8.MaxRune:
			continue
		case 0xd7ff: // the surrogates behind it are no characters
			r = 0xe000
		default:
			r++
		}
		return prefix + string(r), true
	}
	return "", false
}

func (w *writer) exists(n *node) {
	a := w.fresh('e')
	w.b.Raw("EXISTS (SELECT 1 FROM ").Name(n.at.collection.Name).Raw(" AS ")
	a.append(w.b)
	old := w.aliases[n.at.index]
	w.aliases[n.at.index] = a
	w.b.Raw(" WHERE ")
	w.condition(n.kids[0])
	w.aliases[n.at.index] = old
	w.b.Raw(")")
}
