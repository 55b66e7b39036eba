package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/http1"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

// earlyMax is how many answers with a status below 200 may come before the one that counts.
const earlyMax = 16

// reply is an answer whose head is there.
type reply struct {
	*http1.Answer

	source source
	conn   *http1.Conn   // HTTP/1 only: for an upgrade
	took   time.Duration // to the head
	note   string        // of the connection
}

// source is where the body of an answer comes from.
type source interface {
	Next() ([]byte, error)      // the next part, valid until the next call; io.EOF after the last
	Waiting() bool              // whether Next would have to wait
	Allow(d time.Duration)      // how long it may, from now on
	Trailers() []http1.Field    // after io.EOF
	finish(f *forward, ok bool) // ends it, and gives back what can be used again
}

// overHTTP1 sends the request over a connection, and reads the head of its answer.
func (f *forward) overHTTP1(c *http1.Conn, up *pool.Upstream) (*reply, *fault) {
	c.Begin(f.r.Context())
	var refused *roundtrip.Error
	if f.out, refused = f.appendHead(f.out[:0], up); refused != nil {
		c.Close()
		return nil, &fault{reason: refused.Reason, blame: pool.Client, cause: refused}
	}
	if f.spool == nil {
		f.appendFirst()
	}
	_, err := c.Write(f.out)
	if err != nil && !c.Wrote() {
		return nil, f.lost(c, err)
	}
	if err == nil && (f.more || f.spool != nil) {
		f.send(c)
	}
	// Where the request could not be sent whole there may still be an answer that says why.
	if failed := f.readHead(c); failed != nil {
		return nil, failed
	}
	f.over1.Conn = c
	f.reply = reply{Answer: &c.Answer, source: &f.over1, conn: c, note: connectionNote(c)}
	return &f.reply, nil
}

// appendFirst appends what was read of the body, as the framing of the head wants it.
func (f *forward) appendFirst() {
	if f.hasBody() && f.r.ContentLength < 0 {
		if len(f.first) > 0 {
			f.out = appendChunk(f.out, f.first)
		}
		if !f.more {
			f.out = append(f.out, "0\r\n\r\n"...)
		}
		return
	}
	f.out = append(f.out, f.first...)
}

// readHead reads heads until one counts. What informs (RFC 9110 section 15.2) is passed on.
func (f *forward) readHead(c *http1.Conn) *fault {
	c.Allow(f.p.declared.FirstByte)
	for early := 0; ; {
		err := c.ReadHead(f.r.Method)
		var e *http1.Error
		if errors.As(err, &e) && e.Kind == http1.Timeout && f.sender.running() {
			c.Allow(f.p.declared.FirstByte) // the time counts from the end of the request
			continue
		}
		if err != nil {
			return f.lost(c, err)
		}
		switch early++; {
		case c.Status >= http.StatusOK || c.Status == http.StatusSwitchingProtocols && f.upgrade && switched(c.Fields):
			return nil
		case c.Status == http.StatusSwitchingProtocols:
			return f.lost(c, &http1.Error{Kind: http1.Bad, Text: "it switches to a protocol that was not asked for"})
		case early > earlyMax:
			return f.lost(c, &http1.Error{Kind: http1.Bad, Text: "it has too many answers below 200"})
		}
		if c.Status != http.StatusContinue { // that one the client had when its body was read
			f.inform(c.Status, c.Fields)
		}
	}
}

// lost judges a connection that failed before there was an answer, and closes it.
func (f *forward) lost(c *http1.Conn, err error) *fault {
	c.Cut()
	clientErr := f.sender.end()
	if f.sender = nil; f.begun && f.r.ProtoMajor == 1 {
		f.w.Header()["Connection"] = []string{"close"} // what is left of the body is not looked for
	}
	failed := answerFault(err, "proxy.first_byte_timeout")
	if clientErr != nil {
		failed = &fault{reason: f.clientProblem(clientErr).Reason, blame: pool.Client, cause: clientErr}
	}
	failed.sent, failed.began = c.Wrote(), c.Began()
	if failed.reason == reasonReset && c.Reused() && !c.Began() {
		failed.stale, failed.blame = true, pool.Edge
	}
	c.Close()
	return failed
}

// inform passes on what comes before the answer, such as 103 Early Hints.
func (f *forward) inform(status int, fields []http1.Field) {
	if !f.r.ProtoAtLeast(1, 1) {
		return
	}
	h := f.w.Header()
	for _, field := range fields {
		if field.Name == "Link" {
			h["Link"] = append(h["Link"], field.Value)
		}
	}
	f.w.WriteHeader(status)
	delete(h, "Link")
}

func connectionNote(c *http1.Conn) string {
	if c.Reused() {
		return "connection used again"
	}
	return "new connection"
}

// overConn is the body of an answer over HTTP/1.
type overConn struct{ *http1.Conn }

