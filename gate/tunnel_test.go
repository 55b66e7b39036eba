package gate_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/roundtrip-dev/roundtrip/gate"
)

// opened is a WebSocket over a stream, from the client's side: what it says, and what comes.
type opened struct {
	*http.Response

	say *io.PipeWriter
}

// openSocket opens a WebSocket over a stream of HTTP/2 or 3 (RFC 8441, RFC 9220).
func openSocket(t *testing.T, c *http.Client, url, protocol string) (opened, error) {
	t.Helper()
	r, w := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodConnect, url, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Transport.(*http2.Transport); ok {
		req.Header[":protocol"] = []string{protocol}
	} else {
		req.Proto = protocol
	}
	req.Header.Set("Sec-WebSocket-Version", "13")
	res, err := c.Do(req)
	if err != nil {
		_ = w.Close()
		return opened{}, err
	}
	t.Cleanup(func() { _, _ = w.Close(), res.Body.Close() })
	return opened{res, w}, nil
}

// takes hands each WebSocket to f, in the handler or after it.
func takes(after bool, f func(c net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Method != http.MethodGet || r.Header.Get("Sec-WebSocket-Key") == "" {
			ok(w, r)
			return
		}
		w.Header().Set("Sec-WebSocket-Protocol", "chat")
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		if after {
			go f(c)
			return
		}
		f(c)
	}
}

// client2 is a client of HTTP/2 that can open a CONNECT with a protocol.
func (h *house) client2(t *testing.T) *http.Client {
	t.Helper()
	transport := &http2.Transport{
		TLSClientConfig: &tls.Config{RootCAs: h.roots},
		DialTLSContext: func(ctx context.Context, network, _ string, c *tls.Config) (net.Conn, error) {
			return (&tls.Dialer{Config: c}).DialContext(ctx, network, h.secure)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// streams runs a test over both protocols that have streams.
func streams(t *testing.T, api http.HandlerFunc, f func(t *testing.T, h *house, c *http.Client), change ...func(*gate.Options)) {
	t.Helper()
	for _, protocol := range []string{"h2", "h3"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			h, addr := openQUIC(t, api, change...)
			c := h.client2(t)
			if protocol == "h3" {
				c = h.client3(t, addr)
			}
			f(t, h, c)
		})
	}
}

func TestGate_OpensWebSocketsOnStreams(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		echo := takes(after, func(c net.Conn) {
			defer c.Close()
			if c.RemoteAddr().String() == "" || c.LocalAddr().String() == "" {
				panic("no addresses")
			}
			lines := bufio.NewScanner(c)
			lines.Buffer(nil, 1<<20)
			for lines.Scan() {
				if _, err := io.WriteString(c, "you said "+lines.Text()+"\n"); err != nil || lines.Text() == "bye" {
					return
				}
			}
		})
		streams(t, echo, func(t *testing.T, h *house, c *http.Client) {
			s, err := openSocket(t, c, "https://gallery.localhost/api/live", "websocket")
			if err != nil {
				t.Fatal(err)
			}
			if s.StatusCode != 200 || s.Header.Get("Sec-Websocket-Protocol") != "chat" || s.Header.Get("Upgrade") != "" || s.Header.Get("Connection") != "" {
				t.Fatalf("%s %v", s.Status, s.Header)
			}
			answers := bufio.NewScanner(s.Body)
			answers.Buffer(nil, 1<<20)
			for _, line := range []string{"hello", strings.Repeat("long ", 10_000), "bye"} {
				if _, err := io.WriteString(s.say, line+"\n"); err != nil {
					t.Fatal(err)
				}
				if !answers.Scan() || answers.Text() != "you said "+line {
					t.Fatalf("%.80q, %v", answers.Text(), answers.Err())
				}
			}
			if answers.Scan() || answers.Err() != nil {
				t.Errorf("after the end: %q, %v", answers.Text(), answers.Err())
			}
			if j := h.journey(t, s.Header.Get("X-Journey")); j.Status != 200 || j.Method != "GET" || j.Route != "/api/" || j.Reason.Code() != "" {
				t.Errorf("journey: %+v", j)
			}
			// The connection is as good as before.
			if a := h.do(t, c, http.MethodGet, "https://gallery.localhost/api/x", nil); a.StatusCode != 200 {
				t.Error(a.Status)
			}
		})
	}
}

