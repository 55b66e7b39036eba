package gate

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/cors"
	"github.com/roundtrip-dev/roundtrip/gate/refusal"
	"github.com/roundtrip-dev/roundtrip/gate/report"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/gate/wire"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// serve is the gate on one page: which site, may the page call it, is the request sound, which route.
func (g *Gate) serve(x *exchange, t *Table, r *http.Request) *roundtrip.Error {
	if x.refused != nil {
		x.journey.SetReason(trace.ReasonOf(x.refused.Reason))
		x.hangUp()
		return x.deny("framing", x.refused)
	}
	if g.provesName(x, r) {
		return nil
	}
	s, err := g.findSite(x, t, r)
	if err != nil {
		return err
	}
	if err := g.checkCORS(x, s, r); err != nil || x.status != 0 {
		return err
	}
	if s.TLS && !x.peer.Secure {
		if refusal.Of(r) == refusal.GRPC {
			return x.deny(s.Name, g.needsTLS(s))
		}
		g.redirect(x, s, r)
		return nil
	}
	path, err := g.checkRequest(x, r)
	if err != nil {
		return x.deny(s.Name, err)
	}
	if s.reports != nil && path == report.Path {
		if err := g.checkRates(x, t, s, nil, r); err != nil {
			return err
		}
		return g.takeReports(x, s, r)
	}
	if g.mayDiagnose(x, r, path) {
		if err := g.checkRates(x, t, s, nil, r); err != nil {
			return err
		}
		return g.serveDiagnosis(x, s, path, r)
	}
	rt := s.Match(wanted(r), path, r.Header)
	if err := g.checkRates(x, t, s, rt, r); err != nil {
		return err
	}
	if rt == nil || rt.Kind == route.Static && refusal.Of(r) != refusal.None { // a folder at / has every path, and answers no calls
		return g.noRoute(x, s, path, r)
	}
	x.journey.SetRoute(rt.Path)
	x.journey.Add(trace.Hop{Layer: trace.Route, Verdict: trace.OK, Name: rt.Path, Note: rt.Where, Start: int64(x.journey.Elapsed())})
	if x.proxied = rt.Kind == route.Proxy; !x.proxied && s.cors == nil {
		if err := g.checkForeign(x, s, r); err != nil {
			return err
		}
	}
	return g.hand(x, t, rt, path, r)
}

// hand gives the request to what its route leads to.
func (g *Gate) hand(x *exchange, t *Table, rt *route.Route, path string, r *http.Request) *roundtrip.Error {
	limit, call := t.holds[rt.Index].body, refusal.Of(r)
	if r.ContentLength > limit && !call.Enveloped() {
		x.hangUp()
		return x.deny(x.site.Name, tooLarge(limit))
	}
	inner := x.inner(r, rt)
	x.call = call != refusal.None
	x.body.open(x, inner, limit, call.Enveloped())
	if rt.Kind == route.Static {
		return g.serveFolder(x, rt, path, inner)
	}
	return failure(rt.Target.Serve(x, inner, path))
}

// wanted is the method that routes are found by. A preflight is for the route of the request that it asks for.
func wanted(r *http.Request) string {
	if cors.IsPreflight(r) {
		return r.Header["Access-Control-Request-Method"][0]
	}
	return r.Method
}

// failure returns what a target could not do. A nil one stays nil.
func failure(err error) *roundtrip.Error {
	if err == nil {
		return nil
	}
	return roundtrip.AsError(err)
}

// findSite finds the site of the Host header.
func (g *Gate) findSite(x *exchange, t *Table, r *http.Request) (*site, *roundtrip.Error) {
	if !validHost(r.Host) {
		return nil, x.deny("host", malformed("The Host header is missing or is no host name."))
	}
	s := t.site(r.Host)
	if s == nil || (!s.TLS && x.secure) {
		return nil, g.noHost(x, t, r.Host)
	}
	x.site = s
	plain := s.TLS && !x.peer.Secure               // it is redirected
	if !plain && !s.client.Meets(x.facts.Policy) { // neither another site's connection, nor one that a trusted proxy made for somebody
		return nil, x.deny("client certificate", misdirected(s.Name))
	}
	return s, nil
}

