// Package trace is the diary of a journey: what each station on the path of a request saw and decided, when, and why.
//
// A [Recorder] begins a [Journey] where a request enters, hands it on in the context, and keeps it when it ends. Every
// station opens a [Step] on it and closes it with a [Verdict] and, if it refused, a [Reason]. A nil *Journey and a zero
// Step do nothing and cost nothing, so no station asks whether it is being watched.
package trace

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// HopsMax is how many hops one journey holds; further ones are counted in Dropped.
const HopsMax = 24

// ID is the name of a journey, in the form of a W3C trace-id (16 bytes, 32 hex digits).
type ID [16]byte

// String returns 32 hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// AppendTo appends 32 hex digits.
func (id ID) AppendTo(b []byte) []byte { return hex.AppendEncode(b, id[:]) }

// Kind says what travelled.
type Kind uint8

// The kinds of a journey.
const (
	Request Kind = iota + 1
	Connection
)

// String returns the kind's word.
func (k Kind) String() string {
	if k == Connection {
		return "connection"
	}
	return "request"
}

// Layer is a station of the path, in path order.
type Layer uint8

// The layers.
const (
	TCP Layer = iota + 1
	TLS
	Route
	CORS
	Static
	Auth
	Access
	Schema
	Pool
	SQL
	Commit
	Files
	App
)

// String returns the layer's short name, as it stands in the waterfall.
func (l Layer) String() string {
	names := [...]string{"", "tcp", "tls", "route", "cors", "static", "auth", "access", "schema", "pool", "sql", "commit", "files", "app"}
	if int(l) < len(names) {
		return names[l]
	}
	return "unknown"
}

// Verdict is what a station decided.
type Verdict uint8

// The verdicts.
const (
	Open     Verdict = iota // the step has not ended
	OK                      // passed
	Deny                    // refused on purpose
	Fail                    // could not
	Timeout                 // had no time left
	Wait                    // passed, after waiting
	Cached                  // answered from memory
	Skip                    // does not apply here
	Shadowed                // would have been refused
)

// String returns the verdict's word.
func (v Verdict) String() string {
	names := [...]string{"open", "ok", "deny", "error", "timeout", "wait", "cached", "skip", "shadow"}
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}

// Hop is one station's entry. Start is nanoseconds since the journey's start and may be negative for what happened
// before its first byte.
type Hop struct {
	Layer   Layer
	Verdict Verdict
	Reason  Reason
	Start   int64  // ns since the journey's start
	Took    int64  // ns
	Name    string // an interned name: site, route, rule, statement; never text that a client sent
	Note    string // one short sentence or value, for those who may see it
	N       [2]int64
}

// Journey is the record of one request from its first hop to its last. All of its methods may be called on nil.
type Journey struct {
	ID         ID
	Kind       Kind
	Start      time.Time
	Took       time.Duration
	Generation uint32 // of the declaration that was in force
	Method     string
	Host       string
	Path       string // without the query
	Route      string // the route's template, "" where none was found
	Proto      string
	Client     netip.Addr
	Account    int64 // id of the account, 0 for strangers
	Status     int
	Bytes      int64  // of the answer's body
	Reason     Reason // why it ended as it did; None where all went well
	Decided    int    // index of the deciding hop, -1 where nothing refused
	Dropped    int    // hops beyond HopsMax
	Hops       [HopsMax]Hop

	n     atomic.Int32
	shard uint32
}

// Len returns how many hops were recorded.
func (j *Journey) Len() int {
	if j == nil {
		return 0
	}
	return int(min(j.n.Load(), HopsMax))
}

// Begin opens a step. It may be called by several goroutines at once.
func (j *Journey) Begin(layer Layer, name string) Step {
	if j == nil {
		return Step{}
	}
	i := j.n.Add(1) - 1
	if i >= HopsMax {
		return Step{}
	}
	h := &j.Hops[i]
	h.Layer, h.Name, h.Start = layer, name, int64(time.Since(j.Start))
	return Step{j: j, hop: h}
}

// Step is an open hop. The zero Step does nothing.
type Step struct {
	j   *Journey
	hop *Hop
}

