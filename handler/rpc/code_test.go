package rpc_test

import (
	"net/http"
	"testing"

	"connectrpc.com/connect"
)

// TestDoor_JourneysSayHowCallsEnded makes a good call and a refused one in each dialect.
func TestDoor_JourneysSayHowCallsEnded(t *testing.T) {
	h := openHouse(t)
	stranger := h.person("")
	everyDialect(t, func(t *testing.T, d dialect) {
		if s := h.journey(stranger.call(d, "Photos/List", `{}`).ok().header); s.Code.String() != "OK" {
			t.Errorf("a good call ended with %q", s.Code)
		}
		id := stranger.call(d, "Photos/Get", `{"id":"0000000000001"}`).is(connect.CodeNotFound, "store.missing").info().GetMetadata()["journey"]
		s := h.journey(http.Header{"X-Journey": {id}})
		if s.Code.String() != "NOT_FOUND" || s.Reason.Code() != "access.hidden" || s.Decided < 0 {
			t.Errorf("a refused call ended with %q, %q, hop %d", s.Code, s.Reason.Code(), s.Decided)
		}
	})
}
