package proxy_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
)

func TestProxy_PassesBodiesUpWhole(t *testing.T) {
	t.Parallel()
	up := answers(t, okAnswer)
	for _, buffer := range []bool{false, true} {
		p := at(up.url)
		p.Buffer = buffer
		h := open(t, p)
		each(t, h, func(t *testing.T, c *http.Client, base string) {
			for _, size := range []int{0, 1, 4096, 32 << 10, 32<<10 + 1, 3 << 20} {
				for _, known := range []bool{true, false} {
					data := make([]byte, size)
					_, _ = rand.Read(data)
					var body io.Reader = bytes.NewReader(data)
					if !known {
						body = io.MultiReader(body) // hides the length
					}
					a := h.do(t, c, http.MethodPost, base+"/", body)
					head, got := up.last()
					if a.err != nil || a.StatusCode != http.StatusOK || got != string(data) {
						t.Fatalf("%d bytes, known: %v: %+v, %d arrived; %q", size, known, a, len(got), head)
					}
					if chunked := strings.Contains(head, "Transfer-Encoding: chunked"); chunked != (!known && !buffer && size > 0) && size > 0 {
						t.Errorf("%d bytes, known: %v, buffer: %v: %q", size, known, buffer, head)
					}
				}
			}
		})
	}
}

func TestProxy_PassesBodiesDownWhole(t *testing.T) {
	t.Parallel()
	data := make([]byte, 5<<20)
	_, _ = rand.Read(data)
	up := upstream(t, func(c *conn) {
		for {
			head := c.request()
			switch {
			case head == "":
				return
			case strings.HasPrefix(head, "GET /length"):
				c.say("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(data)) + "\r\n\r\n" + string(data))
			case strings.HasPrefix(head, "GET /chunks"):
				c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
				for at, n := 0, 1; at < len(data); at, n = at+n, n*3%50_021 {
					n = min(n, len(data)-at)
					c.say(strconv.FormatInt(int64(n), 16) + ";ext=1\r\n" + string(data[at:at+n]) + "\r\n")
				}
				c.say("0\r\nX-Sum: 42\r\nX-Late: 1\r\nContent-Length: 7\r\n\r\n")
			case strings.HasPrefix(head, "GET /close"):
				c.say("HTTP/1.0 200 OK\r\n\r\n" + string(data))
				return
			case strings.HasPrefix(head, "HEAD"):
				c.say("HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n")
			case strings.HasPrefix(head, "GET /304"):
				c.say("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 99\r\n\r\n")
			case strings.HasPrefix(head, "GET /204"):
				c.say("HTTP/1.1 204 No Content\r\n\r\n")
			}
		}
	})
	h := open(t, at(up.url))
	each(t, h, func(t *testing.T, c *http.Client, base string) {
		for _, path := range []string{"/length", "/chunks", "/close"} {
			a := h.do(t, c, http.MethodGet, base+path, nil)
			if a.err != nil || sha256.Sum256([]byte(a.body)) != sha256.Sum256(data) {
				t.Fatalf("%s: %d bytes, %v", path, len(a.body), a.err)
			}
			if path == "/length" && a.ContentLength != int64(len(data)) {
				t.Errorf("%s: length %d", path, a.ContentLength)
			}
			if path == "/chunks" && (a.Trailer.Get("X-Sum") != "42" || a.Trailer.Get("X-Late") != "1" || a.Trailer.Get("Content-Length") != "") {
				t.Errorf("%s: trailers %v", path, a.Trailer)
			}
		}
		if a := h.do(t, c, http.MethodHead, base+"/", nil); a.err != nil || a.ContentLength != 77 {
			t.Errorf("HEAD: %+v", a)
		}
		if a := h.do(t, c, http.MethodGet, base+"/304", nil); a.err != nil || a.StatusCode != 304 || a.Header.Get("Etag") != `"x"` {
			t.Errorf("304: %+v", a)
		}
		if a := h.do(t, c, http.MethodGet, base+"/204", nil); a.err != nil || a.StatusCode != 204 || a.Header.Get("Content-Length") != "" {
			t.Errorf("204: %+v", a)
		}
	})
}

// What the upstream has sent arrives while it pauses, whatever the framing.
func TestProxy_HoldsNothingBackWhileTheUpstreamPauses(t *testing.T) {
	t.Parallel()
	next := make(chan struct{}, 1)
	up := upstream(t, func(c *conn) {
		head := c.request()
		switch {
		case head == "":
			return
		case strings.Contains(head, "/events"):
			c.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
		case strings.Contains(head, "/chunks"):
			c.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		default:
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n")
		}
		for range 3 {
			<-next
			if strings.Contains(head, "/chunks") {
				c.say("5\r\ntick\n\r\n")
			} else {
				c.say("tick\n")
			}
		}
		if strings.Contains(head, "/chunks") {
			c.say("0\r\n\r\n")
		}
	})
	h := open(t, at(up.url))
	each(t, h, func(t *testing.T, c *http.Client, base string) {
		for _, path := range []string{"/events", "/chunks", "/length"} {
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
			if path != "/events" {
				next <- struct{}{} // the head of a stream of events comes alone; others come with their first part
			}
			res, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(res.Body)
			for i := range 3 {
				if i > 0 || path == "/events" {
					next <- struct{}{}
				}
				if line, err := in.ReadString('\n'); err != nil || line != "tick\n" {
					t.Fatalf("%s: %q, %v", path, line, err)
				}
			}
			_ = res.Body.Close()
		}
	})
}

func TestProxy_PassesEarlyHintsOn(t *testing.T) {
	t.Parallel()
	up := answers(t, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"+okAnswer)
	h := open(t, at(up.url))
	each(t, h, func(t *testing.T, c *http.Client, base string) {
		var links []string
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			links = append(links, strconv.Itoa(code)+" "+header.Get("Link"))
			return nil
		}})
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, base+"/", nil)
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if len(links) != 1 || links[0] != "103 </a.css>; rel=preload" || res.Header.Get("Link") != "" {
			t.Errorf("%q; %v", links, res.Header)
		}
	})
}

