package why

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

const (
	dialTimeout   = 3 * time.Second // two SYNs
	addressesMost = 4               // that are tried
	portsTried    = 8
	portFirst     = 49152 // of the dynamic ports (RFC 6335 section 6)
)

// goConnect tries the addresses in their order until one takes the connection. Each try comes from a port that is known
// beforehand, so that the server can find what it saw of it.
func (p *probe) goConnect(ctx context.Context) {
	n := p.facts.Names
	for _, a := range n.Addresses[:min(addressesMost, len(n.Addresses))] {
		d, conn := p.dial(ctx, netip.AddrPortFrom(a, p.facts.Target.Port))
		p.facts.Dials = append(p.facts.Dials, d)
		if conn != nil {
			p.conn = conn
			return
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func (p *probe) dial(ctx context.Context, to netip.AddrPort) (Dial, net.Conn) {
	d := Dial{To: to}
	began := p.o.Now()
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	for range portsTried {
		port, err := p.port()
		if err != nil {
			d.Failure, d.Error = Other, err.Error()
			break
		}
		d.From = netip.AddrPortFrom(sourceFor(ctx, to), port)
		conn, err := p.o.Dial(ctx, port, to)
		d.Took = p.o.Now().Sub(began)
		if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EADDRNOTAVAIL) && to.Addr().IsLoopback() {
			continue
		}
		if err != nil {
			d.Failure, d.Error = failureOf(err), err.Error()
			break
		}
		if a, ok := conn.LocalAddr().(*net.TCPAddr); ok {
			at := a.AddrPort()
			d.From = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
		}
		return d, conn
	}
	d.Took = p.o.Now().Sub(began)
	return d, nil
}

// sourceFor is the address from which this machine would speak with another one. It sends nothing. Where there is none it is the
// wildcard.
func sourceFor(ctx context.Context, to netip.AddrPort) netip.Addr {
	c, err := (&net.Dialer{}).DialContext(ctx, "udp", to.String())
	if err != nil {
		return netip.IPv4Unspecified()
	}
	defer func() { _ = c.Close() }()
	at, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return netip.IPv4Unspecified()
	}
	return at.Addr().Unmap().WithZone("")
}

// port chooses one of ours.
func (p *probe) port() (uint16, error) {
	var b [2]byte
	if _, err := p.o.Rand.Read(b[:]); err != nil {
		return 0, err
	}
	return portFirst + binary.BigEndian.Uint16(b[:])%(65535-portFirst), nil
}

// DialFrom connects from a port of this machine.
func DialFrom(ctx context.Context, port uint16, to netip.AddrPort) (net.Conn, error) {
	return (&net.Dialer{LocalAddr: &net.TCPAddr{Port: int(port)}, KeepAlive: -1}).DialContext(ctx, "tcp", to.String())
}

// failureOf says in one word why a connection did not come about, or broke.
func failureOf(err error) Failure {
	var n net.Error
	switch {
	case err == nil:
		return None
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return Unreachable
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), isEOF(err):
		return Reset
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT), errors.As(err, &n) && n.Timeout():
		return TimedOut
	}
	return Other
}
