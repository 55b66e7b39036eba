package wire_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
)

// outcome is all that reading a message gives.
func (w world) outcome(f wire.Format, name string, action roundtrip.Action, body []byte) string {
	if name == "WatchPhotosRequest" {
		topic, cursor, err := wire.ReadWatch(w.plans, w.schema.Lookup("photos"), f, body)
		return fmt.Sprint(topic, " ", cursor, err)
	}
	call, err := w.read(f, action, body)
	if err != nil {
		return fails(err)
	}
	return show(call)
}

// The tables know all fields of the descriptors, by number and by name: each of them changes what is read, in both formats
// alike, but for those of a record that the server keeps.
func TestRead_KnowsAllFieldsOfTheDescriptors(t *testing.T) {
	t.Parallel()
	w := gallery(t)
	for _, m := range []struct {
		name   string
		action roundtrip.Action
		base   string
		inside protoreflect.Name // a message of it whose fields are looked at as well
	}{
		{"GetPhotoRequest", roundtrip.Get, `{"id":"` + idA + `"}`, ""},
		{"ListPhotosRequest", roundtrip.List, `{}`, ""},
		{"AggregatePhotosRequest", roundtrip.Aggregate, `{}`, ""},
		{"WatchPhotosRequest", 0, `{}`, ""},
		{"CreatePhotoRequest", roundtrip.Create, `{}`, "photo"},
		{"UpdatePhotoRequest", roundtrip.Update, `{"photo":{"id":"` + idA + `"}}`, "photo"},
		{"DeletePhotoRequest", roundtrip.Delete, `{"id":"` + idA + `"}`, ""},
		{"BatchRequest", roundtrip.Batch, `{"ops":[{"delete_photos":{"id":"` + idA + `"}}]}`, ""},
	} {
		base := w.bodies(t, m.name, m.base)
		fields := w.api.Message(m.name).Fields()
		for i := range fields.Len() {
			w.differs(t, m.name, m.action, base, nil, fields.Get(i))
		}
		if m.inside != "" {
			inside := fields.ByName(m.inside)
			for i := range inside.Message().Fields().Len() {
				w.differs(t, m.name, m.action, base, inside, inside.Message().Fields().Get(i))
			}
		}
	}
	ops := w.api.Message("BatchRequest.Op").Fields()
	for i := range ops.Len() {
		f := ops.Get(i)
		text := fmt.Sprintf(`{"ops":[{%q:{}}]}`, f.Name())
		bodies := w.bodies(t, "BatchRequest", text)
		inProto, inJSON := w.outcome(wire.Proto, "BatchRequest", roundtrip.Batch, bodies[wire.Proto]), w.outcome(wire.JSON, "BatchRequest", roundtrip.Batch, bodies[wire.JSON])
		if inProto != inJSON || inProto == "request.invalid /ops/0 required" {
			t.Errorf("%s: %s; %s", text, inProto, inJSON)
		}
	}
}

// differs sets one field more than a base has.
func (w world) differs(t *testing.T, name string, action roundtrip.Action, base map[wire.Format][]byte, inside, f protoreflect.FieldDescriptor) {
	t.Helper()
	m := dynamicpb.NewMessage(w.api.Message(name))
	if err := proto.Unmarshal(base[wire.Proto], m); err != nil {
		t.Fatal(err)
	}
	at := protoreflect.Message(m)
	if inside != nil {
		at = m.Mutable(inside).Message()
	}
	set(t, at, f)
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	before := w.outcome(wire.Proto, name, action, base[wire.Proto])
	inProto, inJSON := w.outcome(wire.Proto, name, action, marshal(t, m)), w.outcome(wire.JSON, name, action, text)
	if inside != nil && kept(f.Name(), action) {
		if inProto != before || inJSON != before {
			t.Errorf("%s: the field %s is the server's, and is not passed over:\n before %s\n proto  %s\n JSON   %s", name, f.FullName(), before, inProto, inJSON)
		}
		return
	}
	if inProto != inJSON || inProto == before {
		t.Errorf("%s: the field %s = %d is not read, or not in both formats:\n before %s\n proto  %s\n JSON   %s", name, f.FullName(), f.Number(), before, inProto, inJSON)
	}
}

// kept reports whether a field of a record is the server's own.
func kept(name protoreflect.Name, action roundtrip.Action) bool {
	switch name {
	case "create_time", "update_time", "expand", "likes":
		return true
	case "etag":
		return action == roundtrip.Create
	}
	return false
}

// set gives a field a value that is not zero.
func set(t *testing.T, m protoreflect.Message, f protoreflect.FieldDescriptor) {
	t.Helper()
	switch {
	case f.IsList() && f.Message() != nil:
		item := m.Mutable(f).List().AppendMutable().Message()
		set(t, item, item.Descriptor().Fields().Get(0))
	case f.IsList():
		m.Mutable(f).List().Append(protoreflect.ValueOfString("x"))
	case f.Message() != nil && f.Message().FullName() == "google.protobuf.FieldMask":
		unmarshalJSON(t, `"title"`, m.Mutable(f).Message())
	case f.Message() != nil && f.Message().FullName() == "google.protobuf.Value":
		unmarshalJSON(t, `1`, m.Mutable(f).Message())
	case f.Message() != nil:
		inner := m.Mutable(f).Message()
		last := inner.Descriptor().Fields().Len() - 1
		if last > 0 {
			set(t, inner, inner.Descriptor().Fields().Get(last))
		}
	case f.Kind() == protoreflect.StringKind:
		m.Set(f, protoreflect.ValueOfString("x"))
	case f.Kind() == protoreflect.BytesKind:
		m.Set(f, protoreflect.ValueOfBytes([]byte("x")))
	case f.Kind() == protoreflect.BoolKind:
		m.Set(f, protoreflect.ValueOfBool(true))
	case f.Kind() == protoreflect.Int32Kind:
		m.Set(f, protoreflect.ValueOfInt32(5))
	case f.Kind() == protoreflect.Int64Kind:
		m.Set(f, protoreflect.ValueOfInt64(5))
	case f.Kind() == protoreflect.DoubleKind:
		m.Set(f, protoreflect.ValueOfFloat64(5))
	default:
		t.Fatalf("what is a %s? (%s)", f.Kind(), f.FullName())
	}
}
