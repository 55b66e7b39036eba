package wire

import (
	"bytes"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// methodMax bounds the name of a method, in bytes. The longest one that is registered has 16 (UPDATEREDIRECTREF).
const methodMax = 32

// head is what a scanner remembers of the head that it reads.
type head struct {
	lines, size int    // header lines, and bytes of all lines
	authority   []byte // of an absolute target; empty for others
	defaultPort string // of its scheme, with the colon

	old       bool // HTTP/1.0
	get       bool
	host      bool // there was one
	hasLength bool
	chunked   bool
	offered   bool // there was an Upgrade
	upgrade   bool // to a WebSocket
	length    int64
}

// begin reads a request line (RFC 9112 section 3) as far as net/http is not strict enough with it.
func (h *head) begin(text []byte) *roundtrip.Error {
	*h = head{size: len(text) + 2, authority: h.authority[:0]}
	method, rest, _ := bytes.Cut(text, []byte(" "))
	at := bytes.LastIndexByte(rest, ' ')
	target, version := rest[:max(at, 0)], rest[at+1:]
	switch {
	case len(method) > methodMax:
		return malformed("The method is longer than 32 letters.")
	case string(version) == "HTTP/1.1":
	case string(version) == "HTTP/1.0":
		h.old = true
	case len(version) > 5 && string(version[:5]) == "HTTP/":
		return malformed("The version of the protocol is neither HTTP/1.1 nor HTTP/1.0.")
	default:
		return malformed("The request line does not end in a version of HTTP.")
	}
	h.get = string(method) == "GET"
	if len(target) > 0 && target[0] == '/' {
		return nil
	}
	return h.takeAbsolute(target)
}

// takeAbsolute reads a target such as http://gallery.test/x (RFC 9112 section 3.2.2). Other forms are net/http's to read
// and the gate's to refuse.
func (h *head) takeAbsolute(target []byte) *roundtrip.Error {
	scheme, rest, found := bytes.Cut(target, []byte("://"))
	if !found {
		return nil
	}
	switch {
	case bytes.EqualFold(scheme, []byte("http")):
		h.defaultPort = ":80"
	case bytes.EqualFold(scheme, []byte("https")):
		h.defaultPort = ":443"
	default:
		return malformed("The request target is no http or https address.")
	}
	if end := bytes.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	if len(rest) == 0 || bytes.IndexByte(rest, '@') >= 0 {
		return malformed("The request target names no host, or a user.")
	}
	h.authority = append(h.authority, rest...)
	return nil
}

// count counts a line against the bounds of a head.
func (h *head) count(text []byte) *roundtrip.Error {
	h.lines++
	if h.size += len(text) + 2; h.lines > HeadersMax || h.size > HeadBytesMax {
		return HeadTooLarge()
	}
	return nil
}

// take reads a header line. Names are looked at as they stand: one that is no token, such as "Content-Length ", net/http
// refuses.
func (h *head) take(text []byte) *roundtrip.Error {
	if err := h.count(text); err != nil {
		return err
	}
	if text[0] == ' ' || text[0] == '\t' {
		return errFolded()
	}
	name, value, _ := bytes.Cut(text, []byte(":"))
	switch len(name) { // nearly all lines are none of these
	case len("Host"):
		if bytes.EqualFold(name, []byte("Host")) {
			return h.takeHost(trim(value))
		}
	case len("Upgrade"):
		if bytes.EqualFold(name, []byte("Upgrade")) {
			return h.takeUpgrade(trim(value))
		}
	case len("Content-Length"):
		if bytes.EqualFold(name, []byte("Content-Length")) {
			return h.takeLength(trim(value))
		}
	case len("Transfer-Encoding"):
		if bytes.EqualFold(name, []byte("Transfer-Encoding")) {
			return h.takeEncoding(value)
		}
	}
	return nil
}

func errFolded() *roundtrip.Error {
	return malformed("A header line is folded. Send each header on one line.")
}

func trim(value []byte) []byte { return bytes.Trim(value, " \t") }

func (h *head) takeHost(value []byte) *roundtrip.Error {
	if h.host {
		return malformed("There are two Host headers. Send one.")
	}
	h.host = true
	if len(h.authority) > 0 && !sameAuthority(string(h.authority), string(value), h.defaultPort) {
		return malformed("The Host header and the request target name different hosts.")
	}
	return nil
}

// sameAuthority compares two authorities of one scheme, whose default port may be left out.
func sameAuthority(a, b, defaultPort string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, defaultPort), strings.TrimSuffix(b, defaultPort))
}

// takeLength reads a Content-Length: one, of digits alone, without zeros before them, since some readers take those for
// octal.
func (h *head) takeLength(value []byte) *roundtrip.Error {
	if h.hasLength {
		return malformed("There are two Content-Length headers. Send one.")
	}
	h.hasLength = true
	if len(value) == 0 || len(value) > 18 || (value[0] == '0' && len(value) > 1) {
		return malformed("The Content-Length is no number of 1 to 18 digits, or begins with a zero.")
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return malformed("The Content-Length is no number of 1 to 18 digits, or begins with a zero.")
		}
		h.length = 10*h.length + int64(c-'0')
	}
	return h.frame()
}

// takeEncoding reads a Transfer-Encoding: one, and the word chunked alone.
func (h *head) takeEncoding(value []byte) *roundtrip.Error {
	word, _ := bytes.CutPrefix(value, []byte(" "))
	if h.chunked || !bytes.EqualFold(word, []byte("chunked")) {
		return malformed("The Transfer-Encoding is not the one word chunked.")
	}
	h.chunked = true
	return h.frame()
}

// frame refuses what says twice how long the body is, or says it in a way that its version does not know.
func (h *head) frame() *roundtrip.Error {
	switch {
	case h.chunked && h.hasLength:
		return malformed("There are both Content-Length and Transfer-Encoding. Send one of them.")
	case h.chunked && h.old:
		return malformed("There is a Transfer-Encoding in an HTTP/1.0 request. Send Content-Length.")
	}
	return nil
}

// takeUpgrade lets WebSockets pass. An offer to go on as HTTP/2, which curl and Java's client make on their own, is not taken:
// the request is answered as the HTTP/1 that it is (RFC 9110 section 7.8). All else that a connection could become would
// go past what is checked here.
func (h *head) takeUpgrade(value []byte) *roundtrip.Error {
	h.upgrade = bytes.EqualFold(value, []byte("websocket"))
	if h.offered || !h.upgrade && !bytes.EqualFold(value, []byte(H2C)) {
		return malformed("The request asks for an upgrade that is not served. What is: websocket.")
	}
	h.offered = true
	return nil
}

// H2C is the upgrade to HTTP/2 without TLS, as RFC 7540 had it and RFC 9113 has no more.
const H2C = "h2c"

// end looks at the head as a whole.
func (h *head) end() *roundtrip.Error {
	switch {
	case !h.host && !h.old:
		return malformed("The Host header is missing.")
	case h.upgrade && (!h.get || h.old || h.chunked || h.length > 0):
		return malformed("An upgrade needs a GET of HTTP/1.1 without a body.")
	}
	return nil
}
