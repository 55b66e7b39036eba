package rest

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// putPart sets a field from a part of a form. Where the field is no text, an empty part is null.
func putPart(call *roundtrip.Call, i int, f *roundtrip.Field, text string) {
	switch {
	case f.Type == roundtrip.TypeFile:
		input.Wrong(call, f.Name, "wrong_type", "a part with a file name is expected")
	case input.WantsString(f.Type) && (text != "" || f.Type == roundtrip.TypeText):
		input.PutText(call, i, f, text)
	case text == "":
		input.PutValue(call, i, roundtrip.Value{})
	case f.Type == roundtrip.TypeBool:
		if text != "true" && text != "false" {
			input.Wrong(call, f.Name, "wrong_type", input.Expected(f))
			return
		}
		input.PutValue(call, i, roundtrip.Bool(text == "true"))
	case f.Type == roundtrip.TypeJSON:
		putPartJSON(call, i, f, text)
	case !input.IsNumber(text):
		input.Wrong(call, f.Name, "wrong_type", input.Expected(f))
	default:
		input.PutNumber(call, i, f, text)
	}
}

func putPartJSON(call *roundtrip.Call, i int, f *roundtrip.Field, text string) {
	v := jsontext.Value(text)
	if !v.IsValid() || input.Deep(v, input.DepthMax-1) {
		input.Wrong(call, f.Name, "wrong_type", input.Expected(f))
		return
	}
	if err := v.Compact(); err != nil {
		input.Wrong(call, f.Name, "wrong_type", input.Expected(f))
		return
	}
	if string(v) == "null" {
		input.PutValue(call, i, roundtrip.Value{})
		return
	}
	input.PutValue(call, i, roundtrip.JSON(string(v)))
}
