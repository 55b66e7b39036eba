// Package rrl is response rate limiting: how many answers of one kind may go to one network in a second over UDP, where
// addresses are easily forged. What goes beyond is dropped, or sent truncated so that real resolvers ask again over TCP.
//
// All buckets lie in one table of fixed size. A flood of new networks takes the places of those that ask least, and never
// of those that are over the limit; a newcomer always finds a place, because a name server that refuses strangers serves
// whoever floods it.
package rrl

import (
	"errors"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// Kind is what sort of answer it is. Answers of different kinds are counted apart.
type Kind uint8

// The kinds.
const (
	Answer   Kind = iota + 1 // counted for each name, or wildcard
	NoData                   // for each zone
	NoName                   // for each zone
	Referral                 // for each delegation
	Fault                    // errors; they are counted together
)

// Rate is what is declared.
type Rate struct {
	Responses int // a second; 0: no limit
	Slip      int // every so manieth answer over the limit is to be sent truncated; 0: none
}

// Verdict is what becomes of an answer.
type Verdict uint8

// The verdicts.
const (
	Pass     Verdict = iota
	Drop             // send nothing
	Truncate         // send it without its records, truncated
)

const (
	ways        = 8 // places of one set
	locks       = 256
	sizeDefault = 1 << 15 // buckets: 768 KiB
	second      = int64(time.Second)
)

// Limiter is the state of all limits. It may be used by many goroutines.
type Limiter struct {
	seed  maphash.Seed
	sets  [][ways]bucket // set i is guarded by locks[i % len(locks)]
	locks [locks]sync.Mutex
}

// bucket counts the answers of one kind to one network: until is when all of its second is there again, in nanoseconds (the
// theoretical arrival time of the generic cell rate algorithm).
type bucket struct {
	key     uint64 // 0: empty
	until   int64
	refused uint64 // since the bucket was full
}

// New makes empty buckets, size of them (a power of two, of 8 or more; 0: 32,768).
func New(size int) (*Limiter, error) {
	if size == 0 {
		size = sizeDefault
	}
	if size < ways || size&(size-1) != 0 {
		return nil, errors.New("rrl.New: the size must be a power of two, of 8 or more")
	}
	return &Limiter{seed: maphash.MakeSeed(), sets: make([][ways]bucket, size/ways)}, nil
}

// Take counts one answer about a name to a client. now is in nanoseconds, since any moment that stays the same.
func (l *Limiter) Take(rate Rate, client netip.Addr, kind Kind, name []byte, now int64) Verdict {
	if rate.Responses <= 0 {
		return Pass
	}
	key := l.key(client, kind, name)
	i := int(key >> 20 & uint64(len(l.sets)-1))
	lock := &l.locks[i%locks]
	lock.Lock()
	defer lock.Unlock()
	b := find(&l.sets[i], key, now)
	until := max(b.until, now)
	each := second / int64(rate.Responses)
	if until+each-now <= second {
		b.until = until + each
		return Pass
	}
	b.refused++
	if rate.Slip > 0 && b.refused%uint64(rate.Slip) == 0 {
		return Truncate
	}
	return Drop
}

// find returns the bucket of a key in its set. Where there is none, it takes the place of the one that is nearest to full:
// it forgets least.
func find(set *[ways]bucket, key uint64, now int64) *bucket {
	least := &set[0]
	for j := range set {
		b := &set[j]
		if b.key == key {
			if b.until <= now {
				b.refused = 0
			}
			return b
		}
		if b.until < least.until {
			least = b
		}
	}
	*least = bucket{key: key}
	return least
}

// key hashes the network (/24 or /56, which is what one subscriber has), the kind and the name. It is never 0.
func (l *Limiter) key(client netip.Addr, kind Kind, name []byte) uint64 {
	var network uint64
	if client = client.Unmap(); client.Is4() {
		a := client.As4()
		network = uint64(a[0])<<16 | uint64(a[1])<<8 | uint64(a[2]) | 1<<63
	} else {
		a := client.As16()
		for _, c := range a[:7] {
			network = network<<8 | uint64(c)
		}
	}
	hash := uint64(kind)
	if kind != Fault {
		hash ^= maphash.Bytes(l.seed, name)
	}
	return max(mix(mix(network)+hash), 1)
}

// mix spreads bits (the finalizer of splitmix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
