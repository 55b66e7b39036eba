package protobuf

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/roundtrip-dev/roundtrip"
)

// describe says of a declared field what its proto type does not.
func describe(f *roundtrip.Field) string {
	return sentences(what(f), when(f), absent(f))
}

// what says what values are.
func what(f *roundtrip.Field) string {
	switch f.Type {
	case roundtrip.TypeText:
		return text("Text", f)
	case roundtrip.TypeEmail:
		return text("An e-mail address, kept in lower case", f)
	case roundtrip.TypeURL:
		return text("An http or https URL", f)
	case roundtrip.TypeSelect:
		return "One of: " + words(f.Options, ", ") + "."
	case roundtrip.TypeInt, roundtrip.TypeFloat:
		return bounds(f)
	case roundtrip.TypeRef:
		return ref(f)
	case roundtrip.TypeFile:
		return file(f)
	case roundtrip.TypeJSON:
		if f.MaxBytes > 0 {
			return "Any JSON value of at most " + size(f.MaxBytes) + "."
		}
		return "Any JSON value."
	case roundtrip.TypeCount:
		if f.To == nil {
			return ""
		}
		return fmt.Sprintf("How many records of %s have it as %s. Kept by the server.", f.To.Name, f.To.Fields[f.Of].Name)
	case roundtrip.TypeBool, roundtrip.TypeTime, roundtrip.TypeID:
	}
	return ""
}

func text(what string, f *roundtrip.Field) string {
	if f.Match != "" {
		what += " that matches " + oneLine(f.Match)
	}
	switch {
	case f.Min != nil && f.Max != nil:
		what += fmt.Sprintf(", %s to %s characters", number(*f.Min), number(*f.Max))
	case f.Min != nil:
		what += fmt.Sprintf(", at least %s characters", number(*f.Min))
	case f.Max != nil:
		what += fmt.Sprintf(", at most %s characters", number(*f.Max))
	}
	if what == "Text" { // which the type says
		return ""
	}
	return what + "."
}

func bounds(f *roundtrip.Field) string {
	low, high := "", ""
	switch {
	case f.Type == roundtrip.TypeInt && f.MinInt != nil:
		low = strconv.FormatInt(*f.MinInt, 10)
	case f.Min != nil:
		low = number(*f.Min)
	}
	switch {
	case f.Type == roundtrip.TypeInt && f.MaxInt != nil:
		high = strconv.FormatInt(*f.MaxInt, 10)
	case f.Max != nil:
		high = number(*f.Max)
	}
	switch {
	case low != "" && high != "":
		return low + " to " + high + "."
	case low != "":
		return "At least " + low + "."
	case high != "":
		return "At most " + high + "."
	}
	return ""
}

func ref(f *roundtrip.Field) string {
	if f.To == nil {
		return ""
	}
	out := "The id of a record of " + f.To.Name + "."
	switch f.OnDelete {
	case roundtrip.Cascade:
		return out + " When that is deleted, this is too."
	case roundtrip.SetNull:
		return out + " When that is deleted, this is null."
	case roundtrip.Restrict:
	}
	return out + " That can't be deleted meanwhile."
}

func file(f *roundtrip.Field) string {
	out := "A file"
	if len(f.Accept) > 0 {
		out += " of type " + either(f.Accept)
	}
	if f.MaxBytes > 0 {
		out += ", at most " + size(f.MaxBytes)
	}
	out += "."
	if len(f.Sizes) > 0 {
		widths := make([]string, len(f.Sizes))
		for i, w := range f.Sizes {
			widths[i] = strconv.Itoa(w)
		}
		out += " An image may be asked for in the widths " + strings.Join(widths, ", ") + "."
	}
	return out
}

// when says how it may be written.
func when(f *roundtrip.Field) string {
	out := ""
	if f.Unique {
		out = sentences(out, "Unique.")
	}
	if f.Immutable {
		out = sentences(out, "Set at creation only.")
	}
	return out
}

// absent says what it means that there is no value.
func absent(f *roundtrip.Field) string {
	switch f.Default.Source {
	case roundtrip.DefaultConstant:
		return "By default " + constant(f.Default.Value) + "."
	case roundtrip.DefaultAuthID:
		return "By default the account of the caller."
	case roundtrip.DefaultNow:
		return "By default the time of the call."
	case roundtrip.NoDefault:
	}
	if f.Required {
		return "Required."
	}
	return ""
}

func constant(v roundtrip.Value) string {
	switch v.Kind() {
	case roundtrip.TextValue:
		return strconv.Quote(v.Text())
	default:
		return oneLine(string(v.AppendJSON(nil)))
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// size writes bytes as a declaration does.
func size(n int64) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}} {
		if n >= unit.bytes && n%unit.bytes == 0 {
			return fmt.Sprintf("%d %s", n/unit.bytes, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// either joins names as prose does.
func either(list []string) string {
	last := len(list) - 1
	if last < 1 {
		return words(list, "")
	}
	return words(list[:last], ", ") + " or " + words(list[last:], "")
}

func words(list []string, between string) string {
	out := make([]string, len(list))
	for i, w := range list {
		if out[i] = oneLine(w); w == "" || strings.ContainsAny(w, ",\"") || strings.TrimSpace(w) != w {
			out[i] = strconv.Quote(w)
		}
	}
	return strings.Join(out, between)
}

// oneLine writes a text of the declaration without line breaks, tabs and other signs that would not stay in a comment.
func oneLine(s string) string {
	var out strings.Builder
	for line := range strings.Lines(s) {
		if out.Len() > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(strings.TrimSpace(line))
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(out.String(), "?"))
}
