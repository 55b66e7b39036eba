package rpc_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The cases of https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md that apply, by their names there,
// with grpc-go as the client.

func TestInterop_PingPong(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	w := h.stranger().phone().open("Live/Open", "")
	if _, err := w.s.Header(); err != nil { // it comes before anything is said
		t.Fatal(err)
	}
	for i := range 20 {
		w.say(fmt.Sprintf(`{"id":%d,"ping":true}`, i+1))
		if v := w.next(); v["id"] != fmt.Sprint(i+1) {
			t.Fatalf("ping %d is answered with %v", i+1, v)
		}
	}
	must(t, w.s.CloseSend())
	if s := w.end(); s.Code() != codes.OK {
		t.Error(s)
	}
	h.alone()
}

func TestInterop_EmptyStream(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	w := h.stranger().phone().open("Live/Open", "")
	must(t, w.s.CloseSend())
	if v, err := w.receive(); err == nil {
		t.Errorf("a client that says nothing is told %v", v)
	} else if s := w.end(); s.Code() != codes.OK {
		t.Error(s)
	}
	h.alone()
}

func TestInterop_Cancel(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]func(w *flow){
		"cancel_after_begin":          func(*flow) {},
		"cancel_after_first_response": func(w *flow) { w.next() },
	} {
		for _, method := range []string{"Live/Open", "Photos/Watch"} {
			t.Run(name+" of "+method, func(t *testing.T) {
				t.Parallel()
				h := openHouse(t)
				w := h.stranger().phone().open(method, `{}`)
				if w.m.IsStreamingClient() {
					w.say(`{"id":1,"subscribe":{"topic":"photos"}}`)
				}
				after(w)
				w.cancel()
				if s := w.end(); s.Code() != codes.Canceled {
					t.Error(s)
				}
				h.alone()
			})
		}
	}
}

// A crowd that opens streams and gives them up at once leaves nothing behind.
func TestInterop_RapidCancels(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana").phone(), h.person("bo").phone()
	for i := range 300 {
		w := ana.open([]string{"Live/Open", "Photos/Watch"}[i%2], `{}`)
		if w.m.IsStreamingClient() {
			w.say(`{"id":1,"subscribe":{"topic":"photos"}}`)
		}
		w.cancel()
	}
	w := bo.open("Photos/Watch", `{}`) // it comes after all of them
	w.next()
	await(t, func() bool { return h.hub.Stats().Connections == 1 })
	w.quit()
}

// timeout_on_sleeping_server: the server itself ends what takes longer than the client waits.
func TestInterop_TimeoutOnSleepingServer(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	t.Run("of a stream", func(t *testing.T) {
		trailer := h.raw("Photos/Watch", "\x00\x00\x00\x00\x00", "Grpc-Timeout", "50m")
		if trailer.Get("Grpc-Status") != "4" {
			t.Errorf("it ended with %v", trailer)
		}
		h.alone()
	})
	t.Run("of a stream both ways", func(t *testing.T) {
		trailer := h.raw("Live/Open", string(lpm(h.stranger().phone(), "Live/Open", `{"id":1,"subscribe":{"topic":"photos"}}`)), "Grpc-Timeout", "50m")
		if trailer.Get("Grpc-Status") != "4" {
			t.Errorf("it ended with %v", trailer)
		}
		h.alone()
	})
	t.Run("as its client sees it", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		w, err := h.stranger().phone().begin(ctx, "Photos/Watch", `{}`)
		s := status.Convert(err) // of a client that was not through with its handshake by then
		if err == nil {
			s = w.end()
		}
		if s.Code() != codes.DeadlineExceeded {
			t.Error(s)
		}
		h.alone()
	})
}

func TestInterop_Unimplemented(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	f := h.stranger().phone()
	m := h.method("Photos/Get")
	for name, path := range map[string]string{
		"unimplemented_method": "/gallery.v1.Photos/Gett", "unimplemented_service": "/gallery.v1.Fotos/Get", "a service of another package": "/grpc.testing.TestService/EmptyCall",
	} {
		t.Run(name, func(t *testing.T) {
			err := f.conn.Invoke(t.Context(), path, f.message(m.Input(), `{}`), f.message(m.Output(), `{}`))
			isStatus(t, status.Convert(err), codes.Unimplemented, "route.no_path")
			s, err := f.conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, path)
			must(t, err)
			if err := s.RecvMsg(f.message(m.Output(), `{}`)); status.Code(err) != codes.Unimplemented {
				t.Errorf("a stream of it ends with %v", err)
			}
		})
	}
}

// Who does not read is cut, and nobody else: neither another stream of the same connection, nor other calls.
func TestInterop_FlowControl(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"Mails/Watch", "Live/Open"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t)
			ana := h.person("ana").phone(grpc.WithInitialWindowSize(1<<16), grpc.WithInitialConnWindowSize(1<<16))
			idle, busy := ana.open(method, `{"changes_only":true}`), ana.open(method, `{"changes_only":true}`)
			for _, w := range []*flow{idle, busy} {
				if w.m.IsStreamingClient() {
					w.say(`{"id":1,"subscribe":{"topic":"mails?page_size=0"}}`)
				}
				w.next()
			}
			const letters = 16
			noise := make([]byte, 300_000) // what can be packed needs no window
			random := rand.New(rand.NewPCG(1, 2))
			for i := range noise {
				noise[i] = 'A' + byte(random.IntN(58))
			}
			body := fmt.Sprintf(`{"mail":"a@x.org","body":{"text":%q}}`, noise)
			for range letters {
				ana.post("mails", body)
				busy.next()
			}
			if v := ana.do("grpc.health.v1.Health/Check", `{}`); v["status"] != "SERVING" {
				t.Errorf("another call of the connection is answered with %v", v)
			}
			got := 0
			for {
				_, err := idle.receive()
				if err != nil {
					isStatus(t, status.Convert(err), codes.ResourceExhausted, "stream.slow_consumer")
					break
				}
				got++
			}
			if got >= letters {
				t.Error("who did not read has got all of it: it lay in memory")
			}
			busy.quit()
		})
	}
}
