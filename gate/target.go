package gate

import (
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
)

// validHost reports whether a Host header consists of the characters of host names, addresses and ports alone.
func validHost(host string) bool {
	for i := range len(host) {
		c := host[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '-', c == '_', c == ':', c == '[', c == ']':
		default:
			return false
		}
	}
	return host != "" && len(host) <= 262 // 255 octets of a name, and a port
}

func malformed(public string) *roundtrip.Error {
	return roundtrip.E(roundtrip.Invalid, "request.malformed", public)
}

// headSize measures the head of a request: how many header lines, and how many bytes as they stand in HTTP/1.
func headSize(r *http.Request) (lines, size int) {
	size = len(r.Method) + len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		lines += len(values)
		for _, v := range values {
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	return lines, size
}
