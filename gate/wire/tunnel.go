package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// Tunnel makes a connection of a stream of HTTP/2 or 3 whose CONNECT request was answered with 200: what is read comes from
// the client, what is written goes to it at once. w must have sent the head of the answer. Deadlines work as those of any
// net.Conn: a read can be tried again after one has passed.
func (f *Front) Tunnel(w http.ResponseWriter, r *http.Request, body io.ReadCloser) (Stream, error) {
	ends := ends{}
	ends.local, _ = r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if addr, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		ends.remote = net.TCPAddrFromAddrPort(addr)
	}
	if taker, ok := w.(http3.HTTPStreamer); ok {
		s, err := taker.HTTPStream()
		if err != nil {
			return nil, err
		}
		return &stream3{ends: ends, stream: s}, nil
	}
	return &stream2{
		ends: ends, now: f.options.Now, w: w, control: http.NewResponseController(w), body: body, done: make(chan struct{}),
	}, nil
}

// Stream is a stream that is a connection.
type Stream interface {
	net.Conn
	// Rest waits until the stream is closed, as long as its handler may not return before. The end of ctx closes it.
	Rest(ctx context.Context)
}

type ends struct{ local, remote net.Addr }

// LocalAddr returns our address.
func (e *ends) LocalAddr() net.Addr { return e.local }

// RemoteAddr returns the client's address.
func (e *ends) RemoteAddr() net.Addr { return e.remote }

// stream2 is a stream of HTTP/2. The server ends it when its handler returns, and a deadline of the server's own ends it
// too, so that both are kept here.
type stream2 struct {
	ends
	now     func() time.Time
	w       http.ResponseWriter
	control *http.ResponseController
	body    io.ReadCloser
	done    chan struct{}
	once    sync.Once

	writing sync.Mutex // held while something is written

	life       sync.Mutex // guards what follows, and that control is not used after the end
	ended      bool
	late       bool // a write took too long
	readUntil  time.Time
	writeUntil time.Time
	readMoved  chan struct{} // closed when readUntil changes under a read

	reading sync.Mutex // one reader at a time
	pending chan read  // of a read whose deadline passed before it came
	rest    []byte     // of it
}

type read struct {
	b   []byte
	err error
}

// Read reads what the client sends.
func (s *stream2) Read(p []byte) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if len(s.rest) > 0 {
		n := copy(p, s.rest)
		s.rest = s.rest[n:]
		return n, nil
	}
	until, moved := s.readDeadline()
	if s.pending == nil && until.IsZero() {
		n, err := s.body.Read(p)
		return n, s.readError(err)
	}
	if s.pending == nil {
		s.pending = make(chan read, 1)
		go func(into chan<- read, b []byte) { // ends with the stream at the latest
			n, err := s.body.Read(b)
			into <- read{b[:n], err}
		}(s.pending, make([]byte, min(len(p), 4<<10)))
	}
	for {
		var passed <-chan time.Time
		if !until.IsZero() {
			t := time.NewTimer(until.Sub(s.now()))
			defer t.Stop()
			passed = t.C
		}
		select {
		case got := <-s.pending:
			s.pending = nil
			n := copy(p, got.b)
			s.rest = got.b[n:]
			return n, s.readError(got.err)
		case <-passed:
			return 0, os.ErrDeadlineExceeded
		case <-moved:
			until, moved = s.readDeadline()
		}
	}
}

func (s *stream2) readDeadline() (time.Time, <-chan struct{}) {
	s.life.Lock()
	defer s.life.Unlock()
	if s.readMoved == nil {
		s.readMoved = make(chan struct{})
	}
	return s.readUntil, s.readMoved
}

// readError says what the end of a read means for a connection.
func (s *stream2) readError(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	s.life.Lock()
	defer s.life.Unlock()
	if s.ended || errors.Is(err, os.ErrDeadlineExceeded) { // the latter is how Close ends a read
		return net.ErrClosed
	}
	return err
}

// Write sends p.
func (s *stream2) Write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.life.Lock()
	until, ended := s.writeUntil, s.ended
	s.life.Unlock()
	if ended {
		return 0, net.ErrClosed
	}
	if !until.IsZero() {
		left := until.Sub(s.now())
		if left <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
		t := time.AfterFunc(left, func() { s.breakWrite(true) })
		defer t.Stop()
	}
	n, err := s.w.Write(p)
	if err == nil {
		err = s.control.Flush()
	}
	s.life.Lock()
	defer s.life.Unlock()
	if err != nil && s.late {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// breakWrite ends the stream under a write.
func (s *stream2) breakWrite(late bool) {
	s.life.Lock()
	defer s.life.Unlock()
	if !s.ended {
		s.late = s.late || late
		_ = s.control.SetWriteDeadline(s.now().Add(-time.Second)) // the server resets the stream
	}
}

// Close ends the stream: in good order, unless a write is under way.
func (s *stream2) Close() error {
	s.once.Do(func() {
		s.life.Lock()
		_ = s.control.SetReadDeadline(s.now().Add(-time.Second)) // whoever reads sees the end
		s.life.Unlock()
		if !s.writing.TryLock() {
			s.breakWrite(false)
			s.writing.Lock()
		}
		s.life.Lock()
		s.ended = true
		s.life.Unlock()
		s.writing.Unlock()
		close(s.done)
	})
	return nil
}

// Rest waits for the end: the server takes the stream away when the handler returns.
func (s *stream2) Rest(ctx context.Context) {
	select {
	case <-s.done:
	case <-ctx.Done():
		_ = s.Close()
	}
}

// SetDeadline sets both deadlines.
func (s *stream2) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline sets when reads give up. A read that has no deadline when it begins is not reached by a later one.
func (s *stream2) SetReadDeadline(t time.Time) error {
	s.life.Lock()
	defer s.life.Unlock()
	s.readUntil = t
	if s.readMoved != nil {
		close(s.readMoved)
		s.readMoved = nil
	}
	return nil
}

// SetWriteDeadline sets when writes that begin from now on give up; that ends the stream.
func (s *stream2) SetWriteDeadline(t time.Time) error {
	s.life.Lock()
	defer s.life.Unlock()
	s.writeUntil = t
	return nil
}

// stream3 is a stream of HTTP/3, which is its own master: the handler may return.
type stream3 struct {
	ends
	stream  *http3.Stream
	writing sync.Mutex
	once    sync.Once
}

// Read reads what the client sends.
func (s *stream3) Read(p []byte) (int, error) { return s.stream.Read(p) }

// Write sends p.
func (s *stream3) Write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.stream.Write(p)
}

// Close ends the stream: in good order, unless a write is under way.
func (s *stream3) Close() (err error) {
	s.once.Do(func() {
		if s.writing.TryLock() {
			err = s.stream.Close()
		} else {
			s.stream.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
			s.writing.Lock()
		}
		s.writing.Unlock()
		s.stream.CancelRead(quic.StreamErrorCode(http3.ErrCodeNoError))
	})
	return err
}

// CloseWrite ends our half.
func (s *stream3) CloseWrite() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.stream.Close()
}

// Rest returns at once.
func (s *stream3) Rest(context.Context) {}

// SetDeadline sets both deadlines.
func (s *stream3) SetDeadline(t time.Time) error { return s.stream.SetDeadline(t) }

// SetReadDeadline sets when reads give up.
func (s *stream3) SetReadDeadline(t time.Time) error { return s.stream.SetReadDeadline(t) }

// SetWriteDeadline sets when writes give up.
func (s *stream3) SetWriteDeadline(t time.Time) error { return s.stream.SetWriteDeadline(t) }
