package names_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// A name follows the health of what is behind it: dropped, or to where the declaration says, and back; with another serial, so
// that secondaries follow too.
func TestHealth_NamesFollow(t *testing.T) {
	t.Parallel()
	for policy, stand := range map[string][]string{"drop": {}, "[192.0.2.99]": {"192.0.2.99"}} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			var ill atomic.Bool
			upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if ill.Load() {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}))
			t.Cleanup(upstream.Close)
			s := server.Start(t, server.Declare(t, `
name: shop
dns:
  addresses: [127.0.0.1]
  zones:
    shop.test: { when_down: `+policy+`, records: ['fixed A 127.0.0.1'] }
sites:
  app.shop.test: { tls: off, routes: [{ path: /, proxy: [`+upstream.URL+`], health: { path: /, every: 1s } }] }
  fixed.shop.test: { tls: off, routes: [{ path: /, proxy: [`+upstream.URL+`], health: { path: /, every: 1s } }] }
  page.shop.test: { tls: off, routes: [{ path: /api/, proxy: [`+upstream.URL+`], health: { path: /, every: 1s } }, { path: /, static: web }] }
`))
			await(t, s, "app.shop.test", dns.TypeA, "127.0.0.1")
			first := serialOf(t, s, "shop.test")

			ill.Store(true)
			await(t, s, "app.shop.test", dns.TypeA, stand...)
			down := serialOf(t, s, "shop.test")
			if down <= first {
				t.Errorf("the serial is %d, and was %d", down, first)
			}
			if r := ask(t, s, "udp", "app.shop.test", dns.TypeA); r.Rcode != dns.RcodeSuccess {
				t.Errorf("the name is gone: %v", r)
			}
			await(t, s, "page.shop.test", dns.TypeA, "127.0.0.1")  // a part of it is served still
			await(t, s, "fixed.shop.test", dns.TypeA, "127.0.0.1") // what is declared holds
			if out, _ := command(t, "dns", "status", s.Folder); !strings.Contains(out, "no upstream is well") {
				t.Errorf("status does not say so:\n%s", out)
			}

			ill.Store(false)
			await(t, s, "app.shop.test", dns.TypeA, "127.0.0.1")
			if up := serialOf(t, s, "shop.test"); up <= down {
				t.Errorf("the serial is %d, and was %d", up, down)
			}
		})
	}
}
