package gate_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"

	"github.com/gobwas/ws"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// upstreamAddress makes this program an upstream that listens there: see serveUpstream.
const upstreamAddress = "ROUNDTRIP_UPSTREAM"

// TestMain runs the tests, or, in a process that a test has started, an upstream.
func TestMain(m *testing.M) {
	at := os.Getenv(upstreamAddress)
	if at == "" {
		os.Exit(m.Run())
	}
	if err := serveUpstream(at); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// upstreamHouse is the program of an upstream. It prints a line for each request that arrives.
type upstreamHouse struct {
	mu       sync.Mutex // guards what follows
	released map[string]chan struct{}
}

func serveUpstream(at string) error {
	l, err := net.Listen("tcp", at)
	if err != nil {
		return err
	}
	h := &upstreamHouse{released: map[string]chan struct{}{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("/release", func(_ http.ResponseWriter, r *http.Request) { close(h.gate(r.URL.Query().Get("key"))) })
	mux.HandleFunc("/proxied/ok", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "ok from %d", os.Getpid()) })
	mux.HandleFunc("/proxied/sum", sum)
	mux.HandleFunc("/proxied/hold", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-h.gate(r.URL.Query().Get("key")):
			_, _ = io.WriteString(w, "released")
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/proxied/half", half)
	mux.HandleFunc("/proxied/download", download)
	mux.HandleFunc("/proxied/events", h.events)
	mux.HandleFunc("/proxied/socket", socket)
	fmt.Println("listening", l.Addr())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			fmt.Println("arrived", r.Method, r.URL.RequestURI())
		}
		mux.ServeHTTP(w, r)
	}))
}

// gate is closed when the key is released.
func (h *upstreamHouse) gate(key string) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released[key] == nil {
		h.released[key] = make(chan struct{})
	}
	return h.released[key]
}

// sum answers with the hash of what it was sent.
func sum(w http.ResponseWriter, r *http.Request) {
	hash := sha256.New()
	n, err := io.Copy(hash, r.Body)
	if err == nil {
		fmt.Fprintf(w, "%d %s", n, hex.EncodeToString(hash.Sum(nil)))
	}
}

// half answers with the half of what it promises, and says nothing more.
func half(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write(make([]byte, 500))
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// download sends as many bytes as asked for.
func download(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.ParseInt(r.URL.Query().Get("bytes"), 10, 64)
	w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	_, _ = io.CopyN(w, pattern(), n)
}

// pattern is bytes without end that are never the same at two places near each other.
func pattern() io.Reader { return &counter{} }

type counter struct{ n uint64 }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c.n>>3) ^ byte(c.n*7) ^ byte(c.n>>11)
		c.n++
	}
	return len(p), nil
}

// events sends an event with a growing number each 10 ms.
func (h *upstreamHouse) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for i := 1; ; i++ {
		fmt.Fprintf(w, "id: %d\ndata: %d\n\n", i, i)
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-every.C:
		}
	}
}

// socket repeats what it hears.
func socket(w http.ResponseWriter, r *http.Request) {
	conn, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		text, op, err := wsutil.ReadClientData(conn)
		if err != nil {
			fmt.Println("closed", err)
			return
		}
		if wsutil.WriteServerMessage(conn, op, text) != nil {
			return
		}
	}
}

// upstream is a process that serves as one.
type upstream struct {
	At string // host:port

	t    testing.TB
	cmd  *exec.Cmd
	done chan struct{}

	mu    sync.Mutex // guards lines
	lines []string
}

// startUpstream starts an upstream on a port that stays its own while it is down.
func startUpstream(t testing.TB) *upstream {
	t.Helper()
	u := &upstream{t: t, At: server.Free(t)}
	u.start()
	t.Cleanup(u.kill)
	return u
}

// start starts the process, at the same address as before.
func (u *upstream) start() {
	u.t.Helper()
	u.cmd = exec.Command(os.Args[0])
	u.cmd.Env = append(os.Environ(), upstreamAddress+"="+u.At)
	u.cmd.Stderr = os.Stderr
	out, err := u.cmd.StdoutPipe()
	if err != nil {
		u.t.Fatal(err)
	}
	if err := u.cmd.Start(); err != nil {
		u.t.Fatal(err)
	}
	u.done = make(chan struct{})
	listening := make(chan string, 1)
	go func() {
		defer close(u.done)
		for s := bufio.NewScanner(out); s.Scan(); {
			if at, ok := strings.CutPrefix(s.Text(), "listening "); ok {
				listening <- at
				continue
			}
			u.mu.Lock()
			u.lines = append(u.lines, s.Text())
			u.mu.Unlock()
		}
		_ = u.cmd.Wait()
	}()
	select {
	case u.At = <-listening:
	case <-u.done:
		u.t.Fatal("the upstream ended before it listened")
	case <-time.After(server.Patience):
		u.t.Fatal("the upstream does not listen")
	}
}

// kill ends the process at once.
func (u *upstream) kill() {
	_ = u.cmd.Process.Kill()
	<-u.done
}

// stop freezes the process (SIGSTOP): its kernel still takes connections. thaw lets it go on.
func (u *upstream) stop() { _ = u.cmd.Process.Signal(syscall.SIGSTOP) }
func (u *upstream) thaw() { _ = u.cmd.Process.Signal(syscall.SIGCONT) }

// arrived counts the requests with a method and target that came.
func (u *upstream) arrived(request string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := 0
	for _, l := range u.lines {
		if l == "arrived "+request {
			n++
		}
	}
	return n
}

// awaitArrival waits until a request is there.
func (u *upstream) awaitArrival(request string) {
	u.t.Helper()
	await(u.t, request+" at the upstream", func() bool { return u.arrived(request) > 0 })
}

// release lets a request of /proxied/hold be answered.
func (u *upstream) release(key string) {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), server.Patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+u.At+"/release?key="+key, http.NoBody)
	if err != nil {
		u.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		u.t.Fatal(err)
	}
	resp.Body.Close()
}

// await looks again and again until something is so.
func await(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(server.Patience); !so(); {
		if time.Now().After(end) {
			t.Fatalf("waited for %s in vain", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
