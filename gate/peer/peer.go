// Package peer says who is at the other end of a request, once the gate has made up its mind whom to believe. What a
// station behind the gate needs to know of the client it takes from here, never from a header.
package peer

import (
	"context"
	"net/netip"
)

// Peer is the client of one request.
type Peer struct {
	Addr   netip.Addr // the client: the other end of the connection, or what trusted proxies say that it was
	Direct netip.Addr // the other end of the connection
	Via    string     // the addresses that trusted proxies named, as X-Forwarded-For lists them; "" where there is no such proxy
	Secure bool       // whether the client speaks https, as it sees it
	Host   string     // host[:port] that the client asked for
}

type key struct{}

// With puts the peer into a context.
func With(ctx context.Context, p *Peer) context.Context { return context.WithValue(ctx, key{}, p) }

// From returns the peer of a request's context. It is never nil: a context without one gives an empty peer.
func From(ctx context.Context) *Peer {
	if p, ok := ctx.Value(key{}).(*Peer); ok {
		return p
	}
	return &Peer{}
}
