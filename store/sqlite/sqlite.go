// Package sqlite is the embedded engine of the store: one file, readers that hold a snapshot and renew it only when
// something was committed, and one writer that commits whatever waits in one group, durable before it answers.
//
// The thin layer over SQLite is in raw, the planner of schema changes in plan. Read [Store.View] for the way of a read
// and writer.go for the way of a write.
package sqlite

import (
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

// Options says where a database is and within which bounds it works. The zero value of each bound is its default.
type Options struct {
	Path              string           // the database file; it and its folder are made on first use
	PoolMax           int              // reads that run at once; default 2 x cores
	PoolWait          time.Duration    // how long a read or a write waits for its turn; default 2 s
	StatementDeadline time.Duration    // how long one statement may run; default 5 s
	Now               func() time.Time // the clock
	IDs               *roundtrip.IDs   // makes ids of records and sessions
	Log               *slog.Logger     // nil: nothing is logged
	PushGrace         time.Duration    // how long after a notification its push is due; default 10 s
	EmailGrace        time.Duration    // and its e-mail; default 5 min
}

// Store is an open database. It is a [store.Store], keeps accounts for package identity, and hands out outbox jobs.
type Store struct {
	opts Options
	log  *slog.Logger

	commits   atomic.Uint64 // grows with each commit, and once a second: what readers compare their snapshot with
	pool      pool
	queue     chan *op
	slow      chan slow // statements whose plans are looked for
	timers    sync.Pool // of *time.Timer
	tables    atomic.Pointer[tables]
	causes    causes             // of the last changes
	groupTime time.Duration      // after which no more writes are added to a commit
	writing   atomic.Pointer[op] // the write that runs, or ran last in the group that is being committed; nil: none
	hook      atomic.Pointer[func([]roundtrip.Change)]

	lifecycle sync.Mutex // guards lock and opened
	lock      *lock
	opened    bool
	ready     chan struct{} // closed once open
	closing   chan struct{} // closed when no more work is taken
	stopped   chan struct{} // closed when the writer has ended
	running   sync.WaitGroup
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Inboxes = (*Store)(nil)
)

// New checks the options. It does not touch the file.
func New(opts Options) (*Store, error) {
	if opts.Path == "" || opts.Now == nil || opts.IDs == nil {
		return nil, errors.New("sqlite.New: Path, Now and IDs must be given")
	}
	if opts.PoolMax <= 0 {
		opts.PoolMax = 2 * runtime.GOMAXPROCS(0)
	}
	if opts.PoolWait <= 0 {
		opts.PoolWait = 2 * time.Second
	}
	if opts.StatementDeadline <= 0 {
		opts.StatementDeadline = 5 * time.Second
	}
	if opts.PushGrace <= 0 {
		opts.PushGrace = 10 * time.Second
	}
	if opts.EmailGrace <= 0 {
		opts.EmailGrace = 5 * time.Minute
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		opts: opts, log: opts.Log, queue: make(chan *op, queueMax), slow: make(chan slow, plansMost), groupTime: groupTime,
		ready: make(chan struct{}), closing: make(chan struct{}), stopped: make(chan struct{}),
	}
	s.tables.Store(&tables{})
	s.pool.init(s)
	return s, nil
}

// OnCommit sets what is told of committed changes, in commit order, after the commit and before the callers hear of it.
// It runs on the writer: it must be short and must not call the store.
func (s *Store) OnCommit(fn func([]roundtrip.Change)) { s.hook.Store(&fn) }

// Stats is what the pool of readers is doing.
type Stats struct {
	Busy, Total int    // readers at work, readers there may be
	Waiting     int    // calls that wait for one
	Held        int    // idle readers that keep a snapshot
	Commits     uint64 // groups committed since the start
	Writes      uint64 // writes in them
}

// Stats returns numbers for the console and the metrics.
func (s *Store) Stats() Stats {
	busy, waiting, held := s.pool.load()
	return Stats{
		Busy: busy, Total: s.opts.PoolMax, Waiting: waiting, Held: held,
		Commits: s.pool.groups.Load(), Writes: s.pool.writes.Load(),
	}
}
