package rpc

import (
	"bytes"
	"context"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/handler/staging"
)

// records is the service of one collection.
type records struct {
	door       *Door
	collection *roundtrip.Collection
}

// records lists the methods of a collection's service. All are there whatever the rules allow, so that clients need not
// change with rules.
func (d *Door) records(c *roundtrip.Collection) []method {
	r := &records{door: d, collection: c}
	all := []method{
		{name: "Get", reads: true, unary: r.get},
		{name: "List", reads: true, unary: r.list},
		{name: "Aggregate", reads: true, unary: r.aggregate},
		{name: "Create", unary: r.create},
		{name: "Update", unary: r.update},
		{name: "Delete", unary: r.remove},
	}
	for _, f := range c.Fields {
		if f.Type == roundtrip.TypeFile {
			all[3].large += f.MaxBytes
		}
	}
	if all[3].large > 0 {
		all[4].large = all[3].large
		all[3].admit, all[4].admit = r.admit(roundtrip.Create), r.admit(roundtrip.Update)
	}
	return all
}

func (r *records) get(ctx context.Context, c *call) error {
	call := r.read(c, roundtrip.Get)
	if err := wire.ReadGet(r.door.plans, c.format, c.in, call); err != nil {
		return err
	}
	if err := c.do(ctx, call, nil); err != nil {
		return err
	}
	return c.fresh()
}

func (r *records) list(ctx context.Context, c *call) error {
	call := r.read(c, roundtrip.List)
	if err := wire.ReadList(r.door.plans, c.format, c.in, call); err != nil {
		return err
	}
	if err := c.do(ctx, call, nil); err != nil {
		return err
	}
	return c.fresh()
}

func (r *records) aggregate(ctx context.Context, c *call) error {
	call := r.read(c, roundtrip.Aggregate)
	if err := wire.ReadAggregate(r.door.plans, c.format, c.in, call); err != nil {
		return err
	}
	if err := c.do(ctx, call, nil); err != nil {
		return err
	}
	return c.fresh()
}

// read begins the call of a read.
func (r *records) read(c *call, action roundtrip.Action) *roundtrip.Call {
	c.query.Action, c.query.Collection = action, r.collection
	return &c.query
}

func (r *records) create(ctx context.Context, c *call) error {
	return r.write(ctx, c, roundtrip.Create, wire.ReadCreate)
}

func (r *records) update(ctx context.Context, c *call) error {
	return r.write(ctx, c, roundtrip.Update, wire.ReadUpdate)
}

// write does a create or update. Files that came with it are on the disk before, and in their places just before the store
// is asked.
func (r *records) write(ctx context.Context, c *call, action roundtrip.Action, read func(*wire.Plans, wire.Format, []byte, *roundtrip.Call, wire.Files) error) error {
	call, err := c.newWrite(action, r.collection)
	if err != nil {
		return err
	}
	staged := staging.Files{Core: r.door.core}
	err = read(r.door.plans, c.format, c.in, call, func(field *roundtrip.Field, name string, content []byte) (roundtrip.Value, error) {
		return staged.Stage(ctx, field, name, bytes.NewReader(content))
	})
	if err != nil {
		staged.Discard()
		return err
	}
	var before func(context.Context) error
	if staged.Len() > 0 {
		before = func(ctx context.Context) error { return staged.Keep(ctx, call) }
	}
	err = c.do(ctx, call, before)
	staged.End(err, c.answer.Replayed)
	c.markReplay()
	return err
}

func (r *records) remove(ctx context.Context, c *call) error {
	call, err := c.newWrite(roundtrip.Delete, r.collection)
	if err != nil {
		return err
	}
	if err := wire.ReadDelete(r.door.plans, c.format, c.in, call); err != nil {
		return err
	}
	err = c.do(ctx, call, nil)
	c.markReplay()
	return err
}

// admit asks for a caller who sends a large file whether any record could make them welcome.
func (r *records) admit(action roundtrip.Action) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		c.visit.Call = &roundtrip.Call{
			Action: action, Collection: r.collection, Input: roundtrip.NewRecord(r.collection), Time: r.door.core.Now(), Addr: c.from.Addr,
		}
		return r.door.core.Admit(ctx, &c.visit)
	}
}

// newWrite begins the call of a write. The idempotency key may stand in the metadata, as at REST, or in the message.
func (c *call) newWrite(action roundtrip.Action, collection *roundtrip.Collection) (*roundtrip.Call, error) {
	call := &roundtrip.Call{Action: action, Collection: collection}
	keys := c.request.Header["Idempotency-Key"]
	if len(keys) == 0 {
		return call, nil
	}
	if len(keys) > 1 || !input.GoodKey(keys[0]) {
		return nil, roundtrip.E(roundtrip.Invalid, "request.invalid", "the metadata idempotency-key is wrong: %s", input.KeyForm).
			With(roundtrip.Detail{Parameter: "Idempotency-Key", Code: "header", Message: input.KeyForm})
	}
	call.Key = keys[0]
	return call, nil
}

// markReplay says that the answer is the one of an earlier call with the same key.
func (c *call) markReplay() {
	if c.answer.Replayed {
		c.header["Idempotency-Replayed"] = []string{"true"}
	}
}
