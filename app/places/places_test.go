package places_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/places"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/trace"
)

const declared = `name: shop
dns:
  zones:
    shop.test:
      records: ['@ 300 TXT "hello"']
      transfer: { to: [198.51.100.7] }
  rate_limit: { responses: 50 }
firewall:
  groups:
    web:
      - { allow: tcp/443, from: [anywhere] }
      - { allow: tcp/80, from: [anywhere] }
  attach: { edge: [web] }
sites:
  shop.test:
    tls: local
    routes:
      - { path: /api/, to: api }
      - { path: /web/, static: dist, limits: { requests: 5/s per client } }
      - path: /
        proxy: [http://127.0.0.1:3000, http://127.0.0.1:3001]
    cors:
      origins: [https://app.test]
      methods: [GET]
    limits: { body: 12MB, requests: 50/s per client }
  plain.test:
    tls: local
    routes: [{ path: /, respond: { status: 200 } }]
    limits: { requests: 5/s per client }
identity:
  accounts: users
  sessions: { idle: 3d }
collections:
  users:
    fields:
      handle: { type: text, unique: true }
    rules:
      read: 'true'
  likes:
    fields:
      user: { type: ref, to: users }
    rules:
      read: 'true'
      create: 'auth.id == record.user'
store:
  pool: { max: 20 }
webhooks:
  moderation:
    when: [likes.created]
    url: https://example.com/hook
    secret: { env: HOOK_SECRET }
`

