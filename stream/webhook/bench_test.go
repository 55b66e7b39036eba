package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkDeliver sends messages of different records over loopback to a receiver that does nothing.
func BenchmarkDeliver(b *testing.B) {
	h := openHouse(b, "a")
	r := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(r.Close)
	s := h.sender(h.store, "a", r.URL)
	for range b.N {
		h.write(0, "x")
	}
	b.ResetTimer()
	s.Deliver(b.Context())
	b.StopTimer()
	if waiting, dead, why := h.left(); waiting+dead > 0 {
		b.Fatalf("%d wait, %d are dead, %s", waiting, dead, why)
	}
}