// An upstream that refuses an upload while it comes is heard, and gets no more of it.
func TestProxy_PassesOnAnAnswerThatComesBeforeTheEndOfTheRequest(t *testing.T) {
	t.Parallel()
	up := upstream(t, func(c *conn) {
		if r, _ := c.head(); r != nil {
			_, _ = io.CopyN(io.Discard, c.in, 1000)
			c.say("HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")
			_, _ = io.Copy(io.Discard, c.in) // until the proxy closes
		}
	})
	h := open(t, at(up.url), func(s *setting) { s.sites = func(s *config.Site) { s.Limits.Body = 1 << 40 } })
	each(t, h, func(t *testing.T, c *http.Client, base string) {
		in, out := io.Pipe()
		go func() {
			piece := make([]byte, 64<<10)
			for range 4 { // as much as any buffer on the way may hold; then it stalls
				if _, err := out.Write(piece); err != nil {
					return
				}
			}
		}()
		a := h.do(t, c, http.MethodPut, base+"/", in)
		_ = out.Close()
		if a.StatusCode != http.StatusRequestEntityTooLarge || a.body != "no!" {
			t.Errorf("%+v", a)
		}
		if s := h.journey(t, a); s.Reason.Code() != "" {
			t.Errorf("reason %q", s.Reason.Code())
		}
	})
}

// Expect: 100-continue opens no upstream before the client's body comes.
func TestProxy_BothersNoUpstreamBeforeTheBodyComes(t *testing.T) {
	t.Parallel()
	up := answers(t, okAnswer)
	h := open(t, at(up.url))
	c, err := net.Dial("tcp", h.plain)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: open.localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	in := bufio.NewReader(c)
	if line, _ := in.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q", line)
	}
	if n := up.conns.Load(); n != 0 {
		t.Errorf("%d connections before the body", n)
	}
	_, _ = in.ReadString('\n')
	_, _ = io.WriteString(c, "body")
	if line, _ := in.ReadString('\n'); line != "HTTP/1.1 200 OK\r\n" {
		t.Fatalf("%q", line)
	}
	if head, body := up.last(); body != "body" || strings.Contains(head, "Expect") {
		t.Errorf("%q, %q", head, body)
	}
}

