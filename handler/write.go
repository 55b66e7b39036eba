package handler

import (
	"context"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/policy"
	"github.com/roundtrip-dev/roundtrip/store"
)

// write hands the permit to the store and the outcome to the door.
func (c *Core) write(ctx context.Context, v *Visit) error {
	if err := v.Answer.Begin(ctx, v.permit, nil); err != nil {
		return err
	}
	result, err := c.commit(ctx, v.permit)
	if err != nil {
		return err
	}
	permits := v.permit.Ops()
	if v.Call.Action != roundtrip.Batch {
		permits = []*policy.Permit{v.permit}
	}
	for i, p := range permits {
		if err := c.written(ctx, v, i, p, result); err != nil {
			return err
		}
	}
	return v.Answer.End("", -1, result.Replayed)
}

// commit has the store do a write. A ledger hears of it first, so that nothing is done that it does not know of.
func (c *Core) commit(ctx context.Context, p *policy.Permit) (*store.Result, error) {
	if c.ledger == nil {
		return c.store.Write(ctx, p)
	}
	for _, made := range creates(p.Call()) {
		if made.ID() == 0 { // so that the ledger can name it
			made.Put(roundtrip.FieldID, roundtrip.Ref(c.ids.Next()))
		}
	}
	if err := c.ledger.Writing(ctx, p); err != nil {
		return nil, err
	}
	result, err := c.store.Write(ctx, p)
	if err != nil {
		c.ledger.Failed(ctx, p, err)
	}
	return result, err
}

// creates returns the new records of a write.
func creates(call *roundtrip.Call) []*roundtrip.Record {
	if call.Action == roundtrip.Create {
		return []*roundtrip.Record{call.Input}
	}
	var made []*roundtrip.Record
	for i := range call.Ops {
		made = append(made, creates(&call.Ops[i])...)
	}
	return made
}

func (c *Core) written(ctx context.Context, v *Visit, i int, p *policy.Permit, result *store.Result) error {
	if i >= len(result.Records) || result.Records[i] == nil {
		return v.Answer.Written(i, nil, 0)
	}
	record := result.Records[i]
	shown, err := c.readable(ctx, p.See(), record)
	if err != nil {
		return err
	}
	if !shown {
		return v.Answer.Written(i, nil, record.ETag())
	}
	return v.Answer.Written(i, record, record.ETag())
}

// checkOps checks every write of a batch and says all that is wrong with all of them.
func (c *Core) checkOps(call *roundtrip.Call, who *roundtrip.Principal) error {
	var wrong *roundtrip.Error
	for i := range call.Ops {
		err := c.checkInput(&call.Ops[i], who)
		if err == nil {
			continue
		}
		e := roundtrip.AsError(err)
		if e.Kind != roundtrip.Invalid {
			return e
		}
		if wrong == nil {
			wrong = roundtrip.E(e.Kind, e.Reason, "")
		}
		for _, d := range e.Details {
			d.Pointer = "/ops/" + strconv.Itoa(i) + "/data" + d.Pointer
			wrong.Details = append(wrong.Details, d)
		}
	}
	if wrong == nil {
		return nil
	}
	wrong.Public = strconv.Itoa(len(wrong.Details)) + " values of the batch are wrong; nothing was written"
	if len(wrong.Details) == 1 {
		wrong.Public = "nothing was written: " + wrong.Details[0].Message
	}
	return wrong
}

// inData completes the pointers of a batch's errors: what policy and store say about the record of write N as
// /ops/N/caption stands in the body at /ops/N/data/caption. They name whole fields; what is deeper is complete already,
// also where a field is called data.
func inData(call *roundtrip.Call, err error) error {
	e := *roundtrip.AsError(err)
	e.Details = append([]roundtrip.Detail(nil), e.Details...)
	for i := range e.Details {
		d := &e.Details[i]
		rest, ok := strings.CutPrefix(d.Pointer, "/ops/")
		number, field, deeper := strings.Cut(rest, "/")
		n, bad := strconv.Atoi(number)
		if !ok || !deeper || bad != nil || n < 0 || n >= len(call.Ops) {
			continue
		}
		if _, isField := call.Ops[n].Collection.Lookup(field); isField && call.Ops[n].Input != nil {
			d.Pointer = "/ops/" + number + "/data/" + field
		}
	}
	return &e
}
