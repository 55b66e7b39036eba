package protobuf

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// errorDetails returns those messages of google/rpc/error_details.proto
// (https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto) that our errors carry. The schema's file
// does not import it: it is in the set so that clients generate what reads a reason, and tools that ask by reflection show it.
func errorDetails() *descriptorpb.FileDescriptorProto {
	const pkg = ".google.rpc."
	text, message := descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
	field := func(number int32, name string, kind descriptorpb.FieldDescriptorProto_Type, of string, repeated bool) *descriptorpb.FieldDescriptorProto {
		f := &descriptorpb.FieldDescriptorProto{
			Name: &name, JsonName: proto.String(jsonName(name)), Number: &number, Type: &kind,
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
		if of != "" {
			f.TypeName = &of
		}
		if repeated {
			f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		}
		return f
	}
	info := &descriptorpb.DescriptorProto{
		Name: proto.String("ErrorInfo"),
		Field: []*descriptorpb.FieldDescriptorProto{
			field(1, "reason", text, "", false), field(2, "domain", text, "", false), field(3, "metadata", message, pkg+"ErrorInfo.MetadataEntry", true),
		},
		NestedType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("MetadataEntry"), Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
			Field: []*descriptorpb.FieldDescriptorProto{field(1, "key", text, "", false), field(2, "value", text, "", false)},
		}},
	}
	retry := &descriptorpb.DescriptorProto{
		Name:  proto.String("RetryInfo"),
		Field: []*descriptorpb.FieldDescriptorProto{field(1, "retry_delay", message, ".google.protobuf.Duration", false)},
	}
	request := &descriptorpb.DescriptorProto{
		Name:  proto.String("BadRequest"),
		Field: []*descriptorpb.FieldDescriptorProto{field(1, "field_violations", message, pkg+"BadRequest.FieldViolation", true)},
		NestedType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("FieldViolation"),
			Field: []*descriptorpb.FieldDescriptorProto{
				field(1, "field", text, "", false), field(2, "description", text, "", false), field(3, "reason", text, "", false),
			},
		}},
	}
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("google/rpc/error_details.proto"), Package: proto.String("google.rpc"), Syntax: proto.String("proto3"),
		Dependency:  []string{"google/protobuf/duration.proto"},
		Options:     &descriptorpb.FileOptions{GoPackage: proto.String("google.golang.org/genproto/googleapis/rpc/errdetails;errdetails")},
		MessageType: []*descriptorpb.DescriptorProto{info, retry, request},
	}
}
