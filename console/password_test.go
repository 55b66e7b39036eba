package console_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

func TestPassword_IsChangedByWhoKnowsIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.join(t, "ana", operators.Viewer)
	elsewhere := b.browser(t)
	elsewhere.want(200, "POST", "/api/sign-in", args{"name": "ana", "password": secret})
	const other = "other unrelated words"
	for _, c := range []struct{ current, password, reason string }{
		{"not this one", other, "auth.invalid"},
		{secret, "short", "auth.weak_password"},
		{secret, "ana and her words", "auth.weak_password"},
		{secret, secret, "auth.weak_password"},
	} {
		if _, out := ana.call("POST", "/api/password", args{"current": c.current, "password": c.password}); out["reason"] != c.reason {
			t.Errorf("%+v: %v", c, out)
		}
	}
	ana.want(200, "GET", "/api/session", nil) // a wrong one signs nobody out
	elsewhere.want(200, "GET", "/api/session", nil)
	ana.want(200, "POST", "/api/password", args{"current": secret, "password": other})
	ana.want(200, "GET", "/api/session", nil)
	elsewhere.want(401, "GET", "/api/session", nil)
	elsewhere.want(401, "POST", "/api/sign-in", args{"name": "ana", "password": secret})
	elsewhere.want(200, "POST", "/api/sign-in", args{"name": "ana", "password": other})
}

func TestPassword_IsNotGuessedBySessions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.join(t, "ana", operators.Viewer)
	for range 5 {
		ana.want(422, "POST", "/api/password", args{"current": "not this one", "password": "other unrelated words"})
	}
	ana.want(429, "POST", "/api/password", args{"current": secret, "password": "other unrelated words"})
}

func TestPassword_TheLinkOfDevHasNone(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *console.Options) { o.Dev = true })
	link, err := b.GuestLink()
	if err != nil {
		t.Fatal(err)
	}
	me := b.browser(t)
	me.want(200, "POST", "/api/claim", args{"token": tokenOf(t, link)})
	me.want(422, "POST", "/api/password", args{"current": "", "password": "other unrelated words"})
}

// from says by way of which network a request comes: the proxy on this machine does.
func from(address string) []string { return []string{"X-Forwarded-For", address} }

// Strangers in many networks guess the owner's password, each as often as they may, until none of them may any more. The
// owner comes in from where the owner was before, and from the machine itself.
func TestSignIn_StrangersDoNotLockAnOperatorOut(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *console.Options) { o.Origin = &url.URL{Scheme: "https", Host: "console.example"} })
	good, bad := args{"name": "ana", "password": secret}, args{"name": "ana", "password": "not this one"}
	b.join(t, "ana", operators.Owner)
	b.browser(t).want(200, "POST", "/api/sign-in", good, from("203.0.113.9")...)
	thief := b.browser(t)
	for n, address := range []string{"198.51.100.1", "192.0.2.1", "100.64.1.1", "100.64.2.1", "100.64.3.1", "100.64.4.1"} {
		for range 5 {
			thief.want(401, "POST", "/api/sign-in", bad, from(address)...)
		}
		if n < 5 {
			b.browser(t).want(429, "POST", "/api/sign-in", good, from(address)...) // even with the right one
		}
	}
	thief.want(429, "POST", "/api/sign-in", bad, from("100.64.5.1")...)
	b.browser(t).want(200, "POST", "/api/sign-in", good, from("203.0.113.77")...)
	b.browser(t).want(200, "POST", "/api/sign-in", good)
	b.clock.add(time.Minute)
	b.browser(t).want(200, "POST", "/api/sign-in", good, from("100.64.5.1")...)
}

// Another spelling of a name that the list takes for the same would be counted as another name, and have tries of its own.
func TestSignIn_ANameHasOneSpelling(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.join(t, "tess", operators.Owner)
	for _, name := range []string{"teſſ", "teſs", "tesſ"} {
		b.browser(t).want(401, "POST", "/api/sign-in", args{"name": name, "password": secret})
	}
	b.browser(t).want(200, "POST", "/api/sign-in", args{"name": " TESS ", "password": secret})
}
