package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate/wire"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const (
	// headReadMax is how much of a head net/http takes in; over HTTP/1 it reads up to 4 KiB more. It is far more than
	// headBytesMax, because over HTTP/2 it cuts the connection off beyond it, without an answer and without a journey.
	headReadMax = 60 << 10
	streamsMax  = 250 // of one HTTP/2 connection at once
)

// Run serves both listeners until ctx ends, then lets running requests finish for at most Times.Drain. secure carries
// raw TCP: TLS is the gate's work. Either listener may be nil. It returns when all its goroutines have ended.
func (g *Gate) Run(ctx context.Context, secure, plain net.Listener) error {
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var servers []*http.Server
	var group sync.WaitGroup
	failed := make(chan error, 3)
	serve := func(ln *wire.Listener) {
		group.Go(func() { ln.Run(base) })
		s := g.server(base)
		servers = append(servers, s)
		group.Go(func() {
			if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
	}
	if secure != nil {
		if g.certs == nil {
			return errors.New("gate.Run: there is a listener for TLS, but no site has TLS")
		}
		serve(g.front.Listen(secure, g.certs.TLSConfig()))
	}
	if plain != nil {
		serve(g.front.Listen(plain, nil))
	}
	close(g.ready)

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	err = errors.Join(err, g.drain(context.WithoutCancel(ctx), servers, cut))
	group.Wait()
	return err
}

// drain stops the servers: no new connections, then running requests have their time, then they are cut.
func (g *Gate) drain(ctx context.Context, servers []*http.Server, cut context.CancelFunc) error {
	g.stopping.Store(true)
	g.front.Stop()
	limited, cancel := context.WithTimeout(ctx, g.times.Drain)
	defer cancel()
	var group sync.WaitGroup
	for _, s := range servers {
		group.Go(func() {
			if s.Shutdown(limited) != nil {
				_ = s.Close() // what did not end in time is cut; there is nobody left to tell
			}
		})
	}
	group.Wait()
	cut()
	// A connection can be gone while its handler still runs. Handlers see their context end; they get a moment for it.
	last, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	for g.inflight.Load() > 0 {
		select {
		case <-g.idle:
		case <-last.Done():
			return fmt.Errorf("gate: %d requests did not end after %s", g.inflight.Load(), g.times.Drain)
		}
	}
	return nil
}

// server makes the http.Server of one listener. Bodies have no fixed time: their deadlines move with each byte.
func (g *Gate) server(base context.Context) *http.Server {
	return &http.Server{
		Handler:           g,
		ReadHeaderTimeout: g.times.Header,
		IdleTimeout:       g.times.Idle,
		MaxHeaderBytes:    headReadMax,
		// Every request is the gate's: it counts them, and `OPTIONS *` gets a journey too.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
		BaseContext:                  func(net.Listener) context.Context { return base },
		ConnContext:                  wire.WithFacts,
		ConnState:                    wire.Rested,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: streamsMax,
			SendPingTimeout:      g.times.Idle / 4,
			PingTimeout:          g.times.Header,
			WriteByteTimeout:     g.times.Stall,
		},
	}
}

// lost closes the journey of a connection that never became a request.
func (g *Gate) lost(c *wire.Facts, reason trace.Reason, cause error) {
	j := g.recorder.Begin(trace.Connection)
	if j != nil {
		j.Host, j.Client, j.Proto = c.Asked, c.Client, "tls"
		took := g.now().Sub(c.Accepted)
		j.Add(trace.Hop{Layer: trace.TLS, Verdict: trace.Fail, Reason: reason, Name: "handshake", Note: cause.Error(), Start: -int64(took), Took: int64(took)})
		g.recorder.End(j)
	}
	g.log.Debug("a TLS handshake failed", slog.String("reason", reason.Code()), slog.String("server_name", c.Asked), slog.Any("err", cause))
}
