package config_test

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// everything is a declaration that uses each key of the gate.
const everything = `
name: app
gate:
  trusted_proxies: [10.0.0.0/8, 2001:db8::/32, 192.168.0.7]
  proxy_protocol: true
  http3: false
  connections: { total: 100, per_client: 20 }
  timeouts: { header: 1s, idle: 1m, stall: 5s, drain: 3s }
acme:
  email: ops@example.com
  challenges: [http-01, dns-01]
  issuers:
    - { directory: letsencrypt }
    - { directory: https://acme.example.net/dir, roots: ca.pem, eab: { id: kid-1, key: { env: SET } } }
sites:
  '*.preview.example.com':
    tls: auto
    client_certificates: { ca: clients.pem, optional: true }
    headers: { security: false, hsts: false, set: { x-served-by: roundtrip }, remove: [server] }
    limits: { requests: 50/s per client, burst: 70, body: 12MB }
    cors: { origins: [https://b.test] }
    routes:
      - { path: /api/, to: api, limits: { requests: [5/s per account, 10/m per header x-api-key burst 3, 100/10s per site] } }
      - { path: /old/, redirect: https://example.com/new/, status: 301 }
      - { path: /healthz, respond: { status: 200, body: ok } }
      - { path: /users/*/avatar, static: avatars, methods: [GET, HEAD] }
      - { path: /files/, static: files, listing: true, compress: false }
      - { path: /, headers: { X-Canary: 'yes' }, proxy: http://127.0.0.1:4000 }
      - path: /app/
        proxy: [http://127.0.0.1:3000, 'https://10.0.0.2', "h2c://[::1]:50051", unix:run/app.sock]
        rewrite: /
        balance: hash header x-user
        health: { path: /healthz?deep=1, every: 6s, timeout: 1s, fails: 3, passes: 2, status: [200, 204] }
        eject: { fails: 4, for: 20s }
        slow_start: 11s
        concurrency: 200
        retry: { tries: 2, budget: 10% }
        timeouts: { connect: 1s, first_byte: 30s, idle: 1m }
        buffer: true
        host: upstream
        tls: { roots: ca.pem, name: app.internal, cert: c.pem, key: { file: c.key } }
        set: { x-from: edge }
        compress: true
        pass_headers: [x_old_header]
`

func TestConfig_ReadsEveryKeyOfTheGate(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("app/roundtrip.yaml", []byte(everything), environment)
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(c.Dir, name) }
	cidr := netip.MustParsePrefix
	want := config.Config{
		Gate: config.Gate{
			TrustedProxies: []netip.Prefix{cidr("10.0.0.0/8"), cidr("2001:db8::/32"), cidr("192.168.0.7/32")}, ProxyProtocol: true,
			Connections: 100, PerClient: 20, Header: time.Second, Idle: time.Minute, Stall: 5 * time.Second, Drain: 3 * time.Second,
		},
		ACME: config.ACME{
			Email: "ops@example.com", Challenges: []string{"http-01", "dns-01"}, Issuers: []config.Issuer{
				{Directory: "https://acme-v02.api.letsencrypt.org/directory"},
				{Directory: "https://acme.example.net/dir", Roots: at("ca.pem"), KeyID: "kid-1", Key: config.Secret{Env: "SET"}},
			},
		},
		Sites: []config.Site{{
			Name: "*.preview.example.com", TLS: config.TLS{Mode: config.TLSAuto}, Client: &config.ClientCertificates{CA: at("clients.pem"), Optional: true},
			Headers: config.Headers{Set: []config.HeaderLine{{Name: "X-Served-By", Value: "roundtrip"}}, Remove: []string{"Server"}},
			Limits:  config.Limits{Body: 12_000_000, Requests: []config.Rate{{Count: 50, Per: time.Second, Burst: 70, Key: config.PerClient}}},
			Routes: []config.Route{
				{Path: "/api/", API: true, Limits: &config.Limits{Requests: []config.Rate{
					{Count: 5, Per: time.Second, Burst: 10, Key: config.PerAccount},
					{Count: 10, Per: time.Minute, Burst: 3, Key: config.PerHeader, Header: "X-Api-Key"},
					{Count: 100, Per: 10 * time.Second, Burst: 200, Key: config.PerSite},
				}}},
				{Path: "/old/", Redirect: &config.Redirect{To: "https://example.com/new/", Status: 301}},
				{Path: "/healthz", Respond: &config.Respond{Status: 200, Body: "ok", Type: "text/plain; charset=utf-8"}},
				{Path: "/users/*/avatar", Static: at("avatars"), Compress: true, Match: config.Match{Methods: []string{"GET", "HEAD"}}},
				{Path: "/files/", Static: at("files"), Listing: true},
				{Path: "/", Match: config.Match{Headers: []config.HeaderLine{{Name: "X-Canary", Value: "yes"}}}, Proxy: plainProxy()},
				{Path: "/app/", Rewrite: "/", Compress: true, PassHeaders: []string{"X_old_header"}, Proxy: &config.Proxy{
					Upstreams: []config.Upstream{
						{URL: "http://127.0.0.1:3000", Scheme: config.HTTP, Network: "tcp", Address: "127.0.0.1:3000", Host: "127.0.0.1:3000"},
						{URL: "https://10.0.0.2", Scheme: config.HTTPS, Network: "tcp", Address: "10.0.0.2:443", Host: "10.0.0.2"},
						{URL: "h2c://[::1]:50051", Scheme: config.H2C, Network: "tcp", Address: "[::1]:50051", Host: "[::1]:50051"},
						{URL: "unix:run/app.sock", Scheme: config.HTTP, Network: "unix", Address: at("run/app.sock"), Host: "localhost"},
					},
					Balance: config.HashHeader, Key: "X-User",
					Health:     &config.Health{Path: "/healthz?deep=1", Every: 6 * time.Second, Timeout: time.Second, Fails: 3, Passes: 2, Status: []int{200, 204}},
					EjectAfter: 4, EjectFor: 20 * time.Second, SlowStart: 11 * time.Second, Concurrency: 200, Tries: 2, Budget: 10,
					Connect: time.Second, FirstByte: 30 * time.Second, IdleStream: time.Minute, Buffer: true, Host: "upstream",
					Roots: at("ca.pem"), ServerName: "app.internal", ClientCert: at("c.pem"), ClientKey: config.Secret{File: at("c.key")},
					Set: []config.HeaderLine{{Name: "X-From", Value: "edge"}},
				}},
			},
		}},
	}
	ignore := cmp.Options{
		cmpopts.IgnoreTypes(roundtrip.Pos{}), cmpopts.IgnoreFields(config.Site{}, "CORS"),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b config.Secret) bool { return a.Env == b.Env && a.File == b.File }),
	}
	got := config.Config{Gate: c.Gate, ACME: c.ACME, Sites: c.Sites}
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Error(diff)
	}
	for _, r := range c.Sites[0].Routes {
		if r.Pos.Line == 0 || r.Proxy != nil && r.Proxy.Pos.Line == 0 || r.Redirect != nil && r.Redirect.Pos.Line == 0 {
			t.Errorf("%s has no place", r.Path)
		}
	}
}

