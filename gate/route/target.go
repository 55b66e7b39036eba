package route

import (
	"net/http"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
)

// HostName returns a Host header without its port.
func HostName(host string) string {
	if strings.HasPrefix(host, "[") { // an IPv6 literal, RFC 3986 section 3.2.2
		if end := strings.IndexByte(host, ']'); end > 0 {
			return host[1:end]
		}
		return host
	}
	if colon := strings.LastIndexByte(host, ':'); colon >= 0 {
		return host[:colon]
	}
	return host
}

// Clean refuses request targets that two readers could understand differently: what is encoded that must not be (slash,
// backslash, NUL), dot segments, control characters. It returns the path to route and to serve by, which is r.URL.Path
// but for empty segments.
func Clean(r *http.Request) (string, *roundtrip.Error) {
	p := r.URL.Path
	if r.URL.RawPath != "" && hasEncodedSlash(r.URL.RawPath) {
		return "", malformed("The path has an encoded slash or backslash. Send it as it is, or leave it out.")
	}
	if strings.IndexByte(r.RequestURI, '#') >= 0 {
		return "", malformed("The request target has a fragment (#). Fragments stay in the browser: leave it out.")
	}
	if p == "" || p[0] != '/' {
		return "", malformed("The request target must be a path that starts with a slash.")
	}
	doubled, dots := false, false
	for i := range len(p) {
		c := p[i]
		if c < 0x20 || c == 0x7f || c == '\\' {
			return "", malformed("The path has a backslash or a control character. Encode or remove it.")
		}
		if i > 0 && p[i-1] == '/' {
			doubled = doubled || c == '/'
			dots = dots || c == '.'
		}
	}
	if dots && hasDotSegment(p) {
		return "", malformed("The path has a segment \".\" or \"..\". Send the path that is meant.")
	}
	if !utf8.ValidString(p) {
		return "", malformed("The path is not UTF-8. Encode it as UTF-8, then with percent signs.")
	}
	if doubled {
		slash := strings.HasSuffix(p, "/")
		if p = path.Clean(p); slash && p != "/" {
			p += "/"
		}
	}
	return p, nil
}

func malformed(public string) *roundtrip.Error {
	return roundtrip.E(roundtrip.Invalid, "request.malformed", public)
}

func hasEncodedSlash(raw string) bool {
	for i := 0; i+2 < len(raw); i++ {
		if raw[i] != '%' {
			continue
		}
		switch raw[i+1 : i+3] {
		case "2f", "2F", "5c", "5C", "00":
			return true
		}
	}
	return false
}

// hasDotSegment looks at segments without their parameters: Tomcat and its kin take those off first, and climb for "..;x".
func hasDotSegment(p string) bool {
	for segment := range strings.SplitSeq(p, "/") {
		if segment, _, _ = strings.Cut(segment, ";"); segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
