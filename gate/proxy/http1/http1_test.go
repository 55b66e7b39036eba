package http1_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/roundtrip-dev/roundtrip/gate/proxy/http1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is an answer as it was read.
type told struct {
	status  int
	header  []string // name: value, sorted
	body    string
	trailer []string
}

// read reads one answer that comes in pieces of a size, then the connection ends.
func read(t testing.TB, method, stream string, piece int) (told, bool, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		for at := 0; at < len(stream); at += piece {
			if _, err := io.WriteString(theirs, stream[at:min(len(stream), at+piece)]); err != nil {
				return
			}
		}
	}()
	client := http1.New(http1.Options{Dial: func(context.Context) (net.Conn, error) { return ours, nil }, Now: time.Now})
	defer client.Close()
	c, err := client.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Begin(t.Context())
	c.Allow(time.Minute)
	if err := c.ReadHead(method); err != nil {
		c.Close()
		return told{}, false, err
	}
	got := told{status: c.Status}
	for _, f := range c.Fields {
		got.header = append(got.header, f.Name+": "+f.Value)
	}
	slices.Sort(got.header)
	var b bytes.Buffer
	for {
		part, err := c.Next()
		b.Write(part)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			c.Close()
			return got, true, err
		}
	}
	got.body = b.String()
	for _, f := range c.Trailers() {
		got.trailer = append(got.trailer, f.Name+": "+f.Value)
	}
	slices.Sort(got.trailer)
	c.Rest()
	return got, true, nil
}

// judge reads the same with net/http.
func judge(method, stream string) (told, error) {
	r, _ := http.NewRequest(method, "http://a/", nil)
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(stream)), r)
	if err != nil {
		return told{}, err
	}
	got := told{status: res.StatusCode}
	body, err := io.ReadAll(res.Body)
	got.body = string(body)
	for name, values := range res.Header {
		for _, v := range values {
			got.header = append(got.header, name+": "+v)
		}
	}
	for name, values := range res.Trailer {
		for _, v := range values {
			got.trailer = append(got.trailer, name+": "+v)
		}
	}
	slices.Sort(got.header)
	slices.Sort(got.trailer)
	return got, err
}

// What we take for a whole answer, net/http takes for the same one: nothing is read here in another way than elsewhere.
func FuzzConn_ReadsWhatNetHTTPReads(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.0 404\r\n\r\nbody", "HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\na\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nx-a: 1\r\nX-A: 2 \r\nConnection: close\r\n\r\nrest", "HTTP/1.1 103 Early\r\nLink: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 02\r\n\r\nok",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, stream string, head bool) {
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		got, _, err := read(t, method, stream, 1<<20)
		bytewise, _, bytewiseErr := read(t, method, stream, 1)
		if fmt.Sprint(got, err == nil) != fmt.Sprint(bytewise, bytewiseErr == nil) {
			t.Fatalf("%q reads as %+v (%v) at once, as %+v (%v) byte by byte", stream, got, err, bytewise, bytewiseErr)
		}
		if err != nil {
			return
		}
		want, err := judge(method, stream)
		if err != nil {
			t.Fatalf("%q: read as %+v; net/http: %v", stream, got, err)
		}
		// net/http takes what frames the message out of its headers, and what is announced of trailers.
		framing := func(line string) bool {
			return strings.HasPrefix(line, "Transfer-Encoding: ") || strings.HasPrefix(line, "Trailer: ") || strings.HasPrefix(line, "Connection: ") || strings.HasPrefix(line, "Content-Length: ")
		}
		got.header, want.header = slices.DeleteFunc(got.header, framing), slices.DeleteFunc(want.header, framing)
		want.trailer, got.trailer = nil, nil // it drops some that were not announced
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q\nours:     %+v\nnet/http: %+v", stream, got, want)
		}
	})
}

func TestClient_KeepsConnectionsWithinBounds(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = (&http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}).Serve(ln)
	}()
	defer func() { _ = ln.Close(); <-served }()
	now := time.Now()
	client := http1.New(http1.Options{
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", ln.Addr().String())
		},
		Now: func() time.Time { return now }, Idle: 2,
	})
	ask := func(c *http1.Conn) {
		c.Begin(t.Context())
		c.Allow(time.Hour)
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := c.ReadHead(http.MethodGet); err != nil || c.Status != http.StatusOK {
			t.Fatalf("%d, %v", c.Status, err)
		}
		if _, err := c.Next(); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		c.Rest()
	}
	var conns []*http1.Conn
	for range 3 {
		c, err := client.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for _, c := range conns {
		ask(c)
	}
	a, b, none := client.Take(false), client.Take(false), client.Take(false)
	if a == nil || b == nil || none != nil || !a.Reused() {
		t.Fatalf("%v, %v, %v: want two", a, b, none)
	}
	ask(a)
	ask(b)
	now = now.Add(3 * time.Second)
	if c := client.Take(true); c != nil {
		t.Error("a connection that rested for 3 s is no recent one")
	}
	now = now.Add(time.Minute)
	if c := client.Take(false); c != nil {
		t.Error("a connection that rested for a minute is too old")
	}
	client.Close()
	http.DefaultClient.CloseIdleConnections()
}

// An upstream that closed a connection while it rested, or said something, is noticed before the next request.
func TestClient_NoticesWhatHappenedWhileAConnectionRested(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(c net.Conn){
		"closed": func(c net.Conn) { _ = c.Close() },
		"reset":  func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() },
		"spoke":  func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			client := http1.New(http1.Options{
				Dial: func(ctx context.Context) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "tcp", ln.Addr().String())
				},
				Now: time.Now,
			})
			defer client.Close()
			c, err := client.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer theirs.Close()
			c.Begin(t.Context())
			c.Allow(time.Minute)
			_, _ = io.WriteString(theirs, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			if err := c.ReadHead(http.MethodGet); err != nil {
				t.Fatal(err)
			}
			c.Rest()
			act(theirs)
			for deadline := time.Now().Add(time.Minute); ; { // what was done there is seen here a moment later
				got := client.Take(false)
				if got == nil {
					return
				}
				if time.Now().After(deadline) {
					t.Fatal("the connection is handed out as if it were good")
				}
				got.Rest()
			}
		})
	}
}

// An upstream that answers although it has stopped to read waits for the rest of the request: what is sent next on the
// connection would be taken for that.
func TestConn_ThatCouldNotSendAllIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	now := func() time.Time { return time.Now().Add(2*time.Second - 30*time.Second) } // an upstream has 30 s to take what is sent
	client := http1.New(http1.Options{Dial: func(context.Context) (net.Conn, error) { return ours, nil }, Now: now})
	defer client.Close()
	c, err := client.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Begin(t.Context())
	stopped := make(chan struct{})
	go func() {
		_, _ = io.CopyN(io.Discard, theirs, 40)
		<-stopped
		_, _ = io.WriteString(theirs, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}()
	n, err := c.Write([]byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nsecret..."))
	if e, ok := errors.AsType[*http1.Error](err); !ok || e.Kind != http1.Timeout || n != 40 {
		t.Fatalf("%d bytes, %v", n, err)
	}
	close(stopped)
	c.Allow(time.Minute)
	if err := c.ReadHead(http.MethodPost); err != nil || !c.Done() {
		t.Fatalf("the answer: %v", err)
	}
	c.Rest()
	if client.Take(false) != nil {
		t.Error("the connection is used for another request")
	}
}
