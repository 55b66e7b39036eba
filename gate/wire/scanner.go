package wire

import (
	"bytes"
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
)

// lineMax bounds a line of a head, in bytes. It is over what net/http takes in, so that net/http refuses a head that is longer.
const lineMax = 72 << 10

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
	heads int64            // how many have begun
	why   *roundtrip.Error // what is refused; nil while nothing is

	old, hasLength, chunked, upgrade bool // of the head that is being read
}

// feed looks at the next bytes and returns how many of them may be handed on: all, or those before what is refused.
func (s *scanner) feed(p []byte) int {
	at := 0
	for at < len(p) && s.why == nil {
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
			if s.why != nil {
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
		s.why = malformed("A line of the request does not end in CR LF.")
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
		s.why = malformed("A header line is folded. Send each header on one line.")
		return
	}
	name, value, _ := bytes.Cut(text, []byte(":"))
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		if s.hasLength {
			s.why = malformed("There are two Content-Length headers. Send one.")
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
	case s.why != nil:
	case s.chunked && s.hasLength:
		s.why = malformed("There are both Content-Length and Transfer-Encoding. Send one of them.")
	case s.chunked && s.old:
		s.why = malformed("There is a Transfer-Encoding in an HTTP/1.0 request. Send Content-Length.")
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
