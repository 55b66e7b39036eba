package rpc_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// roots is who vouches for the test's server.
func (h *house) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(h.server.Certificate())
	return pool
}

// TestDoor_ServesGRPCGo calls with the client that most programs in Go have.
func TestDoor_ServesGRPCGo(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	conn, err := grpc.NewClient(strings.TrimPrefix(h.server.URL, "https://"), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: h.roots(), ServerName: "example.com"})))
	must(t, err)
	defer func() { must(t, conn.Close()) }()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+ana.token)
	call := func(ctx context.Context, path, body string, options ...grpc.CallOption) (*dynamicpb.Message, error) {
		m := h.method(path)
		in, out := dynamicpb.NewMessage(m.Input()), dynamicpb.NewMessage(m.Output())
		must(t, protojson.Unmarshal([]byte(body), in))
		return out, conn.Invoke(ctx, "/gallery.v1."+path, in, out, options...)
	}
	text := func(m *dynamicpb.Message, name protoreflect.Name) string {
		return m.Get(m.Descriptor().Fields().ByName(name)).String()
	}
	made, err := call(ctx, "Photos/Create", `{"photo":{"caption":"`+strings.Repeat("é", 2000)+`"}}`, grpc.UseCompressor(gzip.Name))
	must(t, err)
	var header metadata.MD
	got, err := call(ctx, "Photos/Get", `{"id":"`+text(made, "id")+`"}`, grpc.Header(&header))
	must(t, err)
	if text(got, "caption") != strings.Repeat("é", 2000) || len(header["x-journey"]) != 1 {
		t.Errorf("it is %v, with %v", got, header)
	}
	_, err = call(ctx, "Photos/Create", `{"photo":{"caption":"`+strings.Repeat("é", 2201)+`"}}`)
	s := status.Convert(err)
	if s.Code() != codes.InvalidArgument || !strings.Contains(s.Message(), "2200") || len(s.Details()) != 2 {
		t.Fatalf("%v %v", err, s.Details())
	}
	if info, ok := s.Details()[0].(*errdetails.ErrorInfo); !ok || info.GetMetadata()["code"] != "schema.invalid" {
		t.Errorf("%v", s.Details())
	}
	if request, ok := s.Details()[1].(*errdetails.BadRequest); !ok || request.GetFieldViolations()[0].GetField() != "caption" {
		t.Errorf("%v", s.Details())
	}
	if _, err := call(t.Context(), "Photos/Create", `{"photo":{}}`); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a stranger: %v", err)
	}
	if err := conn.Invoke(ctx, "/gallery.v1.Photos/Fetch", made, made); status.Code(err) != codes.Unimplemented {
		t.Errorf("no such method: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := call(ended, "Photos/List", `{}`); status.Code(err) != codes.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}