func declare(t *testing.T, text string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), config.FileName)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, func(string) (string, bool) { return "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at is where a text stands in the declaration that comes first behind another one.
func at(c *config.Config, behind, text string) string {
	source := string(c.Source)
	i := strings.Index(source, behind)
	i += strings.Index(source[i:], text)
	line := strings.Count(source[:i], "\n") + 1
	return fmt.Sprintf("%s:%d:%d", c.File, line, i-strings.LastIndexByte(source[:i], '\n'))
}

func TestWhere_NamesTheLineThatDecided(t *testing.T) {
	c := declare(t, declared)
	var b places.Book
	b.Enter(1, c, c.Source, time.Unix(0, 0))
	for _, one := range []struct {
		what         string
		layer        trace.Layer
		name, reason string
		behind, text string // what stands there; "" for nowhere
	}{
		{"the zone", trace.DNS, "shop.test", "", "zones:", "shop.test:"},
		{"its records, where a name is missing", trace.DNS, "shop.test", "dns.no_name", "", "records:"},
		{"who may copy it", trace.DNS, "shop.test", "dns.transfer_address", "", "transfer:"},
		{"how many answers there may be", trace.DNS, "shop.test", "dns.rate_limited", "", "rate_limit:"},
		{"the zones, for a name of none", trace.DNS, "no zone", "dns.not_ours", "", "zones:"},
		{"the rule that let somebody in", trace.Firewall, "web rule 2", "", "", "{ allow: tcp/80"},
		{"the groups, where none does", trace.Firewall, "groups", "firewall.no_rule", "", "groups:"},
		{"the certificate", trace.TLS, "shop.test", "", "", "tls:"},
		{"the sites, for a name of none", trace.TLS, "handshake", "tls.no_certificate_for_name", "", "sites:"},
		{"the routes, where none fits", trace.Route, "shop.test", "route.no_path", "", "routes:"},
		{"the size of bodies", trace.Route, "shop.test", "request.body_too_large", "", "body:"},
		{"the sites, for a host of none", trace.Route, "other.test", "route.no_host", "", "sites:"},
		{"who may call", trace.CORS, "shop.test", "cors.origin_not_allowed", "", "origins:"},
		{"with which methods", trace.CORS, "shop.test", "cors.method_not_allowed", "", "methods:"},
		{"with which headers: the block, where none are declared", trace.CORS, "shop.test", "cors.header_not_allowed", "", "cors:"},
		{"the site, where no other may call", trace.CORS, "plain.test", "cors.origin_not_allowed", "", "plain.test:"},
		{"the rate", trace.Limit, "50/s per client", "limit.rate", "", "50/s per client"},
		{"no rate, where two are alike", trace.Limit, "5/s per client", "limit.rate", "", ""},
		{"the folder", trace.Static, "/web/", "static.not_found", "", "static:"},
		{"the upstream", trace.Proxy, "http://127.0.0.1:3001", "proxy.connect_refused", "", "http://127.0.0.1:3001"},
		{"who may sign up, told by the handler", trace.App, "rest", "auth.sign_up_closed", "", "identity:"},
		{"how long sessions last", trace.Auth, "session", "auth.expired", "", "sessions:"},
		{"the rule of the action", trace.Access, "likes.create", "access.rule_denied", "", "auth.id == record.user"},
		{"that of reading, for a list", trace.Access, "likes.list", "access.rule_denied", "likes:", "true"},
		{"all rules, for an action without one", trace.Access, "likes.delete", "access.no_rule", "likes:", "rules:"},
		{"the fields", trace.Schema, "likes", "schema.invalid", "likes:", "fields:"},
		{"one field", trace.Schema, "likes.user", "schema.invalid", "likes:", "user:"},
		{"the size of the pool", trace.Pool, "store.readers", "store.pool_exhausted", "", "max:"},
		{"the pool", trace.Pool, "store.readers", "", "", "pool:"},
		{"the collection of a statement", trace.SQL, "likes.list", "", "", "likes:"},
		{"the webhook", trace.Webhook, "moderation", "", "", "moderation:"},
		{"nothing, for a name that is not declared", trace.Access, "nobody.read", "", "", ""},
	} {
		t.Run(one.what, func(t *testing.T) {
			h := trace.Hop{Layer: one.layer, Name: one.name, Verdict: trace.OK}
			if one.reason != "" {
				h.Verdict, h.Reason = trace.Deny, trace.ReasonOf(one.reason)
			}
			want := ""
			if one.text != "" {
				want = at(c, one.behind, one.text)
			}
			if got := b.Where(1, &h); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestWhere_TakesThePlaceThatTheStationHasNoted(t *testing.T) {
	c := declare(t, declared)
	var b places.Book
	b.Enter(1, c, c.Source, time.Unix(0, 0))
	if got, want := b.Where(1, &trace.Hop{Layer: trace.Limit, Name: "5/s per client", Note: c.File + ":19:7"}), c.File+":19:7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, note := range []string{"other.yaml:19:7", c.File + ":19", c.File + ":x:7", "a sentence"} {
		if got := b.Where(1, &trace.Hop{Layer: trace.Limit, Name: "5/s per client", Note: note}); got != "" {
			t.Errorf("the note %q is taken for the place %q", note, got)
		}
	}
}

func TestWhere_AnswersForDevNames(t *testing.T) {
	c := declare(t, declared)
	dev := c.Dev("8443")
	var b places.Book
	b.Enter(1, dev, dev.Source, time.Unix(0, 0))
	h := trace.Hop{Layer: trace.CORS, Name: "shop.localhost", Verdict: trace.Deny, Reason: trace.ReasonOf("cors.origin_not_allowed")}
	if got, want := b.Where(1, &h), at(c, "", "origins:"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBook_RemembersTheLastDeclarations(t *testing.T) {
	c := declare(t, declared)
	var b places.Book
	hop := &trace.Hop{Layer: trace.Pool, Name: "store.readers"}
	if got := b.Where(1, hop); got != "" {
		t.Errorf("an empty book says %q", got)
	}
	for g := uint32(1); g <= 40; g++ {
		text := strings.Replace(declared, "max: 20", fmt.Sprintf("max: %d", 20+g), 1)
		b.Enter(g, c, []byte(text), time.Unix(int64(g), 0))
	}
	all := b.Generations()
	if len(all) != 32 || all[0].Number != 40 || all[31].Number != 9 || len(all[31].Changes) != 0 {
		t.Fatalf("it remembers %d declarations, from %d to %d", len(all), all[len(all)-1].Number, all[0].Number)
	}
	if got := all[0].Changes; len(got) != 1 || got[0].Path != "store.pool.max" || got[0].Was != "59" || got[0].Now != "60" {
		t.Errorf("the last change is %v", got)
	}
	if got := b.Diff(10, 12); len(got) != 1 || got[0].Was != "30" || got[0].Now != "32" || got[0].Where != at(c, "", "max:") {
		t.Errorf("from 10 to 12 changed %v", got)
	}
	if b.Diff(1, 12) != nil || b.Where(1, hop) != "" {
		t.Error("the first declaration is forgotten, and still known")
	}
	if got, want := b.Key(40, "store", "pool", "wait"), at(c, "", "pool:"); got != want {
		t.Errorf("a key that is not written stands at %q, want its block %q", got, want)
	}
}
