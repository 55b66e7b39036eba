package wire

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// Write writes to the connection. While no request is served, what is written is an answer that net/http gives of its
// own to a head that it could not read: it becomes a problem, with a journey, as every other error of the gate.
func (c *strict) Write(p []byte) (int, error) {
	if c.facts.serving || c.front == nil {
		return c.Conn.Write(p)
	}
	status, public, ok := earlyAnswer(p)
	if !ok {
		return c.Conn.Write(p)
	}
	e := c.facts.pending()
	if e == nil {
		e = unreadable(status, public)
	}
	c.facts.WriteUntil = c.front.options.Now().Add(c.front.options.Header) // the last answer's has passed, where the connection rested
	_ = c.SetWriteDeadline(c.facts.WriteUntil)                             // a closed connection fails below
	if _, err := c.Conn.Write(answer(e, c.front.options.Early(c.facts, e))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// earlyAnswer reads the status and the sentence of an answer that net/http made itself.
func earlyAnswer(p []byte) (status int, public string, ok bool) {
	head, body, found := strings.Cut(string(p), "\r\n\r\n")
	rest, isHTTP := strings.CutPrefix(head, "HTTP/1.1 ")
	if !found || !isHTTP || len(rest) < 3 {
		return 0, "", false
	}
	status, err := strconv.Atoi(rest[:3])
	_, public, _ = strings.Cut(body, ": ") // "400 Bad Request: missing required Host header"
	return status, public, err == nil && status >= 400
}

// unreadable is the problem of a head that net/http could not read.
func unreadable(status int, public string) *roundtrip.Error {
	if status == http.StatusRequestHeaderFieldsTooLarge {
		return HeadTooLarge()
	}
	e := malformed("The head of the request can't be read.")
	if public != "" {
		e.Public = "The head of the request can't be read: " + public + "."
	}
	if e.Status = status; status >= 500 { // an unknown coding (501) or version (505): what a stranger makes up is no failure of ours
		e.Status = http.StatusBadRequest
	}
	return e
}

func malformed(public string) *roundtrip.Error {
	return roundtrip.E(roundtrip.Invalid, "request.malformed", public)
}

// answer is a whole HTTP/1 answer for an error, after which the connection is closed.
func answer(e *roundtrip.Error, journey string) []byte {
	body := e.AppendProblem(nil, "", journey)
	b := make([]byte, 0, 512+len(body))
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(e.HTTPStatus()), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(e.HTTPStatus())...)
	b = append(b, "\r\nContent-Type: "+roundtrip.ProblemType+"\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	if e.Retry > 0 {
		b = append(b, "\r\nRetry-After: "...)
		b = strconv.AppendInt(b, int64((e.Retry+time.Second-1)/time.Second), 10)
	}
	if journey != "" {
		b = append(b, "\r\nX-Journey: "+journey...)
	}
	b = append(b, "\r\n\r\n"...)
	return append(b, body...)
}
