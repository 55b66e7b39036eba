package rpc_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip/store"
)

func TestInterop_EmptyUnary(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana").phone()
	if v := ana.do("grpc.health.v1.Health/Check", `{}`); v["status"] != "SERVING" {
		t.Errorf("an empty request is answered with %v", v)
	}
	if v := ana.do("Photos/Delete", `{"id":"`+ana.post("photos", `{}`)+`"}`); len(v) != 0 {
		t.Errorf("what has nothing to say answers with %v", v)
	}
}

const mebibyte = 1 << 20

// mail is a CreateMail request of so many bytes; those that its text may not have stand in a field that nobody knows.
func (f *phone) mail(t *testing.T, size int) *dynamicpb.Message {
	t.Helper()
	in := f.message(f.h.method("Mails/Create").Input(), fmt.Sprintf(`{"mail":{"mail":"a@x.org","body":{"text":%q}}}`, strings.Repeat("x", min(size-100, 900_000))))
	pad := protowire.AppendTag(nil, 15, protowire.BytesType)
	for n := size - proto.Size(in); proto.Size(in) != size; n-- {
		if n < 0 {
			t.Fatalf("no message has %d bytes", size)
		}
		in.SetUnknown(protowire.AppendString(pad[:1:1], strings.Repeat("x", n)))
	}
	return in
}

func TestInterop_LargeUnary(t *testing.T) {
	t.Parallel()
	ana := openHouse(t).person("ana").phone()
	out, err := ana.invoke(t.Context(), "Mails/Create", ana.mail(t, mebibyte))
	must(t, err)
	if text, _ := at(object(t, out), "body", "text").(string); len(text) != 900_000 {
		t.Errorf("of 900,000 characters came back %d", len(text))
	}
	_, err = ana.invoke(t.Context(), "Mails/Create", ana.mail(t, mebibyte+1))
	isStatus(t, status.Convert(err), codes.ResourceExhausted, "request.body_too_large")
}

func TestInterop_ConcurrentLargeUnary(t *testing.T) {
	t.Parallel()
	ana := openHouse(t).person("ana").phone()
	body := ana.mail(t, 300_000)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := ana.invoke(t.Context(), "Mails/Create", body); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// gauge notes how much was compressed of what came in.
type gauge struct{ plain, packed atomic.Int64 }

func (*gauge) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (*gauge) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (*gauge) HandleConn(context.Context, stats.ConnStats)                       {}

func (g *gauge) HandleRPC(_ context.Context, s stats.RPCStats) {
	if in, ok := s.(*stats.InPayload); ok {
		g.plain.Add(int64(in.Length))
		g.packed.Add(int64(in.CompressedLength))
	}
}

func TestInterop_Compression(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	in := &gauge{}
	ana := h.person("ana").phone(grpc.WithStatsHandler(in))
	t.Run("client_compressed_unary, server_compressed_unary", func(t *testing.T) {
		out, err := ana.invoke(t.Context(), "Mails/Create", ana.mail(t, 900_000), grpc.UseCompressor(gzip.Name))
		must(t, err)
		if len(at(object(t, out), "body", "text").(string)) < 890_000 {
			t.Error("it came back shorter")
		}
		if in.plain.Load() < 890_000 || in.packed.Load() > 100_000 {
			t.Errorf("%d bytes came as %d", in.plain.Load(), in.packed.Load())
		}
	})
	t.Run("what is too large once it is unpacked", func(t *testing.T) {
		_, err := ana.invoke(t.Context(), "Mails/Create", ana.mail(t, 4*mebibyte), grpc.UseCompressor(gzip.Name))
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("a bomb is answered with %v", err)
		}
	})
	t.Run("server_compressed_streaming", func(t *testing.T) {
		in.plain.Store(0)
		in.packed.Store(0)
		w := ana.open("Mails/Watch", `{}`)
		w.next()
		w.cancel()
		if in.plain.Load() < 890_000 || in.packed.Load() > 100_000 {
			t.Errorf("%d bytes came as %d", in.plain.Load(), in.packed.Load())
		}
	})
}

