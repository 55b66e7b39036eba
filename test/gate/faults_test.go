package gate_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// failing is a declaration whose upstream, or each of whose upstreams, is about to fail.
func failing(rest string, urls ...string) string {
	return fmt.Sprintf(`
name: faults
sites:
  site.test:
    tls: local
    cors: { origins: ['https://friend.test'] }
    routes:
      - path: /proxied/
        proxy: [%s]
        timeouts: { connect: 500ms, first_byte: 500ms, idle: 1s }
%s
`, strings.Join(urls, ", "), rest)
}

// blamed checks who the answer and the access log say it was.
func blamed(t *testing.T, s *server.Server, resp *http.Response, text string, status int, reason string) {
	t.Helper()
	journey := resp.Header.Get("X-Journey")
	if resp.StatusCode != status || journey == "" {
		t.Fatalf("status %d, journey %q, want %d\n%s", resp.StatusCode, journey, status, text)
	}
	if !strings.Contains(text, journey) || strings.Contains(text, "127.0.0.1") {
		t.Errorf("the answer should name its journey, and no address: %s", text)
	}
	if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "https://friend.test" {
		t.Errorf("Access-Control-Allow-Origin is %q: the page can't read why it failed", got)
	}
	if line := logged(t, s, journey); line.Reason != reason || line.Status != status {
		t.Errorf("the access log says %+v, want reason %s", line, reason)
	}
}

func TestFault_UpstreamIsKilledInTheMiddleOfAnAnswer(t *testing.T) {
	for _, p := range []protocol{h1, h2, h3} {
		t.Run(string(p), func(t *testing.T) {
			u := startUpstream(t)
			s := server.Start(t, server.Declare(t, failing("", "http://"+u.At)))
			c := newClient(t, s, p, 1)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+site+"/proxied/half", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got := make([]byte, 500)
			if _, err := io.ReadFull(resp.Body, got); err != nil {
				t.Fatalf("the half that was sent did not come: %v", err)
			}
			u.kill()
			if n, err := io.Copy(io.Discard, resp.Body); err == nil || n > 0 {
				t.Errorf("an answer that was cut looks whole: %d more bytes, %v", n, err)
			}
			if line := logged(t, s, resp.Header.Get("X-Journey")); line.Reason != "proxy.reset" || line.Status != http.StatusOK {
				t.Errorf("the access log says %+v", line)
			}
			if n := u.arrived("GET /proxied/half"); n != 1 {
				t.Errorf("the request came %d times", n)
			}
		})
	}
}

func TestFault_UpstreamIsKilledBeforeItAnswers(t *testing.T) {
	u := startUpstream(t)
	s := server.Start(t, server.Declare(t, failing("        eject: false", "http://"+u.At)))
	c := newClient(t, s, h2, 1)
	type outcome struct {
		resp *http.Response
		text string
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		resp, text, err := c.do(t, http.MethodPost, "/proxied/hold?key=never", strings.NewReader("once"), "Origin", "https://friend.test")
		done <- outcome{resp, text, err}
	}()
	u.awaitArrival("POST /proxied/hold?key=never")
	u.kill()
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	blamed(t, s, got.resp, got.text, http.StatusBadGateway, "proxy.reset")

	resp, text, err := c.do(t, http.MethodGet, "/proxied/ok", nil, "Origin", "https://friend.test") // now it is gone
	if err != nil {
		t.Fatal(err)
	}
	blamed(t, s, resp, text, http.StatusBadGateway, "proxy.connect_refused")

	u.start() // and back, without a reload
	await(t, "the upstream that came back", func() bool {
		resp, _, err := c.do(t, http.MethodGet, "/proxied/ok", nil)
		return err == nil && resp.StatusCode == http.StatusOK
	})
	if n := u.arrived("POST /proxied/hold?key=never"); n != 1 {
		t.Errorf("the POST came %d times", n)
	}
}

func TestFault_UpstreamHangs(t *testing.T) {
	u := startUpstream(t)
	s := server.Start(t, server.Declare(t, failing("        eject: false", "http://"+u.At)))
	c := newClient(t, s, h2, 1)
	if _, text, err := c.do(t, http.MethodGet, "/proxied/ok", nil); err != nil {
		t.Fatal(err, text)
	}
	u.stop() // a connection to it rests in the pool, and its kernel takes new ones
	for _, request := range [][2]string{{http.MethodGet, "/proxied/ok?one"}, {http.MethodPost, "/proxied/sum?two"}} {
		resp, text, err := c.do(t, request[0], request[1], nil, "Origin", "https://friend.test")
		if err != nil {
			t.Fatal(err)
		}
		blamed(t, s, resp, text, http.StatusGatewayTimeout, "proxy.first_byte_timeout")
	}
	u.thaw()
	await(t, "the upstream that goes on", func() bool {
		resp, _, err := c.do(t, http.MethodGet, "/proxied/ok", nil)
		return err == nil && resp.StatusCode == http.StatusOK
	})
	if n := u.arrived("POST /proxied/sum?two"); n > 1 {
		t.Errorf("the POST came %d times", n)
	}
}

