// Package tries counts tries of a name or an address, and makes those wait who try too often.
package tries

import (
	"crypto/sha256"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	window      = time.Minute
	backOffMax  = 15 * time.Minute
	forgetAfter = time.Hour // after so long without a try, the back-off starts again at its beginning
)

// KeysMax is how many names or addresses one limiter has in memory.
const KeysMax = 1 << 14

// Key is a name or address, hashed: what strangers send takes a fixed room, and no list of names is kept.
type Key [16]byte

// try is what is known of one key.
type try struct {
	count   int       // in the window that began at first, or since the back-off began
	first   time.Time //
	last    time.Time //
	blocked time.Time // until then nothing is let through
}

// Limiter counts tries of a key. So many are free in a minute; then each costs a wait: one minute, two, four, up to
// fifteen.
type Limiter struct {
	free int
	now  func() time.Time

	mu   sync.Mutex // guards keys
	keys map[Key]*try
}

// New makes a limiter that lets so many tries of a key in a minute pass.
func New(free int, now func() time.Time) *Limiter {
	return &Limiter{free: free, now: now, keys: map[Key]*try{}}
}

// Wait returns how long the key has to wait, 0 where it need not.
func (l *Limiter) Wait(key Key) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.keys[key]; t != nil {
		return max(0, t.blocked.Sub(l.now()))
	}
	return 0
}

// Take counts a try, before its outcome is known so that many at once don't slip through, and returns how long the key
// has to wait instead, 0 where it may go on.
func (l *Limiter) Take(key Key) time.Duration {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.keys[key]
	if t == nil {
		l.makeRoom(now)
		t = &try{first: now}
		l.keys[key] = t
	}
	if wait := t.blocked.Sub(now); wait > 0 {
		return wait
	}
	if t.over(now, l.free) {
		t.count, t.first = 0, now
	}
	t.count, t.last = t.count+1, now
	if t.count >= l.free {
		t.blocked = now.Add(min(backOffMax, window<<min(t.count-l.free, 10)))
	}
	return 0
}

// State is what is known of a key.
type State struct {
	Count int       // tries since it last began anew
	Last  time.Time // of the last one; zero where there is none
	Until time.Time // nothing is let through until then; zero where it is
}

// Look tells the state of a key and counts nothing.
func (l *Limiter) Look(key Key) State {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.keys[key]
	if t == nil || t.count == 0 || t.over(now, l.free) {
		return State{}
	}
	s := State{Count: t.count, Last: t.last}
	if t.blocked.After(now) {
		s.Until = t.blocked
	}
	return s
}

// over reports whether the next try begins anew.
func (t *try) over(now time.Time, free int) bool {
	return now.Sub(t.last) >= forgetAfter || (t.count < free && now.Sub(t.first) >= window)
}

// GiveBack takes one try back that was none, such as one that never reached the check.
func (l *Limiter) GiveBack(key Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.keys[key]; t != nil && t.count > 0 {
		t.count--
		if t.count < l.free {
			t.blocked = time.Time{}
		}
	}
}

// Reset forgets a key.
func (l *Limiter) Reset(key Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.keys, key)
}

// makeRoom drops a key when there are too many: of eight, the one that matters least. The caller holds mu.
func (l *Limiter) makeRoom(now time.Time) {
	if len(l.keys) < KeysMax {
		return
	}
	var victim Key
	var least *try
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
func (t *try) matters(now time.Time) time.Duration {
	if wait := t.blocked.Sub(now); wait > 0 {
		return wait
	}
	return t.last.Sub(now)
}

// NameKey is the key of a name, in whatever case.
func NameKey(name string) Key {
	sum := sha256.Sum256([]byte(strings.ToLower(name)))
	return Key(sum[:16])
}

// AddrKey is one IPv4 address or one IPv6 /64, which is what one customer is given.
func AddrKey(a netip.Addr) Key {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	return Key(a.As16())
}

// Len returns how many keys are in memory.
func (l *Limiter) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.keys)
}