// plainProxy is what a proxy route is that says nothing but its server.
func plainProxy() *config.Proxy {
	return &config.Proxy{
		Upstreams: []config.Upstream{{URL: "http://127.0.0.1:4000", Scheme: config.HTTP, Network: "tcp", Address: "127.0.0.1:4000", Host: "127.0.0.1:4000"}},
		Balance:   config.TwoChoices, EjectAfter: 5, EjectFor: 10 * time.Second, Tries: 3, Budget: 20,
		Connect: 3 * time.Second, FirstByte: time.Minute, IdleStream: 5 * time.Minute,
	}
}

func TestConfig_FillsInTheDefaultsOfTheGate(t *testing.T) {
	t.Parallel()
	c := parse(t, "name: app\nsites: { app.test: { routes: [{ path: /, respond: {} }, { path: /old, redirect: / }, { path: /p/, proxy: http://a.test:1, retry: false, eject: false }] } }\n")
	g := c.Gate
	if !g.HTTP3 || g.ProxyProtocol || g.Connections != 20_000 || g.PerClient != 512 || g.Header != 10*time.Second || g.Idle != 2*time.Minute ||
		g.Stall != 30*time.Second || g.Drain != 10*time.Second {
		t.Errorf("gate: %+v", g)
	}
	if s := c.Sites[0]; !s.Headers.Security || !s.Headers.HSTS || s.Client != nil || s.Limits.Requests != nil {
		t.Errorf("site: %+v", s)
	}
	routes := c.Sites[0].Routes
	if a := routes[0].Respond; a == nil || a.Status != 200 || a.Body != "" || routes[0].Proxy != nil || routes[0].Redirect != nil || routes[0].Limits != nil || routes[0].Compress {
		t.Errorf("respond: %+v", routes[0])
	}
	if r := routes[1].Redirect; r == nil || r.Status != 308 || routes[1].Respond != nil {
		t.Errorf("redirect: %+v", routes[1])
	}
	if p := routes[2].Proxy; p == nil || p.Tries != 1 || p.EjectAfter != 0 || p.Health != nil {
		t.Errorf("proxy: %+v", routes[2])
	}
}

func TestConfig_DevServesWildcardSites(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("app/roundtrip.yaml", []byte(everything), environment)
	if err != nil {
		t.Fatal(err)
	}
	dev := c.Dev("8443")
	s := dev.Sites[0]
	if s.Name != "*.preview.example.localhost" || s.TLS.Mode != config.TLSLocal || s.Client == nil || s.Routes[1].Redirect.To != "https://example.com/new/" {
		t.Errorf("%+v", s)
	}
	if len(dev.ACME.Issuers) != 0 || dev.Gate.ProxyProtocol || len(dev.Gate.TrustedProxies) != 0 || len(c.ACME.Issuers) != 2 || !c.Gate.ProxyProtocol {
		t.Errorf("acme %+v, gate %+v", dev.ACME, dev.Gate)
	}
}

func TestConfig_WarnsOfCertificatesThatNobodyTrusts(t *testing.T) {
	t.Parallel()
	c := parse(t, "name: app\nsites:\n"+
		"  app.example.com: { routes: [{ path: /, respond: {} }] }\n"+
		"  b.example.com: { tls: local, routes: [{ path: /, respond: {} }] }\n"+
		"  c.test: { routes: [{ path: /, respond: {} }] }\n"+
		"  d.test: { tls: auto, routes: [{ path: /, respond: {} }] }\n")
	var got []string
	for _, w := range c.Warnings() {
		got = append(got, w.Message)
	}
	if len(got) != 2 || !strings.Contains(got[0], "app.example.com: `tls: auto`") || !strings.Contains(got[1], "d.test") {
		t.Errorf("%q", got)
	}
}
