package proxy_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate/proxy"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

// kilobyte is an upstream that answers with 1 KiB and costs nothing but its system calls.
func kilobyte(b *testing.B) *raw {
	b.Helper()
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nDate: Sat, 28 Nov 2026 11:51:30 GMT\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("x", 1024))
	return upstream(b, func(c *conn) {
		buf := make([]byte, 64<<10)
		have := 0
		for {
			n, err := c.Read(buf[have:])
			if err != nil {
				return
			}
			have += n
			end := bytes.Index(buf[:have], []byte("\r\n\r\n"))
			if end < 0 {
				continue
			}
			want := end + 4
			if at := bytes.Index(buf[:end], []byte("Content-Length: ")); at >= 0 {
				line, _, _ := bytes.Cut(buf[at+16:end+2], []byte("\r\n"))
				size, _ := strconv.Atoi(string(line))
				want += size
			}
			if have < want {
				continue
			}
			have = 0
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	})
}

// discard is a writer that costs nothing, so that what is measured is the engine.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
func (d *discard) FlushError() error           { return nil }

// BenchmarkProxy_Serve is the engine alone.
func BenchmarkProxy_Serve(b *testing.B) {
	up := kilobyte(b)
	declared := at(up.url)
	ups, err := pool.New(pool.Options{Declared: declared, Connect: proxy.Connect(time.Now, nil), Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	p, err := proxy.New(proxy.Options{Mount: "/", Declared: declared, Pool: ups, Node: "n1", Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{0, 4096} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			body := bytes.NewReader(make([]byte, size))
			method := http.MethodGet
			if size > 0 {
				method = http.MethodPost
			}
			r, _ := http.NewRequestWithContext(b.Context(), method, "https://app.localhost/up/1k.bin", io.NopCloser(body))
			r.ContentLength, r.RemoteAddr = int64(size), "127.0.0.1:4711"
			r.Header = http.Header{"Accept": {"*/*"}, "User-Agent": {"bench/1"}, "Accept-Encoding": {"gzip"}}
			w := &discard{h: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				body.Reset(make([]byte, 0))
				if size > 0 {
					body.Reset(sent[:size])
				}
				if err := p.Serve(w, r, "/up/1k.bin"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var sent [4096]byte

// BenchmarkProxy_Gate is the whole way over TLS, the client in it too: over HTTP/1 it costs next to nothing.
func BenchmarkProxy_Gate(b *testing.B) {
	up := kilobyte(b)
	h := open(b, at(up.url))
	b.Run("https1", func(b *testing.B) {
		request := []byte("GET /1k.bin HTTP/1.1\r\nHost: app.localhost\r\nAccept: */*\r\n\r\n")
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			c, err := tls.Dial("tcp", h.secure, &tls.Config{RootCAs: h.roots, ServerName: "app.localhost"})
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			buf := make([]byte, 16<<10)
			for pb.Next() {
				if _, err := c.Write(request); err != nil {
					b.Error(err)
					return
				}
				for have := 0; ; {
					n, err := c.Read(buf[have:])
					if err != nil {
						b.Error(err)
						return
					}
					have += n
					if end := bytes.Index(buf[:have], []byte("\r\n\r\n")); end >= 0 && have == end+4+1024 {
						break
					}
				}
			}
		})
	})
	b.Run("http2", func(b *testing.B) {
		c := h.client(b, true)
		r, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://app.localhost/1k.bin", nil)
		b.ReportAllocs()
		for b.Loop() {
			res, err := c.Do(r)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	})
}
