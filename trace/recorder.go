package trace

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Recorder begins journeys and keeps the most recent ones. It is safe for use by many goroutines. A nil *Recorder
// begins nil journeys: nothing is recorded.
type Recorder struct {
	now        func() time.Time
	clock      func() time.Time // now, where its times have no monotonic reading; else nil
	log        *Log
	generation atomic.Uint32
	shards     []shard
	turn       atomic.Uint32
	pool       sync.Pool
}

// shard is one ring; several of them keep the cores from waiting for each other.
type shard struct {
	mu   sync.Mutex // guards ring and next
	ring []*Journey
	next int
	_    [24]byte // keeps neighbours off one cache line
}

const shardCount = 8

// New makes a recorder that keeps about the last `keep` journeys (2 kB each) and writes a line for each request to log,
// which may be nil. now is the clock.
func New(now func() time.Time, keep int, log *Log) *Recorder {
	r := &Recorder{now: now, log: log, shards: make([]shard, shardCount)}
	if t := now(); t == t.Round(0) { //nolint:staticcheck // no monotonic reading: a clock of a test, which time.Since would not follow
		r.clock = now
	}
	for i := range r.shards {
		r.shards[i].ring = make([]*Journey, max(1, keep/shardCount))
	}
	r.pool.New = func() any { return &Journey{shard: r.turn.Add(1) % shardCount, clock: r.clock} }
	return r
}

// SetGeneration names the declaration that is in force from now on.
func (r *Recorder) SetGeneration(g uint32) {
	if r != nil {
		r.generation.Store(g)
	}
}

// Begin starts a journey.
func (r *Recorder) Begin(kind Kind) *Journey {
	if r == nil {
		return nil
	}
	j := r.pool.Get().(*Journey)
	j.Kind, j.Start, j.Generation, j.Decided = kind, r.now(), r.generation.Load(), -1
	hi, lo := rand.Uint64(), rand.Uint64() //nolint:gosec // a name, not a secret
	for i := range 8 {
		j.ID[i], j.ID[8+i] = byte(hi>>(8*i)), byte(lo>>(8*i))
	}
	return j
}

// End closes a journey and hands it to the ring. It must be called once; nobody writes to the journey's fields after it.
func (r *Recorder) End(j *Journey) {
	if r == nil || j == nil {
		return
	}
	j.Method, j.Host, j.Path = bounded(j.Method), bounded(j.Host), bounded(j.Path)
	j.close()
	r.log.write(j)
	s := &r.shards[j.shard]
	s.mu.Lock()
	old := s.ring[s.next]
	s.ring[s.next] = j
	s.next = (s.next + 1) % len(s.ring)
	s.mu.Unlock()
	if old != nil && old.idle() { // the journey that falls out of the ring is the next one to be filled
		old.reset()
		r.pool.Put(old)
	}
}

// bounded cuts text of a client, and copies it then, so that the rest of it can go.
func bounded(s string) string {
	if len(s) <= textMax {
		return s
	}
	return strings.Clone(s[:textMax])
}

// Recent returns copies of the last journeys, newest first, at most n.
func (r *Recorder) Recent(n int) []Snapshot {
	if r == nil || n <= 0 {
		return nil
	}
	var all []Snapshot
	for i := range r.shards {
		all = r.shards[i].appendNewest(all, n)
	}
	sortNewest(all)
	return all[:min(n, len(all))]
}

// appendNewest appends copies of the shard's last n journeys.
func (s *shard) appendNewest(to []Snapshot, n int) []Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range min(n, len(s.ring)) {
		j := s.ring[(s.next-1-k+len(s.ring))%len(s.ring)]
		if j == nil {
			break
		}
		to = append(to, j.snapshot())
	}
	return to
}

// Find returns a copy of the journey with that id (32 hex digits), if it is still kept.
func (r *Recorder) Find(id string) (Snapshot, bool) {
	var want ID
	if n, err := hex.Decode(want[:], []byte(id[:min(len(id), 2*len(want))])); r == nil || err != nil || n != len(want) || len(id) != 2*len(want) {
		return Snapshot{}, false
	}
	for i := range r.shards {
		if found, ok := r.shards[i].find(want); ok {
			return found, true
		}
	}
	return Snapshot{}, false
}

func (s *shard) find(id ID) (Snapshot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.ring {
		if j != nil && j.ID == id {
			return j.snapshot(), true
		}
	}
	return Snapshot{}, false
}
