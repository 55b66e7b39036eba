package gate_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/route"
)

// called is what came of a remote call.
type called struct {
	code    string // as Connect writes it; "" for a good end
	message string
	info    *errdetails.ErrorInfo
	retry   *errdetails.RetryInfo
	header  http.Header
}

// caller calls a method over one protocol.
type caller func(t *testing.T, path string) called

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// overConnect calls with connect-go.
func overConnect(c *http.Client, url string, options ...connect.ClientOption) caller {
	return func(t *testing.T, path string) called {
		t.Helper()
		client := connect.NewClient[testpb.SimpleRequest, testpb.SimpleResponse](c, url+path, options...)
		answer, err := client.CallUnary(deadline(t), connect.NewRequest(&testpb.SimpleRequest{FillUsername: true}))
		if err == nil {
			return called{header: answer.Header()}
		}
		e, ok := errors.AsType[*connect.Error](err)
		if !ok {
			t.Fatal(err)
		}
		got := called{code: e.Code().String(), message: e.Message(), header: e.Meta()}
		for _, d := range e.Details() {
			m, err := d.Value()
			if err != nil {
				t.Fatal(err)
			}
			got.take(m)
		}
		return got
	}
}

func (c *called) take(detail any) {
	switch m := detail.(type) {
	case *errdetails.ErrorInfo:
		c.info = m
	case *errdetails.RetryInfo:
		c.retry = m
	}
}

