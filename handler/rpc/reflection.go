package rpc

import (
	"context"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// serveReflection lets tools ask what is served (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md). They
// see the descriptors of this door and of nothing else in the program.
func (d *Door) serveReflection() {
	reflector := grpcreflect.NewReflector(
		grpcreflect.NamerFunc(d.Services),
		grpcreflect.WithDescriptorResolver(d.api.Files()),
		grpcreflect.WithExtensionResolver(&protoregistry.Types{}),
	)
	limit := connect.WithHandlerOptions(connect.WithReadMaxBytes(messageMaxBytes), unpacking(messageMaxBytes), connect.WithInterceptors(foreign{}))
	m := &method{name: "ServerReflectionInfo", reads: true, stream: nil}
	path, handler := grpcreflect.NewHandlerV1(reflector, limit)
	d.methods[path[1:]+m.name] = &endpoint{method: m, route: path + m.name, handler: handler, foreign: true}
	path, handler = grpcreflect.NewHandlerV1Alpha(reflector, limit)
	d.methods[path[1:]+m.name] = &endpoint{method: m, route: path + m.name, handler: handler, foreign: true}
}

// foreign joins a handler that is not ours with the call that it serves. It is a [connect.Interceptor].
type foreign struct{}

func (foreign) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

func (foreign) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (foreign) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		c := callOf(ctx)
		c.reached = true
		if err := next(ctx, conn); err != nil {
			return c.fail(ctx, ofConnect(err, messageMaxBytes))
		}
		return nil
	}
}

// StandardServices returns the names of those services that every server of gRPC has, which no schema declares.
func StandardServices() []string {
	return []string{protobuf.HealthService, grpcreflect.ReflectV1ServiceName, grpcreflect.ReflectV1AlphaServiceName}
}

// Services returns the full names of the services, as reflection lists them.
func (d *Door) Services() []string {
	return append(append([]string(nil), d.api.Services...), protobuf.HealthService)
}
