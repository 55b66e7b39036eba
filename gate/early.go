package gate

import (
	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/wire"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// early closes the journey of a request whose head was refused before the gate got it, and returns the journey's id.
func (g *Gate) early(f *wire.Facts, e *roundtrip.Error) string {
	j := g.recorder.Begin(trace.Request)
	if j == nil {
		return ""
	}
	id := j.ID.String()
	j.Client, j.Status, j.Proto = f.Client, e.HTTPStatus(), "HTTP/1"
	if f.Proto != "" {
		j.Host, j.Proto = f.Server, f.Proto
	}
	j.Add(trace.Hop{Layer: trace.Route, Verdict: trace.Deny, Reason: trace.ReasonOf(e.Reason), Name: "head"})
	g.recorder.End(j)
	return id
}
