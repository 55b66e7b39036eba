package pool_test

import (
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

func TestEject_FaultsInARowTakeAnUpstreamOut(t *testing.T) {
	b := open(t, declared(2, func(d *config.Proxy) { d.Balance = config.RoundRobin }))
	for i, blame := range []pool.Blame{pool.Up, pool.Nobody, pool.Up, pool.Nobody, pool.Up, pool.Nobody} { // 0 fails, 1 does not
		if at := b.one(blame); at != i%2 {
			t.Fatalf("request %d went to upstream %d", i, at)
		}
	}
	if s := b.State()[0]; s.Standing != pool.Ejected || !s.Until.Equal(b.now.Add(10*time.Second)) || s.Error != "unexpected EOF" {
		t.Fatalf("after three faults in a row: %+v", s)
	}
	for range 10 {
		if at := b.one(pool.Nobody); at != 1 {
			t.Fatal("the ejected upstream got a request")
		}
	}
	if n := len(b.log); n != 1 || !strings.Contains(b.log[0], `msg="upstream ejected"`) || !strings.Contains(b.log[0], "cause=\"unexpected EOF\"") {
		t.Fatalf("the log should tell it once: %q", b.log)
	}
}

func TestEject_OnlyFaultsOfTheUpstreamCount(t *testing.T) {
	for _, c := range []struct {
		name     string
		outcomes []pool.Blame
		want     pool.Standing
	}{
		{"three faults in a row", []pool.Blame{pool.Up, pool.Up, pool.Up}, pool.Ejected},
		{"a good answer between", []pool.Blame{pool.Up, pool.Up, pool.Nobody, pool.Up, pool.Up}, pool.Well},
		{"clients that went away", []pool.Blame{pool.Client, pool.Client, pool.Client, pool.Client}, pool.Well},
		{"limits of ours", []pool.Blame{pool.Edge, pool.Edge, pool.Edge, pool.Edge}, pool.Well},
		{"a client that goes does not whitewash", []pool.Blame{pool.Up, pool.Client, pool.Up, pool.Edge, pool.Up}, pool.Ejected},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, declared(2))
			other := b.other(1)
			for _, blame := range c.outcomes {
				l := b.take(request("192.0.2.1"), other)
				l.Done(outcome(blame))
			}
			if s := b.State()[0]; s.Standing != c.want {
				t.Errorf("%v: upstream is %s, want %s", c.outcomes, s.Standing, c.want)
			}
		})
	}
}

func TestEject_AtMostHalfOfThePool(t *testing.T) {
	for n, want := range map[int]int{1: 0, 2: 1, 3: 2, 4: 2, 5: 3} {
		b := open(t, declared(n))
		for range 100 {
			b.one(pool.Up)
		}
		out := 0
		for _, s := range b.State() {
			if s.Standing == pool.Ejected {
				out++
			}
		}
		if out != want {
			t.Errorf("of %d upstreams that all fail %d are ejected, want %d", n, out, want)
		}
	}
}

func TestEject_NeverWithZeroFails(t *testing.T) {
	b := open(t, declared(2, func(d *config.Proxy) { d.EjectAfter = 0 }))
	for range 100 {
		b.one(pool.Up)
	}
	for _, s := range b.State() {
		if s.Standing != pool.Well {
			t.Errorf("%+v", s)
		}
	}
}

func TestEject_OneRequestDecidesWhenTheTimeIsOver(t *testing.T) {
	b := open(t, declared(2))
	b.fail(0)
	b.now = b.now.Add(10*time.Second - 1)
	if at := b.one(pool.Nobody); at != 1 {
		t.Fatal("the upstream was tried before its time was over")
	}
	b.now = b.now.Add(1)
	trial := b.take(request("192.0.2.1"))
	if index(trial.Upstream()) != 0 {
		t.Fatal("the next request should try the upstream whose time is over")
	}
	for range 10 {
		if at := b.one(pool.Nobody); at != 1 {
			t.Fatal("a second request went to the upstream while one tries it")
		}
	}
	trial.Done(outcome(pool.Nobody))
	if s := b.State()[0]; s.Standing != pool.Well || !s.Since.Equal(b.now) {
		t.Fatalf("after a good trial: %+v", s)
	}
	if last := b.log[len(b.log)-1]; !strings.Contains(last, "upstream well again") {
		t.Errorf("the log: %q", b.log)
	}
}

func TestEject_AnUndecidedTrialIsRepeated(t *testing.T) {
	b := open(t, declared(2))
	b.fail(0)
	b.now = b.now.Add(10 * time.Second)
	for range 3 {
		if at := b.one(pool.Client); at != 0 {
			t.Fatal("the client of the trial went away: the next request should try again")
		}
	}
}

