package gate

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strconv"
	"sync/atomic"
)

// lineMax bounds a line of a head, in bytes. It is over headReadMax, so that net/http refuses a head that is longer.
const lineMax = 72 << 10

// strict is an HTTP/1 connection whose heads are looked at before net/http reads them. It refuses what net/http lets
// pass although another reader in front of us could understand it differently (RFC 9112 sections 2.2, 5.2, 6.1): lines
// that end in a bare LF, folded lines, Content-Length twice or beside Transfer-Encoding, Transfer-Encoding in HTTP/1.0.
//
// It changes no framing: what it refuses it cuts off, ends the head there, and notes which request of the connection it
// was, so that the gate answers it in its turn.
type strict struct {
	net.Conn

	gate  *Gate
	facts *connection
	scan  scanner
	rest  []byte // what is still to be handed out before the end, once something was refused
	ended bool
}

// Read reads from the connection, and looks at it.
func (c *strict) Read(p []byte) (int, error) {
	if c.ended {
		if len(c.rest) == 0 {
			return 0, io.EOF
		}
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p)
	good := c.scan.feed(p[:n])
	if c.scan.why == "" {
		return n, err
	}
	c.facts.refused.Store(&refusal{request: c.scan.heads, why: c.scan.why})
	c.ended, c.rest = true, []byte("\r\n\r\n")
	if good == 0 && len(p) > 0 {
		return c.Read(p)
	}
	return good, nil
}

// refusal says which request of a connection was refused, counted from 1, and why.
type refusal struct {
	request int64
	why     string
}

// strictPlain is a connection without TLS.
type strictPlain struct {
	strict

	tracked *tracked
}

// ReadFrom keeps sendfile.
func (c *strictPlain) ReadFrom(src io.Reader) (int64, error) { return c.tracked.ReadFrom(src) }

// CloseWrite ends our half, so that the client can read the last answer.
func (c *strictPlain) CloseWrite() error { return c.tracked.CloseWrite() }

// strictTLS is a connection with TLS that speaks HTTP/1.
type strictTLS struct {
	strict

	tls *tls.Conn
}

// ConnectionState makes net/http set Request.TLS.
func (c *strictTLS) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// CloseWrite ends our half, so that the client can read the last answer.
func (c *strictTLS) CloseWrite() error { return c.tls.CloseWrite() }

func newStrictPlain(g *Gate, t *tracked) *strictPlain {
	t.facts.strict = true
	return &strictPlain{strict: strict{Conn: t, gate: g, facts: &t.facts}, tracked: t}
}

func newStrictTLS(g *Gate, t *tracked, c *tls.Conn) *strictTLS {
	t.facts.strict = true
	return &strictTLS{strict: strict{Conn: c, gate: g, facts: &t.facts}, tls: c}
}

// turns counts the requests of a connection as they are served.
type turns struct {
	served  int64 // HTTP/1 only: one request at a time
	strict  bool  // whether heads are looked at: HTTP/1
	serving bool  // from a request's begin until all of its answer is sent
	refused atomic.Pointer[refusal]
}

// next says why the request that is served now was refused, or "".
func (t *turns) next() string {
	t.served++
	t.serving = true
	if r := t.refused.Load(); r != nil && r.request == t.served {
		return r.why
	}
	return ""
}

// The parts of an HTTP/1 message, as far as a scanner needs to tell them apart.
type part uint8

const (
	startLine part = iota
	headerLine
	lengthBody  // left bytes
	chunkLine   // the size of the next chunk
	chunkData   // left bytes, and the CRLF after them
	trailerLine //
	unknown     // after an upgrade, or where net/http will find the mistake itself
)

// scanner follows the messages of a connection.
type scanner struct {
	part  part
	line  []byte // the beginning of a line that came in an earlier read
	left  int64
	heads int64  // how many have begun
	why   string // what is refused, in a sentence; "" while nothing is

	old, hasLength, chunked, upgrade bool // of the head that is being read
}

