package rest

import (
	"net/http"
	"net/url"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// The inner doors of the package's own tests.
var (
	AppendString = input.AppendString
	Disposition  = disposition
	ParseETag    = input.ParseETag
	MatchesNone  = input.MatchesNone
)

// DecodeRecord reads a body as a create or update of a collection would.
func DecodeRecord(call *roundtrip.Call, body []byte) error {
	if call.Input == nil {
		call.Input = roundtrip.NewRecord(call.Collection)
	}
	return decodeRecord(call, body)
}

// Encoder returns what appends the records of a collection.
func Encoder(c *roundtrip.Collection) func(b []byte, row roundtrip.Row, mask []bool) []byte {
	return newPlan(c, "/api/").appendRecord
}

// ParseQuery reads a query string as a list of a collection would.
func ParseQuery(c *roundtrip.Collection, raw string) (roundtrip.Query, error) {
	x := exchange{r: &http.Request{URL: &url.URL{RawQuery: raw}}, at: place{plan: newPlan(c, "/api/")}}
	var q roundtrip.Query
	err := x.parameters(&q, listParams)
	return q, err
}
