package rrl_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/dns/rrl"
)

func limiter(t testing.TB, size int) *rrl.Limiter {
	t.Helper()
	l, err := rrl.New(size)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestLimiter_TakesASecondThenTheRate(t *testing.T) {
	t.Parallel()
	l, rate, name, one := limiter(t, 0), rrl.Rate{Responses: 10, Slip: 3}, []byte("\x01a\x04test\x00"), addr("192.0.2.1")
	start := int64(time.Hour)
	count := func(now int64, n int) (passed, dropped, truncated int) {
		for range n {
			switch l.Take(rate, one, rrl.Answer, name, now) {
			case rrl.Pass:
				passed++
			case rrl.Drop:
				dropped++
			case rrl.Truncate:
				truncated++
			}
		}
		return
	}
	if p, d, s := count(start, 40); p != 10 || d != 20 || s != 10 {
		t.Errorf("of 40 at once %d passed, %d dropped, %d truncated", p, d, s)
	}
	if p, _, _ := count(start+int64(100*time.Millisecond), 10); p != 1 {
		t.Errorf("after a tenth of a second %d passed, want 1", p)
	}
	if p, _, _ := count(start+int64(10*time.Second), 40); p != 10 {
		t.Errorf("after a rest %d passed, want 10", p)
	}
	rate.Slip = 0
	if _, _, s := count(start+int64(10*time.Second), 40); s != 0 {
		t.Errorf("slip: 0 truncates %d", s)
	}
	rate.Responses = 0
	if p, _, _ := count(start+int64(10*time.Second), 40); p != 40 {
		t.Errorf("without a limit %d passed", p)
	}
}

func TestLimiter_CountsByNetworkKindAndName(t *testing.T) {
	t.Parallel()
	a, b := []byte("\x01a\x04test\x00"), []byte("\x01b\x04test\x00")
	for _, c := range []struct {
		name        string
		from, other string
		kinds       [2]rrl.Kind
		names       [2][]byte
		together    bool
	}{
		{"one /24", "192.0.2.1", "192.0.2.200", [2]rrl.Kind{rrl.Answer, rrl.Answer}, [2][]byte{a, a}, true},
		{"two /24", "192.0.2.1", "192.0.3.1", [2]rrl.Kind{rrl.Answer, rrl.Answer}, [2][]byte{a, a}, false},
		{"IPv4 in IPv6", "192.0.2.1", "::ffff:192.0.2.1", [2]rrl.Kind{rrl.Answer, rrl.Answer}, [2][]byte{a, a}, true},
		{"one /56", "2001:db8:0:100::1", "2001:db8:0:1ff::2", [2]rrl.Kind{rrl.Answer, rrl.Answer}, [2][]byte{a, a}, true},
		{"two /56", "2001:db8:0:100::1", "2001:db8:0:200::1", [2]rrl.Kind{rrl.Answer, rrl.Answer}, [2][]byte{a, a}, false},
		{"two names", "192.0.2.1", "192.0.2.1", [2]rrl.Kind{rrl.Answer, rrl.Answer}, [2][]byte{a, b}, false},
		{"two kinds", "192.0.2.1", "192.0.2.1", [2]rrl.Kind{rrl.NoData, rrl.NoName}, [2][]byte{a, a}, false},
		{"errors about two names", "192.0.2.1", "192.0.2.1", [2]rrl.Kind{rrl.Fault, rrl.Fault}, [2][]byte{a, b}, true},
	} {
		l, rate := limiter(t, 0), rrl.Rate{Responses: 1}
		if l.Take(rate, addr(c.from), c.kinds[0], c.names[0], 0) != rrl.Pass {
			t.Errorf("%s: the first one is refused", c.name)
		}
		if got := l.Take(rate, addr(c.other), c.kinds[1], c.names[1], 0) != rrl.Pass; got != c.together {
			t.Errorf("%s: counted together is %v", c.name, got)
		}
	}
}

// A flood of networks must not free one that is over the limit, and must shut out nobody.
func TestLimiter_AFloodFreesNobodyAndShutsOutNobody(t *testing.T) {
	t.Parallel()
	l, rate, name := limiter(t, 1024), rrl.Rate{Responses: 10}, []byte("\x04test\x00")
	bad := addr("192.0.2.1")
	for range 50 {
		l.Take(rate, bad, rrl.Answer, name, 0)
	}
	for i := range 100_000 {
		if l.Take(rate, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), rrl.Kind(1+i%4), fmt.Append(nil, i), 0) != rrl.Pass {
			t.Fatalf("newcomer %d is refused", i)
		}
		if l.Take(rate, bad, rrl.Answer, name, 0) == rrl.Pass {
			t.Fatalf("newcomer %d has freed who was over the limit", i)
		}
	}
}

func TestLimiter_CountsRightUnderLoad(t *testing.T) {
	t.Parallel()
	l, rate, one := limiter(t, 64), rrl.Rate{Responses: 1000}, addr("192.0.2.1")
	counts := make([]int, 8)
	var group sync.WaitGroup
	for i := range counts {
		group.Go(func() {
			for range 500 {
				if l.Take(rate, one, rrl.Fault, nil, 0) == rrl.Pass {
					counts[i]++
				}
			}
		})
	}
	group.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	if total != 1000 {
		t.Errorf("%d passed, want 1000", total)
	}
}

func TestLimiter_Allocates(t *testing.T) {
	l, rate, one, name := limiter(t, 0), rrl.Rate{Responses: 5, Slip: 2}, addr("2001:db8::1"), []byte("\x04test\x00")
	if n := testing.AllocsPerRun(100, func() { l.Take(rate, one, rrl.Answer, name, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTake(b *testing.B) {
	l, rate, one, name := limiter(b, 0), rrl.Rate{Responses: 200, Slip: 2}, addr("192.0.2.1"), []byte("\x03www\x07example\x04test\x00")
	now := int64(0)
	for b.Loop() {
		now += 1000
		l.Take(rate, one, rrl.Answer, name, now)
	}
}
