package input

import (
	"strconv"
	"strings"
)

// ParseETag reads the version out of "7" or "7-0123456789abcdef", quotes included. A weak tag is taken too: what stands
// between us and the client may have made it one by compressing the answer.
func ParseETag(text string) (int64, bool) {
	text = strings.TrimPrefix(text, "W/")
	if len(text) < 3 || text[0] != '"' || text[len(text)-1] != '"' {
		return 0, false
	}
	return ParseVersion(text[1 : len(text)-1])
}

// ParseVersion reads 7 or 7-0123456789abcdef.
func ParseVersion(text string) (int64, bool) {
	text, hash, hashed := strings.Cut(text, "-")
	if hashed && (hash == "" || strings.Trim(hash, "0123456789abcdef") != "") {
		return 0, false
	}
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	v, err := strconv.ParseInt(text, 10, 64)
	return v, err == nil && v > 0
}

// MatchesNone reports whether an If-None-Match header has the tag (RFC 9110 section 13.1.2: weak comparison), so that the
// answer is 304.
func MatchesNone(header []string, etag string) bool {
	for _, line := range header {
		for line != "" {
			var tag string
			tag, line, _ = strings.Cut(line, ",") // our own tags have no comma
			if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
				return true
			}
		}
	}
	return false
}
