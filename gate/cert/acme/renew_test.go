package acme_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme/acmetest"
)

const day = 24 * time.Hour

func TestManager_RenewsInTimeAndNotBefore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ca := h.ca(t, acmetest.Options{})
	ca.WithoutWindows()
	r := h.start(t, "", issuers(ca), name)
	first := r.got(t, name)
	s := r.States()[0]
	if age := s.Renewal.Sub(first.NotBefore); age < 56*day || age > 60*day+time.Minute {
		t.Fatalf("a certificate of 90 days is renewed after %v", age)
	}
	h.now.add(s.Renewal.Sub(h.now.Now()) - time.Hour)
	r.settle(t)
	if ca.Orders() != 1 || !r.Certificate(name).Leaf.Equal(first) {
		t.Fatalf("an hour too early it was renewed: %d orders", ca.Orders())
	}
	h.now.add(time.Hour + time.Second)
	r.until(t, "a renewal", func(acme.State) bool { return !r.Certificate(name).Leaf.Equal(first) })
	if ca.Orders() != 2 {
		t.Errorf("%d orders", ca.Orders())
	}
	if ca.Replaced() != 1 {
		t.Error("the issuer was not told which certificate was replaced")
	}
}

func TestManager_RenewsWhenTheIssuerAsksForIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ca := h.ca(t, acmetest.Options{})
	r := h.start(t, "", issuers(ca), name)
	first := r.got(t, name)
	r.until(t, "a window", func(s acme.State) bool { return s.Renewal.Before(first.NotAfter) })
	ca.Renew(t, first, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)) // it is about to be revoked
	h.now.add(day)                                                               // the window is asked for again
	r.until(t, "a renewal", func(acme.State) bool { return !r.Certificate(name).Leaf.Equal(first) })
}

func TestManager_ReplacesWhatHadEndedWhenItStarts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ca := h.ca(t, acmetest.Options{})
	r := h.start(t, "", issuers(ca), name)
	first := r.got(t, name)
	r.stop()
	h.now.add(120 * day)
	again := h.start(t, "", issuers(ca), name)
	again.until(t, "a renewal", func(acme.State) bool { return !again.Certificate(name).Leaf.Equal(first) })
}

func TestManager_ReplacesWhatIsOfAnIssuerThatWasTakenOff(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	staging, production := h.ca(t, acmetest.Options{}), h.ca(t, acmetest.Options{})
	r := h.start(t, "", issuers(staging), name)
	first := r.got(t, name)
	if err := r.Declare(issuers(production), sites(name)); err != nil {
		t.Fatal(err)
	}
	r.until(t, "another certificate", func(acme.State) bool { return !r.Certificate(name).Leaf.Equal(first) })
	vouched(t, production, r.Manager, name, name)
}

func TestManager_OrdersNothingAfterARestart(t *testing.T) {
	t.Parallel()
	for what, key := range map[string]string{"in the clear": "", "encrypted": "0123456789abcdef0123456789abcdef"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			ca := h.ca(t, acmetest.Options{})
			r := h.start(t, key, issuers(ca), name)
			first := r.got(t, name)
			r.stop()
			content, err := os.ReadFile(filepath.Join(h.dir, "acme/names/shop.example.com.json"))
			if err != nil || strings.Contains(string(content), "PRIVATE KEY") == (key != "") {
				t.Errorf("%v: the key lies there: %v", err, key == "")
			}
			again := h.start(t, key, issuers(ca), name)
			if c := again.Certificate(name); c == nil || !c.Leaf.Equal(first) {
				t.Fatal("it is not there at once")
			}
			again.settle(t)
			if ca.Orders() != 1 {
				t.Errorf("%d orders", ca.Orders())
			}
		})
	}
}

