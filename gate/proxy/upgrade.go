package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate/proxy/http1"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	tunnelBuffer = 4 << 10          // bytes, each way: most sockets rest most of the time
	halfOpen     = 30 * time.Second // how long one way may go on after the other has ended
	farewell     = 5 * time.Second  // how long a socket that was told to go may stay
	lastMoment   = time.Second      // and how long once the server waits for nobody any more
)

// tunnel is an upgraded connection: bytes go both ways until one side ends it, nothing comes for timeouts.idle, or the
// upstream leaves the declaration.
type tunnel struct {
	client, up net.Conn
	now        func() time.Time
	idle       time.Duration
	last       atomic.Int64 // when a byte came, either way; nanoseconds
	upward     int64
	downward   int64

	mu     sync.Mutex // guards writes to the client
	frames frames     // of what goes to the client
	going  bool       // the client is told at the next end of a frame
	told   bool       // it was: nothing more is written
}

// tunnel takes the connection of the client over, answers, and carries bytes until the end.
func (f *forward) tunnel(l *pool.Lease, a *reply) {
	leaving := l.Upstream().Leaving()
	f.putHeaders(l, a)
	client, early, err := f.takeOver()
	if err != nil {
		a.source.finish(f, false)
		l.Done(pool.Outcome{Blame: pool.Client, Cause: err})
		f.step.Note(err.Error()).End(trace.Fail, trace.ReasonOf(reasonClient))
		f.cut = true
		return
	}
	up, rest := a.conn.Detach()
	t := &tunnel{client: client, up: up, now: f.p.now, idle: f.p.declared.IdleStream}
	t.run(f.r.Context(), leaving, early, rest)
	f.step.N(t.upward, t.downward)
	l.Done(pool.Outcome{Took: a.took})
	f.step.Note(a.note).OK()
}

// switched reports whether the answer switches to WebSocket.
func switched(fields []http1.Field) bool {
	upgrade, connection := false, false
	for i := range fields {
		switch fields[i].Name {
		case "Upgrade":
			upgrade = strings.EqualFold(fields[i].Value, "websocket")
		case "Connection":
			connection = connection || listed([]string{fields[i].Value}, "Upgrade")
		}
	}
	return upgrade && connection
}

// takeOver takes the connection of the client, and sends it the answer. early is what the client sent already.
func (f *forward) takeOver() (client net.Conn, early []byte, err error) {
	c, buffered, err := http.NewResponseController(f.w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if n := buffered.Reader.Buffered(); n > 0 {
		early = make([]byte, n)
		if _, err := io.ReadFull(buffered.Reader, early); err != nil {
			return nil, nil, errors.Join(err, c.Close())
		}
	}
	_ = c.SetDeadline(time.Time{}) // the next read or write tells
	if f.r.ProtoMajor > 1 {        // the gate has answered on the stream
		return c, early, nil
	}
	head := []byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
	for name, values := range f.w.Header() {
		if name == "Content-Length" || name == "Trailer" || strings.HasPrefix(name, http.TrailerPrefix) || name == "Connection" {
			continue
		}
		for _, v := range values {
			head = appendLine(head, name, v)
		}
	}
	if _, err := c.Write(append(head, "\r\n"...)); err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, early, nil
}

// run carries bytes until the end, and returns when both connections are closed.
func (t *tunnel) run(ctx context.Context, leaving <-chan struct{}, early, rest []byte) {
	t.touch()
	var group sync.WaitGroup
	ended := make(chan struct{}, 2)
	carry := func(to, from net.Conn, first []byte, write func([]byte) error, n *int64) {
		group.Go(func() {
			defer func() { ended <- struct{}{} }()
			t.carry(to, from, first, write, n)
		})
	}
	carry(t.up, t.client, early, t.writeUp, &t.upward)
	carry(t.client, t.up, rest, t.writeDown, &t.downward)
	select {
	case <-ended:
	case <-leaving:
		t.sendAway()
	case <-ctx.Done():
		t.sendAway()
	}
	patience := time.AfterFunc(halfOpen, t.close)
	if t.isGoing() {
		patience.Reset(farewell)
	}
	stop := context.AfterFunc(ctx, func() { patience.Reset(lastMoment) })
	group.Wait()
	stop()
	patience.Stop()
	t.close()
}

func (t *tunnel) close() {
	_ = t.client.Close() // whoever reads or writes there sees it end
	_ = t.up.Close()
}

func (t *tunnel) touch() { t.last.Store(t.now().UnixNano()) }

// carry copies one way until its source ends; then the other side is told that nothing more comes.
func (t *tunnel) carry(to, from net.Conn, first []byte, write func([]byte) error, n *int64) {
	if len(first) > 0 {
		if write(first) != nil {
			t.close()
			return
		}
		*n += int64(len(first))
	}
	buf := make([]byte, tunnelBuffer)
	for {
		_ = from.SetReadDeadline(t.now().Add(t.idle)) // the read tells
		k, err := from.Read(buf)
		if k > 0 {
			t.touch()
			*n += int64(k)
			if write(buf[:k]) != nil {
				t.close()
				return
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded) && t.now().UnixNano()-t.last.Load() < int64(t.idle):
			// the other way was in use
		case errors.Is(err, io.EOF):
			if half, ok := to.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
				t.close()
			}
			return
		default:
			t.close()
			return
		}
	}
}

func (t *tunnel) writeUp(p []byte) error {
	_ = t.up.SetWriteDeadline(t.now().Add(halfOpen)) // the write tells
	_, err := t.up.Write(p)
	return err
}

// writeDown writes to the client. Once it is told to go, nothing comes after that.
func (t *tunnel) writeDown(p []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.told {
		return nil
	}
	whole := t.frames.feed(p)
	if t.going && whole >= 0 {
		p = p[:whole]
	}
	_ = t.client.SetWriteDeadline(t.now().Add(halfOpen)) // the write tells
	_, err := t.client.Write(p)
	if err == nil && t.going && whole >= 0 {
		err = t.tell()
	}
	return err
}

// tell sends the frame that ends a WebSocket: 1001, going away (RFC 6455 section 7.4.1). The client answers it and closes.
func (t *tunnel) tell() error {
	t.told = true
	_, err := t.client.Write([]byte{0x88, 2, 1001 >> 8, 1001 & 0xff})
	return err
}

// sendAway tells the client to come back later, at the next end of a frame.
func (t *tunnel) sendAway() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.going = true
	_ = t.client.SetWriteDeadline(t.now().Add(farewell)) // the write tells
	if t.frames.between() && t.tell() != nil {
		t.close()
	}
}

func (t *tunnel) isGoing() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.going
}
