// Package http1 speaks HTTP/1.1 to an upstream (RFC 9112). It is small because it does only what a proxy needs: bytes of a
// request go out as the proxy made them, and of an answer it reads the head strictly, then hands out the body where it
// lies in the buffer. There is no goroutine for a connection, and nothing is copied.
//
// What another reader could understand differently is refused, as the gate refuses it of clients: an upstream that can be
// made to echo a client's bytes must not be able to begin a second answer.
package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// Kind says what went wrong with an upstream.
type Kind uint8

// The kinds.
const (
	Closed  Kind = iota + 1 // the connection ended before the answer did
	Bad                     // the answer is no good HTTP
	Timeout                 // nothing came, or nothing was taken, for as long as allowed
	Gone                    // the client of the request has left
)

// Error is what went wrong with a connection to an upstream.
type Error struct {
	Kind Kind
	Text string // what was wrong with the answer, for Bad
	Err  error  // the cause; never io.EOF, which is the good end of a body

	clean bool // the upstream said itself that nothing more comes
}

// Error says it in words for the operator.
func (e *Error) Error() string {
	switch {
	case e.Kind == Bad:
		return "bad answer: " + e.Text
	case e.Kind == Timeout:
		return "no progress in time"
	case e.Kind == Gone:
		return "the client has left"
	case e.Err != nil:
		return "connection closed: " + e.Err.Error()
	}
	return "connection closed"
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func bad(text string, args ...any) *Error {
	return &Error{Kind: Bad, Text: fmt.Sprintf(text, args...)}
}

// patience is how long a read waits before it looks after the client: a request that is answered at once costs nothing
// for that.
const patience = 100 * time.Millisecond

// writeMax is how long an upstream may take nothing of a request.
const writeMax = 30 * time.Second

// Conn is one connection to an upstream. It belongs to one request at a time. Write may be called beside the methods that
// read, no other two at once.
type Conn struct {
	Answer

	net    net.Conn
	client *Client
	raw    syscall.RawConn
	peek   func(fd uintptr)
	peeked bool // whether peek found the connection quiet and open

	ctx   context.Context //nolint:containedctx // of the request under way: reads that wait watch it
	stop  func() bool     // ends the watch of ctx; nil while there is none
	gone  atomic.Bool     // ctx ended while it was watched
	until time.Time       // when the wait under way is too long
	set   time.Time       // the read deadline that is set
	sent  time.Time       // the write deadline that is set

	in   []byte // what was read; from r to w it is still to be taken
	r, w int

	reused bool
	rested time.Time // when the last answer was complete
	wrote  atomic.Int64
	torn   atomic.Bool // a part of a request could not be sent: the upstream waits for the rest of it
	began  bool        // whether a byte of the answer came
}

// Reused reports whether the connection served an earlier request.
func (c *Conn) Reused() bool { return c.reused }

// Wrote reports whether a byte of the request went out.
func (c *Conn) Wrote() bool { return c.wrote.Load() > 0 }

// Began reports whether a byte of the answer came.
func (c *Conn) Began() bool { return c.began }

// Begin makes the connection that of a request. ctx ends when its client leaves.
func (c *Conn) Begin(ctx context.Context) {
	c.ctx = ctx
	c.began = false
	c.wrote.Store(0)
	c.Answer = Answer{Fields: c.Fields[:0]}
}

// Write sends a part of the request.
func (c *Conn) Write(p []byte) (int, error) {
	if now := c.client.now(); c.sent.Sub(now) < writeMax/2 {
		c.sent = now.Add(writeMax)
		if err := c.net.SetWriteDeadline(c.sent); err != nil {
			return 0, &Error{Kind: Closed, Err: err}
		}
	}
	n, err := c.net.Write(p)
	c.wrote.Add(int64(n))
	if err != nil {
		c.torn.Store(true)
	}
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, &Error{Kind: Timeout, Err: err}
	}
	return n, &Error{Kind: Closed, Err: err}
}

// Allow sets how long the reads from here on may wait, together.
func (c *Conn) Allow(d time.Duration) { c.until = c.client.now().Add(d) }

// Cut ends the connection under whoever reads from it or writes to it. Close is still to be called.
func (c *Conn) Cut() { _ = c.net.Close() } // there is nobody to tell

