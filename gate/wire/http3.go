package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	handshakesMax = 100 // at once, until an address has to show first that packets reach it (RFC 9000 section 8.1)
	uniStreamsMax = 16  // one direction only: settings, and two of QPACK, are all that a client needs

	streamWindow     = 1 << 20 // bytes of one body that may be under way
	connectionWindow = 4 << 20 // and of all of a connection
)

var (
	errFull   = errors.New("wire: there is no place for another connection")
	errBarred = errors.New("wire: the firewall lets nobody in from there")
)

// QUICOptions says what the door of HTTP/3 is handed.
type QUICOptions struct {
	Conn       net.PacketConn // a UDP socket; closed by Close
	TLS        *tls.Config
	Handler    http.Handler
	Idle       time.Duration // a connection without a request
	HeadBytes  int           // of a request's head; beyond it the answer is a bare 431
	StreamsMax int           // requests of one connection at once
}

// QUIC is the door of HTTP/3 (RFC 9114).
//
// It serves each stream by itself rather than leaving that to http3.Server, because three things must hold on every
// protocol: a head has its time, no more handlers run than streams are allowed, however fast a client gives them up, and
// who gives up too many is cut off. The price is that there is no GOAWAY: when the door closes, new streams are reset with
// H3_REQUEST_REJECTED, which tells a client as well that it may ask again elsewhere.
type QUIC struct {
	front     *Front
	options   QUICOptions
	transport *quic.Transport
	listener  *quic.Listener
	server    *http3.Server

	handshakes atomic.Int64
	serving    sync.WaitGroup  // connections
	accepting  context.Context //nolint:containedctx // what Accept waits with, and Shutdown ends
	stop       context.CancelFunc

	mu       sync.Mutex // guards what follows
	open     map[*quic.Conn]struct{}
	requests int
	stopping bool
	idle     chan struct{} // closed when the last request has ended while the door closes
}

// ListenQUIC makes the door of HTTP/3 on a UDP socket. There is no 0-RTT: what comes in it can be sent again by anybody who
// saw it, and one round trip is not worth thinking about that for each route.
func (f *Front) ListenQUIC(o QUICOptions) (*QUIC, error) {
	q := &QUIC{front: f, options: o, open: map[*quic.Conn]struct{}{}, idle: make(chan struct{})}
	q.accepting, q.stop = context.WithCancel(context.Background())
	q.server = &http3.Server{Handler: timed(o.Handler), MaxHeaderBytes: o.HeadBytes, IdleTimeout: o.Idle}
	q.transport = &quic.Transport{
		Conn:                o.Conn,
		ConnContext:         q.admit,
		VerifySourceAddress: func(net.Addr) bool { return q.handshakes.Load() >= handshakesMax },
	}
	var err error
	q.listener, err = q.transport.Listen(http3.ConfigureTLSConfig(f.settings(o.TLS)), &quic.Config{
		HandshakeIdleTimeout:           f.options.Header / 2, // all of it may take twice this
		MaxIdleTimeout:                 o.Idle,
		InitialStreamReceiveWindow:     streamWindow / 2,
		MaxStreamReceiveWindow:         streamWindow,
		InitialConnectionReceiveWindow: streamWindow,
		MaxConnectionReceiveWindow:     connectionWindow,
		MaxIncomingStreams:             int64(o.StreamsMax),
		MaxIncomingUniStreams:          uniStreamsMax,
	})
	if err != nil {
		q.stop()
		return nil, fmt.Errorf("HTTP/3: %w", err)
	}
	return q, nil
}

// timed takes off the deadline that the head of a request had, and notes that there is one.
func timed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, ok := r.Context().Value(arrivedKey{}).(*arrived); ok {
			if body, ok := r.Body.(interface{ StreamID() quic.StreamID }); ok {
				a.note(body.StreamID())
			}
		}
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // it can: w is of http3
		h.ServeHTTP(w, r)
	})
}

// admit decides whether a connection may come at all, and keeps its facts. The context ends with the connection.
func (q *QUIC) admit(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	facts := &Facts{Accepted: q.front.options.Now(), QUIC: true}
	if addr, err := netip.ParseAddrPort(info.RemoteAddr.String()); err == nil {
		facts.Client, facts.From = addr.Addr().Unmap().WithZone(""), addr.Port()
	}
	facts.Port = portOf(q.options.Conn.LocalAddr())
	if !q.front.enter(facts, Coming{Client: facts.Client, Port: facts.Port, UDP: true}) {
		return nil, errBarred
	}
	if q.front.flooded(facts) {
		return nil, errFlood
	}
	seat, reason := q.front.Admit(facts.Client)
	if reason != trace.None {
		q.front.Refused(facts, reason, nil)
		return nil, errFull
	}
	q.handshakes.Add(1)
	context.AfterFunc(ctx, func() {
		seat.Leave()
		if facts.ready.Swap(true) {
			return
		}
		q.handshakes.Add(-1)
		if !q.front.stopping.Load() {
			q.front.options.Lost(facts, trace.TLS, q.front.reasonOf(facts, context.Cause(ctx)), context.Cause(ctx))
		}
	})
	return context.WithValue(facts.in(ctx), arrivedKey{}, &arrived{}), nil
}

