package identity_test

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/identity"
)

func TestToken_RoundTripAndForm(t *testing.T) {
	t.Parallel()
	for range 200 {
		text, hash, err := identity.NewToken(newRand())
		if err != nil {
			t.Fatal(err)
		}
		if len(text) != 54 || !strings.HasPrefix(text, "rt_s_") {
			t.Fatalf("token is %q", text)
		}
		if got, ok := identity.ParseToken(text); !ok || got != hash {
			t.Fatalf("%q does not parse", text)
		}
	}
}

func TestToken_Base62AgreesWithBigNumbers(t *testing.T) {
	t.Parallel()
	for n := range 256 {
		raw := sha256.Sum256([]byte{byte(n)})
		if n < 32 {
			raw = [32]byte{}
			raw[n] = 0xff
		}
		text := identity.Encode62(raw)
		want := new(big.Int).SetBytes(raw[:]).Text(62) // its digits are 0-9a-zA-Z
		want = strings.Repeat("0", 43-len(want)) + strings.Map(swapCase, want)
		if text != want {
			t.Fatalf("%x is %s, want %s", raw, text, want)
		}
		if back, ok := identity.Decode62(text); !ok || back != raw {
			t.Fatalf("%s is %x", text, back)
		}
	}
	if _, ok := identity.Decode62(strings.Repeat("z", 43)); ok {
		t.Fatal("a number over 2^256 was taken")
	}
}

func swapCase(r rune) rune {
	if r >= 'a' {
		return r - 'a' + 'A'
	}
	if r >= 'A' {
		return r - 'A' + 'a'
	}
	return r
}

func FuzzToken_Parse(f *testing.F) {
	text, _, err := identity.NewToken(newRand())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add("rt_s_")
	f.Add("rt_s_" + strings.Repeat("0", 49))
	f.Fuzz(func(t *testing.T, text string) {
		hash, ok := identity.ParseToken(text)
		if ok != (hash != [32]byte{}) {
			t.Fatalf("%q: %v %x", text, ok, hash)
		}
		if ok && len(text) != 54 {
			t.Fatalf("%q was taken", text)
		}
	})
}

func TestLimiter_BacksOffAndForgets(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Unix(1e9, 0)}
	l := identity.NewLimiter(3, c.Now)
	for range 2 {
		for range 3 {
			if wait := l.Take("a"); wait != 0 {
				t.Fatalf("wait is %v", wait)
			}
		}
		for _, want := range []int{1, 2, 4, 8, 15, 15} {
			if wait := l.Take("a"); wait != time.Duration(want)*time.Minute || l.Wait("A") != wait {
				t.Fatalf("wait is %v, want %d min", wait, want)
			}
			c.add(time.Duration(want) * time.Minute)
			if wait := l.Take("a"); wait != 0 {
				t.Fatalf("wait is %v after it was waited", wait)
			}
		}
		c.add(time.Hour)
	}
	if l.Wait("b") != 0 {
		t.Fatal("another name waits")
	}
}

func TestLimiter_SlowTriesNeverWait(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Unix(1e9, 0)}
	l := identity.NewLimiter(3, c.Now)
	for range 50 {
		if wait := l.Take("a"); wait != 0 {
			t.Fatalf("wait is %v", wait)
		}
		c.add(31 * time.Second)
	}
	l.GiveBack("a")
	l.GiveBack("unknown")
}

func TestLimiter_RoomIsBoundedAndKeepsTheBlocked(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Unix(1e9, 0)}
	l := identity.NewLimiter(2, c.Now)
	l.Take("bad")
	l.Take("bad")
	for n := range identity.LimitKeysMax + 1000 {
		l.Take(fmt.Sprint(n))
	}
	if l.Len() > identity.LimitKeysMax {
		t.Fatalf("%d keys are in memory", l.Len())
	}
	if l.Wait("bad") == 0 {
		t.Fatal("a flood of names freed the one that was blocked")
	}
}
