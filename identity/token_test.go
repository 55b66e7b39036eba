package identity_test

import (
	"crypto/sha256"
	"math/big"
	"strings"
	"testing"

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
