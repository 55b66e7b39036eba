package rest

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
)

// wantsString reports whether a field's value is a string in JSON.
func wantsString(t roundtrip.FieldType) bool {
	switch t {
	case roundtrip.TypeText, roundtrip.TypeSelect, roundtrip.TypeEmail, roundtrip.TypeURL, roundtrip.TypeTime, roundtrip.TypeRef, roundtrip.TypeID:
		return true
	case roundtrip.TypeInt, roundtrip.TypeFloat, roundtrip.TypeBool, roundtrip.TypeJSON, roundtrip.TypeFile, roundtrip.TypeCount:
	}
	return false
}

// expected says in a sentence what a field takes.
func expected(f *roundtrip.Field) string {
	switch f.Type {
	case roundtrip.TypeInt:
		return "a whole number is expected"
	case roundtrip.TypeFloat:
		return "a number is expected"
	case roundtrip.TypeBool:
		return "true or false is expected"
	case roundtrip.TypeTime:
		return "a time is expected, such as \"2026-11-22T19:03:31Z\" (RFC 3339)"
	case roundtrip.TypeRef:
		return "the id of a record of " + f.To.Name + " is expected: " + roundtrip.IDForm
	case roundtrip.TypeID:
		return "an id is expected: " + roundtrip.IDForm + "; leave it out to get one"
	case roundtrip.TypeFile:
		return "a file is expected as a part of multipart/form-data; in JSON only null is taken"
	case roundtrip.TypeSelect:
		return "one of " + strings.Join(f.Options, ", ") + " is expected"
	case roundtrip.TypeJSON:
		return "a JSON value is expected"
	case roundtrip.TypeText, roundtrip.TypeEmail, roundtrip.TypeURL, roundtrip.TypeCount:
	}
	return "a text is expected"
}

// idIsKept is said of an update with another id, or with what can be none.
const idIsKept = "id is read only: a record keeps its id; leave it out"

// putValue sets a field of what the caller gave. The id of a record can't be changed: giving the same again is no change.
func putValue(call *roundtrip.Call, i int, v roundtrip.Value) {
	if i == roundtrip.FieldID && call.Action == roundtrip.Update {
		if v.ID() != call.ID {
			wrongField(call, "id", "immutable", idIsKept)
		}
		return
	}
	call.Input.Put(i, v)
}

// putText sets a field from a string, as it stands in JSON or in a part of a form.
func putText(call *roundtrip.Call, i int, f *roundtrip.Field, text string) {
	switch f.Type {
	case roundtrip.TypeTime:
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			wrongField(call, f.Name, "wrong_type", expected(f))
			return
		}
		putValue(call, i, roundtrip.Time(t))
	case roundtrip.TypeRef, roundtrip.TypeID:
		v, ok := roundtrip.ParseID(text)
		switch {
		case !ok && i == roundtrip.FieldID && call.Action == roundtrip.Update:
			wrongField(call, f.Name, "immutable", idIsKept)
			return
		case !ok:
			wrongField(call, f.Name, "wrong_type", expected(f))
			return
		}
		putValue(call, i, roundtrip.Ref(v))
	default:
		if strings.IndexByte(text, 0) >= 0 {
			wrongField(call, f.Name, "wrong_value", "a text can't hold the character U+0000")
			return
		}
		putValue(call, i, roundtrip.Text(text))
	}
}

// putNumber sets a number field from its JSON text.
func putNumber(call *roundtrip.Call, i int, f *roundtrip.Field, text string) {
	v, code, message := parseNumber(f, text)
	if code != "" {
		wrongField(call, f.Name, code, message)
		return
	}
	putValue(call, i, v)
}

// parseNumber reads the JSON text of a number. An int is exact in all of its 64 bits; 1.0 and 1e3 are whole numbers too.
func parseNumber(f *roundtrip.Field, text string) (v roundtrip.Value, code, message string) {
	if f.Type == roundtrip.TypeInt {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return roundtrip.Int(n), "", ""
		}
		if strings.ContainsAny(text, ".eE") {
			x, err := strconv.ParseFloat(text, 64)
			if err == nil && x == math.Trunc(x) && math.Abs(x) < 1<<53 {
				return roundtrip.Int(int64(x)), "", ""
			}
			if err == nil && x != math.Trunc(x) {
				return v, "wrong_type", expected(f)
			}
		}
		return v, "out_of_range", "a whole number of at most 64 bits is expected"
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return v, "out_of_range", "the number is too large for 64-bit floating point"
	}
	return roundtrip.Float(x), "", ""
}

// putPart sets a field from a part of a form. Where the field is no text, an empty part is null.
func putPart(call *roundtrip.Call, i int, f *roundtrip.Field, text string) {
	switch {
	case f.Type == roundtrip.TypeFile:
		wrongField(call, f.Name, "wrong_type", "a part with a file name is expected")
	case wantsString(f.Type) && (text != "" || f.Type == roundtrip.TypeText):
		putText(call, i, f, text)
	case text == "":
		putValue(call, i, roundtrip.Value{})
	case f.Type == roundtrip.TypeBool:
		if text != "true" && text != "false" {
			wrongField(call, f.Name, "wrong_type", expected(f))
			return
		}
		putValue(call, i, roundtrip.Bool(text == "true"))
	case f.Type == roundtrip.TypeJSON:
		putPartJSON(call, i, f, text)
	case !isNumber(text):
		wrongField(call, f.Name, "wrong_type", expected(f))
	default:
		putNumber(call, i, f, text)
	}
}

func putPartJSON(call *roundtrip.Call, i int, f *roundtrip.Field, text string) {
	v := jsontext.Value(text)
	if !v.IsValid() || deep(v, depthMax-1) {
		wrongField(call, f.Name, "wrong_type", expected(f))
		return
	}
	if err := v.Compact(); err != nil {
		wrongField(call, f.Name, "wrong_type", expected(f))
		return
	}
	if string(v) == "null" {
		putValue(call, i, roundtrip.Value{})
		return
	}
	putValue(call, i, roundtrip.JSON(string(v)))
}

// isNumber reports whether a text is a JSON number: ParseFloat takes more than that.
func isNumber(text string) bool {
	v := jsontext.Value(text)
	return v.Kind() == '0' && v.IsValid() && strings.TrimSpace(text) == text
}
