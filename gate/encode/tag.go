package encode

import (
	"net/http"
	"strings"
)

// A strong ETag names one sequence of bytes (RFC 9110 section 8.8.3), so that each coding of an answer needs one of its own:
// "abc" is "abc~br" in Brotli. A tag that comes back has that taken off again before the handler sees it: to the handler
// it is the tag that it gave, in If-Match too, where a weak one would never match.

// Tag returns the entity tag of a coding of what has the tag.
func Tag(tag string, c Coding) string {
	if c == Identity || len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' { // a weak tag stands for all codings
		return tag
	}
	return tag[:len(tag)-1] + "~" + c.String() + `"`
}

// untag takes the mark of a coding off the tags of a header line. It returns the coding of the last one that had one.
func untag(line string) (string, Coding) {
	found := Identity
	for c := Gzip; c < codings; c++ {
		if mark := "~" + c.String() + `"`; strings.Contains(line, mark) {
			line, found = strings.ReplaceAll(line, mark, `"`), c
		}
	}
	return line, found
}

// untagConditions takes the marks off the conditions of a request. The lines are copied: what others hold of the header stays.
func untagConditions(h http.Header) Coding {
	found := Identity
	for _, name := range [...]string{"If-None-Match", "If-Match"} {
		lines := h[name]
		for i, line := range lines {
			if !strings.Contains(line, "~") {
				continue
			}
			plain, c := untag(line)
			if c == Identity {
				continue
			}
			fresh := make([]string, len(lines))
			copy(fresh, lines)
			fresh[i] = plain
			lines, found = fresh, c
		}
		if lines != nil {
			h[name] = lines
		}
	}
	return found
}
