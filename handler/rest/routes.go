package rest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
	"github.com/roundtrip-dev/roundtrip/internal/nearest"
)

// routes is the whole API, one line a route, in the order of the documentation. HEAD goes with GET, OPTIONS is answered
// for every path. records leaves out what is not about records.
func routes(records bool) []route {
	own := []route{
		{"POST", collectionShape, "{collection}", (*exchange).create},
		{"GET", collectionShape, "{collection}", (*exchange).list},
		{"GET", recordShape, "{collection}/{id}", (*exchange).get},
		{"PATCH", recordShape, "{collection}/{id}", (*exchange).update},
		{"DELETE", recordShape, "{collection}/{id}", (*exchange).remove},
		{"GET", aggregateShape, "{collection}:aggregate", (*exchange).aggregate},
		{"GET", watchShape, "{collection}:watch", (*exchange).watch},
		{"GET", liveShape, "live", (*exchange).live},
		{"POST", batchShape, "batch", (*exchange).batch},
		{"GET", fileShape, "files/{collection}/{id}/{field}", (*exchange).file},
	}
	if records {
		return own
	}
	return slices.Concat(own, authRoutes(), inboxRoutes(), pushRoutes(), documentRoutes())
}

// shape is the form of a path.
type shape uint8

const (
	collectionShape shape = iota
	recordShape
	aggregateShape
	watchShape
	liveShape
	batchShape
	fileShape
	authShape  // auth/…: told apart by their templates
	inboxShape // inbox, inbox/…: likewise
	documentShape
	shapes
)

// route is one line of the table.
type route struct {
	method   string
	shape    shape
	template string
	serve    func(*exchange) error
}

// writes reports whether the route changes anything.
func (r *route) writes() bool { return r.method != http.MethodGet }

// table finds routes by shape.
type table struct {
	byShape [shapes][]route
}

func newTable(all []route) table {
	var t table
	for _, r := range all {
		t.byShape[r.shape] = append(t.byShape[r.shape], r)
	}
	return t
}

// route returns the route of a place and method, nil for OPTIONS. It sets at.allow.
func (t *table) route(at *place, method string) (*route, error) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	var allow []string
	for i := range t.byShape[at.shape] {
		r := &t.byShape[at.shape][i]
		if at.below() && !at.matches(r.template) || at.shape == documentShape && r.template != at.rest {
			continue
		}
		if r.method == method {
			return r, nil
		}
		allow = append(allow, r.method)
		if r.method == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	if allow == nil {
		return nil, t.unknownBelow(at)
	}
	at.allow = strings.Join(append(allow, http.MethodOptions), ", ")
	if method == http.MethodOptions {
		return nil, nil //nolint:nilnil // OPTIONS has no route of its own: at.allow is its answer
	}
	e := roundtrip.E(roundtrip.Unsupported, "route.method_not_allowed", "%s is not served here; use %s", input.Cut(method, 20), at.allow)
	e.Allow = at.allow
	return nil, e
}

// namesBelow lists what stands behind auth/ or inbox/.
func (t *table) namesBelow(s shape) []string {
	var names []string
	for _, r := range t.byShape[s] {
		if _, name, ok := strings.Cut(r.template, "/"); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (t *table) unknownBelow(at *place) error {
	first := "auth/"
	if at.shape == inboxShape {
		first = "inbox/"
	}
	names := t.namesBelow(at.shape)
	all := "the paths below " + first + " are " + first + strings.Join(names, ", "+first)
	if at.rest == "" {
		return unknownPath("%s", all)
	}
	if n := nearest.Of(input.Cut(at.rest, 64), names); n != "" {
		all = "did you mean " + first + n + "?"
	}
	return unknownPath("there is no %s%s; %s", first, input.Cut(at.rest, 64), all)
}
