package app

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

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
	return declaredZones(c.DNS)
}

// openVault opens the folder of keys and certificates, encrypted where the environment has a key for it.
func openVault(c *config.Config, s Surroundings) (*vault.Vault, error) {
	key, _ := s.Getenv(vault.KeyEnv)
	return vault.Open(vault.Options{Dir: certFolder(c), Key: key, Rand: s.Rand})
}

// openCerts makes ready who gives certificates to sites; zone answers the challenge dns-01. It orders none yet.
func (b *base) openCerts(c *config.Config, s Surroundings, log *slog.Logger, zone acme.Zone) error {
	o := cert.Options{Now: s.Now, Rand: s.Rand, Log: log}
	if isSecure(c) {
		v, err := openVault(c, s)
		if err != nil {
			return err
		}
		if o.ACME, err = acme.New(acme.Options{Keeper: v, Zone: zone, Now: s.Now, Rand: s.Rand, Log: log}); err != nil {
			return err
		}
		if hasTLS(c, config.TLSLocal) {
			if o.Authority, err = cert.AuthorityIn(v, s.Now, s.Rand); err != nil {
				return err
			}
			b.authority = o.Authority.Path()
		}
	}
	var err error
	b.certs, err = cert.New(o)
	return err
}

func hasTLS(c *config.Config, modes ...config.TLSMode) bool {
	return slices.ContainsFunc(c.Sites, func(s config.Site) bool { return slices.Contains(modes, s.TLS.Mode) })
}

// isSecure reports whether any site has TLS.
func isSecure(c *config.Config) bool {
	return hasTLS(c, config.TLSAuto, config.TLSLocal, config.TLSFiles)
}

// certProblems looks for what can be known to fail before certificates are ordered.
func certProblems(c *config.Config) error {
	p := c.Problems()
	for _, m := range acme.Check(c.ACME, c.Sites, zoneOf(c)) {
		p.Add(m.Pos, "%s", m.Message)
	}
	return p.Err()
}

// ordered are the names whose certificates are ordered.
func ordered(c *config.Config) []string {
	var names []string
	for _, s := range c.Sites {
		if s.TLS.Mode == config.TLSAuto {
			names = append(names, s.Name)
		}
	}
	return names
}

// sayOrders tells what the network has to do for certificates, which a check can't look at.
func sayOrders(c *config.Config, s Surroundings) {
	names := ordered(c)
	wild := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, "*.") })
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "*.") })
	if len(names) > 0 {
		fmt.Fprintf(s.Out, "  %s will be ordered when the server runs: %s must lead to it, at %s\n", count(len(names), "certificate"),
			strings.Join(names, ", "), ports(c.ACME.Challenges))
	}
	if len(wild) > 0 {
		fmt.Fprintf(s.Out, "  %s will be ordered when the server runs: port 53 must lead to it, for the zone of %s\n", count(len(wild), "certificate"),
			strings.Join(wild, ", "))
	}
}

// ports says where issuers look.
func ports(challenges []string) string {
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

// warnPorts tells that issuers look at ports on which we do not listen. Something in front may forward them.
func (a *App) warnPorts(d *doors) {
	c := a.house.Load().config
	has := func(name string) bool {
		return len(c.ACME.Challenges) == 0 || slices.Contains(c.ACME.Challenges, name)
	}
	if has(acme.HTTP01) && port(d.plain) == 80 || has(acme.TLS01) && port(d.secure) == 443 {
		return
	}
	byZone := challenger{a.names}
	names := slices.DeleteFunc(ordered(c), func(name string) bool {
		return has(acme.DNS01) && a.names.server != nil && byZone.Serves(strings.TrimPrefix(name, "*."))
	})
	if len(names) == 0 {
		return
	}
	a.log.Warn("certificates: issuers look at a port where this server does not listen; forward it here",
		"port", ports(c.ACME.Challenges), "http", address(d.plain), "https", address(d.secure), "names", names)
}