func TestEject_EachTimeTwiceAsLongUpToTenfold(t *testing.T) {
	b := open(t, declared(2))
	b.fail(0)
	for i, seconds := range []int{10, 20, 40, 80, 100, 100} {
		want := time.Duration(seconds) * time.Second
		s := b.State()[0]
		if got := s.Until.Sub(b.now); got != want {
			t.Fatalf("ejection %d lasts %v, want %v", i+1, got, want)
		}
		b.now = s.Until
		b.one(pool.Up) // the trial fails
	}
	b.now = b.State()[0].Until
	b.one(pool.Nobody)
	b.now = b.now.Add(100 * time.Second)
	b.fail(0)
	if got := b.State()[0].Until.Sub(b.now); got != 100*time.Second {
		t.Errorf("an upstream that fails again soon is out for %v, want 100s", got)
	}
	b.now = b.State()[0].Until
	b.one(pool.Nobody)
	b.now = b.now.Add(101 * time.Second)
	b.fail(0)
	if got := b.State()[0].Until.Sub(b.now); got != 10*time.Second {
		t.Errorf("one that was well for long is out for %v, want 10s", got)
	}
}

func TestEject_LateAnswersChangeNothing(t *testing.T) {
	b := open(t, declared(2))
	other := b.other(1)
	early := b.take(request("192.0.2.1"), other)
	late := b.take(request("192.0.2.1"), other)
	b.fail(0)
	until := b.State()[0].Until
	early.Done(outcome(pool.Nobody)) // it was sent before the upstream went out
	late.Done(outcome(pool.Up))
	if s := b.State()[0]; s.Standing != pool.Ejected || !s.Until.Equal(until) {
		t.Errorf("requests from before the ejection changed it: %+v", s)
	}
}

func TestEject_TriedRatherThanNone(t *testing.T) {
	b := open(t, declared(2))
	b.fail(0)
	other := b.other(1)
	l := b.take(request("192.0.2.1"), other) // 1 failed this request, 0 is ejected: the one that is well again
	if l.Upstream() != other {
		t.Fatal("an ejected upstream was preferred to one that is well")
	}
	l.Done(outcome(pool.Nobody))
}

func TestSlowStart_ShareGrowsInAStraightLine(t *testing.T) {
	for _, balance := range []config.Balance{config.TwoChoices, config.LeastRequests, config.RoundRobin} {
		t.Run(string(balance), func(t *testing.T) {
			b := open(t, declared(2, func(d *config.Proxy) { d.Balance, d.SlowStart = balance, 100*time.Second }))
			b.fail(0)
			b.now = b.now.Add(10 * time.Second)
			b.one(pool.Nobody)
			for _, c := range []struct {
				at       time.Duration
				min, max int // of 1,000
			}{{time.Second, 10, 40}, {25 * time.Second, 95, 155}, {50 * time.Second, 215, 285}, {100 * time.Second, 450, 550}} {
				b.now = b.State()[0].Since.Add(c.at)
				got := 0
				for range 1000 {
					if b.one(pool.Nobody) == 0 {
						got++
					}
				}
				if got < c.min || got > c.max {
					t.Errorf("%v after its return it gets %d of 1000 requests, want %d to %d", c.at, got, c.min, c.max)
				}
			}
		})
	}
}

// other finds the upstream with a number.
func (b *bed) other(at int) *pool.Upstream {
	b.t.Helper()
	var tried []*pool.Upstream
	for {
		l := b.take(request("192.0.2.1"), tried...)
		u := l.Upstream()
		l.Done(pool.Outcome{Blame: pool.Edge})
		if index(u) == at {
			return u
		}
		tried = append(tried, u)
	}
}

func TestRetry_IsBoundedToAShareOfRequests(t *testing.T) {
	b := open(t, declared(2))
	count := func(requests int) (allowed int) {
		for range requests {
			b.one(pool.Nobody)
			if b.Retry() {
				allowed++
			}
		}
		return allowed
	}
	if got := count(1000); got != 203 { // 20 %, and the three of the first second
		t.Errorf("1000 requests within one moment may retry %d times, want 203", got)
	}
	b.now = b.now.Add(time.Second)
	if got := count(1); got != 1 {
		t.Error("a second later there is no retry left")
	}
	b.now = b.now.Add(24 * time.Hour)
	got := 0
	for b.Retry() {
		got++
	}
	if got != 50 {
		t.Errorf("after a quiet day %d retries were saved up, want 50", got)
	}
}

func TestRetry_ZeroBudgetMeansNone(t *testing.T) {
	b := open(t, declared(2, func(d *config.Proxy) { d.Budget = 0 }))
	b.one(pool.Nobody)
	if b.Retry() {
		t.Error("a retry was allowed with retry.budget: 0")
	}
}
