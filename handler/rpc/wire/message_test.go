package wire_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// message makes the message of a record by way of descriptors: the judge of the encoders, which know none.
func (w world) message(t testing.TB, record *roundtrip.Record, mask []bool) *dynamicpb.Message {
	t.Helper()
	m := dynamicpb.NewMessage(w.api.Message(protobuf.MessageName(w.schema, record.Collection)))
	for i := range record.Collection.Fields {
		if !record.Null(i) && (mask == nil || mask[i]) {
			w.put(t, m, record, i, i)
		}
	}
	return m
}

// put sets the field of one position from the value of another.
func (w world) put(t testing.TB, m protoreflect.Message, record *roundtrip.Record, field, at int) {
	t.Helper()
	f := record.Collection.Fields[field]
	d := m.Descriptor().Fields().ByName(protoreflect.Name(f.Name))
	if d == nil {
		t.Fatalf("%s has no field %s", m.Descriptor().FullName(), f.Name)
	}
	v := record.Values[at]
	switch f.Type {
	case roundtrip.TypeInt, roundtrip.TypeCount:
		if field == roundtrip.FieldETag {
			m.Set(d, protoreflect.ValueOfString(string(roundtrip.Int(v.Int()).AppendJSON(nil))))
			return
		}
		m.Set(d, protoreflect.ValueOfInt64(v.Int()))
	case roundtrip.TypeFloat:
		m.Set(d, protoreflect.ValueOfFloat64(v.Float()))
	case roundtrip.TypeBool:
		m.Set(d, protoreflect.ValueOfBool(v.Bool()))
	case roundtrip.TypeRef, roundtrip.TypeID:
		m.Set(d, protoreflect.ValueOfString(v.ID().String()))
	case roundtrip.TypeTime:
		stamp := m.Mutable(d).Message()
		fields := stamp.Descriptor().Fields()
		stamp.Set(fields.ByName("seconds"), protoreflect.ValueOfInt64(v.Time().Unix()))
		stamp.Set(fields.ByName("nanos"), protoreflect.ValueOfInt32(int32(v.Time().Nanosecond())))
	case roundtrip.TypeJSON:
		unmarshalJSON(t, v.Text(), m.Mutable(d).Message())
	case roundtrip.TypeFile:
		unmarshalJSON(t, v.Text(), m.Mutable(d).Message())
	default:
		m.Set(d, protoreflect.ValueOfString(v.Text()))
	}
}

func unmarshalJSON(t testing.TB, text string, m protoreflect.Message) {
	t.Helper()
	if err := protojson.Unmarshal([]byte(text), m.Interface()); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sameAs compares what an encoder wrote with a message: the bytes in Proto, the meaning in JSON.
func sameAs(t testing.TB, want *dynamicpb.Message, inProto, inJSON []byte) {
	t.Helper()
	if b := marshal(t, want); string(b) != string(inProto) {
		t.Fatalf("proto:\n have %x\n want %x\n of %v", inProto, b, want)
	}
	read := dynamicpb.NewMessage(want.Descriptor())
	if err := protojson.Unmarshal(inJSON, read); err != nil {
		t.Fatalf("JSON: %v\n%s", err, inJSON)
	}
	if string(marshal(t, read)) != string(marshal(t, want)) {
		t.Fatalf("JSON:\n have %s\n want %v", inJSON, want)
	}
}

// unmarshal reads a record's message.
func (w world) unmarshal(c *roundtrip.Collection, b []byte) error {
	return proto.Unmarshal(b, dynamicpb.NewMessage(w.api.Message(protobuf.MessageName(w.schema, c))))
}
