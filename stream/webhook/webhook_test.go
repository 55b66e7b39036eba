package webhook_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/stream/webhook"
)

func TestSender_DeliversEachWriteOnce(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "one", "two")
	one, two := receive(t, nil), receive(t, func(_ int, _ message, w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) })
	s := h.sender(h.store, "one", one.URL, "two", two.URL)
	id := h.write(0, "first")
	h.write(id, "second")
	for i := range 30 {
		h.write(0, "other "+itoa(i))
	}
	s.Deliver(t.Context())
	for _, r := range []*receiver{one, two} {
		texts := r.texts()
		if len(texts) != 32 || slices.Index(texts, "first") > slices.Index(texts, "second") || r.got[0].timestamp != "1795856400" {
			t.Errorf("got %d messages: %q", len(texts), texts)
		}
		if r.got[slices.Index(texts, "second")].kind != "notes.updated" {
			t.Errorf("got %+v", r.got)
		}
	}
	if waiting, dead, why := h.left(); waiting != 0 || dead != 0 || why != "" {
		t.Fatalf("%d wait, %d are dead, %s", waiting, dead, why)
	}
}

// backOff is the wait after so many tries that users are promised.
func backOff(tries int) time.Duration {
	promised := []string{"5s", "30s", "2m", "10m", "30m", "1h", "3h", "6h"}
	wait, err := time.ParseDuration(promised[min(tries, len(promised))-1])
	if err != nil {
		panic(err)
	}
	return wait
}

// A message that is not taken is tried for three days, each time later and with the same id, and then given up.
func TestSender_TriesForThreeDays(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "a")
	r := receive(t, func(_ int, _ message, w http.ResponseWriter) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte("out\nof \x00 order" + strings.Repeat("!", 500)))
	})
	s := h.sender(h.store, "a", r.URL)
	h.write(0, "x")
	began := h.Now()
	for n := 1; ; n++ {
		s.Deliver(t.Context())
		waiting, dead, why := h.left()
		if want := "500 Internal Server Error: out of order!!!"; !strings.HasPrefix(why, want) || len(why) > 240 {
			t.Fatalf("the reason is %q, want %s…", why, want)
		}
		if len(r.texts()) != n {
			t.Fatalf("try %d: %d messages came", n, len(r.texts()))
		}
		if waiting == 0 {
			if age := h.Now().Sub(began); dead != 1 || age < 60*time.Hour || age > 72*time.Hour || n < 15 {
				t.Fatalf("given up after %v and %d tries, %d dead", age, n, dead)
			}
			break
		}
		due, ok, err := h.store.NextJob(t.Context(), store.JobWebhook+"a")
		if wait := due.Sub(h.Now()); err != nil || !ok || wait != backOff(n) {
			t.Fatalf("after try %d it waits %v, want %v (%v)", n, wait, backOff(n), err)
		}
		h.advance(backOff(n) - time.Millisecond)
		s.Deliver(t.Context())
		if len(r.texts()) != n {
			t.Fatalf("try %d came early", n+1)
		}
		h.advance(time.Millisecond)
	}
	for _, m := range r.got {
		if m.id != r.got[0].id || !strings.HasPrefix(m.id, "msg_") {
			t.Fatalf("ids %s and %s", m.id, r.got[0].id)
		}
	}
	n, err := h.store.ReplayJobs(t.Context(), store.JobWebhook, nil)
	if n != 1 || err != nil {
		t.Fatal(n, err)
	}
	r.answer = nil
	h.advance(10 * time.Second) // the receiver counts as down
	s.Deliver(t.Context())
	if waiting, dead, _ := h.left(); waiting != 0 || dead != 0 || r.got[len(r.got)-1].id != r.got[0].id {
		t.Fatalf("after the replay %d wait and %d are dead", waiting, dead)
	}
}

