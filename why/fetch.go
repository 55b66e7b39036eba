package why

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// The rules of the Fetch standard that decide what a browser sends for a page.

// safeBytesMax is how long the values of headers may be together that a page may send without asking, and safeValueMax the
// value of one of them (Fetch standard, section 2.2.2).
const (
	safeBytesMax = 1024
	safeValueMax = 128
)

// simpleMethod reports whether a page may use the method without asking.
func simpleMethod(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodPost
}

// unsafeHeaders returns the names, in small letters and sorted, that a browser asks for before it sends them.
func unsafeHeaders(h http.Header) []string {
	var asked, safe []string
	size := 0
	for name, values := range h {
		name = strings.ToLower(name)
		if forbidden(name) {
			continue
		}
		value := strings.Join(values, ", ")
		if safelisted(name, value) {
			safe = append(safe, name)
			size += len(value)
		} else {
			asked = append(asked, name)
		}
	}
	if size > safeBytesMax {
		asked = append(asked, safe...)
	}
	slices.Sort(asked)
	return asked
}

// safelisted is a CORS-safelisted request-header.
func safelisted(name, value string) bool {
	if len(value) > safeValueMax {
		return false
	}
	switch name {
	case "accept":
		return !strings.ContainsAny(value, "\"():<>?@[\\]{}\x7f") && printable(value) == value
	case "accept-language", "content-language":
		return strings.Trim(value, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz *,-.;=") == ""
	case "content-type":
		kind, _, err := mime.ParseMediaType(value)
		return err == nil && (kind == "application/x-www-form-urlencoded" || kind == "multipart/form-data" || kind == "text/plain")
	case "range":
		first, last, ok := strings.Cut(strings.TrimPrefix(value, "bytes="), "-")
		return ok && strings.HasPrefix(value, "bytes=") && first != "" && strings.Trim(first+last, "0123456789") == ""
	}
	return false
}

// forbidden reports whether a script may not set the header: the browser alone does.
func forbidden(name string) bool {
	switch name {
	case "accept-charset", "accept-encoding", "access-control-request-headers", "access-control-request-method", "connection",
		"content-length", "cookie", "cookie2", "date", "dnt", "expect", "host", "keep-alive", "origin", "referer", "set-cookie",
		"te", "trailer", "transfer-encoding", "upgrade", "via":
		return true
	}
	return strings.HasPrefix(name, "proxy-") || strings.HasPrefix(name, "sec-")
}

// needsPreflight says why a browser asks beforehand, or why it does not: one of the two is "".
func needsPreflight(t *Target, origin, method string, h http.Header) (because, simple string) {
	switch asked := unsafeHeaders(h); {
	case origin == "":
		return "", "no --origin was given, so no page is stood in for"
	case t.Same(origin):
		return "", "the page is of the same origin"
	case t.Socket:
		return "", "browsers ask nothing before a WebSocket; the server has to look at its origin"
	case !simpleMethod(method):
		return "the method " + method, ""
	case len(asked) > 0:
		return "the header " + strings.Join(asked, ", "), ""
	}
	return "", "a simple request: browsers send it without asking"
}

// fetchSite is what browsers put into Sec-Fetch-Site, as far as the registrable domain is told by its last labels alone.
func fetchSite(t *Target, origin string) string {
	if t.Same(origin) {
		return "same-origin"
	}
	if sameSite(originOf(t.URL), origin) {
		return "same-site"
	}
	return "cross-site"
}
