package console

import (
	"net/http"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/console/operators"
)

// Anybody is the role of routes that need no session.
const anybody operators.Role = 0

// route is one line of the API: who may call it, and what answers. What answers returns what becomes JSON, or an error that
// becomes a problem; streams and parts write by themselves and return nothing.
type route struct {
	pattern string // of net/http's ServeMux
	role    operators.Role
	large   bool // its body may be one of files
	answer  func(r *http.Request) (any, error)
	serve   func(w http.ResponseWriter, r *http.Request) error
}

// routes is the whole API. A part that app did not hand in is not there.
func (c *Console) routes() []route {
	list := []route{
		{pattern: "GET /api/session", role: operators.Viewer, answer: c.session},
		{pattern: "POST /api/sign-in", role: anybody, serve: c.signIn},
		{pattern: "POST /api/claim", role: anybody, serve: c.claim},
		{pattern: "POST /api/sign-out", role: operators.Viewer, serve: c.signOut},
		{pattern: "POST /api/password", role: operators.Viewer, answer: c.changePassword},

		{pattern: "GET /api/overview", role: operators.Viewer, answer: c.showOverview},
		{pattern: "GET /api/overview/live", role: operators.Viewer, serve: c.watchOverview},
		{pattern: "GET /api/pulse", role: operators.Viewer, answer: c.showPulse},
		{pattern: "GET /api/reasons", role: operators.Viewer, answer: c.reasons},
		{pattern: "GET /api/generations", role: operators.Viewer, answer: c.generations},

		{pattern: "GET /api/journeys", role: operators.Viewer, answer: c.journeys},
		{pattern: "GET /api/journeys/live", role: operators.Viewer, serve: c.watchJourneys},
		{pattern: "POST /api/journeys/{id}/pin", role: operators.Operate, answer: c.pin},
		{pattern: "GET /api/journeys/{a}/diff/{b}", role: operators.Viewer, answer: c.diff},
		{pattern: "GET /api/journeys/{id}", role: operators.Viewer, answer: c.journey},

		{pattern: "GET /api/operators", role: operators.Owner, answer: c.listOperators},
		{pattern: "POST /api/operators/link", role: operators.Owner, answer: c.invite},
		{pattern: "POST /api/operators/{name}", role: operators.Owner, answer: c.setRole},
		{pattern: "DELETE /api/operators/{name}", role: operators.Owner, answer: c.removeOperator},
		{pattern: "GET /api/audit", role: operators.Operate, answer: c.showAudit},
	}
	if c.options.Why != nil {
		list = append(list, route{pattern: "POST /api/why", role: operators.Operate, serve: c.why})
	}
	if c.options.API != nil {
		list = append(list, route{pattern: "GET /api/api", role: operators.Viewer, answer: c.showAPI})
	}
	if c.options.Try != nil {
		list = append(list,
			route{pattern: "POST /api/try", role: operators.Viewer, large: true, answer: c.try},
			route{pattern: "GET /api/try/accounts", role: operators.Operate, answer: c.tryAccounts},
			route{pattern: "POST /api/try/sign-in", role: operators.Operate, answer: c.trySignIn})
	}
	if c.options.TryStream != nil {
		list = append(list, route{pattern: "POST /api/try/stream", role: operators.Viewer, serve: c.tryStream})
	}
	if c.options.SiteLink != nil {
		list = append(list, route{pattern: "POST /api/site-link", role: operators.Operate, answer: c.siteLink})
	}
	if c.options.Data != nil {
		list = append(list, route{pattern: "/api/data/", role: operators.Operate, serve: part(c.options.Data)})
	}
	if c.options.People != nil {
		list = append(list, route{pattern: "/api/people/", role: operators.Operate, serve: part(c.options.People)})
	}
	return list
}

// part lets a handler of another room answer.
func part(h http.Handler) func(w http.ResponseWriter, r *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// mux joins the API with the page and the metrics.
func (c *Console) mux() http.Handler {
	m := http.NewServeMux()
	for _, r := range c.routes() {
		m.Handle(r.pattern, c.adapt(r))
	}
	m.Handle("/api/", c.adapt(route{role: anybody, serve: func(_ http.ResponseWriter, r *http.Request) error {
		return roundtrip.E(roundtrip.Missing, "console.not_there", "the console has no %s %s", r.Method, r.URL.Path)
	}}))
	if c.options.Metrics != nil {
		m.HandleFunc("/metrics", c.metrics)
	}
	m.Handle("/", c.pages())
	return m
}

// adapt makes a handler of a route: session, role, body, answer.
func (c *Console) adapt(r route) http.Handler {
	large := r.large || strings.HasSuffix(r.pattern, "/")
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		limit := int64(bodyBytesMax)
		if large {
			limit = partBodyMax
			out := http.NewResponseController(w) // files may come and go slowly
			_ = out.SetReadDeadline(c.options.Now().Add(partTimeout))
			_ = out.SetWriteDeadline(c.options.Now().Add(partTimeout))
		}
		req.Body = http.MaxBytesReader(w, req.Body, limit)
		req, err := c.identify(req)
		if err == nil {
			err = allow(req, r.role)
		}
		switch {
		case err != nil:
		case r.serve != nil:
			err = r.serve(w, req)
		default:
			var answer any
			if answer, err = r.answer(req); err == nil {
				err = c.writeJSON(w, answer)
			}
		}
		if err != nil {
			c.refuse(w, req, err)
		}
	})
}

// allow refuses whom a route is not for.
func allow(r *http.Request, role operators.Role) error {
	o, in := OperatorFrom(r.Context())
	switch {
	case role == anybody || in && o.Role >= role:
		return nil
	case !in:
		return roundtrip.E(roundtrip.Unauthenticated, "auth.missing", "sign in to the console first")
	}
	return roundtrip.E(roundtrip.Denied, "console.role", "this is for the role %s and above; %s is %s", role, o.Name, o.Role)
}
