package handler

import (
	"context"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Visit is one caller's way through the house. A door may use it again for another one after [Visit.Reset].
type Visit struct {
	Token  string          // what the caller proves themselves with, "" for nothing
	Call   *roundtrip.Call // what they want
	Answer Answer          // where the rows go

	who    *roundtrip.Principal
	permit *policy.Permit
	wrong  error // what is wrong with the input of an update or batch
	hops   []Hop
	page   store.Page

	checking trace.Step // is open from permit to check

	core   *Core
	onView func(store.View) error
	onRow  func(roundtrip.Row) error
	view   store.View
	hop    int // that the rows come from
}

// Answer is how a door takes the rows of a call. A row is valid only while the method runs.
type Answer interface {
	// Begin is called once when the call is permitted, before anything is read or written. hops[0] is the call itself; further ones are the
	// refs that are followed, each after the one that it starts from. Both are valid until Do returns.
	Begin(ctx context.Context, p *policy.Permit, hops []Hop) error

	// Row takes one record: of the answer in its order (hop 0), or one that refs of the hop lead to, in no order and once
	// each. For an Aggregate it takes one group, in the positions of [store.View.Aggregate].
	Row(hop int, row roundtrip.Row) error

	// Written takes what a write stored, one call for each write in order. record is nil for a delete, and where the
	// caller may not read what they changed; etag is the record's version all the same.
	Written(i int, record *roundtrip.Record, etag int64) error

	// End is called once after the last row. next is the token of the next page or "", total is -1 where it was not asked
	// for, replayed says that the write's idempotency key was seen before and its answer is that of then.
	End(next string, total int64, replayed bool) error
}

// Hop is one collection whose records are in an answer: the call's own, or one that a ref leads to.
type Hop struct {
	Parent int    // index of the hop whose records have the ref, -1 for the call's own
	Field  int    // position of the ref in the parent's collection
	Name   string // the ref's name
	Permit *policy.Permit

	ids  []roundtrip.ID // that the parent's records point to
	seen map[roundtrip.ID]struct{}
}

// Reset empties the visit and keeps its memory.
func (v *Visit) Reset() {
	clear(v.hops)
	*v = Visit{hops: v.hops[:0], onView: v.onView, onRow: v.onRow}
}

// Principal returns who makes the visit, nil before identity was asked.
func (v *Visit) Principal() *roundtrip.Principal { return v.who }

// through walks the stations until one of them refuses.
func (v *Visit) through(ctx context.Context, stations ...func(context.Context, *Visit) error) error {
	for _, station := range stations {
		if err := station(ctx, v); err != nil {
			if v.Call.Action == roundtrip.Batch {
				return inData(v.Call, err)
			}
			return err
		}
	}
	return nil
}

// brings reports whether the call brings records to look at.
func (v *Visit) brings() bool { return v.Call.Action.Writes() && v.Call.Action != roundtrip.Delete }

// rule names what is decided on, for the journey.
func (v *Visit) rule() string {
	if v.Call.Collection == nil {
		return v.Call.Action.String()
	}
	return v.Call.Collection.On(v.Call.Action)
}
