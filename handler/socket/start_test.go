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
	c.Close(live.Closing{Code: live.CloseSession, Reason: "auth.expired", Why: "over"})
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

// Whoever has an IPv6 network has more addresses than there could be connections.
func TestHub_CountsStrangersByNetwork(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	join := func(addr netip.Addr) error {
		c, err := h.hub.Join(&counter{}, addr, "", &roundtrip.Principal{}, false)
		if err == nil {
			t.Cleanup(c.Leave)
		}
		return err
	}
	addr := netip.MustParseAddr("2001:db8::1")
	for range 50 {
		if err := join(addr); err != nil {
			t.Fatal(err)
		}
		addr = addr.Next()
	}
	if err := join(addr); roundtrip.AsError(err).Reason != "stream.connections" {
		t.Errorf("the 51st of one network: %v", err)
	}
	if err := join(netip.MustParseAddr("2001:db8:0:1::1")); err != nil {
		t.Errorf("the first of another one: %v", err)
	}
}