// redirect sends a plain request to https, to the site's own name and never to one that the client made up. 308 keeps
// method and body (RFC 9110 section 15.4.9).
func (g *Gate) redirect(x *exchange, s *site, r *http.Request) {
	name := s.Name
	if strings.HasPrefix(name, "*.") { // the host was found by it, so it is one of the site's names
		name = strings.ToLower(strings.TrimSuffix(route.HostName(r.Host), "."))
	}
	to := "https://" + name
	if strings.Contains(name, ":") {
		to = "https://[" + name + "]"
	}
	if g.httpsPort != 443 && !x.behind { // a proxy in front of us ends TLS at the usual port
		to += ":" + strconv.Itoa(g.httpsPort)
	}
	if path := r.URL.EscapedPath(); strings.HasPrefix(path, "/") {
		to += path
	} else {
		to += "/"
	}
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	x.journey.Add(trace.Hop{Layer: trace.Route, Verdict: trace.OK, Name: s.Name, Note: "redirect to https", Start: int64(x.journey.Elapsed())})
	x.Header()["Location"] = []string{to}
	x.WriteHeader(http.StatusPermanentRedirect)
}

// needsTLS refuses a call of gRPC, whose clients follow no redirect.
func (g *Gate) needsTLS(s *site) *roundtrip.Error {
	return roundtrip.E(roundtrip.Unprocessable, "route.needs_tls", "%s is served over TLS alone, at port %d. Call it there with TLS; in grpcurl, leave -plaintext out.", s.Name, g.httpsPort)
}

// parametersMax bounds the parameters of a query: programs sort them, and some do that slowly.
const parametersMax = 1000

// checkRequest refuses what no route should have to think about, and returns the cleaned path.
func (g *Gate) checkRequest(x *exchange, r *http.Request) (string, *roundtrip.Error) {
	if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
		err := roundtrip.E(roundtrip.Unsupported, "route.method_not_allowed", "%s is not served here.", r.Method)
		err.Allow = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
		x.hangUp() // who asked for a tunnel may send anything now
		return "", err
	}
	if lines, size := headSize(r); lines > wire.HeadersMax || size > wire.HeadBytesMax {
		r.Header = formOf(r) // nothing of the rest is kept for a client that takes its time with the answer
		x.hangUp()
		return "", wire.HeadTooLarge()
	}
	if strings.Count(r.URL.RawQuery, "&") >= parametersMax {
		return "", malformed("The query has more than 1,000 parameters.")
	}
	return route.Clean(r)
}

// formOf returns of a head that is too large what the form of the answer follows from.
func formOf(r *http.Request) http.Header {
	h := http.Header{"Origin": r.Header["Origin"]}
	if refusal.Of(r) != refusal.None && len(r.Header.Get("Content-Type")) < 100 {
		h["Content-Type"] = r.Header["Content-Type"]
		if r.Header["Connect-Protocol-Version"] != nil {
			h["Connect-Protocol-Version"] = []string{"1"}
		}
	}
	return h
}

func (g *Gate) serveFolder(x *exchange, rt *route.Route, path string, r *http.Request) *roundtrip.Error {
	if len(path) < len(rt.Mount()) { // relative links of the folder's pages need the slash
		redirectToSlash(x, rt, r)
		return nil
	}
	step := x.journey.Begin(trace.Static, rt.Path)
	err := rt.Target.Serve(x, r, path)
	if err == nil {
		step.OK()
		return nil
	}
	e := roundtrip.AsError(err)
	if e.Allow != "" {
		e.Allow = merge(e.Allow, x.site.Allow(r.Method, path, r.Header)) // a folder may stand behind routes of other methods
		if near := nearService(x.site, path); near != "" && r.Method == http.MethodPost {
			e.Public = near + " " + e.Public // a call of Connect, from a client that doesn't say so: curl
		}
	}
	verdict := trace.Deny
	if e.Kind == roundtrip.Internal {
		verdict = trace.Fail
	}
	step.End(verdict, trace.ReasonOf(e.Reason))
	return e
}

