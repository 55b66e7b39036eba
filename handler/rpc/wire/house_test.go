package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
)

// bodies are the same message in both formats, made by the library of protobuf from its JSON.
func (w world) bodies(t testing.TB, name, text string) map[wire.Format][]byte {
	t.Helper()
	md := w.api.Message(name)
	if md == nil {
		t.Fatalf("there is no message %s", name)
	}
	m := dynamicpb.NewMessage(md)
	if err := protojson.Unmarshal([]byte(text), m); err != nil {
		t.Fatalf("%s %s: %v", name, text, err)
	}
	return map[wire.Format][]byte{wire.Proto: marshal(t, m), wire.JSON: []byte(text)}
}

// show writes all of a call that a door fills, so that two can be compared.
func show(c *roundtrip.Call) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s id=%s match=%d key=%s", c.Action, c.ID, c.IfMatch, c.Key)
	q := &c.Query
	fmt.Fprintf(&b, " filter=%q order=%q size=%d token=%q fields=%q expand=%q count=%v group=%q select=%q", q.Filter, q.OrderBy, q.PageSize, q.PageToken, q.Fields, q.Expand, q.Count, q.GroupBy, q.Select)
	if c.Input != nil {
		for i, f := range c.Collection.Fields {
			if c.Input.Set[i] {
				fmt.Fprintf(&b, " %s=%s", f.Name, c.Input.Values[i].AppendJSON(nil))
			}
		}
	}
	for _, s := range c.Same {
		fmt.Fprintf(&b, " %s==%s", c.Collection.Fields[s.Field].Name, s.Value.AppendJSON(nil))
	}
	for _, a := range c.Adds {
		fmt.Fprintf(&b, " %s+=%s", c.Collection.Fields[a.Field].Name, a.By.AppendJSON(nil))
	}
	for _, d := range c.Wrong {
		fmt.Fprintf(&b, " WRONG %s %s", d.Pointer, d.Code)
	}
	for i := range c.Ops {
		if c.Ops[i].Collection == nil { // an op that is none; what is wrong with it is an error
			continue
		}
		fmt.Fprintf(&b, "\n  %s %s", c.Ops[i].Collection.Name, show(&c.Ops[i]))
	}
	return b.String()
}

// fails writes an error and where it points.
func fails(err error) string {
	e := roundtrip.AsError(err)
	s := e.Reason
	for _, d := range e.Details {
		s += " " + d.Pointer + d.Parameter + " " + d.Code
	}
	return s
}

// stage is a file store that keeps nothing.
func stage(f *roundtrip.Field, name string, content []byte) (roundtrip.Value, error) {
	return roundtrip.JSON(fmt.Sprintf(`{"id":"of %s","name":%q,"size":%d}`, f.Name, name, len(content))), nil
}

// read reads a request of an action on photos.
func (w world) read(f wire.Format, action roundtrip.Action, body []byte) (*roundtrip.Call, error) {
	call := &roundtrip.Call{Action: action, Collection: w.schema.Lookup("photos")}
	switch action {
	case roundtrip.Get:
		return call, wire.ReadGet(w.plans, f, body, call)
	case roundtrip.List:
		return call, wire.ReadList(w.plans, f, body, call)
	case roundtrip.Aggregate:
		return call, wire.ReadAggregate(w.plans, f, body, call)
	case roundtrip.Create:
		return call, wire.ReadCreate(w.plans, f, body, call, stage)
	case roundtrip.Update:
		return call, wire.ReadUpdate(w.plans, f, body, call, stage)
	case roundtrip.Delete:
		return call, wire.ReadDelete(w.plans, f, body, call)
	default:
		call.Collection = nil
		return call, wire.ReadBatch(w.plans, f, body, call)
	}
}

// requestOf is the message that an action takes.
func requestOf(a roundtrip.Action) string {
	switch a {
	case roundtrip.Get:
		return "GetPhotoRequest"
	case roundtrip.List:
		return "ListPhotosRequest"
	case roundtrip.Aggregate:
		return "AggregatePhotosRequest"
	case roundtrip.Create:
		return "CreatePhotoRequest"
	case roundtrip.Update:
		return "UpdatePhotoRequest"
	case roundtrip.Delete:
		return "DeletePhotoRequest"
	default:
		return "BatchRequest"
	}
}
