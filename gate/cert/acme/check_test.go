package acme_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
)

// one is a zone of one name and all below it.
type one string

func (z one) Serves(name string) bool {
	return name == string(z) || strings.HasSuffix(name, "."+string(z))
}
func (one) Present(context.Context, string, string) error { return nil }
func (one) Remove(context.Context, string, string) error  { return nil }

func TestCheck_SaysWhatCannotBeGot(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		declared config.ACME
		site     string
		zone     acme.Zone
		says     string // "" for nothing
	}{
		"a name":                         {site: "shop.example.com"},
		"a wildcard in the zone":         {site: "*.example.com", zone: one("example.com")},
		"a wildcard without a zone":      {site: "*.example.com", says: "there is none"},
		"a wildcard of another zone":     {site: "*.example.net", zone: one("example.com"), says: "in a zone of ours"},
		"a wildcard without dns-01":      {declared: config.ACME{Challenges: []string{acme.HTTP01}}, site: "*.example.com", zone: one("example.com"), says: "in a zone of ours"},
		"an address":                     {site: "192.0.2.1", says: "tls: auto is for names"},
		"an address of IPv6":             {site: "2001:db8::1", says: "tls: auto is for names"},
		"no challenge that is possible":  {declared: config.ACME{Challenges: []string{acme.DNS01}}, site: "shop.example.com", says: "none of the challenges dns-01"},
		"roots that are not there":       {declared: config.ACME{Issuers: []config.Issuer{{Directory: "https://ca.test/dir", Roots: "/nowhere.pem"}}}, site: "shop.example.com", says: "the roots of the issuer ca.test"},
		"roots that are no certificates": {declared: config.ACME{Issuers: []config.Issuer{{Directory: "https://ca.test/dir", Roots: empty}}}, site: "shop.example.com", says: "holds no certificate"},
	} {
		site := sites(test.site)
		site[0].TLS.Pos = roundtrip.Pos{File: "roundtrip.yaml", Line: 7, Column: 3}
		mistakes := acme.Check(test.declared, site, test.zone)
		if test.says == "" {
			if len(mistakes) > 0 {
				t.Errorf("%s: %+v", what, mistakes)
			}
			continue
		}
		if len(mistakes) != 1 || !strings.Contains(mistakes[0].Message, test.says) {
			t.Errorf("%s: %+v", what, mistakes)
		}
	}
}

func TestInTurn_OurZoneIsTriedWhereTheOthersFailed(t *testing.T) {
	t.Parallel()
	all := []string{acme.HTTP01, acme.TLS01, acme.DNS01}
	for _, test := range []struct {
		able  []string
		tries int
		want  []string
	}{
		{all, 0, all[:2]},
		{all, 1, all[2:]},
		{all, 2, all[:2]},
		{all[:2], 1, all[:2]},
		{all[2:], 0, all[2:]},
		{all[2:], 1, all[2:]},
	} {
		if got := acme.InTurn(test.able, test.tries); !slices.Equal(got, test.want) {
			t.Errorf("of %v after %d tries: %v, want %v", test.able, test.tries, got, test.want)
		}
	}
}
