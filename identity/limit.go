package identity

import (
	"crypto/sha256"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

const (
	limitWindow     = time.Minute
	limitBackOffMax = 15 * time.Minute
	limitForget     = time.Hour // after so long without a try, the back-off starts again at its beginning
	limitKeysMax    = 1 << 14   // names or addresses in memory
)

// limitKey is a name or address, hashed: what strangers send takes a fixed room, and no list of names is kept.
type limitKey [16]byte

// tries is what is known of one key.
type tries struct {
	count   int       // in the window that began at first, or since the back-off began
	first   time.Time //
	last    time.Time //
	blocked time.Time // until then nothing is let through
}

// limiter counts tries of a key. So many are free in a minute; then each costs a wait: one minute, two, four, up to
// fifteen.
type limiter struct {
	free int
	now  func() time.Time

	mu   sync.Mutex // guards keys
	keys map[limitKey]*tries
}

func newLimiter(free int, now func() time.Time) *limiter {
	return &limiter{free: free, now: now, keys: map[limitKey]*tries{}}
}

// wait returns how long the key has to wait, 0 where it need not.
func (l *limiter) wait(key limitKey) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.keys[key]; t != nil {
		return max(0, t.blocked.Sub(l.now()))
	}
	return 0
}

// take counts a try, before its outcome is known so that many at once don't slip through, and returns how long the key
// has to wait instead, 0 where it may go on.
func (l *limiter) take(key limitKey) time.Duration {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.keys[key]
	if t == nil {
		l.makeRoom(now)
		t = &tries{first: now}
		l.keys[key] = t
	}
	if wait := t.blocked.Sub(now); wait > 0 {
		return wait
	}
	if now.Sub(t.last) >= limitForget || (t.count < l.free && now.Sub(t.first) >= limitWindow) {
		t.count, t.first = 0, now
	}
	t.count, t.last = t.count+1, now
	if t.count >= l.free {
		t.blocked = now.Add(min(limitBackOffMax, limitWindow<<min(t.count-l.free, 10)))
	}
	return 0
}

// giveBack takes one try back that was none, such as one that never reached the check.
func (l *limiter) giveBack(key limitKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.keys[key]; t != nil && t.count > 0 {
		t.count--
		if t.count < l.free {
			t.blocked = time.Time{}
		}
	}
}

// reset forgets a key.
func (l *limiter) reset(key limitKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.keys, key)
}

// makeRoom drops a key when there are too many: of eight, the one that matters least. The caller holds mu.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.keys) < limitKeysMax {
		return
	}
	var victim limitKey
	var least *tries
	seen := 0
	for key, t := range l.keys { // any eight: the order of a map is random
		if least == nil || t.matters(now) < least.matters(now) {
			victim, least = key, t
		}
		if seen++; seen == 8 {
			break
		}
	}
	delete(l.keys, victim)
}

// matters is the longer, the longer a key is blocked; below zero, the longer it has been quiet.
func (t *tries) matters(now time.Time) time.Duration {
	if wait := t.blocked.Sub(now); wait > 0 {
		return wait
	}
	return t.last.Sub(now)
}

func nameKey(name string) limitKey {
	sum := sha256.Sum256([]byte(strings.ToLower(name)))
	return limitKey(sum[:16])
}

// addrKey is one IPv4 address or one IPv6 /64, which is what one customer is given.
func addrKey(a netip.Addr) limitKey {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	return limitKey(a.As16())
}

func rateLimited(wait time.Duration) *roundtrip.Error {
	seconds := int((wait + time.Second - 1) / time.Second)
	e := roundtrip.E(roundtrip.Limited, "auth.rate_limited", "too many tries; try again in %d s", seconds)
	e.Retry = time.Duration(seconds) * time.Second
	return e
}
