// Package postman writes an API as a Postman collection (v2.1): a folder for each group of requests, with examples that can be
// sent as they stand once the variables baseUrl and token are set. Other clients read the form, too.
package postman

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/roundtrip-dev/roundtrip/schema/openapi"
)

// schemaURL names the form of the collection.
const schemaURL = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

type collection struct {
	Info     info       `json:"info"`
	Auth     *auth      `json:"auth,omitempty"`
	Item     []folder   `json:"item"`
	Variable []variable `json:"variable"`
}

type info struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Schema      string `json:"schema"`
}

type auth struct {
	Type   string  `json:"type"`
	Bearer []field `json:"bearer,omitempty"`
}

// folder is one group of requests.
type folder struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Item        []item `json:"item"`
}

type item struct {
	Name     string    `json:"name"`
	Request  request   `json:"request"`
	Response []example `json:"response"`
}

type request struct {
	Auth        *auth   `json:"auth,omitempty"`
	Method      string  `json:"method"`
	Description string  `json:"description,omitempty"`
	Header      []field `json:"header"`
	Body        *body   `json:"body,omitempty"`
	URL         address `json:"url"`
}

type address struct {
	Raw      string     `json:"raw"`
	Host     []string   `json:"host"`
	Path     []string   `json:"path"`
	Query    []field    `json:"query,omitempty"`
	Variable []variable `json:"variable,omitempty"`
}

// field is a header, a parameter or a part of a form.
type field struct {
	Key         string  `json:"key"`
	Value       *string `json:"value,omitempty"`
	Type        string  `json:"type,omitempty"`
	Src         *string `json:"src,omitempty"`
	Description string  `json:"description,omitempty"`
	Disabled    bool    `json:"disabled,omitempty"`
}

type variable struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
}

type body struct {
	Mode     string   `json:"mode"`
	Raw      string   `json:"raw,omitempty"`
	FormData []field  `json:"formdata,omitempty"`
	Options  *options `json:"options,omitempty"`
}

type options struct {
	Raw language `json:"raw"`
}

type language struct {
	Language string `json:"language"`
}

// example is an answer that was kept.
type example struct {
	Name            string  `json:"name"`
	OriginalRequest request `json:"originalRequest"`
	Status          string  `json:"status"`
	Code            int     `json:"code"`
	Language        string  `json:"_postman_previewlanguage"`
	Header          []field `json:"header"`
	Body            string  `json:"body"`
}

// Collection writes a document of an API as a collection. What opens a WebSocket is not in it: such requests have a form of
// their own in Postman.
func Collection(d *openapi.Document) ([]byte, error) {
	token := "{{token}}"
	c := collection{
		Info: info{Name: d.Title, Schema: schemaURL, Description: "Made by `roundtrip export postman`. Set `baseUrl`, and `token` to the one that sign-in answers with."},
		Auth: &auth{Type: "bearer", Bearer: []field{{Key: "token", Value: &token, Type: "string"}}},
		Variable: []variable{
			{Key: "baseUrl", Value: strings.TrimSuffix(d.Server, "/"), Description: "Where the API is."},
			{Key: "token", Value: "", Description: "Of the session: rt_s_…"},
		},
	}
	for _, t := range d.Tags {
		f := folder{Name: t.Name, Description: t.Says}
		for i := range d.Operations {
			if o := &d.Operations[i]; o.Tag == t.Name && o.ID != "live" {
				f.Item = append(f.Item, itemOf(o))
			}
		}
		if len(f.Item) > 0 {
			c.Item = append(c.Item, f)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(c)
	return b.Bytes(), err
}

func itemOf(o *openapi.Operation) item {
	r := request{Method: o.Method, Description: o.Says, Header: []field{}, URL: addressOf(o)}
	if o.Open {
		r.Auth = &auth{Type: "noauth"}
	}
	for i := range o.Parameters {
		if p := &o.Parameters[i]; p.In == "header" {
			r.Header = append(r.Header, parameter(p))
		}
	}
	if len(o.Bodies) > 0 {
		r.Body = bodyOf(&o.Bodies[0])
		if o.Bodies[0].Example != "" {
			r.Header = append(r.Header, field{Key: "Content-Type", Value: &o.Bodies[0].Type})
		}
	}
	it := item{Name: o.Title, Request: r, Response: []example{}}
	for i := range o.Answers {
		a := &o.Answers[i]
		if a.Example == "" || a.Status > 599 {
			continue
		}
		it.Response = append(it.Response, example{
			Name: a.Says, OriginalRequest: r, Status: strings.TrimSuffix(a.Says, "."), Code: a.Status, Language: "json",
			Header: []field{{Key: "Content-Type", Value: &a.Type}}, Body: pretty(a.Example),
		})
	}
	return it
}

func addressOf(o *openapi.Operation) address {
	path := strings.ReplaceAll(o.Path, "{id}", ":id")
	a := address{Raw: "{{baseUrl}}" + path, Host: []string{"{{baseUrl}}"}, Path: strings.Split(strings.TrimPrefix(path, "/"), "/")}
	for i := range o.Parameters {
		p := &o.Parameters[i]
		switch p.In {
		case "path":
			a.Variable = append(a.Variable, variable{Key: p.Name, Description: p.Says})
		case "query":
			a.Query = append(a.Query, parameter(p))
		}
	}
	return a
}

// parameter is one that is there to be switched on.
func parameter(p *openapi.Parameter) field {
	return field{Key: p.Name, Value: &p.Example, Description: p.Says, Disabled: true}
}

func bodyOf(b *openapi.Body) *body {
	if len(b.Parts) == 0 {
		return &body{Mode: "raw", Raw: pretty(b.Example), Options: &options{language{"json"}}}
	}
	form := &body{Mode: "formdata"}
	for i := range b.Parts {
		p := &b.Parts[i]
		if p.File {
			none := ""
			form.FormData = append(form.FormData, field{Key: p.Name, Type: "file", Src: &none})
			continue
		}
		form.FormData = append(form.FormData, field{Key: p.Name, Type: "text", Value: &p.Text})
	}
	return form
}

// pretty sets JSON out in lines.
func pretty(text string) string {
	var b bytes.Buffer
	if text == "" || json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}
