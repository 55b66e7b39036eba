package socket_test

import (
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/stream/live"
)

// counter is a sink that counts.
type counter struct{ wakes atomic.Int32 }

func (c *counter) Wake() { c.wakes.Add(1) }
func (c *counter) Ping() {}
func (c *counter) Cut()  {}

// A door joins before it can write: nothing may be written until its handshake is through.
func TestHub_WakesNobodyWhoIsNotReady(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	var door counter
	c, err := h.hub.Join(&door, netip.MustParseAddr("192.0.2.7"), "", &roundtrip.Principal{}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Leave()
	c.Send(live.OK("1"))
	c.Close(live.CloseSession, "over")
	if n := door.wakes.Load(); n != 0 {
		t.Errorf("woken %d times before it was ready", n)
	}
	c.Start()
	if n := door.wakes.Load(); n != 1 {
		t.Errorf("woken %d times once it was ready", n)
	}
	if items, closing := c.Take(); len(items) != 1 || closing.Code != live.CloseSession {
		t.Errorf("%d messages waited, and %+v", len(items), closing)
	}
}
