package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"

	"golang.org/x/net/http2"

	"github.com/roundtrip-dev/roundtrip/internal/switches"
)

// HTTP2 makes the server of a listener speak HTTP/2 behind a guard, over TLS where that was agreed on, and without where the
// client begins so. What the server's HTTP2 field says stays in force. It comes before Run.
func (f *Front) HTTP2(s *http.Server, l *Listener) error {
	// net/http has the same server built in, and hands it connections of crypto/tls alone: only here may something be between.
	if !switches.On() {
		f.options.Log.Warn("WebSockets over HTTP/2 are off, by GODEBUG=http2xconnect=0")
	}
	speaker := &http2.Server{}
	if err := http2.ConfigureServer(s, speaker); err != nil {
		return fmt.Errorf("HTTP/2: %w", err)
	}
	if l.tls == nil {
		l.clear = func(ctx context.Context, c net.Conn) {
			speaker.ServeConn(c, &http2.ServeConnOpts{Context: ctx, Handler: s.Handler, BaseConfig: s})
		}
		return nil
	}
	s.TLSNextProto[http2.NextProtoTLS] = func(s *http.Server, c *tls.Conn, h http.Handler) {
		facts := &Facts{}
		if t, ok := c.NetConn().(*tracked); ok {
			facts = &t.facts
		}
		// The connection's context is handed down by a method that net/http's handler has and does not advertise.
		ctx := context.Background()
		if base, ok := h.(interface{ BaseContext() context.Context }); ok {
			ctx = base.BaseContext()
		}
		guarded := guardedTLS{f.guarded(c, facts, 0), c}
		speaker.ServeConn(guarded, &http2.ServeConnOpts{Context: ctx, Handler: h, BaseConfig: s})
	}
	return nil
}