// Close closes the connection.
func (c *Conn) Close() {
	c.unwatch()
	c.Cut()
	c.release()
	c.client.forget(c)
}

// Detach hands out the connection and what was read of it beyond the head: an upgrade. The Conn is not used again.
func (c *Conn) Detach() (net.Conn, []byte) {
	c.unwatch()
	rest := append([]byte(nil), c.in[c.r:c.w]...)
	_ = c.net.SetDeadline(time.Time{}) // its next read tells
	c.release()
	c.client.forget(c)
	return c.net, rest
}

// Rest gives the connection back. It is kept for the next request where the answer is complete and nothing stands
// against it, else closed. One whose upstream has not got all of a request would take the next request for the rest of that.
func (c *Conn) Rest() {
	if !c.Done() || c.close || c.torn.Load() || !c.unwatch() || c.r != c.w {
		c.Close()
		return
	}
	c.ctx = nil
	c.release()
	c.reused = true
	c.rested = c.client.now()
	c.client.put(c)
}

// release gives the buffer back: a connection that rests has none.
func (c *Conn) release() {
	if c.in != nil {
		c.client.giveBuffer(c.in)
		c.in, c.r, c.w = nil, 0, 0
	}
}

// unwatch ends the watch of the client. It reports false where the watch has fired, so that the deadlines of the
// connection are not ours any more.
func (c *Conn) unwatch() bool {
	if c.stop == nil {
		return true
	}
	quiet := c.stop()
	c.stop = nil
	return quiet && !c.gone.Load()
}

// wake ends a read that waits.
func (c *Conn) wake() {
	c.gone.Store(true)
	_ = c.net.SetReadDeadline(c.client.now().Add(-time.Second)) // a closed connection wakes by itself
}

// fill reads more into the buffer.
func (c *Conn) fill() error {
	if c.in == nil {
		c.in = c.client.takeBuffer()
	}
	if c.w == len(c.in) {
		if c.r == 0 {
			return bad("a line is too long")
		}
		c.w = copy(c.in, c.in[c.r:c.w])
		c.r = 0
	}
	n, err := c.receive(c.in[c.w:])
	c.w += n
	return err
}

// receive is one read that waits until the time that Allow set, and no longer than the client does.
func (c *Conn) receive(p []byte) (int, error) {
	c.arm()
	for {
		n, err := c.net.Read(p)
		if n > 0 {
			c.began = true
			return n, nil
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, io.EOF):
			return 0, &Error{Kind: Closed, Err: io.ErrUnexpectedEOF, clean: true}
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return 0, &Error{Kind: Closed, Err: err}
		case c.gone.Load() || c.ctx.Err() != nil:
			return 0, &Error{Kind: Gone, Err: context.Cause(c.ctx)}
		case !c.client.now().Before(c.until):
			return 0, &Error{Kind: Timeout, Err: err}
		}
		if c.stop == nil {
			c.stop = context.AfterFunc(c.ctx, c.wake)
		}
		c.deadline(c.until)
	}
}

// arm sets the read deadline where the one that is set comes too early, or too late to see the client leave.
func (c *Conn) arm() {
	now := c.client.now()
	next := c.until
	if c.stop == nil && next.Sub(now) > patience {
		next = now.Add(patience)
		if left := c.set.Sub(now); left > patience/2 && left <= patience {
			return
		}
	} else if c.set.Equal(next) {
		return
	}
	c.deadline(next)
}

func (c *Conn) deadline(t time.Time) {
	c.set = t
	_ = c.net.SetReadDeadline(t) // a closed connection tells at the read
	if c.gone.Load() {           // the watch fired before, and this deadline must not hide it
		_ = c.net.SetReadDeadline(c.client.now().Add(-time.Second))
	}
}

// alive reports whether a connection that rested is still open and has said nothing: what comes between two answers is
// no answer.
func (c *Conn) alive() bool {
	if c.raw == nil {
		return true
	}
	c.peeked = false
	return c.raw.Control(c.peek) == nil && c.peeked
}

// look prepares the peek of alive.
func (c *Conn) look() {
	inner := c.net
	if t, ok := inner.(interface{ NetConn() net.Conn }); ok { // below TLS
		inner = t.NetConn()
	}
	s, ok := inner.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return
	}
	var one [1]byte
	c.raw = raw
	c.peek = func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		c.peeked = errors.Is(err, syscall.EAGAIN)
	}
}
