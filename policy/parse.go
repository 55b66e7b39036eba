package policy

import (
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
)

// The limits of a source.
const (
	maxSource = 4096 // bytes
	maxDepth  = 32   // levels of brackets, calls and signs
	maxNodes  = 500  // nodes of a filter or rule as written
	maxList   = 100  // items of a list
)

// expr is one node of a source as it was written, before names have meaning.
type expr struct {
	kind  exprKind
	pos   int
	name  string          // exprName; exprMember: the member; exprCall: the function; exprOperator: its sign
	value roundtrip.Value // exprLiteral
	kids  []*expr         // exprMember: of what; exprCall: its arguments, with on set those after the receiver
	on    bool            // exprCall: kids[0] is what the method is called on
}

type exprKind uint8

const (
	exprLiteral exprKind = iota
	exprName
	exprMember
	exprCall
	exprOperator // ! - with one kid, the others with two; && and || with two or more
	exprList
)

// parser reads the grammar of CEL as far as rules and filters go:
//
//	or       = and { "||" and }
//	and      = not { "&&" not }
//	not      = "NOT" not | relation             (NOT in filters only)
//	relation = sum [ ("==" "!=" "<" "<=" ">" ">=" "in") sum ]
//	sum      = unary { ("+" | "-") unary }
//	unary    = { "!" | "-" } member
//	member   = primary { "." name [ "(" [ or { "," or } ] ")" ] }
//	primary  = name [ "(" … ")" ] | literal | "(" or ")" | "[" [ or { "," or } ] "]"
type parser struct {
	lex   lexer
	tok   token
	depth int
	nodes int
	wrong *mistake // the first one; everything stops there
}

// parse reads a source. filter allows the words AND, OR, NOT and a single =.
func parse(source string, filter bool) (*expr, *mistake) {
	if len(source) > maxSource {
		return nil, &mistake{pos: maxSource, code: "too_long", message: "it is longer than 4 KB"}
	}
	p := parser{lex: lexer{source: source, filter: filter}}
	p.advance()
	if p.wrong == nil && p.tok.kind == tokenEnd {
		return nil, &mistake{pos: 0, code: "empty", message: "there is nothing in it"}
	}
	e := p.or()
	if p.wrong == nil && p.tok.kind != tokenEnd {
		p.unexpected()
	}
	if p.wrong != nil {
		return nil, p.wrong // what was read so far may be half a node
	}
	return e, nil
}

func (p *parser) advance() {
	if p.wrong != nil {
		return
	}
	tok, wrong := p.lex.next()
	if wrong != nil {
		p.fail(wrong)
		return
	}
	p.tok = tok
}

// fail keeps the first mistake and lets the rest of the parser see the end of the source.
func (p *parser) fail(m *mistake) {
	if p.wrong == nil {
		p.wrong = m
	}
	p.tok = token{kind: tokenEnd, pos: p.tok.pos}
}

func (p *parser) failAt(pos int, code, message string) *expr {
	p.fail(&mistake{pos: pos, code: code, message: message})
	return p.node(expr{pos: pos})
}

// unexpected says what stands where something else should.
func (p *parser) unexpected() *expr {
	pos := p.tok.pos
	switch {
	case p.tok.kind == tokenEnd:
		return p.failAt(pos, "unexpected_end", "it ends where a name or a value should follow")
	case p.is("?") || p.is(":"):
		return p.failAt(pos, "no_conditional", "there is no ? : here; write (a && b) || (!a && c)")
	case p.is("["):
		return p.failAt(pos, "no_index", "there is no indexing with [ ]; use in to look into a list")
	case p.tok.kind == tokenName && (p.tok.text == "and" || p.tok.text == "AND"):
		return p.failAt(pos, "unexpected", "and is written &&")
	case p.tok.kind == tokenName && (p.tok.text == "or" || p.tok.text == "OR"):
		return p.failAt(pos, "unexpected", "or is written ||")
	case p.tok.kind == tokenName && (p.tok.text == "not" || p.tok.text == "NOT"):
		return p.failAt(pos, "unexpected", "not is written !")
	}
	return p.failAt(pos, "unexpected", strconv.Quote(p.tok.text)+" does not belong here")
}

func (p *parser) is(operator string) bool {
	return p.tok.kind == tokenOperator && p.tok.text == operator
}

func (p *parser) take(operator string) bool {
	if !p.is(operator) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) want(operator, why string) {
	if !p.take(operator) && p.wrong == nil {
		p.failAt(p.tok.pos, "unexpected", operator+" is missing "+why)
	}
}

// node allocates and counts.
func (p *parser) node(e expr) *expr {
	p.nodes++
	if p.nodes > maxNodes {
		p.fail(&mistake{pos: e.pos, code: "too_complex", message: "it has more than " + strconv.Itoa(maxNodes) + " parts"})
	}
	return &e
}

