package console_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/console"
	"github.com/roundtrip-dev/roundtrip/console/audit"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

func TestClaim_MakesAnOperatorOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	link, err := b.Link(operators.Owner)
	if err != nil {
		t.Fatal(err)
	}
	ana := b.browser(t)
	ana.want(401, "GET", "/api/session", nil)
	claim := args{"token": tokenOf(t, link), "name": "Ana", "password": "short"}
	if out := ana.want(400, "POST", "/api/claim", claim); out["reason"] != "auth.weak_password" {
		t.Fatalf("a short password: %v", out)
	}
	claim["password"] = secret
	if out := ana.want(200, "POST", "/api/claim", claim); out["name"] != "ana" || out["role"] != "owner" {
		t.Fatalf("claimed: %v", out)
	}
	if out := ana.want(200, "GET", "/api/session", nil); out["name"] != "ana" || out["project"] != "gallery" || out["guest"] != false {
		t.Fatalf("session: %v", out)
	}
	claim["name"] = "bo"
	if out := b.browser(t).want(403, "POST", "/api/claim", claim); out["reason"] != "console.link_dead" {
		t.Fatalf("used twice: %v", out)
	}
}

func TestClaim_ALinkEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	link, err := b.Link(operators.Viewer)
	if err != nil {
		t.Fatal(err)
	}
	b.clock.add(operators.LinkLife)
	out := b.browser(t).want(403, "POST", "/api/claim", args{"token": tokenOf(t, link), "name": "ana", "password": secret})
	if out["reason"] != "console.link_dead" {
		t.Fatalf("%v", out)
	}
}

func TestClaim_OfDevSignsInWithoutAnAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *console.Options) { o.Dev = true })
	link, err := b.GuestLink()
	if err != nil {
		t.Fatal(err)
	}
	me := b.browser(t)
	if out := me.want(200, "POST", "/api/claim", args{"token": tokenOf(t, link)}); out["guest"] != true || out["role"] != "owner" || out["dev"] != true {
		t.Fatalf("%v", out)
	}
	me.want(200, "GET", "/api/operators", nil)
	b.browser(t).want(403, "POST", "/api/claim", args{"token": tokenOf(t, link)})
	if list, err := b.Book().List(); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
}

func TestSession_EndsByItselfAndBySigningOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.join(t, "ana", operators.Owner)
	b.clock.add(11 * time.Hour)
	ana.want(200, "GET", "/api/session", nil)
	b.clock.add(13 * time.Hour)
	ana.want(401, "GET", "/api/session", nil)
	ana.want(200, "POST", "/api/sign-in", args{"name": "ANA", "password": secret})
	cookie := ana.Jar.Cookies(mustURL(t, b.base))[0]
	ana.want(200, "POST", "/api/sign-out", args{})
	out := b.browser(t).want(401, "GET", "/api/session", nil, "Cookie", cookie.Name+"="+cookie.Value)
	if out["reason"] != "auth.missing" {
		t.Fatalf("the cookie still works: %v", out)
	}
}

func TestSession_CookieCanBeUsedByTheConsoleAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	link, err := b.Link(operators.Owner)
	if err != nil {
		t.Fatal(err)
	}
	resp := b.browser(t).send("POST", "/api/claim", args{"token": tokenOf(t, link), "name": "ana", "password": secret})
	defer resp.Body.Close()
	set := resp.Header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(set, part) {
			t.Errorf("%s is not in %s", part, set)
		}
	}
	if strings.Contains(set, "Domain") || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s, %v", set, resp.Header)
	}
}

func TestSignIn_WrongOnesWait(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.join(t, "ana", operators.Owner)
	thief := b.browser(t)
	for range 5 {
		if out := thief.want(401, "POST", "/api/sign-in", args{"name": "ana", "password": "not this one"}); out["reason"] != "auth.invalid" {
			t.Fatalf("%v", out)
		}
	}
	resp := thief.send("POST", "/api/sign-in", args{"name": "ana", "password": secret})
	resp.Body.Close()
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("the sixth is answered with %d, %v", resp.StatusCode, resp.Header)
	}
	b.clock.add(time.Minute)
	thief.want(200, "POST", "/api/sign-in", args{"name": "ana", "password": secret})
}

