package openapi

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
)

// exampleTime is a moment that examples speak of.
const exampleTime = "2026-11-22T22:37:14.829Z"

const exampleFile = `{"id":"9fZ0kqv3Q1mXo7Tn","name":"lake.jpg","type":"image/jpeg","size":40213,"width":1600,"height":1067}`

// exampleID is the id of an example record of a collection, another one for each.
func exampleID(collection int) string {
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	return "0am5tepg00" + string(digits[collection/1024%32]) + string(digits[collection/32%32]) + string(digits[collection%32])
}

// record is an example of a record as it is read, in JSON.
func (w *writer) record(c *roundtrip.Collection) string {
	b := []byte{'{'}
	for i, f := range c.Fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSON(b, f.Name), ':')
		b = append(b, w.valueOf(c, f, i)...)
	}
	return string(append(b, '}'))
}

// input is an example of what create takes: the required fields, and the first others.
func (w *writer) input(c *roundtrip.Collection, more ...string) string {
	b := []byte{'{'}
	comma := func() {
		if len(b) > 1 {
			b = append(b, ',')
		}
	}
	optional := 0
	for i, f := range c.Fields {
		if i < roundtrip.FirstField || f.Type == roundtrip.TypeCount || f.Type == roundtrip.TypeFile || f.Default.Source == roundtrip.DefaultAuthID {
			continue
		}
		if !f.Required {
			if optional++; optional > 2 {
				continue
			}
		}
		v := w.valueOf(c, f, i)
		if v == "null" {
			continue
		}
		comma()
		b = append(append(appendJSON(b, f.Name), ':'), v...)
	}
	for i := 0; i+1 < len(more); i += 2 {
		comma()
		b = append(append(appendJSON(b, more[i]), ':'), more[i+1]...)
	}
	return string(append(b, '}'))
}

// change is an example of what update takes: the first field that can be changed.
func (w *writer) change(c *roundtrip.Collection) string {
	for i, f := range c.Fields {
		if i < roundtrip.FirstField || f.Type == roundtrip.TypeCount || f.Type == roundtrip.TypeFile || f.Immutable {
			continue
		}
		if v := w.valueOf(c, f, i); v != "null" {
			return string(append(append(append(appendJSON([]byte{'{'}, f.Name), ':'), v...), '}'))
		}
	}
	return "{}"
}

// valueOf is an example of a field's value in JSON; null where none is known.
func (w *writer) valueOf(c *roundtrip.Collection, f *roundtrip.Field, position int) string {
	quoted := func(s string) string { return string(appendJSON(nil, s)) }
	switch position {
	case roundtrip.FieldID:
		return quoted(w.ids[c])
	case roundtrip.FieldETag:
		return `"1"`
	}
	switch f.Type {
	case roundtrip.TypeText:
		if s, ok := textOf(f); ok {
			return quoted(s)
		}
		return "null"
	case roundtrip.TypeInt:
		n := int64(3)
		if f.MinInt != nil {
			n = max(n, *f.MinInt)
		}
		if f.MaxInt != nil {
			n = min(n, *f.MaxInt)
		}
		return strconv.FormatInt(n, 10)
	case roundtrip.TypeFloat:
		x := 2.5
		if f.Min != nil {
			x = max(x, *f.Min)
		}
		if f.Max != nil {
			x = min(x, *f.Max)
		}
		return string(roundtrip.AppendFloat(nil, x))
	case roundtrip.TypeBool:
		return "false"
	case roundtrip.TypeTime:
		return quoted(exampleTime)
	case roundtrip.TypeRef:
		return quoted(w.ids[f.To])
	case roundtrip.TypeFile:
		return fileOf(f)
	case roundtrip.TypeSelect:
		return quoted(f.Options[0])
	case roundtrip.TypeEmail:
		return `"ana@example.com"`
	case roundtrip.TypeURL:
		return `"https://example.com/page"`
	case roundtrip.TypeCount:
		return "3"
	case roundtrip.TypeJSON, roundtrip.TypeID:
	}
	return `{"any":"value"}`
}

// fileOf is a file that a field may hold.
func fileOf(f *roundtrip.Field) string {
	if len(f.Accept) == 0 || strings.HasPrefix(f.Accept[0], "image/") {
		return exampleFile
	}
	kind := strings.TrimSuffix(f.Accept[0], "*")
	if strings.HasSuffix(kind, "/") {
		kind += "example"
	}
	return `{"id":"9fZ0kqv3Q1mXo7Tn","name":"file","type":` + string(appendJSON(nil, kind)) + `,"size":40213}`
}

// textOf finds a text that fits a field: a word that goes with its name, or the shortest that matches.
func textOf(f *roundtrip.Field) (string, bool) {
	var match *regexp.Regexp
	if f.Match != "" {
		match = regexp.MustCompile(`\A(?:` + f.Match + `)\z`)
	}
	for _, s := range append(wordsFor(f.Name), "Text", "text", "a", "example", "An example of a longer text", shortest(f.Match)) {
		n := float64(utf8.RuneCountInString(s))
		if (f.Min == nil || n >= *f.Min) && (f.Max == nil || n <= *f.Max) && (!f.Required || n > 0) && (match == nil || match.MatchString(s)) {
			return s, true
		}
	}
	return "", false
}

// wordsFor are what people expect below some names.
func wordsFor(name string) []string {
	switch name {
	case "handle", "username", "login", "slug", "nick":
		return []string{"ana"}
	case "name", "full_name", "display_name", "author_name":
		return []string{"Ana Lima"}
	case "title", "subject", "headline":
		return []string{"An evening at the lake"}
	case "caption", "description", "summary":
		return []string{"The lake at seven in the evening"}
	case "text", "body", "content", "message", "comment", "note":
		return []string{"Where was this?"}
	case "city", "place", "location":
		return []string{"Lisbon"}
	case "colour", "color":
		return []string{"green"}
	case "phone", "tel":
		return []string{"+351 210 000 000"}
	}
	return nil
}

// shortest makes a text that a RE2 expression matches, as a guess; who uses it asks the expression.
func shortest(match string) string {
	if match == "" {
		return ""
	}
	re, err := syntax.Parse(match, syntax.Perl)
	if err != nil {
		return ""
	}
	var b strings.Builder
	appendShortest(&b, re)
	return b.String()
}

func appendShortest(b *strings.Builder, re *syntax.Regexp) {
	times := 1
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
		return
	case syntax.OpCharClass:
		b.WriteRune(oneOf(re.Rune))
		return
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('a')
		return
	case syntax.OpStar, syntax.OpQuest:
		times = 0
	case syntax.OpRepeat:
		times = re.Min
	case syntax.OpAlternate:
		appendShortest(b, re.Sub[0])
		return
	default:
	}
	for range min(times, 64) {
		for _, sub := range re.Sub {
			appendShortest(b, sub)
		}
	}
}

// oneOf picks a letter or digit of a class, else its first character.
func oneOf(ranges []rune) rune {
	for _, want := range "abcxyzABC0123456789" {
		for i := 0; i+1 < len(ranges); i += 2 {
			if want >= ranges[i] && want <= ranges[i+1] {
				return want
			}
		}
	}
	if len(ranges) == 0 {
		return 'a'
	}
	return ranges[0]
}