// Two processes, one of them is killed under load: nobody sees it, it is out, and it comes back.
func TestFault_OneOfTwoDies(t *testing.T) {
	a, b := startUpstream(t), startUpstream(t)
	s := server.Start(t, server.Declare(t, failing("        eject: { fails: 3, for: 500ms }\n        retry: { tries: 3, budget: 100% }", "http://"+a.At, "http://"+b.At)))
	c := newClient(t, s, h1, 4)
	get := func(n int) {
		t.Helper()
		for range n {
			if resp, text, err := c.do(t, http.MethodGet, "/proxied/ok", nil); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%v, %v, %s", resp, err, text)
			}
		}
	}
	get(100)
	a.kill()
	get(100)
	await(t, "the log tells that it is out", func() bool {
		return strings.Contains(s.Log(), `"msg":"upstream ejected","route":"site.test /proxied/","upstream":"http://`+a.At)
	})
	a.start()
	before := a.arrived("GET /proxied/ok")
	await(t, "requests at the upstream that came back", func() bool { get(1); return a.arrived("GET /proxied/ok") > before+5 })
	await(t, "the log tells that it is back", func() bool { return strings.Contains(s.Log(), `"msg":"upstream well again"`) })
}

// rough is an upstream that is no HTTP server: it does with each connection what it is told to.
type rough struct {
	at          string
	connections atomic.Int64
	requests    atomic.Int64
}

func startRough(t *testing.T, each func(r *rough, conn *net.TCPConn, n int64)) *rough {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rough{at: l.Addr().String()}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go each(r, conn.(*net.TCPConn), r.connections.Add(1))
		}
	}()
	return r
}

// take reads one request, its body too.
func (r *rough) take(from *bufio.Reader) bool {
	req, err := http.ReadRequest(from)
	if err != nil {
		return false
	}
	r.requests.Add(1)
	_, _ = io.Copy(io.Discard, req.Body)
	return true
}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestFault_UpstreamThatIsNoServer(t *testing.T) {
	say := func(text string) func(*rough, *net.TCPConn, int64) {
		return func(r *rough, conn *net.TCPConn, _ int64) {
			defer conn.Close()
			r.take(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, text)
		}
	}
	for _, c := range []struct {
		name   string
		each   func(*rough, *net.TCPConn, int64)
		status int
		reason string
		came   int64 // how often a POST may come: once
	}{
		{"garbage", say("\x15\x03\x01 this is no HTTP\r\n\r\n"), 502, "proxy.bad_answer", 1},
		{"two lengths", say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"), 502, "proxy.bad_answer", 1},
		{"length and chunks", say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), 502, "proxy.bad_answer", 1},
		{"head without end", say("HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 200<<10)), 502, "proxy.bad_answer", 1},
		{"closes without an answer", say(""), 502, "proxy.reset", 1},
		{"resets", func(r *rough, conn *net.TCPConn, _ int64) {
			r.take(bufio.NewReader(conn))
			_ = conn.SetLinger(0)
			_ = conn.Close()
		}, 502, "proxy.reset", 1},
		{"takes the request and is silent, as half-open connections are", func(r *rough, conn *net.TCPConn, _ int64) {
			r.take(bufio.NewReader(conn))
			_, _ = io.Copy(io.Discard, conn)
		}, 504, "proxy.first_byte_timeout", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := startRough(t, c.each)
			s := server.Start(t, server.Declare(t, failing("        eject: false", "http://"+r.at)))
			resp, text, err := newClient(t, s, h2, 1).do(t, http.MethodPost, "/proxied/x", strings.NewReader("once"), "Origin", "https://friend.test")
			if err != nil {
				t.Fatal(err)
			}
			blamed(t, s, resp, text, c.status, c.reason)
			if n := r.requests.Load(); n != c.came {
				t.Errorf("the POST came %d times, want %d", n, c.came)
			}
		})
	}
}

func TestFault_SlowUpstreamIsNoFault(t *testing.T) {
	r := startRough(t, func(r *rough, conn *net.TCPConn, _ int64) { // 40 bytes, each some time after the last; longer than any time-out in all
		defer conn.Close()
		r.take(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n")
		for range 40 {
			time.Sleep(40 * time.Millisecond)
			if _, err := conn.Write([]byte("x")); err != nil {
				return
			}
		}
	})
	s := server.Start(t, server.Declare(t, failing("", "http://"+r.at)))
	resp, text, err := newClient(t, s, h2, 1).do(t, http.MethodGet, "/proxied/x", nil)
	if err != nil || resp.StatusCode != http.StatusOK || text != strings.Repeat("x", 40) {
		t.Errorf("%v, %v, %q", resp, err, text)
	}
}

func TestFault_UpstreamThatStopsInTheMiddleIsCutOff(t *testing.T) {
	u := startUpstream(t)
	s := server.Start(t, server.Declare(t, failing("", "http://"+u.At)))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+site+"/proxied/half", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := newClient(t, s, h1, 1).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); n != 500 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if line := logged(t, s, resp.Header.Get("X-Journey")); line.Reason != "proxy.idle_timeout" {
		t.Errorf("the access log says %+v", line)
	}
}

// An upstream that closes a kept connection at the moment when the next request goes out: what is safe goes again over
// another connection, what is not is never sent twice.
func TestFault_KeptConnectionClosesAtTheWorstMoment(t *testing.T) {
	for _, c := range []struct {
		method string
		reset  bool
		status int
		total  int64 // requests that the upstream reads, the first GET among them
	}{
		{http.MethodGet, false, 200, 3},
		{http.MethodGet, true, 200, 3},
		{http.MethodPost, false, 502, 2},
		{http.MethodPost, true, 502, 2},
	} {
		t.Run(fmt.Sprintf("%s, reset %v", c.method, c.reset), func(t *testing.T) {
			r := startRough(t, func(r *rough, conn *net.TCPConn, n int64) {
				defer conn.Close()
				from := bufio.NewReader(conn)
				for k := 1; r.take(from); k++ {
					if n == 1 && k == 2 { // it has read the second request, and closes
						if c.reset {
							_ = conn.SetLinger(0)
						}
						return
					}
					_, _ = io.WriteString(conn, fine)
				}
			})
			s := server.Start(t, server.Declare(t, failing("        eject: false", "http://"+r.at)))
			client := newClient(t, s, h2, 1)
			if resp, text, err := client.do(t, http.MethodGet, "/proxied/first", nil); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatal(resp, text, err)
			}
			resp, text, err := client.do(t, c.method, "/proxied/second", strings.NewReader(""))
			if err != nil || resp.StatusCode != c.status {
				t.Errorf("%v, %v, %s", resp, err, text)
			}
			if n := r.requests.Load(); n != c.total {
				t.Errorf("%d requests came, want %d", n, c.total)
			}
		})
	}
}

