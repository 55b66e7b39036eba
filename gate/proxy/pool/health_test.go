package pool_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

func asked(d *config.Proxy) {
	d.Health = &config.Health{Path: "/healthz", Every: 5 * time.Second, Timeout: 2 * time.Second, Fails: 2, Passes: 2}
}

// watch opens a pool whose clock is the bubble's, and runs its health checks until the test ends.
func watch(t *testing.T, d *config.Proxy) *bed {
	t.Helper()
	b := open(t, d)
	b.clock = time.Now
	b.Pool = b.make(d, nil)
	b.run(b.Pool)
	return b
}

func (b *bed) run(p *pool.Pool) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.Run(ctx); !errors.Is(err, context.Canceled) {
			b.t.Errorf("Run: %v", err)
		}
	}()
	b.t.Cleanup(func() { cancel(); <-done })
}

func (b *bed) line(at int) *line { return b.lines[b.State()[at].Upstream] }

func (b *bed) standings() string {
	var words []string
	for _, s := range b.State() {
		words = append(words, string(s.Standing))
	}
	return strings.Join(words, " ")
}

func (b *bed) want(standings string) {
	b.t.Helper()
	synctest.Wait()
	if got := b.standings(); got != standings {
		b.t.Fatalf("the upstreams are %s, want %s\n%s", got, standings, b.log)
	}
}

func TestHealth_FirstAnswerProves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := watch(t, declared(2, asked))
		b.want("unproven unproven")
		b.one(pool.Nobody) // they get requests while there is nothing better
		select {
		case <-b.Proven():
			t.Fatal("proven before anybody was asked")
		default:
		}
		b.line(1).status.Store(0)
		time.Sleep(time.Second)
		b.want("well unwell")
		<-b.Proven()
		for range 20 {
			if b.one(pool.Nobody) != 0 {
				t.Fatal("a request went to the upstream that is unwell")
			}
		}
	})
}

func TestHealth_SoManyAnswersInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := watch(t, declared(2, asked))
		time.Sleep(time.Second)
		b.want("well well")
		b.line(0).status.Store(http.StatusInternalServerError)
		time.Sleep(5500 * time.Millisecond)
		b.want("well well") // one wrong answer is an accident
		time.Sleep(5500 * time.Millisecond)
		b.want("unwell well")
		if s := b.State()[0]; s.Error != "GET /healthz was answered with 500" {
			t.Errorf("%+v", s)
		}
		b.line(0).status.Store(http.StatusNoContent)
		time.Sleep(5500 * time.Millisecond)
		b.want("unwell well") // passes: 2
		time.Sleep(5500 * time.Millisecond)
		b.want("well well")
		if n := len(b.log); n != 2 || !strings.Contains(b.log[0], `msg="upstream unwell"`) || !strings.Contains(b.log[1], `msg="upstream well again"`) {
			t.Errorf("the log should tell each change once: %q", b.log)
		}
	})
}

func TestHealth_OnlyDeclaredStatusesAreRight(t *testing.T) {
	for _, c := range []struct {
		name   string
		status []int
		answer int64
		want   string
	}{
		{"2xx", nil, 204, "well"},
		{"redirect", nil, 302, "unwell"},
		{"declared", []int{302, 401}, 401, "well"},
		{"not declared", []int{302, 401}, 200, "unwell"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := watch(t, declared(1, asked, func(d *config.Proxy) { d.Health.Status = c.status }))
				b.line(0).status.Store(c.answer)
				time.Sleep(time.Second)
				b.want(c.want)
			})
		})
	}
}

func TestHealth_AllUnwellIsSaidAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := watch(t, declared(2, asked))
		b.line(0).status.Store(0)
		b.line(1).status.Store(0)
		time.Sleep(time.Second)
		b.want("unwell unwell")
		_, err := b.Take(request("192.0.2.1"), nil)
		e := roundtrip.AsError(err)
		if e.Reason != "proxy.no_upstream" || e.Kind != roundtrip.Unavailable || e.Retry != 5*time.Second {
			t.Fatalf("Take: %+v", e)
		}
		if strings.Contains(e.Public, "127.0.0.1") || !strings.Contains(e.Error(), "127.0.0.1:4001: GET /healthz: connection refused") {
			t.Errorf("the address belongs into the journey alone: %q, %q", e.Public, e.Error())
		}
		b.line(0).status.Store(200)
		time.Sleep(11 * time.Second)
		if at := b.one(pool.Nobody); at != 0 {
			t.Fatalf("upstream %d got the request", at)
		}
	})
}

func TestHealth_EjectedIsAskedRatherThanNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := watch(t, declared(2, asked))
		time.Sleep(time.Second)
		b.line(1).status.Store(0)
		b.fail(0)
		time.Sleep(9 * time.Second)
		for b.State()[1].Standing != pool.Unwell {
			time.Sleep(time.Millisecond)
		}
		b.want("ejected unwell")
		if at := b.one(pool.Up); at != 0 {
			t.Fatal("the request went to the upstream that is unwell")
		}
		b.want("ejected unwell")
		b.one(pool.Nobody) // a good answer brings it back before its time
		b.want("well unwell")
	})
}

