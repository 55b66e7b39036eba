package protobuf_test

import (
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// What we say of google.rpc is what others know of it: names, numbers and types.
func TestErrorDetails_AreThoseOfGoogleRPC(t *testing.T) {
	t.Parallel()
	files := build(t, load(t, "testdata/gallery.yaml")).Files()
	for _, known := range []protoreflect.MessageDescriptor{
		(&errdetails.ErrorInfo{}).ProtoReflect().Descriptor(), (&errdetails.RetryInfo{}).ProtoReflect().Descriptor(),
		(&errdetails.BadRequest{}).ProtoReflect().Descriptor(), (&errdetails.BadRequest_FieldViolation{}).ProtoReflect().Descriptor(),
	} {
		found, err := files.FindDescriptorByName(known.FullName())
		if err != nil {
			t.Fatal(err)
		}
		ours := found.(protoreflect.MessageDescriptor)
		for i := range ours.Fields().Len() {
			f := ours.Fields().Get(i)
			g := known.Fields().ByNumber(f.Number())
			if g == nil || protodesc.ToFieldDescriptorProto(f).String() != protodesc.ToFieldDescriptorProto(g).String() {
				t.Errorf("%s is %v, not %v", f.FullName(), protodesc.ToFieldDescriptorProto(f), protodesc.ToFieldDescriptorProto(g))
			}
		}
		if ours.Fields().Len() == 0 {
			t.Errorf("%s has no fields", known.FullName())
		}
	}
}
