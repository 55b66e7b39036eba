package live

import (
	"context"
	"net/netip"
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

// sieveMax bounds how many changed records are held in memory to see which topics they concern.
const sieveMax = 1000

// deliver takes what changed and brings it to those who watch, until ctx ends.
func (h *Hub) deliver(ctx context.Context) {
	for {
		w := h.records.take(ctx)
		if w == nil {
			return
		}
		h.renew(ctx, w)
		h.affects(ctx, w)
		told := h.tell()
		for g, e := range h.errands(ctx, w) {
			told.delivered(g.changed(ctx, w, e), e.positions(w))
		}
		h.records.done.Store(w.to)
		told.end()
	}
}

// errand is what a window has for one group.
type errand struct {
	order []change                           // of the group's own collection, as they were committed
	rows  map[roundtrip.ID]*roundtrip.Record // some of those records as they are; may be nil
	of    *roundtrip.Collection              // as the declaration has it by which rows were read
	over  bool                               // too many changed to name them
	deps  bool                               // records that the rule or filter looks at changed
}

// positions are those of the changes that an errand is about. Where it is about what they make of other records, that may be
// any of the window.
func (e *errand) positions(w *window) func(yield func(int64) bool) {
	return func(yield func(int64) bool) {
		for _, c := range e.order {
			if !yield(c.at) {
				return
			}
		}
		for at := w.from + 1; len(e.order) == 0 && at <= w.to; at++ {
			if !yield(at) {
				return
			}
		}
	}
}

// errands is what a window has for each group that it concerns.
type errands map[*group]*errand

func (e errands) of(g *group) *errand {
	if e[g] == nil {
		e[g] = &errand{}
	}
	return e[g]
}

// errands finds the groups that a window concerns.
func (h *Hub) errands(ctx context.Context, w *window) errands {
	list := errands{}
	house := h.house.Load()
	for number, t := range w.of {
		order := t.ordered()
		of := house.Policy.Collection(number)
		whole, needed := h.concern(list, number, of, t, order)
		if !needed {
			continue
		}
		rows := h.load(ctx, house, of, t)
		h.mu.Lock()
		if p := h.index.pins[of]; p != nil {
			for g := range p.concerned(order, rows) {
				e := list.of(g)
				e.order, e.over = order, t.over
				whole = append(whole, e)
			}
		}
		h.mu.Unlock()
		for _, e := range whole {
			e.of, e.rows = of, rows
		}
	}
	return list
}

// concern finds the groups that a collection's part of a window concerns, but for the pinned ones. It returns the errands of
// those that all of its records concern, and whether the records are needed to see which.
func (h *Hub) concern(list errands, number int32, of *roundtrip.Collection, t *touched, order []change) (whole []*errand, needed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for g := range h.index.watch[number] {
		if _, pinned := g.pin(); !pinned && g.asked.ID == 0 && g.asked.Collection.Number == number {
			e := list.of(g)
			e.order, e.over = order, t.over
			whole = append(whole, e)
		}
		if concerned(&g.traits, number, t) {
			list.of(g).deps = true
		}
	}
	for _, c := range order {
		key := recordKey{number, c.id}
		for g := range h.index.single[key] {
			list.of(g).order = []change{c}
		}
		for g := range h.index.behind[key] {
			if g.traits.Counts || !c.counts {
				list.of(g).deps = true
			}
		}
	}
	if t.over { // which records changed is not known of all
		for key, groups := range h.index.behind {
			for g := range groups {
				if key.collection == number {
					list.of(g).deps = true
				}
			}
		}
	}
	return whole, of != nil && (len(whole) > 0 || h.index.pins[of] != nil)
}

// concerned reports whether changes of a collection can change what the rule or filter of a topic says of other records.
// To a record that is new, no other one points yet.
func concerned(traits *policy.Traits, number int32, t *touched) bool {
	for _, d := range traits.Depends {
		if d.Collection.Number == number && (traits.Counts || t.moved || d.Exists && t.changed) {
			return true
		}
	}
	return false
}

// load reads the changed records once, as they are, for the filters of many topics of one collection. Nothing of them is
// sent from here.
func (h *Hub) load(ctx context.Context, house *House, of *roundtrip.Collection, t *touched) map[roundtrip.ID]*roundtrip.Record {
	if t.over || len(t.records) > sieveMax {
		return nil
	}
	permit, err := house.Policy.Job(&roundtrip.Call{Action: roundtrip.Get, Collection: of, Time: h.now()}, "live: which topics a change concerns")
	if err != nil {
		return nil
	}
	ids := make([]roundtrip.ID, 0, len(t.records))
	for id, c := range t.records {
		if !c.deleted {
			ids = append(ids, id)
		}
	}
	rows := make(map[roundtrip.ID]*roundtrip.Record, len(ids))
	err = h.store.View(ctx, func(v store.View) error {
		return v.Load(permit, ids, func(row roundtrip.Row) error {
			rows[roundtrip.ID(row.Int(roundtrip.FieldID))] = roundtrip.CopyRow(of, row)
			return nil
		})
	})
	if err != nil {
		return nil // each group looks itself then
	}
	return rows
}

// batch is one delivery to one group.
type batch struct {
	*errand

	g      *group
	w      *window
	sure   int64                   // the position from which on all hold what is put; see [known.put]
	in     map[roundtrip.ID]bool   // what stands in order
	public map[roundtrip.ID][]byte // what everybody may see
	rest   []change                // what not everybody may see, or nobody
	frame  *Frame                  // for those who get nothing of their own
	made   bool                    // frame was made; it may be nil, for nothing
	tally  tally                   // how many it was sent to
}

// changed delivers a window to the group.
func (g *group) changed(ctx context.Context, w *window, e *errand) tally {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone || g.house != g.hub.house.Load() {
		return tally{} // a group of an older declaration is made anew, with a snapshot
	}
	if e.of != g.asked.Collection {
		e.rows = nil // they were read as another declaration has them
	}
	if e.order = g.sift(e.order, e.rows); len(e.order) == 0 && !e.deps && !e.over {
		return tally{}
	}
	b := &batch{errand: e, g: g, w: w, in: map[roundtrip.ID]bool{}, public: map[roundtrip.ID][]byte{}, tally: tally{name: g.asked.Collection.Name, topics: 1, changes: len(e.order)}}
	g.failed(g.hub.store.View(ctx, func(v store.View) error {
		if e.over {
			b.tally.told = g.size()
			return g.resetAll(ctx, v, resetTooMany)
		}
		return b.run(ctx, v)
	}))
	return b.tally
}

// size is how many connections are in the group. The caller holds mu.
func (g *group) size() int {
	n := 0
	for _, a := range g.audiences {
		n += len(a.subs)
	}
	return n
}

// failed closes the connections of a group that can't be served: they come back with their cursors.
func (g *group) failed(err error) {
	if err == nil {
		return
	}
	g.hub.log.Error("live: a topic could not be delivered", "topic", g.topic, "error", err)
	for _, a := range g.audiences {
		for _, s := range a.subs {
			s.conn.Close(Closing{CloseRestart, "stream.failed", "a topic could not be read; come back with your cursors"})
		}
	}
}

// sift leaves out changes that the filter alone keeps from everybody, of records that nobody holds.
func (g *group) sift(order []change, rows map[roundtrip.ID]*roundtrip.Record) []change {
	if g.sieve == nil || rows == nil {
		return order
	}
	var kept []change
	for _, c := range order {
		row := rows[c.id]
		if row != nil || c.deleted {
			matches := false
			if row != nil {
				allowed, known := g.sieve.Check(row)
				matches = allowed || !known
			}
			if !matches && !g.holds(c) {
				continue
			}
		}
		kept = append(kept, c)
	}
	return kept
}

// holds reports whether anybody of the group may hold a record that they get no more.
func (g *group) holds(c change) bool {
	if g.had(&g.known, c) {
		return true
	}
	for _, a := range g.audiences {
		if g.had(&a.known, c) {
			return true
		}
	}
	return false
}

// had reports whether those who know k may hold a record. What was made within the window was sent to nobody, unless
// somebody joined since; and counts alone put no record out of sight where no condition looks at them.
func (g *group) had(k *known, c change) bool {
	if k.has(c.id) {
		return true
	}
	if !k.open && !g.traits.Everything {
		return false
	}
	return (c.created == 0 || c.created <= g.joined) && (!c.counts || g.traits.Counts)
}

// run decides and sends.
func (b *batch) run(ctx context.Context, v store.View) error {
	g := b.g
	for _, c := range b.order {
		b.in[c.id] = true
	}
	if g.joined > b.w.to { // they came after the window, and before what is read now: what came in sight between is news to them
		position, err := v.Position()
		if err != nil {
			return err
		}
		b.sure = position
	}
	if g.shared {
		p, err := g.permit(&roundtrip.Principal{}, netip.Addr{})
		if err != nil {
			return err
		}
		if err := b.pieces(ctx, v, p, b.order, b.public); err != nil {
			return err
		}
		more, err := b.recheck(ctx, v, p, &g.known, nil)
		if err != nil {
			return err
		}
		if more.reset {
			return g.resetAll(ctx, v, resetRule)
		}
		b.add(more)
	}
	for _, c := range b.order {
		if b.public[c.id] == nil {
			b.rest = append(b.rest, c)
		}
	}
	for _, a := range g.audiences {
		if err := b.to(ctx, v, a); err != nil {
			return err
		}
	}
	b.learned(&g.known, b.order, b.public)
	return nil
}

// add makes what a recheck found part of the batch.
func (b *batch) add(more found) {
	for _, c := range more.changes {
		b.in[c.id] = true
	}
	b.order = append(b.order[:len(b.order):len(b.order)], more.changes...)
	for id, json := range more.puts {
		b.public[id] = json
	}
}

// learned notes what was put and what was taken away.
func (b *batch) learned(k *known, order []change, put map[roundtrip.ID][]byte) {
	for _, c := range order {
		if put[c.id] != nil {
			k.put(c.id, b.sure)
		} else {
			k.drop(c.id, b.w.to)
		}
	}
}

// pieces writes those of the changed records that a permit allows into out.
func (b *batch) pieces(ctx context.Context, v store.View, p *policy.Permit, of []change, out map[roundtrip.ID][]byte) error {
	if p == nil {
		return nil
	}
	ids := make([]roundtrip.ID, 0, len(of))
	for _, c := range of {
		if c.deleted {
			continue
		}
		if row := b.rows[c.id]; row != nil && !p.Always() {
			if allowed, known := p.Check(row); known && !allowed {
				continue
			}
		}
		ids = append(ids, c.id)
	}
	if len(ids) == 0 {
		return nil
	}
	list, err := b.g.house.Pages.Some(ctx, v, p, ids)
	for _, piece := range list {
		out[piece.ID] = piece.JSON
	}
	return err
}

// to sends the batch to one audience.
func (b *batch) to(ctx context.Context, v store.View, a *audience) error {
	g := b.g
	own, rest := map[roundtrip.ID][]byte{}, b.rest
	if (!g.shared || a.key.account != 0) && (b.deps || anyLeft(rest)) {
		p, err := g.permit(a.who, a.key.addr)
		if err != nil {
			return err
		}
		if err := b.pieces(ctx, v, p, rest, own); err != nil {
			return err
		}
		more, err := b.recheck(ctx, v, p, &a.known, a)
		if err != nil {
			return err
		}
		if more.reset {
			return g.reset(ctx, v, a, resetRule)
		}
		rest = append(rest[:len(rest):len(rest)], more.changes...)
		for id, json := range more.puts {
			own[id] = json
		}
	}
	a.send(b.frameFor(a, rest, own), b.w.to, &b.tally)
	b.learned(&a.known, rest, own)
	return nil
}

// anyLeft reports whether some changed record is still there.
func anyLeft(changes []change) bool {
	return slices.ContainsFunc(changes, func(c change) bool { return !c.deleted })
}

// frameFor is the message for an audience: its own where it gets or loses what others don't.
func (b *batch) frameFor(a *audience, rest []change, own map[roundtrip.ID][]byte) *Frame {
	lost := slices.ContainsFunc(rest, func(c change) bool {
		return own[c.id] == nil && b.g.had(&a.known, c) && (!b.g.shared || !b.g.had(&b.g.known, c))
	})
	if len(own) > 0 || lost {
		return b.build(a, rest[len(b.rest):], own)
	}
	if !b.made {
		b.frame, b.made = b.build(nil, nil, nil), true
	}
	return b.frame
}

// build writes the message for an audience; a nil one is everybody who gets nothing of their own. more is what only this
// audience's recheck found.
func (b *batch) build(a *audience, more []change, own map[roundtrip.ID][]byte) *Frame {
	g := b.g
	list := changeList{b: message("", g.topic, 256*len(b.order))}
	for _, changes := range [...][]change{b.order, more} {
		for _, c := range changes {
			switch {
			case b.public[c.id] != nil:
				list.put(b.public[c.id])
			case own[c.id] != nil:
				list.put(own[c.id])
			case g.shared && g.had(&g.known, c), a != nil && g.had(&a.known, c):
				list.removed(c.id)
			}
		}
	}
	if list.n == 0 {
		return nil
	}
	return g.sealed(list.close(), b.w.to)
}

// send hands a message to those who have not read as far.
func (a *audience) send(f *Frame, to int64, n *tally) {
	for _, s := range a.subs {
		if s.from >= to {
			continue
		}
		s.from = to
		if f == nil {
			n.passed++
			continue
		}
		n.count(s.conn.put(Item{Frame: f}))
	}
}
