// Package peer says who is at the other end of a request, once the gate has made up its mind whom to believe. What a
// station behind the gate needs to know of the client it takes from here, never from a header.
package peer

import (
	"context"
	"net/netip"
	"sync/atomic"
)

// Peer is the client of one request. It does not change once it is made.
type Peer struct {
	Addr   netip.Addr // the client: the other end of the connection, or what trusted proxies say that it was
	Direct netip.Addr // the other end of the connection, as a PROXY header names it where there is one
	Via    string     // the addresses that trusted proxies named, as X-Forwarded-For lists them; "" where there is no such proxy
	Secure bool       // whether the client speaks https, as it sees it
	Host   string     // host[:port] that the client asked for

	Certificate string // SHA-256, in hex, of the certificate that the client showed and its site accepts; "" for none
	Subject     string // and whose it is, as RFC 4514 writes names
}

type key struct{}

// With puts the peer into a context.
func With(ctx context.Context, p *Peer) context.Context { return context.WithValue(ctx, key{}, p) }

// From returns the peer of a request's context. It is never nil: a context without one gives an empty peer.
func From(ctx context.Context) *Peer {
	switch p := ctx.Value(key{}).(type) {
	case *Peer:
		return p
	case *Slot:
		if found := p.Load(); found != nil {
			return found
		}
	}
	return &Peer{}
}

// Slot is the place for the peer of a connection, which nearly all of its requests have: those need no context of their
// own for it. It is filled once.
type Slot struct{ p atomic.Pointer[Peer] }

// Load returns the peer, or nil.
func (s *Slot) Load() *Peer { return s.p.Load() }

// Keep fills the slot if it is empty, and reports whether p is in it now.
func (s *Slot) Keep(p *Peer) bool { return s.p.Load() == p || s.p.CompareAndSwap(nil, p) }

// WithSlot puts the slot into the context of a connection. [With] wins over it.
func WithSlot(ctx context.Context, s *Slot) context.Context { return context.WithValue(ctx, key{}, s) }
