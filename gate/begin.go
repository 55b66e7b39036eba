package gate

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"

	"github.com/roundtrip-dev/roundtrip/gate/peer"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/gate/wire"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// begin learns who asks, and takes off what a client must not say.
func (x *exchange) begin(w http.ResponseWriter, r *http.Request, j *trace.Journey) {
	x.w, x.req, x.journey = w, r, j
	if x.facts = wire.FactsFrom(r.Context()); x.facts == nil {
		addr, _ := netip.ParseAddrPort(r.RemoteAddr)
		x.own.Client, x.facts = addr.Addr().Unmap(), &x.own
	}
	if x.until = &x.stream; r.ProtoMajor == 1 {
		x.until = &x.facts.WriteUntil
	}
	x.turn = x.facts.Next()
	x.refused = x.facts.Refused(x.turn)
	x.secure = r.TLS != nil
	declineHTTP2(r)
	cached := x.facts.Peer.Load()
	trust := x.gate.trust.Load()
	if x.facts.Nameless {
		trust = &peer.Trust{}
	}
	met := trust.Meet(r, x.facts.Client, cached)
	x.peer, x.aliases = met.Peer, met.Aliases
	if x.peer != cached && x.peer.Addr == x.peer.Direct { // what a trusted proxy shows is its own certificate
		x.peer.Certificate, x.peer.Subject = x.facts.Certificate, x.facts.Subject
	}
	if j != nil {
		x.gate.takeProbe(j, r)
	}
	x.parent(r, met.Note != "")
	if j != nil {
		x.note(r, met.Note)
	}
	if x.behind = met.Note != ""; x.behind {
		x.believe(r)
	}
}

// parent reads of which trace the client says that the request is a part (W3C Trace Context). A trusted proxy is believed: the
// journey takes the trace's id, so that one id finds it here and there. What anybody else says is a claim: it is kept as a
// link, and goes no further.
func (x *exchange) parent(r *http.Request, trusted bool) {
	lines := r.Header["Traceparent"]
	if lines == nil && r.Header["Tracestate"] == nil {
		return
	}
	var id trace.ID
	sampled, ok := false, false
	if len(lines) == 1 {
		id, _, sampled, ok = trace.ParseParent(lines[0])
	}
	if !trusted || !ok {
		delete(r.Header, "Traceparent")
		delete(r.Header, "Tracestate")
	}
	switch j := x.journey; {
	case j == nil || !ok || id == j.ID || j.Kept&trace.Probed != 0: // of a probe, the id is known better
	case !trusted:
		j.Link(trace.Link{Role: trace.Parent, Evidence: trace.Reported, ID: id})
	default:
		j.ID = id
		if sampled {
			j.Kept |= trace.Traced
		}
	}
}

// note begins the journey's text.
func (x *exchange) note(r *http.Request, met string) {
	j := x.journey
	x.idText = j.ID.String()
	j.Link(trace.Link{Role: trace.Over, Evidence: trace.Seen, ID: x.facts.Journey})
	j.Method, j.Host, j.Path, j.Proto, j.Client = methodOf(r), x.peer.Host, r.URL.Path, protoOf(r), x.peer.Addr
	if len(r.RequestURI) > len(j.Path)+lineSpare {
		j.Host, j.Path = detached(j.Host), detached(j.Path)
	}
	j.Headers = x.gate.keptHeaders(r.Header)
	if x.facts.Door.Layer != 0 {
		door := x.facts.Door
		door.Start = int64(x.facts.Accepted.Sub(j.Start))
		j.Add(door)
	}
	if r.TLS != nil {
		j.Add(trace.Hop{
			Layer: trace.TLS, Verdict: trace.OK, Reason: x.facts.Reason, Name: x.facts.Server, Note: x.facts.Note,
			Start: int64(x.facts.Accepted.Sub(j.Start)), Took: int64(x.facts.Handshake),
		})
	}
	if met != "" {
		j.Add(trace.Hop{Layer: trace.TCP, Verdict: trace.OK, Name: "peer", Note: met + ": " + x.peer.Direct.String(), Start: int64(j.Elapsed())})
	}
}

// probeHeader carries the ticket of a probe (see [Options].Probe), in the form that net/http gives to names.
const probeHeader = "X-Probe"

// takeProbe lets the journey of a probe have the id that we signed for it, and keeps it. Whoever else says that it is one is
// not believed. What is behind the gate does not see the header.
func (g *Gate) takeProbe(j *trace.Journey, r *http.Request) {
	lines := r.Header[probeHeader]
	if len(lines) == 0 {
		return
	}
	delete(r.Header, probeHeader)
	if g.probe == nil || len(lines) != 1 {
		return
	}
	if id, ok := g.probe(lines[0]); ok {
		j.ID = id
		j.Kept |= trace.Probed
	}
}

// believe puts into the request what a trusted proxy said of the client, for the stations behind the gate that know
// nothing of proxies: they set cookies and compare origins by whether there is TLS.
func (x *exchange) believe(r *http.Request) {
	r.Host = x.peer.Host
	if x.peer.Addr != x.peer.Direct {
		r.RemoteAddr = netip.AddrPortFrom(x.peer.Addr, 0).String()
	}
	switch {
	case !x.peer.Secure:
		r.TLS = nil
	case r.TLS == nil:
		r.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: route.HostName(x.peer.Host)}
	}
}

// inner returns the request as targets get it, for the route that was found.
func (x *exchange) inner(r *http.Request, rt *route.Route) *http.Request {
	x.takeVisit(r)
	if x.aliases {
		peer.StripAliases(r.Header, rt.Declared.PassHeaders)
	}
	ctx := trace.With(r.Context(), x.journey)
	if x.facts == &x.own || !x.facts.Peer.Keep(x.peer) {
		ctx = peer.With(ctx, x.peer)
	}
	return r.WithContext(ctx)
}

// declineHTTP2 takes off an offer to go on as HTTP/2 without TLS. No station may take it: what came over such a connection
// would be looked at by nobody.
func declineHTTP2(r *http.Request) {
	if offer := r.Header["Upgrade"]; r.ProtoMajor == 1 && len(offer) == 1 && strings.EqualFold(offer[0], wire.H2C) {
		delete(r.Header, "Upgrade")
		delete(r.Header, "Http2-Settings")
	}
}
