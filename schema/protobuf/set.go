package protobuf

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// imports are the files that a schema's file uses, none of which imports another.
func imports() []protoreflect.FileDescriptor {
	return []protoreflect.FileDescriptor{
		emptypb.File_google_protobuf_empty_proto,
		fieldmaskpb.File_google_protobuf_field_mask_proto,
		structpb.File_google_protobuf_struct_proto,
		timestamppb.File_google_protobuf_timestamp_proto,
	}
}

// beside are the files of the set but for the schema's own. Those of google.protobuf and the health check come with every
// library, so no code is to be generated for them; what reads our errors comes with few.
func beside() []*descriptorpb.FileDescriptorProto {
	var files []*descriptorpb.FileDescriptorProto
	for _, f := range append(imports(), durationpb.File_google_protobuf_duration_proto) {
		files = append(files, imported(protodesc.ToFileDescriptorProto(f)))
	}
	return append(files, imported(health()), errorDetails())
}

// imported marks a file as one that others import, as buf does in its images: `buf generate descriptors.binpb` makes no code
// of it. Everybody else skips the mark as a field that they don't know
// (https://buf.build/docs/reference/images/: buf.alpha.image.v1.ImageFileExtension, its is_import).
func imported(f *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
	const extension, isImport = 8042, 1
	mark := protowire.AppendVarint(protowire.AppendTag(nil, isImport, protowire.VarintType), 1)
	f.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, extension, protowire.BytesType), mark))
	return f
}
