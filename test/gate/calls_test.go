package gate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// calling is a declaration with one collection.
const calling = `
name: calls
sites:
  site.test:
    tls: local
    routes:
      - { path: /here, respond: { body: here } }
      - { path: /api/, to: api }
collections:
  notes:
    fields: { text: { type: text, max: 100000 } }
    rules: { read: 'true', create: 'true' }
`

// notes is a client of grpc-go, with the descriptors that the server gives out.
type notes struct {
	t       *testing.T
	conn    *grpc.ClientConn
	service protoreflect.ServiceDescriptor
}

func dialNotes(t *testing.T, s *server.Server) *notes {
	t.Helper()
	secure := credentials.NewTLS(&tls.Config{RootCAs: roots(t, s), ServerName: site, MinVersion: tls.VersionTLS12})
	conn, err := grpc.NewClient("passthrough:///"+s.HTTPS, grpc.WithTransportCredentials(secure), grpc.WithAuthority(site))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(s.API(site).Want(http.StatusOK, http.MethodGet, "descriptors.binpb", nil).Body, &set); err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		t.Fatal(err)
	}
	found, err := files.FindDescriptorByName("calls.v1.Notes")
	if err != nil {
		t.Fatal(err)
	}
	return &notes{t: t, conn: conn, service: found.(protoreflect.ServiceDescriptor)}
}

// request makes the message of a method with one text in it.
func (n *notes) request(method, field, text string) *dynamicpb.Message {
	m := dynamicpb.NewMessage(n.service.Methods().ByName(protoreflect.Name(method)).Input())
	if text != "" {
		m.Set(m.Descriptor().Fields().ByName(protoreflect.Name(field)), protoreflect.ValueOfString(text))
	}
	return m
}

// watch opens a Watch and returns what gives its next message.
func (n *notes) watch(token string) (next func() (*dynamicpb.Message, error)) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), server.Patience)
	n.t.Cleanup(cancel)
	s, err := n.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/calls.v1.Notes/Watch")
	if err == nil {
		err = s.SendMsg(n.request("Watch", "resume_token", token))
	}
	if err == nil {
		err = s.CloseSend()
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return func() (*dynamicpb.Message, error) {
		out := dynamicpb.NewMessage(n.service.Methods().ByName("Watch").Output())
		return out, s.RecvMsg(out)
	}
}

func tokenOf(m *dynamicpb.Message) string {
	return m.Get(m.Descriptor().Fields().ByName("resume_token")).String()
}

// A server that is asked to stop lets calls end, and tells streams when to come back; who does so with the token misses
// nothing.
func TestStop_CallsEndAndStreamsGoOnAfterwards(t *testing.T) {
	s := server.Start(t, server.Declare(t, calling))
	n := dialNotes(t, s)
	next := n.watch("")
	first, err := next()
	if err != nil {
		t.Fatal(err)
	}
	in := n.request("Create", "", "")
	note := in.Mutable(in.Descriptor().Fields().ByName("note")).Message()
	note.Set(note.Descriptor().Fields().ByName("text"), protoreflect.ValueOfString("it was on its way"))
	message, err := proto.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	body, say := io.Pipe()
	c := newClient(t, s, h2, 1)
	ended := make(chan string, 1)
	go func() {
		res, _, err := c.do(t, http.MethodPost, "/calls.v1.Notes/Create", body, "Content-Type", "application/grpc", "Te", "trailers")
		if err != nil {
			ended <- err.Error()
			return
		}
		ended <- res.Trailer.Get("Grpc-Status")
	}()
	if _, err := say.Write(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))); err != nil {
		t.Fatal(err)
	}
	if _, text, err := c.do(t, http.MethodGet, "/here", nil); err != nil || text != "here" { // it came after the call, on the same connection
		t.Fatal(text, err)
	}
	s.Signal(syscall.SIGTERM)
	var st *status.Status
	for st == nil {
		if _, err := next(); err != nil {
			st = status.Convert(err)
		}
	}
	retry := false
	for _, d := range st.Details() {
		_, is := d.(*errdetails.RetryInfo)
		retry = retry || is
	}
	if st.Code() != codes.Unavailable || !retry {
		t.Errorf("the stream ended with %v: %s %v", st.Code(), st.Message(), st.Details())
	}
	if _, err := say.Write(message); err != nil {
		t.Error(err)
	}
	_ = say.Close()
	if got := <-ended; got != "0" {
		t.Errorf("the call that ran when the server was asked to stop ended with %q", got)
	}
	s.Stop()
	s.Restart()
	again, err := dialNotes(t, s).watch(tokenOf(first))()
	if err != nil {
		t.Fatal(err)
	}
	if text := again.String(); !strings.Contains(text, "it was on its way") || !strings.Contains(text, "changes") {
		t.Errorf("with the token of before the stop came %s", text)
	}
}

