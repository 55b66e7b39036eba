package handler

import (
	"context"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

// read answers a Get, List or Aggregate out of one snapshot, the records that its refs lead to among it.
func (c *Core) read(ctx context.Context, v *Visit) error {
	v.core = c
	v.hops = plan(append(v.hops, Hop{Parent: -1, Permit: v.permit}), 0)
	if err := v.Answer.Begin(ctx, v.permit, v.hops); err != nil {
		return err
	}
	if v.onView == nil { // bound once a Visit, not once a call
		v.onView, v.onRow = v.readView, v.takeRow
	}
	if err := c.store.View(ctx, v.onView); err != nil {
		return err
	}
	next := ""
	if v.page.Next != nil {
		next = v.permit.Query().Token(v.page.Next)
	}
	return v.Answer.End(next, v.page.Total, false)
}

// plan lays out the refs to follow below hops[parent], parents before their children.
func plan(hops []Hop, parent int) []Hop {
	expand := hops[parent].Permit.Query().Expand
	for i := range expand {
		e := &expand[i]
		hops = append(hops, Hop{Parent: parent, Field: e.Field, Name: e.Name, Permit: e.Permit})
		hops = plan(hops, len(hops)-1)
	}
	return hops
}

func (v *Visit) readView(view store.View) error {
	v.view, v.hop, v.page = view, 0, store.Page{Total: -1}
	if err := v.readRecords(view); err != nil {
		return err
	}
	return v.follow(view)
}

// follow reads the records that the refs of those before them lead to.
func (v *Visit) follow(view store.View) error {
	for i := 1; i < len(v.hops); i++ {
		h := &v.hops[i]
		if len(h.ids) == 0 || h.Permit.Never() {
			continue
		}
		v.hop = i
		if err := view.Load(h.Permit, h.ids, v.onRow); err != nil {
			return err
		}
	}
	return nil
}

func (v *Visit) readRecords(view store.View) (err error) {
	switch v.Call.Action {
	case roundtrip.Get:
		return view.Get(v.permit, v.onRow)
	case roundtrip.List:
		v.page, err = view.List(v.permit, v.onRow)
		return err
	default:
		return view.Aggregate(v.permit, v.onRow)
	}
}

// takeRow hands a row to the door and remembers where its refs lead.
func (v *Visit) takeRow(row roundtrip.Row) error {
	for i := v.hop + 1; i < len(v.hops); i++ {
		if h := &v.hops[i]; h.Parent == v.hop && !row.Null(h.Field) {
			h.want(roundtrip.ID(row.Int(h.Field)))
		}
	}
	return v.Answer.Row(v.hop, row)
}

// want notes an id once.
func (h *Hop) want(id roundtrip.ID) {
	if _, ok := h.seen[id]; ok {
		return
	}
	if h.seen == nil {
		h.seen = make(map[roundtrip.ID]struct{}, 32)
	}
	h.seen[id] = struct{}{}
	h.ids = append(h.ids, id)
}

// readable reports whether the caller may read a record that they just wrote. see is nil for a create: what the caller
// gave is no news to them.
func (c *Core) readable(ctx context.Context, see *policy.Permit, record *roundtrip.Record) (bool, error) {
	if see == nil || see.Always() {
		return true, nil
	}
	if allowed, known := see.Check(record); known {
		return allowed, nil
	}
	found := false
	err := c.store.View(ctx, func(view store.View) error {
		return view.Load(see, []roundtrip.ID{record.ID()}, func(roundtrip.Row) error {
			found = true
			return nil
		})
	})
	return found, err
}
