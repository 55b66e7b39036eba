package openapi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// idPattern is the canonical text of a [roundtrip.ID].
const idPattern = "^[0-7][0-9a-hjkmnp-tv-z]{12}$"

// value is the schema of a field's values that are not null, as they are read: what is bounded stands at write, since the store
// may hold what an older declaration let in.
func value(f *roundtrip.Field) object {
	switch f.Type {
	case roundtrip.TypeText:
		return object{{"type", "string"}}
	case roundtrip.TypeInt, roundtrip.TypeCount:
		return object{{"type", "integer"}, {"format", "int64"}}
	case roundtrip.TypeFloat:
		return object{{"type", "number"}, {"format", "double"}}
	case roundtrip.TypeBool:
		return object{{"type", "boolean"}}
	case roundtrip.TypeTime:
		return object{{"type", "string"}, {"format", "date-time"}}
	case roundtrip.TypeRef, roundtrip.TypeID:
		return schemaRef("ID")
	case roundtrip.TypeSelect:
		return object{{"type", "string"}, {"enum", f.Options}}
	case roundtrip.TypeEmail:
		return object{{"type", "string"}, {"format", "email"}}
	case roundtrip.TypeURL:
		return object{{"type", "string"}, {"format", "uri"}}
	case roundtrip.TypeFile:
		return schemaRef("File")
	case roundtrip.TypeJSON:
	}
	return object{} // any JSON value
}

// bounded is the schema of a field's values as they may be written.
func bounded(f *roundtrip.Field) object {
	o := value(f)
	switch f.Type {
	case roundtrip.TypeText:
		return textBounds(o, f)
	case roundtrip.TypeInt:
		if f.MinInt != nil {
			o = o.with("minimum", *f.MinInt)
		}
		if f.MaxInt != nil {
			o = o.with("maximum", *f.MaxInt)
		}
	case roundtrip.TypeFloat:
		if f.Min != nil {
			o = o.with("minimum", *f.Min)
		}
		if f.Max != nil {
			o = o.with("maximum", *f.Max)
		}
	case roundtrip.TypeEmail:
		return o.with("maxLength", 254)
	case roundtrip.TypeURL:
		return o.and(member{"pattern", "^https?://"}, member{"maxLength", 2048})
	default:
	}
	return o
}

func textBounds(o object, f *roundtrip.Field) object {
	least := 0
	if f.Min != nil {
		least = int(*f.Min)
	}
	if f.Required {
		least = max(least, 1)
	}
	if least > 0 {
		o = o.with("minLength", least)
	}
	if f.Max != nil {
		o = o.with("maxLength", int(*f.Max))
	}
	return o.maybe("pattern", pattern(f.Match))
}

// pattern writes a RE2 expression as one of ECMA-262, which JSON Schema has, or returns "" where the two may differ.
func pattern(match string) string {
	if match == "" {
		return ""
	}
	plain := strings.ReplaceAll(match, "(?:", "(")
	for _, only := range []string{"(?", `\A`, `\z`, `\Q`, `\E`, `\C`, `\p`, `\P`, `\x{`, `\a`, "[[:", "[^[:"} {
		if strings.Contains(plain, only) {
			return ""
		}
	}
	if strings.HasPrefix(match, "^") && strings.HasSuffix(match, "$") && !strings.HasSuffix(match, `\$`) && !strings.Contains(match, "|") {
		return match
	}
	return "^(?:" + match + ")$"
}

// read is the schema of a field in a record that is answered.
func read(f *roundtrip.Field, position int) object {
	s := orNull(value(f), f.Optional() && f.Type != roundtrip.TypeJSON)
	if position == roundtrip.FieldETag {
		s = object{{"type", "string"}, {"pattern", "^[0-9]+$"}}
	}
	s = s.maybe("description", tells(f, position))
	if position < roundtrip.FirstField || f.Type == roundtrip.TypeCount {
		s = s.with("readOnly", true)
	}
	return s
}

