package config

import (
	"slices"
	"strings"
)

// Dev returns the declaration as `roundtrip dev` serves it: the last label of every site's name becomes localhost, so
// that gallery.test answers as gallery.localhost; every site that is not plain HTTP has a local certificate; origins on
// the sites' own names are rewritten alike, with the port on which HTTPS listens; zones are renamed too, and a site stays in
// its zone. No issuer is asked for certificates, and no proxy stands in front, so that none is believed. c does not change.
func (c *Config) Dev(port string) *Config {
	dev := *c
	dev.ACME = ACME{Pos: c.ACME.Pos}
	dev.Gate.TrustedProxies, dev.Gate.ProxyProtocol = nil, false
	dev.DNS = devDNS(c.DNS)
	dev.Sites = slices.Clone(c.Sites)
	taken := map[string]bool{}
	for i := range dev.Sites {
		s := &dev.Sites[i]
		if name := dev.DNS.Renamed(s.Name); name != s.Name {
			s.Name = name
		} else {
			s.Name = devName(s.Name)
		}
		if taken[s.Name] { // gallery.test and gallery.example: the second one keeps its whole name
			s.Name = c.Sites[i].Name + ".localhost"
		}
		taken[s.Name] = true
		if s.TLS.Mode != TLSOff {
			s.TLS = TLS{Pos: s.TLS.Pos, Mode: TLSLocal}
		}
	}
	for i := range dev.Sites {
		if cors := dev.Sites[i].CORS; cors != nil {
			copied := *cors
			copied.Origins = c.devOrigins(&dev, port, cors.Origins)
			dev.Sites[i].CORS = &copied
		}
	}
	return &dev
}

// devName replaces the last label of a host name by localhost; a name of one label gets it as a second.
func devName(host string) string {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return host
	}
	if i := strings.LastIndexByte(host, '.'); i > 0 {
		host = host[:i]
	}
	return host + ".localhost"
}

// devOrigins rewrites the origins that lie on or below a site of the declaration.
func (c *Config) devOrigins(dev *Config, devPort string, origins []string) []string {
	out := slices.Clone(origins)
	for i, origin := range out {
		scheme, host, ok := strings.Cut(origin, "://")
		if !ok {
			continue
		}
		host, port, hasPort := strings.Cut(host, ":")
		for j, site := range c.Sites {
			below, found := strings.CutSuffix(host, site.Name)
			if !found || below != "" && !strings.HasSuffix(below, ".") {
				continue
			}
			if !hasPort && scheme == "https" {
				port = devPort
			}
			out[i] = strings.TrimSuffix(scheme+"://"+below+dev.Sites[j].Name+":"+port, ":")
			break
		}
	}
	return out
}
