package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/http1"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

// http2 reaches an upstream that speaks HTTP/2, by net/http: with TLS where both agreed on it, else as h2c.
type http2 struct {
	client *http.Transport
	scheme string

	mu     sync.Mutex // guards all below
	ready  net.Conn   // made to find out what the upstream speaks: the first connection
	conns  map[*counted]struct{}
	closed bool
}

// counted is a connection that is known until it is closed.
type counted struct {
	net.Conn

	of *http2
}

// Close closes the connection.
func (c *counted) Close() error {
	c.of.mu.Lock()
	delete(c.of.conns, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// SyscallConn leads to the socket.
func (c *counted) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.Conn.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

var errNotHTTP2 = errors.New("the upstream does not speak HTTP/2 any more")

func newHTTP2(t *transport) *http2 {
	h := &http2{scheme: "http", conns: map[*counted]struct{}{}}
	protocols := new(http.Protocols)
	if t.up.Scheme == config.HTTPS {
		h.scheme = "https"
		protocols.SetHTTP2(true)
	} else {
		protocols.SetUnencryptedHTTP2(true)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		h.mu.Lock()
		c := h.ready
		h.ready = nil
		h.mu.Unlock()
		if c == nil {
			var err error
			if c, err = t.dial(ctx); err != nil {
				return nil, err
			}
			if s, ok := c.(*tls.Conn); ok && s.ConnectionState().NegotiatedProtocol != "h2" {
				t.speaks2.Store(false)
				_ = c.Close() // it was never used
				return nil, &connectError{err: errNotHTTP2}
			}
		}
		return c, nil
	}
	h.client = &http.Transport{
		DialContext: dial, DialTLSContext: dial, Protocols: protocols, DisableCompression: true,
		IdleConnTimeout: 55 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		HTTP2: &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 10 * time.Second, WriteByteTimeout: 30 * time.Second},
	}
	return h
}

func (h *http2) adopt(c net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ready != nil || h.closed {
		_ = c.Close() // another one was faster
		return
	}
	h.ready = c
}

// count keeps a connection in mind until it is closed. It stands below TLS, which net/http wants to see.
func (h *http2) count(c net.Conn) net.Conn {
	made := &counted{Conn: c, of: h}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns[made] = struct{}{}
	return made
}

// close ends all connections, busy ones too.
func (h *http2) close() {
	h.client.CloseIdleConnections()
	h.mu.Lock()
	h.closed = true
	all := make([]net.Conn, 0, len(h.conns)+1)
	for c := range h.conns {
		all = append(all, c.Conn)
	}
	if h.ready != nil {
		all = append(all, h.ready)
		h.ready = nil
	}
	h.mu.Unlock()
	for _, c := range all {
		_ = c.Close() // who uses it sees it end
	}
}

func (h *http2) probe(ctx context.Context, host, path string) (int, error) {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: h.scheme, Host: host, Opaque: path}, Host: host, Header: http.Header{"User-Agent": {"roundtrip-health"}}}
	res, err := h.client.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

var errFirstByte = errors.New("no answer in time")

// stream is one request over HTTP/2.
type stream struct {
	res    *http.Response
	body   *upBody
	cancel context.CancelCauseFunc
	buf    *[pieceMax]byte
	timer  *time.Timer // ends the stream when nothing comes
	full   bool        // the last read filled what there was: more is there
	ended  bool
}

// overHTTP2 sends the request, and returns when the head of its answer is there.
func (f *forward) overHTTP2(t *transport, up *pool.Upstream) (*reply, *fault) {
	ctx, cancel := context.WithCancelCause(f.r.Context())
	s := &stream{cancel: cancel}
	r := f.request2(t, up)
	s.body = &upBody{first: f.first, rest: f.r.Body, more: f.more}
	switch {
	case f.spool != nil:
		s.body = &upBody{spool: f.spool.reader(), more: true}
		r.Body, r.ContentLength = s.body, f.spool.size
	case f.hasBody():
		r.Body, r.ContentLength = s.body, f.r.ContentLength
		f.begun = f.more
		if f.r.ProtoMajor == 1 && f.more {
			_ = http.NewResponseController(f.w).EnableFullDuplex() // a writer that can't is one of a test
		}
	default:
		s.body.more = false
	}
	limit := f.p.declared.FirstByte
	s.timer = time.AfterFunc(limit, func() {
		if s.body.sending() { // the time counts from the end of the request, and a call may be open for long
			s.timer.Reset(limit)
			return
		}
		cancel(errFirstByte)
	})
	res, err := t.h2.client.RoundTrip(r.WithContext(ctx)) //nolint:bodyclose // stream.end closes it
	s.timer.Stop()
	if err != nil {
		return nil, f.failed2(ctx, s, err)
	}
	s.res, s.ended = res, res.ContentLength == 0 // an answer of trailers alone stays one
	a := &http1.Answer{Status: res.StatusCode, Length: res.ContentLength}
	for name, values := range res.Header {
		for _, v := range values {
			a.Fields = append(a.Fields, http1.Field{Name: name, Value: v})
		}
	}
	return &reply{Answer: a, source: s, note: "stream of HTTP/2"}, nil
}

