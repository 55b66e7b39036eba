package policy

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// token is one word of a source.
type token struct {
	kind tokenKind
	pos  int    // byte offset of its first character
	text string // identifiers, operators and numbers as written; strings without quotes and escapes
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenInt
	tokenFloat
	tokenString
	tokenOperator
)

// mistake is one thing that is wrong with a source.
type mistake struct {
	pos     int // byte offset
	code    string
	message string
	near    string // the nearest valid name, "" where there is none
}

// lexer cuts a source into tokens.
type lexer struct {
	source string
	at     int
	filter bool // AND OR NOT = are operators too
}

// next returns the next token, or what is wrong with it.
func (l *lexer) next() (token, *mistake) {
	l.skipSpace()
	if l.at >= len(l.source) {
		return token{kind: tokenEnd, pos: l.at}, nil
	}
	c := l.source[l.at]
	switch {
	case isNameStart(c):
		return l.name(), nil
	case isDigit(c), c == '.' && l.at+1 < len(l.source) && isDigit(l.source[l.at+1]):
		return l.number()
	case c == '"' || c == '\'':
		return l.quoted()
	}
	return l.operator()
}

func (l *lexer) skipSpace() {
	for l.at < len(l.source) {
		switch {
		case strings.IndexByte(" \t\r\n", l.source[l.at]) >= 0:
			l.at++
		case strings.HasPrefix(l.source[l.at:], "//"):
			end := strings.IndexByte(l.source[l.at:], '\n')
			if end < 0 {
				end = len(l.source) - l.at
			}
			l.at += end
		default:
			return
		}
	}
}

func (l *lexer) name() token {
	start := l.at
	for l.at < len(l.source) && (isNameStart(l.source[l.at]) || isDigit(l.source[l.at])) {
		l.at++
	}
	text := l.source[start:l.at]
	if l.filter {
		switch text {
		case "AND":
			return token{tokenOperator, start, "&&"}
		case "OR":
			return token{tokenOperator, start, "||"}
		case "NOT":
			return token{tokenOperator, start, "NOT"}
		}
	}
	return token{tokenName, start, text}
}

func (l *lexer) number() (token, *mistake) {
	start := l.at
	kind := tokenInt
	if strings.HasPrefix(l.source[start:], "0x") || strings.HasPrefix(l.source[start:], "0X") {
		l.at += 2
		for l.at < len(l.source) && isHex(l.source[l.at]) {
			l.at++
		}
	} else {
		l.digits()
		if l.at+1 < len(l.source) && l.source[l.at] == '.' && isDigit(l.source[l.at+1]) {
			kind = tokenFloat
			l.at++
			l.digits()
		}
		if l.exponent() {
			kind = tokenFloat
		}
	}
	if l.at < len(l.source) && isNameStart(l.source[l.at]) {
		return token{}, &mistake{pos: start, code: "bad_number", message: "a number may not run into a name: put a space or an operator between them"}
	}
	return token{kind, start, l.source[start:l.at]}, nil
}

func (l *lexer) digits() {
	for l.at < len(l.source) && isDigit(l.source[l.at]) {
		l.at++
	}
}

// exponent takes e10, E+10 or e-10 where there is one.
func (l *lexer) exponent() bool {
	rest := l.source[l.at:]
	if rest == "" || rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	n := 1
	if n < len(rest) && (rest[n] == '+' || rest[n] == '-') {
		n++
	}
	if n >= len(rest) || !isDigit(rest[n]) {
		return false
	}
	l.at += n
	l.digits()
	return true
}

// quoted reads a string in single or double quotes with the escapes of the CEL specification.
func (l *lexer) quoted() (token, *mistake) {
	start := l.at
	quote := l.source[start]
	l.at++
	plain := l.at
	for l.at < len(l.source) && l.source[l.at] != quote && l.source[l.at] != '\\' && l.source[l.at] != '\n' {
		l.at++
	}
	var text []byte // only strings with escapes are copied
	for l.at < len(l.source) && l.source[l.at] != quote && l.source[l.at] != '\n' {
		if text == nil {
			text = append(text, l.source[plain:l.at]...)
		}
		if l.source[l.at] != '\\' {
			text = append(text, l.source[l.at])
			l.at++
			continue
		}
		r, size := unescape(l.source[l.at:])
		if size == 0 {
			return token{}, &mistake{pos: l.at, code: "bad_escape", message: `there is no such escape in a text; a backslash itself is written \\`}
		}
		text = utf8.AppendRune(text, r)
		l.at += size
	}
	if l.at >= len(l.source) || l.source[l.at] != quote {
		return token{}, &mistake{pos: start, code: "open_text", message: "this text has no closing quote"}
	}
	value := l.source[plain:l.at]
	if text != nil {
		value = string(text)
	}
	l.at++
	if strings.IndexByte(value, 0) >= 0 || !utf8.ValidString(value) {
		return token{}, &mistake{pos: start, code: "bad_text", message: "a text may not hold NUL or bytes that are not UTF-8"}
	}
	return token{tokenString, start, value}, nil
}

// unescape reads the escape at the start of s and returns its character and length, 0 where there is none.
func unescape(s string) (r rune, size int) {
	if len(s) < 2 {
		return 0, 0
	}
	var digits int
	base := 16
	switch s[1] {
	case '\\', '\'', '"', '`', '?':
		return rune(s[1]), 2
	case 'x', 'X':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	case '0', '1', '2', '3':
		digits, base = 3, 8
	default:
		i := strings.IndexByte("abfnrtv", s[1])
		if i < 0 {
			return 0, 0
		}
		return rune("\a\b\f\n\r\t\v"[i]), 2
	}
	start := 2
	if base == 8 {
		start = 1
	}
	if len(s) < start+digits {
		return 0, 0
	}
	n, err := strconv.ParseUint(s[start:start+digits], base, 32)
	if err != nil || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
		return 0, 0
	}
	return rune(n), start + digits
}

func (l *lexer) operator() (token, *mistake) {
	start := l.at
	if l.at+1 < len(l.source) {
		switch two := l.source[l.at : l.at+2]; two {
		case "==", "!=", "<=", ">=", "&&", "||":
			l.at += 2
			return token{tokenOperator, start, two}, nil
		}
	}
	c := l.source[l.at]
	if c == '=' && l.filter {
		l.at++
		return token{tokenOperator, start, "=="}, nil
	}
	if strings.IndexByte("<>!+-()[].,?:", c) >= 0 {
		l.at++
		return token{tokenOperator, start, l.source[start:l.at]}, nil
	}
	r, _ := utf8.DecodeRuneInString(l.source[start:])
	message := strconv.QuoteRune(r) + " means nothing here"
	switch c {
	case '=':
		message = "equality is written ==, so write == here"
	case '&', '|':
		message = "write it twice: " + string(c) + string(c)
	case '*', '/', '%':
		message = "there is no " + string(c) + " in rules and filters"
	case '{', '}':
		message = "there are no maps in rules and filters"
	}
	return token{}, &mistake{pos: start, code: "bad_character", message: message}
}

func isNameStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }
