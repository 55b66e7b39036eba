package gate

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// originMax bounds what a journey keeps of an Origin header, in bytes.
const originMax = 256

// cors is a site's rule for pages of other origins (Fetch standard, section 3.2), with its header lines made once.
type cors struct {
	any         bool
	exact       map[string]bool
	wild        []wildcard
	credentials bool
	methods     []string
	headers     []string // lower case
	anyHeader   bool

	allowMethods, allowHeaders, expose, maxAge []string
}

// wildcard is https://*.preview.example.com: one label stands for the star.
type wildcard struct{ before, after string }

func (w wildcard) matches(origin string) bool {
	if len(origin) <= len(w.before)+len(w.after) || !strings.HasPrefix(origin, w.before) || !strings.HasSuffix(origin, w.after) {
		return false
	}
	label := origin[len(w.before) : len(origin)-len(w.after)]
	return !strings.ContainsAny(label, ".:/@?#")
}

func newCORS(declared *config.CORS) (*cors, error) {
	if declared == nil {
		return nil, nil //nolint:nilnil // a site without a cors key has no rule
	}
	c := &cors{exact: map[string]bool{}, credentials: declared.Credentials}
	for _, origin := range declared.Origins {
		if err := c.addOrigin(origin); err != nil {
			return nil, err
		}
	}
	if c.any && c.credentials {
		return nil, errors.New(`cors: "*" can't go with credentials: name the origins`)
	}
	c.methods = declared.Methods
	for _, name := range declared.Headers {
		c.headers = append(c.headers, strings.ToLower(name))
		c.anyHeader = c.anyHeader || name == "*"
	}
	c.allowMethods = []string{strings.Join(c.methods, ", ")}
	c.allowHeaders = []string{strings.Join(declared.Headers, ", ")}
	c.expose = []string{strings.Join(declared.Expose, ", ")}
	c.maxAge = []string{strconv.Itoa(int(declared.MaxAge / time.Second))}
	return c, nil
}

func (c *cors) addOrigin(origin string) error {
	if origin == "*" {
		c.any = true
		return nil
	}
	scheme, host, ok := strings.Cut(strings.ToLower(origin), "://")
	if u, err := url.Parse(origin); err != nil || !ok || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Host == "" {
		return fmt.Errorf("cors: %q is no origin: write scheme://host or scheme://host:port", origin)
	}
	host = strings.TrimSuffix(host, "/")
	if rest, ok := strings.CutPrefix(host, "*."); ok {
		c.wild = append(c.wild, wildcard{before: scheme + "://", after: "." + rest})
		return nil
	}
	if strings.Contains(host, "*") {
		return fmt.Errorf("cors: %q: a star may stand for the first label only, as in https://*.example.com", origin)
	}
	c.exact[scheme+"://"+host] = true
	return nil
}

// allows reports whether pages of the origin may call. Browsers send origins in lower case.
func (c *cors) allows(origin string) bool {
	if c == nil {
		return false
	}
	if c.any || c.exact[origin] {
		return true
	}
	return slices.ContainsFunc(c.wild, func(w wildcard) bool { return w.matches(origin) })
}

// putHeaders puts the headers of an answer that is no preflight, and Vary in any case: what a cache keeps must not be
// given to a page of another origin.
func (c *cors) putHeaders(x *exchange, h http.Header) {
	addVary(h, "Origin")
	if x.origin[0] == "" {
		return
	}
	h["Access-Control-Allow-Origin"] = x.origin[:]
	if c.credentials {
		h["Access-Control-Allow-Credentials"] = []string{"true"}
	}
	if h["Access-Control-Allow-Methods"] == nil {
		h["Access-Control-Expose-Headers"] = c.expose
	}
}

// addVary adds a name to Vary, unless it is there.
func addVary(h http.Header, name string) {
	for _, line := range h["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, name) {
				return
			}
		}
	}
	h["Vary"] = append(h["Vary"], name)
}

