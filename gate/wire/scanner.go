package wire

import (
	"bytes"

	"github.com/roundtrip-dev/roundtrip"
)

// The parts of an HTTP/1 message, as far as a scanner needs to tell them apart.
type part uint8

const (
	startLine part = iota
	headerLine
	lengthBody  // left bytes
	chunkLine   // the size of the next chunk
	chunkData   // left bytes
	chunkEnd    // the CRLF after them
	trailerLine //
	unknown     // after an upgrade, or where net/http will find the mistake itself
)

// chunkLineMax bounds the line of a chunk's size with its extensions, in bytes.
const chunkLineMax = 256

// lineKeep is how much room for lines that come in pieces a connection keeps, in bytes.
const lineKeep = 1 << 10

// scanner follows the messages of a connection.
type scanner struct {
	part  part
	line  []byte // the beginning of a line that came in an earlier read
	left  int64
	heads int64            // how many have begun
	why   *roundtrip.Error // what is refused; nil while nothing is
	head  head             // the one that is being read, or whose body is
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
				s.part = s.afterData()
			}
		case startLine, headerLine, chunkLine, chunkEnd, trailerLine:
			end := bytes.IndexByte(p[at:], '\n')
			if end < 0 {
				s.line = append(s.line, p[at:]...)
				if s.takePart(s.line); s.why != nil {
					return at
				}
				return len(p)
			}
			line := p[at : at+end+1]
			if len(s.line) > 0 {
				s.line = append(s.line, line...)
				line = s.line
			}
			s.take(line)
			if s.line = s.line[:0]; cap(s.line) > lineKeep {
				s.line = nil // a connection that rests keeps no room for a line that was long once
			}
			if s.why != nil {
				return at
			}
			at += end + 1
		}
	}
	return at
}

// inBody reports whether the head of the message is complete: what is refused then leaves its body without an end.
func (s *scanner) inBody() bool { return s.part != startLine && s.part != headerLine }

// takePart looks at a line whose end has not come yet: it may be too long already.
func (s *scanner) takePart(line []byte) {
	switch {
	case s.part == chunkEnd && string(line) != "\r":
		s.why = errChunkEnd()
	case s.part == chunkLine && len(line) > chunkLineMax:
		s.why = malformed("The line of a chunk's size is too long.")
	case s.part != chunkEnd && s.part != chunkLine && s.head.size+len(line) > HeadBytesMax:
		s.tooLarge()
	}
}

func errChunkEnd() *roundtrip.Error {
	return malformed("A chunk of the body is not followed by CR LF.")
}

func (s *scanner) tooLarge() {
	if s.part == startLine {
		s.heads++
	}
	s.why = HeadTooLarge()
}

// take looks at one line with its end.
func (s *scanner) take(line []byte) {
	if s.part == chunkEnd {
		if s.part = chunkLine; string(line) != "\r\n" {
			s.why = errChunkEnd()
		}
		return
	}
	if s.takePart(line); s.why != nil {
		return
	}
	text, proper := bytes.CutSuffix(line, crlf)
	if !proper || bytes.IndexByte(text, '\r') >= 0 {
		if s.part == startLine {
			s.heads++
		}
		s.why = malformed("A line of the request does not end in CR LF.")
		return
	}
	switch s.part {
	case startLine:
		if len(text) == 0 { // net/http does not take an empty line before a request, and says so
			return
		}
		s.heads++
		s.part = headerLine
		s.why = s.head.begin(text)
	case headerLine:
		if len(text) > 0 {
			s.why = s.head.take(text)
		} else if s.why = s.head.end(); s.why == nil {
			s.endHead()
		}
	case chunkLine:
		s.takeChunk(text)
	case trailerLine:
		s.takeTrailer(text)
	case lengthBody, chunkData, chunkEnd, unknown:
	}
}

var crlf = []byte("\r\n")

func (s *scanner) endHead() {
	switch h := &s.head; {
	case h.upgrade:
		s.part = unknown
	case h.chunked:
		s.part = chunkLine
	case h.length > 0:
		s.part, s.left = lengthBody, h.length
	default:
		s.next()
	}
}

// next waits for the next message.
func (s *scanner) next() { s.part, s.head.size = startLine, 0 }

// afterData returns what comes after a body, or after the bytes of a chunk.
func (s *scanner) afterData() part {
	if s.part == chunkData {
		return chunkEnd
	}
	s.head.size = 0
	return startLine
}

// takeChunk reads the size line of a chunk (RFC 9112 section 7.1). The size is of hexadecimal digits and nothing else.
func (s *scanner) takeChunk(text []byte) {
	size, extension, extended := bytes.Cut(text, []byte(";"))
	if extended { // white space before an extension is allowed, though bad (section 7.1.1)
		size = bytes.TrimRight(size, " \t")
	}
	n, ok := hexadecimal(size)
	switch {
	case !ok:
		s.why = malformed("The size of a chunk is no hexadecimal number.")
	case bytes.IndexByte(extension, 0) >= 0:
		s.why = malformed("The extension of a chunk has a NUL byte.")
	case n > 0:
		s.part, s.left = chunkData, n
	default:
		s.part, s.head.size, s.head.lines = trailerLine, 0, 0
	}
}

// hexadecimal reads 1 to 15 digits.
func hexadecimal(text []byte) (n int64, ok bool) {
	for _, c := range text {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int64(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | int64(c-'a'+10)
		case 'A' <= c && c <= 'F':
			n = n<<4 | int64(c-'A'+10)
		default:
			return 0, false
		}
	}
	return n, 0 < len(text) && len(text) <= 15
}

func (s *scanner) takeTrailer(text []byte) {
	if len(text) == 0 {
		s.next()
		return
	}
	s.why = s.head.count(text)
	if s.why == nil && (text[0] == ' ' || text[0] == '\t') {
		s.why = errFolded()
	}
}
