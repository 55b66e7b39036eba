package pool_test

import (
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

// keep opens a keeper whose transports are the bed's.
func keep(t *testing.T) (*bed, *pool.Keeper) {
	t.Helper()
	b := &bed{t: t, clock: time.Now, lines: map[string]*line{}}
	k, err := pool.NewKeeper(pool.KeeperOptions{Connect: b.connect, Now: time.Now, Rand: zeros{}, Log: slog.New(slog.NewTextHandler(b, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return b, k
}

// enter puts a declaration in force whose only route is /.
func enter(t *testing.T, k *pool.Keeper, d *config.Proxy) *pool.Pool {
	t.Helper()
	next := k.Next([]byte("key"))
	p, err := next.Pool("site.test /", "/", d)
	if err != nil {
		t.Fatal(err)
	}
	next.Prove(t.Context())
	next.Enter(10 * time.Second)
	return p
}

func TestKeeper_SameDeclarationIsTheSamePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, k := keep(t)
		first := enter(t, k, declared(2, asked))
		moved := declared(2, asked, func(d *config.Proxy) { // the same, some lines further down
			d.Pos, d.Health.Pos, d.Upstreams[1].Pos = roundtrip.Pos{Line: 7}, roundtrip.Pos{Line: 9}, roundtrip.Pos{Line: 8}
		})
		if again := enter(t, k, moved); again != first {
			t.Error("a reload that changed nothing made another pool")
		}
		if other := enter(t, k, declared(2, asked, func(d *config.Proxy) { d.Health.Path = "/other" })); other == first {
			t.Error("a reload that changed the health check kept the pool")
		}
	})
}

func TestKeeper_UpstreamThatStaysKeepsConnectionsAndHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := keep(t)
		b.Pool = enter(t, k, declared(2))
		b.fail(0)
		l := b.take(request("192.0.2.1"))
		stays := l.Upstream()
		b.Pool = enter(t, k, declared(3, func(d *config.Proxy) { d.Balance = config.RoundRobin }))
		if got := b.State(); got[0].Standing != pool.Ejected || got[1].Running != 1 || len(got) != 3 {
			t.Fatalf("after the reload: %+v", got)
		}
		l.Done(outcome(pool.Nobody)) // of the pool before
		if n := b.State()[1].Running; n != 0 {
			t.Errorf("%d requests run, want 0", n)
		}
		select {
		case <-stays.Leaving():
			t.Error("streams of an upstream that stays were told to go")
		default:
		}
		for url, line := range b.lines {
			if line.closed.Load() {
				t.Errorf("the connections of %s were closed", url)
			}
		}
	})
}

func TestKeeper_OtherWayToConnectIsAnotherUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := keep(t)
		b.Pool = enter(t, k, declared(1))
		l := b.take(request("192.0.2.1"))
		old := b.line(0)
		b.Pool = enter(t, k, declared(1, func(d *config.Proxy) { d.ServerName = "other.test" }))
		if b.line(0) == old {
			t.Fatal("the upstream kept connections that were made for another name")
		}
		l.Done(outcome(pool.Nobody))
		synctest.Wait()
		if !old.closed.Load() {
			t.Error("the old connections stay open")
		}
	})
}

func TestKeeper_RenewedCertificateIsAnotherUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := keep(t)
		first := enter(t, k, declared(1))
		b.Pool = first
		old := b.line(0)
		old.stale.Store(true)
		if b.Pool = enter(t, k, declared(1)); b.Pool == first || b.line(0) == old {
			t.Error("the pool goes on with a certificate that is not there any more")
		}
		synctest.Wait()
		if !old.closed.Load() {
			t.Error("the old connections stay open")
		}
	})
}

func TestKeeper_RemovedUpstreamMayFinish(t *testing.T) {
	for _, c := range []struct {
		name  string
		drain time.Duration // how long it takes until its connections are closed
		ends  bool          // the request ends by itself, after 3 s
	}{{"request ends", 3 * time.Second, true}, {"request does not end", 10 * time.Second, false}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, k := keep(t)
				b.Pool = enter(t, k, declared(1))
				l := b.take(request("192.0.2.1"))
				up, line := l.Upstream(), b.line(0)
				began := time.Now()
				next := k.Next(nil)
				next.Prove(t.Context())
				next.Enter(10 * time.Second)
				<-up.Leaving()
				if c.ends {
					time.Sleep(3 * time.Second)
					l.Done(outcome(pool.Nobody))
				}
				for !line.closed.Load() {
					time.Sleep(time.Millisecond)
				}
				if took := time.Since(began).Truncate(100 * time.Millisecond); took != c.drain {
					t.Errorf("closed after %v, want %v", took, c.drain)
				}
				l.Done(outcome(pool.Nobody))
			})
		})
	}
}

