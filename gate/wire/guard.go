package wire

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip/internal/stack"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// errFlood is what reading and writing return once a connection was cut for what its client did.
var errFlood = errors.New("wire: the client sends too much of what costs it nothing")

// tooLongAnswer is the body with which the server refuses a head that is longer than it takes in. No handler learns of such
// a request, so its journey is made of the answer, as over HTTP/1 (see early.go).
const tooLongAnswer = "<h1>HTTP Error 431</h1><p>Request Header Field(s) Too Large</p>"

const (
	farewellTime  = 500 * time.Millisecond // for a client to read why it is cut
	farewellBytes = 1 << 20                // and how much of what it still sends is taken in for that
)

// guard is a connection of HTTP/2 whose frames are counted as they pass, in both directions, and which is cut when its
// client does what costs it little and the server much. The server above it stays as it is.
type guard struct {
	net.Conn

	front *Front
	facts *Facts

	in        frames // of the goroutine that reads
	conduct   conduct
	headUntil time.Time // when the head that is being sent must be there; zero while none is

	sending  sync.Mutex // guards out and provoked, and keeps frames whole
	out      frames
	provoked provoked

	until  time.Time    // the write deadline that is set; of whoever writes frames, one at a time
	served atomic.Int64 // frames of answers since the reader last asked
	cut    atomic.Bool
}

// guarded makes a guard of a connection whose client has said so much of its preface already.
func (f *Front) guarded(c net.Conn, facts *Facts, said int) *guard {
	g := &guard{Conn: c, front: f, facts: facts, provoked: newProvoked(f.options.Now())}
	g.conduct.begin(f.options.Now)
	g.in.skip = prefaceSize - said
	return g
}

// Read reads from the connection, and looks at it.
func (g *guard) Read(p []byte) (int, error) {
	if g.cut.Load() {
		return 0, errFlood
	}
	n, err := g.Conn.Read(p)
	why := ""
	if !g.in.feed(p[:n], func(f frame) bool {
		why = g.conduct.take(f, g.takeServed())
		return why == ""
	}) {
		g.flood(why)
		return 0, errFlood
	}
	g.timeHead()
	if err != nil && !g.headUntil.IsZero() && errors.Is(err, os.ErrDeadlineExceeded) && !g.cut.Swap(true) {
		g.front.options.Cut(g.facts, trace.ReasonOf("request.timeout"), "time for a head that does not come")
	}
	return n, err
}

// timeHead gives the head of a request its time, from its first byte to its last: the server above waits for the rest of a
// frame as long as the client likes, since what is in the middle of one can't answer pings either.
func (g *guard) timeHead() {
	late := g.conduct.inBlock || g.in.inHead(g.conduct.inHead)
	switch {
	case late == !g.headUntil.IsZero():
	case late:
		g.headUntil = g.front.options.Now().Add(g.front.options.Header)
		_ = g.SetReadDeadline(g.headUntil) // a closed connection says so when it is read
	default:
		g.headUntil = time.Time{}
		_ = g.SetReadDeadline(time.Time{})
	}
}

func (g *guard) takeServed() int64 {
	if g.served.Load() == 0 {
		return 0
	}
	return g.served.Swap(0)
}

// SetWriteDeadline keeps the deadline of the connection ahead of the one that is asked for, at most half as long again. The
// server asks for one before each write and for none after it, and setting it each time would be a tenth of what a small
// answer costs. So it stays after a write, and may pass while nobody writes: that ends nothing, since the next write moves it
// first. Only what crypto/tls writes of its own while it reads, the answer to a KeyUpdate of the client, can meet one that has
// passed; then the connection ends at its next write, and the client makes another.
func (g *guard) SetWriteDeadline(t time.Time) error {
	if t.IsZero() || !g.until.Before(t) {
		return nil
	}
	g.until = t.Add(t.Sub(g.front.options.Now()) / 2)
	return g.Conn.SetWriteDeadline(g.until)
}

// Write writes to the connection, and looks at it.
func (g *guard) Write(p []byte) (int, error) {
	stack.Grow()
	g.sending.Lock()
	n, err := g.Conn.Write(p)
	why, refused, tooLong := "", 0, false
	g.out.feed(p[:n], func(f frame) bool {
		switch f.kind {
		case frameData:
			g.served.Add(1)
			if f.length == len(tooLongAnswer) && string(f.first[:]) == tooLongAnswer[:8] && bytes.Contains(p, []byte(tooLongAnswer)) {
				refused++
			}
		case frameHeaders:
			g.served.Add(1)
		case frameGoAway:
			code := binary.BigEndian.Uint32(f.first[4:])
			tooLong = (code == errProtocol || code == errCompression) && g.conduct.long.Load()
		case frameReset:
			if why == "" {
				why = g.provoked.take(f, g.front.options.Now)
			}
		}
		return true
	})
	g.sending.Unlock()
	for range refused {
		g.front.options.Early(g.facts, HeadTooLarge())
	}
	if tooLong {
		g.front.options.Cut(g.facts, trace.ReasonOf("request.headers_too_large"), "of a head, so that the connection had to end")
	}
	if why != "" {
		g.flood(why)
		return n, errFlood
	}
	return n, err
}

// flood cuts the connection: with a GOAWAY where one can still be sent, and in any case at once.
func (g *guard) flood(why string) {
	if g.cut.Swap(true) {
		return
	}
	now := g.front.options.Now()
	if g.sending.TryLock() { // a writer that is stuck says enough
		if g.out.between() {
			_ = g.SetDeadline(now.Add(farewellTime))
			if _, err := g.Conn.Write(goAway(g.conduct.last.Load(), why)); err == nil {
				g.hangUp()
			}
		}
		g.sending.Unlock()
	}
	_ = g.Close()
	g.front.strike(g.facts)
	g.front.options.Cut(g.facts, trace.ReasonOf("client.flood"), why)
}

// hangUp lets the client read what was written: a connection that is closed while something unread has come on it is reset,
// and what was written is lost.
func (g *guard) hangUp() {
	if c, ok := g.Conn.(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, g.Conn, farewellBytes)
	}
}

// goAway makes a GOAWAY frame with the code ENHANCE_YOUR_CALM (RFC 9113 section 6.8).
func goAway(last uint32, why string) []byte {
	b := make([]byte, 0, 17+len(why))
	size := 8 + len(why)
	b = append(b, byte(size>>16), byte(size>>8), byte(size), 0x7, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, last)
	b = binary.BigEndian.AppendUint32(b, 0xb)
	return append(b, why...)
}

// guardedTLS is a guard over TLS.
type guardedTLS struct {
	*guard

	tls *tls.Conn
}

// ConnectionState makes the server set Request.TLS.
func (g guardedTLS) ConnectionState() tls.ConnectionState { return g.tls.ConnectionState() }
