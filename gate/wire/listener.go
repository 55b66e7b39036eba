package wire

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

// Listener accepts connections and makes them ready, each in a goroutine of its own, so that a slow one holds up nobody.
// It is the net.Listener of those that are.
type Listener struct {
	front *Front
	inner net.Listener
	tls   *tls.Config // nil: connections without TLS
	done  chan net.Conn
	quit  chan struct{}
	once  sync.Once
	group sync.WaitGroup
	base  context.Context // of Run
	clear clearServer     // of HTTP/2 without TLS; nil with TLS
	talks talks
}

// Listen makes a listener of inner, which carries raw TCP. Where settings is nil, connections have no TLS.
func (f *Front) Listen(inner net.Listener, settings *tls.Config) *Listener {
	l := &Listener{front: f, inner: inner, done: make(chan net.Conn), quit: make(chan struct{}), talks: newTalks()}
	if settings != nil {
		l.tls = l.front.settings(settings)
	}
	return l
}

// Accept returns the next connection that is ready for a request.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.done:
		return c, nil
	case <-l.quit:
		return nil, net.ErrClosed
	}
}

// Close stops accepting, and cuts connections that are not ready yet.
func (l *Listener) Close() error {
	l.once.Do(func() {
		close(l.quit)
		l.talks.stop()
	})
	return l.inner.Close()
}

// Addr returns the address of the TCP listener.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Run accepts until the listener is closed, and returns when all its goroutines have ended. Where ctx ends, so do the
// connections that no http.Server knows of.
func (l *Listener) Run(ctx context.Context) {
	l.base = ctx
	ctx, cancel := context.WithCancel(ctx)
	defer l.group.Wait()
	defer cancel()
	pause := time.Duration(0)
	for {
		c, err := l.inner.Accept()
		if err == nil {
			pause = 0
			l.admit(ctx, track(c, l.front.options.Now()))
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		// Out of descriptors, or the like: others must end first.
		l.front.options.Log.Warn("a connection could not be accepted", "err", err)
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(pause):
		case <-l.quit:
			return
		}
	}
}

// admit takes a connection in, or turns it away before anything is done for it.
func (l *Listener) admit(ctx context.Context, t *tracked) {
	t.facts.Port = portOf(l.Addr())
	if !l.front.enter(&t.facts, Coming{Client: t.facts.Client, Port: t.facts.Port, Conn: t.Conn}) {
		t.reset()
		return
	}
	client, p := t.facts.Client, l.front.peers.Load()
	proxied := p.ProxyProtocol && p.trusts(client)
	if proxied {
		client = netip.Addr{} // who it is stands in the header
	}
	seat, reason := l.front.Admit(client)
	if reason != trace.None {
		l.turnAway(t, reason, nil)
		return
	}
	t.seat = seat
	l.group.Go(func() { l.prepare(ctx, t, p, proxied) })
}

// prepare brings a connection to where a request can come on it.
func (l *Listener) prepare(ctx context.Context, t *tracked, p *Peers, proxied bool) {
	if proxied && !l.introduce(ctx, t, p) {
		return
	}
	if l.front.flooded(&t.facts) {
		_ = t.Close()
		return
	}
	var next net.Conn
	if l.tls == nil {
		talks, ok := l.beginsHTTP2(ctx, t)
		if talks {
			t.facts.Proto, t.facts.Agreed = "HTTP/2.0", "h2c"
		}
		if !ok {
			l.front.made(&t.facts) // somebody was there
			return
		}
		if talks {
			l.front.made(&t.facts)
			l.talk(t) //nolint:contextcheck // it outlives the listener, as the connections of an http.Server do
			return
		}
		next = newStrictPlain(l.front, t)
	} else if next = l.handshake(ctx, t); next == nil {
		return
	}
	l.front.made(&t.facts)
	select {
	case l.done <- next:
	case <-l.quit:
		_ = next.Close() // the gate stops
	}
}

// introduce reads who a trusted proxy says that the client is. It reports false where the connection is gone.
func (l *Listener) introduce(ctx context.Context, t *tracked, p *Peers) bool {
	_ = t.SetReadDeadline(l.front.options.Now().Add(l.front.options.Header)) // a closed connection fails below
	stop := context.AfterFunc(ctx, func() { _ = t.Conn.Close() })
	from, err := readProxyHeader(t.Conn)
	if !stop() || errors.Is(err, io.EOF) { // the gate stops, or a proxy looked whether anybody is here
		_ = t.Close()
		return false
	}
	if err != nil {
		l.turnAway(t, trace.ReasonOf("connection.proxy_header"), err)
		return false
	}
	_ = t.SetReadDeadline(time.Time{})
	if !from.IsValid() {
		t.facts.Nameless = true
		return true
	}
	t.name(from)
	if !t.seat.take(from.Addr(), p) {
		l.turnAway(t, trace.ReasonOf("connection.too_many_of_client"), nil)
		return false
	}
	return true
}
