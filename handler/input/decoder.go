package input

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
)

// Decoder reads JSON (RFC 8259, with the limits of RFC 7493: no name twice, good UTF-8) token by token, and says what is
// wrong with it in our words.
type Decoder struct {
	Dec  *jsontext.Decoder
	Base int    // offset of the text in the whole body
	Path string // pointer of the text in the whole body
}

// NewDecoder begins to read a text.
func NewDecoder(text []byte) *Decoder {
	return &Decoder{Dec: jsontext.NewDecoder(bytes.NewBuffer(text))}
}

// Open reads the bracket with which a value starts.
func (d *Decoder) Open(kind jsontext.Kind, expected string) error {
	have := d.Dec.PeekKind()
	if have == kind {
		_, err := d.Dec.ReadToken()
		return d.Failed(err)
	}
	if _, err := d.Dec.ReadToken(); err != nil {
		return d.Failed(err)
	}
	return BadJSON(d.Base, d.Path, "wrong_type", expected+"; the JSON here is "+jsonWords(have))
}

// jsonWords says what a JSON value is.
func jsonWords(kind jsontext.Kind) string {
	switch kind {
	case jsontext.KindBeginArray:
		return "an array"
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "true or false"
	case jsontext.KindNull, jsontext.KindInvalid, jsontext.KindEndObject, jsontext.KindEndArray:
	}
	return "null"
}

// End refuses what follows the body's one value.
func (d *Decoder) End() error {
	_, err := d.Dec.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return BadJSON(d.Base+int(d.Dec.InputOffset()), "", "trailing", "the body goes on after its value has ended")
}

// Failed turns what jsontext found into an error of ours. Errors of ours and nil stay as they are.
func (d *Decoder) Failed(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*roundtrip.Error](err); ok {
		return e
	}
	offset, pointer := d.Base+int(d.Dec.InputOffset()), d.Path
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset, pointer = d.Base+int(s.ByteOffset), d.Path+string(s.JSONPointer)
		err = s.Err
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return BadJSON(offset, pointer, "duplicate_name", "an object has this name twice")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return BadJSON(offset, pointer, "syntax", "it ends too early")
	case errors.Is(err, io.EOF):
		return BadJSON(offset, pointer, "empty", "the body is empty; an object is expected")
	case err != nil && (strings.Contains(err.Error(), "UTF-8") || strings.Contains(err.Error(), "surrogate")):
		return BadJSON(offset, pointer, "bad_utf8", "a text is not good UTF-8")
	case err != nil && strings.Contains(err.Error(), "depth"):
		return BadJSON(offset, pointer, "too_deep", "arrays and objects stand over "+strconv.Itoa(DepthMax)+" deep in each other")
	case err != nil && strings.Contains(err.Error(), "invalid character"):
		return BadJSON(offset, pointer, "syntax", err.Error())
	}
	return BadJSON(offset, pointer, "syntax", "this is no JSON")
}

// BadJSON is the error of a body that can't be read. offset counts bytes from 0.
func BadJSON(offset int, pointer, code, message string) error {
	public := "the body is no good JSON at byte " + strconv.Itoa(offset) + ": " + message
	if code == "wrong_type" || code == "empty" { // good JSON, or none at all
		public = message
	}
	return roundtrip.E(roundtrip.Invalid, "request.json", "%s", public).
		With(roundtrip.Detail{Pointer: Cut(pointer, 256), Code: code, Message: "at byte " + strconv.Itoa(offset) + ": " + message})
}

// Deep reports whether brackets in a good JSON text stand over most deep in each other.
func Deep(text []byte, most int) bool {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > most {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
