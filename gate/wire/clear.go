package wire

import (
	"context"
	"net"
	"sync"
	"time"
)

// preface is what a client says first that speaks HTTP/2 without having agreed on it in a handshake (RFC 9113 section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// beginsHTTP2 waits for what a client without TLS says first, and reports whether it is the preface of HTTP/2. What was read
// is read again by whoever serves the connection. ok is false where nothing came, and the connection is gone.
func (l *Listener) beginsHTTP2(ctx context.Context, t *tracked) (begins, ok bool) {
	_ = t.SetReadDeadline(l.front.options.Now().Add(l.front.options.Header)) // a closed connection fails below
	stop := context.AfterFunc(ctx, func() { _ = t.Close() })
	said := make([]byte, prefaceSize)
	have := 0
	var err error
	for err == nil && have < prefaceSize && string(said[:have]) == preface[:have] {
		var n int
		n, err = t.Conn.Read(said[have:])
		have += n
	}
	if !stop() || have == 0 { // the gate stops, or the client has nothing to say
		_ = t.Close()
		return false, false
	}
	_ = t.SetReadDeadline(time.Time{})
	t.said = said[:have]
	return string(t.said) == preface, true
}

// talk serves a connection of HTTP/2 without TLS until it ends. It is guarded as those with TLS are.
func (l *Listener) talk(t *tracked) {
	if !l.talks.begin() {
		_ = t.Close()
		return
	}
	defer l.talks.end()
	stop := context.AfterFunc(l.base, func() { _ = t.Close() })
	defer stop()
	l.clear(t.facts.in(l.base), l.front.guarded(t, &t.facts, 0))
}

// clearServer serves one connection of HTTP/2.
type clearServer func(ctx context.Context, c net.Conn)

// talks counts the connections that no http.Server knows of.
type talks struct {
	mu    sync.Mutex // guards the three below
	open  int
	ended bool
	rest  chan struct{} // closed when none is open, and none will be
}

func newTalks() talks { return talks{rest: make(chan struct{})} }

// begin counts one more; it reports false where there shall be none.
func (k *talks) begin() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return false
	}
	k.open++
	return true
}

func (k *talks) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open--; k.ended && k.open == 0 {
		close(k.rest)
	}
}

// stop lets no other begin.
func (k *talks) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return
	}
	if k.ended = true; k.open == 0 {
		close(k.rest)
	}
}

// Rest waits, once the listener is closed, until its connections of HTTP/2 without TLS have ended: an http.Server waits for its own
// alone. It gives up when ctx ends; [Listener.Run] then ends them with its context.
func (l *Listener) Rest(ctx context.Context) {
	select {
	case <-l.talks.rest:
	case <-ctx.Done():
	}
}

// Read reads from the connection, what was read of it before first.
func (t *tracked) Read(p []byte) (int, error) {
	if len(t.said) > 0 {
		n := copy(p, t.said)
		if t.said = t.said[n:]; len(t.said) == 0 {
			t.said = nil
		}
		return n, nil
	}
	n, err := t.Conn.Read(p)
	if t.heard.on {
		t.heard.note(p[:n])
	}
	return n, err
}
