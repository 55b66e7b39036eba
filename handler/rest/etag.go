package rest

import (
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// etag is the entity tag of an answer with one record: "7", the record's own etag, where nothing but that makes the body,
// or "7-0123456789abcdef" with a hash of the body where counts, refs or a selection make it too. The hash is the same in
// every process, so that a restart costs no client its cache.
func (d *Door) etag(version int64, body []byte, hashed bool) string {
	var room [40]byte
	b := append(room[:0], '"')
	b = strconv.AppendInt(b, version, 10)
	if hashed {
		b = append(b, '-')
		b = appendHex(b, crc32.Checksum(body, d.crc))
		b = appendHex(b, crc32.ChecksumIEEE(body))
	}
	return string(append(b, '"'))
}

func appendHex(b []byte, v uint32) []byte {
	const digits = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, digits[v>>shift&15])
	}
	return b
}

// ifMatch reads the version that a write is meant for, 0 for any. Both forms of our tags are taken; what is compared is
// the record's own etag.
func ifMatch(h http.Header) (int64, error) {
	values := h["If-Match"]
	if len(values) == 0 {
		return 0, nil
	}
	text := strings.TrimSpace(values[0])
	if len(values) == 1 && text == "*" {
		return 0, nil
	}
	if v, ok := input.ParseETag(text); ok && len(values) == 1 {
		return v, nil
	}
	return 0, badHeader("If-Match", `one etag as it was given is expected, such as "7", or *`)
}

// hashedETag reports whether something else than the record's own etag makes the body of an answer.
func hashedETag(p *plan, q *roundtrip.Query) bool {
	return p.counts || len(q.Fields) > 0 || len(q.Expand) > 0
}
