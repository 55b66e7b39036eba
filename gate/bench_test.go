package gate_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/encode"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/gate/static"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func benchGate(b *testing.B, handler http.Handler) *gate.Gate {
	b.Helper()
	table, err := gate.NewTable([]config.Site{{
		Name: "127.0.0.1", TLS: config.TLS{Mode: config.TLSOff},
		Routes: []config.Route{{Path: "/", Static: b.TempDir()}, {Path: "/api/", API: true}},
	}}, builders(handler.ServeHTTP))
	if err != nil {
		b.Fatal(err)
	}
	g, err := gate.New(gate.Options{
		Table: table, Recorder: trace.New(trace.Options{Now: time.Now, Recent: 4096}), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	return g
}

func small() http.Handler {
	body := []byte(`{"id":"0abcdefghjkmn"}`)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write(body)
	})
}

// discard is a writer that costs nothing, so that what is measured is the gate.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header              { return d.h }
func (d *discard) Write(p []byte) (int, error)      { return len(p), nil }
func (d *discard) WriteHeader(int)                  {}
func (d *discard) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkGate_Handler is the gate's own work for a small API request, beside the bare handler.
func BenchmarkGate_Handler(b *testing.B) {
	for name, h := range map[string]http.Handler{"bare": small(), "gate": benchGate(b, small())} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/api/photos/0abcdefghjkmn", nil)
			r.Host = "127.0.0.1:8443"
			w := &discard{h: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				h.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkGate_Loopback is the same through a real connection, client included.
func BenchmarkGate_Loopback(b *testing.B) {
	for name, h := range map[string]http.Handler{"bare": small(), "gate": nil} {
		b.Run(name, func(b *testing.B) {
			var lc net.ListenConfig
			ln, err := lc.Listen(b.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan struct{})
			if h != nil {
				s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
				go func() { defer close(done); _ = s.Serve(ln) }()
				defer s.Close()
			} else {
				g := benchGate(b, small())
				go func() { defer close(done); _ = g.Run(ctx, nil, ln) }()
			}
			conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", ln.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			request := []byte("GET /api/photos/0abcdefghjkmn HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n")
			buf := make([]byte, 4096)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.Write(request); err != nil {
					b.Fatal(err)
				}
				if _, err := conn.Read(buf); err != nil && !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
			}
			_ = conn.Close()
			cancel()
			if h == nil {
				<-done
			}
		})
	}
}

// BenchmarkGate_Static is the gate's own work for a small file that is asked for again and again, up to the writer.
func BenchmarkGate_Static(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.css"), bytes.Repeat([]byte("body { margin: 0 }\n"), 54), 0o600); err != nil {
		b.Fatal(err)
	}
	for name, accept := range map[string]string{"as it is": "", "br": "gzip, deflate, br, zstd"} {
		b.Run(name, func(b *testing.B) {
			folder := static.New(static.Options{Dir: dir, Mount: "/", Encoders: encode.New(), Now: time.Now})
			table, err := gate.NewTable([]config.Site{{
				Name: "127.0.0.1", TLS: config.TLS{Mode: config.TLSOff}, Routes: []config.Route{{Path: "/", Static: dir}},
			}}, route.Builders{Static: func(*config.Site, *config.Route) (route.Target, error) { return folder, nil }})
			if err != nil {
				b.Fatal(err)
			}
			g, err := gate.New(gate.Options{Table: table, Recorder: trace.New(trace.Options{Now: time.Now, Recent: 4096}), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/app.css", nil)
			r.Host = "127.0.0.1:8443"
			if accept != "" {
				r.Header.Set("Accept-Encoding", accept)
			}
			w := &discard{h: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				g.ServeHTTP(w, r)
			}
		})
	}
}
