package input

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
)

// WantsString reports whether a field's value is a string in JSON.
func WantsString(t roundtrip.FieldType) bool {
	switch t {
	case roundtrip.TypeText, roundtrip.TypeSelect, roundtrip.TypeEmail, roundtrip.TypeURL, roundtrip.TypeTime, roundtrip.TypeRef, roundtrip.TypeID:
		return true
	case roundtrip.TypeInt, roundtrip.TypeFloat, roundtrip.TypeBool, roundtrip.TypeJSON, roundtrip.TypeFile, roundtrip.TypeCount:
	}
	return false
}

// Expected says in a sentence what a field takes.
func Expected(f *roundtrip.Field) string {
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

// IDIsKept is said of an update with another id, or with what can be none.
const IDIsKept = "id is read only: a record keeps its id; leave it out"

// PutValue sets a field of what the caller gave. The id of a record can't be changed: giving the same again is no change.
func PutValue(call *roundtrip.Call, i int, v roundtrip.Value) {
	if i == roundtrip.FieldID && call.Action == roundtrip.Update {
		if v.ID() != call.ID {
			Wrong(call, "id", "immutable", IDIsKept)
		}
		return
	}
	call.Input.Put(i, v)
}

// PutText sets a field from a string, as it stands in JSON or in a part of a form.
func PutText(call *roundtrip.Call, i int, f *roundtrip.Field, text string) {
	switch f.Type {
	case roundtrip.TypeTime:
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			Wrong(call, f.Name, "wrong_type", Expected(f))
			return
		}
		PutValue(call, i, roundtrip.Time(t))
	case roundtrip.TypeRef, roundtrip.TypeID:
		v, ok := roundtrip.ParseID(text)
		switch {
		case !ok && i == roundtrip.FieldID && call.Action == roundtrip.Update:
			Wrong(call, f.Name, "immutable", IDIsKept)
			return
		case !ok:
			Wrong(call, f.Name, "wrong_type", Expected(f))
			return
		}
		PutValue(call, i, roundtrip.Ref(v))
	default:
		if strings.IndexByte(text, 0) >= 0 {
			Wrong(call, f.Name, "wrong_value", "a text can't hold the character U+0000")
			return
		}
		PutValue(call, i, roundtrip.Text(text))
	}
}

// PutNumber sets a number field from its JSON text.
func PutNumber(call *roundtrip.Call, i int, f *roundtrip.Field, text string) {
	v, code, message := ParseNumber(f, text)
	if code != "" {
		Wrong(call, f.Name, code, message)
		return
	}
	PutValue(call, i, v)
}

// ParseNumber reads the JSON text of a number. An int is exact in all of its 64 bits; 1.0 and 1e3 are whole numbers too.
func ParseNumber(f *roundtrip.Field, text string) (v roundtrip.Value, code, message string) {
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
				return v, "wrong_type", Expected(f)
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

// IsNumber reports whether a text is a JSON number: ParseFloat takes more than that.
func IsNumber(text string) bool {
	v := jsontext.Value(text)
	return v.Kind() == '0' && v.IsValid() && strings.TrimSpace(text) == text
}
