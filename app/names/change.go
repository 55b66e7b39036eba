package names

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/app/upstreams"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/dns/derive"
	"github.com/roundtrip-dev/roundtrip/dns/zone"
	"github.com/roundtrip-dev/roundtrip/gate/proxy/pool"
)

// changes are those of the moment in a zone.
func (n *Server) changes(b *Zone) []zone.Change {
	var all []zone.Change
	texts := map[string][]string{}
	for _, c := range n.challenges {
		if n.zoneOf(c.at) == b.declared.Name {
			texts[c.at] = append(texts[c.at], c.value)
		}
	}
	for name, values := range texts {
		all = append(all, zone.Change{Name: name, TXT: values, TTL: challengeTTL, Why: "a certificate is being ordered"})
	}
	if b.declared.WhenDown.Policy == "" || b.declared.WhenDown.Policy == config.KeepDown {
		return all
	}
	for _, site := range n.down {
		if derive.Owner(n.zoneList(), site) != b.declared.Name {
			continue
		}
		stand := []netip.Addr{}
		for _, f := range b.declared.WhenDown.Fallback {
			stand = append(stand, f.Addr)
		}
		all = append(all, zone.Change{Name: site, Addresses: &stand, TTL: derive.HealthTTL, Why: "no upstream of the site is well"})
	}
	return all
}

func (n *Server) zoneList() []config.Zone { return n.declared.Load().Zones }

// zoneOf is the zone that a name lies in, "" for none of ours.
func (n *Server) zoneOf(name string) string { return derive.Owner(n.zoneList(), name) }

// followHealth looks which sites have no upstream that is well, and lets their names follow. What changes is served within
// half a second, unless it changed a moment ago: an upstream that flaps must not make a new serial each time.
func (n *Server) followHealth() {
	c := n.o.Config()
	if !followsHealth(&c.DNS) {
		return
	}
	now := n.o.Now()
	down := downSites(c.Sites, n.o.Upstreams(), now)
	n.mu.Lock()
	defer n.mu.Unlock()
	if slices.Equal(down, n.down) || now.Sub(n.healthAt) < healthApart {
		return
	}
	for _, site := range down {
		if !slices.Contains(n.down, site) && n.zoneOf(site) != "" {
			n.o.Log.Warn("dns: no upstream of the site is well, so its name follows when_down", "site", site)
		}
	}
	for _, site := range n.down {
		if !slices.Contains(down, site) && n.zoneOf(site) != "" {
			n.o.Log.Info("dns: an upstream of the site is well again, and so is its name", "site", site)
		}
	}
	n.down, n.healthAt = down, now
	n.publish()
}

func followsHealth(d *config.DNS) bool {
	return slices.ContainsFunc(d.Zones, func(z config.Zone) bool {
		return z.WhenDown.Policy != "" && z.WhenDown.Policy != config.KeepDown
	})
}

// downSites returns the sites that can serve nothing: all of their routes that serve anything lead to upstreams, none of which
// is well. An ejected one whose time is over counts as well, since only a request can prove it.
func downSites(sites []config.Site, states map[string][]pool.State, now time.Time) []string {
	var down []string
	for i := range sites {
		if isDown(&sites[i], states, now) {
			down = append(down, sites[i].Name)
		}
	}
	return down
}

func isDown(s *config.Site, states map[string][]pool.State, now time.Time) bool {
	proxies := 0
	for i := range s.Routes {
		r := &s.Routes[i]
		switch {
		case r.API || r.Static != "":
			return false
		case r.Proxy == nil:
			continue
		}
		proxies++
		for route, list := range states {
			if name := upstreams.RouteName(s, r); route != name && !strings.HasPrefix(route, name+" (") { // of the same path, by their match
				continue
			}
			if slices.ContainsFunc(list, func(st pool.State) bool { return mayBeWell(&st, now) }) {
				return false
			}
		}
	}
	return proxies > 0
}

func mayBeWell(st *pool.State, now time.Time) bool {
	switch st.Standing {
	case pool.Unwell:
		return false
	case pool.Ejected:
		return !now.Before(st.Until)
	default:
		return true
	}
}
