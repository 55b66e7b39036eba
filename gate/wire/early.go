package wire

import (
	"strconv"
	"strings"
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
	if _, err := c.Conn.Write(c.front.options.Early(c.facts, status, public)); err != nil {
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
