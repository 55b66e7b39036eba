package trace

import (
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Recorder begins journeys, decides when they end which are worth keeping, and holds them for those who look. It is safe
// for use by many goroutines. A nil *Recorder begins nil journeys: nothing is recorded.
type Recorder struct {
	now        func() time.Time
	clock      func() time.Time // now, where its times have no monotonic reading; else nil
	log        *Log
	run        uint32 // names this recorder in cursors
	began      time.Time
	generation atomic.Uint32
	keep       atomic.Pointer[Keep]
	routes     *routes
	share      *share // what each network may have kept; nil: nothing is kept
	shards     []shard
	turn       atomic.Uint32
	pool       sync.Pool

	pins   atomic.Int32 // how many are pinned, wherever they are
	saved  sync.Mutex   // guards pinned
	pinned []*Journey   // those that were pushed out of their ring
}

const shardCount = 8

// Options is what a recorder is made of.
type Options struct {
	Now    func() time.Time
	Recent int  // about how many requests are held, whatever they were (2 kB each), and a quarter as many of all else
	Kept   int  // about how many are held longer, because of what they were; 0: none
	Log    *Log // gets a line for each request; nil: none is written
	Keep   Keep
}

// New makes a recorder.
func New(o Options) *Recorder {
	r := &Recorder{
		now: o.Now, log: o.Log, run: rand.Uint32(), began: o.Now(), //nolint:gosec // a name, not a secret
		routes: newRoutes(), shards: make([]shard, shardCount),
	}
	if r.began == r.began.Round(0) { //nolint:staticcheck // no monotonic reading: a clock of a test, which time.Since would not follow
		r.clock = o.Now
	}
	if o.Kept > 0 {
		r.share = newShare(o.Kept)
	}
	r.SetKeep(o.Keep)
	for i := range r.shards {
		r.shards[i].init(o.Recent, o.Kept)
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

// SetKeep says what is kept from now on.
func (r *Recorder) SetKeep(k Keep) {
	if r != nil {
		r.keep.Store(&k)
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

// End closes a journey and hands it to the rings. It must be called once; nobody writes to the journey's fields after it.
func (r *Recorder) End(j *Journey) {
	if r == nil || j == nil {
		return
	}
	j.Method, j.Host, j.Path = bounded(j.Method), bounded(j.Host), bounded(j.Path)
	j.close()
	rt := r.routes.of(j)
	lane, refused := r.judge(j, rt)
	r.log.write(j)
	r.recycle(r.shards[j.shard].put(j, lane, rt.number, refused))
}

// recycle makes a journey that fell out of its ring ready for the next request, unless somebody wants it kept or still
// writes to it.
func (r *Recorder) recycle(j *Journey) {
	switch {
	case j == nil:
	case j.Kept&Pinned != 0:
		r.saved.Lock()
		r.pinned = append(r.pinned, j)
		r.saved.Unlock()
	case j.idle():
		j.reset()
		r.pool.Put(j)
	}
}

// bounded cuts text of a client, and copies it then, so that the rest of it can go.
func bounded(s string) string {
	if len(s) <= textMax {
		return s
	}
	return strings.Clone(s[:textMax])
}
