package pool_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/peer"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

func TestTake_BalancesAsDeclared(t *testing.T) {
	for _, c := range []struct {
		balance  config.Balance
		min, max int // requests of 3,000 that each of three upstreams may get, one at a time
	}{
		{config.TwoChoices, 900, 1100},
		{config.LeastRequests, 1000, 1000},
		{config.RoundRobin, 1000, 1000},
	} {
		t.Run(string(c.balance), func(t *testing.T) {
			b := open(t, declared(3, func(d *config.Proxy) { d.Balance = c.balance }))
			var got [3]int
			for range 3000 {
				got[b.one(pool.Nobody)]++
			}
			for i, n := range got {
				if n < c.min || n > c.max {
					t.Errorf("upstream %d got %d of 3000 requests, want %d to %d: %v", i, n, c.min, c.max, got)
				}
			}
		})
	}
}

func TestTake_AvoidsTheBusyOnes(t *testing.T) {
	for _, balance := range []config.Balance{config.TwoChoices, config.LeastRequests} {
		t.Run(string(balance), func(t *testing.T) {
			b := open(t, declared(2, func(d *config.Proxy) { d.Balance = balance }))
			slow := b.take(request("192.0.2.1"))
			for range 100 { // with two upstreams both choices are always looked at
				l := b.take(request("192.0.2.1"))
				if l.Upstream() == slow.Upstream() {
					t.Fatal("the busy upstream got a request although the other had none")
				}
				l.Done(outcome(pool.Nobody))
			}
			slow.Done(outcome(pool.Nobody))
		})
	}
}

func TestTake_HashKeepsRequestsTogether(t *testing.T) {
	header := func(i int) *http.Request { return request("192.0.2.1", "X-Room", fmt.Sprint(i)) }
	cookie := func(i int) *http.Request { return request("192.0.2.1", "Cookie", fmt.Sprintf("a=b; room=%d; c=d", i)) }
	client := func(i int) *http.Request { return request(fmt.Sprintf("198.51.%d.%d", i/256, i%256)) }
	ip6 := func(i int) *http.Request { return request(fmt.Sprintf("2001:db8:0:%x::%x", i, i*7+1)) }
	for _, c := range []struct {
		name    string
		balance config.Balance
		key     string
		request func(i int) *http.Request
	}{
		{"header", config.HashHeader, "X-Room", header},
		{"cookie", config.HashCookie, "room", cookie},
		{"client", config.HashClient, "", client},
		{"client of IPv6", config.HashClient, "", ip6},
		{"header that is missing: the address", config.HashHeader, "X-Other", client},
		{"cookie that is missing: the address", config.HashCookie, "other", client},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, declared(4, func(d *config.Proxy) { d.Balance, d.Key = c.balance, c.key }))
			where := func(i int) int {
				l := b.take(c.request(i))
				defer l.Done(outcome(pool.Nobody))
				return index(l.Upstream())
			}
			var share [4]int
			first := map[int]int{}
			for i := range 1000 {
				first[i] = where(i)
				share[first[i]]++
			}
			for i, n := range share {
				if n < 180 || n > 320 {
					t.Errorf("upstream %d has %d of 1000 keys: %v", i, n, share)
				}
			}
			b.fail(2)
			for i := range 1000 {
				now := where(i)
				if first[i] != 2 && now != first[i] {
					t.Fatalf("key %d moved from %d to %d although only 2 went out", i, first[i], now)
				}
				if first[i] == 2 && now == 2 {
					t.Fatalf("key %d stayed with the ejected upstream", i)
				}
			}
		})
	}
}

func TestTake_HashTakesOneHousehold(t *testing.T) {
	b := open(t, declared(8, func(d *config.Proxy) { d.Balance = config.HashClient }))
	want := -1
	for i := range 50 {
		l := b.take(request(fmt.Sprintf("2001:db8:1:2:%x::1", i)))
		if at := index(l.Upstream()); want < 0 {
			want = at
		} else if at != want {
			t.Fatalf("two addresses of one /64 went to upstreams %d and %d", want, at)
		}
		l.Done(outcome(pool.Nobody))
	}
}