// A kept connection that the upstream closed while it rested costs nobody anything, not even a POST.
func TestFault_KeptConnectionClosesWhileItRests(t *testing.T) {
	closed := make(chan struct{}, 1)
	r := startRough(t, func(r *rough, conn *net.TCPConn, n int64) {
		if r.take(bufio.NewReader(conn)) {
			_, _ = io.WriteString(conn, fine)
		}
		_ = conn.Close()
		if n == 1 {
			closed <- struct{}{}
		}
	})
	s := server.Start(t, server.Declare(t, failing("        eject: false", "http://"+r.at)))
	c := newClient(t, s, h2, 1)
	if resp, text, err := c.do(t, http.MethodGet, "/proxied/first", nil); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, text, err)
	}
	<-closed
	if resp, text, err := c.do(t, http.MethodPost, "/proxied/second", strings.NewReader("once")); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%v, %v, %s", resp, err, text)
	}
	if n := r.requests.Load(); n != 2 {
		t.Errorf("%d requests came, want 2", n)
	}
}

// Uploads and downloads of some size pass whole, both ways, whatever the protocol of the client is.
func TestFault_NoneWithLargeBodies(t *testing.T) {
	u := startUpstream(t)
	s := server.Start(t, server.Declare(t, failing("", "http://"+u.At)))
	const size = 8 << 20
	body := make([]byte, size)
	_, _ = pattern().Read(body)
	hash := sha256.Sum256(body)
	want := fmt.Sprintf("%d %s", size, hex.EncodeToString(hash[:]))
	for _, p := range []protocol{h1, h2, h3} {
		c := newClient(t, s, p, 1)
		if resp, text, err := c.do(t, http.MethodPost, "/proxied/sum", strings.NewReader(string(body))); err != nil || text != want {
			t.Errorf("%s: upload: %v, %v, %q", p, resp, err, text)
		}
		if _, text, err := c.do(t, http.MethodGet, fmt.Sprintf("/proxied/download?bytes=%d", size), nil); err != nil || text != string(body) {
			t.Errorf("%s: download: %d bytes, %v", p, len(text), err)
		}
	}
}
