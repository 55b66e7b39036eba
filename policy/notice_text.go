package policy

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// shownMax is how many characters of a value a text shows.
const shownMax = 200

// textPart is one piece of the text of a notification.
type textPart struct {
	literal string
	actors  bool
	expr    string // the path of a value
	at      int    // byte offset of expr in the source
}

// parseText cuts the text of a notification into its pieces: {actors}, {record.caption}, and what stands between. {{ is
// one bracket.
func parseText(r roundtrip.Rule, report func(roundtrip.Rule, string, mistake)) []textPart {
	var parts []textPart
	source := r.Source
	for at := 0; at < len(source); {
		open := strings.IndexByte(source[at:], '{')
		if open < 0 {
			return append(parts, textPart{literal: source[at:]})
		}
		open += at
		parts = append(parts, textPart{literal: source[at:open]})
		if strings.HasPrefix(source[open:], "{{") {
			parts = append(parts, textPart{literal: "{"})
			at = open + 2
			continue
		}
		end := strings.IndexByte(source[open:], '}')
		if end < 0 {
			report(r, "text", mistake{pos: open, code: "open_bracket", message: "this bracket is not closed; expected } behind it, or {{ for a bracket that is shown"})
			return parts
		}
		end += open
		at = end + 1
		inner := strings.TrimSpace(source[open+1 : end])
		offset := open + 1 + strings.Index(source[open+1:end], inner)
		switch {
		case inner == "actors":
			parts = append(parts, textPart{actors: true})
		case strings.HasPrefix(inner, "record."):
			parts = append(parts, textPart{expr: inner, at: offset})
		default:
			near := nearest.Of(inner, []string{"actors"})
			message := "{" + inner + "} is nothing that a text can show; expected {actors}, or a path such as {record.id}"
			if near != "" {
				message += "; did you mean {" + near + "}?"
			}
			report(r, "text", mistake{pos: offset, code: "unknown_name", message: message, near: near})
		}
	}
	return parts
}

// Text is the text of a notification, ready to be filled in.
type Text struct{ parts []textPart }

// NewText reads the text of a notice that was compiled.
func NewText(n *roundtrip.Notice) Text {
	return Text{parts: parseText(n.Text, func(roundtrip.Rule, string, mistake) {})}
}

// Fill puts in who did it, in words, and the values of an [Event].
func (t Text) Fill(actors string, data []string) string {
	var b strings.Builder
	for _, p := range t.parts {
		switch {
		case p.actors:
			b.WriteString(plain(actors))
		case p.expr == "":
			b.WriteString(p.literal)
		case len(data) > 0:
			b.WriteString(plain(data[0]))
			data = data[1:]
		}
	}
	return b.String()
}

// plain drops what is not shown but changes how the rest is: control characters, and those that turn the direction of
// what follows (Unicode Standard Annex 9). Names and texts of others stand in our sentence, and must not rewrite it.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) && r != '\u200e' && r != '\u200f' {
			return -1
		}
		return r
	}, s)
}

// show writes a value for people, cut where it is long.
func show(v roundtrip.Value) string {
	switch v.Kind() {
	case roundtrip.Null:
		return ""
	case roundtrip.BoolValue:
		return strconv.FormatBool(v.Bool())
	case roundtrip.IntValue:
		return strconv.FormatInt(v.Int(), 10)
	case roundtrip.FloatValue:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case roundtrip.TimeValue:
		return time.UnixMicro(v.Int()).UTC().Format(time.RFC3339)
	case roundtrip.IDValue:
		return v.ID().String()
	case roundtrip.TextValue, roundtrip.JSONValue:
	}
	s := strings.Join(strings.Fields(v.Text()), " ")
	if utf8.RuneCountInString(s) <= shownMax {
		return s
	}
	return string([]rune(s)[:shownMax-1]) + "…"
}