// holdReaders keeps all that read from the database, so that a statement has to wait.
func (h *house) holdReaders(t *testing.T) (release func()) {
	t.Helper()
	done := make(chan struct{})
	var group sync.WaitGroup
	var held atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	for range 64 {
		group.Go(func() {
			_ = h.store.View(ctx, func(store.View) error {
				held.Add(1)
				<-done
				return nil
			})
		})
	}
	await(t, func() bool { return held.Load() == int64(h.store.Stats().Total) })
	return func() {
		cancel()
		close(done)
		group.Wait()
	}
}

func TestInterop_CustomMetadata(t *testing.T) {
	t.Parallel()
	ana := openHouse(t).person("ana").phone()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "idempotency-key", "k1", "x-grpc-test-echo-trailing-bin", "\x0a\x0b\x0a\x0b")
	var first, again metadata.MD
	one, err := ana.ask(ctx, "Photos/Create", `{"photo":{"caption":"one"}}`, grpc.Header(&first))
	must(t, err)
	two, err := ana.ask(ctx, "Photos/Create", `{"photo":{"caption":"one"}}`, grpc.Header(&again))
	must(t, err)
	if !proto.Equal(one, two) || first.Get("idempotency-replayed") != nil || len(again.Get("idempotency-replayed")) != 1 {
		t.Errorf("%v %v\n%v %v", one, first, two, again)
	}
}

func TestInterop_StatusCodeAndMessage(t *testing.T) {
	t.Parallel()
	ana := openHouse(t).person("ana").phone()
	_, err := ana.ask(t.Context(), "Photos/Get", `{"id":"0am5terb80000"}`)
	isStatus(t, status.Convert(err), codes.NotFound, "store.missing")
	if text := status.Convert(err).Message(); !strings.Contains(text, "0am5terb80000") {
		t.Errorf("the message is %q", text)
	}
}

// special_status_message: what is not ASCII comes through the header that the message lies in.
func TestInterop_SpecialStatusMessage(t *testing.T) {
	t.Parallel()
	ana := openHouse(t).person("ana").phone()
	_, err := ana.ask(t.Context(), "Photos/List", `{"expand":["100% é☺😈"]}`)
	if s := status.Convert(err); s.Code() != codes.InvalidArgument || !strings.Contains(s.Message()+fmt.Sprint(s.Details()), "100% é☺😈") {
		t.Errorf("it ended with %v: %s %v", s.Code(), s.Message(), s.Details())
	}
}

// timeout_on_sleeping_server, of a statement that waits for its turn.
func TestInterop_TimeoutOfAStatement(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	release := h.holdReaders(t)
	trailer := h.raw("Photos/List", "\x00\x00\x00\x00\x00", "Grpc-Timeout", "50m")
	release()
	if trailer.Get("Grpc-Status") != "4" {
		t.Errorf("it ended with %v", trailer)
	}
}

// A record in a stream is, byte for byte, the one that Get answers with.
func TestWatch_RecordsAreThoseOfGet(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana").phone()
	id := ana.post("things", `{"text":"é \u0001","int":-9223372036854775808,"float":1e300,"flag":false,"moment":"2026-11-22T19:03:31.000001Z",
		"json":{"a":[1,null,true,"x"],"b":{}},"user":"`+ana.id+`","colour":"red","mail":"a@x.org","link":"https://x.org/","serial":"s"}`)
	bare := ana.post("things", `{"json":null}`)
	for _, id := range []string{id, bare} {
		got, err := ana.ask(t.Context(), "Things/Get", `{"id":"`+id+`"}`)
		must(t, err)
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(got)
		must(t, err)
		w := ana.open("Things/Watch", `{"id":"`+id+`"}`)
		w.next()
		snapshot := w.last.Get(w.last.Descriptor().Fields().ByName("snapshot")).Message()
		list := snapshot.Get(snapshot.Descriptor().Fields().ByName("things")).List()
		is, err := proto.MarshalOptions{Deterministic: true}.Marshal(list.Get(0).Message().Interface())
		must(t, err)
		if string(is) != string(want) {
			t.Errorf("Watch has %x\nGet has %x", is, want)
		}
		w.quit()
	}
}
