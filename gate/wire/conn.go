package wire

import (
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// tracked is a connection that knows its facts, and gives its place back when it is closed.
type tracked struct {
	net.Conn

	facts  Facts
	seat   Seat
	said   []byte // what was read of it already
	heard  heard
	named  net.Addr // whom a PROXY header names; nil: the other end of the connection
	closed atomic.Bool
}

func track(c net.Conn, now time.Time) *tracked {
	t := &tracked{Conn: c, facts: Facts{Accepted: now}}
	if addr, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		t.facts.Client, t.facts.From = addr.AddrPort().Addr().Unmap().WithZone(""), addr.AddrPort().Port()
	}
	return t
}

// name says that a PROXY header named the client.
func (t *tracked) name(client netip.AddrPort) {
	t.facts.Client, t.facts.From = client.Addr(), client.Port()
	t.named = net.TCPAddrFromAddrPort(client)
}

// RemoteAddr returns the client's address.
func (t *tracked) RemoteAddr() net.Addr {
	if t.named != nil {
		return t.named
	}
	return t.Conn.RemoteAddr()
}

// Close closes the connection.
func (t *tracked) Close() error {
	if t.closed.CompareAndSwap(false, true) {
		t.seat.Leave()
	}
	return t.Conn.Close()
}

// reset closes the connection without a word: the other end sees that it is refused, and we keep nothing of it.
func (t *tracked) reset() {
	if c, ok := t.Conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = c.SetLinger(0) // where it can't be set, the end is an ordinary one
	}
	_ = t.Close()
}

// ReadFrom keeps sendfile for plain connections.
func (t *tracked) ReadFrom(src io.Reader) (int64, error) { return io.Copy(t.Conn, src) }

// CloseWrite ends our half of the connection.
func (t *tracked) CloseWrite() error {
	if c, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}
