package static

import (
	"net/http"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// conditions evaluates the conditions of a request (RFC 9110 section 13.2.2) against a form's tag and the time of its file.
// It reports whether the client has what it asks for, and fails where the client wants another state of the file.
func conditions(h http.Header, tag string, changed time.Time) (notModified bool, err error) {
	if lines := h["If-Match"]; lines != nil {
		if !matches(lines, tag, false) {
			return false, stale("If-Match")
		}
	} else if since, ok := date(h["If-Unmodified-Since"]); ok && changed.Truncate(time.Second).After(since) {
		return false, stale("If-Unmodified-Since")
	}
	if lines := h["If-None-Match"]; lines != nil {
		return matches(lines, tag, true), nil
	}
	since, ok := date(h["If-Modified-Since"])
	return ok && !changed.Truncate(time.Second).After(since), nil
}

func stale(header string) *roundtrip.Error {
	return roundtrip.E(roundtrip.Stale, "static.changed", "The file is not the one that %s asks for.", header)
}

// matches reports whether a list of entity tags has the tag; our own tags have no comma.
func matches(lines []string, tag string, weakly bool) bool {
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			item = strings.Trim(item, " \t")
			if weakly {
				item = strings.TrimPrefix(item, "W/")
			}
			if item == "*" || item == tag {
				return true
			}
		}
	}
	return false
}

// date reads a header that is a date. A wrong one, or more than one, counts as none.
func date(lines []string) (time.Time, bool) {
	if len(lines) != 1 {
		return time.Time{}, false
	}
	t, err := http.ParseTime(lines[0])
	return t, err == nil
}
