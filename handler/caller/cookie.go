package caller

import (
	"net/http"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/identity"
)

// The names of the session cookie. The first one can be set by the host itself alone (RFC 6265bis section 4.1.3.2) and
// only over TLS; without TLS there is nothing but the second.
const (
	secureCookie = "__Host-session"
	plainCookie  = "session"
)

// cookieName is the cookie's name on this connection.
func cookieName(r *http.Request) string {
	if r.TLS != nil {
		return secureCookie
	}
	return plainCookie
}

// Hand gives a new session to who asked for it, in the header h of the answer and by what it returns: the token as it
// belongs into the body. Where the session cookie works it is set, and a page's token stays out of the body, where a script
// that was smuggled into the page could read it: Hand returns "".
func (g *Guard) Hand(h http.Header, r *http.Request, grant *identity.Grant) (token string) {
	page := g.pageOf(r)
	if page == otherPage { // a Lax cookie would not come back from there; and no other site signs anybody in here
		return grant.Token
	}
	lasts := grant.Session.Ends.Sub(grant.Session.Created) // until the session's absolute end
	setCookie(h, r, grant.Token, int(lasts/time.Second))
	if page == samePage {
		return ""
	}
	return grant.Token
}

// ClearCookie takes the session cookie from a browser, in the header h of the answer.
func ClearCookie(h http.Header, r *http.Request) { setCookie(h, r, "", -1) }

// DropCookie clears a cookie that proves nothing any more, as err says. A script can't do it, and with it the page would not
// even be answered what strangers may see.
func DropCookie(h http.Header, r *http.Request, from handler.Caller, err error) {
	if e := roundtrip.AsError(err); from.Cookie && (e.Reason == "auth.expired" || e.Reason == "auth.invalid") {
		ClearCookie(h, r)
	}
}

func setCookie(h http.Header, r *http.Request, value string, maxAge int) {
	c := &http.Cookie{ //nolint:gosec // Secure is off on plain HTTP alone, where a browser would drop the cookie
		Name: cookieName(r), Value: value, Path: "/", MaxAge: maxAge,
		Secure: r.TLS != nil, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	h.Add("Set-Cookie", c.String())
}
