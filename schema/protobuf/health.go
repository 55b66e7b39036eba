package protobuf

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// HealthService is the name under which load balancers ask whether a server serves.
const HealthService = "grpc.health.v1.Health"

// health returns the descriptor of the standard health check, grpc/health/v1/health.proto
// (https://github.com/grpc/grpc/blob/master/doc/health-checking.md): its methods Check and Watch.
func health() *descriptorpb.FileDescriptorProto {
	const response = ".grpc.health.v1.HealthCheckResponse"
	request := &descriptorpb.DescriptorProto{Name: proto.String("HealthCheckRequest"), Field: []*descriptorpb.FieldDescriptorProto{{
		Name: proto.String("service"), JsonName: proto.String("service"), Number: proto.Int32(1),
		Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
	}}}
	status := &descriptorpb.EnumDescriptorProto{Name: proto.String("ServingStatus")}
	for i, name := range []string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"} {
		status.Value = append(status.Value, &descriptorpb.EnumValueDescriptorProto{Name: proto.String(name), Number: proto.Int32(int32(i))})
	}
	answer := &descriptorpb.DescriptorProto{
		Name: proto.String("HealthCheckResponse"), EnumType: []*descriptorpb.EnumDescriptorProto{status},
		Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String("status"), JsonName: proto.String("status"), Number: proto.Int32(1),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_ENUM.Enum(),
			TypeName: proto.String(response + ".ServingStatus"),
		}},
	}
	method := func(name string, stream bool) *descriptorpb.MethodDescriptorProto {
		m := &descriptorpb.MethodDescriptorProto{Name: &name, InputType: proto.String(".grpc.health.v1.HealthCheckRequest"), OutputType: proto.String(response)}
		if stream {
			m.ServerStreaming = &stream
		}
		return m
	}
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("grpc/health/v1/health.proto"), Package: proto.String("grpc.health.v1"), Syntax: proto.String("proto3"),
		Options:     &descriptorpb.FileOptions{GoPackage: proto.String("google.golang.org/grpc/health/grpc_health_v1")},
		MessageType: []*descriptorpb.DescriptorProto{request, answer},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name:   proto.String("Health"),
			Method: []*descriptorpb.MethodDescriptorProto{method("Check", false), method("Watch", true)},
		}},
	}
}
