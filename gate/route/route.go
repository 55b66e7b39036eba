// Package route finds who answers a request: the site of its host name, then the one route of that site that fits its
// path, method and headers best. What it serves by it has cleaned before, and the same text is matched and handed on.
//
// Order does not matter in the declaration: the more specific route wins, and two that are equally specific and could
// both fit a request are refused when the table is made.
package route

import (
	"net/http"

	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/encode"
)

// Target answers the requests of a route. path is the cleaned path of the request, which the route was found by. What it
// can't serve it returns as a *roundtrip.Error, with nothing written: the gate makes the answer.
type Target interface {
	Serve(w http.ResponseWriter, r *http.Request, path string) error
}

// Kind is what a route leads to.
type Kind uint8

// The kinds.
const (
	API Kind = iota + 1
	Static
	Proxy
	Redirect
	Respond
)

// Builders make the targets that have rooms of their own. A nil one can't be declared. They check and open nothing.
type Builders struct {
	// API makes the handler of `to: api`: it is called once for each mount, which ends in "/". The handler gets requests
	// with their full, cleaned path: the mount is not stripped.
	API func(mount string) http.Handler
	// Services are the full names of what that handler serves besides over gRPC, such as gallery.v1.Photos. Each of them has
	// a route of its own beside every `to: api` that is not at the site's root: /gallery.v1.Photos/.
	Services []string
	Static   func(s *config.Site, r *config.Route) (Target, error)
	Proxy    func(s *config.Site, r *config.Route) (Target, error)
	// Encoders code the answers of api and proxy routes that say compress; static ones do that themselves.
	Encoders *encode.Encoders
}

// Route is one line of a site's routes.
type Route struct {
	Path     string // as declared: its name
	Where    string // file:line:column of the declaration, "" where there is none
	Kind     Kind
	Target   Target
	Declared *config.Route
	From     *Route // the `to: api` that it follows from; nil for a route that stands in the declaration
	Index    int    // its place among all routes of the table

	prefix   bool     // whether it has all that lies below Path
	fixed    string   // see [Mount]
	segments []string // of Path, "*" for any one
	methods  []string // none: any; HEAD goes with GET
	headers  []config.HeaderLine
}

// Mount returns the folder of the route's path; see the function [Mount].
func (r *Route) Mount() string { return r.fixed }

// Site is one host name, or all names with one more label than a "*." one, and its routes.
type Site struct {
	Name     string // in lower case; a "*" stands for any one label
	TLS      bool
	Declared *config.Site
	Index    int      // its place in the declaration
	Routes   []*Route // the most specific first
	root     node
}
