package config

import (
	"strings"

	"github.com/goccy/go-yaml/token"
)

// joinAddresses mends what the parser takes apart: in a list in brackets inside of a block in braces, it reads
// http://127.0.0.1:3000 as a key with the value 3000. A colon without a space behind it is a part of the text (YAML 1.2.2
// section 7.3.3).
func joinAddresses(tokens token.Tokens) token.Tokens {
	out := make(token.Tokens, 0, len(tokens))
	var open []token.Type
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			open = append(open, t.Type)
		case token.MappingEndType, token.SequenceEndType:
			open = open[:max(len(open)-1, 0)]
		default:
		}
		inList := len(open) > 0 && open[len(open)-1] == token.SequenceStartType
		if inList && t.Type == token.MappingValueType && len(out) > 0 && i+1 < len(tokens) && belong(out[len(out)-1], t, tokens[i+1]) {
			before, after := out[len(out)-1], tokens[i+1]
			before.Type = token.StringType
			before.Value += ":" + after.Value
			before.Origin += ":" + after.Origin
			i++
			continue
		}
		if inList && t.Type == token.MappingValueType && i+1 < len(tokens) && begins(out[len(out)-1], t, tokens[i+1]) { // ::1
			after := tokens[i+1]
			after.Type, after.Position = token.StringType, t.Position
			after.Value, after.Origin = ":"+after.Value, ":"+after.Origin
			continue
		}
		out = append(out, t)
	}
	for i, t := range out {
		if t.Prev, t.Next = nil, nil; i > 0 {
			t.Prev, out[i-1].Next = out[i-1], t
		}
	}
	return out
}

// belong reports whether a colon stands inside of a plain text, with the text before it and the one behind.
func belong(before, colon, after *token.Token) bool {
	return plain(before) && plain(after) && before.Position.Line == after.Position.Line &&
		before.Position.Offset+len([]rune(strings.TrimSpace(before.Origin))) == colon.Position.Offset &&
		colon.Position.Offset+1 == after.Position.Offset
}

// begins reports whether a colon is the first character of a plain text, with the token before it and the one behind.
func begins(before, colon, after *token.Token) bool {
	return (before.Type == token.SequenceStartType || before.Type == token.CollectEntryType) && plain(after) &&
		colon.Position.Offset+1 == after.Position.Offset && strings.HasPrefix(after.Value, ":")
}

func plain(t *token.Token) bool {
	switch t.Type {
	case token.StringType, token.IntegerType, token.FloatType, token.BoolType:
		return true
	default:
		return false
	}
}
