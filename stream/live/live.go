// Package live is station 9 of the path, outward: what was committed reaches those who watch. Clients subscribe to topics
// (a collection with a filter, one record, their inbox); they get a snapshot, then changes in the order of their commits,
// each judged by the read rule when it is delivered.
//
// The log in the database is the only truth. [Hub.Committed] is a hint that there is something to read: a hint that is
// lost, late or comes twice changes nothing but the delay.
package live

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Store is what the hub reads.
type Store interface {
	View(ctx context.Context, fn func(store.View) error) error
	// Changes returns up to limit changes after a position, in commit order.
	Changes(ctx context.Context, after int64, limit int) ([]roundtrip.Change, error)
	// Epoch names this life of the database: positions of another one mean nothing here.
	Epoch(ctx context.Context) (string, error)
	// Floor is the lowest position after which all changes are still kept.
	Floor(ctx context.Context) (int64, error)
	// Since keeps a text under a name and returns the position at which another one stood there last, -1 for never.
	Since(ctx context.Context, name, text string) (int64, error)
}

// Pages reads topics and writes records, as the door does for a GET.
type Pages interface {
	// Topic reads a topic's text: a collection or a record, with the parameters that it may have.
	Topic(text string) (*Asked, error)
	// Page gives the first page of a list, refs followed.
	Page(ctx context.Context, v store.View, p *policy.Permit) ([]Piece, error)
	// Some gives those of the records that the permit allows, refs followed, in no order.
	Some(ctx context.Context, v store.View, p *policy.Permit, ids []roundtrip.ID) ([]Piece, error)
}

// Asked is a topic of records that was read.
type Asked struct {
	Collection *roundtrip.Collection
	ID         roundtrip.ID // of a record's topic, else 0
	Query      roundtrip.Query
	Silent     bool // page_size=0: no snapshot
}

// Piece is one record as JSON.
type Piece struct {
	ID   roundtrip.ID
	JSON []byte
}

// Inbox reads the notifications of an account. Its messages are the members of a message without its topic and cursor:
// "snapshot":[…],"unread":3 and so on.
type Inbox interface {
	// Snapshot gives the newest notifications, and the position that they stand at.
	Snapshot(ctx context.Context, account roundtrip.ID) (members []byte, position int64, err error)
	// Since gives what changed after a position; nil where that can't be told, so that a snapshot must do.
	Since(ctx context.Context, account roundtrip.ID, position int64) (members []byte, now int64, err error)
}

// House is what a declaration brings: who may see what, and how it is written.
type House struct {
	Policy *policy.Engine
	Pages  Pages
	Inbox  Inbox // nil where there are no notifications
	// Accounts is the collection that people sign in to, nil where there is none.
	Accounts *roundtrip.Collection
	Login    []string // the fields of it that name an account at sign-in
	// Who tells who holds a token.
	Who func(ctx context.Context, token string) (*roundtrip.Principal, error)
	// Forget says that an account's record may have changed: Who must look again.
	Forget func(account roundtrip.ID)
	// Forms writes messages in other forms than JSON; nil where no door asks for one.
	Forms Forms
}

// Options is what a [Hub] is made of.
type Options struct {
	Store Store
	Now   func() time.Time
	Log   *slog.Logger
	Poll  time.Duration // how often the log is looked at without a hint; 0: every second

	Recorder *trace.Recorder // keeps a journey of what was delivered; nil: none is kept
	// Causes appends the journeys that wrote the change at a position, those that are not there yet. nil: that is not known.
	Causes func(to []trace.ID, position int64) []trace.ID
}

// Hub brings changes to those who watch. Its methods may be called by many goroutines.
type Hub struct {
	store Store
	now   func() time.Time
	log   *slog.Logger
	poll  time.Duration

	recorder *trace.Recorder
	causes   func(to []trace.ID, position int64) []trace.ID

	epoch string // set before ready is closed
	house atomic.Pointer[House]
	hint  chan struct{}
	ready chan struct{}
	gate  chan struct{}   // bounds the subscriptions that read at once
	base  context.Context //nolint:containedctx // of connections that have no request any more; set before ready is closed
	parts sync.WaitGroup  // of connections

	records queue // changes of records that wait for their turn
	inboxes queue // changes of inboxes
	read    atomic.Int64
	ruled   atomic.Int64 // up to here another declaration said who may read what, or may have
	comings atomic.Int64 // connections that came or went, ever
	doubts  doubts       // accounts whose sessions are to be looked at again

	tied sync.Mutex // guards mine; taken while a group's is held
	mine map[mineKey]*mine

	mu       sync.Mutex // guards all below; never held while a group's is taken
	stopped  bool
	groups   map[string]*group
	index    index
	inbox    map[roundtrip.ID]*inboxGroup
	wheel    [wheelSlots]map[*Conn]struct{}
	turn     int
	count    map[owner]int
	conns    map[roundtrip.ID]map[*Conn]struct{} // by account
	acked    map[roundtrip.ID]ack
	channels map[string]*channel
}