// Serve takes connections until the door is closed.
func (q *QUIC) Serve() error {
	defer q.serving.Wait()
	for {
		c, err := q.listener.Accept(q.accepting)
		switch {
		case q.accepting.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("HTTP/3: %w", err)
		}
		facts := FactsFrom(c.Context())
		if facts == nil || facts.ready.Swap(true) {
			continue // it is gone already
		}
		q.handshakes.Add(-1)
		state := c.ConnectionState().TLS
		q.front.learn(facts, &state)
		q.front.made(facts)
		q.serving.Go(func() { q.serve(c, facts) })
	}
}

// serve answers on one connection until it ends.
func (q *QUIC) serve(c *quic.Conn, facts *Facts) {
	speaker, err := q.server.NewRawServerConn(c)
	if err != nil {
		_ = c.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeInternalError), "")
		return
	}
	q.keep(c)
	defer q.forget(c)
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() {
		for {
			s, err := c.AcceptUniStream(c.Context())
			if err != nil {
				return
			}
			group.Go(func() { speaker.HandleUnidirectionalStream(s) })
		}
	})
	behave := &givenUp{allowance: allowance{burst: 500, perSecond: 50, since: facts.Accepted}}
	came, _ := c.Context().Value(arrivedKey{}).(*arrived)
	slots := make(chan struct{}, q.options.StreamsMax)
	for {
		s, err := c.AcceptStream(c.Context())
		if err != nil {
			return
		}
		select {
		case slots <- struct{}{}:
		case <-c.Context().Done():
			return
		}
		if !q.begin() {
			<-slots
			s.CancelRead(quic.StreamErrorCode(http3.ErrCodeRequestRejected))
			s.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestRejected))
			continue
		}
		group.Go(func() {
			defer q.end()
			defer func() { <-slots }()
			_ = s.SetReadDeadline(q.front.options.Now().Add(q.front.options.Header))
			speaker.HandleRequestStream(s)
			if came != nil && !came.take(s.StreamID()) && answered(c, s) {
				q.front.options.Early(facts, HeadTooLarge())
			}
			if behave.tooOften(s, q.front.options.Now) {
				q.flood(c, facts)
			}
		})
	}
}

type arrivedKey struct{}

// arrived are the streams of a connection whose request has come to its handler.
type arrived struct {
	mu      sync.Mutex // guards streams
	streams map[quic.StreamID]struct{}
}

func (a *arrived) note(id quic.StreamID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.streams == nil {
		a.streams = map[quic.StreamID]struct{}{}
	}
	a.streams[id] = struct{}{}
}

// take forgets a stream, and reports whether its request has come.
func (a *arrived) take(id quic.StreamID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.streams[id]
	delete(a.streams, id)
	return ok
}

// answered reports whether a stream ended in good order. Where no handler had its request, that was with a bare 431: all else
// that http3 refuses by itself resets the stream or ends the connection.
func answered(c *quic.Conn, s *quic.Stream) bool {
	_, reset := errors.AsType[*quic.StreamError](context.Cause(s.Context()))
	return s.Context().Err() != nil && !reset && c.Context().Err() == nil
}

// givenUp counts the streams that a client opens and gives up.
type givenUp struct {
	mu sync.Mutex // guards allowance
	allowance
	cut bool
}

// tooOften looks at how a stream ended. It reports true once, where there were too many.
func (g *givenUp) tooOften(s *quic.Stream, now func() time.Time) bool {
	e, ok := errors.AsType[*quic.StreamError](context.Cause(s.Context()))
	if !ok || !e.Remote {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cut || g.take(1, now) {
		return false
	}
	g.cut = true
	return true
}

// flood cuts a connection off.
func (q *QUIC) flood(c *quic.Conn, facts *Facts) {
	const why = "streams that were opened and reset"
	_ = c.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeExcessiveLoad), why)
	q.front.strike(facts)
	q.front.options.Cut(facts, trace.ReasonOf("client.flood"), why)
}

// begin counts a request, where the door is not closing.
func (q *QUIC) begin() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopping {
		return false
	}
	q.requests++
	return true
}

func (q *QUIC) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.requests--; q.requests == 0 && q.stopping {
		close(q.idle)
	}
}

func (q *QUIC) keep(c *quic.Conn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open[c] = struct{}{}
}

func (q *QUIC) forget(c *quic.Conn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.open, c)
}

// Shutdown refuses what is new, waits for the requests that run or for the end of ctx, and ends all connections. Then the
// door is closed.
func (q *QUIC) Shutdown(ctx context.Context) {
	q.mu.Lock()
	q.stopping = true
	if q.requests == 0 {
		close(q.idle)
	}
	q.mu.Unlock()
	select {
	case <-q.idle:
	case <-ctx.Done():
	}
	q.stop()
	q.mu.Lock()
	open := slices.Collect(maps.Keys(q.open))
	q.mu.Unlock()
	q.linger(ctx, open)
	for _, c := range open {
		_ = c.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "the server stops")
	}
	_ = q.listener.Close()
	_ = q.transport.Close()
	_ = q.options.Conn.Close()
}

// linger gives the last answers time to arrive: an end of the connection would overtake what is still under way, or must be
// sent again.
func (q *QUIC) linger(ctx context.Context, open []*quic.Conn) {
	var longest time.Duration
	for _, c := range open {
		longest = max(longest, 200*time.Millisecond+4*c.ConnectionStats().SmoothedRTT)
	}
	ctx, cancel := context.WithTimeout(ctx, min(longest, 2*time.Second))
	defer cancel()
	<-ctx.Done()
}
