package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// dialect is one way to call: a protocol and a format.
type dialect struct {
	name    string
	options []connect.ClientOption
}

// dialects are all ways to call, as clients of connect-go do it.
func dialects() []dialect {
	return []dialect{
		{"gRPC", []connect.ClientOption{connect.WithGRPC()}},
		{"gRPC JSON", []connect.ClientOption{connect.WithGRPC(), connect.WithProtoJSON()}},
		{"gRPC-Web", []connect.ClientOption{connect.WithGRPCWeb()}},
		{"Connect proto", nil},
		{"Connect JSON", []connect.ClientOption{connect.WithProtoJSON()}},
		{"Connect gzip", []connect.ClientOption{connect.WithSendGzip()}},
		{"Connect GET", []connect.ClientOption{connect.WithHTTPGet()}},
		{"Connect GET JSON", []connect.ClientOption{connect.WithHTTPGet(), connect.WithProtoJSON()}},
	}
}

// everyDialect runs a test in each.
func everyDialect(t *testing.T, test func(t *testing.T, d dialect)) {
	t.Helper()
	for _, d := range dialects() {
		t.Run(d.name, func(t *testing.T) { test(t, d) })
	}
}

// reply is what a call came to.
type reply struct {
	t       testing.TB
	message *dynamicpb.Message
	header  http.Header
	err     *connect.Error
}

// method finds the descriptor of Photos/Get, or of grpc.health.v1.Health/Check.
func (h *house) method(path string) protoreflect.MethodDescriptor {
	h.t.Helper()
	api := h.rooms.Load().api
	service, name, _ := strings.Cut(path, "/")
	if !strings.Contains(service, ".") {
		service = api.Package + "." + service
	}
	found, err := api.Files().FindDescriptorByName(protoreflect.FullName(service + "." + name))
	must(h.t, err)
	m, ok := found.(protoreflect.MethodDescriptor)
	if !ok {
		h.t.Fatalf("%s is no method", path)
	}
	return m
}

// caller makes a client of one method, as generated code would.
func (h *house) caller(d dialect, path string) (*connect.Client[dynamicpb.Message, dynamicpb.Message], protoreflect.MethodDescriptor) {
	h.t.Helper()
	m := h.method(path)
	options := append([]connect.ClientOption{
		connect.WithSchema(m),
		connect.WithResponseInitializer(func(_ connect.Spec, message any) error {
			if into, ok := message.(*dynamicpb.Message); ok {
				*into = *dynamicpb.NewMessage(m.Output())
			}
			return nil
		}),
	}, d.options...)
	if quiet(m) {
		options = append(options, connect.WithIdempotency(connect.IdempotencyNoSideEffects))
	}
	url := h.server.URL + "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
	return connect.NewClient[dynamicpb.Message, dynamicpb.Message](h.server.Client(), url, options...), m
}

func quiet(m protoreflect.MethodDescriptor) bool {
	o := m.Options().ProtoReflect()
	f := o.Descriptor().Fields().ByName("idempotency_level")
	return f != nil && o.Get(f).Enum() == 1
}

// request makes a request of ProtoJSON. more is header names and values in turn.
func (p *person) request(m protoreflect.MethodDescriptor, body string, more ...string) *connect.Request[dynamicpb.Message] {
	p.h.t.Helper()
	in := dynamicpb.NewMessage(m.Input())
	must(p.h.t, protojson.Unmarshal([]byte(body), in))
	req := connect.NewRequest(in)
	if p.token != "" {
		req.Header().Set("Authorization", "Bearer "+p.token)
	}
	for i := 0; i < len(more); i += 2 {
		req.Header().Set(more[i], more[i+1])
	}
	return req
}

// call makes a unary call: path is Photos/Get, body its request as ProtoJSON.
func (p *person) call(d dialect, path, body string, more ...string) *reply {
	p.h.t.Helper()
	return p.callIn(p.h.t.Context(), d, path, body, more...)
}

func (p *person) callIn(ctx context.Context, d dialect, path, body string, more ...string) *reply {
	p.h.t.Helper()
	client, m := p.h.caller(d, path)
	r := &reply{t: p.h.t}
	res, err := client.CallUnary(ctx, p.request(m, body, more...))
	if err != nil {
		if !errors.As(err, &r.err) {
			p.h.t.Fatalf("%s: %v", path, err)
		}
		return r
	}
	r.message, r.header = res.Msg, res.Header()
	return r
}

// ok fails the test if the call was refused.
func (r *reply) ok() *reply {
	r.t.Helper()
	if r.err != nil {
		r.t.Fatalf("%v; %v", r.err, r.details())
	}
	return r
}

// is fails the test if the call was not refused with a code and a reason.
func (r *reply) is(code connect.Code, reason string) *reply {
	r.t.Helper()
	if r.err == nil {
		r.t.Fatalf("no error, but %s", r.json())
	}
	if info := r.info(); r.err.Code() != code || info.GetMetadata()["code"] != reason || len(info.GetMetadata()["journey"]) != 32 {
		r.t.Fatalf("%v, %v; want %v %s", r.err, r.details(), code, reason)
	}
	return r
}

func (r *reply) details() (all []any) {
	r.t.Helper()
	for _, d := range r.err.Details() {
		v, err := d.Value()
		must(r.t, err)
		all = append(all, v)
	}
	return all
}

func (r *reply) info() *errdetails.ErrorInfo {
	r.t.Helper()
	for _, d := range r.details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

// wrong lists what is wrong where: "caption TOO_LONG".
func (r *reply) wrong() (all []string) {
	r.t.Helper()
	for _, d := range r.details() {
		if request, ok := d.(*errdetails.BadRequest); ok {
			for _, v := range request.GetFieldViolations() {
				all = append(all, v.GetField()+" "+v.GetReason())
			}
		}
	}
	return all
}

func (r *reply) json() string {
	r.t.Helper()
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(r.message)
	must(r.t, err)
	return string(text)
}

// at follows member names and array indexes.
func (r *reply) at(path ...any) any {
	r.t.Helper()
	var v any
	must(r.t, json.Unmarshal([]byte(r.ok().json()), &v))
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			a, _ := v.([]any)
			if step >= len(a) {
				r.t.Fatalf("no %v in %s", path, r.json())
			}
			v = a[step]
		}
	}
	return v
}

func (r *reply) text(path ...any) string {
	r.t.Helper()
	s, _ := r.at(path...).(string)
	return s
}
