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
