package password_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/internal/password"
)

func cheap() *password.Hasher {
	return password.NewHasher(1, rand.Reader).WithCost(password.Cost{MemoryKiB: 64, Passes: 1, Threads: 1})
}

func TestHasher_KnowsItsOwn(t *testing.T) {
	t.Parallel()
	h := cheap()
	stored, err := h.Hash(t.Context(), "four unrelated words")
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("hash is %q, %v", stored, err)
	}
	for text, want := range map[string]bool{"four unrelated words": true, "four unrelated word": false, "": false} {
		if ok, old, err := h.Verify(t.Context(), text, stored); ok != want || old || err != nil {
			t.Errorf("%q: %v, old %v, %v", text, ok, old, err)
		}
	}
	if _, old, err := cheap().WithCost(password.UsualCost()).Verify(t.Context(), "x", stored); !old || err != nil {
		t.Errorf("a hash of another cost is old: %v, %v", old, err)
	}
}

func TestHasher_SendsAwayWhatItHasNoPlaceFor(t *testing.T) {
	t.Parallel()
	h := cheap()
	release := h.Hold(true)
	if _, err := h.Hash(t.Context(), "x"); !errors.Is(err, password.ErrBusy) {
		t.Errorf("a crowd: %v", err)
	}
	release()
	release = h.Hold(false)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ended, "x"); !errors.Is(err, password.ErrNoTime) {
		t.Errorf("a caller that went: %v", err)
	}
	release()
	if _, err := h.Hash(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}

func TestList_Knows(t *testing.T) {
	t.Parallel()
	l := password.WellKnown()
	for text, want := range map[string]bool{"password1234": true, "qwertyqwerty": true, "aaaaaaaabbbb": true, "four unrelated words": false} {
		if l.Knows(text) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
}
