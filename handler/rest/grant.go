package rest

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/identity"
)

// grant answers with a new session. Where the session cookie works it is set, and the token stays out of the body, where
// a script that was smuggled into the page could read it.
func (x *exchange) grant(status int, g *identity.Grant) error {
	inBody := true
	switch x.caller() {
	case samePage:
		x.setCookie(g.Token, g.Session.Ends.Sub(g.Session.Created))
		inBody = false
	case noPage:
		x.setCookie(g.Token, g.Session.Ends.Sub(g.Session.Created))
	case otherPage: // a Lax cookie would not come back from there; and no other site signs anybody in here
	}
	b := append(x.answer.out[:0], `{"account":`...)
	b = x.door.byPlace[g.Account.Collection].appendRecord(b, g.Account, nil)
	b = append(b, `,"session":`...)
	b = appendSession(b, &g.Session, true)
	if inBody {
		b = append(b, `,"token":`...)
		b = input.AppendString(b, []byte(g.Token))
	}
	x.answer.out = append(b, '}')
	return x.sendPrivate(status, x.answer.out)
}

// pageKind is where a request was made.
type pageKind uint8

const (
	noPage    pageKind = iota // an app or a command, no browser
	samePage                  // a page of this site, to which the cookie comes back
	otherPage                 // a page of another site, by CORS
)

// caller tells the kinds apart by Fetch Metadata (https://www.w3.org/TR/fetch-metadata/), which browsers send over TLS,
// and else by the Origin header: scheme, host and port, as the browser compares them (RFC 6454 section 5). The same name
// without TLS is another site.
func (x *exchange) caller() pageKind {
	switch x.r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return samePage
	case "same-site": // another name of the same site: the cookie comes back, but only who is trusted may write with it
		if x.door.guard.trusts(x.r.Header.Get("Origin")) {
			return samePage
		}
		return otherPage
	case "cross-site":
		return otherPage
	}
	origin := x.r.Header.Get("Origin")
	if origin == "" {
		return noPage
	}
	scheme := "http"
	if x.r.TLS != nil {
		scheme = "https"
	}
	if u, err := url.Parse(origin); err == nil && u.Scheme == scheme && u.Host == x.r.Host {
		return samePage
	}
	return otherPage
}

// setCookie hands the token to the browser until the session's absolute end.
func (x *exchange) setCookie(token string, lasts time.Duration) {
	http.SetCookie(x.w, x.sessionCookie(token, int(lasts/time.Second)))
}

func (x *exchange) clearCookie() { http.SetCookie(x.w, x.sessionCookie("", -1)) }

// dropCookie clears a cookie that proves nothing any more. A script can't do it, and with it the page would not even be
// answered what strangers may see.
func (x *exchange) dropCookie(err error) {
	if e := roundtrip.AsError(err); x.cookie && (e.Reason == "auth.expired" || e.Reason == "auth.invalid") {
		x.clearCookie()
	}
}

func (x *exchange) sessionCookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure is off on plain HTTP alone, where a browser would drop the cookie
		Name: sessionCookie(x.r), Value: value, Path: "/", MaxAge: maxAge,
		Secure: x.r.TLS != nil, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// appendSession appends a session as the account's owner sees it. Its hash stays inside.
func appendSession(b []byte, s *roundtrip.Session, current bool) []byte {
	b = append(b, `{"id":"`...)
	b = s.ID.AppendTo(b)
	b = append(b, `","create_time":"`...)
	b = roundtrip.AppendTime(b, s.Created.UnixMicro())
	b = append(b, `","last_use_time":"`...)
	b = roundtrip.AppendTime(b, s.LastUsed.UnixMicro())
	b = append(b, `","expire_time":"`...)
	b = roundtrip.AppendTime(b, s.Expires.UnixMicro())
	b = append(b, `","name":`...)
	b = input.AppendString(b, []byte(s.Name))
	b = append(b, `,"address":`...)
	if s.Addr.IsValid() {
		b = input.AppendString(b, []byte(s.Addr.String()))
	} else {
		b = append(b, "null"...)
	}
	if current {
		return append(b, `,"current":true}`...)
	}
	return append(b, `,"current":false}`...)
}

// sendPrivate is send for what must lie in no cache, not even the browser's own.
func (x *exchange) sendPrivate(status int, body []byte) error {
	h := x.w.Header()
	x.secure(h, x.door.fixed.json)
	h["Cache-Control"] = x.door.fixed.noStore
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.w.WriteHeader(status)
	_, err := x.w.Write(body)
	return x.aborted(err)
}
