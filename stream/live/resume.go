package live

import (
	"context"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

// scanMax bounds how many changes are looked through for somebody who comes back.
const scanMax = 200_000

// past is what happened while somebody was away.
type past struct {
	hub   *Hub
	since *roundtrip.Cursor // nil: they were never here
	reset string            // why it can't be told, or ""
	w     window
}

func (h *Hub) newPast(since *roundtrip.Cursor) *past {
	p := &past{hub: h, since: since}
	if since != nil {
		p.w = window{from: since.Position, to: since.Position}
		if since.Epoch != h.epoch {
			p.reset = resetEpoch
		}
	}
	return p
}

// read goes on reading changes up to the last one.
func (p *past) read(ctx context.Context, own int32) error {
	if p.since == nil || p.reset != "" {
		return nil
	}
	if p.w.to == p.since.Position {
		if err := p.kept(ctx); err != nil || p.reset != "" {
			return err
		}
	}
	err := p.follow(own, func(after int64) ([]roundtrip.Change, error) { return p.hub.store.Changes(ctx, after, readRows) })
	if err != nil || p.reset != "" {
		return err
	}
	return p.kept(ctx) // still: what is too old is swept out while we read
}

// finish reads the changes up to the very position of the snapshot that the answer is read in. What is deleted between the
// last look at the log and the snapshot is in neither otherwise: who holds it would never be told.
func (p *past) finish(v store.View, own int32, position int64) error {
	if p.since == nil || p.reset != "" {
		return nil
	}
	err := p.follow(own, func(after int64) ([]roundtrip.Change, error) { return v.Changes(after, readRows) })
	p.w.to = max(p.w.to, position) // past changes that nobody declares any more
	return err
}

// follow adds changes to the window until there are no more.
func (p *past) follow(own int32, next func(after int64) ([]roundtrip.Change, error)) error {
	for {
		changes, err := next(p.w.to)
		if err != nil || len(changes) == 0 {
			return err
		}
		for _, c := range changes {
			p.w.to = c.Position
			if c.Collection != nil {
				p.w.add(c.Collection.Number, c)
			}
		}
		if t := p.w.of[own]; t != nil && t.over || p.w.to-p.since.Position > scanMax {
			p.reset = resetTooMany
			return nil
		}
	}
}

// kept asks whether all changes since the cursor are still there, and whether it is not ahead of the database.
func (p *past) kept(ctx context.Context) error {
	floor, err := p.hub.store.Floor(ctx)
	if err != nil {
		return err
	}
	head, err := p.hub.head(ctx)
	if err != nil {
		return err
	}
	switch {
	case p.since.Position < floor:
		p.reset = resetTooOld
	case p.since.Position > head:
		p.reset = resetEpoch
	}
	return nil
}

// outdated reports whether what the caller could see before can't be compared with what they see now: records that the
// rule or filter looks at changed, or the caller did. It returns the reason for a reset, or "".
func (g *group) outdated(past *past, a *audience, p *policy.Permit) string {
	if g.traits.Roles && a.key.account != 0 {
		return resetRule // roles change without a trace in the log
	}
	if accounts := past.accounts(g); g.traits.Account && a.key.account != 0 && accounts != nil {
		if _, changed := accounts.records[a.key.account]; changed || accounts.over {
			return resetRule
		}
	}
	b := &batch{errand: &errand{deps: true}, g: g, w: &past.w}
	for number, t := range past.w.of {
		if concerned(&g.traits, number, t) && (p == nil || b.needed(p, nil)) {
			return resetRule
		}
	}
	return ""
}

// accounts returns what changed of the collection that people sign in to.
func (p *past) accounts(g *group) *touched {
	if users := g.house.Accounts; users != nil {
		return p.w.of[users.Number]
	}
	return nil
}

// catchUp makes the message with what changed while the caller was away, up to the position of the snapshot.
func (g *group) catchUp(ctx context.Context, v store.View, p *policy.Permit, id string, past *past) (*Frame, error) {
	var order []change
	if t := past.w.of[g.asked.Collection.Number]; t != nil {
		order = t.ordered()
		if g.asked.ID != 0 {
			order = nil
			if c, ok := t.records[g.asked.ID]; ok {
				order = []change{c}
			}
		}
	}
	b := &batch{errand: &errand{order: order}, g: g, w: &past.w}
	put := map[roundtrip.ID][]byte{}
	if err := b.pieces(ctx, v, p, order, put); err != nil {
		return nil, err
	}
	list := changeList{b: message(id, g.topic, 256*len(order))}
	for _, c := range order {
		switch {
		case put[c.id] != nil:
			list.put(put[c.id])
		case c.created == 0 && (!c.counts || g.traits.Counts):
			list.removed(c.id)
		}
	}
	return g.sealed(list.close(), past.w.to), nil
}
