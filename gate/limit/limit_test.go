package limit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/limit"
)

// clock is a time that moves when it is told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func buckets(t testing.TB, o limit.Options) (*limit.Buckets, *clock) {
	t.Helper()
	c := &clock{now: time.Unix(1_800_000_000, 0)}
	o.Now = c.Now
	b, err := limit.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}

func rate(count int, per time.Duration, burst int, key config.RateKey) config.Rate {
	return config.Rate{Count: count, Per: per, Burst: burst, Key: key}
}

func get(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// passed counts how many of n requests pass.
func passed(b *limit.Buckets, rates []*limit.Rate, r *http.Request, client netip.Addr, n int) int {
	count := 0
	for range n {
		if !b.Take(rates, r, client).Refused {
			count++
		}
	}
	return count
}

func TestBuckets_TakeTheBurstThenTheRate(t *testing.T) {
	t.Parallel()
	b, c := buckets(t, limit.Options{})
	rates := limit.Rates("a.test", []config.Rate{rate(10, time.Second, 5, config.PerClient)})
	one := addr("192.0.2.1")
	for i, want := range []limit.Verdict{{Left: 4, Full: 100 * time.Millisecond}, {Left: 3, Full: 200 * time.Millisecond}} {
		if v := b.Take(rates, get(), one); v.Refused || v.Left != want.Left || v.Full != want.Full || v.Rate != rates[0] {
			t.Errorf("request %d: %+v", i, v)
		}
	}
	if n := passed(b, rates, get(), one, 10); n != 3 {
		t.Errorf("%d more passed, want 3", n)
	}
	v := b.Take(rates, get(), one)
	if !v.Refused || v.Retry != 100*time.Millisecond || v.Full != 500*time.Millisecond || v.Left != 0 {
		t.Errorf("over the burst: %+v", v)
	}
	c.add(v.Retry - 1)
	if !b.Take(rates, get(), one).Refused {
		t.Error("it passed before its time")
	}
	c.add(1)
	if b.Take(rates, get(), one).Refused {
		t.Error("it did not pass when it was told to come back")
	}
	total := 0
	for range 1000 { // ten seconds
		c.add(10 * time.Millisecond)
		total += passed(b, rates, get(), one, 2)
	}
	if total != 100 {
		t.Errorf("%d passed in ten seconds, want 100", total)
	}
	c.add(time.Hour)
	if n := passed(b, rates, get(), one, 20); n != 5 {
		t.Errorf("after an hour of rest %d passed, want the burst of 5", n)
	}
}

func TestBuckets_CountByTheirKey(t *testing.T) {
	t.Parallel()
	account := func(r *http.Request) int64 {
		if r.Header.Get("Cookie") == "" {
			return 0
		}
		return int64(len(r.Header.Get("Cookie")))
	}
	v4, other := addr("192.0.2.1"), addr("192.0.2.2")
	v6, same, next := addr("2001:db8:0:1::1"), addr("2001:db8:0:1:ffff::2"), addr("2001:db8:0:2::1")
	key := config.Rate{Count: 1, Per: time.Hour, Burst: 1, Key: config.PerHeader, Header: "X-Api-Key"}
	for _, q := range []struct {
		name          string
		rate          config.Rate
		first, second *http.Request
		a, b          netip.Addr
		together      bool
	}{
		{"one address", rate(1, time.Hour, 1, config.PerClient), get(), get(), v4, v4, true},
		{"two addresses", rate(1, time.Hour, 1, config.PerClient), get(), get(), v4, other, false},
		{"IPv4 in IPv6", rate(1, time.Hour, 1, config.PerClient), get(), get(), v4, addr("::ffff:192.0.2.1"), true},
		{"one /64", rate(1, time.Hour, 1, config.PerClient), get(), get(), v6, same, true},
		{"two /64", rate(1, time.Hour, 1, config.PerClient), get(), get(), v6, next, false},
		{"one account", rate(1, time.Hour, 1, config.PerAccount), get("Cookie", "a"), get("Cookie", "b"), v4, other, true},
		{"two accounts", rate(1, time.Hour, 1, config.PerAccount), get("Cookie", "a"), get("Cookie", "aa"), v4, v4, false},
		{"a stranger and an account", rate(1, time.Hour, 1, config.PerAccount), get(), get("Cookie", "a"), v4, v4, false},
		{"two strangers", rate(1, time.Hour, 1, config.PerAccount), get(), get(), v4, other, false},
		{"one key", key, get("X-Api-Key", "a"), get("X-Api-Key", "a"), v4, other, true},
		{"two keys", key, get("X-Api-Key", "a"), get("X-Api-Key", "b"), v4, v4, false},
		{"a key and none", key, get("X-Api-Key", "a"), get(), v4, v4, false},
		{"no keys", key, get(), get(), v4, v4, true},
		{"a whole site", rate(1, time.Hour, 1, config.PerSite), get(), get(), v4, v6, true},
	} {
		b, _ := buckets(t, limit.Options{Account: account})
		rates := limit.Rates("a.test", []config.Rate{q.rate})
		if b.Take(rates, q.first, q.a).Refused || b.Take(rates, q.second, q.b).Refused != q.together {
			t.Errorf("%s: counted together is not %v", q.name, q.together)
		}
	}
}

func TestBuckets_WhatIsRefusedCostsTheOtherRatesNothing(t *testing.T) {
	t.Parallel()
	b, _ := buckets(t, limit.Options{})
	rates := limit.Rates("a.test", []config.Rate{rate(100, time.Hour, 100, config.PerSite), rate(5, time.Hour, 5, config.PerClient), rate(50, time.Minute, 50, config.PerClient)})
	if n := passed(b, rates, get(), addr("192.0.2.1"), 1000); n != 5 {
		t.Errorf("%d passed, want 5", n)
	}
	v := b.Take(rates, get(), addr("192.0.2.2"))
	if v.Refused || v.Rate.Name != "5/h per client" || v.Left != 4 {
		t.Errorf("another client: %+v", v)
	}
	if n := passed(b, rates[2:], get(), addr("192.0.2.3"), 1000); n != 94 { // the rate of the site comes last
		t.Errorf("the site has %d left, want 94", n)
	}
}

func TestBuckets_OutliveADeclaration(t *testing.T) {
	t.Parallel()
	b, _ := buckets(t, limit.Options{})
	declared := []config.Rate{rate(5, time.Hour, 5, config.PerClient)}
	one := addr("192.0.2.1")
	passed(b, limit.Rates("a.test", declared), get(), one, 3)
	for name, q := range map[string]struct {
		place string
		rate  config.Rate
		left  int
	}{
		"the same":        {"a.test", declared[0], 2},
		"another site":    {"b.test", declared[0], 5},
		"another burst":   {"a.test", rate(5, time.Hour, 6, config.PerClient), 6},
		"another rate":    {"a.test", rate(6, time.Hour, 5, config.PerClient), 5},
		"another key":     {"a.test", rate(5, time.Hour, 5, config.PerSite), 5},
		"the longest one": {"a.test", rate(1, 24*time.Hour, 1_000_000, config.PerClient), 10},
	} {
		if n := passed(b, limit.Rates(q.place, []config.Rate{q.rate}), get(), one, 10); n != q.left {
			t.Errorf("%s: %d left, want %d", name, n, q.left)
		}
	}
}

// A flood of addresses must neither push out the bucket of somebody who is over the limit, nor let newcomers pass freely.
// The table is made once, so it takes no more memory either.
func TestBuckets_AFloodForgivesNobody(t *testing.T) {
	t.Parallel()
	b, c := buckets(t, limit.Options{Size: 1024})
	rates := limit.Rates("a.test", []config.Rate{rate(10, time.Hour, 10, config.PerClient)})
	one := addr("192.0.2.1")
	passed(b, rates, get(), one, 10)
	through, r := 0, get()
	for i := range 200_000 {
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if !b.Take(rates, r, ip).Refused {
			through++
		}
	}
	if through > 1024+10 {
		t.Errorf("%d newcomers passed, with 1024 buckets", through)
	}
	if !b.Take(rates, get(), one).Refused {
		t.Error("the flood has freed who was over the limit")
	}
	c.add(time.Hour) // all is forgiven, and there is room again
	if n := passed(b, rates, get(), addr("198.51.100.1"), 20); n != 10 {
		t.Errorf("afterwards %d passed, want 10", n)
	}
}

func TestBuckets_CountRightUnderLoad(t *testing.T) {
	t.Parallel()
	b, _ := buckets(t, limit.Options{Size: 64})
	rates := limit.Rates("a.test", []config.Rate{rate(1000, time.Hour, 1000, config.PerSite), rate(600, time.Hour, 600, config.PerClient)})
	counts := make([]int, 8)
	var group sync.WaitGroup
	for i := range counts {
		group.Go(func() { counts[i] = passed(b, rates, get(), netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 2)}), 500) })
	}
	group.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	if total > 1000 || total < 990 { // a token that is given back may come too late for one request
		t.Errorf("%d passed, want 1000", total)
	}
}

