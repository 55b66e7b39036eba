package rpc_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// way is one way to make a call by hand.
type way struct {
	name, method, path string
	kind               string // the content type; "" for a GET
	good               string // a message that the method takes
	enveloped          bool
	many               bool // the method takes none or several
}

func ways() []way {
	const get, watch, open = "/gallery.v1.Photos/Get", "/gallery.v1.Photos/Watch", "/gallery.v1.Live/Open"
	const reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
	return []way{
		{"gRPC", "POST", get, "application/grpc", "\x0a\x0130", true, false},
		{"gRPC in JSON", "POST", get, "application/grpc+json", "{}", true, false},
		{"gRPC, a stream", "POST", watch, "application/grpc+proto", "", true, false},
		{"gRPC, both ways", "POST", open, "application/grpc", "\x38\x01", true, true},
		{"gRPC, reflection", "POST", reflection, "application/grpc", "\x3a\x00", true, true},
		{"gRPC, reflection as it was", "POST", strings.Replace(reflection, ".v1.", ".v1alpha.", 1), "application/grpc", "\x3a\x00", true, true},
		{"gRPC, health", "POST", "/grpc.health.v1.Health/Watch", "application/grpc", "", true, false},
		{"gRPC-Web", "POST", get, "application/grpc-web+proto", "\x0a\x0130", true, false},
		{"gRPC-Web, a stream", "POST", watch, "application/grpc-web", "", true, false},
		{"gRPC-Web, reflection", "POST", reflection, "application/grpc-web", "\x3a\x00", true, true},
		{"Connect", "POST", get, "application/proto", "\x0a\x0130", false, false},
		{"Connect in JSON", "POST", get, "application/json", "{}", false, false},
		{"Connect by GET", "GET", get, "", "{}", false, false},
		{"Connect, a stream", "POST", watch, "application/connect+json", "{}", true, false},
		{"Connect, both ways", "POST", open, "application/connect+proto", "\x38\x01", true, true},
		{"Connect, reflection", "POST", reflection, "application/connect+proto", "\x3a\x00", true, true},
	}
}

func (w *way) grpc() bool { return strings.HasPrefix(w.kind, "application/grpc") }

// packing is the header that says how messages are packed.
func (w *way) packing() string {
	switch {
	case w.grpc():
		return "Grpc-Encoding"
	case w.enveloped:
		return "Connect-Content-Encoding"
	}
	return "Content-Encoding"
}

func framed(flags byte, message string) string {
	return string(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(message)))) + message
}

// wrap makes the body of a message.
func (w *way) wrap(flags byte, message string) string {
	if w.enveloped {
		return framed(flags, message)
	}
	return message
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	must(t, err)
	must(t, z.Close())
	return b.String()
}

// attempt is a call by hand: what is left empty is as it should be.
type attempt struct {
	kind, body string
	header     []string
	query      url.Values // of a GET
}

// fault is one thing that a client does wrong. make returns nil for ways that can't do it.
type fault struct {
	name   string
	make   func(t *testing.T, w *way) *attempt
	code   connect.Code
	reason string
}

// whole is a call whose head is wrong.
func whole(w *way, header ...string) *attempt {
	return &attempt{body: w.wrap(0, w.good), header: header}
}

func onlyEnveloped(make func(w *way) string) func(*testing.T, *way) *attempt {
	return func(_ *testing.T, w *way) *attempt {
		if !w.enveloped {
			return nil
		}
		return &attempt{body: make(w)}
	}
}

func onlyOne(make func(w *way) string) func(*testing.T, *way) *attempt {
	return func(_ *testing.T, w *way) *attempt {
		if !w.enveloped || w.many {
			return nil
		}
		return &attempt{body: make(w)}
	}
}

func timeouts(forGRPC, forConnect string) func(*testing.T, *way) *attempt {
	return func(_ *testing.T, w *way) *attempt {
		if w.grpc() {
			return whole(w, "Grpc-Timeout", forGRPC)
		}
		return whole(w, "Connect-Timeout-Ms", forConnect)
	}
}

