package doors_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// raw is a message of RPC as bytes.
type raw struct{ bytes []byte }

// rawCodec gives connect-go the bytes as they are. MarshalStable and IsBinary let it ask with GET. connect-go reads the status of
// an error with it, too: that is a message of its own.
type rawCodec struct{ format string }

func (c rawCodec) Name() string                        { return c.format }
func (c rawCodec) Marshal(v any) ([]byte, error)       { return v.(*raw).bytes, nil }
func (c rawCodec) MarshalStable(v any) ([]byte, error) { return v.(*raw).bytes, nil }
func (c rawCodec) IsBinary() bool                      { return c.format == "proto" }

func (c rawCodec) Unmarshal(bytes []byte, v any) error {
	if m, ok := v.(proto.Message); ok {
		return proto.Unmarshal(bytes, m)
	}
	v.(*raw).bytes = append([]byte{}, bytes...)
	return nil
}

// overConnect is connect-go's client, with one of its protocols.
type overConnect struct {
	client  *http.Client
	base    string
	options []connect.ClientOption
}

func (t *overConnect) to(m protoreflect.MethodDescriptor) *connect.Client[raw, raw] {
	options := t.options
	if onlyReads(m) {
		options = append(options[:len(options):len(options)], connect.WithIdempotency(connect.IdempotencyNoSideEffects))
	}
	return connect.NewClient[raw, raw](t.client, t.base+procedure(m), options...)
}

func (t *overConnect) unary(ctx context.Context, m protoreflect.MethodDescriptor, in []byte, h http.Header) ([]byte, bool, error) {
	req := connect.NewRequest(&raw{in})
	copyHeader(req.Header(), h)
	resp, err := t.to(m).CallUnary(ctx, req)
	if err != nil {
		return nil, false, err
	}
	return resp.Msg.bytes, resp.Header().Get("Idempotency-Replayed") == "true", nil
}

func (t *overConnect) stream(ctx context.Context, m protoreflect.MethodDescriptor, in []byte, h http.Header) (func() ([]byte, error), error) {
	req := connect.NewRequest(&raw{in})
	copyHeader(req.Header(), h)
	stream, err := t.to(m).CallServerStream(ctx, req)
	if err != nil {
		return nil, err
	}
	return func() ([]byte, error) {
		if !stream.Receive() {
			return nil, cmpOr(stream.Err(), io.EOF)
		}
		return stream.Msg().bytes, nil
	}, nil
}

func (t *overConnect) fault(err error) *fault {
	e, ok := errors.AsType[*connect.Error](err)
	if !ok || !connect.IsWireError(err) {
		return nil
	}
	var details []any
	for _, d := range e.Details() {
		if value, err := d.Value(); err == nil {
			details = append(details, value)
		} else {
			details = append(details, err)
		}
	}
	return statusFault(e.Code().String(), e.Message(), details)
}

func copyHeader(to, from http.Header) {
	for name, values := range from {
		to[name] = values
	}
}

// overGRPC is grpc-go's client.
type overGRPC struct{ conn *grpc.ClientConn }

// rawGRPC gives grpc-go the bytes as they are.
type rawGRPC struct{}

func (rawGRPC) Name() string { return "proto" }

func (rawGRPC) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.(*raw).bytes)}, nil
}

func (rawGRPC) Unmarshal(bytes mem.BufferSlice, v any) error {
	v.(*raw).bytes = bytes.Materialize()
	return nil
}

func dialGRPC(address string, roots *tls.Config, from net.Addr) (*overGRPC, error) {
	conn, err := grpc.NewClient("passthrough:///"+site,
		grpc.WithTransportCredentials(credentials.NewTLS(roots)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{LocalAddr: from}).DialContext(ctx, "tcp", address)
		}),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawGRPC{}), grpc.MaxCallRecvMsgSize(32<<20)))
	return &overGRPC{conn}, err
}

func outgoing(ctx context.Context, h http.Header) context.Context {
	md := metadata.MD{}
	for name, values := range h {
		md.Append(strings.ToLower(name), values...)
	}
	return metadata.NewOutgoingContext(ctx, md)
}

func (t *overGRPC) unary(ctx context.Context, m protoreflect.MethodDescriptor, in []byte, h http.Header) ([]byte, bool, error) {
	var out raw
	var header metadata.MD
	err := t.conn.Invoke(outgoing(ctx, h), procedure(m), &raw{in}, &out, grpc.Header(&header))
	replay := header.Get("idempotency-replayed")
	return out.bytes, len(replay) == 1 && replay[0] == "true", err
}

func (t *overGRPC) stream(ctx context.Context, m protoreflect.MethodDescriptor, in []byte, h http.Header) (func() ([]byte, error), error) {
	stream, err := t.conn.NewStream(outgoing(ctx, h), &grpc.StreamDesc{ServerStreams: true}, procedure(m))
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(&raw{in}); err != nil && !errors.Is(err, io.EOF) { // the error is at the other side
		return nil, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	return func() ([]byte, error) {
		var out raw
		err := stream.RecvMsg(&out)
		return out.bytes, err
	}, nil
}

func (t *overGRPC) fault(err error) *fault {
	s, ok := status.FromError(err)
	if !ok {
		return nil
	}
	return statusFault(connect.Code(s.Code()).String(), s.Message(), s.Details())
}
