package route

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/config"
)

// Table is all sites and routes of one declaration. It does not change once it is made.
type Table struct {
	Sites  []*Site // in declared order
	Routes []*Route

	exact map[string]*Site // by name
	wild  map[string]*Site // of *.preview.example.com by preview.example.com
}

// New makes the table of sites. It checks and opens nothing.
func New(sites []config.Site, b Builders) (*Table, error) {
	t := &Table{exact: make(map[string]*Site, len(sites)), wild: map[string]*Site{}}
	b.API = once(b.API)
	for i := range sites {
		declared := &sites[i]
		s, err := t.newSite(declared, b)
		if err != nil {
			return nil, fmt.Errorf("%s: site %s: %w", declared.Pos, declared.Name, err)
		}
		s.Index = i
		names, name := t.exact, s.Name
		if rest, ok := strings.CutPrefix(name, "*."); ok {
			names, name = t.wild, rest
		}
		if names[name] != nil {
			return nil, fmt.Errorf("%s: site %s is declared twice", declared.Pos, declared.Name)
		}
		names[name] = s
		t.Sites = append(t.Sites, s)
	}
	return t, nil
}

// once makes one handler for each mount, however many sites have it.
func once(api func(string) http.Handler) func(string) http.Handler {
	if api == nil {
		return nil
	}
	made := map[string]http.Handler{}
	return func(mount string) http.Handler {
		if made[mount] == nil {
			made[mount] = api(mount)
		}
		return made[mount]
	}
}

func (t *Table) newSite(declared *config.Site, b Builders) (*Site, error) {
	s := &Site{
		Name: strings.ToLower(strings.TrimSuffix(declared.Name, ".")), TLS: declared.TLS.Mode != config.TLSOff, Declared: declared,
	}
	if s.Name == "" {
		return nil, errors.New("it has no name")
	}
	for i := range declared.Routes {
		r, err := newRoute(declared, &declared.Routes[i], b)
		if err != nil {
			return nil, fmt.Errorf("route %s: %w", declared.Routes[i].Path, err)
		}
		if err := s.root.add(r, r.segments); err != nil {
			return nil, err
		}
		t.put(s, r)
	}
	t.derive(s, b)
	slices.SortStableFunc(s.Routes, compare)
	return s, nil
}

func newRoute(s *config.Site, declared *config.Route, b Builders) (*Route, error) {
	if !strings.HasPrefix(declared.Path, "/") {
		return nil, errors.New("its path does not start with /")
	}
	r := &Route{
		Path: declared.Path, Declared: declared, prefix: strings.HasSuffix(declared.Path, "/"),
		methods: declared.Match.Methods, headers: declared.Match.Headers,
	}
	if slices.Contains(r.methods, http.MethodGet) && !slices.Contains(r.methods, http.MethodHead) {
		r.methods = append(slices.Clone(r.methods), http.MethodHead)
	}
	if inner := strings.Trim(declared.Path, "/"); inner != "" {
		r.segments = strings.Split(inner, "/")
	}
	r.fixed = Mount(declared.Path)
	if declared.Pos.Line > 0 {
		r.Where = declared.Pos.String()
	}
	return r, r.lead(s, b)
}

// Mount returns the folder of a route's path: what is the same for all its requests, up to its last slash.
func Mount(path string) string {
	path, _, _ = strings.Cut(path, "*")
	return path[:strings.LastIndexByte(path, '/')+1]
}

// lead makes the target of the route.
func (r *Route) lead(s *config.Site, b Builders) (err error) {
	switch d := r.Declared; {
	case d.API && b.API != nil:
		if h := b.API(r.fixed); h != nil {
			r.Kind, r.Target = API, &handler{h, r.fixed}
		}
	case d.Static != "" && b.Static != nil:
		r.Kind = Static
		r.Target, err = b.Static(s, d)
	case d.Proxy != nil && b.Proxy != nil:
		r.Kind = Proxy
		r.Target, err = b.Proxy(s, d)
	case d.Redirect != nil:
		r.Kind = Redirect
		r.Target, err = newRedirect(r)
	case d.Respond != nil:
		r.Kind, r.Target = Respond, newResponse(d.Respond)
	}
	if err == nil && r.Target == nil {
		err = errors.New("it leads nowhere")
	}
	r.code(b)
	return err
}

// code has the answers of a route coded, where that is declared.
func (r *Route) code(b Builders) {
	if r.Declared.Compress && b.Encoders != nil && (r.Kind == API || r.Kind == Proxy) && r.Target != nil {
		r.Target = &coded{r.Target, b.Encoders}
	}
}

// handler is the target of an API route.
type handler struct {
	http.Handler
	mount string
}

// Serve hands the request on, with its path cleaned.
func (h *handler) Serve(w http.ResponseWriter, r *http.Request, path string) error {
	if len(path) < len(h.mount) { // "/api" is "/api/"
		path = h.mount
	}
	if path != r.URL.Path {
		u := *r.URL
		u.Path, u.RawPath = path, ""
		r.URL = &u // the request is a copy already, made for its context
	}
	h.ServeHTTP(w, r)
	return nil
}

// Site finds the site of a Host header of good characters: in any case, with or without port and final dot. A name
// declared by itself wins over a wildcard.
func (t *Table) Site(host string) *Site {
	if s := t.exact[host]; s != nil {
		return s
	}
	host = strings.ToLower(strings.TrimSuffix(HostName(host), "."))
	if s := t.exact[host]; s != nil {
		return s
	}
	if label, rest, ok := strings.Cut(host, "."); ok && label != "" {
		return t.wild[rest]
	}
	return nil
}