func TestSignIn_AnAddressThatGuessesNamesWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	thief := b.browser(t)
	for n := range 20 {
		thief.want(401, "POST", "/api/sign-in", args{"name": "name" + string(rune('a'+n)), "password": "x"})
	}
	thief.want(429, "POST", "/api/sign-in", args{"name": "another", "password": "x"})
	thief.want(429, "POST", "/api/claim", args{"token": "x"})
}

func TestFront_OnlyOurOwnNamesAndPages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana := b.join(t, "ana", operators.Owner)
	for host, want := range map[string]int{
		"localhost": 200, "localhost:9443": 200, "127.0.0.1:1": 200, "[::1]:9443": 200,
		"rebound.example": 421, "127.0.0.1.rebound.example": 421, "localhost.rebound.example:9443": 421,
	} {
		if got, out := ana.call("GET", "/api/session", nil, "Host", host); got != want && got != 401 || want == 421 && got != 421 {
			t.Errorf("%s: %d %v, want %d", host, got, out, want)
		}
	}
	for name, headers := range map[string][]string{
		"another site":      {"Sec-Fetch-Site", "cross-site"},
		"another subdomain": {"Sec-Fetch-Site", "same-site"},
		"an old browser":    {"Origin", "https://other.example"},
		"another port":      {"Origin", "http://127.0.0.1:1"},
	} {
		if got, out := ana.call("POST", "/api/operators/link", args{"role": "owner"}, headers...); got != 403 || out["reason"] != "auth.csrf_rejected" {
			t.Errorf("%s: %d %v", name, got, out)
		}
	}
	ana.want(200, "POST", "/api/operators/link", args{"role": "owner"}, "Origin", b.base)
	ana.want(200, "POST", "/api/operators/link", args{"role": "owner"}, "Sec-Fetch-Site", "same-origin")
	ana.want(415, "POST", "/api/operators/link", nil, "Content-Type", "text/plain")
}

func TestFront_HeadersOfThePage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for path, cache := range map[string]string{"/": "no-cache", "/journeys/abc": "no-cache", "/reasons/cors.origin_not_allowed": "no-cache", "/assets/app-1.js": "public, max-age=31536000, immutable", "/api/nothing": "no-store"} {
		resp := b.browser(t).send("GET", path, nil)
		resp.Body.Close()
		h := resp.Header
		if h.Get("Cache-Control") != cache || h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'") {
			t.Errorf("%s: %v", path, h)
		}
	}
	b.browser(t).want(404, "GET", "/assets/other.js", nil)
	for _, path := range []string{"/.keep", "/reasons/cors.origin_not_allowed", "/nothing.js"} {
		resp := b.browser(t).send("GET", path, nil)
		if text, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(text), "<title>console</title>") {
			t.Errorf("%s is not the start page: %s %v", path, text, err)
		}
		resp.Body.Close()
	}
}

// Who can't be noted is signed out all the same: a full disk must keep nobody in.
func TestSignOut_GoesWithoutAnAuditLog(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *console.Options) {
		o.Dev = true
		// One entry fits; before the next one a new file has to be begun, and a folder stands in the way.
		full := append(bytes.Repeat([]byte("x"), audit.FileMaxBytes-2), '\n')
		for name, text := range map[string][]byte{audit.File: full, audit.File + ".6": nil, audit.File + ".7/in the way": nil} {
			path := filepath.Join(o.Dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	})
	me, other := b.browser(t), b.browser(t)
	for _, c := range []struct {
		who  *browser
		want int
	}{{me, 200}, {other, 503}} { // nobody comes in unnoted
		link, err := b.GuestLink()
		if err != nil {
			t.Fatal(err)
		}
		c.who.want(c.want, "POST", "/api/claim", args{"token": tokenOf(t, link)})
	}
	me.want(200, "POST", "/api/sign-out", nil)
	me.want(401, "GET", "/api/session", nil)
}
