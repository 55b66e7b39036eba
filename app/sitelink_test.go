package app_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/process"
)

const twoSites = `name: visits
sites:
  notes.test:
    tls: local
    routes: [{ path: /, respond: { body: notes } }]
  other.test:
    tls: local
    routes: [{ path: /, respond: { body: other } }]
  plain.test:
    tls: off
    routes: [{ path: /, respond: { body: plain } }]
`

// clock is one that tests move.
type clock struct {
	mu    sync.Mutex // guards ahead
	ahead time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// A link of the console lets one operator in at one site, once, for two minutes; its cookie is good there for an hour. For
// everybody else the page's path is like any other.
func TestSiteLink_LetsInOnceAtOneSite(t *testing.T) {
	t.Parallel()
	var at clock
	a, client := startWith(t, twoSites, func(s *process.Surroundings) { s.Now = at.Now })
	get := func(url string, cookies ...*http.Cookie) (*http.Response, bool) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cookies {
			r.AddCookie(c)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, bytes.Contains(body, []byte("Why does a request fail?"))
	}
	link := func() string {
		t.Helper()
		text, err := a.SiteLink("notes.test")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const page = "https://notes.test/.well-known/roundtrip/why"
	if _, in := get(page); in {
		t.Fatal("a stranger sees the page")
	}
	first := link()
	if _, in := get(strings.Replace(first, "notes.test", "other.test", 1)); in {
		t.Error("a link is good at another site")
	}
	res, in := get(first)
	if !in || len(res.Cookies()) != 1 {
		t.Fatalf("the link does not let in: %s %v", res.Status, res.Header)
	}
	c := res.Cookies()[0]
	if c.Name != "__Host-rt-operator" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.MaxAge != 3600 || c.Path != "/" || c.Domain != "" {
		t.Errorf("%+v", c)
	}
	if res, in := get(first); in || len(res.Cookies()) > 0 {
		t.Error("a link is good twice")
	}
	if _, in := get(page, c); !in {
		t.Error("the cookie does not let in")
	}
	if res, _ := get("https://notes.test/", c); res.Header.Get("Server-Timing") == "" {
		t.Error("an operator does not get Server-Timing")
	}
	if res, _ := get("https://notes.test/"); res.Header.Get("Server-Timing") != "" {
		t.Error("a stranger gets Server-Timing")
	}
	forged := *c
	last := "0" // the last digit but one is another
	if strings.HasSuffix(c.Value[:len(c.Value)-1], last) {
		last = "1"
	}
	forged.Value = c.Value[:len(c.Value)-2] + last + c.Value[len(c.Value)-1:]
	for name, bad := range map[string][]*http.Cookie{"forged": {&forged}, "two of them": {c, c}, "a ticket": {{Name: c.Name, Value: first[strings.Index(first, "ticket=")+7:]}}} {
		if _, in := get(page, bad...); in {
			t.Errorf("%s: it lets in", name)
		}
	}
	if _, in := get("https://other.test/.well-known/roundtrip/why", c); in {
		t.Error("the cookie is good at another site")
	}
	late := link()
	at.move(2 * time.Minute)
	if _, in := get(late); in {
		t.Error("a link is good for more than two minutes")
	}
	at.move(time.Hour)
	if _, in := get(page, c); in {
		t.Error("the cookie is good for more than an hour")
	}
	for _, site := range []string{"plain.test", "nobody.test", ""} {
		if text, err := a.SiteLink(site); err == nil {
			t.Errorf("%q: %s", site, text)
		}
	}
}
