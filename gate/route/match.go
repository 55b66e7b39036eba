package route

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// node is one place in the tree of a site's paths: the root is "/", and each segment leads one level down.
type node struct {
	fixed  map[string]*node
	any    *node    // below "*"
	exact  []*Route // that end here without a slash; the one with most conditions first
	prefix []*Route // that end here with one, and have all below
}

// add puts a route into the tree. Its error names the route that it can't be told from.
func (n *node) add(r *Route, segments []string) error {
	for _, s := range segments {
		next := n.any
		if s != "*" {
			next = n.fixed[s]
		}
		if next == nil {
			next = &node{}
			if s == "*" {
				n.any = next
			} else {
				if n.fixed == nil {
					n.fixed = map[string]*node{}
				}
				n.fixed[s] = next
			}
		}
		n = next
	}
	here := &n.exact
	if r.prefix {
		here = &n.prefix
	}
	for _, other := range *here {
		if other.Declared.Match.Weight() == r.Declared.Match.Weight() && other.Declared.Match.Overlaps(r.Declared.Match) {
			return fmt.Errorf("a request can fit both route %s (%s) and route %s (%s), and neither is more specific", other.Path, other.Where, r.Path, r.Where)
		}
	}
	*here = append(*here, r)
	slices.SortStableFunc(*here, compareMatch)
	return nil
}

// request is what routes are chosen by.
type request struct {
	method string
	header http.Header
	allow  map[string]bool // where it is set: the methods of routes that fit but for theirs
}

// Match finds the most specific route that fits, or nil. path is a cleaned one.
func (s *Site) Match(method, path string, h http.Header) *Route {
	q := request{method: method, header: h}
	return s.root.find(path[1:], &q)
}

// Allow returns the methods of the routes that fit a request but for its method, as an Allow header lists them; "" where
// there is no such route.
func (s *Site) Allow(method, path string, h http.Header) string {
	q := request{method: method, header: h, allow: map[string]bool{}}
	s.root.find(path[1:], &q)
	methods := make([]string, 0, len(q.allow))
	for m := range q.allow {
		methods = append(methods, m)
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// find goes down the tree, each level a segment of the path: a segment by its name first, then "*", then what has all
// below. No place is visited twice, so that a path costs at most the size of the tree.
func (n *node) find(rest string, q *request) *Route {
	if rest == "" {
		return q.pick(n.prefix)
	}
	segment, tail, more := strings.Cut(rest, "/")
	for _, next := range [2]*node{n.fixed[segment], n.any} {
		if next == nil {
			continue
		}
		var r *Route
		if more {
			r = next.find(tail, q)
		} else if r = q.pick(next.exact); r == nil {
			r = q.pick(next.prefix) // "/api" is "/api/"
		}
		if r != nil {
			return r
		}
	}
	return q.pick(n.prefix)
}

// pick finds the first route of a place whose conditions hold.
func (q *request) pick(routes []*Route) *Route {
	for _, r := range routes {
		if !r.hasHeaders(q.header) {
			continue
		}
		if len(r.methods) == 0 || slices.Contains(r.methods, q.method) {
			return r
		}
		if q.allow != nil {
			for _, m := range r.methods {
				q.allow[m] = true
			}
		}
	}
	return nil
}

func (r *Route) hasHeaders(h http.Header) bool {
	for _, want := range r.headers {
		got := h[want.Name]
		if len(got) == 0 || want.Value != "*" && !slices.Contains(got, want.Value) {
			return false
		}
	}
	return true
}

// compare orders routes by specificity: segment by segment, a name before "*" and either before the end of a route that
// has all below; then a route that ends before one that goes on below; then by conditions.
func compare(a, b *Route) int {
	for i := 0; i < len(a.segments) && i < len(b.segments); i++ {
		if x, y := a.segments[i] == "*", b.segments[i] == "*"; x != y {
			if x {
				return 1
			}
			return -1
		}
	}
	if c := cmp.Compare(len(b.segments), len(a.segments)); c != 0 {
		return c
	}
	if a.prefix != b.prefix {
		if a.prefix {
			return 1
		}
		return -1
	}
	return compareMatch(a, b)
}

func compareMatch(a, b *Route) int {
	return cmp.Compare(b.Declared.Match.Weight(), a.Declared.Match.Weight())
}
