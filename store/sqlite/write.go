package sqlite

import (
	"context"
	"fmt"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// Write does a Create, Update, Delete or Batch and returns when it is durable.
func (s *Store) Write(ctx context.Context, p *policy.Permit) (*store.Result, error) {
	result := &store.Result{}
	err := s.seen(&op{
		ctx: ctx, permit: p, run: func(t *tx) error { return t.permitted(p, result) },
		wait: s.opts.PoolWait, name: s.writeName(p), done: make(chan struct{}),
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// seen sees an op through, with its wait and its commit as steps of the journey.
func (s *Store) seen(o *op) error {
	journey := trace.From(o.ctx)
	if journey != nil {
		o.by = journey.ID
	}
	o.step = journey.Begin(trace.Pool, "store.writer").N(int64(len(s.queue)), queueMax)
	err := s.await(o)
	end(o.step, err)
	return err
}

func (s *Store) writeName(p *policy.Permit) string {
	if p.Action() == roundtrip.Batch {
		return "batch"
	}
	t := s.table(p.Collection())
	switch p.Action() {
	case roundtrip.Create:
		return t.names.create
	case roundtrip.Update:
		return t.names.update
	default:
		return t.names.remove
	}
}

// several reports whether a write may change more than one row, and so needs a savepoint. Most don't: what every write
// leaves behind beside its record is gathered, and written when nothing can fail any more but the commit itself.
func (t *tx) several(p *policy.Permit) bool {
	switch p.Action() {
	case roundtrip.Batch:
		return true
	case roundtrip.Delete:
		now := t.s.table(p.Collection()).now
		return now != nil && now.hangs()
	default:
		return false
	}
}

// permitted does one permitted write with its idempotency key.
func (t *tx) permitted(p *policy.Permit, result *store.Result) error {
	*result = store.Result{} // the writer may run an op again
	if p.Call().Key != "" {
		replayed, err := t.replay(p, result)
		if err != nil || replayed {
			return err
		}
	}
	if err := t.write(p, result); err != nil {
		return err
	}
	if p.Call().Key != "" {
		return t.remember(p, result)
	}
	return nil
}

func (t *tx) write(p *policy.Permit, result *store.Result) error {
	if p.Action() != roundtrip.Batch {
		record, err := t.one(p)
		if err != nil {
			return err
		}
		result.Records = []*roundtrip.Record{record}
		return nil
	}
	result.Records = make([]*roundtrip.Record, 0, len(p.Ops()))
	for i, op := range p.Ops() {
		record, err := t.one(op)
		if err != nil {
			return ofOp(i, err)
		}
		result.Records = append(result.Records, record)
	}
	return nil
}

func (t *tx) one(p *policy.Permit) (*roundtrip.Record, error) {
	switch p.Action() {
	case roundtrip.Create:
		return t.create(p)
	case roundtrip.Update:
		return t.update(p)
	case roundtrip.Delete:
		return nil, t.delete(p)
	default:
		return nil, roundtrip.E(roundtrip.Internal, "store.failed", "")
	}
}

// ofOp says which write of a batch an error is about.
func ofOp(i int, err error) error {
	e := *roundtrip.AsError(err)
	at := fmt.Sprintf("/ops/%d", i)
	details := make([]roundtrip.Detail, 0, len(e.Details)+1)
	for _, d := range e.Details {
		if d.Parameter == "" {
			d.Pointer = at + d.Pointer
		}
		details = append(details, d)
	}
	if len(details) == 0 {
		details = append(details, roundtrip.Detail{Pointer: at, Code: e.Kind.Code(), Message: e.Public})
	}
	e.Details = details
	return &e
}