// finish gives the connection back where all of the request was sent and all of the answer read.
func (s *overConn) finish(f *forward, ok bool) {
	if f.sender.running() || !ok {
		s.Cut() // the answer came before the end of the request: nobody wants the rest
	}
	failed := f.sender.end()
	if f.sender = nil; failed != nil || !ok {
		s.Close()
		return
	}
	s.Rest()
}

// send begins to send the rest of a body beside the answer.
func (f *forward) send(c *http1.Conn) {
	s := &sender{conn: c, done: make(chan struct{}), chunked: f.spool == nil && f.r.ContentLength < 0}
	f.sender = s
	if f.spool != nil {
		go s.run(f.spool.reader(), nil)
		return
	}
	f.begun, s.body = true, f.r.Body
	if f.r.ProtoMajor == 1 {
		_ = http.NewResponseController(f.w).EnableFullDuplex() // a writer that can't is one of a test
	}
	go s.run(f.r.Body, f.r)
}

// sender sends a body while the answer may come.
type sender struct {
	conn    *http1.Conn
	body    io.Closer // of the client, nil where it was read before
	chunked bool
	done    chan struct{}
	client  atomic.Pointer[error] // why the body could not be read; set before the connection is cut for it
	ended   atomic.Bool           // nobody wants the rest: that it can't be read is nobody's fault
}

// abandoner is a body whose Read can be ended from beside it.
type abandoner interface{ Abandon() }

func (s *sender) run(body io.Reader, r *http.Request) {
	defer close(s.done)
	buf := make([]byte, pieceMax)
	for {
		n, err := body.Read(buf[chunkRoom : len(buf)-2])
		if n > 0 {
			if _, err := s.conn.Write(s.frame(buf, n)); err != nil {
				return // who waits for the answer sees why
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			// Over HTTP/1 the context ends with a read that fails, so that the answer may be given up before this is known: what
			// the gate itself refused is the reason all the same.
			if _, refused := errors.AsType[*roundtrip.Error](err); refused || !s.ended.Load() {
				s.client.Store(&err)
			}
			s.conn.Cut() // whoever waits for the answer need not any more
			return
		}
	}
	if s.chunked {
		_, _ = s.conn.Write(appendLast(buf[:0], r)) // as above
	}
}

// chunkRoom is the place before a chunk that its size line fits in.
const chunkRoom = 6

// frame makes a chunk of n bytes that lie behind chunkRoom, or returns them as they are.
func (s *sender) frame(buf []byte, n int) []byte {
	if !s.chunked {
		return buf[chunkRoom : chunkRoom+n]
	}
	const digits = "0123456789abcdef"
	copy(buf[chunkRoom+n:], "\r\n")
	at := chunkRoom - 2
	copy(buf[at:], "\r\n")
	for left := n; left > 0; left >>= 4 {
		at--
		buf[at] = digits[left&15]
	}
	return buf[at : chunkRoom+n+2]
}

// running reports whether the body is still being sent. It may be called on nil, as end may.
func (s *sender) running() bool {
	if s == nil {
		return false
	}
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// end stops sending, and returns what went wrong on the client's side. The connection must have been cut, or all of the
// request sent.
func (s *sender) end() error {
	if s == nil {
		return nil
	}
	if s.running() {
		s.ended.Store(true)
		abandon(s.body)
		<-s.done
	}
	return s.blame()
}

// blame returns what went wrong on the client's side.
func (s *sender) blame() error {
	if s == nil || s.client.Load() == nil {
		return nil
	}
	return *s.client.Load()
}

func abandon(body io.Closer) {
	switch b := body.(type) {
	case nil:
	case abandoner:
		b.Abandon()
	default:
		_ = b.Close() // a body that is not the gate's: one of a test
	}
}

func appendChunk(b, data []byte) []byte {
	const digits = "0123456789abcdef"
	var size [8]byte
	at := len(size)
	for left := len(data); left > 0; left >>= 4 {
		at--
		size[at] = digits[left&15]
	}
	b = append(b, size[at:]...)
	b = append(b, "\r\n"...)
	b = append(b, data...)
	return append(b, "\r\n"...)
}

// appendLast appends the last chunk, with the trailers that the client announced.
func appendLast(b []byte, r *http.Request) []byte {
	b = append(b, "0\r\n"...)
	if r != nil {
		for name, values := range r.Trailer {
			for _, v := range values {
				if isToken(name) && isValue(v) && mayTrail(name) {
					b = appendLine(b, name, v)
				}
			}
		}
	}
	return append(b, "\r\n"...)
}

// mayTrail reports whether a header may stand after a body: none that frames a message, routes it or says who asks
// (RFC 9110 section 6.5.1).
func mayTrail(name string) bool {
	switch name {
	case "Authorization", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type", "Cookie", "Host", "Set-Cookie",
		"Cache-Control", "Expect", "Max-Forwards", "Range", "Location", "X-Journey":
		return false
	}
	return !taken(name)
}