// A client that stalls in the middle of its body is to blame, not the upstream that waits for it.
func TestProxy_BlamesTheClientForItsBody(t *testing.T) {
	t.Parallel()
	up := answers(t, okAnswer)
	for name, c := range map[string]struct {
		head, body string
		want       string
		reason     string
		close      bool
	}{
		"stalls early":   {"Content-Length: 100", "abc", "HTTP/1.1 408 ", "request.timeout", false},
		"stalls late":    {"Content-Length: 100000", strings.Repeat("x", 50_000), "HTTP/1.1 408 ", "request.timeout", false},
		"stalls chunked": {"Transfer-Encoding: chunked", "5\r\nhello\r\n", "HTTP/1.1 408 ", "request.timeout", false},
		"too large":      {"Transfer-Encoding: chunked", "fffff\r\n" + strings.Repeat("x", 0xfffff) + "\r\n", "HTTP/1.1 413 ", "request.body_too_large", false},
		"leaves":         {"Content-Length: 100000", strings.Repeat("x", 50_000), "", "client.aborted", true},
		"bad chunk":      {"Transfer-Encoding: chunked", "5\r\nhello\r\nxyz\r\n", "HTTP/1.1 400 ", "request.malformed", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, at(up.url), func(s *setting) {
				s.gate = func(o *gate.Options) { o.Times.Stall = 2 * time.Second }
				s.sites = func(s *config.Site) { s.Limits.Body = 500_000 }
			})
			conn, err := net.Dial("tcp", h.plain)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			go func() {
				_, _ = io.WriteString(conn, "POST /"+strconv.Itoa(len(name))+" HTTP/1.1\r\nHost: open.localhost\r\n"+c.head+"\r\n\r\n"+c.body)
				if c.close {
					_ = conn.Close()
				}
			}()
			got, _ := io.ReadAll(conn)
			if !strings.HasPrefix(string(got), c.want) {
				t.Errorf("%q", got)
			}
			s := h.await(t, "journey", func(s traceSnapshot) bool { return s.Method == http.MethodPost })
			if s.Reason.Code() != c.reason {
				t.Errorf("reason %q, want %q: %+v", s.Reason.Code(), c.reason, s)
			}
			for _, p := range h.pools {
				if s := p.State()[0]; s.Faults != 0 || s.Running != 0 {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}

// socket opens a WebSocket through the gate, as far as its handshake.
func (h *house) socket(t testing.TB, secure bool, more string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	var c net.Conn
	var err error
	host := "open.localhost"
	if secure {
		host = "app.localhost"
		c, err = tls.Dial("tcp", h.secure, &tls.Config{RootCAs: h.roots, ServerName: host})
	} else {
		c, err = net.Dial("tcp", h.plain)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: "+host+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"+more)
	in := bufio.NewReader(c)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, in, res
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

func TestProxy_CarriesUpgradedConnectionsBothWays(t *testing.T) {
	t.Parallel()
	up := upstream(t, func(c *conn) {
		if c.request() != "" {
			c.say(switching + "first") // at once behind the head
			_, _ = io.Copy(c, c.in)    // echo
			_ = c.CloseWrite()
		}
	})
	h := open(t, at(up.url))
	for _, secure := range []bool{false, true} {
		c, in, res := h.socket(t, secure, "early")
		if res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("X-Journey") == "" || res.Header.Get("Sec-Websocket-Accept") == "" {
			t.Fatalf("%+v", res)
		}
		got := make([]byte, 10)
		if _, err := io.ReadFull(in, got); err != nil || string(got) != "firstearly" {
			t.Fatalf("%q, %v", got, err)
		}
		_, _ = io.WriteString(c, "ping!")
		if _, err := io.ReadFull(in, got[:5]); err != nil || string(got[:5]) != "ping!" {
			t.Fatalf("%q, %v", got[:5], err)
		}
		_ = c.(interface{ CloseWrite() error }).CloseWrite()
		if rest, err := io.ReadAll(in); err != nil || len(rest) != 0 {
			t.Errorf("%q, %v", rest, err)
		}
		id := res.Header.Get("X-Journey")
		s := h.await(t, "journey", func(s traceSnapshot) bool { return s.ID.String() == id })
		if s.Status != http.StatusSwitchingProtocols || s.Reason.Code() != "" {
			t.Errorf("%+v", s)
		}
		head, _ := up.last()
		if !strings.Contains(head, "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n") {
			t.Errorf("%q", head)
		}
	}
}

func TestProxy_PassesOnThatAnUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	up := answers(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
	h := open(t, at(up.url))
	if _, _, res := h.socket(t, true, ""); res.StatusCode != http.StatusForbidden {
		t.Errorf("%+v", res)
	}
}

// A socket whose upstream leaves the declaration, or whose server stops, is told so between two frames.
func TestProxy_TellsSocketsToGo(t *testing.T) {
	t.Parallel()
	const frame = "\x82\x05hello"
	long := "\x82\x7e\x00\x7f" + strings.Repeat("x", 127)
	for name, c := range map[string]struct{ says, then string }{
		"between frames": {frame, ""},
		"inside a frame": {frame + frame[:4], frame[4:] + frame},
		"in a head":      {long[:3], long[3:]},
	} {
		for _, how := range []string{"leaves", "stops"} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				next := make(chan struct{})
				up := upstream(t, func(conn *conn) {
					if conn.request() != "" {
						conn.say(switching + c.says)
						<-next
						conn.say(c.then)
						_, _ = io.Copy(io.Discard, conn.in)
					}
				})
				h := open(t, at(up.url), func(s *setting) { s.gate = func(o *gate.Options) { o.Times.Drain = 50 * time.Millisecond } })
				conn, in, _ := h.socket(t, false, "")
				if _, err := in.Peek(len(c.says)); err != nil {
					t.Fatal(err)
				}
				stopped := make(chan struct{})
				go func() {
					defer close(stopped)
					if how == "leaves" {
						h.leave()
					} else {
						h.stop()
					}
				}()
				close(next) // before or after the socket is told to go: its frames stay whole
				want := c.says + c.then
				for {
					frame := readFrame(t, in)
					if frame == "\x88\x02\x03\xe9" {
						break
					}
					if !strings.HasPrefix(want, frame) {
						t.Fatalf("%q does not come next in %q", frame, want)
					}
					want = want[len(frame):]
				}
				_ = conn.Close()
				<-stopped
			})
		}
	}
}

// readFrame reads one frame of a server.
func readFrame(t testing.TB, in *bufio.Reader) string {
	t.Helper()
	head := make([]byte, 2, 200)
	if _, err := io.ReadFull(in, head); err != nil {
		t.Fatal(err)
	}
	n := int(head[1])
	if n == 126 {
		head = head[:4]
		if _, err := io.ReadFull(in, head[2:]); err != nil {
			t.Fatal(err)
		}
		n = int(head[2])<<8 | int(head[3])
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(in, data); err != nil {
		t.Fatal(err)
	}
	return string(head) + string(data)
}

func TestProxy_EndsASocketThatRests(t *testing.T) {
	t.Parallel()
	up := upstream(t, func(c *conn) {
		if c.request() != "" {
			c.say(switching)
			_, _ = io.Copy(io.Discard, c.in)
		}
	})
	p := at(up.url)
	p.IdleStream = 100 * time.Millisecond
	h := open(t, p)
	_, in, _ := h.socket(t, true, "")
	if rest, _ := io.ReadAll(in); len(rest) != 0 {
		t.Errorf("%q", rest)
	}
}
