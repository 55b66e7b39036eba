package gate

import (
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/cors"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// checkCORS decides about a request of another origin. It answers preflights; a simple request is served in any case,
// as browsers expect, with headers that let the page read the answer or without. A site without a rule leaves both to its
// routes; see [Gate.checkForeign].
func (g *Gate) checkCORS(x *exchange, s *site, r *http.Request) *roundtrip.Error {
	lines := r.Header["Origin"]
	if s.cors == nil || len(lines) == 0 || cors.SameOrigin(lines[0], r) {
		return nil
	}
	allowed := len(lines) == 1 && s.cors.Allows(lines[0])
	if allowed {
		x.origin[0] = lines[0]
	}
	hop := trace.Hop{Layer: trace.CORS, Verdict: trace.OK, Name: s.Name, Note: cors.Clip(lines[0]), Start: int64(x.journey.Elapsed())}
	if cors.IsPreflight(r) {
		return g.preflight(x, s, r, hop, allowed)
	}
	if !allowed {
		hop.Verdict, hop.Reason = trace.Shadowed, trace.ReasonOf("cors.origin_not_allowed")
	} else if x.journey != nil {
		g.joinPreflight(x, lines[0], r)
	}
	x.journey.Add(hop)
	return nil
}

// joinPreflight joins a request with the preflight that asked for it.
func (g *Gate) joinPreflight(x *exchange, origin string, r *http.Request) {
	if id, ok := g.asked.of(asked{x.peer.Addr, origin, r.Host, r.URL.Path}, x.journey.Start); ok {
		x.journey.Link(trace.Link{Role: trace.Preflight, Evidence: trace.Likely, ID: id})
	}
}

// preflight answers a preflight (Fetch standard, section 3.2.2), before anything else looks at the request.
func (g *Gate) preflight(x *exchange, s *site, r *http.Request, hop trace.Hop, allowed bool) *roundtrip.Error {
	err := g.foreign(s, r)
	if allowed {
		err = s.cors.Refuse(r)
	}
	if err != nil {
		hop.Verdict, hop.Reason = trace.Deny, trace.ReasonOf(err.Reason)
		if allowed {
			hop.Note += " " + s.cors.Asks(r, err.Reason)
		}
		x.journey.Add(hop)
		return err
	}
	x.journey.Add(hop)
	x.journey.SetRoute("preflight")
	if x.journey != nil {
		g.asked.allowed(asked{x.peer.Addr, x.origin[0], r.Host, r.URL.Path}, x.journey.ID, x.journey.Start.Add(s.cors.MaxAge()))
	}
	s.cors.PutPreflight(x.Header(), r)
	x.WriteHeader(http.StatusNoContent)
	return nil
}

// checkForeign decides about a request of another origin where the site has no rule, on a route that is no proxy: pages of
// other origins may not call. What a proxied server says of them passes.
func (g *Gate) checkForeign(x *exchange, s *site, r *http.Request) *roundtrip.Error {
	lines := r.Header["Origin"]
	if len(lines) == 0 || cors.SameOrigin(lines[0], r) {
		return nil
	}
	hop := trace.Hop{
		Layer: trace.CORS, Verdict: trace.Shadowed, Reason: trace.ReasonOf("cors.origin_not_allowed"), Name: s.Name, Note: cors.Clip(lines[0]),
		Start: int64(x.journey.Elapsed()),
	}
	if !cors.IsPreflight(r) {
		x.journey.Add(hop)
		return nil
	}
	hop.Verdict = trace.Deny
	x.journey.Add(hop)
	return g.foreign(s, r)
}

// foreign refuses an origin. It does not learn which ones may call, except from a machine of a developer.
func (g *Gate) foreign(s *site, r *http.Request) *roundtrip.Error {
	err := roundtrip.E(roundtrip.Denied, "cors.origin_not_allowed", "Pages of this origin may not call this site.")
	if g.dev {
		err.Public = "Pages of " + cors.Clip(r.Header.Get("Origin")) + " may not call this site. Add that origin to cors.origins of " + s.Name + "."
	}
	return err
}
