package rest

import (
	"context"
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/handler/tree"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// answer appends the rows of a call as JSON. It is a [handler.Answer].
type answer struct {
	door   *Door
	action roundtrip.Action
	out    []byte // the body
	n      int    // rows of hop 0 so far

	hops    []hop // hops[0] is the call's own collection
	groups  []column
	tree    tree.Tree                     // where refs are followed: what is needed to put records into each other
	capture func(row roundtrip.Row) error // where a row is not to become JSON

	before func(context.Context) error // what is to be done just before a write
	public bool                        // a read that every stranger may do

	etag   int64        // of the record
	wrote  roundtrip.ID // of a create
	hidden bool         // a write's record may not be shown
	replay bool
}

// hop is one collection in the answer.
type hop struct {
	plan *plan
	mask []bool
	name []byte // "author":
}

func (a *answer) reset() {
	clear(a.hops)
	*a = answer{out: keep(a.out), hops: a.hops[:0], groups: a.groups[:0], tree: a.tree}
	a.tree.Reset(keepBytes)
}

// Begin takes the plan of the answer.
func (a *answer) Begin(ctx context.Context, p *policy.Permit, hops []handler.Hop) error {
	if a.before != nil {
		return a.before(ctx)
	}
	a.public = p.Always() && p.Principal().Stranger()
	for i := range hops {
		h := &hops[i]
		n := hop{plan: a.door.byPlace[h.Permit.Collection()], mask: h.Permit.Query().Fields}
		if i > 0 {
			n.name = member(h.Name)
		}
		a.hops = append(a.hops, n)
		a.tree.Hops = append(a.tree.Hops, tree.Hop{Parent: h.Parent, Field: h.Field})
	}
	switch a.action {
	case roundtrip.List:
		a.out = append(a.out, '{', '"')
		a.out = append(a.out, p.Collection().Name...)
		a.out = append(a.out, `":[`...)
	case roundtrip.Aggregate:
		a.groups = a.hops[0].plan.groupColumns(a.groups[:0], p.Query())
		a.out = append(a.out, `{"groups":[`...)
	case roundtrip.Batch:
		a.out = append(a.out, `{"results":[`...)
	case roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete:
	}
	return nil
}

// Row takes a record or a group.
func (a *answer) Row(hop int, row roundtrip.Row) error {
	switch {
	case a.capture != nil:
		return a.capture(row)
	case a.action == roundtrip.Aggregate:
		a.comma()
		a.appendGroup(row)
	case len(a.hops) > 1:
		a.addNode(hop, row)
	default:
		a.comma()
		a.out = a.hops[0].plan.appendRecord(a.out, row, a.hops[0].mask)
	}
	if a.action == roundtrip.Get && hop == 0 {
		a.etag = row.Int(roundtrip.FieldETag)
	}
	if len(a.out)+len(a.tree.Text) > tree.MaxBytes {
		return tree.TooLarge()
	}
	return nil
}

// comma separates the elements of the answer's array.
func (a *answer) comma() {
	if a.n > 0 {
		a.out = append(a.out, ',')
	}
	a.n++
}

func (a *answer) appendGroup(row roundtrip.Row) {
	sep := byte('{')
	for i := range a.groups {
		a.out = append(a.out, sep)
		a.out = append(a.out, a.groups[i].key...)
		a.out = a.groups[i].kind.appendValue(a.out, row, i)
		sep = ','
	}
	a.out = append(a.out, '}')
}

// Written takes a stored record.
func (a *answer) Written(_ int, record *roundtrip.Record, etag int64) error {
	a.etag, a.hidden = etag, record == nil
	if a.action == roundtrip.Batch {
		a.comma()
		if record == nil {
			a.out = append(a.out, "null"...)
			return nil
		}
	}
	if record != nil {
		a.wrote = record.ID()
		a.out = a.door.byPlace[record.Collection].appendRecord(a.out, record, nil)
	}
	return nil
}

// End closes the body.
func (a *answer) End(next string, total int64, replayed bool) error {
	a.replay = replayed
	if a.capture == nil && len(a.hops) > 1 {
		if err := a.weave(); err != nil {
			return err
		}
	}
	switch a.action {
	case roundtrip.List:
		a.out = append(a.out, `],"next_page_token":`...)
		a.out = input.AppendString(a.out, []byte(next))
		if total >= 0 {
			a.out = append(a.out, `,"total_size":`...)
			a.out = strconv.AppendInt(a.out, total, 10)
		}
		a.out = append(a.out, '}')
	case roundtrip.Aggregate, roundtrip.Batch:
		a.out = append(a.out, ']', '}')
	case roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete:
	}
	return nil
}
