package caller

import (
	"net/http"
	"net/url"
)

// page is where a request was made.
type page uint8

const (
	noPage    page = iota // an app or a command, no browser
	samePage              // a page of this site, to which the cookie comes back
	otherPage             // a page of another site, by CORS
)

// pageOf tells the kinds apart by Fetch Metadata (https://www.w3.org/TR/fetch-metadata/), which browsers send over TLS,
// and else by the Origin header: scheme, host and port, as the browser compares them (RFC 6454 section 5). The same name
// without TLS is another site.
func (g *Guard) pageOf(r *http.Request) page {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return samePage
	case "same-site": // another name of the same site: the cookie comes back, but only who is trusted may write with it
		if g.trusts(r.Header.Get("Origin")) {
			return samePage
		}
		return otherPage
	case "cross-site":
		return otherPage
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return noPage
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if u, err := url.Parse(origin); err == nil && u.Scheme == scheme && u.Host == r.Host {
		return samePage
	}
	return otherPage
}

// foreign reports whether a page of another origin made the request, which is not trusted with the cookie.
func (g *Guard) foreign(r *http.Request) bool {
	return g.pageOf(r) == otherPage && !g.trusts(r.Header.Get("Origin"))
}
