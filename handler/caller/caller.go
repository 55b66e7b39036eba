// Package caller tells what a request over HTTP says of who made it, the same at every door: the token and how it came, the
// page that sent it, the address; and it hands sessions to browsers as cookies. Who the token belongs to is asked of
// identity.
package caller

import (
	"net/http"
	"net/netip"

	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/identity"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Read tells who makes a request. Its error is of a token without its scheme, or of Bearer without a token: Unauthenticated
// auth.invalid.
func (g *Guard) Read(r *http.Request) (handler.Caller, error) {
	text, cookie, err := token(r)
	if err != nil {
		return handler.Caller{}, err
	}
	return handler.Caller{Token: text, Cookie: cookie, Foreign: g.foreign(r), Addr: addr(r)}, nil
}

// addr is the client's address, as the gate found it.
func addr(r *http.Request) netip.Addr {
	if j := trace.From(r.Context()); j != nil && j.Client.IsValid() {
		return j.Client
	}
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// Device is where somebody signs in from, for the list of their sessions.
func Device(r *http.Request, from handler.Caller) identity.Device {
	return identity.Device{Name: r.UserAgent(), Addr: from.Addr}
}