// write is the schema of a field in a JSON body: of a file, JSON can only say that there is none.
func write(f *roundtrip.Field, update bool) object {
	if f.Type == roundtrip.TypeFile {
		said := "Takes the file away."
		if !update {
			said = "No file. To send one, send the record as a form."
		}
		return object{{"type", "null"}, {"description", said}}
	}
	s := bounded(f)
	if update && (f.Type == roundtrip.TypeInt || f.Type == roundtrip.TypeFloat) {
		s = object{{"anyOf", list{s, schemaRef("Add")}}}
		if !f.Required {
			s[0].value = append(s[0].value.(list), object{{"type", "null"}})
		}
	} else if f.Type != roundtrip.TypeJSON {
		s = orNull(s, !f.Required)
	}
	said := tells(f, roundtrip.FirstField)
	if !update && f.Default.Source == roundtrip.DefaultConstant { // as the keyword, generators would take the member for one that must be there
		said = strings.TrimSpace("By default `" + string(f.Default.Value.AppendJSON(nil)) + "`. " + said)
	}
	return s.maybe("description", said)
}

// tells says of a field what its schema does not.
func tells(f *roundtrip.Field, position int) string {
	switch position {
	case roundtrip.FieldID:
		return "Names the record. Ids that the server made sort as text in the order of their time."
	case roundtrip.FieldCreateTime:
		return "When it was made, in UTC."
	case roundtrip.FieldUpdateTime:
		return "When it was last written, in UTC."
	case roundtrip.FieldETag:
		return "Its version: it grows with each write of the record. Send it as `If-Match` to write only what you have read."
	}
	var said []string
	say := func(text string) { said = append(said, text) }
	switch f.Type {
	case roundtrip.TypeRef:
		say("A record of `" + f.To.Name + "`" + map[roundtrip.OnDelete]string{
			roundtrip.Restrict: ", which can't be deleted as long as this points to it.",
			roundtrip.Cascade:  ". When it is deleted, this record goes too.",
			roundtrip.SetNull:  ". When it is deleted, this becomes null.",
		}[f.OnDelete])
	case roundtrip.TypeCount:
		say("How many records of `" + f.To.Name + "` point here with their `" + f.To.Fields[f.Of].Name + "`. The server counts; a change of it leaves the `etag` as it is.")
	case roundtrip.TypeFile:
		say("At most " + bytesWords(f.MaxBytes) + accepted(f.Accept) + ".")
	case roundtrip.TypeJSON:
		say("Any JSON value, of at most " + bytesWords(f.MaxBytes) + ".")
	case roundtrip.TypeEmail:
		say("Kept in lower case.")
	case roundtrip.TypeTime:
		say("RFC 3339. Any offset is taken, UTC is answered.")
	case roundtrip.TypeText:
		if f.Match != "" && pattern(f.Match) == "" {
			say("The whole text matches `" + f.Match + "` (RE2).")
		}
	default:
	}
	switch f.Default.Source {
	case roundtrip.DefaultAuthID:
		say("By default the account that is signed in.")
	case roundtrip.DefaultNow:
		say("By default the time of the request.")
	case roundtrip.NoDefault, roundtrip.DefaultConstant:
	}
	if f.Unique {
		say("No two records have the same.")
	}
	if f.Immutable {
		say("Set at creation only.")
	}
	return strings.Join(said, " ")
}

func accepted(types []string) string {
	if len(types) == 0 {
		return ""
	}
	return ", of type " + either(types)
}

// either joins words as prose does.
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// codes are words in the typeface of code.
func codes(words []string) []string {
	out := slices.Clone(words)
	for i := range out {
		out[i] = "`" + out[i] + "`"
	}
	return out
}

// bytesWords writes a size as one would declare it.
func bytesWords(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return strconv.FormatInt(n>>20, 10) + " MiB"
	case n >= 1e6:
		return strconv.FormatFloat(float64(n)/1e6, 'g', 4, 64) + " MB"
	case n >= 1e3:
		return strconv.FormatFloat(float64(n)/1e3, 'g', 4, 64) + " kB"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