// packed is a message that says that it is packed by gzip.
func packed(text func(t *testing.T) string) func(*testing.T, *way) *attempt {
	return func(t *testing.T, w *way) *attempt {
		t.Helper()
		if w.kind == "" {
			return &attempt{query: url.Values{"compression": {"gzip"}, "base64": {"1"}, "message": {base64.RawURLEncoding.EncodeToString([]byte(text(t)))}}}
		}
		return &attempt{body: w.wrap(1, text(t)), header: []string{w.packing(), "gzip"}}
	}
}

// faults are all that connect itself would refuse, and what is refused on the way to it.
func faults() []fault {
	const malformed = "request.malformed"
	large := strings.Repeat("x", 1<<20+1)
	return []fault{
		{"packed by what nobody has", func(_ *testing.T, w *way) *attempt {
			if w.kind == "" {
				return &attempt{query: url.Values{"compression": {"br"}}}
			}
			return whole(w, w.packing(), "br")
		}, connect.CodeUnimplemented, "request.media_type"},
		{"a deadline without a unit", timeouts("100", "1s"), connect.CodeInvalidArgument, malformed},
		{"a deadline below zero", timeouts("-1S", "-1"), connect.CodeInvalidArgument, malformed},
		{"a deadline too long to read", timeouts("123456789S", "12345678901"), connect.CodeInvalidArgument, malformed},
		{"a version of Connect to come", func(_ *testing.T, w *way) *attempt {
			switch {
			case w.grpc():
				return nil
			case w.kind == "":
				return &attempt{query: url.Values{"connect": {"v2"}}}
			}
			return whole(w, "Connect-Protocol-Version", "2")
		}, connect.CodeInvalidArgument, malformed},
		{"a GET without a message", func(_ *testing.T, w *way) *attempt {
			if w.kind != "" {
				return nil
			}
			return &attempt{query: url.Values{"message": nil}}
		}, connect.CodeInvalidArgument, malformed},
		{"no message", onlyOne(func(*way) string { return "" }), connect.CodeUnimplemented, malformed},
		{"two messages", onlyOne(func(w *way) string { return framed(0, w.good) + framed(0, w.good) }), connect.CodeUnimplemented, malformed},
		{"an empty message and one more", onlyOne(func(w *way) string { return framed(0, "") + framed(0, w.good) }), connect.CodeUnimplemented, malformed},
		{"flags that mean nothing", onlyEnveloped(func(w *way) string { return framed(0x40, w.good) }), connect.CodeInvalidArgument, malformed},
		{"trailers of a client", onlyEnveloped(func(*way) string { return framed(0x80, "a: b\r\n") }), connect.CodeInvalidArgument, malformed},
		{"the end of a stream from a client", onlyEnveloped(func(*way) string { return framed(2, "{}") }), connect.CodeInvalidArgument, malformed},
		{"flags that mean nothing, behind a message", onlyOne(func(w *way) string { return framed(0, w.good) + framed(2, "{}") }), connect.CodeInvalidArgument, malformed},
		{"packed by nothing", onlyEnveloped(func(w *way) string { return framed(1, w.good+"x") }), connect.CodeInvalidArgument, malformed},
		{"no gzip", packed(func(*testing.T) string { return "this is no gzip at all" }), connect.CodeInvalidArgument, malformed},
		{"half a gzip", packed(func(t *testing.T) string { return zipped(t, strings.Repeat("abc", 100))[:15] }), connect.CodeInvalidArgument, malformed},
		{"too large once unpacked", packed(func(t *testing.T) string { return zipped(t, large) }), connect.CodeResourceExhausted, "request.body_too_large"},
		{"too large", func(_ *testing.T, w *way) *attempt {
			if w.kind == "" {
				return nil
			}
			return &attempt{body: w.wrap(0, large)}
		}, connect.CodeResourceExhausted, "request.body_too_large"},
		{"too large by what it says", onlyEnveloped(func(*way) string { return "\x00\xff\xff\xff\xff" }), connect.CodeResourceExhausted, "request.body_too_large"},
		{"half a length", onlyEnveloped(func(*way) string { return "\x00\x00" }), connect.CodeInvalidArgument, malformed},
		{"half a message", onlyEnveloped(func(*way) string { return "\x00\x00\x00\x00\x09abc" }), connect.CodeInvalidArgument, malformed},
		{"a message and half a length", onlyOne(func(w *way) string { return framed(0, w.good) + "\x00" }), connect.CodeInvalidArgument, malformed},
		{"a content type that says more", func(_ *testing.T, w *way) *attempt {
			if w.kind == "" {
				return nil
			}
			return &attempt{kind: w.kind + "; charset=latin1", body: w.wrap(0, w.good)}
		}, connect.CodeUnimplemented, "request.media_type"},
		{"a GET that has a body", func(_ *testing.T, w *way) *attempt {
			if w.kind != "" {
				return nil
			}
			return &attempt{body: "{}"}
		}, connect.CodeUnimplemented, "request.media_type"},
		{"a deadline that is over", func(t *testing.T, w *way) *attempt {
			if w.many || strings.Contains(w.path, "health") {
				return nil
			}
			return timeouts("1n", "0")(t, w)
		}, connect.CodeDeadlineExceeded, "app.deadline"},
	}
}

