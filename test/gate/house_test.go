// Package gate_test puts the real program in front of upstreams that are processes of their own, and looks at it from both
// sides while it is reloaded, while it stops, and while they fail.
package gate_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const site = "site.test"

// client is an HTTP client of one protocol that notices when a connection is cut: net/http hides that by sending the request
// again over another one.
type client struct {
	*http.Client
	dials atomic.Int64
	cuts  atomic.Int64 // connections that the server ended
}

// watched is a connection of a client.
type watched struct {
	net.Conn
	client *client
	own    atomic.Bool // the client closed it
	once   sync.Once
}

func (w *watched) Close() error {
	w.own.Store(true)
	return w.Conn.Close()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if err != nil && !w.own.Load() {
		w.once.Do(func() { w.client.cuts.Add(1) })
	}
	return n, err
}

// protocol is one that clients speak.
type protocol string

const (
	h1 protocol = "HTTP/1.1"
	h2 protocol = "HTTP/2.0"
	h3 protocol = "HTTP/3.0"
)

// newClient makes a client of one protocol, with so many connections of HTTP/1.1; the others have one.
func newClient(t testing.TB, s *server.Server, p protocol, connections int) *client {
	t.Helper()
	c := &client{}
	if p == h3 {
		transport := &http3.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots(t, s), MinVersion: tls.VersionTLS13},
			Dial: func(ctx context.Context, _ string, settings *tls.Config, q *quic.Config) (*quic.Conn, error) {
				c.dials.Add(1)
				return quic.DialAddr(ctx, s.HTTPS, settings, q) // UDP has the port of TCP
			},
		}
		t.Cleanup(func() { _ = transport.Close() })
		c.Client = &http.Client{Transport: transport, Timeout: 2 * server.Patience}
		return c
	}
	http2 := p == h2
	protocols := &http.Protocols{}
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots(t, s), MinVersion: tls.VersionTLS12}, Protocols: protocols,
		MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c.dials.Add(1)
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.HTTPS)
			return &watched{Conn: conn, client: c}, err
		},
	}
	c.Client = &http.Client{Transport: transport, Timeout: 2 * server.Patience}
	t.Cleanup(transport.CloseIdleConnections)
	return c
}

func roots(t testing.TB, s *server.Server) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(s.Authority())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}

// do sends a request and reads the answer.
func (c *client) do(t testing.TB, method, path string, body io.Reader, headers ...string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "https://"+site+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

// dialSocket opens a WebSocket over TLS and HTTP/1.1.
func dialSocket(t testing.TB, s *server.Server, path string) (net.Conn, *bufio.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), server.Patience)
	defer cancel()
	d := ws.Dialer{
		NetDial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.HTTPS)
		},
		TLSConfig: &tls.Config{ServerName: site, NextProtos: []string{"http/1.1"}, RootCAs: roots(t, s), MinVersion: tls.VersionTLS12},
	}
	conn, early, _, err := d.Dial(ctx, "wss://"+site+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(2 * server.Patience))
	if early != nil {
		return conn, bufio.NewReader(io.MultiReader(io.LimitReader(early, int64(early.Buffered())), conn))
	}
	return conn, bufio.NewReader(conn)
}

// hear returns the next text message of a WebSocket, or the code that it is closed with.
func hear(t testing.TB, from io.Reader) (text string, code int) {
	t.Helper()
	for {
		head, err := ws.ReadHeader(from)
		if err != nil || head.Length > 1<<20 {
			t.Fatalf("the WebSocket: %+v, %v", head, err)
		}
		payload := make([]byte, head.Length)
		if _, err := io.ReadFull(from, payload); err != nil {
			t.Fatal(err)
		}
		switch {
		case head.OpCode == ws.OpClose && len(payload) >= 2:
			return "", int(binary.BigEndian.Uint16(payload))
		case head.OpCode == ws.OpText:
			return string(payload), 0
		}
	}
}

// logged finds the line of the access log that a request has.
func logged(t testing.TB, s *server.Server, journey string) (line struct {
	Status            int
	Reason, Hop, Note string
},
) {
	t.Helper()
	await(t, "the log line of "+journey, func() bool {
		for l := range strings.Lines(s.Log()) {
			if strings.Contains(l, `"journey":"`+journey+`"`) {
				return json.Unmarshal([]byte(l), &line) == nil
			}
		}
		return false
	})
	return line
}

// redeclare writes another declaration and has it read; it waits until it is in force.
func redeclare(t testing.TB, s *server.Server, yaml string) {
	t.Helper()
	count := func() int { return strings.Count(s.Log(), `"msg":"reloaded"`) }
	before := count()
	at := filepath.Join(s.Folder, "roundtrip.yaml")
	if err := os.WriteFile(at+".new", []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(at+".new", at); err != nil {
		t.Fatal(err)
	}
	s.Signal(syscall.SIGHUP)
	await(t, "the reload", func() bool {
		if strings.Contains(s.Log(), "reload refused") {
			t.Fatalf("the reload was refused:\n%s", s.Log())
		}
		return count() > before
	})
}
