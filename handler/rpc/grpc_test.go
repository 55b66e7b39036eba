package rpc_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip"
)

// phone is a client of grpc-go with one connection, as generated code would use it.
type phone struct {
	*person
	conn *grpc.ClientConn
}

// phone connects, over TLS.
func (p *person) phone(more ...grpc.DialOption) *phone {
	p.h.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(p.h.server.Certificate())
	secure := credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12})
	conn, err := grpc.NewClient("passthrough:///"+p.h.server.Listener.Addr().String(), append(more, grpc.WithTransportCredentials(secure))...)
	must(p.h.t, err)
	p.h.t.Cleanup(func() { _ = conn.Close() })
	return &phone{person: p, conn: conn}
}

func (f *phone) context(ctx context.Context) context.Context {
	if f.token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+f.token)
}

func pathOf(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

func (f *phone) message(of protoreflect.MessageDescriptor, text string) *dynamicpb.Message {
	f.h.t.Helper()
	in := dynamicpb.NewMessage(of)
	must(f.h.t, protojson.Unmarshal([]byte(text), in))
	return in
}

// ask makes a unary call of Photos/Get with a request of ProtoJSON.
func (f *phone) ask(ctx context.Context, path, body string, options ...grpc.CallOption) (*dynamicpb.Message, error) {
	f.h.t.Helper()
	return f.invoke(ctx, path, f.message(f.h.method(path).Input(), body), options...)
}

func (f *phone) invoke(ctx context.Context, path string, in proto.Message, options ...grpc.CallOption) (*dynamicpb.Message, error) {
	f.h.t.Helper()
	m := f.h.method(path)
	out := dynamicpb.NewMessage(m.Output())
	return out, f.conn.Invoke(f.context(ctx), pathOf(m), in, out, options...)
}

// do is ask where it has to go well; the answer is an object of ProtoJSON.
func (f *phone) do(path, body string) map[string]any {
	f.h.t.Helper()
	out, err := f.ask(f.h.t.Context(), path, body)
	must(f.h.t, err)
	return object(f.h.t, out)
}

func object(tb testing.TB, m protoreflect.ProtoMessage) (v map[string]any) {
	tb.Helper()
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	must(tb, err)
	must(tb, json.Unmarshal(text, &v))
	return v
}

// flow is a stream of a test.
type flow struct {
	t      testing.TB
	s      grpc.ClientStream
	m      protoreflect.MethodDescriptor
	phone  *phone
	cancel context.CancelFunc
	last   *dynamicpb.Message
	beats  []map[string]any // heartbeats that came
}

// open opens a stream; a method that takes one message gets it.
func (f *phone) open(path, body string, options ...grpc.CallOption) *flow {
	f.h.t.Helper()
	return f.openIn(context.Background(), path, body, options...)
}

func (f *phone) openIn(ctx context.Context, path, body string, options ...grpc.CallOption) *flow {
	f.h.t.Helper()
	w, err := f.begin(ctx, path, body, options...)
	must(f.h.t, err)
	return w
}

// begin is openIn where the stream may not even begin.
func (f *phone) begin(ctx context.Context, path, body string, options ...grpc.CallOption) (*flow, error) {
	f.h.t.Helper()
	m := f.h.method(path)
	ctx, cancel := context.WithCancel(ctx)
	f.h.t.Cleanup(cancel)
	s, err := f.conn.NewStream(f.context(ctx), &grpc.StreamDesc{ServerStreams: true, ClientStreams: m.IsStreamingClient()}, pathOf(m), options...)
	if err != nil {
		return nil, err
	}
	w := &flow{t: f.h.t, s: s, m: m, phone: f, cancel: cancel}
	if !m.IsStreamingClient() {
		w.say(body)
		must(f.h.t, s.CloseSend())
	}
	return w, nil
}

// say sends a message.
func (w *flow) say(text string) {
	w.t.Helper()
	if err := w.s.SendMsg(w.phone.message(w.m.Input(), text)); err != nil && !errors.Is(err, io.EOF) { // the status says it then
		w.t.Fatal(err)
	}
}

// receive waits for a message, a heartbeat too.
func (w *flow) receive() (map[string]any, error) {
	w.t.Helper()
	late := time.AfterFunc(patience, w.cancel)
	defer late.Stop()
	w.last = dynamicpb.NewMessage(w.m.Output())
	if err := w.s.RecvMsg(w.last); err != nil {
		return nil, err
	}
	return object(w.t, w.last), nil
}

// next waits for the next message that is no heartbeat.
func (w *flow) next() map[string]any {
	w.t.Helper()
	for {
		v, err := w.receive()
		must(w.t, err)
		if v["head"] == nil && (len(v) != 1 || v["resume_token"] == nil) {
			return v
		}
		w.beats = append(w.beats, v)
	}
}

// end waits for the end and returns the status. What comes before is left aside.
func (w *flow) end() *status.Status {
	w.t.Helper()
	for {
		_, err := w.receive()
		if errors.Is(err, io.EOF) {
			return status.New(codes.OK, "")
		}
		if err != nil {
			return status.Convert(err)
		}
	}
}

// ends fails the test if the stream does not end with a code and a reason.
func (w *flow) ends(code codes.Code, reason string) *status.Status {
	w.t.Helper()
	s := w.end()
	isStatus(w.t, s, code, reason)
	return s
}

func isStatus(tb testing.TB, s *status.Status, code codes.Code, reason string) {
	tb.Helper()
	if got := reasonOf(s); s.Code() != code || got != reason {
		tb.Fatalf("it ended with %v %q: %s; want %v %q", s.Code(), got, s.Message(), code, reason)
	}
}

func reasonOf(s *status.Status) string {
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetMetadata()["code"]
		}
	}
	return ""
}

