package config

import (
	"strings"

	"github.com/goccy/go-yaml/token"
)

// brokenQuotes reports a text in quotes that goes on behind them: the closing quote of a line before was lost, or the
// quotes hold the first word of a rule alone. It reports false where that is not what the parser met at t.
func (r *reader) brokenQuotes(t *token.Token) bool {
	open := t.Prev
	if open == nil || open.Type != token.SingleQuoteType && open.Type != token.DoubleQuoteType {
		return false
	}
	mark := "'"
	if open.Type == token.DoubleQuoteType {
		mark = `"`
	}
	at, rest := r.pos(open), r.pos(t)
	line := r.after(at.Line, at.Column)
	switch {
	case !strings.HasPrefix(line, mark):
		return false // the parser's place is not where the quote stands
	case at.Line == rest.Line:
		text := strings.TrimSuffix(line, r.after(rest.Line, rest.Column)) + strings.TrimRight(t.Value, " ")
		r.problems.Add(rest, "the quotes are closed before this, and the text goes on").
			Expect("the whole text in one pair of quotes: %s%s", keyBefore(open), requote(text, mark))
		return true
	case closes(line[1:], mark):
		return false // it ends in its own line
	}
	r.problems.Add(at, "the quote that starts here is not closed in its line, so it takes in the text up to line %d, column %d", rest.Line, rest.Column-1).
		Expect("a second %s at the end of the text", mark)
	return true
}

// after returns a line of the file from a column on.
func (r *reader) after(line, column int) string {
	if line > len(r.problems.lines) {
		return ""
	}
	text := []rune(r.problems.lines[line-1])
	return string(text[min(column-1, len(text)):])
}

// closes reports whether a text has a quote that is not written as a part of the text.
func closes(s, mark string) bool {
	if mark == "'" {
		s = strings.ReplaceAll(s, "''", "")
	} else {
		s = strings.NewReplacer(`\\`, "", `\"`, "").Replace(s)
	}
	return strings.Contains(s, mark)
}

// keyBefore is the key that a value stands behind, "" in a list.
func keyBefore(value *token.Token) string {
	if colon := value.Prev; colon != nil && colon.Type == token.MappingValueType && colon.Prev != nil {
		return colon.Prev.Value + ": "
	}
	return ""
}

// requote puts a whole text into quotes of the kind that it does not use itself.
func requote(text, mark string) string {
	outer := strings.Count(text, mark)%2 == 1 || strings.HasSuffix(text, mark+mark)
	if outer && len(text) > 1 && strings.HasSuffix(text, mark) {
		text = text[1 : len(text)-1]
	}
	if strings.Contains(text, "'") && !strings.ContainsAny(text, `"\`) {
		return `"` + text + `"`
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}
