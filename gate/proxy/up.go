package proxy

import (
	"encoding/binary"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/peer"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// loopsMax is how many gates a request may have passed before this one.
const loopsMax = 8

// checkLoop refuses a request that has been here before: its CDN-Loop header (RFC 8586) has our name.
func (f *forward) checkLoop() *roundtrip.Error {
	gates := 0
	for _, line := range f.r.Header["Cdn-Loop"] {
		for line != "" {
			var name string
			name, line, _ = strings.Cut(line, ",")
			name, _, _ = strings.Cut(name, ";")
			if gates++; gates > loopsMax || strings.Trim(name, " \t") == f.p.node {
				err := roundtrip.E(roundtrip.Unavailable, "proxy.loop", "The request came back to the gate that it was sent from.")
				err.Status = http.StatusLoopDetected
				return err
			}
		}
	}
	return nil
}

// target returns what is asked of the upstream: the path that was matched, as the client escaped it where it is the same,
// and the query as it was sent.
func (f *forward) target() string {
	u := f.r.URL
	path := f.path
	if f.p.rewrite != "" {
		path = f.p.rewrite + path[min(len(f.p.mount), len(path)):] // "/app" is "/app/"
	}
	escaped := u.EscapedPath()
	if path != u.Path {
		escaped = (&url.URL{Path: path}).EscapedPath()
	}
	if u.RawQuery == "" {
		return escaped
	}
	return escaped + "?" + u.RawQuery
}

// host returns what Host says.
func (f *forward) host(up *pool.Upstream) string {
	switch f.p.declared.Host {
	case "":
		return f.r.Host
	case "upstream":
		return up.Declared.Host
	}
	return f.p.declared.Host
}

// taken reports whether a header of the client goes no further: what is of the connection (RFC 9110 section 7.6.1), and
// what the gate says itself. Forwarded is not sent beside X-Forwarded-For, because two that say the same can differ; Via
// is not, because some servers stop compressing for it, and loops are seen by CDN-Loop.
func taken(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Http2-Settings", "Expect", "Host", "Content-Length",
		"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Cdn-Loop", "Traceparent", "Tracestate", "X-Journey":
		return true
	case "X-Request-Id":
		return true
	}
	return false
}

// goesUp reports whether a header of the client is passed on.
func (f *forward) goesUp(name string) bool {
	switch {
	case name == "Tracestate": // the gate leaves both of a trusted proxy, and neither of anybody else
		return f.r.Header["Traceparent"] != nil
	case taken(name) && (name != "X-Request-Id" || f.journey != nil):
		return false
	}
	for i := range f.p.declared.Set {
		if f.p.declared.Set[i].Name == name {
			return false
		}
	}
	return !listed(f.r.Header["Connection"], name)
}

// appendHead appends the head of the request as an HTTP/1.1 upstream gets it.
func (f *forward) appendHead(b []byte, up *pool.Upstream) ([]byte, *roundtrip.Error) {
	r := f.r
	target := f.target()
	if !isToken(r.Method) || !isTarget(target) {
		return b, roundtrip.E(roundtrip.Invalid, "request.malformed", "The method or the target of the request has characters that may not be in one.")
	}
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, target...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = appendLine(b, "Host", f.host(up))
	for name, values := range r.Header {
		if !f.goesUp(name) {
			continue
		}
		for _, v := range values {
			if !isValue(v) || !isToken(name) {
				return b, roundtrip.E(roundtrip.Invalid, "request.malformed", "A header has characters that may not be in one.")
			}
			b = appendLine(b, name, v)
		}
	}
	f.eachOwn(func(name, value string) { b = appendLine(b, name, value) })
	return append(f.appendFraming(b), "\r\n"...), nil
}

// appendFraming appends the headers of the connection.
func (f *forward) appendFraming(b []byte) []byte {
	r := f.r
	switch {
	case f.upgrade:
		b = append(b, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	case listed(r.Header["Te"], "trailers"):
		b = append(b, "Connection: TE\r\nTE: trailers\r\n"...)
	}
	switch {
	case f.spool != nil:
		b = appendNumber(b, f.spool.size)
	case f.hasBody() && r.ContentLength > 0:
		b = appendNumber(b, r.ContentLength)
	case f.hasBody():
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		for name := range r.Trailer {
			b = appendLine(b, "Trailer", name)
		}
	case r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch:
		b = append(b, "Content-Length: 0\r\n"...)
	}
	return b
}

// eachOwn calls add for what the gate says of the request itself.
func (f *forward) eachOwn(add func(name, value string)) {
	r := f.r
	p := peer.From(r.Context())
	add("X-Forwarded-For", forwardedFor(p, r.RemoteAddr))
	proto, host := "http", p.Host
	if p.Secure || !p.Direct.IsValid() && r.TLS != nil {
		proto = "https"
	}
	if host == "" {
		host = r.Host
	}
	add("X-Forwarded-Proto", proto)
	add("X-Forwarded-Host", host)
	loop := f.p.node
	if before := r.Header["Cdn-Loop"]; len(before) > 0 {
		loop = strings.Join(before, ", ") + ", " + loop
	}
	add("CDN-Loop", loop)
	if f.journey != nil {
		parent := f.parent()
		add("Traceparent", parent)
		add("X-Request-Id", parent[3:35])
	}
	for i := range f.p.declared.Set {
		add(f.p.declared.Set[i].Name, f.p.declared.Set[i].Value)
	}
}

// parent is what the upstream is told of the trace: the journey's id, and a span of its own for each try. The gate records
// every request, and says so, unless a trusted proxy has said that the trace is not recorded: tracers behind us follow that.
func (f *forward) parent() string {
	recorded := true
	if lines := f.r.Header["Traceparent"]; len(lines) == 1 { // the gate has left it there, so its word holds
		if _, _, sampled, ok := trace.ParseParent(lines[0]); ok {
			recorded = sampled
		}
	}
	id := f.journey.ID
	span := binary.BigEndian.Uint64(id[8:]) ^ uint64(f.journey.Start.UnixNano())
	var text [parentLen]byte
	return string(trace.AppendParent(text[:0], id, max(span+uint64(len(f.tried)), 1), recorded))
}

// parentLen is the length of a traceparent.
const parentLen = 55

func forwardedFor(p *peer.Peer, remote string) string {
	direct := p.Direct
	if !direct.IsValid() { // a request that did not come through the gate's own door
		addr, _ := netip.ParseAddrPort(remote)
		direct = addr.Addr().Unmap().WithZone("")
	}
	text := "unknown"
	if direct.IsValid() {
		text = direct.String()
	}
	if p.Via != "" {
		return p.Via + ", " + text
	}
	return text
}

func appendLine(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ':', ' ')
	b = append(b, value...)
	return append(b, '\r', '\n')
}

func appendNumber(b []byte, n int64) []byte {
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, n, 10)
	return append(b, '\r', '\n')
}

// isToken reports whether a text is a token (RFC 9110 section 5.6.2). The client's side has looked at that, for HTTP/1 and
// HTTP/2 and HTTP/3 in other code each; what goes out as text is looked at here once more.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		case strings.IndexByte("!#$%&'*+.^`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

func isTarget(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= 0x20 || c == 0x7f {
			return false
		}
	}
	return s != "" && s[0] == '/'
}

func isValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 0x20 && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}
