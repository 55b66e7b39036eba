package http1

import (
	"bytes"
	"net/http"
	"strings"
)

const (
	headMax  = 64 << 10 // bytes of an answer's head
	linesMax = 200      // header lines of an answer
)

// Field is one header line.
type Field struct {
	Name  string // canonical
	Value string
}

// Answer is what the head of an answer says. Its strings may be kept.
type Answer struct {
	Status int
	Fields []Field // as sent, those of the connection too; valid until the next head is read
	Length int64   // of the body; -1 where it is chunked or ends with the connection

	left    int64
	state   state
	close   bool // the connection ends with this answer
	chunked bool
	trailer []Field
}

// Chunked reports whether the body comes in chunks.
func (a *Answer) Chunked() bool { return a.chunked }

// Trailers returns the lines after a chunked body, once it has ended.
func (a *Answer) Trailers() []Field { return a.trailer }

// ReadHead reads the head of the next answer, which may be one with a status below 200: then another one follows. method
// is that of the request.
func (c *Conn) ReadHead(method string) error {
	block, err := c.block(headMax)
	if err != nil {
		return err
	}
	line, rest, _ := strings.Cut(block, "\r\n")
	a := &c.Answer
	*a = Answer{Fields: a.Fields[:0]}
	old, err := a.statusLine(line)
	if err != nil {
		return err
	}
	if a.Fields, err = appendFields(a.Fields, rest, linesMax); err != nil {
		return err
	}
	return a.frame(method, old)
}

// block reads up to an empty line, and returns all before it.
func (c *Conn) block(limit int) (string, error) {
	seen := 0 // how far it was looked at
	for {
		have := c.in[c.r:c.w]
		for seen < len(have) {
			end := bytes.IndexByte(have[seen:], '\n')
			if end < 0 {
				break
			}
			at := seen + end
			if at == 0 || have[at-1] != '\r' {
				return "", bad("a line of the head does not end in CR LF")
			}
			if at > limit {
				return "", tooLong(limit)
			}
			if end == 1 { // an empty line
				block := string(have[:max(0, at-1)])
				c.r += at + 1
				return block, nil
			}
			seen = at + 1
		}
		if len(have) >= limit {
			return "", tooLong(limit)
		}
		if c.r == 0 && c.w == len(c.in) && c.w > 0 { // a large head: rare enough to pay for it
			grown := make([]byte, min(2*len(c.in), limit+bufferBytes))
			copy(grown, c.in[:c.w])
			c.client.giveBuffer(c.in)
			c.in = grown
		}
		if err := c.fill(); err != nil {
			return "", err
		}
	}
}

func tooLong(limit int) *Error { return bad("its head or trailers are longer than %d KiB", limit>>10) }

func (a *Answer) statusLine(line string) (old bool, err error) {
	rest, ok := strings.CutPrefix(line, "HTTP/1.1 ")
	if !ok {
		if rest, old = strings.CutPrefix(line, "HTTP/1.0 "); !old {
			return false, bad("it does not begin with HTTP/1.1 or HTTP/1.0")
		}
	}
	if len(rest) < 3 || (len(rest) > 3 && rest[3] != ' ') || !plain(rest) {
		return false, bad("the status line can't be read")
	}
	for i := range 3 {
		if rest[i] < '0' || rest[i] > '9' {
			return false, bad("the status is no number")
		}
		a.Status = 10*a.Status + int(rest[i]-'0')
	}
	if a.Status < 100 || a.Status > 599 {
		return false, bad("there is no status %d", a.Status)
	}
	return old, nil
}

// appendFields reads header lines that end in CR LF each but for the last.
func appendFields(to []Field, block string, most int) ([]Field, error) {
	for block != "" {
		line, rest, _ := strings.Cut(block, "\r\n")
		block = rest
		if len(to) == most {
			return to, bad("there are more than %d header lines", most)
		}
		if line == "" || line[0] == ' ' || line[0] == '\t' {
			return to, bad("a header line is folded")
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return to, bad("a header line has no colon")
		}
		canonical, ok := canonicalName(name)
		if !ok {
			return to, bad("a header name has characters that may not be in one")
		}
		value = strings.Trim(value, " \t")
		if !plain(value) {
			return to, bad("the value of %s has control characters", canonical)
		}
		to = append(to, Field{canonical, value})
	}
	return to, nil
}

// frame finds out how long the body is (RFC 9112 section 6.3).
func (a *Answer) frame(method string, old bool) error {
	a.Length, a.close = -1, old
	lengths, codings := 0, 0
	for i := range a.Fields {
		switch f := &a.Fields[i]; f.Name {
		case "Content-Length":
			n, ok := number(f.Value)
			if lengths++; !ok || lengths > 1 {
				return bad("the Content-Length is no number, or there are two")
			}
			a.Length = n
		case "Transfer-Encoding":
			if codings++; codings > 1 || !strings.EqualFold(f.Value, "chunked") || old {
				return bad("the Transfer-Encoding is not chunked alone")
			}
			a.chunked = true
		case "Connection":
			a.close = a.close || hasToken(f.Value, "close")
		}
	}
	if lengths > 0 && codings > 0 {
		return bad("there are both Content-Length and Transfer-Encoding")
	}
	switch {
	case a.Status < 200 || a.Status == http.StatusNoContent || a.Status == http.StatusNotModified || method == http.MethodHead:
		// What stands here of a body is what there would be, and a server that sends one all the same is not asked again.
		a.state = done
		if a.Status == http.StatusNoContent && (a.chunked || a.Length > 0) {
			a.close = true
		}
	case a.chunked:
		a.state = chunkSize
	case a.Length == 0:
		a.state = done
	case a.Length > 0:
		a.state, a.left = byLength, a.Length
	default:
		a.state, a.close = byClose, true
	}
	return nil
}

// number reads a Content-Length: digits alone.
func number(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int64(s[i]-'0')
	}
	return n, true
}

// hasToken reports whether a list of tokens holds one, in any case.
func hasToken(list, token string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.Trim(part, " \t"), token) {
			return true
		}
	}
	return false
}

// plain reports whether a text has no control characters but tabs.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 0x20 && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}
