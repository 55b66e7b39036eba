package firewall_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip/firewall"
	"github.com/roundtrip-dev/roundtrip/trace"
)

func TestGuard_EnforcesCountsAndKeepsItsCounters(t *testing.T) {
	t.Parallel()
	const first = "groups: { web: [{ allow: tcp/80, from: anywhere }, { allow: tcp/443, from: anywhere }] }\nattach: { edge: [web] }"
	const second = "groups: { web: [{ allow: tcp/443, from: anywhere }] }\nattach: { edge: [web] }"
	var g firewall.Guard
	if v := g.Admit(in(6, 22, "203.0.113.9")); !v.Allowed || v.Implied != firewall.ByAbsence {
		t.Errorf("without a firewall: %+v", v)
	}
	g.Swap(compiled(t, first), true)
	for port, allowed := range map[uint16]bool{80: true, 443: true, 22: false} {
		for range port % 7 { // 3, 2 and 1 times
			if v := g.Admit(in(6, port, "203.0.113.9")); v.Allowed != allowed || v.Evidence != trace.Seen {
				t.Errorf("tcp/%d: %+v", port, v)
			}
			g.Look(in(6, port, "203.0.113.9"))
		}
	}
	check := func(want ...uint64) {
		t.Helper()
		counts := g.Counts()
		for i, c := range counts {
			if len(counts) != len(want) || c.Flows != want[i] || (c.Rule == nil) != (i == len(want)-1) {
				t.Fatalf("the counters are %+v, expected %d", counts, want)
			}
		}
	}
	check(80%7, 443%7, 22%7)
	g.Swap(compiled(t, second), true) // rule 2 is rule 1 now, and goes on counting
	g.Admit(in(6, 443, "203.0.113.9"))
	g.Admit(in(6, 80, "203.0.113.9"))
	check(443%7+1, 22%7+1)

	g.Swap(compiled(t, second), false) // the kernel enforces: what is here was let in
	if v := g.Admit(in(6, 443, "203.0.113.9")); !v.Allowed || v.Rule.Name != "web rule 1" || v.Evidence != trace.Predicted {
		t.Errorf("%+v", v)
	}
	if v := g.Admit(in(6, 22, "203.0.113.9")); !v.Allowed || v.Implied != firewall.ByEnforcement || v.Evidence != trace.Likely {
		t.Errorf("%+v", v)
	}
	check(443%7+1, 22%7+1)
	g.Swap(nil, true)
	if p, _ := g.Policy(); p != nil || g.Counts() != nil || !g.Admit(in(6, 22, "203.0.113.9")).Allowed {
		t.Error("the firewall was taken away")
	}
}
