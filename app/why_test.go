package app_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/why"
)

// Whoever is asked with a session of an account has it: so it is lent for this server's sites alone.
func TestWhy_LendsNoSessionToOthers(t *testing.T) {
	t.Parallel()
	a, _ := start(t)
	_, err := a.Begin(t.Context(), why.Wanted{Host: "collector.example", Port: 443, Secure: true, As: "ana"})
	if e := roundtrip.AsError(err); err == nil || e.Reason != "command.invalid" {
		t.Errorf("a session is lent for a foreign host: %v", err)
	}
}
