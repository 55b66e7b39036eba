package firewall_test

import "testing"

// The note of a hop is for those, too, who may not see who it was; where a machine connects to is no secret of a client.
func TestExplanation_ShortHasNoClient(t *testing.T) {
	t.Parallel()
	p := compiled(t, "groups: { web: [{ allow: tcp/22, from: [10.0.0.0/8] }, { allow: tcp/25, to: [10.0.0.0/8] }] }\nattach: { edge: [web] }")
	got := p.Explain(in(6, 22, "203.0.113.9")).Short()
	if want := "would pass if web rule 1 had the client's address in its from: (roundtrip.yaml:"; len(got) < len(want) || got[:len(want)] != want {
		t.Error(got)
	}
	got = p.Explain(out(6, 25, "203.0.113.9")).Short()
	if want := "would pass if web rule 2 had 203.0.113.9 in its to: "; len(got) < len(want) || got[:len(want)] != want {
		t.Error(got)
	}
}
