package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate/wire"
)

const (
	// headReadMax is how much of a head is taken in; over HTTP/1 it is up to 4 KiB more. Between it and headBytesMax the gate
	// refuses a head in its own words. Beyond it HTTP/1 does that too (431), HTTP/2 and 3 answer a bare 431 (gate/wire sees
	// that, so that it has a journey), and a line of HTTP/2 that is longer, or a frame more of such a head, ends the connection. It is not much more than headBytesMax because a byte of HPACK
	// can stand for a whole header: this is what a stream may cost us before anybody has looked at it.
	headReadMax = 24 << 10
	streamsMax  = 100 // of one connection of HTTP/2 or 3 at once
)

// Run serves both listeners, and HTTP/3 where it has a socket for it, until ctx ends, then lets running requests finish for at most Times.Drain. secure carries
// raw TCP: TLS is the gate's work. Either listener may be nil. It returns when all its goroutines have ended.
func (g *Gate) Run(ctx context.Context, secure, plain net.Listener) error {
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var servers []server
	var quic *wire.QUIC
	var group sync.WaitGroup
	failed := make(chan error, 6)
	serve := func(ln *wire.Listener) {
		s, err := g.server(base, ln)
		if err != nil {
			failed <- errors.Join(err, ln.Close())
			return
		}
		servers = append(servers, server{s, ln})
		group.Go(func() { ln.Run(base) })
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
		settings := g.certs.TLSConfig()
		serve(g.front.Listen(secure, settings)) //nolint:contextcheck // a handshake brings its own context
		if g.packets != nil {
			var err error
			if quic, err = g.listenQUIC(settings); err != nil { //nolint:contextcheck // the same
				failed <- err
			} else {
				group.Go(func() { //nolint:contextcheck // connections bring theirs
					if err := quic.Serve(); err != nil {
						failed <- err
					}
				})
			}
		}
	}
	if plain != nil {
		serve(g.front.Listen(plain, nil)) //nolint:contextcheck // no handshake
	}
	close(g.ready)

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	err = errors.Join(err, g.drain(context.WithoutCancel(ctx), servers, quic, cut))
	group.Wait()
	return err
}

// drain stops the servers: no new connections, then running requests have their time, then they are cut.
func (g *Gate) drain(ctx context.Context, servers []server, quic *wire.QUIC, cut context.CancelFunc) error {
	g.stopping.Store(true)
	g.front.Stop()
	g.altSvc.Store(nil)
	limited, cancel := context.WithTimeout(ctx, g.times.Drain)
	defer cancel()
	var group sync.WaitGroup
	for _, s := range servers {
		group.Go(func() {
			if s.Shutdown(limited) != nil {
				_ = s.Close() // what did not end in time is cut; there is nobody left to tell
			}
			s.listener.Rest(limited)
		})
	}
	if quic != nil {
		group.Go(func() { quic.Shutdown(limited) })
	}
	group.Wait()
	g.await(limited) // what was taken over is none of the servers': a WebSocket that was told to go is about to
	cut()
	// A connection can be gone while its handler still runs. Handlers see their context end; they get a moment for it.
	last, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	if !g.await(last) {
		return fmt.Errorf("gate: %d requests did not end after %s", g.inflight.Load(), g.times.Drain)
	}
	return nil
}

// await waits until no request runs, or ctx ends, and reports whether none does.
func (g *Gate) await(ctx context.Context) bool {
	for g.inflight.Load() > 0 {
		select {
		case <-g.idle:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// listenQUIC opens the door of HTTP/3, and lets answers say so.
func (g *Gate) listenQUIC(settings *tls.Config) (*wire.QUIC, error) {
	quic, err := g.front.ListenQUIC(wire.QUICOptions{
		Conn: g.packets, TLS: settings, Handler: g, Idle: g.times.Idle, HeadBytes: headReadMax, StreamsMax: streamsMax,
	})
	if err != nil {
		return nil, err
	}
	if a, ok := g.packets.LocalAddr().(*net.UDPAddr); ok {
		g.altSvc.Store(&[]string{fmt.Sprintf(`h3=":%d"; ma=86400`, a.Port)})
	}
	return quic, nil
}

// server is what serves one listener.
type server struct {
	*http.Server

	listener *wire.Listener
}

// server makes the http.Server of one listener. Bodies have no fixed time: their deadlines move with each byte.
func (g *Gate) server(base context.Context, ln *wire.Listener) (*http.Server, error) {
	s := &http.Server{
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
			MaxReadFrameSize:     16 << 10,
		},
	}
	return s, g.front.HTTP2(s, ln)
}