// TestFaults_HaveCodeReasonAndJourney makes every mistake in every protocol, and wants each refusal whole: a code, a sentence,
// the reason and the journey, which says the same.
func TestFaults_HaveCodeReasonAndJourney(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	for _, f := range faults() {
		for _, w := range ways() {
			a := f.make(t, &w)
			if a == nil {
				continue
			}
			name := f.name + ", over " + w.name
			header, got := ana.attempt(t, &w, a)
			if got == nil {
				t.Errorf("%s: it was not refused: %v", name, header)
				continue
			}
			info := infoOf(t, got)
			if got.GetCode() != int32(f.code) || got.GetMessage() == "" || info.GetMetadata()["code"] != f.reason || info.GetDomain() != "roundtrip" {
				t.Errorf("%s: %.600v, want %v %s", name, got, f.code, f.reason)
			}
			if want := header.Get("X-Journey"); info.GetMetadata()["journey"] != want {
				t.Errorf("%s: the journey %q, want %q", name, info.GetMetadata()["journey"], want)
			}
			s := h.journey(header)
			if s.Reason.Code() != f.reason || s.RPC != "" && s.Code.String() == "OK" {
				t.Errorf("%s: the journey says %q %s", name, s.Reason.Code(), s.Code)
			}
		}
	}
}

// attempt makes the call. It returns nil if it was not refused.
func (p *person) attempt(t *testing.T, w *way, a *attempt) (http.Header, *spb.Status) {
	t.Helper()
	target := p.h.server.URL + w.path
	if w.kind == "" {
		query := url.Values{"connect": {"v1"}, "encoding": {"json"}, "message": {w.good}}
		for name, v := range a.query {
			if query[name] = v; v == nil {
				delete(query, name)
			}
		}
		target += "?" + query.Encode()
	}
	var body io.Reader
	if w.kind != "" || a.query == nil && a.header == nil {
		body = strings.NewReader(a.body)
	}
	req, err := http.NewRequestWithContext(t.Context(), w.method, target, body)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+p.token)
	if w.kind != "" {
		req.Header.Set("Content-Type", w.kind)
	}
	if a.kind != "" {
		req.Header.Set("Content-Type", a.kind)
	}
	for i := 0; i < len(a.header); i += 2 {
		req.Header.Set(a.header[i], a.header[i+1])
	}
	res, err := p.h.server.Client().Do(req)
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	return res.Header, statusOf(t, w, res, text)
}