// enter guards the depth of recursion; each call is followed by leave.
func (p *parser) enter() {
	p.depth++
	if p.depth > maxDepth {
		p.failAt(p.tok.pos, "too_deep", "it is nested more than "+strconv.Itoa(maxDepth)+" levels deep")
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) or() *expr {
	p.enter()
	defer p.leave()
	return p.chain("||", p.and)
}

func (p *parser) and() *expr { return p.chain("&&", p.not) }

// chain reads a sequence joined by one operator into one node, so that long conditions are not deep.
func (p *parser) chain(operator string, part func() *expr) *expr {
	first := part()
	if !p.is(operator) {
		return first
	}
	e := p.node(expr{kind: exprOperator, pos: p.tok.pos, name: operator, kids: []*expr{first}})
	for p.take(operator) {
		e.kids = append(e.kids, part())
	}
	return e
}

func (p *parser) not() *expr {
	if !p.is("NOT") {
		return p.relation()
	}
	p.enter()
	defer p.leave()
	pos := p.tok.pos
	p.advance()
	return p.node(expr{kind: exprOperator, pos: pos, name: "!", kids: []*expr{p.not()}})
}

// relationSign returns the comparison at hand, "" for none.
func (p *parser) relationSign() string {
	if p.tok.kind == tokenName && p.tok.text == "in" {
		return "in"
	}
	if p.tok.kind == tokenOperator {
		switch p.tok.text {
		case "==", "!=", "<", "<=", ">", ">=":
			return p.tok.text
		}
	}
	return ""
}

func (p *parser) relation() *expr {
	left := p.sum()
	sign := p.relationSign()
	if sign == "" {
		return left
	}
	e := p.node(expr{kind: exprOperator, pos: p.tok.pos, name: sign})
	p.advance()
	e.kids = []*expr{left, p.sum()}
	if p.wrong == nil && p.relationSign() != "" {
		p.failAt(p.tok.pos, "chained", "comparisons can't be chained; join two of them with &&")
	}
	return e
}

func (p *parser) sum() *expr {
	e := p.unary()
	for p.is("+") || p.is("-") {
		n := p.node(expr{kind: exprOperator, pos: p.tok.pos, name: p.tok.text})
		p.advance()
		n.kids = []*expr{e, p.unary()}
		e = n
	}
	return e
}

func (p *parser) unary() *expr {
	if !p.is("!") && !p.is("-") {
		return p.member()
	}
	p.enter()
	defer p.leave()
	sign := p.tok
	p.advance()
	if sign.text == "-" && (p.tok.kind == tokenInt || p.tok.kind == tokenFloat) {
		return p.number("-", sign.pos)
	}
	return p.node(expr{kind: exprOperator, pos: sign.pos, name: sign.text, kids: []*expr{p.unary()}})
}

func (p *parser) member() *expr {
	e := p.primary()
	for p.is(".") {
		p.advance()
		name := p.tok
		if name.kind != tokenName {
			if p.wrong == nil {
				p.failAt(name.pos, "unexpected", "a name must follow the dot")
			}
			return e
		}
		p.advance()
		if p.is("(") {
			e = p.call(name, e)
			continue
		}
		e = p.node(expr{kind: exprMember, pos: name.pos, name: name.text, kids: []*expr{e}})
	}
	if p.is("[") {
		p.unexpected()
	}
	return e
}

// call reads the arguments of a function, or of a method where on is not nil.
func (p *parser) call(name token, on *expr) *expr {
	e := p.node(expr{kind: exprCall, pos: name.pos, name: name.text, on: on != nil})
	if on != nil {
		e.kids = append(e.kids, on)
	}
	p.advance()
	e.kids = p.items(e.kids, ")", "after the arguments of "+name.text)
	return e
}

// items reads expressions up to a closing bracket.
func (p *parser) items(list []*expr, end, why string) []*expr {
	if p.take(end) {
		return list
	}
	for p.wrong == nil {
		list = append(list, p.or())
		if !p.take(",") {
			break
		}
	}
	p.want(end, why)
	return list
}

func (p *parser) primary() *expr {
	tok := p.tok
	switch tok.kind {
	case tokenName:
		return p.word(tok)
	case tokenInt, tokenFloat:
		return p.number("", tok.pos)
	case tokenString:
		p.advance()
		return p.node(expr{kind: exprLiteral, pos: tok.pos, value: roundtrip.Text(tok.text)})
	case tokenOperator:
		if p.take("(") {
			e := p.or()
			p.want(")", "to close the bracket")
			return e
		}
		if p.take("[") {
			e := p.node(expr{kind: exprList, pos: tok.pos})
			e.kids = p.items(nil, "]", "to close the list")
			if len(e.kids) > maxList {
				p.failAt(tok.pos, "too_long", "a list may have "+strconv.Itoa(maxList)+" items")
			}
			return e
		}
	case tokenEnd:
	}
	return p.unexpected()
}

func (p *parser) word(tok token) *expr {
	if tok.text == "in" {
		return p.unexpected()
	}
	p.advance()
	switch tok.text {
	case "true", "false":
		return p.node(expr{kind: exprLiteral, pos: tok.pos, value: roundtrip.Bool(tok.text == "true")})
	case "null":
		return p.node(expr{kind: exprLiteral, pos: tok.pos})
	}
	if p.is("(") {
		return p.call(tok, nil)
	}
	return p.node(expr{kind: exprName, pos: tok.pos, name: tok.text})
}

// number reads the number at hand with its sign, so that the smallest int64 can be written.
func (p *parser) number(sign string, pos int) *expr {
	tok := p.tok
	p.advance()
	if tok.kind == tokenFloat {
		f, err := strconv.ParseFloat(sign+tok.text, 64)
		if err != nil {
			return p.failAt(pos, "bad_number", "this number is too large")
		}
		return p.node(expr{kind: exprLiteral, pos: pos, value: roundtrip.Float(f)})
	}
	base := 10
	text := tok.text
	if len(text) > 2 && (text[1] == 'x' || text[1] == 'X') {
		base, text = 16, text[2:]
	}
	i, err := strconv.ParseInt(sign+text, base, 64)
	if err != nil {
		return p.failAt(pos, "bad_number", "this is no whole number of 64 bits")
	}
	return p.node(expr{kind: exprLiteral, pos: pos, value: roundtrip.Int(i)})
}
