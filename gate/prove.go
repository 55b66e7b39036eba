package gate

import (
	"io"
	"net/http"
	"strconv"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// provesName answers an issuer of certificates that looks whether a name is ours (RFC 8555 section 8.3). It comes before
// everything else, since such a name has no certificate yet and its site may redirect to one. What it tells is known to
// the one who asks, and is for the name that they ask at.
func (g *Gate) provesName(x *exchange, r *http.Request) bool {
	if g.certs == nil || r.Method != http.MethodGet {
		return false
	}
	content, ok := g.certs.HTTPAnswer(r.Host, r.URL.Path)
	if !ok {
		return false
	}
	x.journey.Add(trace.Hop{Layer: trace.Route, Verdict: trace.OK, Name: "acme-challenge", Start: int64(x.journey.Elapsed())})
	h := x.Header()
	h["Content-Type"] = []string{"application/octet-stream"}
	h["Content-Length"] = []string{strconv.Itoa(len(content))}
	h["Cache-Control"] = []string{"no-store"}
	_, _ = io.WriteString(x, content) //nolint:gosec // it is what the issuer gave us; one that has gone asks again
	return true
}
