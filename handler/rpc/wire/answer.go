package wire

import (
	"context"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler"
	"github.com/roundtrip-dev/roundtrip/handler/tree"
	"github.com/roundtrip-dev/roundtrip/policy"
)

// keepBytes is what a buffer may have grown to to be kept for the next answer.
const keepBytes = 64 << 10

// Answer appends the response message of an action while its rows come. It is a [handler.Answer], and is used again after
// the next [Answer.Start].
type Answer struct {
	Before   func(context.Context) error // what is to be done just before a write; Start takes it away
	ETag     int64                       // of the record that was read or written
	Wrote    roundtrip.ID                // the record that was written, where it may be shown
	Hidden   bool                        // the record that was written may not be shown
	Replayed bool                        // the write was done by an earlier call with the same key
	Public   bool                        // a read that every stranger may do

	plans  *Plans
	format Format
	action roundtrip.Action
	out    []byte
	n      int   // elements of the answer's array so far
	hops   []hop // hops[0] is the call's own collection
	nested []nested
	cells  []cell
	tree   tree.Tree // where refs are followed
	sizes  []int     // of the tree's nodes in Proto, with what stands in them; -1 while it is not known
}

// hop is one collection in the answer.
type hop struct {
	plan   *Plan
	mask   []bool
	nested [2]int // Answer.nested[from:to]: the hops that start here, by their numbers
}

// nested is a hop in the field expand of its parent.
type nested struct {
	hop    int
	nth    int // of its parent's hops
	column *column
	tag    []byte
}

// Start begins the answer of an action.
func (a *Answer) Start(p *Plans, f Format, action roundtrip.Action) {
	clear(a.hops)
	clear(a.nested)
	clear(a.cells)
	out := a.out[:0]
	if cap(out) > keepBytes {
		out = nil
	}
	a.tree.Reset(keepBytes)
	*a = Answer{
		plans: p, format: f, action: action, out: out,
		hops: a.hops[:0], nested: a.nested[:0], cells: a.cells[:0], tree: a.tree, sizes: a.sizes[:0],
	}
}

// Bytes returns the message. It is valid until the next Start.
func (a *Answer) Bytes() []byte { return a.out }

// Begin takes the plan of the answer.
func (a *Answer) Begin(ctx context.Context, p *policy.Permit, hops []handler.Hop) error {
	if a.Before != nil {
		if err := a.Before(ctx); err != nil {
			return err
		}
	}
	a.Public = p.Always() && p.Principal().Stranger()
	for i := range hops {
		h := &hops[i]
		a.hops = append(a.hops, hop{plan: a.plans.Of(h.Permit.Collection()), mask: h.Permit.Query().Fields})
		a.tree.Hops = append(a.tree.Hops, tree.Hop{Parent: h.Parent, Field: h.Field})
	}
	for i := range a.hops {
		a.nest(i)
	}
	switch a.action {
	case roundtrip.Aggregate:
		a.cells = a.hops[0].plan.groupCells(a.cells, p.Query())
		a.begin(`{"groups":[`)
	case roundtrip.List:
		if a.format == JSON {
			a.out = append(append(a.out, '{'), member(p.Collection().Name)...)
			a.out = append(a.out, '[')
		}
	case roundtrip.Batch:
		a.begin(`{"results":[`)
	case roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete:
	}
	return nil
}

// begin writes what only JSON has.
func (a *Answer) begin(s string) {
	if a.format == JSON {
		a.out = append(a.out, s...)
	}
}

// nest gathers the hops that start at one, in the order of their numbers.
func (a *Answer) nest(parent int) {
	from, nth := len(a.nested), 0
	for i := parent + 1; i < len(a.hops); i++ {
		h := a.tree.Hops[i]
		if h.Parent != parent {
			continue
		}
		c := &a.hops[parent].plan.columns[h.Field]
		a.nested = append(a.nested, nested{hop: i, nth: nth, column: c, tag: c.tag}) // a ref is a string, what it leads to a message: both are bytes
		nth++
		for j := len(a.nested) - 1; j > from && a.nested[j-1].column.number > c.number; j-- {
			a.nested[j-1], a.nested[j] = a.nested[j], a.nested[j-1]
		}
	}
	a.hops[parent].nested = [2]int{from, len(a.nested)}
}

