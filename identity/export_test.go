package identity

import (
	"context"
	"io"

	"github.com/roundtrip-dev/roundtrip/internal/password"
)

// What tests may touch of the inside.

func NewToken(random io.Reader) (string, [32]byte, error) { return newToken(random) }

func ParseToken(text string) ([32]byte, bool) { return parseToken(text) }

func Encode62(raw [32]byte) string {
	b := make([]byte, tokenDigits)
	encode62(b, raw)
	return string(b)
}

func Decode62(s string) ([32]byte, bool) { return decode62(s) }

func (i *Identity) Cached() int { return i.cache.len() }

const CacheMax, SessionsMax = cacheMax, sessionsMax

// HoldHashers takes all places at which passwords are hashed until the returned function is called, and with crowd those
// to wait in as well.
func (i *Identity) HoldHashers(crowd bool) (release func()) { return i.hasher.Hold(crowd) }

func (i *Identity) Verify(ctx context.Context, text, stored string) (ok, old bool, err error) {
	return i.check(ctx, text, stored)
}

// HashDearer changes the cost of new hashes, so that those of before are old.
func (i *Identity) HashDearer() {
	i.hasher.WithCost(password.Cost{MemoryKiB: 128, Passes: 1, Threads: 1})
}
