package app

import (
	"cmp"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/app/doors"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/gate/route"
	"github.com/roundtrip-dev/roundtrip/schema/openapi"
)

// apiView is what the console's page API shows: every call of the house in force, made of the same document as openapi.json.
type apiView struct {
	Name        string           `json:"name"`
	Package     string           `json:"package"` // of its services: gallery.v1
	Generation  uint32           `json:"generation"`
	Authority   string           `json:"authority,omitempty"` // dev: the file of the certificate that commands have to trust
	Sites       []apiSite        `json:"sites"`               // where it is served
	Groups      []apiGroup       `json:"groups"`
	Collections []collectionView `json:"collections"`
}

// apiSite is one site that serves the API.
type apiSite struct {
	Name  string `json:"name"`
	URL   string `json:"url"`   // of the API, without a slash at its end
	Host  string `json:"host"`  // with its port
	TLS   bool   `json:"tls"`   //
	Where string `json:"where"` // the route, in the declaration
}

// apiGroup is the calls of a collection, or of another part of the API.
type apiGroup struct {
	Name       string    `json:"name"`
	Says       string    `json:"says"`
	Collection bool      `json:"collection,omitempty"`
	Where      string    `json:"where,omitempty"`
	Calls      []apiCall `json:"calls"`
}

// apiCall is one call, at both doors.
type apiCall struct {
	Name       string         `json:"name"` // within its group
	Title      string         `json:"title"`
	Says       string         `json:"says"`
	Method     string         `json:"method"`
	Path       string         `json:"path"` // below the API
	Parameters []apiParameter `json:"parameters"`
	Bodies     []apiBody      `json:"bodies"`
	Answers    []apiAnswer    `json:"answers"`
	Rule       *ruleView      `json:"rule,omitempty"` // of collections: who may
	SignedIn   bool           `json:"signed_in,omitempty"`
	Open       bool           `json:"open,omitempty"`
	Procedure  string         `json:"procedure,omitempty"` // gallery.v1.Photos/List, "" where only REST has it
	Message    string         `json:"message,omitempty"`   // an example of its request
	Stream     bool           `json:"stream,omitempty"`
	Reads      bool           `json:"reads,omitempty"` // it changes nothing
}

type apiParameter struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	Says     string `json:"says"`
	Required bool   `json:"required,omitempty"`
	Example  string `json:"example,omitempty"`
}

type apiBody struct {
	Type    string    `json:"type"`
	Example string    `json:"example,omitempty"`
	Parts   []apiPart `json:"parts,omitempty"`
}

type apiPart struct {
	Name string `json:"name"`
	File bool   `json:"file,omitempty"`
	Text string `json:"text,omitempty"`
}

type apiAnswer struct {
	Status  int    `json:"status"` // 0: any other
	Says    string `json:"says"`
	Type    string `json:"type,omitempty"`
	Example string `json:"example,omitempty"`
}

// describeAPI is the console's view of the API of the house in force.
func (a *App) describeAPI() any {
	h := a.house.Load()
	v := &apiView{
		Name: h.config.Name, Generation: h.generation, Sites: a.apiSites(h.config), Groups: []apiGroup{}, Collections: []collectionView{},
	}
	if a.options.Dev {
		v.Authority = a.base.authority
	}
	if h.described != nil {
		v.Package = h.described.Package
	}
	for _, c := range h.schema.Collections {
		v.Collections = append(v.Collections, viewCollection(c))
	}
	if len(h.mounts) == 0 {
		return v
	}
	d := openapi.Build(h.schema.Schema, apiOptions(h.config, h.schema, h.mount, a.apiServers(h.config, h.mount)))
	at := map[string]int{}
	for _, t := range d.Tags {
		g := apiGroup{Name: t.Name, Says: t.Says, Calls: []apiCall{}}
		if c := h.schema.Lookup(t.Name); c != nil {
			g.Collection, g.Where = true, where(c.Pos)
			g.Says, _, _ = strings.Cut(t.Says, "\n") // the rules stand at the calls
		}
		at[t.Name] = len(v.Groups)
		v.Groups = append(v.Groups, g)
	}
	for i := range d.Operations {
		if n, ok := at[d.Operations[i].Tag]; ok {
			v.Groups[n].Calls = append(v.Groups[n].Calls, h.viewCall(&d.Operations[i]))
		}
	}
	return v
}

// apiSites are the sites that serve the API, each with the first of its routes that does.
func (a *App) apiSites(c *config.Config) []apiSite {
	sites := []apiSite{}
	if a.doors == nil {
		return sites
	}
	for _, s := range c.Sites {
		for _, r := range s.Routes {
			if !r.API {
				continue
			}
			url := doors.URL(s, a.doors)
			_, host, _ := strings.Cut(url, "://")
			sites = append(sites, apiSite{
				Name: s.Name, URL: url + strings.TrimSuffix(route.Mount(r.Path), "/"), Host: host, TLS: s.TLS.Mode != config.TLSOff, Where: where(r.Pos),
			})
			break
		}
	}
	return sites
}

// viewCall puts an operation beside the procedure that does the same.
func (h *house) viewCall(op *openapi.Operation) apiCall {
	v := apiCall{
		Name: op.ID, Title: op.Title, Says: op.Says, Method: op.Method, Path: op.Path, SignedIn: op.SignedIn, Open: op.Open,
		Reads: op.Method == "GET", Parameters: []apiParameter{}, Bodies: []apiBody{}, Answers: []apiAnswer{},
	}
	for _, p := range op.Parameters {
		v.Parameters = append(v.Parameters, apiParameter{p.Name, p.In, p.Says, p.Required, p.Example})
	}
	for _, b := range op.Bodies {
		body := apiBody{Type: b.Type, Example: b.Example}
		for _, p := range b.Parts {
			body.Parts = append(body.Parts, apiPart{p.Name, p.File, p.Text})
		}
		v.Bodies = append(v.Bodies, body)
	}
	for _, answer := range op.Answers {
		if answer.Status > 999 { // the rest
			answer.Status = 0
		}
		v.Answers = append(v.Answers, apiAnswer{answer.Status, answer.Says, answer.Type, answer.Example})
	}
	h.atCollection(&v, op)
	v.Procedure, v.Message, v.Stream = h.procedureOf(op, &v)
	v.Stream = cmp.Or(v.Stream, op.ID == "live")
	return v
}

// atCollection names the action of an operation on records, and the rule that it asks.
func (h *house) atCollection(v *apiCall, op *openapi.Operation) {
	c := h.schema.Lookup(op.Tag)
	if c == nil {
		return
	}
	verb := verbOf(op)
	rule := roundtrip.Get // of files, too
	switch verb {
	case "create":
		rule = roundtrip.Create
	case "update":
		rule = roundtrip.Update
	case "delete":
		rule = roundtrip.Delete
	}
	v.Name = cmp.Or(verb, op.ID)
	if r := c.Rules[rule]; r.Source != "" {
		v.Rule = &ruleView{r.Source, where(r.Pos)}
	}
}

// verbOf is what an operation on a collection does, "" for files.
func verbOf(op *openapi.Operation) string {
	switch op.Method + strings.TrimPrefix(op.Path, "/"+op.Tag) {
	case "GET":
		return "list"
	case "GET/{id}":
		return "get"
	case "POST":
		return "create"
	case "PATCH/{id}":
		return "update"
	case "DELETE/{id}":
		return "delete"
	case "GET:aggregate":
		return "aggregate"
	case "GET:watch":
		return "watch"
	}
	return ""
}
