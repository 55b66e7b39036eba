package typescript

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/naming"
)

// read is the type of a field as the API answers it.
func read(f *roundtrip.Field) string {
	switch f.Type {
	case roundtrip.TypeInt, roundtrip.TypeFloat, roundtrip.TypeCount:
		return "number"
	case roundtrip.TypeBool:
		return "boolean"
	case roundtrip.TypeJSON:
		return "unknown"
	case roundtrip.TypeFile:
		return "StoredFile"
	case roundtrip.TypeSelect:
		return union(f.Options)
	default:
		return "string"
	}
}

// write is the type of a field as the API takes it: a file is given by its bytes.
func write(f *roundtrip.Field) string {
	if f.Type == roundtrip.TypeFile {
		return "Blob"
	}
	return read(f)
}

func orNull(t string, null bool) string {
	if !null || t == "unknown" {
		return t
	}
	return t + " | null"
}

func union(names []string) string {
	if len(names) == 0 {
		return "never"
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return strings.Join(quoted, " | ")
}

// quote writes a string literal: as JSON, which is a literal too, where single quotes alone would not do.
func quote(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r == '\'' || r == '\\' || unicode.IsControl(r) }) {
		return "'" + s + "'"
	}
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil { // not UTF-8, which no declaration is
		return "string"
	}
	return string(b)
}

// typeNames finds the name of each collection's interface: photos is Photo. Where the short form is taken, by another
// collection or by what the module needs, the long one is used.
func typeNames(s *roundtrip.Schema) map[*roundtrip.Collection]string {
	taken := map[string]bool{"Base": true, "Add": true, "StoredFile": true, "Schema": true, "Blob": true}
	names := make(map[*roundtrip.Collection]string, len(s.Collections))
	for _, c := range s.Collections {
		name := naming.Pascal(naming.Singular(c.Name))
		for _, other := range []string{naming.Pascal(c.Name), naming.Pascal(c.Name) + "Record"} {
			if taken[name] || taken[name+"Input"] || taken[name+"Patch"] {
				name = other
			}
		}
		for n, first := 2, name; taken[name] || taken[name+"Input"] || taken[name+"Patch"]; n++ {
			name = first + strconv.Itoa(n)
		}
		taken[name], taken[name+"Input"], taken[name+"Patch"] = true, true, true
		names[c] = name
	}
	return names
}
