package gate

import (
	"fmt"
	"strings"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/cors"
	"github.com/roundtrip-dev/roundtrip/gate/limit"
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
	holds  []holds // for each route of it
	hasTLS bool
}

// holds is what holds for the requests of one place: a site, or a route with what its site has.
type holds struct {
	body   int64 // the largest body, in bytes
	rates  []*limit.Rate
	policy []string // RateLimit-Policy of the rates
}

// site is a site with what holds for all its requests.
type site struct {
	*route.Site
	holds   holds // for requests without a route
	headers headers
	cors    *cors.Rule    // nil: no page of another origin may call
	reports []*limit.Rate // of what browsers report; nil: the site takes none

	diagnoses []*limit.Rate // of questions of the page that tells why a request fails

	client *wire.Policy // what is asked of its clients' certificates; nil for nothing
}

// NewTable makes the table of sites. It checks, and reads the certificate authorities of clients.
func NewTable(sites []config.Site, b route.Builders) (*Table, error) {
	routes, err := route.New(sites, b)
	if err != nil {
		return nil, err
	}
	t := &Table{routes: routes, holds: make([]holds, len(routes.Routes))}
	for _, found := range routes.Sites {
		s, err := newSite(found)
		if err != nil {
			return nil, fmt.Errorf("%s: site %s: %w", found.Declared.Pos, found.Name, err)
		}
		t.sites = append(t.sites, s)
		t.hasTLS = t.hasTLS || s.TLS
		for _, r := range found.Routes {
			t.holds[r.Index] = s.holds.with(place(s, r), r.Declared.Limits)
		}
	}
	return t, nil
}

// place names a route by what it is found by, so that its limits go on counting when other routes come and go. One that
// follows from another counts with it.
func place(s *site, r *route.Route) string {
	if r.From != nil {
		r = r.From
	}
	name := s.Name + " " + r.Path + " " + strings.Join(r.Declared.Match.Methods, ",")
	for _, line := range r.Declared.Match.Headers {
		name += " " + line.Name + ":" + line.Value
	}
	return name
}

func newSite(found *route.Site) (*site, error) {
	s := &site{Site: found, headers: newHeaders(found.Declared, found.Name)}
	s.holds = holds{body: bodyDefault}.with(found.Name, &found.Declared.Limits)
	s.diagnoses = diagnosisRates(found.Name)
	if found.Declared.Reports {
		s.reports = reportRates(found.Name)
	}
	var err error
	if s.client, err = wire.LoadPolicy(s.Name, found.Declared.Client); err != nil {
		return nil, err
	}
	s.cors, err = cors.New(found.Declared.CORS)
	return s, err
}

// with returns what holds with further limits, of the place that is named.
func (h holds) with(place string, more *config.Limits) holds {
	if more == nil {
		return h
	}
	if more.Body > 0 {
		h.body = more.Body
	}
	if len(more.Requests) > 0 {
		h.rates = limit.Join(h.rates, limit.Rates(place, more.Requests))
		h.policy = []string{limit.Policy(h.rates)}
	}
	return h
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
