package gate

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Write writes to the connection. While no request is served, what is written is an answer that net/http gives of its
// own to a head that it could not read: it becomes a problem, with a journey, as every other error of the gate.
func (c *strict) Write(p []byte) (int, error) {
	if c.facts.serving || c.gate == nil {
		return c.Conn.Write(p)
	}
	status, public, ok := earlyAnswer(p)
	if !ok {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(c.gate.early(c.facts, status, public)); err != nil {
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

// early makes the answer to a head that net/http refused, and the journey of it.
func (g *Gate) early(c *connection, status int, public string) []byte {
	e := malformed("The head of the request can't be read.")
	if status >= 500 { // an unknown coding (501) or version (505): what a stranger makes up is no failure of ours
		status = http.StatusBadRequest
	}
	if status == http.StatusRequestHeaderFieldsTooLarge {
		e = roundtrip.E(roundtrip.TooLarge, "request.headers_too_large", "The head of the request is longer than %d KiB.", headBytesMax>>10)
	} else if public != "" {
		e.Public = "The head of the request can't be read: " + public + "."
	}
	e.Status = status
	id := ""
	if j := g.recorder.Begin(trace.Request); j != nil {
		id = j.ID.String()
		j.Client, j.Status, j.Proto = c.client, status, "HTTP/1"
		j.Add(trace.Hop{Layer: trace.Route, Verdict: trace.Deny, Reason: trace.ReasonOf(e.Reason), Name: "head"})
		defer g.recorder.End(j)
	}
	body := e.AppendProblem(nil, "", id)
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status) + "\r\nContent-Type: " + roundtrip.ProblemType +
		"\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n")
	if id != "" {
		b.WriteString("X-Journey: " + id + "\r\n")
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// rested notes that a connection waits for its next request. net/http calls it from the goroutine of the connection.
func rested(c net.Conn, state http.ConnState) {
	if state != http.StateIdle {
		return
	}
	switch c := c.(type) {
	case *strictPlain:
		c.facts.serving = false
	case *strictTLS:
		c.facts.serving = false
	}
}
