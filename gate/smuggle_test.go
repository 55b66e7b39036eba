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
	_ = c.SetDeadline(time.Now().Add(time.Minute))
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
	keeper, err := pool.NewKeeper(pool.KeeperOptions{Connect: proxy.Connect(time.Now, nil), Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
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
	if seen["Upgrade"] != "" || seen["Connection"] != "" || seen["Http2-Settings"] != "" {
		return "what belongs to the client's own connection"
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
