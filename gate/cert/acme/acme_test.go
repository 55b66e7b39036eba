package acme_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme/acmetest"
)

func TestManager_ProvesNamesByEachChallenge(t *testing.T) {
	t.Parallel()
	for challenge, names := range map[string][]string{
		acme.HTTP01: {"shop.example.com"},
		acme.TLS01:  {"shop.example.com"},
		acme.DNS01:  {"shop.example.com", "*.shop.example.com"},
	} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			ca := h.ca(t, acmetest.Options{})
			declared := issuers(ca)
			declared.Challenges = []string{challenge}
			r := h.start(t, "", declared, names...)
			for _, name := range names {
				r.got(t, name)
			}
			vouched(t, ca, r.Manager, "shop.example.com", "shop.example.com")
			if challenge != acme.DNS01 {
				return
			}
			vouched(t, ca, r.Manager, "*.shop.example.com", "one.shop.example.com")
			r.stop()
			if added, left := h.dns.Texts(); added != 2 || left != 0 {
				t.Errorf("%d records were added, %d are left", added, left)
			}
		})
	}
}
