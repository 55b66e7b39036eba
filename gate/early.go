package gate

import (
	"log/slog"

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

// lost closes the journey of a connection that never became a request.
func (g *Gate) lost(f *wire.Facts, layer trace.Layer, reason trace.Reason, cause error) {
	note := reason.Text()
	if cause != nil {
		note = cause.Error()
	}
	if j := g.recorder.Begin(trace.Connection); j != nil {
		j.Host, j.Client, j.Proto = f.Asked, f.Client, layer.String()
		took := g.now().Sub(f.Accepted)
		hop := trace.Hop{Layer: layer, Verdict: trace.Deny, Reason: reason, Name: "accept", Note: note, Start: -int64(took), Took: int64(took)}
		if layer == trace.Firewall {
			hop.Name, hop.Evidence = f.Door.Name, f.Door.Evidence
		}
		if layer == trace.TLS {
			hop.Verdict, hop.Name = trace.Fail, "handshake"
		}
		j.Add(hop)
		g.recorder.End(j)
	}
	g.log.Debug("a connection became no request", slog.String("reason", reason.Code()), slog.String("server_name", f.Asked), slog.String("why", note))
}