// The writes of one record come in their order, whatever fails between them, and hold up no other record.
func TestSender_KeepsTheOrderOfARecord(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "a")
	var mu sync.Mutex // guards tries and taken
	tries, taken := map[string]int{}, map[string][]string{}
	r := receive(t, func(_ int, m message, w http.ResponseWriter) {
		mu.Lock()
		defer mu.Unlock()
		if tries[m.text]++; tries[m.text] < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		taken[m.text[:1]] = append(taken[m.text[:1]], m.text)
	})
	s := h.sender(h.store, "a", r.URL)
	for _, name := range []string{"x", "y"} {
		id := h.write(0, name+"0")
		for i := 1; i < 6; i++ {
			h.write(id, name+itoa(i))
		}
	}
	for range 200 {
		s.Deliver(t.Context())
		if waiting, _, _ := h.left(); waiting == 0 {
			break
		}
		h.advance(30 * time.Second)
	}
	for _, name := range []string{"x", "y"} {
		want := []string{name + "0", name + "1", name + "2", name + "3", name + "4", name + "5"}
		if !slices.Equal(taken[name], want) {
			t.Errorf("taken %q, want %q", taken[name], want)
		}
	}
}

// Whoever dies between sending and noting it sends again, with the id by which the receiver knows it.
func TestSender_RepeatsWhatItCantNote(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "a")
	r := receive(t, nil)
	h.write(0, "x")
	h.sender(forgetful{h.store}, "a", r.URL).Deliver(t.Context())
	again := h.sender(h.store, "a", r.URL)
	again.Deliver(t.Context())
	if len(r.texts()) != 1 {
		t.Fatalf("it came again while the first one may still have it: %d", len(r.texts()))
	}
	h.advance(time.Minute)
	again.Deliver(t.Context())
	if len(r.got) != 2 || r.got[0].id != r.got[1].id {
		t.Fatalf("got %+v", r.got)
	}
	if waiting, _, _ := h.left(); waiting != 0 {
		t.Fatalf("%d wait", waiting)
	}
}

func TestSender_HeedsWhatTheReceiverSays(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status  int
		header  string
		value   string
		dead    bool
		next    time.Duration
		because string
	}{
		"gone":                   {status: 410, dead: true, because: "410 Gone"},
		"retry after seconds":    {status: 429, header: "Retry-After", value: "120", next: 2 * time.Minute, because: "429 Too Many Requests"},
		"retry after a time":     {status: 503, header: "Retry-After", value: "Sat, 28 Nov 2026 10:00:00 GMT", next: time.Hour, because: "503 Service Unavailable"},
		"retry after too long":   {status: 503, header: "Retry-After", value: "99999999", next: 24 * time.Hour, because: "503"},
		"retry after nonsense":   {status: 503, header: "Retry-After", value: "soon", next: 5 * time.Second, because: "503"},
		"sooner than we would":   {status: 503, header: "Retry-After", value: "1", next: 5 * time.Second, because: "503"},
		"redirect":               {status: 307, header: "Location", value: "http://127.0.0.1/", next: 5 * time.Second, because: "307 Temporary Redirect: redirects are not followed"},
		"wrong request":          {status: 400, next: 5 * time.Second, because: "400 Bad Request"},
		"an answer of no status": {status: 299},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t, "a")
			r := receive(t, func(_ int, _ message, w http.ResponseWriter) {
				if tt.header != "" {
					w.Header().Set(tt.header, tt.value)
				}
				w.WriteHeader(tt.status)
			})
			s := h.sender(h.store, "a", r.URL)
			h.write(0, "x")
			s.Deliver(t.Context())
			waiting, dead, why := h.left()
			if (dead == 1) != tt.dead || !strings.HasPrefix(why, tt.because) {
				t.Fatalf("%d wait, %d are dead, %q", waiting, dead, why)
			}
			due, ok, err := h.store.NextJob(t.Context(), store.JobWebhook+"a")
			if err != nil || ok != (tt.next > 0) || ok && due.Sub(h.Now()) != tt.next {
				t.Fatalf("next try in %v (%t %v), want %v", due.Sub(h.Now()), ok, err, tt.next)
			}
		})
	}
}

