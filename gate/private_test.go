package gate_test

import (
	"net"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/trace"
)

// What package net says of a connection that broke has the whole address of the client in it, of which journeys keep the network.
func TestJourney_OfABrokenHandshakeHasNoAddress(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	c, err := net.Dial("tcp", h.secure)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte{0x16, 3, 1, 2, 0}); err != nil { // a record that never comes
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	s := h.await(t, "the handshake", func(s trace.Snapshot) bool { return s.Kind == trace.Connection && s.Reason != trace.None })
	for _, hop := range s.Hops {
		if strings.Contains(hop.Note, "127.0.0.1") {
			t.Errorf("%s tells %q", hop.Layer, hop.Note)
		}
	}
}