func TestRates_WriteTheirFields(t *testing.T) {
	t.Parallel()
	rates := limit.Rates("a.test", []config.Rate{
		rate(5000, time.Second, 10_000, config.PerSite), rate(50, time.Second, 100, config.PerClient),
		{Count: 10, Per: 10 * time.Minute, Burst: 3, Key: config.PerHeader, Header: "X-Api-Key"},
	})
	want := `"50/s per client";q=100;w=2, "10/10m per header X-Api-Key";q=3;w=180, "5000/s per site";q=10000;w=2`
	if got := limit.Policy(rates); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	v := limit.Verdict{Rate: rates[0], Left: 7, Full: 1500 * time.Millisecond}
	if got := string(v.AppendField(nil)); got != `"50/s per client";r=7;t=2` {
		t.Errorf("%s", got)
	}
}

func TestNew_RefusesWhatCanNotWork(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]limit.Options{"no clock": {}, "a size of 100": {Now: time.Now, Size: 100}, "a size of 4": {Now: time.Now, Size: 4}} {
		if _, err := limit.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBuckets_AllocateNothing(t *testing.T) {
	b, _ := buckets(t, limit.Options{Account: func(*http.Request) int64 { return 7 }})
	rates := limit.Rates("a.test", []config.Rate{
		rate(1_000_000, time.Second, 1_000_000, config.PerSite), rate(1_000_000, time.Second, 1_000_000, config.PerClient),
		rate(1_000_000, time.Second, 1_000_000, config.PerAccount),
		{Count: 1, Per: time.Hour, Burst: 1, Key: config.PerHeader, Header: "X-Api-Key"},
	})
	r, one := get("X-Api-Key", "k"), addr("2001:db8::1")
	if n := testing.AllocsPerRun(1000, func() { b.Take(rates, r, one) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkBuckets_Take(b *testing.B) {
	for _, clients := range []int{1, 100_000} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			table, err := limit.New(limit.Options{Now: time.Now})
			if err != nil {
				b.Fatal(err)
			}
			rates := limit.Rates("a.test", []config.Rate{rate(1000, time.Second, 1000, config.PerClient)})
			r := get()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					table.Take(rates, r, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i % clients >> 8), byte(i % clients)}))
				}
			})
		})
	}
}
