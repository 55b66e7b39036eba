// Package live drives streams of the real program with crowds: many who are silent, some who do not read, and some who come
// and go all the time.
package live

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"

	"github.com/roundtrip-dev/roundtrip/test/follow"
	"github.com/roundtrip-dev/roundtrip/test/server"
)

const declaration = `
name: square
sites:
  square.test:
    tls: off
    routes: [{ path: /api/, to: api }]
collections:
  posts:
    fields: { text: { type: text, required: true, max: 10000 } }
    rules: { read: 'true', create: 'true' }
store: { database: 'sqlite:data/square.db', files: data/files }
journeys: { log: false }
`

const (
	idlers    = 5000
	listeners = 200
	deaf      = idlers / 100 // listeners that never read
	posts     = 400          // of some 10 kB: more than the buffers of the kernel and of the server hold for one connection
)

// crowd is a server and who is connected to it.
type crowd struct {
	t      *testing.T
	server *server.Server
	next   atomic.Int64 // numbers source addresses
}

// TestCrowd_NobodyFeelsTheDeaf has five thousand connections that are silent, fifty that never read, and others that come
// and go all the time. Each listener that reads gets every post, while the deaf are cut; in the end the memory comes back.
func TestCrowd_NobodyFeelsTheDeaf(t *testing.T) {
	c := &crowd{t: t, server: server.Start(t, server.Declare(t, declaration))}
	before := c.resident()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var conns []net.Conn
	for range idlers {
		conn, rw := c.subscribe("posts?filter=text == 'nothing like it'")
		c.read(rw)
		conns = append(conns, conn)
	}
	with := c.resident()
	t.Logf("%d idle connections hold %d KB each", idlers, (with-before)/idlers/1024)
	for range deaf {
		conn, _ := c.subscribe("posts?page_size=0")
		conns = append(conns, conn)
	}
	churned := c.churn(ctx, &running)

	heard := make([]*follow.Follower, listeners)
	for i := range heard {
		conn, rw := c.subscribe("posts?page_size=0")
		conns = append(conns, conn)
		heard[i] = &follow.Follower{View: follow.NewView(), Door: follow.WebSocket, Topic: "posts?page_size=0"}
		heard[i].View.Apply(c.read(rw))
		running.Go(func() { _ = heard[i].Listen(rw) })
	}
	c.post()
	for i, f := range heard {
		c.wait(i, f.View)
		for _, fault := range f.View.Faults() {
			t.Errorf("listener %d: %s", i, fault)
		}
	}
	if churned.Load() < 100 {
		t.Errorf("only %d came and went", churned.Load())
	}
	cancel()
	for _, conn := range conns {
		_ = conn.Close()
	}
	running.Wait()
	c.waitForMemory(before, with)
}

// subscribe connects from an address of its own and asks for a topic.
func (c *crowd) subscribe(topic string) (net.Conn, io.ReadWriter) {
	c.t.Helper()
	n := c.next.Add(1)
	source := &net.TCPAddr{IP: net.IPv4(127, 3, byte(n/40/250), byte(1+n/40%250))} // fewer of an address than are taken
	conn, rw, err := follow.Dial(c.t.Context(), source, c.server.HTTP, "square.test", "/api/", "")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	if err := wsutil.WriteClientText(conn, follow.Subscribe(topic, "")); err != nil {
		c.t.Fatal(err)
	}
	return conn, rw
}

func (c *crowd) read(rw io.ReadWriter) *follow.Message {
	c.t.Helper()
	m, err := follow.Read(rw)
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

// churn connects and leaves in a few goroutines until ctx ends, politely and not, and counts.
func (c *crowd) churn(ctx context.Context, running *sync.WaitGroup) *atomic.Int64 {
	var n atomic.Int64
	for i := range 4 {
		running.Go(func() {
			source := &net.TCPAddr{IP: net.IPv4(127, 4, 0, byte(1+i))}
			for ctx.Err() == nil {
				conn, rw, err := follow.Dial(ctx, source, c.server.HTTP, "square.test", "/api/", "")
				if err != nil {
					continue
				}
				if n.Add(1)%3 > 0 && wsutil.WriteClientText(conn, follow.Subscribe("posts?page_size=0", "")) == nil {
					_, _ = follow.Read(rw) // it leaves whatever came
				}
				_ = conn.Close()
			}
		})
	}
	return &n
}

// post writes all posts.
func (c *crowd) post() {
	c.t.Helper()
	client := &http.Client{Timeout: server.Patience}
	defer client.CloseIdleConnections()
	for i := range posts {
		body := fmt.Sprintf(`{"text":"post %d %s"}`, i, strings.Repeat("x", 9900))
		req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "http://"+c.server.HTTP+"/api/posts", strings.NewReader(body))
		if err != nil {
			c.t.Fatal(err)
		}
		req.Host = "square.test"
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			c.t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			c.t.Fatalf("post %d: %s", i, resp.Status)
		}
	}
}

// wait waits until a listener has all posts.
func (c *crowd) wait(i int, v *follow.View) {
	c.t.Helper()
	deadline := time.After(server.Patience)
	for {
		changed := v.Changed()
		have := len(v.Items())
		if have == posts {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			c.t.Fatalf("listener %d has %d of %d posts", i, have, posts)
		}
	}
}

// waitForMemory wants that most of what the connections held is given back once they are gone.
func (c *crowd) waitForMemory(before, with int64) {
	c.t.Helper()
	deadline := time.Now().Add(server.Patience)
	for {
		now := c.resident()
		if now < before+(with-before)/2+32<<20 {
			c.t.Logf("%d MB before, %d MB with, %d MB after", before>>20, with>>20, now>>20)
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("memory stays at %d MB; it was %d MB before anybody came and %d MB with all", now>>20, before>>20, with>>20)
		}
		time.Sleep(200 * time.Millisecond) // between two looks
	}
}

// resident is what the server holds of the machine's memory, in bytes.
func (c *crowd) resident() int64 {
	c.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.server.PID()))
	if err != nil {
		c.t.Fatal(err)
	}
	var pages int64
	if _, err := fmt.Sscanf(string(bytes.Fields(text)[1]), "%d", &pages); err != nil {
		c.t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
