package wire

import (
	"crypto/tls"
	"io"
	"net"
	"sync/atomic"

	"github.com/roundtrip-dev/roundtrip"
)

// strict is an HTTP/1 connection whose heads are looked at before net/http reads them. It refuses what net/http lets
// pass although another reader in front of us could understand it differently (RFC 9112 sections 2.2, 5.2, 6.1): lines
// that end in a bare LF, folded lines, Content-Length twice or beside Transfer-Encoding, Transfer-Encoding in HTTP/1.0.
//
// It changes no framing: what it refuses it cuts off, ends the head there, and notes which request of the connection it
// was, so that the gate answers it in its turn.
type strict struct {
	net.Conn

	front *Front
	facts *Facts
	scan  scanner
	rest  []byte // what is still to be handed out before the end, once something was refused
	ended bool
}

// Read reads from the connection, and looks at it.
func (c *strict) Read(p []byte) (int, error) {
	if c.ended {
		if len(c.rest) == 0 {
			return 0, io.EOF
		}
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p)
	good := c.scan.feed(p[:n])
	if c.scan.why == nil {
		return n, err
	}
	c.facts.refused.Store(&refusal{request: c.scan.heads, why: c.scan.why})
	c.ended, c.rest = true, []byte("\r\n\r\n")
	if good == 0 && len(p) > 0 {
		return c.Read(p)
	}
	return good, nil
}

// refusal says which request of a connection was refused, counted from 1, and why.
type refusal struct {
	request int64
	why     *roundtrip.Error
}

// strictPlain is a connection without TLS.
type strictPlain struct {
	strict

	tracked *tracked
}

// ReadFrom keeps sendfile.
func (c *strictPlain) ReadFrom(src io.Reader) (int64, error) { return c.tracked.ReadFrom(src) }

// CloseWrite ends our half, so that the client can read the last answer.
func (c *strictPlain) CloseWrite() error { return c.tracked.CloseWrite() }

// strictTLS is a connection with TLS that speaks HTTP/1.
type strictTLS struct {
	strict

	tls *tls.Conn
}

// ConnectionState makes net/http set Request.TLS.
func (c *strictTLS) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// CloseWrite ends our half, so that the client can read the last answer.
func (c *strictTLS) CloseWrite() error { return c.tls.CloseWrite() }

func newStrictPlain(f *Front, t *tracked) *strictPlain {
	t.facts.watched = true
	return &strictPlain{strict: strict{Conn: t, front: f, facts: &t.facts}, tracked: t}
}

func newStrictTLS(f *Front, t *tracked, c *tls.Conn) *strictTLS {
	t.facts.watched = true
	return &strictTLS{strict: strict{Conn: c, front: f, facts: &t.facts}, tls: c}
}

// turns counts the requests of a connection as they are served.
type turns struct {
	served  int64 // HTTP/1 only: one request at a time
	watched bool  // whether heads are looked at: HTTP/1
	serving bool  // from a request's begin until all of its answer is sent
	refused atomic.Pointer[refusal]
}

// Next begins the next request of a connection. It says why that is refused, or nil.
func (t *turns) Next() *roundtrip.Error {
	if !t.watched {
		return nil
	}
	t.served++
	t.serving = true
	if r := t.refused.Load(); r != nil && r.request == t.served {
		return r.why
	}
	return nil
}

// pending says why the next request of a connection is refused, while no request is served.
func (t *turns) pending() *roundtrip.Error {
	if r := t.refused.Load(); r != nil && r.request == t.served+1 {
		return r.why
	}
	return nil
}
