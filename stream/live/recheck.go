package live

import (
	"context"
	"net/netip"
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

// found is what a recheck comes to.
type found struct {
	reset   bool // what is held is not known well enough: only a snapshot helps
	changes []change
	puts    map[roundtrip.ID][]byte
}

// lookMax is how many records of a topic are looked at when somebody comes to it, or when others decide anew who sees
// them.
const lookMax = 200

// recheck looks again at what is held, and at the first records of the topic, because records that the rule or the filter
// looks at have changed. a is the audience, nil for what is decided once for all.
func (b *batch) recheck(ctx context.Context, v store.View, p *policy.Permit, k *known, a *audience) (found, error) {
	if !b.deps || p == nil || !b.needed(p, a) {
		return found{}, nil
	}
	if k.open {
		return found{reset: true}, nil
	}
	held := make([]roundtrip.ID, 0, len(k.ids))
	for id := range k.ids {
		if !b.in[id] {
			held = append(held, id)
		}
	}
	still, err := readable(v, p, held)
	if err != nil {
		return found{}, err
	}
	var more found
	for _, id := range held {
		if !still[id] {
			more.changes = append(more.changes, change{id: id, at: b.w.to})
		}
	}
	return more, b.fresh(ctx, v, p, k, a, &more)
}

// fresh finds those of the topic's first records that came in sight.
func (b *batch) fresh(ctx context.Context, v store.View, p *policy.Permit, k *known, a *audience, more *found) error {
	g := b.g
	list, _, err := g.firsts(v, p)
	if err != nil {
		return err
	}
	var ids []roundtrip.ID
	for _, id := range list {
		if !b.in[id] && !k.all(id, b.w.from) && (a == nil || !g.known.all(id, b.w.from)) {
			ids = append(ids, id)
		}
	}
	if ids, err = b.older(v, ids); err != nil {
		return err
	}
	if len(ids) > 0 && a != nil && g.shared { // what all may see is sent to all, or was
		stranger, err := g.permit(&roundtrip.Principal{}, netip.Addr{})
		if err != nil {
			return err
		}
		all, err := readable(v, stranger, ids)
		if err != nil {
			return err
		}
		ids = without(ids, all)
	}
	if len(ids) == 0 {
		return nil
	}
	pieces, err := g.house.Pages.Some(ctx, v, p, ids)
	if err != nil {
		return err
	}
	more.puts = make(map[roundtrip.ID][]byte, len(pieces))
	for _, piece := range pieces {
		more.puts[piece.ID] = piece.JSON
		more.changes = append(more.changes, change{id: piece.ID, at: b.w.to})
	}
	return nil
}

// older leaves out records that were made after the window: they come with a window of their own. A message must show none that
// its cursor does not cover, or who is cut off after it and comes back would never be told that such a record is gone again.
func (b *batch) older(v store.View, ids []roundtrip.ID) ([]roundtrip.ID, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	for after := b.w.to; ; {
		changes, err := v.Changes(after, readRows)
		if err != nil || len(changes) == 0 {
			return ids, err
		}
		for _, c := range changes {
			after = c.Position
			if c.Action == roundtrip.Create && !c.Counts && c.Collection == b.g.asked.Collection {
				ids = slices.DeleteFunc(ids, func(id roundtrip.ID) bool { return id == c.ID })
			}
		}
	}
}

// needed reports whether what changed has a say for this caller.
func (b *batch) needed(p *policy.Permit, a *audience) bool {
	for _, d := range b.g.traits.Depends {
		t := b.w.of[d.Collection.Number]
		if t == nil {
			continue
		}
		need := p.Needs(d.Collection)
		if need.Ref && (t.moved || b.g.traits.Counts) {
			return true
		}
		if need.Exists && (t.changed || b.g.traits.Counts) && b.w.concerns(d.Collection.Number, need, b.g.hub, a) {
			return true
		}
	}
	return false
}

// readable returns those of the records that a permit allows.
func readable(v store.View, p *policy.Permit, ids []roundtrip.ID) (map[roundtrip.ID]bool, error) {
	yes := make(map[roundtrip.ID]bool, len(ids))
	if p == nil || len(ids) == 0 {
		return yes, nil
	}
	err := v.Load(p, ids, func(row roundtrip.Row) error {
		yes[roundtrip.ID(row.Int(roundtrip.FieldID))] = true
		return nil
	})
	return yes, err
}

func without(ids []roundtrip.ID, some map[roundtrip.ID]bool) []roundtrip.ID {
	rest := ids[:0]
	for _, id := range ids {
		if !some[id] {
			rest = append(rest, id)
		}
	}
	return rest
}

// firsts returns the ids of the topic's first records, and whether there are more.
func (g *group) firsts(v store.View, p *policy.Permit) (ids []roundtrip.ID, more bool, err error) {
	take := func(row roundtrip.Row) error {
		ids = append(ids, roundtrip.ID(row.Int(roundtrip.FieldID)))
		return nil
	}
	switch {
	case p == nil:
		return nil, false, nil
	case g.asked.ID != 0:
		return ids, false, v.Load(p, []roundtrip.ID{g.asked.ID}, take)
	}
	size := p.Query().Size
	p.Query().Size = lookMax
	page, err := v.List(p, take)
	p.Query().Size = size
	return ids, page.Next != nil, err
}
