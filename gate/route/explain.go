package route

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

const (
	nearMax        = 5  // routes that an explanation has at the most
	nearGuessesMax = 12 // names that are compared for it: who asks for what is not there must not cost much
	nearSegmentMax = 32 // bytes of a name that is compared with others
)

// Near is a route that a request nearly was for, and the first condition of it that failed. It holds nothing that a client
// sent, so that a journey may keep it.
type Near struct {
	Site   string
	Route  string // "" where the site itself was not it
	Where  string // file:line:column of the route
	Failed string // host, path, method, or header and its name
	Want   string // what would have fitted
}

// String says it in one sentence.
func (n Near) String() string {
	switch n.Failed {
	case "host":
		return "The nearest site is " + n.Want + "."
	case "method":
		return "The route " + n.Route + " takes " + n.Want + " alone."
	case "path":
		return "The nearest route is " + n.Route + "."
	}
	return "The route " + n.Route + " needs the " + n.Failed + ": " + n.Want + "."
}

// Explain says why a request is for no route: the routes that were nearest, the nearest first. It is empty where nothing
// is near. A request that has a route gets those that lost to it.
func (t *Table) Explain(host, path, method string, h http.Header) []Near {
	s := t.Site(host)
	if s == nil {
		sites := t.Sites[:min(len(t.Sites), nearGuessesMax)]
		names := make([]string, len(sites))
		for i, site := range sites {
			names[i] = site.Name
		}
		if host = HostName(host); len(host) > 2*nearSegmentMax {
			return nil
		}
		if near := nearest.Of(strings.ToLower(host), names); near != "" {
			return []Near{{Site: near, Failed: "host", Want: near}}
		}
		return nil
	}
	return s.Explain(path, method, h)
}

// Explain is [Table.Explain] for a request of the site.
func (s *Site) Explain(path, method string, h http.Header) []Near {
	won := s.Match(method, path, h)
	type candidate struct {
		near Near
		rank int
	}
	var found []candidate
	guesses := nearGuessesMax
	for _, r := range s.Routes {
		if r == won {
			continue
		}
		n, rank := r.explain(path, method, h, &guesses)
		n.Site = s.Name
		if rank > 0 { // it has something in common
			found = append(found, candidate{n, rank})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(b.rank, a.rank) })
	near := make([]Near, 0, nearMax)
	for _, c := range found[:min(len(found), nearMax)] {
		near = append(near, c.near)
	}
	return near
}

// explain says which condition of the route failed first, and how near the request came; 0 is not near at all.
func (r *Route) explain(path, method string, h http.Header, guesses *int) (Near, int) {
	n := Near{Route: r.Path, Where: r.Where, Failed: "path", Want: r.Path}
	if common, fits := r.follow(path, guesses); !fits {
		return n, common<<10 - min(len(r.segments), 1<<9) // of two that have as much in common, the one that wants less besides
	}
	const fits = 1 << 30
	for i, want := range r.headers {
		if !(&Route{headers: r.headers[i : i+1]}).hasHeaders(h) {
			n.Failed, n.Want = "header "+want.Name, want.Value
			return n, fits + i
		}
	}
	if len(r.methods) > 0 && !slices.Contains(r.methods, method) {
		n.Failed, n.Want = "method", strings.Join(r.methods, ", ")
		return n, 2 * fits
	}
	n.Failed, n.Want = "path", "a less specific path" // it lost to a more specific route
	return n, fits
}

// follow counts the segments that a path and the route's have in common, a near miss of one among them, and reports
// whether the whole path fits. It looks at no more of the path than the route has segments, and guesses so many times at
// the most.
func (r *Route) follow(path string, guesses *int) (common int, fits bool) {
	rest, more := path[1:], path != "/"
	for _, want := range r.segments {
		if rest == "" {
			return common, false
		}
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if want != "*" && want != segment {
			if *guesses--; *guesses >= 0 && len(segment) <= nearSegmentMax && nearest.Of(segment, []string{want}) != "" {
				common++
			}
			return common, false
		}
		common += 2
	}
	return common, r.prefix || !more && len(r.segments) > 0
}