func TestTake_StickyVisitorStays(t *testing.T) {
	b := open(t, declared(3, func(d *config.Proxy) { d.Sticky, d.Balance = true, config.RoundRobin }))
	first := b.take(request("192.0.2.1"))
	stays := first.Upstream()
	line := first.Cookie()
	if !strings.HasPrefix(line, "rt_upstream=") || !strings.HasSuffix(line, "; Path=/; HttpOnly; SameSite=Lax") {
		t.Fatalf("Set-Cookie: %q", line)
	}
	if strings.Contains(line, "400") || strings.Contains(line, "127") {
		t.Fatalf("the cookie tells the address: %q", line)
	}
	first.Done(outcome(pool.Nobody))
	pair, _, _ := strings.Cut(line, ";")
	for _, sent := range []string{pair, "x=y; " + pair, "rt_upstream=of-another-route; " + pair} {
		for range 5 {
			l := b.take(request("192.0.2.1", "Cookie", sent))
			if l.Upstream() != stays {
				t.Fatalf("a visitor with %q moved to %s", sent, l.Upstream().Name())
			}
			if l.Cookie() != "" {
				t.Fatalf("a visitor with %q got another cookie: %s", sent, l.Cookie())
			}
			l.Done(outcome(pool.Nobody))
		}
	}
}

func TestTake_StickyVisitorOfADeadUpstreamMovesOn(t *testing.T) {
	b := open(t, declared(2, func(d *config.Proxy) { d.Sticky = true }))
	first := b.take(request("192.0.2.1"))
	pair, _, _ := strings.Cut(first.Cookie(), ";")
	dead := first.Upstream()
	first.Done(outcome(pool.Nobody))
	b.fail(index(dead))
	l := b.take(request("192.0.2.1", "Cookie", pair))
	if l.Upstream() == dead {
		t.Fatal("the visitor was sent to an ejected upstream although another is well")
	}
	if next, _, _ := strings.Cut(l.Cookie(), ";"); next == "" || next == pair {
		t.Fatalf("the visitor who moved got no cookie of the new upstream: %q", l.Cookie())
	}
	l.Done(outcome(pool.Nobody))
}

func TestTake_StickyCookieIsSecureOverHTTPS(t *testing.T) {
	b := open(t, declared(2, func(d *config.Proxy) { d.Sticky = true }))
	r := request("192.0.2.1")
	r = r.WithContext(peer.With(r.Context(), &peer.Peer{Secure: true}))
	l := b.take(r)
	if !strings.HasSuffix(l.Cookie(), "; Secure") {
		t.Fatalf("Set-Cookie: %q", l.Cookie())
	}
	l.Done(outcome(pool.Nobody))
}

func TestTake_GoesElsewhereAfterATry(t *testing.T) {
	b := open(t, declared(2))
	for range 20 {
		first := b.take(request("192.0.2.1"))
		second := b.take(request("192.0.2.1"), first.Upstream())
		if first.Upstream() == second.Upstream() {
			t.Fatal("the second try went to the upstream of the first, although there is another")
		}
		third := b.take(request("192.0.2.1"), first.Upstream(), second.Upstream())
		third.Done(outcome(pool.Nobody)) // all were tried: one of them again
		second.Done(outcome(pool.Nobody))
		first.Done(outcome(pool.Nobody))
	}
}

func TestLease_SecondDoneDoesNothing(t *testing.T) {
	b := open(t, declared(1))
	l := b.take(request("192.0.2.1"))
	l.Done(outcome(pool.Nobody))
	l.Done(outcome(pool.Nobody))
	if n := b.State()[0].Running; n != 0 {
		t.Fatalf("%d requests are counted as running, want 0", n)
	}
}

func BenchmarkTake(b *testing.B) {
	for _, balance := range []config.Balance{config.TwoChoices, config.LeastRequests, config.RoundRobin, config.HashClient} {
		b.Run(strings.ReplaceAll(string(balance), " ", "-"), func(b *testing.B) {
			p := open(&testing.T{}, declared(4, func(d *config.Proxy) { d.Balance, d.Sticky = balance, true }))
			r := request("192.0.2.1", "Cookie", "session=0123456789abcdef; theme=dark")
			b.ReportAllocs()
			for b.Loop() {
				l, err := p.Take(r, nil)
				if err != nil {
					b.Fatal(err)
				}
				l.Done(pool.Outcome{})
			}
		})
	}
}

func TestTake_AllocatesNothing(t *testing.T) {
	b := open(t, declared(4, func(d *config.Proxy) { d.Sticky = true }))
	r := request("192.0.2.1", "Cookie", "session=0123456789abcdef; theme=dark")
	if n := testing.AllocsPerRun(1000, func() { l, _ := b.Take(r, nil); l.Done(pool.Outcome{}) }); n != 0 {
		t.Errorf("Take and Done allocate %v times, want 0", n)
	}
}
