// Package publicnet connects to public addresses alone. A server that sends to URLs which others choose must not be led to
// its own machine or network (server-side request forgery): the address is judged when the connection is made, after the
// name was resolved, so that neither a name nor a redirect leads round it.
package publicnet

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrPrivate is in the chain of the error of a connection that was refused.
var ErrPrivate = errors.New("is no public address")

// refused are the prefixes that are not for the public Internet but pass for global unicast: the special-purpose registries
// of IANA (RFC 6890), and prefixes that carry an IPv4 address inside, which would hide it.
func refused() []netip.Prefix {
	var out []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// Guard judges addresses.
type Guard struct{ refused []netip.Prefix }

// NewGuard makes a Guard.
func NewGuard() *Guard { return &Guard{refused: refused()} }

// Public reports whether an address is one of the public Internet.
func (g *Guard) Public(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range g.refused {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// Control is for net.Dialer: it refuses a connection to an address that is not public.
func (g *Guard) Control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s %w", address, ErrPrivate)
	}
	if !g.Public(at.Addr()) {
		return fmt.Errorf("%s %w", at.Addr(), ErrPrivate)
	}
	return nil
}

// Options says how a client connects.
type Options struct {
	AllowPrivate bool          // connect to any address
	Timeout      time.Duration // of a whole exchange, the body included
	Conns        int           // connections to one host at once
	Resolver     *net.Resolver // nil: the system's
	TLS          *tls.Config   // nil: the system's authorities

	// Leave is asked about each connection before it is made, as the Control of a net.Dialer is; nil: nobody is.
	Leave func(network, address string, c syscall.RawConn) error
}

// Client makes an HTTP client that follows no redirects, uses no proxy and keeps no cookies. Whoever has it calls
// CloseIdleConnections in the end.
func Client(o Options) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Resolver: o.Resolver}
	public := NewGuard()
	dialer.Control = func(network, address string, c syscall.RawConn) error {
		if !o.AllowPrivate {
			if err := public.Control(network, address, c); err != nil {
				return err
			}
		}
		if o.Leave == nil {
			return nil
		}
		return o.Leave(network, address, c)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		config = o.TLS.Clone()
	}
	return &http.Client{
		Timeout: o.Timeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: config, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 30 * time.Second,
			MaxConnsPerHost: o.Conns, MaxIdleConnsPerHost: o.Conns, MaxResponseHeaderBytes: 64 << 10,
			DisableCompression: true, // a small answer can't unfold into a large one
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