// OK closes the step: passed.
func (s Step) OK() { s.End(OK, None) }

// Deny closes the step: refused, and why.
func (s Step) Deny(r Reason) { s.End(Deny, r) }

// End closes the step.
func (s Step) End(v Verdict, r Reason) {
	if s.hop == nil {
		return
	}
	s.hop.Took = int64(time.Since(s.j.Start)) - s.hop.Start
	s.hop.Verdict, s.hop.Reason = v, r
}

// Note adds a short text to the step.
func (s Step) Note(text string) Step {
	if s.hop != nil {
		s.hop.Note = text
	}
	return s
}

// N adds two numbers to the step, such as busy and total connections of a pool.
func (s Step) N(a, b int64) Step {
	if s.hop != nil {
		s.hop.N = [2]int64{a, b}
	}
	return s
}

type contextKey struct{}

// With returns a context that carries the journey.
func With(ctx context.Context, j *Journey) context.Context {
	if j == nil {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, j)
}

// From returns the journey of a context, or nil.
func From(ctx context.Context) *Journey {
	j, _ := ctx.Value(contextKey{}).(*Journey)
	return j
}

// Recorder begins journeys and keeps the most recent ones. It is safe for use by many goroutines. A nil *Recorder
// begins nil journeys: nothing is recorded.
type Recorder struct {
	now        func() time.Time
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

// New makes a recorder that keeps the last `keep` journeys (about 2 kB each) and writes a line for each request to log,
// which may be nil. now is the clock.
func New(now func() time.Time, keep int, log *Log) *Recorder {
	r := &Recorder{now: now, log: log, shards: make([]shard, shardCount)}
	for i := range r.shards {
		r.shards[i].ring = make([]*Journey, max(1, keep/shardCount))
	}
	r.pool.New = func() any { return &Journey{shard: r.turn.Add(1) % shardCount} }
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
	hi, lo := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		j.ID[i], j.ID[8+i] = byte(hi>>(8*i)), byte(lo>>(8*i))
	}
	return j
}

// End closes a journey and hands it to the ring. It must not be used after this.
func (r *Recorder) End(j *Journey) {
	if r == nil || j == nil {
		return
	}
	j.Took = time.Since(j.Start)
	j.Dropped = max(0, int(j.n.Load())-HopsMax)
	j.decide()
	r.log.write(j)
	s := &r.shards[j.shard]
	s.mu.Lock()
	old := s.ring[s.next]
	s.ring[s.next] = j
	s.next = (s.next + 1) % len(s.ring)
	s.mu.Unlock()
	if old != nil { // the journey that falls out of the ring is the next one to be filled
		old.reset()
		r.pool.Put(old)
	}
}

// decide finds the hop that ended the journey: the last one that refused or failed.
func (j *Journey) decide() {
	for i := j.Len() - 1; i >= 0; i-- {
		switch h := &j.Hops[i]; h.Verdict {
		case Deny, Fail, Timeout:
			j.Decided = i
			if j.Reason == None {
				j.Reason = h.Reason
			}
			return
		case Open, OK, Wait, Cached, Skip, Shadowed:
		}
	}
}

func (j *Journey) reset() {
	n := j.Len()
	clear(j.Hops[:n])
	j.n.Store(0)
	j.Took, j.Method, j.Host, j.Path, j.Route, j.Proto = 0, "", "", "", "", ""
	j.Client, j.Account, j.Status, j.Bytes, j.Reason, j.Dropped = netip.Addr{}, 0, 0, 0, None, 0
}

// Recent returns copies of the last journeys, newest first, at most n.
func (r *Recorder) Recent(n int) []Snapshot {
	if r == nil {
		return nil
	}
	var all []Snapshot
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		for _, j := range s.ring {
			if j != nil {
				all = append(all, j.snapshot())
			}
		}
		s.mu.Unlock()
	}
	sortNewest(all)
	return all[:min(n, len(all))]
}

// Find returns a copy of the journey with that id, if it is still kept.
func (r *Recorder) Find(id string) (Snapshot, bool) {
	for _, s := range r.Recent(1 << 30) {
		if s.ID.String() == id {
			return s, true
		}
	}
	return Snapshot{}, false
}
