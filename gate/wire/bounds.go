package wire

import (
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
)

// The bounds of a request's head, over all protocols.
const (
	HeadersMax   = 100      // header lines
	HeadBytesMax = 16 << 10 // of the target and the headers, as they stand in HTTP/1
)

// HeadTooLarge says that a head is over the bounds.
func HeadTooLarge() *roundtrip.Error {
	e := roundtrip.E(roundtrip.TooLarge, "request.headers_too_large", "The head of the request has more than %d header lines, or is longer than %d KiB.", HeadersMax, HeadBytesMax>>10)
	e.Status = http.StatusRequestHeaderFieldsTooLarge
	return e
}
