package rpc_test

import (
	"testing"

	"connectrpc.com/connect"
)

func TestHealth_AnswersInEveryDialect(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	everyDialect(t, func(t *testing.T, d dialect) {
		for _, service := range []string{"", "gallery.v1.Photos", "gallery.v1.Live", "grpc.health.v1.Health"} {
			if got := h.stranger().call(d, "grpc.health.v1.Health/Check", `{"service":"`+service+`"}`).text("status"); got != "SERVING" {
				t.Errorf("%q is %s", service, got)
			}
		}
		h.stranger().call(d, "grpc.health.v1.Health/Check", `{"service":"gallery.v1.Foto"}`).is(connect.CodeNotFound, "route.no_path")
	})
}

func TestHealth_WatchTellsOfNewServicesAndOfTheEnd(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	client, m := h.caller(dialects()[0], "grpc.health.v1.Health/Watch")
	s, err := client.CallServerStream(t.Context(), h.stranger().request(m, `{"service":"gallery.v1.Pets"}`))
	must(t, err)
	defer s.Close()
	next := func(want string) {
		t.Helper()
		if !s.Receive() {
			t.Fatal(s.Err())
		}
		if got := (&reply{t: t, message: s.Msg()}).text("status"); got != want {
			t.Fatalf("it is %s, want %s", got, want)
		}
	}
	next("SERVICE_UNKNOWN")
	h.enter(declaration(t) + "\n") // the same services
	h.health.Enter([]string{"gallery.v1.Pets"})
	next("SERVING")
	h.health.Stop()
	next("NOT_SERVING")
	if s.Receive() || connect.CodeOf(s.Err()) != connect.CodeUnavailable {
		t.Errorf("then came %v", s.Err())
	}
}
