package wire

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip"
)

// Transcode appends the message that a JSON text of ours means, in either format. The text is what REST and the streams
// write: ProtoJSON that has numbers for 64 bits, and null for what is not there. A member that the message does not have is an
// error: the two would have grown apart. It goes through descriptors, and is for what is written once for many.
func Transcode(b []byte, md protoreflect.MessageDescriptor, json []byte, f Format) ([]byte, error) {
	m := dynamicpb.NewMessage(md)
	if err := protojson.Unmarshal(json, m); err != nil {
		return b, &roundtrip.Error{Kind: roundtrip.Internal, Reason: "app.internal", Op: "wire.transcode " + string(md.FullName()), Err: err}
	}
	dropNull(m)
	if f == Proto {
		return appended(proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, m))
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return appended(b, err)
	}
	v := jsontext.Value(text) // protojson puts spaces into it at random
	if err := v.Compact(); err != nil {
		return appended(b, err)
	}
	return append(b, v...), nil
}

func appended(b []byte, err error) ([]byte, error) { return b, roundtrip.Wrap("wire.transcode", err) }

// dropNull takes google.protobuf.Values away that are null and no element of anything: null is for what is not there, as in
// a record.
func dropNull(m protoreflect.Message) {
	if strings.HasPrefix(string(m.Descriptor().FullName()), "google.protobuf.") {
		return
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				dropNull(v.List().Get(i).Message())
			}
		case f.IsMap():
			if f.MapValue().Message() != nil {
				v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
					dropNull(v.Message())
					return true
				})
			}
		case f.Message().FullName() == "google.protobuf.Value" && isNull(v.Message()):
			m.Clear(f)
		default:
			dropNull(v.Message())
		}
		return true
	})
}

func isNull(value protoreflect.Message) bool {
	kind := value.WhichOneof(value.Descriptor().Oneofs().ByName("kind"))
	return kind == nil || kind.Name() == "null_value"
}
