package acme_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme/acmetest"
)

const name = "shop.example.com"

// refuse makes an authority answer every order with a problem.
func refuse(status int, kind, detail string, header ...string) func(w http.ResponseWriter, r *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !acmetest.IsOrder(r) {
			return false
		}
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"type":"urn:ietf:params:acme:error:` + kind + `","detail":"` + detail + `"}`))
		return true
	}
}

func failed(s acme.State) bool { return s.Tries > 0 }

func TestManager_AsksTheNextIssuerWhereOneCannot(t *testing.T) {
	t.Parallel()
	for what, breakIt := range map[string]func(*acmetest.CA){
		"it is broken":      func(c *acmetest.CA) { c.Break(refuse(500, "serverInternal", "it is broken")) },
		"it has had enough": func(c *acmetest.CA) { c.Break(refuse(429, "rateLimited", "too many", "Retry-After", "7200")) },
		"it will not":       func(c *acmetest.CA) { c.Break(refuse(403, "rejectedIdentifier", "not this name")) },
		"nobody is there":   (*acmetest.CA).Close,
		"it speaks nonsense": func(c *acmetest.CA) {
			c.Break(func(w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write([]byte("<html>")); return true })
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			first, second := h.ca(t, acmetest.Options{}), h.ca(t, acmetest.Options{})
			breakIt(first)
			r := h.start(t, "", issuers(first, second), name)
			r.got(t, name)
			vouched(t, second, r.Manager, name, name)
			if s := r.States()[0]; s.Error != "" || s.Tries != 0 || !s.NextTry.IsZero() {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestManager_SaysWhatFailedAndTriesAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ca := h.ca(t, acmetest.Options{})
	ca.Break(refuse(403, "rejectedIdentifier", "not this name"))
	r := h.start(t, "", issuers(ca), name)
	for i, most := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute} {
		s := r.until(t, "another failure", func(s acme.State) bool { return s.Tries == i+1 })
		if !strings.Contains(s.Error, "rejectedIdentifier: not this name") || r.Certificate(name) != nil {
			t.Errorf("%+v", s)
		}
		if wait := s.NextTry.Sub(s.Failed); wait < most*9/10 || wait > most*11/10 {
			t.Errorf("after %d tries it waits %v; want about %v", i+1, wait, most)
		}
		h.now.add(s.NextTry.Sub(h.now.Now()) + time.Second)
	}
	ca.Break(nil)
	r.got(t, name)
	if s := r.States()[0]; s.Error != "" || s.Tries != 0 {
		t.Errorf("the failures are still told: %+v", s)
	}
}

func TestManager_SaysThatAnIssuerIsNotThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ca := h.ca(t, acmetest.Options{})
	ca.Close()
	r := h.start(t, "", issuers(ca), name)
	if s := r.until(t, "a failure", failed); !strings.Contains(s.Error, "it can't be reached: dial tcp") {
		t.Errorf("%+v", s)
	}
}

func TestManager_SaysWhyANameWasNotProven(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.http = h.tls // where nobody speaks HTTP
	declared := issuers(h.ca(t, acmetest.Options{}))
	declared.Challenges = []string{acme.HTTP01}
	r := h.start(t, "", declared, name)
	s := r.until(t, "a failure", failed)
	if !strings.Contains(s.Error, "connection: ") || !strings.Contains(s.Error, "/.well-known/acme-challenge/") {
		t.Errorf("%+v", s)
	}
}

func TestManager_WaitsAsLongAsItIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ca := h.ca(t, acmetest.Options{})
	ca.Break(refuse(429, "rateLimited", "too many certificates", "Retry-After", "86400"))
	r := h.start(t, "", issuers(ca), name)
	s := r.until(t, "a failure", failed)
	if wait := s.NextTry.Sub(s.Failed); wait < 23*time.Hour || wait > 25*time.Hour {
		t.Errorf("it waits %v", wait)
	}
	if err := r.Declare(issuers(ca), sites(name)); err != nil { // a reload does not make it impatient
		t.Fatal(err)
	}
	h.now.add(2 * time.Minute)
	s = r.until(t, "a second failure", func(s acme.State) bool { return s.Tries == 2 })
	if !strings.Contains(s.Error, "told us to wait until") || ca.Orders() != 0 {
		t.Errorf("%+v", s)
	}
}

func TestManager_TriesAgainSoonAfterAReload(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ca := h.ca(t, acmetest.Options{})
	ca.Break(refuse(403, "rejectedIdentifier", "not this name"))
	r := h.start(t, "", issuers(ca), name)
	for i := range 4 {
		s := r.until(t, "another failure", func(s acme.State) bool { return s.Tries == i+1 })
		if i < 3 {
			h.now.add(s.NextTry.Sub(h.now.Now()) + time.Second)
		}
	}
	ca.Break(nil)
	h.now.add(2 * time.Minute) // of thirty
	if err := r.Declare(issuers(ca), sites(name)); err != nil {
		t.Fatal(err)
	}
	r.got(t, name)
}

func TestManager_KeepsWhatWorksWhileRenewalsFail(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ca := h.ca(t, acmetest.Options{})
	r := h.start(t, "", issuers(ca), name)
	before := r.got(t, name)
	ca.Break(refuse(500, "serverInternal", "down"))
	h.now.add(80 * 24 * time.Hour)
	r.until(t, "a failed renewal", failed)
	if !r.Certificate(name).Leaf.Equal(before) {
		t.Error("the certificate that works was taken away")
	}
	r.stop()
	again := h.start(t, "", issuers(ca), name)
	if c := again.Certificate(name); c == nil || !c.Leaf.Equal(before) {
		t.Error("after a restart the certificate that works is gone")
	}
	if s := again.States()[0]; s.Tries == 0 || s.NextTry.IsZero() || s.Error == "" {
		t.Errorf("a restart forgot what failed: %+v", s)
	}
}

func TestManager_GetsOnWithNoncesThatAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.start(t, "", issuers(h.ca(t, acmetest.Options{BadNonces: 30})), name)
	r.got(t, name)
}

func TestManager_BindsAnExternalAccount(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const mac = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
	ca := h.ca(t, acmetest.Options{Accounts: map[string]string{"kid-1": mac}})
	without := h.start(t, "", issuers(ca), name)
	if s := without.until(t, "a failure", failed); !strings.Contains(s.Error, "externalAccountRequired") {
		t.Errorf("%+v", s)
	}
	without.stop()
	declared := issuers(ca)
	declared.Email = "ops@example.com"
	declared.Issuers[0].KeyID = "kid-1"
	declared.Issuers[0].Key = secret(t, mac+"=\n")
	h.dir = t.TempDir()
	h.start(t, "", declared, name).got(t, name)
}

func TestManager_MakesAnAccountAnewThatWasForgotten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ca := h.ca(t, acmetest.Options{})
	r := h.start(t, "", issuers(ca), name)
	first := r.got(t, name)
	ca.Forget(t)
	h.now.add(80 * 24 * time.Hour)
	r.until(t, "a renewal", func(acme.State) bool { return !r.Certificate(name).Leaf.Equal(first) })
}

func TestManager_AsksNoPublicIssuerForPrivateNames(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.start(t, "", config.ACME{}, "shop.internal")
	if s := r.until(t, "a refusal", failed); !strings.Contains(s.Error, "is no name of the internet") || s.NextTry.Sub(s.Failed) < 20*time.Hour {
		t.Errorf("%+v", s)
	}
}
