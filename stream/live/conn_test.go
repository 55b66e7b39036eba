package live

import (
	"net/netip"
	"testing"
)

// A snapshot is ahead of the hub where the hub has not yet read of the commit that it shows.
func TestConn_HeartbeatDoesNotSendAClientBack(t *testing.T) {
	t.Parallel()
	h := &Hub{epoch: "e"}
	c := &Conn{hub: h, single: true, busy: true, addr: netip.IPv4Unspecified()}
	h.records.done.Store(1)
	h.inboxes.done.Store(1)
	c.answer(h.end(begin(0), 2))
	c.Whole()
	h.records.done.Store(3)
	h.inboxes.done.Store(3)
	c.Send(h.heartbeat(h.done()))
	items, _ := c.Take()
	want := []string{"e-2", "e-2", "e-3"}
	if len(items) != len(want) {
		t.Fatalf("%d messages wait, want %d", len(items), len(want))
	}
	for n := range items {
		if got := c.Cursor(&items[n]); got != want[n] {
			t.Errorf("message %d brings the client to %s, want %s", n, got, want[n])
		}
	}
}