// request2 makes the request of net/http.
func (f *forward) request2(t *transport, up *pool.Upstream) *http.Request {
	h := make(http.Header, len(f.r.Header)+8)
	for name, values := range f.r.Header {
		if f.goesUp(name) {
			h[name] = values
		}
	}
	f.eachOwn(func(name, value string) { h[http.CanonicalHeaderKey(name)] = []string{value} })
	if listed(f.r.Header["Te"], "trailers") {
		h["Te"] = []string{"trailers"}
	}
	if h["User-Agent"] == nil {
		h["User-Agent"] = []string{""} // so that net/http names itself no client
	}
	target := f.target()
	u := &url.URL{Scheme: t.h2.scheme, Host: up.Declared.Host, Opaque: target}
	return &http.Request{Method: f.r.Method, URL: u, Host: f.host(up), Header: h, Trailer: f.r.Trailer, Proto: "HTTP/2.0", ProtoMajor: 2}
}

// failed2 judges an error before there was an answer.
func (f *forward) failed2(ctx context.Context, s *stream, err error) *fault {
	s.end()
	gone := f.r.Context()
	failed := &fault{reason: reasonReset, blame: pool.Up, cause: err, sent: true}
	var c *connectError
	switch {
	case s.body.clientError() != nil:
		failed.blame, failed.cause = pool.Client, s.body.clientError()
		failed.reason = f.clientProblem(failed.cause).Reason
	case errors.As(err, &c):
		failed = connectFault(gone, err) //nolint:contextcheck // the client's context, not that of the stream
		failed.stale = errors.Is(err, errNotHTTP2)
		f.begun = s.body.touched()
	case gone.Err() != nil:
		failed.blame, failed.reason, failed.cause = pool.Client, reasonClient, gone.Err()
	case errors.Is(context.Cause(ctx), errFirstByte):
		failed.reason = "proxy.first_byte_timeout"
	}
	return failed
}

// Waiting reports whether Next may have to wait: what HTTP/2 holds back can't be seen, but a read that filled its buffer
// left something.
func (s *stream) Waiting() bool { return !s.ended && !s.full }

// Allow sets how long reads may wait.
func (s *stream) Allow(d time.Duration) {
	if s.buf == nil {
		s.timer = time.AfterFunc(d, func() { s.cancel(os.ErrDeadlineExceeded) })
		return
	}
	s.timer.Reset(d)
}

// Next reads the next part of the body.
func (s *stream) Next() ([]byte, error) {
	if s.buf == nil {
		s.buf = new([pieceMax]byte)
	}
	n, err := s.res.Body.Read(s.buf[:])
	s.full = n == len(s.buf)
	switch {
	case err == nil:
		return s.buf[:n], nil
	case errors.Is(err, io.EOF):
		s.ended = true
		return s.buf[:n], io.EOF
	case errors.Is(context.Cause(s.res.Request.Context()), os.ErrDeadlineExceeded):
		return s.buf[:n], &http1.Error{Kind: http1.Timeout, Err: err}
	case s.body.clientError() != nil || s.res.Request.Context().Err() != nil:
		return s.buf[:n], &http1.Error{Kind: http1.Gone, Err: err}
	}
	return s.buf[:n], &http1.Error{Kind: http1.Closed, Err: err}
}

// Trailers returns what came after the body.
func (s *stream) Trailers() []http1.Field {
	var fields []http1.Field
	for name, values := range s.res.Trailer {
		for _, v := range values {
			fields = append(fields, http1.Field{Name: name, Value: v})
		}
	}
	return fields
}

func (s *stream) finish(*forward, bool) { s.end() }

// end ends the stream. Nobody reads the client's body after it.
func (s *stream) end() {
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.res != nil {
		_ = s.res.Body.Close() // an upstream that still sends is reset
	}
	s.cancel(nil)
	s.body.stop()
}

// upBody is the body of a request as net/http reads it, in a goroutine of its own, until stop.
type upBody struct {
	first []byte
	rest  io.ReadCloser
	spool io.Reader
	more  bool

	mu      sync.Mutex // held while the client's body is read
	stopped atomic.Bool
	over    atomic.Bool
	read    atomic.Bool
	client  atomic.Pointer[error]
}

var errStopped = errors.New("the answer is complete")

// Read reads the next part.
func (b *upBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.stopped.Load():
		return 0, errStopped
	case len(b.first) > 0:
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	case !b.more:
		b.over.Store(true)
		return 0, io.EOF
	case b.spool != nil:
		return b.ended(b.spool.Read(p))
	}
	b.read.Store(true)
	return b.ended(b.rest.Read(p))
}

func (b *upBody) ended(n int, err error) (int, error) {
	if err != nil {
		b.over.Store(true)
		if !errors.Is(err, io.EOF) && !b.stopped.Load() {
			b.client.Store(&err)
		}
	}
	return n, err
}

// Close is called by net/http when it wants no more.
func (b *upBody) Close() error { return nil }

// sending reports whether the body has not ended.
func (b *upBody) sending() bool { return b.more && !b.over.Load() }

// touched reports whether a part of the client's body was read that can't be read again.
func (b *upBody) touched() bool { return b.read.Load() }

func (b *upBody) clientError() error {
	if err := b.client.Load(); err != nil {
		return *err
	}
	return nil
}

// stop ends a Read that waits, and returns when none runs.
func (b *upBody) stop() {
	b.stopped.Store(true)
	if b.more && !b.over.Load() && b.spool == nil {
		abandon(b.rest)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.more, b.first = false, nil
}
