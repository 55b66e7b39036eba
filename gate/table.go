package gate

import (
	"fmt"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/gate/wire"
)

// bodyDefault is the limit of a request's body where the declaration says nothing, in bytes.
const bodyDefault = 32 << 20

// Table is one declaration as the gate serves it: sites, routes, and what holds for each site. It does not change once
// it is made.
type Table struct {
	routes *route.Table
	sites  []*site // as the route table has them
	hasTLS bool
}

// site is a site with what holds for all its requests.
type site struct {
	*route.Site
	hsts bool
	body int64 // bytes
	cors *cors // nil: no page of another origin may call

	client *wire.Policy // what is asked of its clients' certificates; nil for nothing
}

// NewTable makes the table of sites. It checks, and reads the certificate authorities of clients.
func NewTable(sites []config.Site, b route.Builders) (*Table, error) {
	routes, err := route.New(sites, b)
	if err != nil {
		return nil, err
	}
	t := &Table{routes: routes}
	for _, found := range routes.Sites {
		s, err := newSite(found)
		if err != nil {
			return nil, fmt.Errorf("%s: site %s: %w", found.Declared.Pos, found.Name, err)
		}
		t.sites = append(t.sites, s)
		t.hasTLS = t.hasTLS || s.TLS
	}
	return t, nil
}

func newSite(found *route.Site) (*site, error) {
	declared := found.Declared
	s := &site{Site: found, body: declared.Limits.Body, hsts: declared.TLS.Mode == config.TLSFiles && config.IsPublic(found.Name)}
	if s.body <= 0 {
		s.body = bodyDefault
	}
	var err error
	if s.client, err = wire.LoadPolicy(s.Name, declared.Client); err != nil {
		return nil, err
	}
	s.cors, err = newCORS(declared.CORS)
	return s, err
}

// site finds the site of a Host header that passed validHost.
func (t *Table) site(host string) *site {
	if found := t.routes.Site(host); found != nil {
		return t.sites[found.Index]
	}
	return nil
}

// policy returns what the site of a server name asks of its clients' certificates.
func (t *Table) policy(name string) *wire.Policy {
	if s := t.site(name); s != nil {
		return s.client
	}
	return nil
}

// names returns the names of all sites, in declared order.
func (t *Table) names() []string {
	names := make([]string, len(t.sites))
	for i, s := range t.sites {
		names[i] = s.Name
	}
	return names
}
