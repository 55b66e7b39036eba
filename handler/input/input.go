// Package input is what all doors do alike with what a caller gave: values of fields from their texts, numbers and JSON, and
// what is said of those that are wrong. So a mistake has the same code and sentence at each door.
package input

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// The limits of what a request brings.
const (
	DepthMax = 32      // brackets of JSON that stand in each other
	WrongMax = 50      // details of one answer; what is wrong beyond that is not listed
	OpsMax   = 100     // writes of one batch
	BodyMax  = 1 << 20 // bytes of a request without its files
)

// ReadOnly reports whether a field is the server's own.
func ReadOnly(i int, f *roundtrip.Field) bool {
	return f.Type == roundtrip.TypeCount || i > roundtrip.FieldID && i < roundtrip.FirstField
}

// UnknownField notes a member that is no field, with the nearest name that is one.
func UnknownField(call *roundtrip.Call, name string, also ...string) {
	if len(call.Wrong) >= WrongMax {
		return
	}
	var names []string
	for i, f := range call.Collection.Fields {
		if !ReadOnly(i, f) {
			names = append(names, f.Name)
		}
	}
	names = append(names, also...)
	hint := "its fields are " + strings.Join(names, ", ")
	if n := nearest.Of(Cut(name, 64), names); n != "" {
		hint = "did you mean " + strconv.Quote(n) + "?"
	}
	Wrong(call, name, "unknown_field", call.Collection.Name+" has no field "+strconv.Quote(Cut(name, 64))+"; "+hint)
}

// Wrong notes what is wrong with one member.
func Wrong(call *roundtrip.Call, name, code, message string) {
	if len(call.Wrong) < WrongMax {
		pointer := jsontext.Pointer("").AppendToken(Cut(name, 64))
		call.Wrong = append(call.Wrong, roundtrip.Detail{Pointer: string(pointer), Code: code, Message: message})
	}
}

// MeantOf names the nearest of some names, or all of them.
func MeantOf(word string, names []string) string {
	if n := nearest.Of(Cut(word, 64), names); n != "" {
		return "did you mean " + strconv.Quote(n) + "?"
	}
	return "it is " + Either(names)
}

// Either joins names as prose does.
func Either(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// Cut bounds what is repeated of a caller's text.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
