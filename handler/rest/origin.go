package rest

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

var (
	errPlainOrigin = errors.New("the page came without TLS")
	errBadPattern  = errors.New("rest: an origin is scheme://host or scheme://*.host")
)

// guard knows the pages that may write with the site's cookie: the site's own, and those of trusted origins.
type guard struct {
	own    *http.CrossOriginProtection
	exact  []string
	within []within
}

// within is a pattern such as https://*.preview.example.com: one label stands for the star.
type within struct{ before, after string }

// newGuard makes the guard against writes by pages of other sites.
func newGuard(trusted []string) (*guard, error) {
	g := &guard{own: http.NewCrossOriginProtection()}
	for _, o := range trusted {
		before, after, pattern := strings.Cut(o, "*")
		if !pattern {
			if err := g.own.AddTrustedOrigin(o); err != nil {
				return nil, err
			}
			g.exact = append(g.exact, o)
			continue
		}
		if u, err := url.Parse(before + "x" + after); err != nil || u.Host == "" || u.Path != "" || !strings.HasSuffix(before, "://") || !strings.HasPrefix(after, ".") {
			return nil, errBadPattern
		}
		g.within = append(g.within, within{before: before, after: after})
	}
	return g, nil
}

// trusts reports whether pages of a foreign origin may write with the cookie.
func (g *guard) trusts(origin string) bool {
	if slices.Contains(g.exact, origin) {
		return true
	}
	for _, w := range g.within {
		label, ok := strings.CutPrefix(origin, w.before)
		if label, ok2 := strings.CutSuffix(label, w.after); ok && ok2 && label != "" && !strings.ContainsAny(label, ".:/@") {
			return true
		}
	}
	return false
}

// checkOrigin refuses a write whose cookie the browser added for a page of another origin. A bearer token is never added
// by a browser on its own, so it needs no guard.
func (x *exchange) checkOrigin() error {
	origin := x.r.Header.Get("Origin")
	if x.door.guard.trusts(origin) {
		return nil
	}
	err := x.door.guard.own.Check(x.r)
	if err == nil && x.r.TLS != nil && origin == "http://"+x.r.Host {
		// A browser that sends no Sec-Fetch-Site is told apart by its Origin, of which the guard looks at the host alone.
		// The site's own name without TLS is whoever stands in the network.
		err = errPlainOrigin
	}
	if err != nil {
		e := roundtrip.E(roundtrip.Denied, "auth.csrf_rejected",
			"a page of another site may not write with this site's cookie; call from the site itself, or send a bearer token")
		e.Op, e.Err = "rest.origin", err
		return e
	}
	return nil
}
