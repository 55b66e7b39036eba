package refusal_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	spb "google.golang.org/genproto/googleapis/rpc/status"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/refusal"
)

func request(method, target, kind string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestOf_TellsProtocols(t *testing.T) {
	t.Parallel()
	version := []string{"Connect-Protocol-Version", "1"}
	for _, c := range []struct {
		r    *http.Request
		want refusal.Protocol
	}{
		{request("POST", "/", "application/grpc"), refusal.GRPC},
		{request("POST", "/", "application/grpc+proto"), refusal.GRPC},
		{request("POST", "/", "Application/gRPC+JSON; charset=utf-8"), refusal.GRPC},
		{request("GET", "/", "application/grpc"), refusal.None},
		{request("POST", "/", "application/grpcx"), refusal.None},
		{request("POST", "/", "application/grpc-web"), refusal.Web},
		{request("POST", "/", "application/grpc-web+proto"), refusal.Web},
		{request("POST", "/", "application/grpc-web-text+proto"), refusal.WebText},
		{request("POST", "/", "application/connect+json"), refusal.ConnectStream},
		{request("POST", "/", "application/connect"), refusal.None},
		{request("POST", "/", "application/proto"), refusal.Connect},
		{request("POST", "/", "application/json"), refusal.None},
		{request("POST", "/", "application/json", version...), refusal.Connect},
		{request("POST", "/", "application/json; charset=utf-8", version...), refusal.Connect},
		{request("POST", "/", "text/plain", version...), refusal.None},
		{request("POST", "/", "", version...), refusal.None},
		{request("POST", "/", "application/grpc", "Content-Type", "text/plain"), refusal.None},
		{request("GET", "/?message=%7B%7D&encoding=json&connect=v1", ""), refusal.Connect},
		{request("GET", "/?connect=v%31", ""), refusal.None}, // who writes it so is no client of Connect
		{request("GET", "/?xconnect=v1", ""), refusal.None},
		{request("GET", "/?connect=v1x", ""), refusal.None},
		{request("PUT", "/", "application/proto"), refusal.None},
	} {
		if got := refusal.Of(c.r); got != c.want {
			t.Errorf("%s %s %v: %d, want %d", c.r.Method, c.r.URL, c.r.Header, got, c.want)
		}
	}
}

func sample() *roundtrip.Error {
	e := roundtrip.E(roundtrip.Limited, "limit.rate", "100 % of é\r\ngrpc-status: 0")
	e.Retry = 1500 * time.Millisecond
	return e
}

// trailersOf reads what follows the flags of a gRPC-Web body.
func trailersOf(t *testing.T, b []byte) map[string]string {
	t.Helper()
	if len(b) < 5 || b[0] != 0x80 || int(binary.BigEndian.Uint32(b[1:])) != len(b)-5 {
		t.Fatalf("%q is no frame of trailers", b)
	}
	found := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(b[5:]), "\r\n"), "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		found[name] = value
	}
	return found
}

func TestMake_SpeaksEachProtocol(t *testing.T) {
	t.Parallel()
	const message = "100 %25 of %C3%A9%0D%0Agrpc-status: 0"
	check := func(name string, got map[string]string) {
		t.Helper()
		if got["grpc-status"] != "8" || got["grpc-message"] != message || len(got) != 3 {
			t.Errorf("%s: %v", name, got)
		}
		b, err := base64.RawStdEncoding.DecodeString(got["grpc-status-details-bin"])
		s := &spb.Status{}
		if err != nil || proto.Unmarshal(b, s) != nil || s.GetCode() != 8 || s.GetMessage() != sample().Public || len(s.GetDetails()) != 2 {
			t.Errorf("%s: %v %v", name, err, s)
		}
	}
	h := http.Header{}
	a := refusal.Make(refusal.GRPC, request("POST", "/", "application/grpc+proto"), h, sample(), "j")
	if a.Status != 200 || len(a.Body) != 0 || h.Get("Content-Type") != "application/grpc+proto" {
		t.Errorf("%+v %v", a, h)
	}
	check("gRPC", map[string]string{"grpc-status": h.Get("Grpc-Status"), "grpc-message": h.Get("Grpc-Message"), "grpc-status-details-bin": h.Get("Grpc-Status-Details-Bin")})

	h = http.Header{}
	a = refusal.Make(refusal.Web, request("POST", "/", "application/grpc-web+proto"), h, sample(), "j")
	check("gRPC-Web", trailersOf(t, a.Body))
	if a.Status != 200 || h.Get("Content-Type") != "application/grpc-web+proto" || len(h) != 1 {
		t.Errorf("%+v %v", a, h)
	}
	a = refusal.Make(refusal.WebText, request("POST", "/", "application/grpc-web-text"), h, sample(), "j")
	b, err := base64.StdEncoding.DecodeString(string(a.Body))
	if err != nil {
		t.Fatal(err)
	}
	check("gRPC-Web in text", trailersOf(t, b))

	a = refusal.Make(refusal.ConnectStream, request("POST", "/", "application/connect+proto"), h, sample(), "j")
	if a.Status != 200 || h.Get("Content-Type") != "application/connect+proto" || a.Body[0] != 2 || int(binary.BigEndian.Uint32(a.Body[1:])) != len(a.Body)-5 {
		t.Errorf("%+v %v", a, h)
	}
	type form struct {
		Code, Message string
		Details       []struct{ Type, Value string }
	}
	var end struct{ Error form }
	if err := json.Unmarshal(a.Body[5:], &end); err != nil || end.Error.Code != "resource_exhausted" || end.Error.Message != sample().Public || len(end.Error.Details) != 2 {
		t.Errorf("%v %+v", err, end)
	}
	a = refusal.Make(refusal.Connect, request("POST", "/", "application/proto"), h, sample(), "j")
	var one form
	if err := json.Unmarshal(a.Body, &one); err != nil || a.Status != 429 || h.Get("Content-Type") != "application/json" || one.Details[0].Type != "google.rpc.ErrorInfo" {
		t.Errorf("%v %+v %+v", err, a, one)
	}
}

// The status of Connect follows from its code, and not from ours (https://connectrpc.com/docs/protocol#error-codes).
func TestMake_HasTheStatusOfConnect(t *testing.T) {
	t.Parallel()
	want := map[string]int{
		"invalid_argument": 400, "deadline_exceeded": 504, "not_found": 404, "already_exists": 409, "permission_denied": 403, "resource_exhausted": 429,
		"failed_precondition": 400, "aborted": 409, "unimplemented": 501, "internal": 500, "unavailable": 503, "unauthenticated": 401,
	}
	for k := roundtrip.Internal; k <= roundtrip.Deadline; k++ {
		e := roundtrip.E(k, "app.internal", "")
		e.Status = http.StatusTeapot
		if a := refusal.Make(refusal.Connect, request("POST", "/", "application/proto"), http.Header{}, e, ""); a.Status != want[k.Code()] {
			t.Errorf("%s: %d", k, a.Status)
		}
	}
}

// What a client says of its body comes back only where it is a plain media type.
func TestMake_RepeatsNothingOdd(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{`application/grpc+"x"`, "application/grpc+" + strings.Repeat("x", 100), "application/grpc+é"} {
		h := http.Header{}
		refusal.Make(refusal.GRPC, request("POST", "/", kind), h, sample(), "")
		if got := h.Get("Content-Type"); got != "application/grpc" {
			t.Errorf("%q: %q", kind, got)
		}
	}
}
