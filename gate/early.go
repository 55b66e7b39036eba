package gate

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/wire"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// early makes the answer to a head that net/http refused, and the journey of it.
func (g *Gate) early(c *wire.Facts, status int, public string) []byte {
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
		j.Client, j.Status, j.Proto = c.Client, status, "HTTP/1"
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
