package pool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/peer"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

// zeros is randomness that is always the same.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// line is a transport whose health check answers as it is told.
type line struct {
	status atomic.Int64 // 0: an error
	asked  atomic.Int64
	closed atomic.Bool
	stale  atomic.Bool
}

func (l *line) Probe(context.Context, string) (int, error) {
	l.asked.Add(1)
	if s := l.status.Load(); s != 0 {
		return int(s), nil
	}
	return 0, errors.New("connection refused")
}

func (l *line) Stale() bool { return l.stale.Load() }

func (l *line) Close() { l.closed.Store(true) }

// bed is a pool with a clock that the test moves.
type bed struct {
	*pool.Pool
	t     *testing.T
	now   time.Time
	clock func() time.Time // nil: now
	lines map[string]*line
	mu    sync.Mutex // guards log
	log   []string
}

func declared(n int, change ...func(*config.Proxy)) *config.Proxy {
	d := &config.Proxy{
		Balance: config.TwoChoices, EjectAfter: 3, EjectFor: 10 * time.Second, Tries: 3, Budget: 20,
		Connect: 3 * time.Second, FirstByte: time.Minute, IdleStream: time.Minute,
	}
	for i := range n {
		address := fmt.Sprintf("127.0.0.1:%d", 4000+i)
		d.Upstreams = append(d.Upstreams, config.Upstream{URL: "http://" + address, Scheme: config.HTTP, Network: "tcp", Address: address, Host: address})
	}
	for _, c := range change {
		c(d)
	}
	return d
}

func open(t *testing.T, d *config.Proxy) *bed {
	t.Helper()
	b := &bed{t: t, now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), lines: map[string]*line{}}
	b.Pool = b.make(d, nil)
	return b
}

func (b *bed) make(d *config.Proxy, before *pool.Pool) *pool.Pool {
	b.t.Helper()
	p, err := pool.New(pool.Options{
		Route: "site.test /", Path: "/", Declared: d, Now: b.tell, Rand: zeros{}, Key: []byte("key"),
		Log: slog.New(slog.NewTextHandler(b, nil)), Before: before, Connect: b.connect,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *bed) tell() time.Time {
	if b.clock != nil {
		return b.clock()
	}
	return b.now
}

func (b *bed) connect(_ *config.Proxy, up config.Upstream) (pool.Transport, error) {
	l := &line{}
	l.status.Store(http.StatusOK)
	b.lines[up.URL] = l
	return l, nil
}

// Write keeps a line of the log.
func (b *bed) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = append(b.log, string(p))
	return len(p), nil
}

func request(addr string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://site.test/", http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r.WithContext(peer.With(r.Context(), &peer.Peer{Addr: netip.MustParseAddr(addr)}))
}

// take gets a lease, which must be there.
func (b *bed) take(r *http.Request, tried ...*pool.Upstream) pool.Lease {
	b.t.Helper()
	l, err := b.Take(r, tried)
	if err != nil {
		b.t.Fatalf("Take: %v", err)
	}
	return l
}

// one sends one request that ends as said, and returns the last digit of the upstream's port.
func (b *bed) one(blame pool.Blame) int {
	b.t.Helper()
	l := b.take(request("192.0.2.1"))
	at := index(l.Upstream())
	l.Done(outcome(blame))
	return at
}

func outcome(blame pool.Blame) pool.Outcome {
	if blame == pool.Nobody {
		return pool.Outcome{Took: time.Millisecond}
	}
	return pool.Outcome{Blame: blame, Cause: io.ErrUnexpectedEOF}
}

func index(u *pool.Upstream) int { return int(u.Name()[len(u.Name())-1] - '0') }

// fail sends requests to one upstream that it fails, as many as are needed to eject it.
func (b *bed) fail(at int) {
	b.t.Helper()
	for b.State()[at].Standing == pool.Well {
		var others []*pool.Upstream
		for {
			l := b.take(request("192.0.2.1"), others...)
			if index(l.Upstream()) == at {
				l.Done(outcome(pool.Up))
				break
			}
			others = append(others, l.Upstream())
			l.Done(pool.Outcome{Blame: pool.Edge})
		}
	}
}
