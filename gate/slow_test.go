package gate_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// crowdSize is how many connections attack at once.
const crowdSize = 2000

// memory returns what the heap and stacks of this process take, in bytes, client and server together.
func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// served checks that a new client gets its answer, over both doors.
func served(t *testing.T, h *house) {
	t.Helper()
	for _, url := range []string{"http://open.localhost/x", "https://gallery.localhost/api/x", "https://gallery.localhost/"} {
		for _, h2 := range []bool{true, false} {
			if a := h.do(t, h.client(t, h2), http.MethodGet, url, nil); a.StatusCode != http.StatusOK {
				t.Errorf("%s of another client: %s", url, a.Status)
			}
		}
	}
}

// besiege opens connections, half of them to each door, and has each one say something.
func besiege(t *testing.T, h *house, n int, say func(c net.Conn, plain bool)) []net.Conn {
	t.Helper()
	all := make([]net.Conn, n)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := worker; i < n; i += 8 {
				addr := h.plain
				if i%2 == 0 {
					addr = h.secure
				}
				c, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				all[i] = c
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				say(c, i%2 == 1)
			}
		})
	}
	group.Wait()
	t.Cleanup(func() { leave(all) })
	if t.Failed() {
		t.FailNow()
	}
	return all
}

func leave(all []net.Conn) {
	for _, c := range all {
		if c != nil {
			_ = c.Close()
		}
	}
}

// closed waits until the gate has closed all connections.
func closed(t *testing.T, all []net.Conn) {
	t.Helper()
	for i, c := range all {
		if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Fatalf("connection %d is still open: %v", i, err)
		}
	}
}

func TestSlow_ACrowdThatSaysNothing(t *testing.T) { // not parallel: it measures memory
	h := open(t, ok)
	served(t, h)
	before := memory()
	besiege(t, h, crowdSize, func(net.Conn, bool) {})
	served(t, h)
	each := (memory() - before) / crowdSize
	t.Logf("%d connections that say nothing take %d bytes each, client included", crowdSize, each)
	if each > 32<<10 {
		t.Errorf("a connection that says nothing takes %d bytes", each)
	}
}

func TestSlow_ACrowdWithHalfAHead(t *testing.T) { // not parallel: it measures memory
	h := open(t, ok)
	served(t, h)
	before := memory()
	besiege(t, h, crowdSize, func(c net.Conn, plain bool) {
		half := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" // of a ClientHello
		if plain {
			half = "GET / HTTP/1.1\r\nHost: open.localhost\r\nX: " + strings.Repeat("a", 2000)
		}
		_, _ = io.WriteString(c, half)
	})
	served(t, h)
	each := (memory() - before) / crowdSize
	t.Logf("%d connections with half a head take %d bytes each, client included", crowdSize, each)
	if each > 40<<10 {
		t.Errorf("a connection with half a head takes %d bytes", each)
	}
}

func TestSlow_HeadsThatComeByteByByteEndInTime(t *testing.T) {
	t.Parallel()
	h := open(t, ok, func(o *gate.Options) { o.Times.Header = 4 * time.Second })
	all := besiege(t, h, 200, func(net.Conn, bool) {})
	var drips sync.WaitGroup
	for i, c := range all {
		text := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 400)
		if i%2 == 1 {
			text = "GET / HTTP/1.1\r\nHost: open.localhost\r\nX: " + strings.Repeat("a", 400)
		}
		drips.Go(func() {
			for k := range len(text) {
				if _, err := io.WriteString(c, text[k:k+1]); err != nil {
					return
				}
				time.Sleep(50 * time.Millisecond) // the pace of the client
			}
			t.Error("400 bytes came in 20 seconds, and nobody minded")
		})
	}
	served(t, h)
	drips.Wait()
	served(t, h)
}

func TestSlow_ConnectionsThatRestAreClosed(t *testing.T) {
	t.Parallel()
	h := open(t, ok, func(o *gate.Options) { o.Times.Idle = 300 * time.Millisecond; o.Times.Header = time.Minute })
	var all []net.Conn
	for range 300 {
		c := dial(t, h.plain)
		send(t, c, "GET /x HTTP/1.1\r\nHost: open.localhost\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatal(res, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		all = append(all, c)
	}
	served(t, h)
	closed(t, all)
}

func TestSlow_AReaderOfSingleBytesIsCutOff(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789abcdef", 1<<16)
	h := open(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil && strings.HasSuffix(r.URL.Path, "/endless") {
			if _, err := io.WriteString(w, big); err != nil {
				return
			}
		}
		ok(w, r)
	}, func(o *gate.Options) { o.Times.Stall = 300 * time.Millisecond })
	for name, d := range h.doors(t) {
		c := d.dial()
		send(t, c, "GET /api/endless HTTP/1.1\r\nHost: "+d.host+"\r\n\r\n")
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for one := make([]byte, 1); ; {
				if _, err := c.Read(one); err != nil {
					return
				}
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond): // the pace of the client
				}
			}
		}()
		h.await(t, "journey of the download over "+name, func(s trace.Snapshot) bool {
			return strings.HasSuffix(s.Path, "/endless") && s.Host == d.host && s.Reason.Code() == "client.aborted"
		})
		close(stop)
		<-done
	}
	served(t, h)
}
