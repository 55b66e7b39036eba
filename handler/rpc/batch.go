package rpc

import (
	"context"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

func (d *Door) batchMethods() []method {
	return []method{{name: "Write", unary: d.batch}}
}

// batch does several writes, or none of them.
func (d *Door) batch(ctx context.Context, c *call) error {
	call, err := c.newWrite(roundtrip.Batch, nil)
	if err != nil {
		return err
	}
	if err := wire.ReadBatch(d.plans, c.format, c.in, call); err != nil {
		return d.inOps(call, err)
	}
	err = c.do(ctx, call, nil)
	c.markReplay()
	if err != nil {
		return d.inOps(call, err)
	}
	return nil
}

// inOps leads the pointers of an error from where they are at REST, /ops/3/data/caption, to where they are in a
// BatchRequest: /ops/3/create_photos/photo/caption.
func (d *Door) inOps(call *roundtrip.Call, err error) error {
	e := *roundtrip.AsError(err)
	e.Details = append([]roundtrip.Detail(nil), e.Details...)
	for i := range e.Details {
		pointer := &e.Details[i].Pointer
		rest, ok := strings.CutPrefix(*pointer, "/ops/")
		number, member, deeper := strings.Cut(rest, "/")
		n, wrong := strconv.Atoi(number)
		if !ok || !deeper || wrong != nil || n < 0 || n >= len(call.Ops) || call.Ops[n].Collection == nil {
			continue
		}
		op := &call.Ops[n]
		single := protobuf.Single(d.core.Schema().Schema, op.Collection)
		switch data, ok := strings.CutPrefix(member, "data/"); {
		case ok:
			member = single + "/" + data
		case op.Action != roundtrip.Delete && (member == "id" || member == "etag"): // they are the record's
			member = single + "/" + member
		}
		*pointer = "/ops/" + number + "/" + op.Action.String() + "_" + op.Collection.Name + "/" + member
	}
	return &e
}
