package route

import (
	"slices"
	"strings"
)

// derive adds the routes that nobody declares: calls of gRPC have the name of their service and no prefix in their path
// (/gallery.v1.Photos/Get), whatever the API is mounted at. So each service leads to where the site's `to: api` route leads, under
// the same conditions and limits. Where a site has several, the first one has the calls.
//
// What is declared wins: a service whose path has a route of its own is not derived. The services that every server of gRPC
// has, those of package grpc, are not taken from a proxy route either, behind which may be another such server.
func (t *Table) derive(s *Site, b Builders) {
	declared := slices.Clone(s.Routes)
	for _, service := range b.Services {
		path := "/" + service + "/"
		if slices.ContainsFunc(declared, func(r *Route) bool { return r.Path == path || r.Path == "/"+service }) {
			continue
		}
		for _, from := range declared {
			if from.Kind != API || from.fixed == "/" { // which has them already
				continue
			}
			if other := s.Match("POST", path+"x", nil); strings.HasPrefix(service, "grpc.") && other != nil && other.Kind == Proxy {
				continue
			}
			r := &Route{
				Path: path, Where: from.Where, Kind: API, Target: &handler{b.API(from.fixed), path}, Declared: from.Declared, From: from,
				prefix: true, fixed: path, segments: []string{service}, methods: from.methods, headers: from.headers,
			}
			r.code(b)
			if s.root.add(r, r.segments) == nil { // an error: another `to: api` has it
				t.put(s, r)
			}
		}
	}
}

// put numbers a route of a site.
func (t *Table) put(s *Site, r *Route) {
	r.Index = len(t.Routes)
	t.Routes = append(t.Routes, r)
	s.Routes = append(s.Routes, r)
}

// Written are the site's routes that stand in the declaration, the most specific first.
func (s *Site) Written() []*Route {
	return slices.DeleteFunc(slices.Clone(s.Routes), func(r *Route) bool { return r.From != nil })
}

// Services returns the names of the services that a route is derived for.
func (s *Site) Services() []string {
	var names []string
	for _, r := range s.Routes {
		if r.From != nil && !slices.Contains(names, r.segments[0]) {
			names = append(names, r.segments[0])
		}
	}
	return names
}
