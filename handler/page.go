package handler

import (
	"context"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

// Page answers out of a snapshot that the caller holds already, with the first page of a list, refs followed. Streams do:
// they have decided before.
func Page(ctx context.Context, view store.View, p *policy.Permit, a Answer) error {
	return show(ctx, p, a, func(v *Visit) error {
		_, err := view.List(p, v.onRow)
		return err
	}, view)
}

// Some answers like [Page] with those of the records that the permit allows, in no order.
func Some(ctx context.Context, view store.View, p *policy.Permit, ids []roundtrip.ID, a Answer) error {
	return show(ctx, p, a, func(v *Visit) error { return view.Load(p, ids, v.onRow) }, view)
}

func show(ctx context.Context, p *policy.Permit, a Answer, read func(*Visit) error, view store.View) error {
	v := &Visit{permit: p, Answer: a}
	v.onRow = v.takeRow
	v.hops = plan(append(v.hops, Hop{Parent: -1, Permit: p}), 0)
	if err := a.Begin(ctx, p, v.hops); err != nil {
		return err
	}
	if err := read(v); err != nil {
		return err
	}
	if err := v.follow(view); err != nil {
		return err
	}
	return a.End("", -1, false)
}
