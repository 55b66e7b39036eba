package http1

import "net/textproto"

// canonicalName returns the canonical form of a header name, and whether it is a token (RFC 9110 section 5.6.2). The
// common names cost nothing.
func canonicalName(name string) (string, bool) {
	upper := true
	canonical := true
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z':
			canonical = canonical && !upper
		case 'A' <= c && c <= 'Z':
			canonical = canonical && upper
		case c == '-', '0' <= c && c <= '9':
		case c == '!', c == '#', c == '$', c == '%', c == '&', c == '\'', c == '*', c == '+', c == '.', c == '^', c == '_', c == '`', c == '|', c == '~':
		default:
			return "", false
		}
		upper = c == '-'
	}
	if name == "" {
		return "", false
	}
	if canonical {
		return name, true
	}
	return textproto.CanonicalMIMEHeaderKey(name), true
}
