package gate_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const (
	reloads   = 20
	requests  = 10_000 // of each protocol
	clients   = 4      // of each protocol, at once
	slowBytes = 24 << 20
)

// living is a declaration of which everything but a route stays the same.
func living(generation int, upstreams ...*upstream) string {
	var urls []string
	for _, u := range upstreams {
		urls = append(urls, "http://"+u.At)
	}
	return fmt.Sprintf(`
name: reload
sites:
  site.test:
    tls: local
    routes:
      - { path: /generation, respond: { body: generation %d } }
      - { path: /api/, to: api }
      - { path: /files/, static: files }
      - path: /proxied/
        proxy: [%s]
        health: { path: /healthz, every: 1s }
collections:
  notes:
    fields: { text: { type: text } }
    rules: { read: 'true', create: 'true' }
`, generation, strings.Join(urls, ", "))
}

// Whatever runs while the declaration is read again twenty times goes on as if nothing had happened.
func TestReload_CutsNothing(t *testing.T) {
	a, b := startUpstream(t), startUpstream(t)
	folder := server.Declare(t, living(0, a, b))
	slow := make([]byte, slowBytes)
	_, _ = pattern().Read(slow)
	if err := os.Mkdir(filepath.Join(folder, "files"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"small.txt": []byte("small"), "slow.bin": slow} {
		if err := os.WriteFile(filepath.Join(folder, "files", name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := server.Start(t, folder)
	long := openLong(t, s, sha256.Sum256(slow))

	var rounds atomic.Int64 // reloads that are done: the crowd goes on until the last one is
	var crowd sync.WaitGroup
	for _, p := range []protocol{h1, h2, h3} {
		c := newClient(t, s, p, clients)
		crowd.Go(func() { press(t, p, c, &rounds) })
	}
	for i := 1; i <= reloads; i++ {
		redeclare(t, s, living(i, a, b))
		if _, text, err := long.asker.do(t, http.MethodGet, "/generation", nil); err != nil || text != fmt.Sprintf("generation %d", i) {
			t.Errorf("after reload %d: %q, %v", i, text, err)
		}
		long.step(t, s, i)
		rounds.Add(1)
	}
	crowd.Wait()
	long.end(t)
	for _, u := range []*upstream{a, b} {
		if n := u.arrived("GET /proxied/ok"); n < requests/4 {
			t.Errorf("an upstream got %d requests only", n)
		}
	}
}

// press sends requests of one protocol through the whole time of the reloads, and one after the other to each route.
func press(t *testing.T, proto protocol, c *client, rounds *atomic.Int64) {
	paths := []struct{ path, want string }{
		{"/files/small.txt", "small"}, {"/proxied/ok", "ok from "}, {"/api/notes?page_size=1", `{"notes":`}, {"/proxied/ok", "ok from "},
	}
	var sent, failed atomic.Int64
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for n := sent.Add(1); n <= requests || rounds.Load() < reloads; n = sent.Add(1) {
				p := paths[n%int64(len(paths))]
				resp, text, err := c.do(t, http.MethodGet, p.path, nil)
				if err == nil && resp.StatusCode == http.StatusOK && resp.Proto == string(proto) && strings.HasPrefix(text, p.want) {
					continue
				}
				if failed.Add(1) <= 5 {
					t.Errorf("%s, request %d: GET %s: %v, %v, %.200q", proto, n, p.path, resp, err, text)
				}
			}
		})
	}
	group.Wait()
	t.Logf("%s: %d requests, %d failed, over %d connections, of which %d were cut", proto, sent.Load()-clients, failed.Load(), c.dials.Load(), c.cuts.Load())
	if c.cuts.Load() > 0 || proto == h3 && c.dials.Load() > 1 {
		t.Errorf("%s: connections were cut", proto)
	}
}

// long is all that lasts longer than a request.
type long struct {
	asker     *client
	downloads []*slowDownload
	events    *bufio.Scanner // of the upstream
	last      int            // the number of the last event
	proxied   *bufio.Reader  // a WebSocket of the upstream
	say       io.Writer
	live      *bufio.Reader // a WebSocket of the API
	liveSSE   *bufio.Scanner
}

type slowDownload struct {
	name string
	body io.ReadCloser
	sum  hash.Hash
	read int64
	want [sha256.Size]byte
}

func openLong(t *testing.T, s *server.Server, want [sha256.Size]byte) *long {
	t.Helper()
	l := &long{asker: newClient(t, s, h2, 1)}
	for _, p := range []protocol{h1, h2, h3} {
		c := newClient(t, s, p, 4)
		for _, path := range []string{"/files/slow.bin", fmt.Sprintf("/proxied/download?bytes=%d", slowBytes)} {
			body := openBody(t, c, path)
			l.downloads = append(l.downloads, &slowDownload{name: fmt.Sprintf("%s over %s", path, p), body: body, sum: sha256.New(), want: want})
		}
	}
	l.events = bufio.NewScanner(openBody(t, newClient(t, s, h2, 1), "/proxied/events"))
	l.say, l.proxied = dialSocket(t, s, "/proxied/socket")
	var conn io.Writer
	conn, l.live = dialSocket(t, s, "/api/live")
	_ = wsutil.WriteClientText(conn, []byte(`{"id":1,"subscribe":"notes"}`))
	l.heardLive(t, "snapshot")
	l.liveSSE = bufio.NewScanner(openBody(t, newClient(t, s, h3, 1), "/api/live?topic=notes"))
	l.liveSSE.Buffer(nil, 1<<20)
	l.seenLive(t, "snapshot")
	return l
}

func openBody(t *testing.T, c *client, path string) io.ReadCloser {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+site+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, "topic=notes") || strings.HasSuffix(path, "events") {
		req.Header.Set("Accept", "text/event-stream")
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s", path, resp.Status)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp.Body
}

// step uses all that is long once, after a reload.
func (l *long) step(t *testing.T, s *server.Server, round int) {
	t.Helper()
	for _, d := range l.downloads {
		d.readOn(t, slowBytes*int64(round)/(reloads+1))
	}
	for range 3 {
		l.nextEvent(t)
	}
	text := fmt.Sprintf("round %d", round)
	if err := wsutil.WriteClientText(l.say, []byte(text)); err != nil {
		t.Fatalf("the proxied WebSocket: %v", err)
	}
	if got, code := hear(t, l.proxied); got != text {
		t.Fatalf("the proxied WebSocket: %q, code %d, want %q", got, code, text)
	}
	s.API(site).Want(http.StatusCreated, http.MethodPost, "notes", server.JSON{"text": text})
	l.heardLive(t, text)
	l.seenLive(t, text)
}

// heardLive waits until the WebSocket of the API tells of a text.
func (l *long) heardLive(t *testing.T, text string) {
	t.Helper()
	for {
		got, code := hear(t, l.live)
		if code != 0 {
			t.Fatalf("the WebSocket of the API was closed with %d", code)
		}
		if strings.Contains(got, text) {
			return
		}
	}
}

// seenLive waits until the event stream of the API tells of a text.
func (l *long) seenLive(t *testing.T, text string) {
	t.Helper()
	for l.liveSSE.Scan() {
		if strings.Contains(l.liveSSE.Text(), text) {
			return
		}
	}
	t.Fatalf("the event stream of the API ended before it told of %q: %v", text, l.liveSSE.Err())
}

// nextEvent reads one event of the upstream; none may be missing.
func (l *long) nextEvent(t *testing.T) {
	t.Helper()
	for l.events.Scan() {
		if data, ok := strings.CutPrefix(l.events.Text(), "data: "); ok {
			if l.last++; data != fmt.Sprint(l.last) {
				t.Fatalf("event %s came, want %d", data, l.last)
			}
			return
		}
	}
	t.Fatalf("the proxied event stream ended after %d: %v", l.last, l.events.Err())
}

func (d *slowDownload) readOn(t *testing.T, to int64) {
	t.Helper()
	n, err := io.CopyN(d.sum, d.body, to-d.read)
	d.read += n
	if err != nil {
		t.Fatalf("%s: cut after %d bytes: %v", d.name, d.read, err)
	}
}

func (l *long) end(t *testing.T) {
	t.Helper()
	for _, d := range l.downloads {
		d.readOn(t, slowBytes)
		if n, err := io.Copy(io.Discard, d.body); n != 0 || err != nil {
			t.Errorf("%s: %d bytes too many, %v", d.name, n, err)
		}
		if got := hex.EncodeToString(d.sum.Sum(nil)); got != hex.EncodeToString(d.want[:]) {
			t.Errorf("%s: other bytes came than were sent: %s", d.name, got)
		}
	}
}

// An upstream that goes gets no more requests, and may finish those that it has; a new one gets none before it is well.
func TestReload_MovesFromOneUpstreamToAnother(t *testing.T) {
	old, next := startUpstream(t), startUpstream(t)
	s := server.Start(t, server.Declare(t, living(0, old)))
	c := newClient(t, s, h2, 1)
	say, sock := dialSocket(t, s, "/proxied/socket")
	_ = wsutil.WriteClientText(say, []byte("here"))
	if text, _ := hear(t, sock); text != "here" {
		t.Fatalf("the WebSocket said %q", text)
	}
	held := make(chan string, 1)
	go func() {
		resp, text, err := c.do(t, http.MethodGet, "/proxied/hold?key=k", nil)
		held <- fmt.Sprint(resp != nil && resp.StatusCode == http.StatusOK, text, err)
	}()
	old.awaitArrival("GET /proxied/hold?key=k")

	next.stop() // it hangs at first: the reload waits for it
	thawed := time.AfterFunc(500*time.Millisecond, next.thaw)
	defer thawed.Stop()
	redeclare(t, s, living(1, next))
	if _, code := hear(t, sock); code != 1001 {
		t.Errorf("the WebSocket of the upstream that went was closed with %d, want 1001", code)
	}
	before := old.arrived("GET /proxied/ok")
	for range 50 {
		if resp, text, err := c.do(t, http.MethodGet, "/proxied/ok", nil); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("after the reload: %v, %v, %s", resp, err, text)
		}
	}
	// What the upstream tells of its requests comes by a pipe, and may come after their answers.
	await(t, "50 requests at the new upstream", func() bool { return next.arrived("GET /proxied/ok") >= 50 })
	if n := next.arrived("GET /proxied/ok"); n != 50 || old.arrived("GET /proxied/ok") != before {
		t.Errorf("of 50 requests %d came to the new upstream and %d to the old one", n, old.arrived("GET /proxied/ok")-before)
	}
	old.release("k")
	if got := <-held; got != "truereleased<nil>" {
		t.Errorf("the request that ran at the old upstream: %s", got)
	}
}
