package roundtrip

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// ProblemType is the content type of every error body (RFC 9457 section 3).
const ProblemType = "application/problem+json"

// AppendProblem appends the error as a problem details object (RFC 9457 section 3.1) with our extension members code,
// reason, journey and errors. instance is the path of the request, journey the id of its record; both may be "".
// Nothing of Op or Err is written.
func (e *Error) AppendProblem(b []byte, instance, journey string) []byte {
	status := e.HTTPStatus()
	b = append(b, `{"type":"/problems/`...)
	b = append(b, e.Kind.Code()...)
	b = append(b, `","title":`...)
	b = appendQuoted(b, e.Kind.Title())
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = appendMember(b, "code", e.Kind.Code())
	b = appendMember(b, "reason", e.Reason)
	b = appendMember(b, "detail", e.Public)
	b = appendMember(b, "instance", instance)
	b = appendMember(b, "journey", journey)
	for i, d := range e.Details {
		if i == 0 {
			b = append(b, `,"errors":[`...)
		} else {
			b = append(b, ',')
		}
		b = d.append(b)
	}
	if len(e.Details) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

func (d Detail) append(b []byte) []byte {
	b = append(b, `{"code":`...)
	b = appendQuoted(b, d.Code)
	b = appendMember(b, "pointer", d.Pointer)
	b = appendMember(b, "parameter", d.Parameter)
	if d.Column > 0 {
		b = append(b, `,"column":`...)
		b = strconv.AppendInt(b, int64(d.Column), 10)
	}
	b = appendMember(b, "detail", d.Message)
	return append(b, '}')
}

func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendQuoted(b, value)
}

// appendQuoted appends s as a JSON string; bytes that are no UTF-8 become the replacement character.
func appendQuoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // its only error is about bad UTF-8, which it has replaced by then
	return b
}
