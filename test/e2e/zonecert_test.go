package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/roundtrip-dev/roundtrip/gate/cert/acme/acmetest"
	"github.com/roundtrip-dev/roundtrip/test/server"
)

// zoned is a declaration whose certificates are proven by its own zones: the second is a domain of which we have the challenges
// alone.
const zoned = `name: shop
dns:
  addresses: [127.0.0.1]
  zones:
    shop.example.com:
      records: ['_acme-challenge.moved CNAME moved._acme-challenge.elsewhere.example.org.']
    _acme-challenge.elsewhere.example.org: { nameservers: [ns1.shop.example.com] }
sites:
  %s
acme:
  issuers: [{ directory: "%s", roots: "%s" }]
  challenges: [dns-01]
`

// The issuer asks our own server, and finds the records that it wants there: of a wildcard and of the name below which it is, at
// once, which are two values of one name. The challenge of one name is an alias, as those have who keep their challenges apart.
func TestCerts_AreProvenByOurOwnZone(t *testing.T) {
	t.Parallel()
	names := []string{"shop.example.com", "*.shop.example.com", "*.preview.shop.example.com", "*.elsewhere.example.org", "elsewhere.example.org", "moved.shop.example.com"}
	plain, secure, resolver := newRelay(t), newRelay(t), newRelay(t)
	ca := acmetest.New(t, acmetest.Options{
		HTTP: plain.port, TLS: secure.port, DNS: &acmetest.DNS{Address: fmt.Sprintf("127.0.0.1:%d", resolver.port)},
	})
	var sites []string
	for _, name := range names {
		sites = append(sites, strings.Replace(siteOf(name), name, "'"+name+"'", 1))
	}
	s := server.Start(t, server.Declare(t, fmt.Sprintf(zoned, strings.Join(sites, "\n  "), ca.Directory, ca.Roots)))
	resolver.lead(s.DNS)
	i := &issued{s, ca, plain, secure}
	for _, name := range names {
		i.await(t, name)
		if body, _, err := i.get(t, strings.Replace(name, "*", "any", 1), "/hello"); err != nil || body != "hello from "+name {
			t.Errorf("%s: %q, %v", name, body, err)
		}
	}
	for _, name := range []string{"_acme-challenge.shop.example.com.", "_acme-challenge.elsewhere.example.org.", "moved._acme-challenge.elsewhere.example.org."} {
		m := new(dns.Msg)
		m.SetQuestion(name, dns.TypeTXT)
		r, _, err := new(dns.Client).Exchange(m, s.DNS)
		if err != nil || len(r.Answer) != 0 {
			t.Errorf("what was answered to the issuer is still there: %v %v", err, r)
		}
	}
}
