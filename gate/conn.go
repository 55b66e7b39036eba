package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// connection is what is known of a connection; every request on it says so in its journey.
type connection struct {
	client    netip.Addr
	accepted  time.Time
	handshake time.Duration
	server    string // the site that the client asked for in the handshake, "" where it named none
	note      string // TLS 1.3 h2

	asked      string    // the server name as the client sent it, for a handshake that fails
	writeUntil time.Time // the write deadline that is set, HTTP/1 only: one request at a time
	turns
}

type connectionKey struct{}

// tracked is a connection that knows its facts.
type tracked struct {
	net.Conn

	facts connection
}

func track(c net.Conn, now time.Time) *tracked {
	t := &tracked{Conn: c, facts: connection{accepted: now}}
	if addr, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		t.facts.client = addr.AddrPort().Addr().Unmap().WithZone("")
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

// withConnection puts the facts of a connection into the context of its requests.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	switch c := c.(type) {
	case *strictPlain:
		return context.WithValue(ctx, connectionKey{}, c.facts)
	case *strictTLS:
		return context.WithValue(ctx, connectionKey{}, c.facts)
	case *tls.Conn:
		if t, ok := c.NetConn().(*tracked); ok {
			return context.WithValue(ctx, connectionKey{}, &t.facts)
		}
	}
	return ctx
}

// plainListener hands out connections that know their facts.
type plainListener struct {
	net.Listener

	gate *Gate
}

// Accept waits for the next connection.
func (l *plainListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newStrictPlain(l.gate, track(c, l.gate.now())), nil
}

// front accepts connections and brings them through the TLS handshake, each in a goroutine of its own, so that a slow
// one holds up nobody. It is the listener of connections that made it.
type front struct {
	gate  *Gate
	inner net.Listener
	tls   *tls.Config
	done  chan net.Conn
	quit  chan struct{}
	once  sync.Once
	group sync.WaitGroup
}

func newFront(g *Gate, inner net.Listener) *front {
	f := &front{gate: g, inner: inner, done: make(chan net.Conn), quit: make(chan struct{})}
	f.tls = g.certs.TLSConfig()
	certificate := f.tls.GetCertificate
	f.tls.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if t, ok := hello.Conn.(*tracked); ok {
			t.facts.asked = hello.ServerName
		}
		return certificate(hello)
	}
	return f
}

// Accept returns the next connection whose handshake is done.
func (f *front) Accept() (net.Conn, error) {
	select {
	case c := <-f.done:
		return c, nil
	case <-f.quit:
		return nil, net.ErrClosed
	}
}

// Close stops accepting, and cuts handshakes.
func (f *front) Close() error {
	f.once.Do(func() { close(f.quit) })
	return f.inner.Close()
}

// Addr returns the address of the TCP listener.
func (f *front) Addr() net.Addr { return f.inner.Addr() }

// run accepts until the listener is closed, and returns when all handshakes have ended.
func (f *front) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer f.group.Wait()
	defer cancel()
	pause := time.Duration(0)
	for {
		c, err := f.inner.Accept()
		if err == nil {
			pause = 0
			f.group.Go(func() { f.handshake(ctx, track(c, f.gate.now())) })
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		// Out of descriptors, or the like: others must end first.
		f.gate.log.Warn("a connection could not be accepted", "err", err)
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(pause):
		case <-f.quit:
			return
		}
	}
}

func (f *front) handshake(ctx context.Context, t *tracked) {
	ctx, cancel := context.WithTimeout(ctx, f.gate.times.Header)
	defer cancel()
	c := tls.Server(t, f.tls)
	if err := c.HandshakeContext(ctx); err != nil {
		f.fail(t, c, err)
		return
	}
	state := c.ConnectionState()
	t.facts.handshake = f.gate.now().Sub(t.facts.accepted)
	t.facts.server = state.ServerName
	t.facts.note = handshakeNote(&state)
	var next net.Conn = c
	if state.NegotiatedProtocol != "h2" {
		next = newStrictTLS(f.gate, t, c)
	}
	select {
	case f.done <- next:
	case <-f.quit:
		_ = c.Close() // the gate stops
	}
}

func handshakeNote(s *tls.ConnectionState) string {
	note := tls.VersionName(s.Version)
	if s.NegotiatedProtocol != "" {
		note += " " + s.NegotiatedProtocol
	}
	if s.DidResume {
		note += " resumed"
	}
	return note
}

// fail tells why a handshake failed, in the journey, and to a client that spoke plain HTTP.
func (f *front) fail(t *tracked, c *tls.Conn, err error) {
	reason := "tls.handshake_failed"
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &header) && header.Conn != nil && looksLikeHTTP(header.RecordHeader):
		reason = "tls.plaintext_on_tls_port"
		_ = t.SetWriteDeadline(f.gate.now().Add(time.Second))
		_, _ = io.WriteString(t.Conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"+
			"This port speaks HTTPS. Use https:// in the address.\n")
	case !f.gate.certs.Serves(t.facts.asked):
		reason = "tls.no_certificate_for_name"
	}
	_ = c.Close()
	if !f.gate.stopping.Load() {
		f.gate.lost(&t.facts, t.facts.asked, trace.ReasonOf(reason), err)
	}
}

// looksLikeHTTP reports whether the first five bytes are those of an HTTP/1 request.
func looksLikeHTTP(b [5]byte) bool {
	switch string(b[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO", "CONNE", "TRACE":
		return true
	}
	return false
}
