package identity

import (
	"context"
	"io"
	"time"
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

const CacheMax, SessionsMax, LimitKeysMax = cacheMax, sessionsMax, limitKeysMax

type Limiter struct{ *limiter }

func NewLimiter(free int, now func() time.Time) Limiter { return Limiter{newLimiter(free, now)} }

func (l Limiter) Take(name string) time.Duration { return l.take(nameKey(name)) }

func (l Limiter) Wait(name string) time.Duration { return l.wait(nameKey(name)) }

func (l Limiter) GiveBack(name string) { l.giveBack(nameKey(name)) }

func (l Limiter) Len() int { return len(l.keys) }

// HoldHashers takes all places at which passwords are hashed until the returned function is called.
func (i *Identity) HoldHashers() (release func()) {
	for range cap(i.hasher.slots) {
		i.hasher.slots <- struct{}{}
	}
	return func() {
		for range cap(i.hasher.slots) {
			<-i.hasher.slots
		}
	}
}

// FillWaiters pretends that as many wait as may.
func (i *Identity) FillWaiters() { i.hasher.waiting.Store(int64(cap(i.hasher.slots) * hashWaitersMax)) }

func (i *Identity) Verify(ctx context.Context, password, stored string) (ok, old bool, err error) {
	return i.hasher.verify(ctx, password, stored)
}

// HashCheaply makes new hashes at almost no cost: most tests are about other things.
func (i *Identity) HashCheaply() { i.hasher.cost = cost{64, 1, 1} }

// HashDearer changes the cost of new hashes, so that those of before are old.
func (i *Identity) HashDearer() { i.hasher.cost = cost{128, 1, 1} }