// redirectToSlash goes by the path of the route: that of the request may begin with two slashes, and browsers take what
// follows them for a host.
// merge joins two lists of methods, each in its place once.
func merge(a, b string) string {
	methods := strings.Split(a, ", ")
	for _, m := range strings.Split(b, ", ") {
		if m != "" && !slices.Contains(methods, m) {
			methods = append(methods, m)
		}
	}
	return strings.Join(methods, ", ")
}

func redirectToSlash(x *exchange, rt *route.Route, r *http.Request) {
	to := (&url.URL{Path: rt.Mount()}).EscapedPath()
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	x.Header()["Location"] = []string{to}
	x.WriteHeader(http.StatusPermanentRedirect)
}

// misdirected says that a request came on a connection that was made for another site, whose clients show other
// certificates or none (RFC 9110 section 15.5.20).
func misdirected(name string) *roundtrip.Error {
	err := roundtrip.E(roundtrip.Missing, "tls.client_certificate_missing", "%s asks its clients for a certificate, and this connection was made for another name. Connect again, for that name.", name)
	err.Status = http.StatusMisdirectedRequest
	return err
}

// noHost says that no site has the name. Strangers do not learn which names there are.
func (g *Gate) noHost(x *exchange, t *Table, host string) *roundtrip.Error {
	err := roundtrip.E(roundtrip.Missing, "route.no_host", "No site here has the name %q.", route.HostName(host))
	err.Status = http.StatusMisdirectedRequest
	note := ""
	if near := t.routes.Explain(host, "/", "", nil); len(near) > 0 && near[0].Failed == "host" {
		note = near[0].String()
	}
	if g.dev {
		err.Public += " Sites: " + strings.Join(t.names(), ", ") + "."
		if note != "" {
			err.Public += " " + note
		}
	}
	return x.denyWith("host", note, err)
}

// nearService asks whoever calls a service that is not there which one they meant; "" where none is near.
func nearService(s *site, path string) string {
	service, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	near := nearest.Of(cors.Clip(service), s.Services())
	if near == "" {
		return ""
	}
	return fmt.Sprintf("There is no service %q here; did you mean %s?", cors.Clip(service), near)
}

// noRoute says that no route of the site fits, and to the journey which one was nearest.
func (g *Gate) noRoute(x *exchange, s *site, path string, r *http.Request) *roundtrip.Error {
	err := roundtrip.E(roundtrip.Missing, "route.no_path", "No route of this site matches %q.", path)
	if allow := s.Allow(r.Method, path, r.Header); allow != "" {
		err = roundtrip.E(roundtrip.Unsupported, "route.method_not_allowed", "%s is not served here. What is: %s.", cors.Clip(r.Method), allow)
		err.Allow = allow
	} else if refusal.Of(r) != refusal.None {
		err.Kind, err.Status = roundtrip.Unsupported, http.StatusNotFound // what clients of gRPC expect of a method that is not there
		if near := nearService(s, path); near != "" {
			err.Public = near
		}
	}
	note := ""
	if near := s.Explain(path, r.Method, r.Header); len(near) > 0 {
		note = near[0].String()
	}
	if g.dev && err.Allow == "" {
		var paths []string
		for _, rt := range s.Written() {
			paths = append(paths, rt.Path)
		}
		err.Public += " Routes of " + s.Name + ": " + strings.Join(paths, ", ") + "."
		if names := s.Services(); len(names) > 0 {
			err.Public += " Services of gRPC: " + strings.Join(names, ", ") + "."
		}
		if note != "" {
			err.Public += " " + note
		}
	}
	return x.denyWith(s.Name, note, err)
}