func TestManager_TwoProcessesOrderOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ca := h.ca(t, acmetest.Options{})
	// Both prove names by DNS, since the ports lead to one of them.
	declared := issuers(ca)
	declared.Challenges = []string{acme.DNS01}
	runs := make([]*run, 2)
	for i := range runs {
		runs[i] = h.start(t, "", declared, name, "*.shop.example.com")
	}
	var group sync.WaitGroup
	for _, n := range []string{name, "*.shop.example.com"} {
		for _, r := range runs {
			group.Go(func() { r.got(t, n) })
		}
	}
	group.Wait()
	if ca.Orders() != 2 {
		t.Fatalf("%d orders for two names", ca.Orders())
	}
	if a, b := runs[0].Certificate(name).Leaf, runs[1].Certificate(name).Leaf; !a.Equal(b) {
		t.Error("they show different certificates")
	}
	h.now.add(80 * day)
	for _, r := range runs {
		r.until(t, "a renewal", func(s acme.State) bool { return s.Name == name && s.NotAfter.After(h.now.Now()) && !s.UnderWay })
	}
}

func TestManager_AsksForNoNameThatNoSiteHas(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ca := h.ca(t, acmetest.Options{})
	r := h.start(t, "", issuers(ca), name)
	first := r.got(t, name)
	all := sites(name, "local.example.com")
	all[0].TLS.Mode, all[1].TLS.Mode = config.TLSFiles, config.TLSLocal
	if err := r.Declare(issuers(ca), all); err != nil {
		t.Fatal(err)
	}
	h.now.add(120 * day)
	r.settle(t)
	if ca.Orders() != 1 || r.Certificate(name) != nil || len(r.States()) != 0 {
		t.Errorf("%d orders, %+v", ca.Orders(), r.States())
	}
	if err := r.Declare(issuers(ca), sites(name)); err != nil {
		t.Fatal(err)
	}
	if c := r.Certificate(name); c == nil || !c.Leaf.Equal(first) {
		t.Error("a site that came back does not find what is kept of it")
	}
}

func TestManager_AnswersForChallengesUnderWayAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.start(t, "", issuers(h.ca(t, acmetest.Options{})), name)
	r.got(t, name)
	for _, path := range []string{"/.well-known/acme-challenge/", "/.well-known/acme-challenge/x", "/", "/.well-known/acme-challenge/../x"} {
		if content, ok := r.HTTPAnswer(name, path); ok {
			t.Errorf("%s is answered with %q", path, content)
		}
	}
	if r.TLSAnswer(name) != nil {
		t.Error("the proof by TLS outlives its challenge")
	}
}

func TestManager_ThrowsNothingAwayThatItCannotRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ca := h.ca(t, acmetest.Options{})
	r := h.start(t, "", issuers(ca), name)
	r.got(t, name)
	r.stop()
	path := filepath.Join(h.dir, "acme/names/shop.example.com.json")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, content := range map[string]string{
		"cut off":         string(whole[:len(whole)/2]),
		"of another name": strings.ReplaceAll(string(whole), name, "other.example.com"),
		"another key":     strings.Replace(string(whole), "BEGIN PRIVATE KEY-----", "BEGIN PRIVATE KEY-----\\nAAAA", 1),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := acme.New(acme.Options{Keeper: open(t, h.dir), Now: h.now.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		err = m.Declare(issuers(ca), sites(name))
		if what == "of another name" { // what it says of itself does not matter: the certificate does
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "take it from a backup, or remove it to order anew") {
			t.Errorf("%s: %v", what, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != content {
			t.Errorf("%s: the file was changed (%v)", what, err)
		}
	}
}

func TestManager_KeepsOneFileForEachName(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	declared := issuers(h.ca(t, acmetest.Options{}))
	declared.Challenges = []string{acme.DNS01}
	r := h.start(t, "", declared, "*.shop.example.com")
	r.got(t, "*.shop.example.com")
	r.stop()
	content, err := os.ReadFile(filepath.Join(h.dir, "acme/names/_.shop.example.com.json"))
	if err != nil {
		t.Fatal(err)
	}
	var kept struct{ Name, Directory, Chain, Key string }
	if err := json.Unmarshal(content, &kept); err != nil || kept.Name != "*.shop.example.com" || kept.Directory != declared.Issuers[0].Directory ||
		!strings.HasPrefix(kept.Chain, "-----BEGIN CERTIFICATE") || !strings.HasPrefix(kept.Key, "-----BEGIN PRIVATE KEY") {
		t.Errorf("%v: %+v", err, kept)
	}
	accounts, err := os.ReadDir(filepath.Join(h.dir, "acme/accounts"))
	if err != nil || len(accounts) != 1 {
		t.Errorf("%v, %v", accounts, err)
	}
}
