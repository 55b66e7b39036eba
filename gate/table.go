package gate

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/static"
)

// bodyDefault is the limit of a request's body where the declaration says nothing, in bytes.
const bodyDefault = 32 << 20

// Table is all sites and routes of one declaration. It does not change once it is made.
type Table struct {
	sites  map[string]*site // by host name, lower case
	names  []string         // in declared order
	hasTLS bool
}

type site struct {
	name   string
	tls    bool
	hsts   bool
	body   int64 // bytes
	cors   *cors // nil: no page of another origin may call
	routes []*route
}

// route is one line of a site's routes: prefix ends in "/", and exactly one of api and folder is set.
type route struct {
	path   string // as declared: its name
	prefix string
	where  string // file:line:column of the declaration
	api    http.Handler
	folder *static.Folder
}

// NewTable makes the table of sites. api makes the handler of a `to: api` route: it is called once for each path that
// such a route has, with a final "/". The handler gets requests with their full, cleaned path: the mount is not stripped.
// NewTable checks and opens nothing.
func NewTable(sites []config.Site, api func(mount string) http.Handler, now func() time.Time) (*Table, error) {
	t := &Table{sites: make(map[string]*site, len(sites))}
	mounts := map[string]http.Handler{}
	for i := range sites {
		declared := &sites[i]
		s, err := newSite(declared, func(mount string) http.Handler {
			if api == nil {
				return nil
			}
			if mounts[mount] == nil {
				mounts[mount] = api(mount)
			}
			return mounts[mount]
		}, now)
		if err != nil {
			return nil, fmt.Errorf("%s: site %s: %w", declared.Pos, declared.Name, err)
		}
		if t.sites[s.name] != nil {
			return nil, fmt.Errorf("%s: site %s is declared twice", declared.Pos, declared.Name)
		}
		t.sites[s.name] = s
		t.names = append(t.names, s.name)
		t.hasTLS = t.hasTLS || s.tls
	}
	return t, nil
}

func newSite(declared *config.Site, api func(mount string) http.Handler, now func() time.Time) (*site, error) {
	s := &site{
		name: strings.ToLower(strings.TrimSuffix(declared.Name, ".")),
		tls:  declared.TLS.Mode != config.TLSOff,
		body: declared.Limits.Body,
	}
	if s.name == "" {
		return nil, errors.New("it has no name")
	}
	if s.body <= 0 {
		s.body = bodyDefault
	}
	s.hsts = declared.TLS.Mode == config.TLSFiles && isPublic(s.name)
	var err error
	if s.cors, err = newCORS(declared.CORS); err != nil {
		return nil, err
	}
	for _, r := range declared.Routes {
		if !strings.HasPrefix(r.Path, "/") {
			return nil, fmt.Errorf("route %q does not start with /", r.Path)
		}
		next := &route{path: r.Path, prefix: strings.TrimSuffix(r.Path, "/") + "/"}
		if r.Pos.Line > 0 {
			next.where = r.Pos.String()
		}
		if r.API {
			next.api = api(next.prefix)
		} else if r.Static != "" {
			next.folder = static.New(static.Options{Dir: r.Static, Mount: next.prefix, SPA: r.SPA, Now: now})
		}
		if next.api == nil && next.folder == nil {
			return nil, fmt.Errorf("route %s leads nowhere", r.Path)
		}
		s.routes = append(s.routes, next)
	}
	slices.SortStableFunc(s.routes, func(a, b *route) int { return len(b.prefix) - len(a.prefix) })
	return s, nil
}

// isPublic reports whether a name can be reached from the internet, so that a promise to speak TLS for a year
// (RFC 6797) is not made for a name that other programs of this machine use too.
func isPublic(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ".") {
		return false
	}
	for _, local := range []string{".localhost", ".test", ".local", ".internal", ".home.arpa", ".example", ".invalid"} {
		if strings.HasSuffix(name, local) {
			return false
		}
	}
	return true
}

// site finds the site of a Host header that passed validHost: in any case, with or without port and final dot.
func (t *Table) site(host string) *site {
	if s := t.sites[host]; s != nil {
		return s
	}
	host = hostName(host)
	if s := t.sites[host]; s != nil {
		return s
	}
	return t.sites[strings.ToLower(strings.TrimSuffix(host, "."))]
}

// match finds the longest route that the path lies below. A path that is a route without its final "/" matches it too.
func (s *site) match(path string) *route {
	for _, r := range s.routes {
		if strings.HasPrefix(path, r.prefix) || path == r.prefix[:len(r.prefix)-1] {
			return r
		}
	}
	return nil
}