// recordKey names a record across reloads.
type recordKey struct {
	collection int32
	id         roundtrip.ID
}

// subscribersAtOnce bounds how many subscriptions read from the database at once, so that a crowd that comes back leaves
// readers for others.
const subscribersAtOnce = 4

// New makes a Hub. It does no I/O.
func New(o Options) (*Hub, error) {
	if o.Store == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("live: Store, Now and Log must be given")
	}
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	h := &Hub{
		store: o.Store, now: o.Now, log: o.Log, poll: o.Poll, recorder: o.Recorder, causes: o.Causes,
		hint: make(chan struct{}, 1), ready: make(chan struct{}), gate: make(chan struct{}, subscribersAtOnce),
		groups: map[string]*group{}, index: newIndex(),
		inbox: map[roundtrip.ID]*inboxGroup{}, count: map[owner]int{}, conns: map[roundtrip.ID]map[*Conn]struct{}{},
		acked: map[roundtrip.ID]ack{}, mine: map[mineKey]*mine{}, channels: map[string]*channel{},
	}
	h.ruled.Store(-1)
	h.records.init()
	h.inboxes.init()
	h.doubts.init()
	return h, nil
}

// Ready is closed when connections can be taken.
func (h *Hub) Ready() <-chan struct{} { return h.ready }

// Committed hints that changes were committed. It never waits.
func (h *Hub) Committed([]roundtrip.Change) {
	select {
	case h.hint <- struct{}{}:
	default: // it was told already
	}
}

// Run delivers until ctx ends; then it closes all connections with 1012 and returns when its goroutines have ended.
func (h *Hub) Run(ctx context.Context) error {
	epoch, err := h.store.Epoch(ctx)
	if err != nil {
		return err
	}
	head, err := h.head(ctx)
	if err != nil {
		return err
	}
	h.epoch = epoch
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	h.base = base
	h.read.Store(head)
	h.records.start(head)
	h.inboxes.start(head)
	close(h.ready)
	var group sync.WaitGroup
	group.Go(func() { h.deliver(ctx) })
	group.Go(func() { h.deliverInboxes(ctx) })
	group.Go(func() { h.beat(ctx) })
	group.Go(func() { h.clearDoubts(ctx) })
	h.follow(ctx)
	group.Wait()
	h.stop(cut)
	return nil
}

// head is the position of the last change.
func (h *Hub) head(ctx context.Context) (position int64, err error) {
	err = h.store.View(ctx, func(v store.View) error {
		position, err = v.Position()
		return err
	})
	return position, err
}

// done is the position up to which everything has been put into the connections' queues.
func (h *Hub) done() int64 { return min(h.records.done.Load(), h.inboxes.done.Load()) }

// cursor is the cursor of the database's present life at a position.
func (h *Hub) cursor(position int64) string {
	return roundtrip.Cursor{Epoch: h.epoch, Position: position}.String()
}

// Acked returns the highest position that an account has acknowledged: what its inbox had up to there has been shown.
func (h *Hub) Acked(account roundtrip.ID) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.acked[account].position
}

// Who tells who holds a token, under the declaration in force.
func (h *Hub) Who(ctx context.Context, token string) (*roundtrip.Principal, error) {
	return h.house.Load().Who(ctx, token)
}

// Go runs a part of a connection; Run waits for it.
func (h *Hub) Go(fn func()) { h.parts.Go(fn) }

// Do runs what a client asked for and waits for it. Its context is the hub's, since a WebSocket has none of its own.
func (h *Hub) Do(fn func(context.Context)) {
	done := make(chan struct{})
	h.parts.Go(func() {
		defer close(done)
		fn(h.base)
	})
	<-done
}

// Once gives the first message of a topic, and nothing after it.
func (h *Hub) Once(ctx context.Context, who *roundtrip.Principal, addr netip.Addr, topic, cursor string) (*Frame, error) {
	c := &Conn{hub: h, sink: deaf{}, addr: addr, who: who, single: true, room: make(chan struct{}, 1)}
	if err := c.Subscribe(ctx, "", topic, cursor); err != nil {
		return nil, err
	}
	items, _ := c.Take()
	if err := c.Unsubscribe(topic); err != nil {
		return nil, err
	}
	return items[0].Frame, nil
}

// deaf is the sink of who asks once.
type deaf struct{}

func (deaf) Wake() {}
func (deaf) Ping() {}
func (deaf) Cut()  {}
