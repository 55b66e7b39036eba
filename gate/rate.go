package gate

import (
	"net/http"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// checkRates counts the request where rates hold for it: those of its site, and of its route where there is one. The
// journey learns what is counted by and what is left, and never whose requests they are.
func (g *Gate) checkRates(x *exchange, t *Table, s *site, rt *route.Route, r *http.Request) *roundtrip.Error {
	h := &s.holds
	if rt != nil {
		h = &t.holds[rt.Index]
	}
	if len(h.rates) == 0 || g.limits == nil {
		return nil
	}
	v := g.limits.Take(h.rates, r, x.peer.Addr)
	x.policy = h.policy
	x.buf = v.AppendField(x.buf[:0])
	x.left[0] = string(x.buf)
	hop := trace.Hop{Layer: trace.Limit, Verdict: trace.OK, Name: v.Rate.Name, Note: v.Rate.Where, N: [2]int64{int64(v.Left)}, Start: int64(x.journey.Elapsed())}
	if !v.Refused {
		x.journey.Add(hop)
		return nil
	}
	err := roundtrip.E(roundtrip.Limited, "limit.rate", "There were more requests than %s.", v.Rate.Name)
	err.Retry = v.Retry
	hop.Verdict, hop.Reason = trace.Deny, trace.ReasonOf(err.Reason)
	x.journey.Add(hop)
	if rt != nil {
		x.journey.SetRoute(rt.Path)
	}
	return err
}