// retryOf is when to come back, 0 where nothing says so.
func retryOf(s *status.Status) time.Duration {
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// at follows member names and indexes of a message.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			a, _ := v.([]any)
			if step >= len(a) {
				return nil
			}
			v = a[step]
		}
	}
	return v
}

// quit ends a stream, and waits until nothing of it is left in the hub.
func (w *flow) quit() {
	w.t.Helper()
	w.cancel()
	_ = w.end()
	w.phone.h.alone()
}

// alone waits until the hub has no connection any more.
func (h *house) alone() {
	h.t.Helper()
	await(h.t, func() bool {
		s := h.hub.Stats()
		return s.Connections == 0 && s.Topics == 0 && s.Inboxes == 0 && s.Channels == 0
	})
}

// await waits until something is so that nobody tells of.
func await(tb testing.TB, so func() bool) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			tb.Fatal("what was waited for did not come")
		}
	}
}

// viaREST makes a call of REST, and returns its status and body.
func (p *person) viaREST(method, path, body string, more ...string) (int, map[string]any) {
	p.h.t.Helper()
	req := p.restRequest(method, path, body, more...)
	res, err := p.h.server.Client().Do(req)
	must(p.h.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(p.h.t, err)
	var v map[string]any
	_ = json.Unmarshal(text, &v)
	return res.StatusCode, v
}

// post makes a record over REST and returns its id.
func (p *person) post(collection, body string) string {
	p.h.t.Helper()
	code, v := p.viaREST("POST", collection, body)
	if code != 201 {
		p.h.t.Fatalf("POST %s %.200s: %d %v", collection, body, code, v)
	}
	id, _ := v["id"].(string)
	return id
}

func ids(v any) (all []string) {
	list, _ := v.([]any)
	for _, r := range list {
		id, _ := at(r, "id").(string)
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

func (p *person) restRequest(method, path, body string, more ...string) *http.Request {
	p.h.t.Helper()
	req, err := http.NewRequestWithContext(p.h.t.Context(), method, p.h.server.URL+"/api/"+path, strings.NewReader(body))
	must(p.h.t, err)
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
		if method == http.MethodPatch {
			req.Header.Set("Content-Type", "application/merge-patch+json")
		}
	}
	for i := 0; i < len(more); i += 2 {
		req.Header.Set(more[i], more[i+1])
	}
	return req
}

// over1 sends a request over HTTP/1.1.
func (h *house) over1(method, path, kind, body string) (*http.Response, string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, strings.NewReader(body))
	must(h.t, err)
	req.Header.Set("Content-Type", kind)
	settings := h.server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	settings.NextProtos = []string{"http/1.1"}
	transport := &http.Transport{TLSClientConfig: settings}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	must(h.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(h.t, err)
	return res, string(text)
}

func mustID(tb testing.TB, text string) roundtrip.ID {
	tb.Helper()
	id, ok := roundtrip.ParseID(text)
	if !ok {
		tb.Fatalf("%q is no id", text)
	}
	return id
}

// lpm is a message as it stands in a body of gRPC: with its length before it.
func lpm(f *phone, path, body string) []byte {
	f.h.t.Helper()
	m, err := proto.Marshal(f.message(f.h.method(path).Input(), body))
	must(f.h.t, err)
	return append([]byte{0, 0, 0, byte(len(m) >> 8), byte(len(m))}, m...)
}

// raw sends one body of gRPC and returns the trailers: what the server says itself, whatever a client would say for it.
func (h *house) raw(path, body string, more ...string) http.Header {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.server.URL+pathOf(h.method(path)), strings.NewReader(body))
	must(h.t, err)
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	for i := 0; i < len(more); i += 2 {
		req.Header.Set(more[i], more[i+1])
	}
	res, err := h.server.Client().Do(req)
	must(h.t, err)
	defer res.Body.Close()
	_, err = io.ReadAll(res.Body)
	must(h.t, err)
	if res.Trailer.Get("Grpc-Status") == "" {
		return res.Header // the answer has nothing else
	}
	return res.Trailer
}
