package wire

import (
	"io"
	"net"
	"time"
)

// tracked is a connection that knows its facts.
type tracked struct {
	net.Conn

	facts Facts
}

func track(c net.Conn, now time.Time) *tracked {
	t := &tracked{Conn: c, facts: Facts{Accepted: now}}
	if addr, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		t.facts.Client = addr.AddrPort().Addr().Unmap().WithZone("")
	}
	return t
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