// Row takes a record or a group.
func (a *Answer) Row(hop int, row roundtrip.Row) error {
	switch {
	case a.action == roundtrip.Aggregate:
		start := a.element()
		a.appendGroup(row)
		a.endElement(start)
	case len(a.hops) > 1:
		a.addNode(hop, row)
	case a.action == roundtrip.List:
		start := a.element()
		a.out = a.hops[0].plan.AppendRecord(a.out, a.format, row, a.hops[0].mask)
		a.endElement(start)
	default:
		a.out = a.hops[0].plan.AppendRecord(a.out, a.format, row, a.hops[0].mask)
	}
	if a.action == roundtrip.Get && hop == 0 {
		a.ETag = row.Int(roundtrip.FieldETag)
	}
	if len(a.out)+len(a.tree.Text) > tree.MaxBytes {
		return tree.TooLarge()
	}
	return nil
}

// element begins an element of the answer's array, which is field 1 in each of the messages that have one.
func (a *Answer) element() (start int) {
	if a.format == JSON {
		if a.n > 0 {
			a.out = append(a.out, ',')
		}
		a.n++
		return 0
	}
	a.out, start = open(append(a.out, tagElement))
	return start
}

func (a *Answer) endElement(start int) {
	if a.format == Proto {
		a.out = shut(a.out, start)
	}
}

// Written takes a stored record.
func (a *Answer) Written(_ int, record *roundtrip.Record, etag int64) error {
	a.ETag, a.Hidden = etag, record == nil
	if record != nil {
		a.Wrote = record.ID()
	}
	switch {
	case a.action == roundtrip.Batch:
		start := a.element()
		a.appendResult(record)
		a.endElement(start)
	case record != nil:
		a.out = a.plans.Of(record.Collection).AppendRecord(a.out, a.format, record, nil)
	case a.action == roundtrip.Delete:
		a.begin("{}")
	default:
		a.appendHidden(etag)
	}
	return nil
}

// appendHidden appends the message of a record of which only the version may be told.
func (a *Answer) appendHidden(etag int64) {
	if a.format == JSON {
		a.out = append(appendQuoted(append(a.out, `{"etag":`...), etag), '}')
		return
	}
	b, start := open(append(a.out, tagETag))
	a.out = shut(appendInt(b, etag), start)
}

// appendResult appends a BatchResponse.Result: the record under the number of its collection, or nothing.
func (a *Answer) appendResult(record *roundtrip.Record) {
	if record == nil {
		a.begin("{}")
		return
	}
	if a.format == JSON {
		a.out = append(append(a.out, `{"record":{`...), member(record.Collection.Name)...)
		a.out = a.plans.Of(record.Collection).AppendRecord(a.out, JSON, record, nil)
		a.out = append(a.out, `}}`...)
		return
	}
	b, outer := open(append(a.out, tagElement))
	b, inner := open(protowire.AppendTag(b, protowire.Number(record.Collection.Number), protowire.BytesType))
	b = a.plans.Of(record.Collection).AppendRecord(b, Proto, record, nil)
	a.out = shut(shut(b, inner), outer)
}

// End closes the message.
func (a *Answer) End(next string, total int64, replayed bool) error {
	a.Replayed = replayed
	if len(a.hops) > 1 {
		if err := a.weave(); err != nil {
			return err
		}
	}
	switch a.action {
	case roundtrip.List:
		a.endList(next, total)
	case roundtrip.Aggregate, roundtrip.Batch:
		a.begin("]}")
	case roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete:
	}
	return nil
}

// endList appends next_page_token = 2 and total_size = 3, which is there where it was asked for.
func (a *Answer) endList(next string, total int64) {
	if a.format == JSON {
		a.out = append(append(a.out, `],"next_page_token":"`...), next...) // a token has no characters to escape
		a.out = append(a.out, '"')
		if total >= 0 {
			a.out = appendQuoted(append(a.out, `,"total_size":`...), total)
		}
		a.out = append(a.out, '}')
		return
	}
	if next != "" {
		a.out = protowire.AppendString(append(a.out, 2<<3|2), next)
	}
	if total >= 0 {
		a.out = protowire.AppendVarint(append(a.out, 3<<3), uint64(total))
	}
}
