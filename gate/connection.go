package gate

import (
	"errors"
	"log/slog"
	"net"

	"github.com/roundtrip-dev/roundtrip/gate/wire"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// made closes the journey of a connection that requests can come on: how it came in, and what was agreed in its handshake.
// It ends here, while the connection lives on, because what has ended can be read: the requests that come on it lead back
// to it, and what ends it badly has a journey of its own.
func (g *Gate) made(f *wire.Facts) {
	j := g.recorder.Begin(trace.Connection)
	if j == nil {
		return
	}
	g.introduce(j, f)
	if f.Handshake > 0 {
		j.Add(trace.Hop{Layer: trace.TLS, Verdict: trace.OK, Reason: f.Reason, Name: f.Server, Note: f.Note, Took: int64(f.Handshake), N: ports(f)})
	}
	if g.lookup != nil && f.Server != "" {
		if id, ok := g.lookup(f.Client, f.Server); ok {
			j.Link(trace.Link{Role: trace.Lookup, Evidence: trace.Likely, ID: id})
		}
	}
	f.Journey = j.ID
	g.recorder.End(j)
}

// ports are the client's and ours, by which the client's side of a probe finds its own connection.
func ports(f *wire.Facts) [2]int64 { return [2]int64{int64(f.From), int64(f.Port)} }

// introduce begins the journey of a connection: who came, and what the firewall said.
func (g *Gate) introduce(j *trace.Journey, f *wire.Facts) {
	j.Start, j.Host, j.Client, j.Proto = f.Accepted, f.Server, f.Client, "tcp"
	if f.Agreed != "" {
		j.Proto = f.Agreed
	}
	if f.Door.Layer != 0 {
		j.Add(f.Door)
	}
	if !f.QUIC {
		j.Add(trace.Hop{Layer: trace.TCP, Verdict: trace.OK, Name: "accept", N: ports(f)})
	}
}

// lost closes the journey of a connection that never became a request.
func (g *Gate) lost(f *wire.Facts, layer trace.Layer, reason trace.Reason, cause error) {
	note := reason.Text()
	if cause != nil {
		note = causeText(cause)
	}
	if j := g.recorder.Begin(trace.Connection); j != nil {
		g.refuse(j, f, layer, reason, note)
		g.recorder.End(j)
	}
	g.log.Debug("a connection became no request", slog.String("reason", reason.Code()), slog.String("server_name", f.Asked), slog.String("why", note))
}

// causeText is an error without the addresses that package net puts into it: of a client, journeys keep the network alone.
func causeText(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}

// refuse writes what kept a connection from becoming a request. Of a handshake that failed all is told that was heard by then:
// which name was asked for, and what the client could do.
func (g *Gate) refuse(j *trace.Journey, f *wire.Facts, layer trace.Layer, reason trace.Reason, note string) {
	hop := trace.Hop{Layer: layer, Verdict: trace.Deny, Reason: reason, Name: "accept", Note: note, Took: int64(g.now().Sub(f.Accepted)), N: ports(f)}
	switch layer {
	case trace.Firewall:
		hop.Name, hop.Evidence = f.Door.Name, f.Door.Evidence
		j.Start, j.Client, j.Proto = f.Accepted, f.Client, layer.String()
	case trace.TLS:
		g.introduce(j, f)
		j.Host = f.Asked
		hop.Verdict, hop.Name = trace.Fail, g.handshakeOf(f.Asked)
		if offer := f.Offer(); offer != "" {
			hop.Note += "; the client offered " + offer
		}
	default:
		j.Start, j.Client, j.Proto, j.Host = f.Accepted, f.Client, layer.String(), f.Asked
	}
	j.Add(hop)
}

// cutOff closes the journey of a connection that was ended for what its client did.
func (g *Gate) cutOff(c *wire.Facts, reason trace.Reason, why string) {
	if j := g.recorder.Begin(trace.Connection); j != nil {
		j.Host, j.Client, j.Proto = c.Server, c.Client, c.Agreed
		j.Link(trace.Link{Role: trace.Over, Evidence: trace.Seen, ID: c.Journey})
		j.Add(trace.Hop{Layer: trace.Limit, Verdict: trace.Deny, Reason: reason, Name: "connection", Note: "too much: " + why})
		g.recorder.End(j)
	}
	g.log.Warn("a connection was cut off", slog.String("reason", reason.Code()), slog.String("client", c.Client.String()), slog.String("too_much", why))
}

// handshakeOf names a handshake that failed by the site that it was for, whose declaration has the certificate.
func (g *Gate) handshakeOf(asked string) string {
	if validHost(asked) {
		if s := g.table.Load().site(asked); s != nil {
			return s.Name
		}
	}
	return "handshake"
}