func TestSender_SendsToNoPrivateAddress(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "a")
	r := receive(t, nil)
	s, err := webhook.New(webhook.Options{
		Outbox: h.store, Now: h.Now, Jitter: func() float64 { return 0 },
		Hooks: []webhook.Hook{{Name: "a", URL: r.URL, Key: []byte(key)}},
	})
	must(t, err)
	h.write(0, "x")
	s.Deliver(t.Context())
	waiting, _, why := h.left()
	if waiting != 1 || len(r.texts()) != 0 || !strings.Contains(why, "127.0.0.1 is no public address") {
		t.Fatalf("%d wait, %d came, %q", waiting, len(r.texts()), why)
	}
}

func TestSender_SlowReceiverHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "slow", "fast")
	free, taken := make(chan struct{}), make(chan struct{}, 8)
	slow := receive(t, func(int, message, http.ResponseWriter) { <-free })
	fast := receive(t, func(int, message, http.ResponseWriter) { taken <- struct{}{} })
	s := h.sender(h.store, "slow", slow.URL, "fast", fast.URL)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	<-s.Ready()
	for i := range 3 { // each is only written when the one before it has come
		h.write(0, itoa(i))
		s.Hint()
		<-taken
	}
	stop() // what is under way may end
	close(free)
	if err := <-ended; err != context.Canceled { //nolint:errorlint // it is returned as it is
		t.Fatal(err)
	}
	if got := fast.texts(); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Fatalf("got %q", got)
	}
	waiting, _, why := h.left()
	if len(slow.texts())+waiting != 3 || why != "" {
		t.Fatalf("%d wait, %q", waiting, why)
	}
}

// A stop cuts off what does not end by itself; it is due again at once.
func TestSender_StopCutsOff(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "a")
	arrived, free := make(chan struct{}), make(chan struct{})
	r := receive(t, func(int, message, http.ResponseWriter) { close(arrived); <-free })
	defer close(free)
	h.grace = time.Millisecond
	s := h.sender(h.store, "a", r.URL)
	h.write(0, "x")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	<-arrived
	stop()
	<-ended
	due, ok, err := h.store.NextJob(t.Context(), store.JobWebhook+"a")
	if _, _, why := h.left(); err != nil || !ok || due.After(h.Now()) || !strings.Contains(why, "the server stopped") {
		t.Fatal(due, ok, err, why)
	}
}

// A receiver that is down is asked with one message at a time, not with all that wait.
func TestSender_SparesAReceiverThatIsDown(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "a")
	var down atomic.Bool
	down.Store(true)
	r := receive(t, func(_ int, _ message, w http.ResponseWriter) {
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	s := h.sender(h.store, "a", r.URL)
	for i := range 100 {
		h.write(0, itoa(i))
	}
	s.Deliver(t.Context())
	first := len(r.texts())
	if first < 8 || first > 16 {
		t.Fatalf("%d tries at once", first)
	}
	for i := 1; i <= 5; i++ {
		h.advance(10 * time.Second)
		s.Deliver(t.Context())
		if n := len(r.texts()); n != first+i {
			t.Fatalf("%d tries more in round %d", n-first, i)
		}
	}
	down.Store(false)
	h.advance(time.Minute)
	s.Deliver(t.Context())
	if waiting, dead, _ := h.left(); waiting != 0 || dead != 0 {
		t.Fatalf("%d wait and %d are dead after it came back", waiting, dead)
	}
}

// A receiver that wants to draw on the screen of whoever lists its failures, or to fill the database, does neither.
func TestSender_KeepsAPlainReason(t *testing.T) {
	t.Parallel()
	h := openHouse(t, "a")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 1<<16))
		_, _ = conn.Write([]byte("HTTP/1.1 500 \x1b[31mred\x1b[2J\x07 " + strings.Repeat("A", 50_000) + "\r\nContent-Length: 0\r\n\r\n"))
		_ = conn.Close()
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	s := h.sender(h.store, "a", "http://"+l.Addr().String())
	h.write(0, "x")
	s.Deliver(t.Context())
	_, _, why := h.left()
	if !strings.HasPrefix(why, "500 [31mred [2J AAA") || len([]rune(why)) != 300 {
		t.Fatalf("the reason is %q", why[:min(len(why), 400)])
	}
}
