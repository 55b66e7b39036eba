package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// provesName is the protocol of a handshake in which an issuer of certificates looks whether a name is ours (RFC 8737).
const provesName = "acme-tls/1"

// handshake brings a connection through the TLS handshake. It returns nil where that failed, which it has told.
func (l *Listener) handshake(ctx context.Context, t *tracked) net.Conn {
	ctx, cancel := context.WithTimeout(ctx, l.front.options.Header)
	defer cancel()
	c := tls.Server(t, l.tls)
	t.heard.on = true
	if err := c.HandshakeContext(ctx); err != nil {
		l.fail(t, c, t.overheard(err))
		return nil
	}
	t.heard.on = false
	state := c.ConnectionState()
	if state.NegotiatedProtocol == provesName {
		_ = c.Close() // the handshake was all there is to it
		return nil
	}
	l.front.learn(&t.facts, &state)
	if state.NegotiatedProtocol == "h2" {
		return c
	}
	return newStrictTLS(l.front, t, c)
}

func handshakeNote(s *tls.ConnectionState) string {
	note := tls.VersionName(s.Version)
	if s.NegotiatedProtocol != "" {
		note += " " + s.NegotiatedProtocol
	}
	if s.DidResume {
		note += " resumed"
	}
	return note
}

// fail tells why a handshake failed, in the journey, and to a client that spoke plain HTTP.
func (l *Listener) fail(t *tracked, c *tls.Conn, err error) {
	reason := l.front.reasonOf(&t.facts, err)
	var header tls.RecordHeaderError
	if errors.As(err, &header) && header.Conn != nil && looksLikeHTTP(header.RecordHeader) {
		reason = trace.ReasonOf("tls.plaintext_on_tls_port")
		_ = t.SetWriteDeadline(l.front.options.Now().Add(time.Second))
		_, _ = io.WriteString(t.Conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"+
			"This port speaks HTTPS. Use https:// in the address.\n")
	}
	_ = c.Close()
	if !l.front.stopping.Load() {
		l.front.options.Lost(&t.facts, trace.TLS, reason, err)
	}
}

// looksLikeHTTP reports whether the first five bytes are those of an HTTP/1 request.
func looksLikeHTTP(b [5]byte) bool {
	switch string(b[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO", "CONNE", "TRACE":
		return true
	}
	return false
}