func TestTake_WaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := watch(t, declared(2, func(d *config.Proxy) { d.Concurrency = 1 }))
		first, second := b.take(request("192.0.2.1")), b.take(request("192.0.2.1"))
		if first.Upstream() == second.Upstream() {
			t.Fatal("two requests at one upstream with concurrency: 1")
		}
		freed := second.Upstream()
		got := make(chan pool.Lease)
		go func() { got <- b.take(request("192.0.2.1")) }()
		synctest.Wait()
		time.Sleep(500 * time.Millisecond)
		second.Done(outcome(pool.Nobody))
		third := <-got
		if third.Upstream() != freed {
			t.Errorf("the waiting request got %s", third.Upstream().Name())
		}
		third.Done(outcome(pool.Nobody))
		first.Done(outcome(pool.Nobody))
	})
}

func TestTake_WaitIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := watch(t, declared(1, func(d *config.Proxy) { d.Concurrency = 2 }))
		first, second := b.take(request("192.0.2.1")), b.take(request("192.0.2.1"))
		refused := make(chan time.Duration, 3)
		began := time.Now()
		for range 3 { // two may wait, the third is told at once
			go func() {
				_, err := b.Take(request("192.0.2.1"), nil)
				if e := roundtrip.AsError(err); e.Reason != "proxy.busy" || e.Retry != time.Second || e.HTTPStatus() != 503 {
					t.Errorf("Take: %+v", e)
				}
				refused <- time.Since(began)
			}()
		}
		for _, want := range []time.Duration{0, time.Second, time.Second} {
			if got := <-refused; got != want {
				t.Errorf("refused after %v, want %v", got, want)
			}
		}
		first.Done(outcome(pool.Nobody))
		second.Done(outcome(pool.Nobody))
		l := b.take(request("192.0.2.1")) // nobody is left in the queue
		l.Done(outcome(pool.Nobody))
	})
}

func TestTake_ClientThatLeavesGivesItsTurnOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := watch(t, declared(1, func(d *config.Proxy) { d.Concurrency = 2 }))
		first, second := b.take(request("192.0.2.1")), b.take(request("192.0.2.1"))
		r := request("192.0.2.1")
		ctx, leave := context.WithCancel(r.Context())
		gone := make(chan error)
		go func() {
			_, err := b.Take(r.WithContext(ctx), nil)
			gone <- err
		}()
		synctest.Wait()
		served := make(chan pool.Lease)
		go func() { served <- b.take(request("192.0.2.1")) }()
		synctest.Wait()
		leave()
		if err := <-gone; roundtrip.AsError(err).Reason != "client.aborted" {
			t.Errorf("Take: %v", err)
		}
		first.Done(outcome(pool.Nobody))
		l := <-served
		l.Done(outcome(pool.Nobody))
		second.Done(outcome(pool.Nobody))
	})
}

func TestTake_StickyVisitorWaitsForItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := watch(t, declared(2, func(d *config.Proxy) { d.Concurrency, d.Sticky = 1, true }))
		first := b.take(request("192.0.2.1"))
		mine := first.Upstream()
		pair, _, _ := strings.Cut(first.Cookie(), ";")
		got := make(chan pool.Lease)
		go func() { got <- b.take(request("192.0.2.1", "Cookie", pair)) }()
		synctest.Wait()
		first.Done(outcome(pool.Nobody))
		l := <-got
		if l.Upstream() != mine {
			t.Error("the visitor was sent to another upstream, which knows nothing of it")
		}
		l.Done(outcome(pool.Nobody))
	})
}

func TestTake_StickyVisitorHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := watch(t, declared(2, func(d *config.Proxy) { d.Concurrency, d.Sticky = 1, true }))
		first, second := b.take(request("192.0.2.1")), b.take(request("192.0.2.1"))
		pair, _, _ := strings.Cut(first.Cookie(), ";")
		bound, free := make(chan pool.Lease, 1), make(chan pool.Lease, 1)
		go func() { bound <- b.take(request("192.0.2.1", "Cookie", pair)) }()
		synctest.Wait()
		go func() { free <- b.take(request("192.0.2.1")) }()
		synctest.Wait()
		second.Done(outcome(pool.Nobody))
		synctest.Wait()
		if len(free) != 1 || len(bound) != 0 {
			t.Fatalf("the visitor who is bound has %d, who is not has %d of the place that came free", len(bound), len(free))
		}
		first.Done(outcome(pool.Nobody))
		l := <-bound
		l.Done(outcome(pool.Nobody))
		l = <-free
		l.Done(outcome(pool.Nobody))
	})
}