// dialGRPC makes a connection of grpc-go.
func dialGRPC(t *testing.T, addr, authority string, c credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithAuthority(authority), grpc.WithTransportCredentials(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (h *house) secureGRPC(t *testing.T) *grpc.ClientConn {
	t.Helper()
	return dialGRPC(t, h.secure, "gallery.localhost", credentials.NewTLS(&tls.Config{RootCAs: h.roots, ServerName: "gallery.localhost"}))
}

// overGRPC calls with grpc-go.
func overGRPC(conn *grpc.ClientConn) caller {
	return func(t *testing.T, path string) called {
		t.Helper()
		var head, trailer metadata.MD
		err := conn.Invoke(deadline(t), path, &testpb.SimpleRequest{FillUsername: true}, &testpb.SimpleResponse{}, grpc.Header(&head), grpc.Trailer(&trailer))
		s := status.Convert(err)
		got := called{message: s.Message(), header: http.Header{}}
		if s.Code() != codes.OK {
			got.code = connect.Code(s.Code()).String()
		}
		for _, md := range []metadata.MD{head, trailer} {
			for name, values := range md {
				got.header[http.CanonicalHeaderKey(name)] = values
			}
		}
		for _, d := range s.Details() {
			got.take(d)
		}
		return got
	}
}

// callers are all ways to call, over all protocols that a site is served by.
func (h *house) callers(t *testing.T, quicAddr string) map[string]caller {
	t.Helper()
	all := map[string]caller{
		"grpc-go, TLS": overGRPC(h.secureGRPC(t)),
		"grpc-go, h2c": overGRPC(dialGRPC(t, h.plain, "open.localhost", insecure.NewCredentials())),
	}
	for door, d := range h.protocols(t, quicAddr) {
		all["Connect, "+door] = overConnect(d.client, d.url)
		all["Connect JSON, "+door] = overConnect(d.client, d.url, connect.WithProtoJSON())
		all["gRPC-Web, "+door] = overConnect(d.client, d.url, connect.WithGRPCWeb())
		if strings.HasPrefix(door, "h2") || door == "h3" {
			all["gRPC, "+door] = overConnect(d.client, d.url, connect.WithGRPC())
		}
	}
	return all
}

// Whatever the gate refuses is refused in the form of the protocol, with what it is, when to try again, and the journey.
func TestGate_RefusesCallsInTheirOwnForm(t *testing.T) {
	t.Parallel()
	h, addr := openQUIC(t, ok, withLimits(nil))
	crash := func(http.ResponseWriter, *http.Request) { panic("a secret of ours") }
	var places []config.Site
	for _, s := range sites(h.routes)[:2] {
		s.Routes = []config.Route{
			{Path: "/limited/", Respond: &config.Respond{}, Limits: &config.Limits{Requests: []config.Rate{hourly(1, config.PerClient)}}},
			{Path: "/small/", Respond: &config.Respond{}, Limits: &config.Limits{Body: 1}},
			{Path: "/dead/", Proxy: &config.Proxy{}},
			{Path: "/crash/", Proxy: &config.Proxy{}},
			{Path: "/get/", Respond: &config.Respond{}, Match: config.Match{Methods: []string{"GET"}}},
		}
		places = append(places, s)
	}
	declare(t, h, crash, places...)
	for _, url := range []string{"https://gallery.localhost", "http://open.localhost"} {
		h.get(t, url+"/limited/")
	}
	for name, call := range h.callers(t, addr) {
		for path, want := range map[string]struct{ code, reason, says string }{
			"/limited/Call": {"resource_exhausted", "LIMIT_RATE", "There were more requests than 1/h per client."},
			"/dead/Call":    {"unavailable", "PROXY_NO_UPSTREAM", "No server of this route is well."},
			"/crash/Call":   {"internal", "APP_PANIC", "Something went wrong on our side"},
			"/get/Call":     {"unimplemented", "ROUTE_METHOD_NOT_ALLOWED", "POST is not served here."},
			"/gone/Call":    {"unimplemented", "ROUTE_NO_PATH", `No route of this site matches "/gone/Call".`},
		} {
			got := call(t, path)
			if got.code != want.code || got.info.GetReason() != want.reason || !strings.HasPrefix(got.message, want.says) || got.info.GetDomain() != "roundtrip" {
				t.Errorf("%s, %s: %s %q %v", name, path, got.code, got.message, got.info)
				continue
			}
			id := got.info.GetMetadata()["journey"]
			if len(id) != 32 || got.header.Get("X-Journey") != id {
				t.Errorf("%s, %s: the journey is %q, the header says %q", name, path, id, got.header.Get("X-Journey"))
			}
			if limited := want.code == "resource_exhausted"; limited != (got.retry.GetRetryDelay().AsDuration() > time.Minute) {
				t.Errorf("%s, %s: %v", name, path, got.retry)
			}
			if s := h.journey(t, id); s.Code.String() != strings.ToUpper(want.code) {
				t.Errorf("%s, %s: the journey ended with %q", name, path, s.Code)
			} else if s.Reason.Code() != got.info.GetMetadata()["code"] || !strings.HasPrefix(strings.Replace(name, "grpc-go", "gRPC", 1), s.RPC) || s.RPC == "" {
				t.Errorf("%s, %s: the journey says %s over %q", name, path, s.Reason.Code(), s.RPC)
			}
		}
	}
}

// readsAll is a target that wants all of a body, and answers with nothing.
type readsAll struct{}

func (readsAll) Serve(w http.ResponseWriter, r *http.Request, _ string) error {
	_, err := io.Copy(io.Discard, r.Body)
	return err
}

// The limit of a body is one of each message, where a call can have several; for one message it is as it is everywhere.
func TestGate_BoundsTheMessagesOfCalls(t *testing.T) {
	t.Parallel()
	h, addr := openQUIC(t, ok)
	small := sites(h.routes)[:2]
	for i := range small {
		small[i].Routes = []config.Route{{Path: "/small/", Proxy: &config.Proxy{}, Limits: &config.Limits{Body: 100}}}
	}
	b := builders(ok)
	b.Proxy = func(*config.Site, *config.Route) (route.Target, error) { return readsAll{}, nil }
	table, err := gate.NewTable(small, b)
	if err != nil {
		t.Fatal(err)
	}
	h.gate.Swap(table)
	message := func(size int) string { return "\x00\x00\x00\x00" + string(rune(size)) + strings.Repeat("x", size) }
	const grpcKind, web, stream = "application/grpc", "application/grpc-web+proto", "application/connect+json"
	for door, d := range h.protocols(t, addr) {
		for _, c := range []struct {
			kind, body string
			refused    bool
		}{
			{grpcKind, message(100) + message(0) + strings.Repeat(message(100), 50), false},
			{grpcKind, message(100) + message(101), true},
			{grpcKind, "\x00\xff\xff\xff\xff", true},
			{web, strings.Repeat(message(90), 50), false},
			{web, message(101), true},
			{stream, strings.Repeat(message(90), 50), false},
			{stream, message(1) + message(120), true},
			{"application/grpc-web-text", strings.Repeat("x", 101), true},
			{"application/proto", strings.Repeat("x", 101), true},
			{"application/proto", strings.Repeat("x", 100), false},
		} {
			for _, told := range []bool{true, false} {
				var body io.Reader = strings.NewReader(c.body)
				if !told {
					body = io.MultiReader(body)
				}
				a := h.do(t, d.client, http.MethodPost, d.url+"/small/x", body, "Content-Type", c.kind)
				s := h.journey(t, a.Header.Get("X-Journey"))
				if refused := s.Reason.Code() == "request.body_too_large"; refused != c.refused || c.kind == "application/proto" && c.refused != (a.StatusCode == 429) {
					t.Errorf("%s, %s, %d bytes: %s %s", door, c.kind, len(c.body), a.Status, s.Reason.Code())
				}
			}
		}
	}
}

// A call of gRPC without TLS for a site that has it is told so; everything else is redirected.
func TestGate_TellsCallsThatTheSiteNeedsTLS(t *testing.T) {
	t.Parallel()
	h := open(t, ok)
	got := overGRPC(dialGRPC(t, h.plain, "gallery.localhost", insecure.NewCredentials()))(t, "/api.v1.X/Get")
	if got.code != "failed_precondition" || got.info.GetReason() != "ROUTE_NEEDS_TLS" || !strings.Contains(got.message, "gallery.localhost is served over TLS alone, at port 8443") {
		t.Errorf("%+v", got)
	}
	a := h.do(t, h.client(t, false), http.MethodPost, "http://gallery.localhost/api.v1.X/Get", nil, "Content-Type", "application/proto")
	if a.StatusCode != 308 {
		t.Errorf("%s", a.Status)
	}
	if got := overGRPC(dialGRPC(t, h.plain, "nobody.localhost", insecure.NewCredentials()))(t, "/api.v1.X/Get"); got.code != "not_found" || got.info.GetReason() != "ROUTE_NO_HOST" {
		t.Errorf("%+v", got)
	}
}