// statusOf reads how a call ended; nil is well.
func statusOf(t *testing.T, w *way, res *http.Response, body []byte) *spb.Status {
	t.Helper()
	if !w.grpc() {
		return connectStatus(t, w, res, body)
	}
	lines := res.Trailer
	switch {
	case lines.Get("Grpc-Status") != "":
	case len(body) > 0: // gRPC-Web, behind messages
		read, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(lastFrame(t, w, body), "\r\n"...)))).ReadMIMEHeader()
		must(t, err)
		lines = http.Header(read)
	default:
		lines = res.Header
	}
	if lines.Get("Grpc-Status") == "0" {
		return nil
	}
	if kind := res.Header.Get("Content-Type"); kind != w.kind && kind != w.kind+"; charset=latin1" {
		t.Errorf("%s: the answer is %s", w.name, kind)
	}
	b, err := base64.RawStdEncoding.DecodeString(lines.Get("Grpc-Status-Details-Bin"))
	must(t, err)
	s := &spb.Status{}
	must(t, proto.Unmarshal(b, s))
	if lines.Get("Grpc-Status") != strconv.Itoa(int(s.GetCode())) || len(lines["Grpc-Status"]) != 1 || len(lines["Grpc-Message"]) != 1 {
		t.Errorf("%s: %v", w.name, lines)
	}
	return s
}

// lastFrame is the frame that ends a stream, unpacked.
func lastFrame(t *testing.T, w *way, body []byte) []byte {
	t.Helper()
	for len(body) >= 5 {
		flags, length := body[0], int(binary.BigEndian.Uint32(body[1:]))
		if length > len(body)-5 {
			break
		}
		if length < len(body)-5 {
			body = body[5+length:]
			continue
		}
		if flags&1 == 0 {
			return body[5:]
		}
		z, err := gzip.NewReader(bytes.NewReader(body[5:]))
		must(t, err)
		text, err := io.ReadAll(z)
		must(t, err)
		return text
	}
	t.Fatalf("%s: %q does not end", w.name, body)
	return nil
}

// connectStatus reads Connect's JSON, or a problem, which is what those get who make no call of Connect.
func connectStatus(t *testing.T, w *way, res *http.Response, body []byte) *spb.Status {
	t.Helper()
	type wrong struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Detail  string `json:"detail"`
		Journey string `json:"journey"`
		Details []struct{ Type, Value string }
	}
	var end struct{ Error *wrong }
	found := &wrong{}
	if w.enveloped {
		must(t, json.Unmarshal(lastFrame(t, w, body), &end))
		found = end.Error
	} else if res.StatusCode != http.StatusOK {
		must(t, json.Unmarshal(body, found))
	}
	if found == nil || found.Code == "" {
		return nil
	}
	s := &spb.Status{Message: found.Message}
	if res.Header.Get("Content-Type") == "application/problem+json" {
		var problem struct{ Reason string }
		must(t, json.Unmarshal(body, &problem))
		info, err := anypb.New(&errdetails.ErrorInfo{Domain: "roundtrip", Metadata: map[string]string{"code": problem.Reason, "journey": found.Journey}})
		must(t, err)
		s.Message, s.Details = found.Detail, []*anypb.Any{info}
	}
	var code connect.Code
	must(t, code.UnmarshalText([]byte(found.Code)))
	s.Code = int32(code)
	for _, d := range found.Details {
		b, err := base64.RawStdEncoding.DecodeString(d.Value)
		must(t, err)
		s.Details = append(s.Details, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type, Value: b})
	}
	return s
}

func infoOf(t *testing.T, s *spb.Status) *errdetails.ErrorInfo {
	t.Helper()
	at := slices.IndexFunc(s.GetDetails(), func(a *anypb.Any) bool { return strings.HasSuffix(a.GetTypeUrl(), "google.rpc.ErrorInfo") })
	info := &errdetails.ErrorInfo{}
	if at >= 0 {
		must(t, s.GetDetails()[at].UnmarshalTo(info))
	}
	return info
}
