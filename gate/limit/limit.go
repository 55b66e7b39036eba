// Package limit says how many requests there may be: so many in a time for each client, account, value of a header, or
// for a whole site. Each has a bucket of tokens that fills at the declared rate; a request takes one.
//
// All buckets lie in one table of fixed size. A bucket that is full again says nothing that a missing one would not, so
// its place is free; a bucket that is not full is never given up. A flood of new clients thus neither grows the table nor
// forgives anybody: where no place is free, the newcomers of one rate share a bucket.
package limit

import (
	"errors"
	"hash/maphash"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
)

const (
	ways        = 8       // places of one set
	sizeDefault = 1 << 17 // buckets: 2 MiB
	locks       = 256
)

// Options says what limits are handed.
type Options struct {
	Now func() time.Time
	// Account says who is signed in, as a number; 0 is nobody. It is asked once for a request that a rate per account
	// holds for. nil: nobody ever is.
	Account func(*http.Request) int64
	Size    int // buckets at the most, a power of two; default 131,072
}

// Buckets is the state of all limits. It outlives a declaration: a rate that is declared again finds its buckets as they
// were.
type Buckets struct {
	now     func() time.Time
	account func(*http.Request) int64
	start   time.Time
	seed    maphash.Seed
	sets    [][ways]bucket // set i is guarded by locks[i % len(locks)]
	locks   [locks]sync.Mutex
}

// bucket is one bucket. until is when it will be full again, in nanoseconds since the start (the theoretical arrival time
// of the generic cell rate algorithm): how far that is ahead says how many tokens are missing.
type bucket struct{ key, until int64 }

// New makes empty buckets.
func New(o Options) (*Buckets, error) {
	if o.Now == nil {
		return nil, errors.New("limit.New: Options.Now must be set")
	}
	if o.Size == 0 {
		o.Size = sizeDefault
	}
	if o.Size < ways || o.Size&(o.Size-1) != 0 {
		return nil, errors.New("limit.New: Options.Size must be a power of two, of 8 or more")
	}
	return &Buckets{now: o.Now, account: o.Account, start: o.Now(), seed: maphash.MakeSeed(), sets: make([][ways]bucket, o.Size/ways)}, nil
}

// Verdict is what the rates of a request said.
type Verdict struct {
	Rate    *Rate // that refused, or else that is nearest to it; nil where there is none
	Refused bool
	Left    int           // requests that Rate has left
	Retry   time.Duration // until there is one more; only where Refused
	Full    time.Duration // until all are there again
}

// Take takes a token of each rate. Where one has none, the others get theirs back: what was refused costs nothing.
func (b *Buckets) Take(rates []*Rate, r *http.Request, client netip.Addr) Verdict {
	var v Verdict
	if len(rates) == 0 {
		return v
	}
	q := asker{request: r, client: client}
	now := int64(b.now().Sub(b.start))
	for i, rate := range rates {
		until, wait := b.take(rate, b.key(rate, &q), now)
		if wait > 0 {
			for _, given := range rates[:i] {
				b.give(given, b.key(given, &q), now)
			}
			return Verdict{Rate: rate, Refused: true, Retry: time.Duration(wait), Full: time.Duration(until - now)}
		}
		if left := int((rate.depth - (until - now)) / rate.each); v.Rate == nil || left < v.Left {
			v = Verdict{Rate: rate, Left: left, Full: time.Duration(until - now)}
		}
	}
	return v
}

// asker is what a request is counted by. The account is looked up once.
type asker struct {
	request *http.Request
	client  netip.Addr
	account int64
	asked   bool
}

// key says which bucket of a rate is the asker's. It is never 0, which is an empty place.
func (b *Buckets) key(rate *Rate, q *asker) int64 {
	var hash uint64
	switch rate.Key {
	case config.PerSite:
	case config.PerAccount:
		if !q.asked && b.account != nil {
			q.account, q.asked = b.account(q.request), true
		}
		if hash = uint64(q.account)<<1 | 1; q.account == 0 {
			hash = b.hashClient(q.client)
		}
	case config.PerHeader:
		if values := q.request.Header[rate.Header]; len(values) > 0 {
			hash = maphash.String(b.seed, values[0]) | 1
		} else {
			hash = b.hashClient(q.client)
		}
	case config.PerClient:
		hash = b.hashClient(q.client)
	}
	// Both parts are even where an address was hashed and odd otherwise, so that no value of a header is an address.
	key := int64(mix(hash ^ rate.id))
	if key == 0 {
		key = 1
	}
	return key
}

// hashClient hashes an address: all of IPv4, the /64 of IPv6, which is what one subscriber has.
func (b *Buckets) hashClient(client netip.Addr) uint64 {
	bytes := client.As16()
	n := 16
	if client.Is6() && !client.Is4In6() {
		n = 8
	}
	return maphash.Bytes(b.seed, bytes[:n]) &^ 1
}

// mix spreads bits (the finalizer of splitmix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// take takes a token. It returns when the bucket will be full, and how long to wait where it has none.
func (b *Buckets) take(rate *Rate, key, now int64) (until, wait int64) {
	i, lock := b.set(key)
	lock.Lock()
	defer lock.Unlock()
	at := b.find(i, key, now)
	if at == nil {
		rate.mu.Lock()
		defer rate.mu.Unlock()
		at = &rate.shared
	}
	until = max(at.until, now)
	if wait = until + rate.each - now - rate.depth; wait > 0 {
		return until, wait
	}
	at.key, at.until = key, until+rate.each
	return at.until, 0
}

// give gives a token back.
func (b *Buckets) give(rate *Rate, key, now int64) {
	i, lock := b.set(key)
	lock.Lock()
	defer lock.Unlock()
	for j := range b.sets[i] {
		if at := &b.sets[i][j]; at.key == key && at.until > now {
			at.until -= rate.each
			return
		}
	}
}

func (b *Buckets) set(key int64) (int, *sync.Mutex) {
	i := int(uint64(key) >> 16 & uint64(len(b.sets)-1))
	return i, &b.locks[i%locks]
}

// find returns the bucket of a key in its set, or a place for it: one that is empty, or whose bucket is full again. nil
// means that there is none.
func (b *Buckets) find(i int, key, now int64) *bucket {
	var free *bucket
	for j := range b.sets[i] {
		at := &b.sets[i][j]
		if at.key == key {
			return at
		}
		if free == nil && at.until <= now {
			free = at
		}
	}
	if free != nil {
		*free = bucket{key: key}
	}
	return free
}