func TestKeeper_SwapWaitsForHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := keep(t)
		enter(t, k, declared(1))
		d := declared(2, asked)
		d.Upstreams = d.Upstreams[1:]
		next := k.Next(nil)
		p, err := next.Pool("site.test /", "/", d)
		if err != nil {
			t.Fatal(err)
		}
		line := b.lines[d.Upstreams[0].URL]
		line.status.Store(0) // it starts only
		proved := make(chan time.Duration)
		began := time.Now()
		go func() { next.Prove(t.Context()); proved <- time.Since(began) }()
		time.Sleep(300 * time.Millisecond) // one wrong answer: fails: 2
		line.status.Store(200)
		if took := <-proved; took < 300*time.Millisecond || took > time.Second {
			t.Errorf("the swap waited %v", took)
		}
		if s := p.State()[0].Standing; s != pool.Well {
			t.Errorf("the new upstream is %s", s)
		}
		next.Enter(0)
	})
}

func TestKeeper_SwapWaitsForHealthOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := keep(t)
		enter(t, k, declared(1))
		d := declared(2, asked)
		d.Upstreams = d.Upstreams[1:]
		next := k.Next(nil)
		if _, err := next.Pool("site.test /", "/", d); err != nil {
			t.Fatal(err)
		}
		b.lines[d.Upstreams[0].URL].status.Store(0)
		began := time.Now()
		next.Prove(t.Context())
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("the swap waited %v, want 5s", took)
		}
		if !strings.Contains(strings.Join(b.log, ""), "no upstream of a new route is well yet") {
			t.Errorf("the log does not warn: %q", b.log)
		}
		next.Enter(0)
	})
}

func TestKeeper_DroppedDeclarationChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := keep(t)
		b.Pool = enter(t, k, declared(1, asked))
		time.Sleep(time.Second)
		next := k.Next(nil)
		wrong, err := next.Pool("site.test /", "/", declared(2, func(d *config.Proxy) {
			asked(d)
			d.Health.Fails = 1
		}))
		if err != nil {
			t.Fatal(err)
		}
		next.Prove(t.Context())
		next.Drop()
		old, fresh := b.lines[wrong.State()[0].Upstream], b.lines[wrong.State()[1].Upstream]
		if old.closed.Load() || !fresh.closed.Load() {
			t.Errorf("closed: the one in force %v, the new one %v", old.closed.Load(), fresh.closed.Load())
		}
		if at := b.one(pool.Nobody); at != 0 {
			t.Errorf("upstream %d got the request", at)
		}
	})
}

// What health checks say counts where they are declared: not in the pool before, nor in the one after.
func TestKeeper_HealthBelongsToTheDeclaration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := keep(t)
		before := enter(t, k, declared(1))
		b.Pool = enter(t, k, declared(1, asked))
		b.line(0).status.Store(0)
		time.Sleep(time.Minute)
		b.want("unwell")
		after := enter(t, k, declared(1))
		for name, p := range map[string]*pool.Pool{"before": before, "after": after} {
			l, err := p.Take(request("192.0.2.1"), nil)
			if err != nil {
				t.Errorf("the pool %s: %v", name, err)
				continue
			}
			l.Done(outcome(pool.Nobody))
		}
		b.Pool = after
		b.want("well")
	})
}

// Many clients, reloads and an upstream that fails, at once: the race detector looks at it, and the counts must end at zero.
func TestKeeper_ReloadsUnderLoad(t *testing.T) {
	b, k := keep(t)
	var mu sync.RWMutex // guards current, as the gate's table would
	current := enter(t, k, declared(3, func(d *config.Proxy) { d.Concurrency = 4 }))
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(c)))
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.RLock()
				p := current
				mu.RUnlock()
				l, err := p.Take(request("192.0.2.1"), nil)
				if err != nil {
					t.Errorf("Take: %v", err)
					return
				}
				l.Done(outcome(pool.Blame(r.IntN(4))))
			}
		})
	}
	for i := range 50 {
		next := enter(t, k, declared(3+i%2, func(d *config.Proxy) { d.Concurrency, d.EjectAfter = 4, 2+i%3 }))
		mu.Lock()
		current = next
		mu.Unlock()
	}
	close(stop)
	clients.Wait()
	b.Pool = current
	for _, s := range b.State() {
		if s.Running != 0 {
			t.Errorf("%s: %d requests are counted as running after all have ended", s.Upstream, s.Running)
		}
	}
}

func TestKeeper_FarewellTellsStreamsToGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := keep(t)
		b.Pool = enter(t, k, declared(1))
		l := b.take(request("192.0.2.1"))
		k.Farewell()
		<-l.Upstream().Leaving()
		if b.line(0).closed.Load() {
			t.Error("a running request was cut")
		}
		l.Done(outcome(pool.Nobody))
		k.Close()
		if !b.line(0).closed.Load() {
			t.Error("the connections stay open")
		}
	})
}
