package tries_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/internal/tries"
)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) add(d time.Duration) { c.now = c.now.Add(d) }

func TestLimiter_BacksOffAndForgets(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Unix(1e9, 0)}
	l := tries.New(3, c.Now)
	for range 2 {
		for range 3 {
			if wait := l.Take(tries.NameKey("a")); wait != 0 {
				t.Fatalf("wait is %v", wait)
			}
		}
		for _, want := range []int{1, 2, 4, 8, 15, 15} {
			if wait := l.Take(tries.NameKey("a")); wait != time.Duration(want)*time.Minute || l.Wait(tries.NameKey("A")) != wait {
				t.Fatalf("wait is %v, want %d min", wait, want)
			}
			c.add(time.Duration(want) * time.Minute)
			if wait := l.Take(tries.NameKey("a")); wait != 0 {
				t.Fatalf("wait is %v after it was waited", wait)
			}
		}
		c.add(time.Hour)
	}
	if l.Wait(tries.NameKey("b")) != 0 {
		t.Fatal("another name waits")
	}
}

func TestLimiter_SlowTriesNeverWait(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Unix(1e9, 0)}
	l := tries.New(3, c.Now)
	for range 50 {
		if wait := l.Take(tries.NameKey("a")); wait != 0 {
			t.Fatalf("wait is %v", wait)
		}
		c.add(31 * time.Second)
	}
	l.GiveBack(tries.NameKey("a"))
	l.GiveBack(tries.NameKey("unknown"))
}

func TestLimiter_RoomIsBoundedAndKeepsTheBlocked(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Unix(1e9, 0)}
	l := tries.New(2, c.Now)
	l.Take(tries.NameKey("bad"))
	l.Take(tries.NameKey("bad"))
	for n := range tries.KeysMax + 1000 {
		l.Take(tries.NameKey(fmt.Sprint(n)))
	}
	if l.Len() > tries.KeysMax {
		t.Fatalf("%d keys are in memory", l.Len())
	}
	if l.Wait(tries.NameKey("bad")) == 0 {
		t.Fatal("a flood of names freed the one that was blocked")
	}
}
