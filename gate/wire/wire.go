// Package wire is a connection before it is a request: it is accepted, brought through the TLS handshake, and what comes
// on it is looked at before net/http reads it. Everything that holds for a connection whatever is asked on it is here.
package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/peer"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Options says what a front is handed.
type Options struct {
	Now    func() time.Time // the real clock: deadlines of connections are made from it
	Log    *slog.Logger
	Header time.Duration // what a handshake and a PROXY header may take
	Peers  Peers

	// Enter asks the firewall about a connection, before anything is read from it. The hop says so in the journey of each
	// request on it; one without a Layer says nothing. The error is why it may not come in: it is asked for its text only
	// where somebody is told. nil: everybody may come.
	Enter func(c Coming) (trace.Hop, error)
	// Serves reports whether there is a certificate for a server name; "" is a client that named none.
	Serves func(name string) bool
	// Pending reports whether the certificate of a server name is one that nobody trusts, shown while the right one is
	// being got. nil: none ever is.
	Pending func(name string) bool
	// Policy returns what the site of a server name asks of its clients' certificates.
	Policy func(name string) *Policy
	// Expires returns when the certificate ends that clients of a server name are shown; zero where there is none. nil: that
	// is not known.
	Expires func(name string) time.Time
	// Made is told of each connection that requests can come on from now on, before the first one does. nil: nobody is.
	Made func(f *Facts)
	// Early closes the journey of a request whose head was refused before anybody could serve it, and returns the
	// journey's id, or "".
	Early func(f *Facts, e *roundtrip.Error) string
	// Lost is told of a connection that never became a request, in which layer that was and why.
	Lost func(f *Facts, layer trace.Layer, reason trace.Reason, cause error)
	// Cut is told of a connection that was ended for what its client did on it: too much of what why says.
	Cut func(f *Facts, reason trace.Reason, why string)
}

// Coming is a connection at the door.
type Coming struct {
	Client netip.Addr // the other end of the connection itself, whatever a PROXY header will say
	Port   uint16     // ours
	UDP    bool
	Conn   net.Conn // nil over UDP
}

// Front makes listeners whose connections are watched.
type Front struct {
	options  Options
	peers    atomic.Pointer[Peers]
	crowd    crowd
	turned   turnedAway
	stopping atomic.Bool
	floods   strikes // addresses whose HTTP/2 connections were cut
}

// New makes a front. It checks and opens nothing.
func New(o Options) (*Front, error) {
	if o.Now == nil || o.Log == nil || o.Early == nil || o.Lost == nil || o.Cut == nil || o.Serves == nil || o.Policy == nil || o.Header <= 0 {
		return nil, errors.New("wire.New: all of Options must be set")
	}
	f := &Front{options: o}
	f.turned.free = make(chan struct{}, lingersMax)
	f.SwapPeers(o.Peers)
	return f, nil
}

// SwapPeers puts another declaration in force, for connections that come from now on.
func (f *Front) SwapPeers(p Peers) { f.peers.Store(p.withDefaults()) }

// Stop says that the gate stops: a handshake that is cut from here on is nobody's failure.
func (f *Front) Stop() { f.stopping.Store(true) }

// Facts is what is known of a connection; every request on it says so in its journey.
type Facts struct {
	Journey   trace.ID   // of the connection itself, set by Options.Made; its requests link to it
	Client    netip.Addr // the other end, or whom a PROXY header names as that
	From      uint16     // the client's port
	Port      uint16     // ours
	QUIC      bool       // it is one of QUIC
	Accepted  time.Time
	Handshake time.Duration // what it took; 0 without TLS
	Server    string        // the site that the client asked for in the handshake, "" where it named none
	Asked     string        // the same as the client sent it, for a handshake that fails
	Agreed    string        // TLS 1.3 h2
	Note      string        // the same, and more: certificate good for 61 days
	Door      trace.Hop     // what the firewall said; without a Layer where there is none
	Proto     string        // HTTP/2.0 or HTTP/3.0, as the handshake chose it; "" for HTTP/1
	Reason    trace.Reason  // tls.certificate_pending, or None
	Peer      peer.Slot     // the client of nearly all its requests
	Nameless  bool          // a PROXY header came and named nobody: what is asked is a stranger's, and no word of the proxy

	Policy      *Policy // what was asked of the client's certificate
	Certificate string  // SHA-256 of the certificate that the client showed and that was accepted, in hex; "" for none
	Subject     string  // and whose it is: CN=robot,O=Example

	offer *offer      // what the client can do, until the handshake has succeeded
	ready atomic.Bool // QUIC only: the handshake has ended, well or not

	WriteUntil time.Time // the write deadline that is set, HTTP/1 only: one request at a time
	turns
}

type factsKey struct{}

// FactsFrom returns the facts of a request's connection, or nil.
func FactsFrom(ctx context.Context) *Facts {
	f, _ := ctx.Value(factsKey{}).(*Facts)
	return f
}

// WithFacts puts the facts of a connection into the context of its requests: it is an http.Server's ConnContext.
func WithFacts(ctx context.Context, c net.Conn) context.Context {
	switch c := c.(type) {
	case *strictPlain:
		return c.facts.in(ctx)
	case *strictTLS:
		return c.facts.in(ctx)
	case *tls.Conn:
		if t, ok := c.NetConn().(*tracked); ok {
			return t.facts.in(ctx)
		}
	}
	return ctx
}

func (f *Facts) in(ctx context.Context) context.Context {
	return peer.WithSlot(context.WithValue(ctx, factsKey{}, f), &f.Peer)
}

// Bare returns what a connection is without our looking at what it carries, for whoever takes it over. It is counted until
// it is closed.
func Bare(c net.Conn) net.Conn {
	switch c := c.(type) {
	case *strictPlain:
		return c.tracked
	case *strictTLS:
		return c.tls
	}
	return c
}

// Rested notes that a connection waits for its next request: it is an http.Server's ConnState, which net/http calls from
// the goroutine of the connection.
func Rested(c net.Conn, state http.ConnState) {
	if state != http.StateIdle {
		return
	}
	switch c := c.(type) {
	case *strictPlain:
		c.rested()
	case *strictTLS:
		c.rested()
	}
}
