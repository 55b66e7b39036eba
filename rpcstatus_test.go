package roundtrip_test

import (
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/roundtrip-dev/roundtrip"
)

// read reads a status as any client of gRPC does.
func read(t *testing.T, b []byte) (*statuspb.Status, []proto.Message) {
	t.Helper()
	var s statuspb.Status
	if err := proto.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	var details []proto.Message
	for _, packed := range s.GetDetails() {
		d, err := packed.UnmarshalNew()
		if err != nil {
			t.Fatal(err)
		}
		details = append(details, d)
	}
	return &s, details
}

func TestError_AppendStatusIsWhatGoogleRPCReads(t *testing.T) {
	t.Parallel()
	e := roundtrip.E(roundtrip.Limited, "limit.rate", "Too fast, ñ.").With(
		roundtrip.Detail{Pointer: "/ops/3/data/a~1b", Code: "too_long", Message: "at most 3"},
		roundtrip.Detail{Parameter: "filter", Column: 8, Code: "unknown_field", Message: "there is no authr"},
	)
	e.Retry, e.Op = 2500*time.Millisecond, "secret.op"
	s, details := read(t, e.AppendStatus(nil, "00112233445566778899aabbccddeeff"))
	if s.GetCode() != 8 || s.GetMessage() != "Too fast, ñ." || len(details) != 3 {
		t.Fatalf("the status is %v", s)
	}
	for i, want := range []proto.Message{
		&errdetails.ErrorInfo{
			Reason: "LIMIT_RATE", Domain: "roundtrip",
			Metadata: map[string]string{"code": "limit.rate", "column": "8", "journey": "00112233445566778899aabbccddeeff"},
		},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "ops[3].data.a/b", Description: "at most 3", Reason: "TOO_LONG"},
			{Field: "filter", Description: "there is no authr", Reason: "UNKNOWN_FIELD"},
		}},
	} {
		if !proto.Equal(details[i], want) {
			t.Errorf("detail %d is %v, want %v", i, details[i], want)
		}
	}
	if retry, ok := details[2].(*errdetails.RetryInfo); !ok || retry.GetRetryDelay().AsDuration() != e.Retry {
		t.Errorf("the last detail is %v", details[2])
	}
}

func TestError_AppendStatusOfAKindAlone(t *testing.T) {
	t.Parallel()
	s, details := read(t, (&roundtrip.Error{Kind: roundtrip.Missing, Reason: "store.missing"}).AppendStatus(nil, ""))
	if s.GetCode() != 5 || s.GetMessage() != roundtrip.Missing.Title() || len(details) != 1 {
		t.Fatalf("the status is %v", s)
	}
	if info, ok := details[0].(*errdetails.ErrorInfo); !ok || len(info.GetMetadata()) != 1 {
		t.Errorf("the detail is %v", details[0])
	}
}
