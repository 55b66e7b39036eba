package identity

import (
	"sync"
	"sync/atomic"

	"github.com/roundtrip-dev/roundtrip"
)

const (
	cacheMax    = 1 << 14 // sessions in memory, about 1 kB each
	cacheShards = 16
	forgetsMax  = 256 // invalidations that are remembered for loads that are under way
)

// entry is what a token proved. The times are Unix nanoseconds.
type entry struct {
	who     *roundtrip.Principal // shared by all calls of the session: never changed
	ends    int64                // absolute end
	expires atomic.Int64         // slides with use
	touched atomic.Int64         // when use was last handed on to be written
	checked atomic.Int64         // when the store was last asked
}

type cacheShard struct {
	mu      sync.RWMutex // guards entries
	entries map[[32]byte]*entry
	_       [32]byte // keeps neighbours off one cache line
}

// cache holds sessions by the hash of their token. An account's sessions can be forgotten exactly: a load that began
// before a forget of the same account does not put back what was forgotten.
type cache struct {
	shards [cacheShards]cacheShard

	mu        sync.Mutex // guards all below; taken before a shard's
	byAccount map[roundtrip.ID]map[[32]byte]roundtrip.ID
	forgets   [forgetsMax]roundtrip.ID // the last accounts that were forgotten, a ring
	forgotten uint64                   // how many were, ever
	forgot    func(roundtrip.ID)       // is told of each; nil: nobody
}

func newCache(forgot func(roundtrip.ID)) *cache {
	c := &cache{forgot: forgot, byAccount: map[roundtrip.ID]map[[32]byte]roundtrip.ID{}}
	for i := range c.shards {
		c.shards[i].entries = map[[32]byte]*entry{}
	}
	return c
}

func (c *cache) shard(hash *[32]byte) *cacheShard { return &c.shards[hash[0]%cacheShards] }

func (c *cache) get(hash *[32]byte) *entry {
	s := c.shard(hash)
	s.mu.RLock()
	e := s.entries[*hash]
	s.mu.RUnlock()
	return e
}

// mark is taken before a load, and given to put with what was loaded.
func (c *cache) mark() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forgotten
}

// put keeps an entry, unless its account was forgotten since the mark.
func (c *cache) put(hash *[32]byte, e *entry, mark uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgotten-mark > forgetsMax {
		return
	}
	for n := mark; n < c.forgotten; n++ {
		if c.forgets[n%forgetsMax] == e.who.ID {
			return
		}
	}
	s := c.shard(hash)
	s.mu.Lock()
	if len(s.entries) >= cacheMax/cacheShards && s.entries[*hash] == nil {
		for old, victim := range s.entries { // any: the order of a map is random
			delete(s.entries, old)
			c.unlist(victim.who.ID, old)
			break
		}
	}
	s.entries[*hash] = e
	s.mu.Unlock()
	hashes := c.byAccount[e.who.ID]
	if hashes == nil {
		hashes = map[[32]byte]roundtrip.ID{}
		c.byAccount[e.who.ID] = hashes
	}
	hashes[*hash] = e.who.Session
}

func (c *cache) unlist(account roundtrip.ID, hash [32]byte) {
	delete(c.byAccount[account], hash)
	if len(c.byAccount[account]) == 0 {
		delete(c.byAccount, account)
	}
}

// forget drops an account's sessions: the one given, or all of them for 0, but never keep.
func (c *cache) forget(account, session, keep roundtrip.ID) {
	c.drop(account, session, keep)
	if c.forgot != nil {
		c.forgot(account)
	}
}

func (c *cache) drop(account, session, keep roundtrip.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets[c.forgotten%forgetsMax] = account
	c.forgotten++
	for hash, id := range c.byAccount[account] {
		if (session != 0 && id != session) || (keep != 0 && id == keep) {
			continue
		}
		s := c.shard(&hash)
		s.mu.Lock()
		delete(s.entries, hash)
		s.mu.Unlock()
		c.unlist(account, hash)
	}
}

// len returns how many sessions are in memory.
func (c *cache) len() int {
	n := 0
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		n += len(s.entries)
		s.mu.RUnlock()
	}
	return n
}
