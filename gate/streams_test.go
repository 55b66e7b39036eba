package gate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const testService = "grpc.testing.TestService"

// service is an API that serves calls, by connect: one message for one, many for one, and one for each that comes.
func service() http.HandlerFunc {
	mux := http.NewServeMux()
	procedure := func(method string) string { return "/" + testService + "/" + method }
	mux.Handle(procedure("UnaryCall"), connect.NewUnaryHandler(procedure("UnaryCall"),
		func(_ context.Context, in *connect.Request[testpb.SimpleRequest]) (*connect.Response[testpb.SimpleResponse], error) {
			out := connect.NewResponse(&testpb.SimpleResponse{Payload: in.Msg.GetPayload()})
			out.Trailer().Set("Sum", "42")
			return out, nil
		}))
	mux.Handle(procedure("StreamingOutputCall"), connect.NewServerStreamHandler(procedure("StreamingOutputCall"),
		func(ctx context.Context, in *connect.Request[testpb.StreamingOutputCallRequest], out *connect.ServerStream[testpb.StreamingOutputCallResponse]) error {
			for _, p := range in.Msg.GetResponseParameters() {
				if p.GetIntervalUs() > 0 { // until the client goes
					<-ctx.Done()
					return ctx.Err()
				}
				if err := out.Send(&testpb.StreamingOutputCallResponse{Payload: &testpb.Payload{Body: make([]byte, p.GetSize())}}); err != nil {
					return err
				}
			}
			out.ResponseTrailer().Set("Sum", "42")
			return nil
		}))
	mux.Handle(procedure("FullDuplexCall"), connect.NewBidiStreamHandler(procedure("FullDuplexCall"),
		func(_ context.Context, both *connect.BidiStream[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]) error {
			for {
				in, err := both.Receive()
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err != nil {
					return err
				}
				if err := both.Send(&testpb.StreamingOutputCallResponse{Payload: in.GetPayload()}); err != nil {
					return err
				}
			}
		}))
	return mux.ServeHTTP
}

// openService is a gate whose API serves calls.
func openService(t *testing.T, change ...func(*gate.Options)) (h *house, quicAddr string) {
	t.Helper()
	h, quicAddr = openQUIC(t, ok, change...)
	places := sites(h.routes)[:2]
	for i := range places {
		places[i].Routes = []config.Route{{Path: "/", Static: h.routes, SPA: true}, {Path: "/api/", API: true, Compress: true, Limits: &config.Limits{Body: 100_000}}}
	}
	serves(t, h, service(), []string{testService}, places...)
	return h, quicAddr
}

// dialects are the clients of connect for each protocol of calls over each protocol of HTTP.
func (h *house) dialects(t *testing.T, quicAddr string, each func(t *testing.T, name string, c *http.Client, url string, options ...connect.ClientOption)) {
	t.Helper()
	for door, d := range h.protocols(t, quicAddr) {
		url := d.url + "/" + testService + "/"
		each(t, "Connect, "+door, d.client, url)
		each(t, "Connect JSON, "+door, d.client, url, connect.WithProtoJSON())
		each(t, "Connect with gzip, "+door, d.client, url, connect.WithSendGzip())
		each(t, "gRPC-Web, "+door, d.client, url, connect.WithGRPCWeb())
		if !strings.HasPrefix(door, "h1") {
			each(t, "gRPC, "+door, d.client, url, connect.WithGRPC())
		}
	}
}

func TestGate_CarriesCallsToTheAPI(t *testing.T) {
	t.Parallel()
	h, addr := openService(t)
	h.dialects(t, addr, func(t *testing.T, name string, c *http.Client, url string, options ...connect.ClientOption) {
		t.Helper()
		one := connect.NewClient[testpb.SimpleRequest, testpb.SimpleResponse](c, url+"UnaryCall", options...)
		body := []byte(strings.Repeat("all the same ", 2000))
		res, err := one.CallUnary(deadline(t), connect.NewRequest(&testpb.SimpleRequest{Payload: &testpb.Payload{Body: body}}))
		if err != nil || string(res.Msg.GetPayload().GetBody()) != string(body) || res.Trailer().Get("Sum") != "42" {
			t.Fatalf("%s: %v", name, err)
		}
		if s := h.journey(t, res.Header().Get("X-Journey")); s.Reason != trace.None || s.Status != 200 || s.Path != "/grpc.testing.TestService/UnaryCall" {
			t.Errorf("%s: %+v", name, s)
		}

		many := connect.NewClient[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse](c, url+"StreamingOutputCall", options...)
		in := &testpb.StreamingOutputCallRequest{}
		for i := range 20 {
			in.ResponseParameters = append(in.ResponseParameters, &testpb.ResponseParameters{Size: int32(i * 1000)})
		}
		stream, err := many.CallServerStream(deadline(t), connect.NewRequest(in))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := 0
		for ; stream.Receive(); got++ {
			if n := len(stream.Msg().GetPayload().GetBody()); n != got*1000 {
				t.Errorf("%s: message %d has %d bytes", name, got, n)
			}
		}
		if err := stream.Err(); err != nil || got != 20 || stream.ResponseTrailer().Get("Sum") != "42" || stream.ResponseHeader().Get("Content-Encoding") != "" {
			t.Errorf("%s: %d messages, %v, %v", name, got, err, stream.ResponseHeader())
		}
		_ = stream.Close()
	})
}