// Other protocols and other targets than WebSockets are refused, and no answer says that a stream is open when it is not.
func TestGate_OpensNothingElseOnStreams(t *testing.T) {
	t.Parallel()
	streams(t, ok, func(t *testing.T, h *house, c *http.Client) {
		for _, q := range []struct {
			url, protocol string
			status        int
		}{
			{"https://gallery.localhost/api/live", "connect-udp", 405},
			{"https://gallery.localhost/api/live", "websocket", 400}, // it answers, and takes nothing over
			{"https://gallery.localhost/", "websocket", 400},         // a file
		} {
			s, err := openSocket(t, c, q.url, q.protocol)
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(s.Body); s.StatusCode != q.status || q.status == 400 && len(body) > 0 {
				t.Errorf("%s %s: %s %q", q.protocol, q.url, s.Status, body)
			}
		}
	})
}

// Deadlines of a stream work as those of a connection.
func TestGate_StreamsHaveDeadlines(t *testing.T) {
	t.Parallel()
	each := map[int]chan error{2: make(chan error, 8), 3: make(chan error, 8)} // both protocols run at once
	use := func(c net.Conn, found chan<- error) {
		defer c.Close()
		buf := make([]byte, 100)
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, err := c.Read(buf)
		found <- err
		_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		time.Sleep(100 * time.Millisecond) // a deadline that nobody writes under hurts nobody
		_ = c.SetDeadline(time.Time{})
		if _, err = io.WriteString(c, "say something\n"); err == nil {
			var n int
			_ = c.SetReadDeadline(time.Now().Add(time.Minute))
			if n, err = c.Read(buf); err == nil && string(buf[:n]) != "something" {
				err = errors.New(string(buf[:n]))
			}
		}
		found <- err
		_ = c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		for err == nil {
			_, err = c.Write(make([]byte, 64<<10)) // nobody reads
		}
		found <- err
	}
	api := func(w http.ResponseWriter, r *http.Request) {
		takes(true, func(c net.Conn) { use(c, each[r.ProtoMajor]) })(w, r)
	}
	streams(t, api, func(t *testing.T, _ *house, c *http.Client) {
		found := each[2]
		if strings.HasSuffix(t.Name(), "h3") {
			found = each[3]
		}
		s, err := openSocket(t, c, "https://gallery.localhost/api/live", "websocket")
		if err != nil {
			t.Fatal(err)
		}
		if err := <-found; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a read: %v", err)
		}
		if line, err := bufio.NewReader(io.LimitReader(s.Body, 14)).ReadString('\n'); err != nil || line != "say something\n" {
			t.Fatalf("%q, %v", line, err)
		}
		if _, err := io.WriteString(s.say, "something"); err != nil {
			t.Fatal(err)
		}
		if err := <-found; err != nil {
			t.Errorf("after a read that was late: %v", err)
		}
		if err := <-found; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a write: %v", err)
		}
	})
}

// Whoever leaves first, the other side sees it.
func TestGate_StreamsEndForBothSides(t *testing.T) {
	t.Parallel()
	seen := make(chan error, 4)
	api := takes(true, func(c net.Conn) {
		_, err := io.Copy(io.Discard, c)
		seen <- err
		_ = c.Close()
		_, err = c.Write([]byte("x"))
		if err == nil {
			err = errors.New("a closed stream was written to")
		} else {
			err = nil
		}
		seen <- err
	})
	streams(t, api, func(t *testing.T, _ *house, c *http.Client) {
		s, err := openSocket(t, c, "https://gallery.localhost/api/live", "websocket")
		if err != nil {
			t.Fatal(err)
		}
		_ = s.say.Close()
		for range 2 {
			if err := <-seen; err != nil {
				t.Error(err)
			}
		}
		if b, err := io.ReadAll(s.Body); err != nil || len(b) > 0 {
			t.Errorf("the client: %q, %v", b, err)
		}
	})
	closing := takes(true, func(c net.Conn) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = c.Read(make([]byte, 1)) // somebody reads while it is closed
		}()
		time.Sleep(20 * time.Millisecond)
		_ = c.Close()
		<-done
	})
	streams(t, closing, func(t *testing.T, _ *house, c *http.Client) {
		s, err := openSocket(t, c, "https://gallery.localhost/api/live", "websocket")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(s.Body); err != nil || len(b) > 0 {
			t.Errorf("the client: %q, %v", b, err)
		}
	})
}

// The settings of HTTP/2 say that WebSockets can come on streams: this fails where the switch for it is turned too late.
func TestGate_SaysThatStreamsCanBeWebSockets(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	d := tls.Dialer{Config: &tls.Config{RootCAs: h.roots, ServerName: "gallery.localhost", NextProtos: []string{"h2"}}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := d.DialContext(ctx, "tcp", h.secure)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a := h.settings(t, c)
	if a[8] != 1 || a[3] != streamsMax || a[6] != 24<<10+320 || a[5] != 16<<10 {
		t.Errorf("settings: %v", a)
	}
}