// frames is a connection of HTTP/2 whose frames a test writes itself.
type frames struct {
	*http2.Framer

	t    *testing.T
	next uint32
}

func dialFrames(t *testing.T, s *server.Server) *frames {
	t.Helper()
	d := tls.Dialer{Config: &tls.Config{RootCAs: roots(t, s), ServerName: site, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}}
	conn, err := d.DialContext(t.Context(), "tcp", s.HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(server.Patience))
	_, err = conn.Write([]byte(http2.ClientPreface))
	f := &frames{Framer: http2.NewFramer(conn, conn), t: t, next: 1}
	f.good(err)
	f.good(f.WriteSettings())
	return f
}

func (f *frames) good(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// call sends a call with one message and returns the number of its stream.
func (f *frames) call(path string, message []byte) uint32 {
	f.t.Helper()
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", site}, {":path", path}, {"content-type", "application/grpc"}, {"te", "trailers"}} {
		f.good(e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}))
	}
	id := f.next
	f.next += 2
	f.good(f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true}))
	f.good(f.WriteData(id, true, append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)))
	return id
}

// await reads frames until one is as wanted.
func (f *frames) await(what string, want func(http2.Frame) bool) {
	f.t.Helper()
	for {
		got, err := f.ReadFrame()
		if err != nil {
			f.t.Fatalf("%s did not come: %v", what, err)
		}
		if g, ok := got.(*http2.GoAwayFrame); ok {
			f.t.Fatalf("%s did not come, but GOAWAY %v %s", what, g.ErrCode, g.DebugData())
		}
		if s, ok := got.(*http2.SettingsFrame); ok && !s.IsAck() {
			f.good(f.WriteSettingsAck())
		}
		if want(got) {
			return
		}
	}
}

// Clients of gRPC ask for signs of life every ten seconds: ten minutes' worth of them, at once, is still no flood.
func TestCalls_KeepAlive(t *testing.T) {
	s := server.Start(t, server.Declare(t, calling))
	f := dialFrames(t, s)
	id := f.call("/calls.v1.Notes/Watch", nil)
	f.await("the snapshot", func(got http2.Frame) bool { return got.Header().Type == http2.FrameData && got.Header().StreamID == id })
	for i := range byte(60) {
		f.good(f.WritePing(false, [8]byte{i}))
		f.await("the answer to a ping", func(got http2.Frame) bool {
			p, ok := got.(*http2.PingFrame)
			return ok && p.IsAck() && p.Data[0] == i
		})
	}
}

// Who opens a stream and never reads it is cut when a stall is over, and no other stream of the connection is.
func TestCalls_WhoDoesNotReadIsCut(t *testing.T) {
	s := server.Start(t, server.Declare(t, "gate: { timeouts: { stall: 1s } }\n"+calling))
	f := dialFrames(t, s)
	f.good(f.WriteWindowUpdate(0, 1<<30)) // of the connection; that of the stream stays as it is
	id := f.call("/calls.v1.Notes/Watch", nil)
	f.await("the snapshot", func(got http2.Frame) bool { return got.Header().Type == http2.FrameData && got.Header().StreamID == id })
	api := s.API(site)
	for range 8 {
		api.Want(http.StatusCreated, http.MethodPost, "notes", map[string]string{"text": strings.Repeat("x", 60_000)})
	}
	f.await("the end of the stream", func(got http2.Frame) bool {
		return got.Header().Type == http2.FrameRSTStream && got.Header().StreamID == id
	})
	other := f.call("/grpc.health.v1.Health/Check", nil)
	f.await("the answer to another call", func(got http2.Frame) bool {
		return got.Header().Type == http2.FrameData && got.Header().StreamID == other
	})
}