// checkCORS decides about a request of another origin. It answers preflights; a simple request is served in any case,
// as browsers expect, with headers that let the page read the answer or without.
func (g *Gate) checkCORS(x *exchange, s *site, r *http.Request) *roundtrip.Error {
	lines := r.Header["Origin"]
	if len(lines) == 0 {
		return nil
	}
	origin := lines[0]
	if sameOrigin(origin, r) {
		return nil
	}
	hop := trace.Hop{Layer: trace.CORS, Verdict: trace.OK, Name: s.Name, Note: clip(origin), Start: int64(x.journey.Elapsed())}
	allowed := len(lines) == 1 && s.cors.allows(origin)
	if allowed {
		if x.origin[0] = origin; s.cors.any {
			x.origin[0] = "*"
		}
	}
	if r.Method == http.MethodOptions && r.Header["Access-Control-Request-Method"] != nil {
		return g.preflight(x, s, r, hop, allowed)
	}
	if !allowed {
		hop.Verdict, hop.Reason = trace.Shadowed, trace.ReasonOf("cors.origin_not_allowed")
	}
	x.journey.Add(hop)
	return nil
}

// preflight answers a preflight (Fetch standard, section 3.2.2), before anything else looks at the request.
func (g *Gate) preflight(x *exchange, s *site, r *http.Request, hop trace.Hop, allowed bool) *roundtrip.Error {
	err := g.refusePreflight(s, r, allowed)
	if err != nil {
		hop.Verdict, hop.Reason = trace.Deny, trace.ReasonOf(err.Reason)
		x.journey.Add(hop)
		return err
	}
	x.journey.Add(hop)
	x.journey.SetRoute("preflight")
	h := x.Header()
	h["Access-Control-Allow-Methods"] = s.cors.allowMethods
	h["Access-Control-Allow-Headers"] = s.cors.allowHeaders
	h["Access-Control-Max-Age"] = s.cors.maxAge
	h["Vary"] = []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network"}
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h["Access-Control-Allow-Private-Network"] = []string{"true"}
	}
	x.WriteHeader(http.StatusNoContent)
	return nil
}

// refusePreflight says what the preflight asks for that is not allowed, or nil. An origin that is not allowed does not
// learn which ones are, except from a machine of a developer.
func (g *Gate) refusePreflight(s *site, r *http.Request, allowed bool) *roundtrip.Error {
	if !allowed {
		err := roundtrip.E(roundtrip.Denied, "cors.origin_not_allowed", "Pages of this origin may not call this site.")
		if g.dev {
			err.Public = "Pages of " + clip(r.Header.Get("Origin")) + " may not call this site. Add that origin to cors.origins of " + s.Name + "."
		}
		return err
	}
	if method := r.Header.Get("Access-Control-Request-Method"); !slices.Contains(s.cors.methods, method) && !slices.Contains(s.cors.methods, "*") {
		return roundtrip.E(roundtrip.Denied, "cors.method_not_allowed",
			"Pages of other origins may not use the method %q here. The site's cors.methods would have to list it.", clip(method))
	}
	for _, line := range r.Header["Access-Control-Request-Headers"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); !s.cors.allowsHeader(name) {
				return roundtrip.E(roundtrip.Denied, "cors.header_not_allowed",
					"Pages of other origins may not send the header %q here. The site's cors.headers would have to list it.", clip(name))
			}
		}
	}
	return nil
}

// allowsHeader reports whether a request header may be sent: the safelisted ones always, Authorization never by a star
// (Fetch standard, section 3.2.5).
func (c *cors) allowsHeader(name string) bool {
	switch name {
	case "", "accept", "accept-language", "content-language":
		return true
	}
	return slices.Contains(c.headers, name) || (c.anyHeader && !c.credentials && name != "authorization")
}

// sameOrigin reports whether the origin is the site itself, as the client reached it.
func sameOrigin(origin string, r *http.Request) bool {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	host, ok := strings.CutPrefix(origin, scheme)
	return ok && strings.EqualFold(host, r.Host)
}

func clip(s string) string { return s[:min(len(s), originMax)] }