// A call that is open both ways may carry more than the limit of a body in all, and be silent for longer than a body may stand
// still, once its answer has begun.
func TestGate_LeavesOpenCallsAlone(t *testing.T) {
	t.Parallel()
	const stall = 4 * time.Second // a machine that stands still for as long before an answer has begun would end the call
	h, addr := openService(t, func(o *gate.Options) { o.Times.Stall = stall })
	var later []func()
	h.dialects(t, addr, func(t *testing.T, name string, c *http.Client, url string, options ...connect.ClientOption) {
		t.Helper()
		if strings.Contains(name, "h1") {
			return // a client of HTTP/1 sends all before it reads
		}
		both := connect.NewClient[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse](c, url+"FullDuplexCall", options...).CallBidiStream(deadline(t))
		turn := func() {
			t.Helper()
			if err := both.Send(&testpb.StreamingOutputCallRequest{Payload: &testpb.Payload{Body: make([]byte, 60_000)}}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := both.Receive(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for range 3 {
			turn()
		}
		later = append(later, func() {
			turn()
			if err := both.CloseRequest(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := both.Receive(); !errors.Is(err, io.EOF) {
				t.Errorf("%s: %v", name, err)
			}
			_ = both.CloseResponse()
			if s := h.journey(t, both.ResponseHeader().Get("X-Journey")); s.Reason != trace.None {
				t.Errorf("%s: %+v", name, s)
			}
		})
	})
	<-time.After(2 * stall) // longer than any deadline of a body
	for _, f := range later {
		f()
	}
}

// A message that is over the limit ends a call that was good so far, and the journey says why.
func TestGate_EndsACallAtAMessageThatIsTooLarge(t *testing.T) {
	t.Parallel()
	h, _ := openService(t)
	both, err := testpb.NewTestServiceClient(h.secureGRPC(t)).FullDuplexCall(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	send := func(size int) error {
		if err := both.Send(&testpb.StreamingOutputCallRequest{Payload: &testpb.Payload{Body: make([]byte, size)}}); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		_, err := both.Recv()
		return err
	}
	if err := send(1000); err != nil {
		t.Fatal(err)
	}
	if err := send(200_000); err == nil {
		t.Error("the message was taken")
	}
	h.await(t, "journey", func(s trace.Snapshot) bool { return s.Reason.Code() == "request.body_too_large" })
}

// Whoever goes from a stream has seen enough: that is no failure.
func TestGate_TakesNoEndOfAStreamForAFailure(t *testing.T) {
	t.Parallel()
	h, _ := openService(t)
	ctx, leave := context.WithCancel(deadline(t))
	c := testpb.NewTestServiceClient(h.secureGRPC(t))
	stream, err := c.StreamingOutputCall(ctx, &testpb.StreamingOutputCallRequest{ResponseParameters: []*testpb.ResponseParameters{{Size: 1}, {IntervalUs: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	head, err := stream.Header()
	if err != nil {
		t.Fatal(err)
	}
	leave()
	if s := h.journey(t, head.Get("x-journey")[0]); s.Reason != trace.None || s.Status != 200 {
		t.Errorf("%+v", s)
	}
}

// When the gate stops, its connections get a GOAWAY, calls that run have their time, and the answer of one that ends in it is whole.
func TestGate_DrainsCalls(t *testing.T) {
	t.Parallel()
	h, _ := openService(t)
	var calls []func() error
	var ends []func() error
	for _, conn := range []*grpc.ClientConn{h.secureGRPC(t), dialGRPC(t, h.plain, "open.localhost", insecure.NewCredentials())} {
		both, err := testpb.NewTestServiceClient(conn).FullDuplexCall(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, func() error {
			if err := both.Send(&testpb.StreamingOutputCallRequest{Payload: &testpb.Payload{Body: []byte("x")}}); err != nil {
				return err
			}
			_, err := both.Recv()
			return err
		})
		ends = append(ends, func() error {
			if err := both.CloseSend(); err != nil {
				return err
			}
			if _, err := both.Recv(); !errors.Is(err, io.EOF) {
				return fmt.Errorf("the end is %w", err)
			}
			return nil
		})
	}
	for _, call := range calls {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	stopped := make(chan error, 1)
	go func() { stopped <- h.stop() }()
	for { // until the gate takes no more
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", h.secure)
		if err != nil {
			break
		}
		_ = c.Close()
	}
	for i := range calls { // while the gate waits
		if err := errors.Join(calls[i](), ends[i]()); err != nil {
			t.Error(err)
		}
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
