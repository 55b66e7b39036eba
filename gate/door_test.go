package gate_test

import (
	"errors"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/roundtrip-dev/roundtrip/gate"
	"github.com/roundtrip-dev/roundtrip/gate/wire"
	"github.com/roundtrip-dev/roundtrip/trace"
)

// doorkeeper stands for the firewall: it lets nobody in while it is shut.
type doorkeeper struct{ shut atomic.Bool }

func (k *doorkeeper) enter(c wire.Coming) (trace.Hop, error) {
	h := trace.Hop{Layer: trace.Firewall, Verdict: trace.OK, Name: "web rule 1", Note: "the shop"}
	if !k.shut.Load() || c.Client != netip.MustParseAddr("127.0.0.1") || c.Port == 0 || c.UDP != (c.Conn == nil) {
		return h, nil
	}
	h.Verdict, h.Reason, h.Name = trace.Deny, trace.ReasonOf("firewall.no_rule"), "groups"
	return h, errors.New("would pass if web rule 2 had it")
}

func TestGate_AsksTheFirewallAtEveryDoor(t *testing.T) {
	t.Parallel()
	keeper := &doorkeeper{}
	h, addr := openQUIC(t, ok, func(o *gate.Options) { o.Enter = keeper.enter })
	doors := h.protocols(t, addr)
	for protocol, d := range doors {
		a, err := h.try(t, d.client, http.MethodGet, d.url+"/api/x", nil)
		if err != nil || a.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v", protocol, err)
		}
		j, found := h.recorder.Find(a.Header.Get("X-Journey"))
		if !found || len(j.Hops) == 0 || j.Hops[0].Layer != trace.Firewall || j.Hops[0].Name != "web rule 1" || j.Hops[0].Note != "the shop" || j.Hops[0].Verdict != trace.OK {
			t.Errorf("%s: the journey does not begin at the firewall: %+v", protocol, j.Hops)
		}
	}
	keeper.shut.Store(true)
	for protocol, d := range doors { // what is open stays open: the rules are asked about what begins
		if a, err := h.try(t, d.client, http.MethodGet, d.url+"/api/x", nil); err != nil || a.StatusCode != http.StatusOK {
			t.Errorf("%s: a connection that was let in before: %v", protocol, err)
		}
	}
	for protocol, d := range h.protocols(t, addr) {
		if _, err := h.try(t, d.client, http.MethodGet, d.url+"/api/x", nil); err == nil {
			t.Errorf("%s: somebody was let in", protocol)
		}
	}
	h.await(t, "journey of a refused connection", func(s trace.Snapshot) bool {
		return s.Kind == trace.Connection && s.Reason.Code() == "firewall.no_rule" && len(s.Hops) == 1 && s.Hops[0].Layer == trace.Firewall &&
			s.Hops[0].Note == "would pass if web rule 2 had it" && s.Client == netip.MustParseAddr("127.0.0.1")
	})
}