// feed looks at the next bytes and returns how many of them may be handed on: all, or those before what is refused.
func (s *scanner) feed(p []byte) int {
	at := 0
	for at < len(p) && s.why == "" {
		switch s.part {
		case unknown:
			return len(p)
		case lengthBody, chunkData:
			n := min(s.left, int64(len(p)-at))
			at += int(n)
			if s.left -= n; s.left == 0 {
				s.part = s.afterBody()
			}
		case startLine, headerLine, chunkLine, trailerLine:
			end := bytes.IndexByte(p[at:], '\n')
			if end < 0 {
				if s.line = append(s.line, p[at:]...); len(s.line) > lineMax {
					s.part = unknown
				}
				return len(p)
			}
			line := p[at : at+end+1]
			if len(s.line) > 0 {
				s.line = append(s.line, line...)
				line = s.line
			}
			s.take(line)
			s.line = s.line[:0]
			if s.why != "" {
				return at
			}
			at += end + 1
		}
	}
	return at
}

// take looks at one line with its end.
func (s *scanner) take(line []byte) {
	text, proper := bytes.CutSuffix(line, []byte("\r\n"))
	isHead := s.part == startLine || s.part == headerLine
	if isHead && (!proper || bytes.IndexByte(text, '\r') >= 0) {
		if s.part == startLine {
			s.heads++
		}
		s.why = "A line of the request does not end in CR LF."
		return
	}
	switch s.part {
	case startLine:
		if len(text) == 0 { // an empty line before a request is allowed (RFC 9112 section 2.2)
			return
		}
		s.heads++
		s.old = bytes.HasSuffix(text, []byte("HTTP/1.0"))
		s.left, s.hasLength, s.chunked, s.upgrade = 0, false, false, false
		s.part = headerLine
	case headerLine:
		s.takeHeader(text)
	case chunkLine:
		s.takeChunk(text)
	case trailerLine:
		if len(text) == 0 {
			s.part = startLine
		}
	case lengthBody, chunkData, unknown:
	}
}

func (s *scanner) takeHeader(text []byte) {
	if len(text) == 0 {
		s.endHead()
		return
	}
	if text[0] == ' ' || text[0] == '\t' {
		s.why = "A header line is folded. Send each header on one line."
		return
	}
	name, value, _ := bytes.Cut(text, []byte(":"))
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		if s.hasLength {
			s.why = "There are two Content-Length headers. Send one."
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
		if err != nil || n < 0 {
			n = 0 // net/http refuses it
		}
		s.left, s.hasLength = n, true
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		s.chunked = true
	case bytes.EqualFold(name, []byte("Upgrade")):
		s.upgrade = true
	}
	switch {
	case s.why != "":
	case s.chunked && s.hasLength:
		s.why = "There are both Content-Length and Transfer-Encoding. Send one of them."
	case s.chunked && s.old:
		s.why = "There is a Transfer-Encoding in an HTTP/1.0 request. Send Content-Length."
	}
}

func (s *scanner) endHead() {
	switch {
	case s.upgrade:
		s.part = unknown
	case s.chunked:
		s.part = chunkLine
	case s.left > 0:
		s.part = lengthBody
	default:
		s.part = startLine
	}
}

// afterBody returns what comes after a body, or after a chunk of it.
func (s *scanner) afterBody() part {
	if s.part == chunkData {
		return chunkLine
	}
	return startLine
}

// takeChunk reads the size line of a chunk (RFC 9112 section 7.1).
func (s *scanner) takeChunk(text []byte) {
	size, _, _ := bytes.Cut(text, []byte(";"))
	n, err := strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 64)
	switch {
	case err != nil || n < 0 || n > 1<<62:
		s.part = unknown
	case n == 0:
		s.part = trailerLine
	default:
		s.part, s.left = chunkData, n+2
	}
}
