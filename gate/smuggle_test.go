package gate_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/textproto"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/proxy"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/gate/static"
)

// attempt is a request as bytes. HOST and PATH stand for what the gate serves.
type attempt struct {
	name, request string
	want          string // status and reason of the refusal; "" where it passes as one plain request
}

const (
	get  = "GET PATH HTTP/1.1\r\nHost: HOST\r\n"
	post = "POST PATH HTTP/1.1\r\nHost: HOST\r\n"
	bad  = "400 request.malformed"
	long = "431 request.headers_too_large"
)

// attempts are the cases that were measured on other servers (docs/gate.md), with their variants, and our answer to each.
func attempts() []attempt {
	chunked := func(framing, body string) string { return post + framing + "\r\n" + body }
	return []attempt{
		{"plain", get + "\r\n", ""},
		{"plain length", post + "Content-Length: 5\r\n\r\nhello", ""},
		{"plain chunked", chunked("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), ""},

		// Two ways to say how long a body is.
		{"length, chunked", chunked("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), bad},
		{"chunked, length", chunked("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), bad},
		{"chunked, length 0", chunked("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "0\r\n\r\n"), bad},
		{"length, chunked in small letters", chunked("content-length: 5\r\nTRANSFER-ENCODING: CHUNKED\r\n", "0\r\n\r\n"), bad},
		{"length, chunked far apart", chunked("Content-Length: 5\r\nA: b\r\nC: d\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), bad},
		{"two equal lengths", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", bad},
		{"two different lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", bad},
		{"list of equal lengths", post + "Content-Length: 5, 5\r\n\r\nhello", bad},
		{"signed length", post + "Content-Length: +2\r\n\r\nhi", bad},
		{"negative length", post + "Content-Length: -1\r\n\r\n", bad},
		{"hexadecimal length", post + "Content-Length: 0x5\r\n\r\nhello", bad},
		{"octal length", post + "Content-Length: 005\r\n\r\nhello", bad},
		{"length with underscore", post + "Content-Length: 1_0\r\n\r\nhellohello", bad},
		{"empty length", post + "Content-Length:\r\n\r\n", bad},
		{"length beyond 64 bits", post + "Content-Length: 99999999999999999999\r\n\r\n", bad},
		{"length with space before colon", post + "Content-Length : 5\r\n\r\nhello", bad},
		{"length with tab before colon", post + "Content-Length\t: 5\r\n\r\nhello", bad},

		// Transfer-Encoding that one reader knows and another does not.
		{"xchunked", chunked("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), bad},
		{"gzip, chunked", chunked("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), bad},
		{"chunked, chunked", chunked("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), bad},
		{"chunked twice", chunked("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), bad},
		{"chunked, identity", chunked("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), bad},
		{"chunked with comma", chunked("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"), bad},
		{"chunked in quotes", chunked("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), bad},
		{"chunked with parameter", chunked("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), bad},
		{"chunked after tab", chunked("Transfer-Encoding:\tchunked\r\n", "0\r\n\r\n"), bad},
		{"chunked after vertical tab", chunked("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"), bad},
		{"chunked with space before colon", chunked("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), bad},
		{"chunked on a folded line", chunked("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), bad},
		{"empty encoding", chunked("Transfer-Encoding:\r\n", "0\r\n\r\n"), bad},
		{"Chunked", chunked("Transfer-Encoding: Chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), ""},
		{"chunked in HTTP/1.0", "POST PATH HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", bad},

		// Lines that do not end where everybody thinks.
		{"bare LF after the request line", "GET PATH HTTP/1.1\nHost: HOST\r\n\r\n", bad},
		{"bare LF after a header", get + "A: b\n\r\n", bad},
		{"bare LF between headers", "GET PATH HTTP/1.1\r\nHost: HOST\nA: b\r\n\r\n", bad},
		{"bare LF as the end", get + "\n", bad},
		{"bare CR in a header", get + "A: b\rC: d\r\n\r\n", bad},
		{"CR CR LF", get + "A: b\r\r\n\r\n", bad},
		{"folded by space", get + "A: b\r\n c\r\n\r\n", bad},
		{"folded by tab", get + "A: b\r\n\tc\r\n\r\n", bad},
		{"space before the first header", "GET PATH HTTP/1.1\r\n Host: HOST\r\n\r\n", bad},
		{"bare LF in the chunk's size", chunked("Transfer-Encoding: chunked\r\n", "5\nhello\r\n0\r\n\r\n"), bad},
		{"bare LF after a chunk", chunked("Transfer-Encoding: chunked\r\n", "5\r\nhello\n0\r\n\r\n"), bad},
		{"bare LF after the last chunk", chunked("Transfer-Encoding: chunked\r\n", "0\n\n"), bad},
		{"bare LF in an extension", chunked("Transfer-Encoding: chunked\r\n", "5;a\nhello\r\n0\r\n\r\n"), bad},
		{"quoted CR LF in an extension", chunked("Transfer-Encoding: chunked\r\n", "5;a=\"\r\nhello\"\r\n0\r\n\r\n"), bad},
		{"bare CR in an extension", chunked("Transfer-Encoding: chunked\r\n", "5;a\rb\r\nhello\r\n0\r\n\r\n"), bad},
		{"CR alone after the size", chunked("Transfer-Encoding: chunked\r\n", "5\rXhello\r\n0\r\n\r\n"), bad},
		{"an extension", chunked("Transfer-Encoding: chunked\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n"), ""},
		{"long extension", chunked("Transfer-Encoding: chunked\r\n", "5;"+strings.Repeat("a", 300)+"\r\nhello\r\n0\r\n\r\n"), bad},

		// Chunks.
		{"size with 0x", chunked("Transfer-Encoding: chunked\r\n", "0x5\r\nhello\r\n0\r\n\r\n"), bad},
		{"size with sign", chunked("Transfer-Encoding: chunked\r\n", "+5\r\nhello\r\n0\r\n\r\n"), bad},
		{"size with underscore", chunked("Transfer-Encoding: chunked\r\n", "0_5\r\nhello\r\n0\r\n\r\n"), bad},
		{"size after space", chunked("Transfer-Encoding: chunked\r\n", " 5\r\nhello\r\n0\r\n\r\n"), bad},
		{"no size", chunked("Transfer-Encoding: chunked\r\n", "\r\nhello\r\n0\r\n\r\n"), bad},
		{"size beyond 64 bits", chunked("Transfer-Encoding: chunked\r\n", "10000000000000005\r\nhello\r\n0\r\n\r\n"), bad},
		{"chunk longer than its size", chunked("Transfer-Encoding: chunked\r\n", "4\r\nhello\r\n0\r\n\r\n"), bad},
		{"folded trailer", chunked("Transfer-Encoding: chunked\r\n", "0\r\nA: b\r\n c\r\n\r\n"), bad},
		{"bare LF in trailers", chunked("Transfer-Encoding: chunked\r\n", "0\r\nA: b\n\r\n"), bad},
		{"trailer with a framing name announced", chunked("Trailer: Content-Length\r\nTransfer-Encoding: chunked\r\n", "0\r\nContent-Length: 5\r\n\r\n"), bad},
		{"trailer with a framing name", chunked("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nContent-Length: 50\r\nHost: evil\r\n\r\n"), ""},

		// Hosts.
		{"no Host", "GET PATH HTTP/1.1\r\n\r\n", bad},
		{"empty Host", "GET PATH HTTP/1.1\r\nHost:\r\n\r\n", bad},
		{"two Hosts", get + "Host: other\r\n\r\n", bad},
		{"two equal Hosts", get + "host: HOST\r\n\r\n", bad},
		{"bad Host", "GET PATH HTTP/1.1\r\nHost: a b\r\n\r\n", bad},
		{"Host with path", "GET PATH HTTP/1.1\r\nHost: HOST/x\r\n\r\n", bad},
		{"Host with user", "GET PATH HTTP/1.1\r\nHost: x@HOST\r\n\r\n", bad},
		{"absolute target", "GET http://HOSTPATH HTTP/1.1\r\nHost: HOST\r\n\r\n", ""},
		{"absolute target with default port", "GET http://HOST:80PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", ""},
		{"absolute target, another Host", "GET http://HOSTPATH HTTP/1.1\r\nHost: other\r\n\r\n", bad},
		{"another absolute target", "GET http://otherPATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"absolute target with user", "GET http://x@HOSTPATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"absolute target of another scheme", "GET ftp://HOSTPATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},

		// Names and values of headers.
		{"name with _ or .", get + "X_Real_IP: 1.1.1.1\r\nX.Forwarded.For: 1.1.1.1\r\n\r\n", ""},
		{"Content_Length", post + "Content_Length: 50\r\nContent-Length: 5\r\n\r\nhello", ""},
		{"forwarding headers", get + "X-Forwarded-For: 1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\n\r\n", ""},
		{"forwarding header in Connection", get + "Connection: close, X-Forwarded-For\r\n\r\n", ""},
		{"NUL in a value", get + "A: b\x00c\r\n\r\n", bad},
		{"control character in a value", get + "A: b\x01c\r\n\r\n", bad},
		{"DEL in a value", get + "A: b\x7fc\r\n\r\n", bad},
		{"NUL in a name", get + "A\x00: b\r\n\r\n", bad},
		{"space in a name", get + "A b: c\r\n\r\n", bad},
		{"no name", get + ": b\r\n\r\n", bad},
		{"no colon", get + "A\r\n\r\n", bad},
		{"name that is not ASCII", get + "X-\xc3\xa4: b\r\n\r\n", bad},

		// Upgrades and methods.
		{"Upgrade: h2c", get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", bad},
		{"foreign Upgrade", get + "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n", bad},
		{"websocket and more", get + "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", bad},
		{"websocket with a body", get + "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello", bad},
		{"websocket by POST", post + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", bad},
		{"TRACE", "TRACE PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", "405 route.method_not_allowed"},
		{"CONNECT", "CONNECT HOST:443 HTTP/1.1\r\nHost: HOST\r\n\r\n", "405 route.method_not_allowed"},
		{"CONNECT with a path", "CONNECT PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", "405 route.method_not_allowed"},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"method of 40 letters", strings.Repeat("A", 40) + " PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"method that is no token", "GE(T PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", bad},
		{"foreign Expect", post + "Expect: the-unexpected\r\nContent-Length: 5\r\n\r\nhello", "417 request.malformed"},
		{"GET with a body", get + "Content-Length: 5\r\n\r\nhello", ""},

		// Request lines.
		{"HTTP/0.9", "GET PATH\r\n\r\n", bad},
		{"version 0.9", "GET PATH HTTP/0.9\r\nHost: HOST\r\n\r\n", bad},
		{"version 1.2", "GET PATH HTTP/1.2\r\nHost: HOST\r\n\r\n", bad},
		{"version 2.0", "GET PATH HTTP/2.0\r\nHost: HOST\r\n\r\n", bad},
		{"version in small letters", "GET PATH http/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"two spaces", "GET  PATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"tab for space", "GET\tPATH HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"space in the target", "GET PATHa b HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"encoded NUL", "GET PATHa%00b HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"raw NUL", "GET PATHa\x00b HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"raw #", "GET PATH#b HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"raw backslash", "GET PATHa\\b HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"encoded slash", "GET PATHa%2fb HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"encoded dots", "GET PATH/%2e%2e/x HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},
		{"1,001 parameters", "GET PATH?" + strings.Repeat("a&", 1000) + "a HTTP/1.1\r\nHost: HOST\r\n\r\n", bad},

		// Sizes.
		{"header of 12 KB", get + "A: " + strings.Repeat("a", 12<<10) + "\r\n\r\n", ""},
		{"header of 17 KB", get + "A: " + strings.Repeat("a", 17<<10) + "\r\n\r\n", long},
		{"header of 20 KB", get + "A: " + strings.Repeat("a", 20<<10) + "\r\n\r\n", long},
		{"header of 64 KB", get + "A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", long},
		{"target of 20 KB", "GET PATH" + strings.Repeat("a", 20<<10) + " HTTP/1.1\r\nHost: HOST\r\n\r\n", long},
		{"100 header lines", get + strings.Repeat("A: b\r\n", 99) + "\r\n", ""},
		{"101 header lines", get + strings.Repeat("A: b\r\n", 100) + "\r\n", long},
		{"300 header lines", get + strings.Repeat("A: b\r\n", 300) + "\r\n", long},
	}
}

// recorder is an upstream that keeps every byte that reaches it.
type recorder struct {
	net.Listener

	mu  sync.Mutex // guards got, and what is in it
	got []*bytes.Buffer
}

// kept is what one connection brought.
type kept struct {
	r    *recorder
	text *bytes.Buffer
}

func (k kept) Write(p []byte) (int, error) {
	k.r.mu.Lock()
	defer k.r.mu.Unlock()
	return k.text.Write(p)
}

func record(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{Listener: listen(t)}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := r.Accept()
			if err != nil {
				return
			}
			group.Go(func() { r.serve(c) })
		}
	})
	t.Cleanup(func() { _ = r.Close(); group.Wait() })
	return r
}

func (r *recorder) serve(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	got := &bytes.Buffer{}
	r.mu.Lock()
	r.got = append(r.got, got)
	r.mu.Unlock()
	in := bufio.NewReader(io.TeeReader(c, kept{r, got}))
	for {
		request, err := http.ReadRequest(in)
		if err == nil {
			_, err = io.Copy(io.Discard, request.Body)
		}
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
		_ = c.(*net.TCPConn).CloseWrite()
	}
}

// take returns what came since it was last asked.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, b := range r.got {
		all = append(all, b.String())
	}
	r.got = nil
	return all
}

// mixed opens a gate whose sites have a folder, the API, and a proxy to an upstream that records.
func mixed(t *testing.T) (*house, *recorder) {
	t.Helper()
	h, up := open(t, reads), record(t)
	write(t, h.routes+"/x.txt", "file")
	address := up.Addr().String()
	keeper, err := pool.NewKeeper(pool.KeeperOptions{Connect: proxy.Connect(time.Now), Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	next := keeper.Next([]byte("key"))
	b := route.Builders{
		API: func(string) http.Handler { return http.HandlerFunc(reads) },
		Static: func(_ *config.Site, r *config.Route) (route.Target, error) {
			return static.New(static.Options{Dir: r.Static, Mount: route.Mount(r.Path), Now: time.Now}), nil
		},
		Proxy: func(s *config.Site, r *config.Route) (route.Target, error) {
			p, err := next.Pool(s.Name+r.Path, route.Mount(r.Path), r.Proxy)
			if err != nil {
				return nil, err
			}
			return proxy.New(proxy.Options{Mount: route.Mount(r.Path), Declared: r.Proxy, Pool: p, Node: "n1", Now: time.Now})
		},
	}
	declared := &config.Proxy{
		Balance: config.RoundRobin, Tries: 1, Connect: 5 * time.Second, FirstByte: 10 * time.Second, IdleStream: 10 * time.Second,
		Upstreams: []config.Upstream{{URL: "http://" + address, Scheme: config.HTTP, Network: "tcp", Address: address, Host: address}},
	}
	routes := []config.Route{{Path: "/files/", Static: h.routes}, {Path: "/api/", API: true}, {Path: "/up/", Proxy: declared}}
	table, err := gate.NewTable([]config.Site{
		{Name: "gallery.localhost", TLS: config.TLS{Mode: config.TLSLocal}, Routes: routes},
		{Name: "open.localhost", TLS: config.TLS{Mode: config.TLSOff}, Routes: routes},
	}, b)
	if err != nil {
		t.Fatal(err)
	}
	h.gate.Swap(table)
	t.Cleanup(keeper.Close)
	return h, up
}

// door is a way into the gate.
type door struct {
	host string
	dial func() net.Conn
}

func (h *house) doors(t *testing.T) map[string]door {
	t.Helper()
	return map[string]door{
		"plain": {"open.localhost", func() net.Conn { return dial(t, h.plain) }},
		"TLS": {"gallery.localhost", func() net.Conn {
			return tls.Client(dial(t, h.secure), &tls.Config{ServerName: "gallery.localhost", RootCAs: h.roots, NextProtos: []string{"http/1.1"}})
		}},
	}
}

// talk sends a request and returns all that comes back: one answer, and what follows it until the end where the
// connection is to be closed.
func talk(t *testing.T, c net.Conn, request string, closes bool) string {
	t.Helper()
	sent := make(chan struct{})
	go func() { // the gate answers before it has read all of a long head
		defer close(sent)
		_, _ = io.WriteString(c, request)
	}()
	var got bytes.Buffer
	in := bufio.NewReader(io.TeeReader(c, &got))
	if res, err := http.ReadResponse(in, nil); err == nil {
		_, _ = io.Copy(io.Discard, res.Body) // a reset after the answer is as good as a close
		_ = res.Body.Close()
	}
	if closes {
		_, _ = io.Copy(io.Discard, in)
	}
	_ = c.Close()
	<-sent
	return got.String()
}

var answerIn = regexp.MustCompile(`HTTP/1\.[01] \d\d\d `)

var reasonIn = regexp.MustCompile(`"reason":"([a-z_.]+)"`)

func TestSmuggle_EachCaseIsRefusedOrPassesAsOnePlainRequest(t *testing.T) {
	t.Parallel()
	h, up := mixed(t)
	if n := len(attempts()); n < 44 {
		t.Fatalf("only %d cases", n)
	}
	for name, d := range h.doors(t) {
		for _, path := range []string{"/files/x.txt", "/api/x", "/up/x"} {
			for _, a := range attempts() {
				where := fmt.Sprintf("%s, %s, %s", a.name, name, path)
				scheme := strings.NewReplacer("http://HOST:80", "https://HOST:443", "http://", "https://")
				request := a.request
				if name == "TLS" {
					request = scheme.Replace(request)
				}
				request = strings.NewReplacer("HOST", d.host, "PATH", path).Replace(request)
				checkAttempt(t, where, a, path, talk(t, d.dial(), request, a.want != ""), up.take())
			}
		}
	}
}

func checkAttempt(t *testing.T, where string, a attempt, path, got string, reached []string) {
	t.Helper()
	status, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(got, "HTTP/1.1 "), "HTTP/1.0 "), " ")
	head, _, _ := strings.Cut(rest, "\r\n\r\n")
	if !strings.Contains(head, "\r\nX-Journey: ") {
		t.Errorf("%s: no X-Journey in %.300q", where, got)
	}
	if n := len(answerIn.FindAllString(got, -1)); n != 1 {
		t.Errorf("%s: %d answers: %.300q", where, n, got)
	}
	if a.want == "" {
		want := "200"
		if strings.HasPrefix(path, "/files") && strings.HasPrefix(a.request, "POST") {
			want = "405"
		}
		if status != want {
			t.Errorf("%s: %.300q, want %s", where, got, want)
		}
		if strings.HasPrefix(path, "/up") {
			if len(reached) != 1 {
				t.Errorf("%s: %d requests reached the upstream: %q", where, len(reached), reached)
			} else if why := plainRequest(reached[0]); why != "" {
				t.Errorf("%s: %s reached the upstream: %q", where, why, reached[0])
			}
		}
		return
	}
	reason := ""
	if m := reasonIn.FindStringSubmatch(got); m != nil {
		reason = m[1]
	}
	if status+" "+reason != a.want {
		t.Errorf("%s: %.300q, want %s", where, got, a.want)
	}
	if !strings.Contains(head, "\r\nConnection: close") {
		t.Errorf("%s: the connection stays open: %q", where, head)
	}
	if len(reached) > 0 {
		t.Errorf("%s: something reached the upstream: %q", where, reached)
	}
}

// plainRequest says what is wrong with bytes that should be one request which every reader understands in the same way.
func plainRequest(text string) string {
	head, body, ok := strings.Cut(text, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	if !ok || strings.ContainsAny(strings.Join(lines, ""), "\r\n\x00") {
		return "a head with broken lines"
	}
	if !regexp.MustCompile(`^[A-Z]+ /[!-~]* HTTP/1\.1$`).MatchString(lines[0]) {
		return "a bad request line"
	}
	seen := map[string]string{}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ": ")
		if !ok || !regexp.MustCompile(`^[A-Za-z0-9-]+$`).MatchString(name) {
			return "a bad header line"
		}
		if _, twice := seen[textproto.CanonicalMIMEHeaderKey(name)]; twice && name != "A" {
			return "a header twice: " + name
		}
		seen[textproto.CanonicalMIMEHeaderKey(name)] = value
	}
	if seen["Host"] == "" || seen["X-Real-Ip"] != "" || seen["Forwarded"] != "" || seen["X-Forwarded-For"] != "127.0.0.1" {
		return "no Host, or what a client invented"
	}
	length, chunked := seen["Content-Length"], seen["Transfer-Encoding"]
	switch {
	case length != "" && chunked != "":
		return "a body with two lengths"
	case chunked != "" && (chunked != "chunked" || body != "5\r\nhello\r\n0\r\n\r\n"):
		return "a body of other chunks"
	case chunked == "" && fmt.Sprint(len(body)) != length && (length != "" || body != ""):
		return "a body of another length"
	}
	return ""
}

func TestSmuggle_WhatIsBadInALaterPartOfABodyIsBlamedOnTheClient(t *testing.T) {
	t.Parallel()
	h, up := mixed(t)
	for name, d := range h.doors(t) {
		for _, path := range []string{"/api/x", "/up/x"} {
			for _, second := range []string{"5\nhello\r\n0\r\n\r\n", "zz\r\n", "5\r\nhelloX0\r\n\r\n", "0\r\nA: b\n\r\n"} {
				c := d.dial()
				send(t, c, "POST "+path+" HTTP/1.1\r\nHost: "+d.host+"\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
				in := bufio.NewReader(c)
				if line, err := in.ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 100") { // the body is being read
					t.Fatalf("%s %s: %q, %v", name, path, line, err)
				}
				send(t, c, "3\r\nabc\r\n"+second)
				b, _ := io.ReadAll(in)
				if got := string(b); !strings.Contains(got, "HTTP/1.1 4") || !strings.Contains(got, "Connection: close") {
					t.Errorf("%s %s %q: %q", name, path, second, got)
				} else if path == "/up/x" && (!strings.Contains(got, "HTTP/1.1 400") || !strings.Contains(got, "request.malformed")) {
					t.Errorf("%s %s %q: %q", name, path, second, got)
				}
				for _, reached := range up.take() {
					if strings.HasSuffix(reached, "0\r\n\r\n") {
						t.Errorf("%s %q: the upstream got a whole request: %q", name, second, reached)
					}
				}
			}
		}
	}
}

func TestSmuggle_NothingFollowsARefusedRequest(t *testing.T) {
	t.Parallel()
	h, up := mixed(t)
	for name, d := range h.doors(t) {
		for _, a := range attempts() {
			if a.want == "" {
				continue
			}
			request := strings.NewReplacer("HOST", d.host, "PATH", "/up/x").Replace("GET /up/first HTTP/1.1\r\nHost: HOST\r\n\r\n" + a.request + "GET /up/smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n")
			got := talk(t, d.dial(), request, true)
			if !strings.HasPrefix(got, "HTTP/1.1 200") || len(answerIn.FindAllString(got, -1)) != 2 {
				t.Errorf("%s, %s: %.500q", name, a.name, got)
			}
			if reached := up.take(); len(reached) != 1 || !strings.HasPrefix(reached[0], "GET /up/first ") {
				t.Errorf("%s, %s: the upstream got %q", name, a.name, reached)
			}
		}
	}
}

func TestSmuggle_AnExpectationOpensNothingUpstreamBeforeTheBodyComes(t *testing.T) {
	t.Parallel()
	h, up := mixed(t)
	for name, d := range h.doors(t) {
		c := d.dial()
		send(t, c, "POST /up/x HTTP/1.1\r\nHost: "+d.host+"\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
		in := bufio.NewReader(c)
		if line, err := in.ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 100") {
			t.Fatalf("%s: %q, %v", name, line, err)
		}
		if reached := up.take(); len(reached) > 0 {
			t.Errorf("%s: the upstream was bothered before there was a body: %q", name, reached)
		}
		send(t, c, "hello")
		if _, err := in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v, %v", name, res, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if reached := up.take(); len(reached) != 1 || plainRequest(reached[0]) != "" {
			t.Errorf("%s: the upstream got %q", name, reached)
		}
	}
}
