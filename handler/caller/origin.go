package caller

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
)

var (
	errPlainOrigin = errors.New("the page came without TLS")
	errBadPattern  = errors.New("caller: an origin is scheme://host or scheme://*.host")
)

// Guard knows the pages that may write with the site's cookie: the site's own, and those of trusted origins. Its methods may
// be called by many goroutines.
type Guard struct {
	own    *http.CrossOriginProtection
	exact  []string
	within []within
}

// within is a pattern such as https://*.preview.example.com: one label stands for the star.
type within struct{ before, after string }

// New makes the guard against writes by pages of other sites. trusted are the origins that may write with the cookie, such as
// https://app.example.com or https://*.preview.example.com.
func New(trusted []string) (*Guard, error) {
	g := &Guard{own: http.NewCrossOriginProtection()}
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
func (g *Guard) trusts(origin string) bool {
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

// CheckWrite refuses a write whose cookie the browser added for a page of another origin: Denied auth.csrf_rejected. A
// bearer token is never added by a browser on its own, so it needs no guard.
func (g *Guard) CheckWrite(r *http.Request, from handler.Caller) error {
	if !from.Cookie {
		return nil
	}
	origin := r.Header.Get("Origin")
	if g.trusts(origin) {
		return nil
	}
	err := g.own.Check(r)
	if err == nil && r.TLS != nil && origin == "http://"+r.Host {
		// A browser that sends no Sec-Fetch-Site is told apart by its Origin, of which the guard looks at the host alone.
		// The site's own name without TLS is whoever stands in the network.
		err = errPlainOrigin
	}
	if err != nil {
		e := roundtrip.E(roundtrip.Denied, "auth.csrf_rejected",
			"a page of another site may not write with this site's cookie; call from the site itself, or send a bearer token")
		e.Op, e.Err = "caller.origin", err
		return e
	}
	return nil
}
