// Package certs makes ready who gives certificates to sites, and tells how they stand.
package certs

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/app/declare"
	"github.com/roundtrip-dev/roundtrip/app/names"
	"github.com/roundtrip-dev/roundtrip/app/process"
	"github.com/roundtrip-dev/roundtrip/app/terminal"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cert"
	"github.com/roundtrip-dev/roundtrip/gate/cert/acme"
	"github.com/roundtrip-dev/roundtrip/gate/cert/vault"
)

// zoneOf is who could answer the challenge dns-01 if the declaration were served: nil for nobody.
func zoneOf(c *config.Config) acme.Zone {
	if len(c.DNS.Zones) == 0 {
		return nil
	}
	return names.Declared(c.DNS)
}

// openVault opens the folder of keys and certificates, encrypted where the environment has a key for it.
func openVault(c *config.Config, s process.Surroundings) (*vault.Vault, error) {
	key, _ := s.Getenv(vault.KeyEnv)
	return vault.Open(vault.Options{Dir: declare.CertFolder(c), Key: key, Rand: s.Rand})
}

// Open makes ready who gives certificates to sites; zone answers the challenge dns-01. It orders none yet. authority is the path of
// the local authority's certificate, "" where there is none.
func Open(c *config.Config, s process.Surroundings, log *slog.Logger, zone acme.Zone) (store *cert.Store, authority string, err error) {
	o := cert.Options{Now: s.Now, Rand: s.Rand, Log: log}
	if declare.IsSecure(c) {
		v, err := openVault(c, s)
		if err != nil {
			return nil, "", err
		}
		if o.ACME, err = acme.New(acme.Options{Keeper: v, Zone: zone, Now: s.Now, Rand: s.Rand, Log: log}); err != nil {
			return nil, "", err
		}
		if declare.HasTLS(c, config.TLSLocal) {
			if o.Authority, err = cert.AuthorityIn(v, s.Now, s.Rand); err != nil {
				return nil, "", err
			}
			authority = o.Authority.Path()
		}
	}
	store, err = cert.New(o)
	return store, authority, err
}

// CertProblems looks for what can be known to fail before certificates are ordered.
func CertProblems(c *config.Config) error {
	p := c.Problems()
	for _, m := range acme.Check(c.ACME, c.Sites, zoneOf(c)) {
		p.Add(m.Pos, "%s", m.Message)
	}
	return p.Err()
}

// Ordered are the names whose certificates are ordered.
func Ordered(c *config.Config) []string {
	var names []string
	for _, s := range c.Sites {
		if s.TLS.Mode == config.TLSAuto {
			names = append(names, s.Name)
		}
	}
	return names
}

// SayOrders tells what the network has to do for certificates, which a check can't look at.
func SayOrders(c *config.Config, s process.Surroundings) {
	names := Ordered(c)
	wild := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, "*.") })
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "*.") })
	if len(names) > 0 {
		fmt.Fprintf(s.Out, "  %s will be ordered when the server runs: %s must lead to it, at %s\n", terminal.Count(len(names), "certificate"),
			strings.Join(names, ", "), Ports(c.ACME.Challenges))
	}
	if len(wild) > 0 {
		fmt.Fprintf(s.Out, "  %s will be ordered when the server runs: port 53 must lead to it, for the zone of %s\n", terminal.Count(len(wild), "certificate"),
			strings.Join(wild, ", "))
	}
}

// Ports says where issuers look.
func Ports(challenges []string) string {
	has := func(name string) bool { return len(challenges) == 0 || slices.Contains(challenges, name) }
	switch {
	case has(acme.HTTP01) && has(acme.TLS01):
		return "port 80 or 443"
	case has(acme.HTTP01):
		return "port 80"
	case has(acme.TLS01):
		return "port 443"
	}
	return "port 53"
}
