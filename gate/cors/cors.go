// Package cors is a site's rule for pages of other origins (Fetch standard, section 3.2): which may call, what a preflight
// is answered, and which headers let a page read an answer, errors included.
package cors

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
)

// Rule is a cors block with its header lines made once. A nil Rule lets no page of another origin call.
type Rule struct {
	any         bool
	exact       map[string]bool
	wild        []wildcard
	credentials bool
	methods     []string
	headers     []string // lower case
	anyHeader   bool
	remembered  time.Duration

	star, yes, vary                            []string
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

// New makes the rule of a site, nil where it has none.
func New(declared *config.CORS) (*Rule, error) {
	if declared == nil {
		return nil, nil //nolint:nilnil // a site without a cors key has no rule
	}
	c := &Rule{
		exact: map[string]bool{}, credentials: declared.Credentials, methods: declared.Methods, star: []string{"*"}, yes: []string{"true"},
		vary: []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network"},
	}
	for _, origin := range declared.Origins {
		if err := c.addOrigin(origin); err != nil {
			return nil, err
		}
	}
	for _, name := range declared.Headers {
		c.headers = append(c.headers, strings.ToLower(name))
		c.anyHeader = c.anyHeader || name == "*"
	}
	if c.any && c.credentials {
		return nil, errors.New(`cors: "*" can't go with credentials: name the origins`)
	}
	c.allowMethods = []string{strings.Join(c.methods, ", ")}
	c.allowHeaders = []string{strings.Join(declared.Headers, ", ")}
	c.expose = []string{strings.Join(exposed(declared.Expose), ", ")}
	c.remembered = declared.MaxAge
	c.maxAge = []string{strconv.Itoa(int(declared.MaxAge / time.Second))}
	return c, nil
}

// exposed are the headers that pages may read. The journey's name is always one: an error that nobody can look up is told of
// in vain.
func exposed(declared []string) []string {
	if slices.ContainsFunc(declared, func(name string) bool { return strings.EqualFold(name, "X-Journey") }) {
		return declared
	}
	return append(slices.Clone(declared), "X-Journey")
}

func (c *Rule) addOrigin(origin string) error {
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

// Allows reports whether pages of the origin may call. Browsers send origins in lower case.
func (c *Rule) Allows(origin string) bool {
	if c == nil {
		return false
	}
	if c.any || c.exact[origin] {
		return true
	}
	return slices.ContainsFunc(c.wild, func(w wildcard) bool { return w.matches(origin) })
}

// MaxAge returns how long browsers may remember what a preflight was answered.
func (c *Rule) MaxAge() time.Duration { return c.remembered }

// IsPreflight reports whether a browser asks what a page may do, before it does it.
func IsPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header["Origin"] != nil && r.Header["Access-Control-Request-Method"] != nil
}

// Refuse says what a preflight of an allowed origin asks for that is not allowed, or nil.
func (c *Rule) Refuse(r *http.Request) *roundtrip.Error {
	if method := r.Header.Get("Access-Control-Request-Method"); !slices.Contains(c.methods, method) && !slices.Contains(c.methods, "*") {
		return roundtrip.E(roundtrip.Denied, "cors.method_not_allowed",
			"Pages of other origins may not use the method %q here. The site's cors.methods would have to list it.", Clip(method))
	}
	if name := c.wrongHeader(r); name != "" {
		return roundtrip.E(roundtrip.Denied, "cors.header_not_allowed",
			"Pages of other origins may not send the header %q here. The site's cors.headers would have to list it.", Clip(name))
	}
	return nil
}

// wrongHeader returns the first header that a preflight asks for and that may not be sent, "" for none.
func (c *Rule) wrongHeader(r *http.Request) string {
	for _, line := range r.Header["Access-Control-Request-Headers"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); !c.allowsHeader(name) {
				return name
			}
		}
	}
	return ""
}

// Asks says in a few words, for a journey, what a refused preflight of an allowed origin asked for.
func (c *Rule) Asks(r *http.Request, reason string) string {
	if reason == "cors.method_not_allowed" {
		return "asks for " + Clip(r.Header.Get("Access-Control-Request-Method"))
	}
	return "asks to send " + Clip(c.wrongHeader(r))
}

// allowsHeader reports whether a request header may be sent: the safelisted ones always, Authorization never by a star
// (Fetch standard, section 3.2.5).
func (c *Rule) allowsHeader(name string) bool {
	switch name {
	case "", "accept", "accept-language", "content-language":
		return true
	}
	return slices.Contains(c.headers, name) || (c.anyHeader && !c.credentials && name != "authorization")
}

// PutPreflight puts what a preflight is answered. The headers of every answer come on top; see [Rule.Put].
func (c *Rule) PutPreflight(h http.Header, r *http.Request) {
	h["Access-Control-Allow-Methods"] = c.allowMethods
	h["Access-Control-Allow-Headers"] = c.allowHeaders
	h["Access-Control-Max-Age"] = c.maxAge
	h["Vary"] = c.vary
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h["Access-Control-Allow-Private-Network"] = c.yes
	}
}

// Put puts the headers that an answer has for pages of other origins. origin holds the allowed origin of the request, or
// "". Vary is there in any case: what a cache keeps must not be given to a page of another origin. Where every page may
// call, the answer is the same for all, and need not vary.
func (c *Rule) Put(h http.Header, origin []string) {
	if c.any {
		h["Access-Control-Allow-Origin"] = c.star
	} else {
		addVary(h, "Origin")
		if origin[0] == "" {
			return
		}
		h["Access-Control-Allow-Origin"] = origin
		if c.credentials {
			h["Access-Control-Allow-Credentials"] = c.yes
		}
	}
	if h["Access-Control-Allow-Methods"] == nil {
		h["Access-Control-Expose-Headers"] = c.expose
	}
}

// TakeOff takes off what an upstream says of other origins: where the site has a rule, that alone holds.
func TakeOff(h http.Header) {
	delete(h, "Access-Control-Allow-Origin")
	delete(h, "Access-Control-Allow-Credentials")
	delete(h, "Access-Control-Expose-Headers")
	delete(h, "Access-Control-Allow-Methods")
	delete(h, "Access-Control-Allow-Headers")
	delete(h, "Access-Control-Max-Age")
	delete(h, "Access-Control-Allow-Private-Network")
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

// SameOrigin reports whether the origin is the site itself, as the client reached it.
func SameOrigin(origin string, r *http.Request) bool {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	host, ok := strings.CutPrefix(origin, scheme)
	return ok && strings.EqualFold(host, r.Host)
}

// clipMax bounds what is kept or said of a client's text, in bytes.
const clipMax = 256

// Clip shortens what a client sent, for journeys and answers.
func Clip(s string) string {
	if len(s) <= clipMax {
		return s
	}
	return strings.Clone(s[:clipMax]) // so that the rest of it can go
}
