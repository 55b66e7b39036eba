package wire

import (
	"crypto/tls"
	"io"
	"net"
	"sync/atomic"

	"github.com/roundtrip-dev/roundtrip"
)

// strict is an HTTP/1 connection that is looked at before net/http reads it. It refuses what net/http lets pass although
// another reader, in front of us or behind, could understand it differently (RFC 9112): lines that end in a bare LF, folded
// lines, two ways to say how long a body is, chunks that are not exactly what they should be, a target and a Host that
// name different hosts, upgrades to what nobody checks.
//
// It changes no framing: what it refuses it cuts off, ends a head there (and breaks a body off), and notes which
// request of the connection it was, so that the gate answers it in its turn.
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
	if c.scan.inBody() {
		// No chunk, end of a chunk or trailer begins so. It is not just the end of the connection, which net/http would take
		// for a client that left.
		c.rest = []byte("\x00\r\n\r\n")
	}
	if good == 0 && len(p) > 0 {
		return c.Read(p)
	}
	return good, nil
}

// rested notes that the answer to a request is complete. Where its body is not, as after an answer that came early, the
// connection ends here: net/http does so only for long bodies, and would take what is still to come of a short one that it
// could not read in time for the next request (request smuggling, where a proxy shares the connection among its clients).
func (c *strict) rested() {
	c.facts.serving = false
	if c.scan.heads == c.facts.served && c.scan.inBody() && c.scan.part != unknown {
		c.ended = true
	}
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

// Next begins the next request of a connection, and returns its number.
func (t *turns) Next() int64 {
	if !t.watched {
		return 0
	}
	t.served++
	t.serving = true
	return t.served
}

// Refused says why a request of the connection is refused, or nil. It may turn out while its body is read, and may be
// asked by any goroutine.
func (t *turns) Refused(request int64) *roundtrip.Error {
	if r := t.refused.Load(); r != nil && request > 0 && r.request == request {
		return r.why
	}
	return nil
}

// pending says why the next request of a connection is refused, while no request is served.
func (t *turns) pending() *roundtrip.Error { return t.Refused(t.served + 1) }
