package live

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

const (
	// readRows is how many changes are read from the log at once.
	readRows = 2000
	// distinctMax is how many records of one collection are delivered one by one; where more changed, those who watch it
	// get a snapshot.
	distinctMax = 10_000
)

// window is what happened between two positions, by collection: each record once.
type window struct {
	from, to int64 // from is not part of it, to is
	of       map[int32]*touched
	mine     map[mineKey]*affected // whom it concerns, where a field says so
}

// touched is the part of a window that one collection has.
type touched struct {
	records map[roundtrip.ID]change
	over    bool // more than distinctMax: records is not complete
	gone    bool // some record was deleted
	changed bool // some record was created, updated or deleted: not its counts alone
	moved   bool // some record was updated or deleted
}

// change is what happened to a record in a window.
type change struct {
	id      roundtrip.ID
	at      int64 // position of the last change
	created int64 // position of its creation, 0 where it was there before the window
	deleted bool  // it is gone
	counts  bool  // nothing but its counts changed
	fresh   bool  // it was made in the window, and only its counts changed since
	again   bool  // it was gone, and its id was used again
}

func (w *window) add(number int32, c roundtrip.Change) {
	t := w.of[number]
	if t == nil {
		if w.of == nil {
			w.of = map[int32]*touched{}
		}
		t = &touched{records: map[roundtrip.ID]change{}}
		w.of[number] = t
	}
	old, known := t.records[c.ID]
	if !known && len(t.records) >= distinctMax {
		t.over = true
	}
	t.gone = t.gone || c.Action == roundtrip.Delete
	t.changed = t.changed || !c.Counts
	t.moved = t.moved || !c.Counts && c.Action != roundtrip.Create
	if t.over && !known {
		return
	}
	n := change{id: c.ID, at: c.Position, created: old.created, deleted: c.Action == roundtrip.Delete, counts: c.Counts && (old.counts || !known)}
	if c.Action == roundtrip.Create && !c.Counts && !known {
		n.created, n.fresh = c.Position, true
	}
	n.fresh = n.fresh || old.fresh && c.Counts
	n.again = old.again || old.deleted && !n.deleted
	t.records[c.ID] = n
}

// merge adds a window that begins where this one ends.
func (w *window) merge(next *window) {
	w.to = next.to
	for number, t := range next.of {
		old := w.of[number]
		if old == nil {
			if w.of == nil {
				w.of = map[int32]*touched{}
			}
			w.of[number] = t
			continue
		}
		old.over, old.gone, old.changed, old.moved = old.over || t.over, old.gone || t.gone, old.changed || t.changed, old.moved || t.moved
		for id, c := range t.records {
			if before, ok := old.records[id]; ok {
				c.created = before.created
				c.fresh = before.fresh && c.counts
				c.again = c.again || before.again || before.deleted && !c.deleted
				c.counts = c.counts && before.counts
			} else if len(old.records) >= distinctMax {
				old.over = true
				continue
			}
			old.records[id] = c
		}
	}
}

// ordered returns the changes of a collection in the order of their commits.
func (t *touched) ordered() []change {
	list := make([]change, 0, len(t.records))
	for _, c := range t.records {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	return list
}

// queue holds what one deliverer has not taken yet. What waits is merged: a deliverer that is behind does not fall
// further behind for it.
type queue struct {
	mu   sync.Mutex
	wait window
	wake chan struct{}
	done atomic.Int64 // up to here all is delivered
}

func (q *queue) init() { q.wake = make(chan struct{}, 1) }

func (q *queue) start(position int64) {
	q.wait = window{from: position, to: position}
	q.done.Store(position)
}

// put adds a window that begins where the last one ended.
func (q *queue) put(w *window) {
	q.mu.Lock()
	q.wait.merge(w)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take waits for something and takes all of it. It returns nil when ctx ends.
func (q *queue) take(ctx context.Context) *window {
	for {
		q.mu.Lock()
		w := q.wait
		q.wait = window{from: w.to, to: w.to}
		q.mu.Unlock()
		if w.to > w.from {
			return &w
		}
		select {
		case <-ctx.Done():
			return nil
		case <-q.wake:
		}
	}
}

// follow reads the log whenever there is a hint, and now and then without one, until ctx ends. What concerns inboxes goes
// one way and what concerns records another, so that neither waits for the other.
func (h *Hub) follow(ctx context.Context) {
	tick := time.NewTicker(h.poll)
	defer tick.Stop()
	for {
		if err := h.catchUp(ctx); err != nil && ctx.Err() == nil {
			h.log.Error("live: the log of changes can't be read", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-h.hint:
		case <-tick.C:
		}
	}
}

// catchUp reads all that there is. Positions have no gaps, so that what is left out of a page, because its collection is
// declared no more, moves the position all the same.
func (h *Hub) catchUp(ctx context.Context) error {
	for {
		from := h.read.Load()
		head, err := h.head(ctx)
		if err != nil || head <= from {
			return err
		}
		to := min(head, from+readRows)
		changes, err := h.store.Changes(ctx, from, int(to-from))
		if err != nil {
			return err
		}
		records, inboxes := &window{from: from, to: to}, &window{from: from, to: to}
		for _, c := range changes {
			switch {
			case c.Position > to:
			case c.Collection == nil:
				inboxes.add(0, c)
			default:
				records.add(c.Collection.Number, c)
			}
		}
		h.inboxes.put(inboxes)
		h.records.put(records)
		h.read.Store(to)
	}
}
