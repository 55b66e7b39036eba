package proxy_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// service is a real gRPC server behind the gate.
type service struct {
	testpb.UnimplementedTestServiceServer

	came chan bool     // gets a value when a call begins to wait: whether it has a deadline
	left chan struct{} // and one when it is let go
}

func (s *service) UnaryCall(ctx context.Context, in *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	_ = grpc.SetHeader(ctx, metadata.Pairs("x-forwarded-proto", strings.Join(md.Get("x-forwarded-proto"), ",")))
	_ = grpc.SetTrailer(ctx, metadata.Pairs("x-sum", "42", "x-bin", "\x00\xff"))
	if want := in.GetResponseStatus(); want != nil {
		return nil, status.Error(codes.Code(want.GetCode()), want.GetMessage())
	}
	return &testpb.SimpleResponse{Payload: in.GetPayload()}, nil
}

func (s *service) EmptyCall(ctx context.Context, _ *testpb.Empty) (*testpb.Empty, error) {
	_, limited := ctx.Deadline()
	s.came <- limited
	<-ctx.Done()
	s.left <- struct{}{}
	return nil, ctx.Err()
}

func (s *service) StreamingOutputCall(in *testpb.StreamingOutputCallRequest, out grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
	for _, p := range in.GetResponseParameters() {
		if err := out.Send(&testpb.StreamingOutputCallResponse{Payload: &testpb.Payload{Body: make([]byte, p.GetSize())}}); err != nil {
			return err
		}
	}
	return nil
}

func (s *service) FullDuplexCall(both grpc.BidiStreamingServer[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]) error {
	for {
		in, err := both.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if in.GetResponseStatus() != nil { // ends before the client does
			return status.Error(codes.Code(in.GetResponseStatus().GetCode()), in.GetResponseStatus().GetMessage())
		}
		if err := both.Send(&testpb.StreamingOutputCallResponse{Payload: in.GetPayload()}); err != nil {
			return err
		}
	}
}

// calls opens a gRPC client of the gate, over TLS, in front of a gRPC server without.
func calls(t *testing.T) (testpb.TestServiceClient, *service, *house) {
	t.Helper()
	ln := listen(t)
	s := &service{came: make(chan bool, 1), left: make(chan struct{}, 1)}
	server := grpc.NewServer()
	testpb.RegisterTestServiceServer(server, s)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	h := open(t, at("h2c://"+ln.Addr().String()))
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	return dialRPC(t, h), s, h
}

func dialRPC(t *testing.T, h *house) testpb.TestServiceClient {
	t.Helper()
	c, err := grpc.NewClient("passthrough:///"+h.secure, grpc.WithAuthority("app.localhost"),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: h.roots, ServerName: "app.localhost"})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return testpb.NewTestServiceClient(c)
}

func TestProxy_CarriesUnaryCalls(t *testing.T) {
	t.Parallel()
	c, _, h := calls(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, size := range []int{0, 1, 1000, 1 << 20} {
		var head, trailer metadata.MD
		body := []byte(strings.Repeat("x", size))
		res, err := c.UnaryCall(ctx, &testpb.SimpleRequest{Payload: &testpb.Payload{Body: body}}, grpc.Header(&head), grpc.Trailer(&trailer))
		if err != nil || string(res.GetPayload().GetBody()) != string(body) {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if head.Get("x-forwarded-proto")[0] != "https" || trailer.Get("x-sum")[0] != "42" || trailer.Get("x-bin")[0] != "\x00\xff" || len(head.Get("x-journey")) != 1 {
			t.Errorf("head %v, trailer %v", head, trailer)
		}
	}
	_, err := c.UnaryCall(ctx, &testpb.SimpleRequest{ResponseStatus: &testpb.EchoStatus{Code: 9, Message: "not now: 100 % é"}})
	if s := status.Convert(err); s.Code() != codes.FailedPrecondition || s.Message() != "not now: 100 % é" {
		t.Errorf("%v", err)
	}
	for _, code := range []string{"OK", "FAILED_PRECONDITION"} {
		h.await(t, "a call that ended with "+code, func(s trace.Snapshot) bool { return s.Code.String() == code && s.RPC == "gRPC" })
	}
}

func TestProxy_CarriesStreamsOfCalls(t *testing.T) {
	t.Parallel()
	c, _, _ := calls(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	in := &testpb.StreamingOutputCallRequest{}
	for i := range 50 {
		in.ResponseParameters = append(in.ResponseParameters, &testpb.ResponseParameters{Size: int32(i * 2000)})
	}
	out, err := c.StreamingOutputCall(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		m, err := out.Recv()
		if err != nil || len(m.GetPayload().GetBody()) != i*2000 {
			t.Fatalf("message %d: %d bytes, %v", i, len(m.GetPayload().GetBody()), err)
		}
	}
	if _, err := out.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}

	both, err := c.FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 { // each is answered before the next is sent
		text := strings.Repeat("y", i*1000)
		if err := both.Send(&testpb.StreamingOutputCallRequest{Payload: &testpb.Payload{Body: []byte(text)}}); err != nil {
			t.Fatal(err)
		}
		m, err := both.Recv()
		if err != nil || string(m.GetPayload().GetBody()) != text {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	_ = both.CloseSend()
	if _, err := both.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}

	early, err := c.FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_ = early.Send(&testpb.StreamingOutputCallRequest{ResponseStatus: &testpb.EchoStatus{Code: 8, Message: "enough"}})
	if _, err := early.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("%v", err)
	}
}

func TestProxy_CarriesDeadlinesAndEndsOfCalls(t *testing.T) {
	t.Parallel()
	c, s, h := calls(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() {
		if !<-s.came {
			t.Error("the call has lost its deadline")
		}
		cancel()
	}()
	if _, err := c.EmptyCall(ctx, &testpb.Empty{}); status.Code(err) != codes.Canceled {
		t.Errorf("%v", err)
	}
	<-s.left
	for _, p := range h.pools {
		if s := p.State()[0]; s.Faults != 0 {
			t.Errorf("%+v", s)
		}
	}
}

func TestProxy_AnswersCallsThatReachNobody(t *testing.T) {
	t.Parallel()
	gone := listen(t)
	_ = gone.Close()
	for _, scheme := range []string{"h2c", "http"} {
		h := open(t, at(scheme+"://"+gone.Addr().String()))
		c := dialRPC(t, h)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.UnaryCall(ctx, &testpb.SimpleRequest{})
		if s := status.Convert(err); s.Code() != codes.Unavailable || strings.Contains(s.Message(), "127.0.0.1") {
			t.Errorf("%v", err)
		}
		info := &errdetails.ErrorInfo{}
		for _, d := range status.Convert(err).Details() {
			info, _ = d.(*errdetails.ErrorInfo)
		}
		if info.GetReason() != "PROXY_CONNECT_REFUSED" || info.GetDomain() != "roundtrip" || info.GetMetadata()["code"] != "proxy.connect_refused" || len(info.GetMetadata()["journey"]) != 32 {
			t.Errorf("details %v", status.Convert(err).Details())
		}
		h.await(t, "journey", func(s traceSnapshot) bool { return s.Reason.Code() == "proxy.connect_refused" })
	}
}
