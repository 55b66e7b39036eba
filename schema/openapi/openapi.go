// Package openapi writes the REST API of a declaration as an OpenAPI 3.1 document: every path that is served, what it takes,
// what it answers, and every error. It knows what package handler/rest does; a test there holds one to the other.
package openapi

import (
	"slices"
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/naming"
)

// Options is what the document says besides the collections.
type Options struct {
	Mount   string   // the path that the API is below, such as /api/
	Servers []Server // where it is served
	Login   []string // the fields that name an account at sign-in
	SignUp  bool     // strangers may make themselves an account
	MinLen  int      // fewest characters of a password
	Body    int64    // bytes of a request with files
	Rates   bool     // there are limits on how many requests one may make
	Rules   bool     // write the rules of access as they were declared; otherwise only what kind they are
}

// Server is one address of the API.
type Server struct{ URL, Says string }

// Document is an API, written down.
type Document struct {
	Title      string
	Server     string // the first of its addresses
	Tags       []Tag
	Operations []Operation
	whole      object
}

// Tag is a group of operations.
type Tag struct{ Name, Says string }

// Operation is one method of one path.
type Operation struct {
	ID         string
	Method     string // POST
	Path       string // /photos/{id}
	Tag        string
	Title      string
	Says       string
	Parameters []Parameter
	Bodies     []Body // the forms that its body may have, the usual one first
	Answers    []Answer
	SignedIn   bool // strangers are refused
	Open       bool // nobody is asked who they are
}

// Parameter is one parameter of an operation.
type Parameter struct {
	Name     string
	In       string // path, query or header
	Says     string
	Required bool
	Example  string
	many     bool   // a list with commas between
	apart    bool   // a list of which each item is a parameter of its own
	schema   object //
	shared   string // the component that it is, "" for none
}

// Body is one form of the body of a request.
type Body struct {
	Type     string // media type
	Example  string // JSON, "" for none
	Parts    []Part // of a form
	schema   object
	encoding object
}

// Part is one part of a form.
type Part struct {
	Name string
	File bool
	Text string // an example
}

// Answer is what may come back with one status.
type Answer struct {
	Status  int
	Says    string
	Type    string // media type of the body, "" for none
	Example string // JSON, "" for none
	Headers []string
	schema  object
	more    object // other media types of the body
	implied bool   // the schema has the example already
	shared  string // the component that it is, "" for none
}

// writer makes a document.
type writer struct {
	Options

	schema     *roundtrip.Schema
	names      map[*roundtrip.Collection]string
	ids        map[*roundtrip.Collection]string // of an example record
	sample     *roundtrip.Collection            // that examples of errors speak of
	tags       []Tag
	operations []Operation
	schemas    object
	parameters object
	responses  object
	refusals   map[string]refusal
}

// Build writes down the API of a schema. It can't fail: a schema that was checked has good names.
func Build(s *roundtrip.Schema, o Options) *Document {
	w := &writer{Options: o, schema: s}
	w.name()
	w.refusals = w.allRefusals()
	w.commonSchemas()
	for i, c := range s.Collections {
		w.ids[c] = exampleID(i)
	}
	for _, c := range s.Collections {
		w.collection(c)
	}
	w.batch()
	w.auth()
	w.inbox()
	w.live()
	w.documents()
	d := &Document{Title: naming.Pascal(s.Name), Tags: w.tags, Operations: w.operations}
	if len(o.Servers) > 0 {
		d.Server = o.Servers[0].URL
	}
	d.whole = w.document(d)
	return d
}

// JSON returns the document. The same declaration gives the same bytes.
func (d *Document) JSON() []byte { return append(appendJSON(nil, d.whole), '\n') }

// name finds the name of each collection's schemas: photos is Photo. Where that is taken, a longer one is used.
func (w *writer) name() {
	w.names, w.ids = map[*roundtrip.Collection]string{}, map[*roundtrip.Collection]string{}
	taken := map[string]bool{}
	for _, name := range []string{
		"ID", "File", "Add", "Problem", "Batch", "Session", "Grant", "Me", "SignUp", "SignIn", "PasswordChange",
		"Notification", "InboxPage", "InboxMessage", "InboxNumbers", "Preferences", "PreferencesPatch", "PushSubscription", "LiveMessage",
	} {
		taken[name] = true
	}
	made := []string{"", "Input", "Form", "Patch", "PatchForm", "List", "Groups", "Message"}
	free := func(name string) bool {
		return !slices.ContainsFunc(made, func(end string) bool { return taken[name+end] })
	}
	for _, c := range w.schema.Collections {
		name := naming.Pascal(naming.Singular(c.Name))
		if !free(name) {
			name = naming.Pascal(c.Name) + "Record"
		}
		for n, first := 2, name; !free(name); n++ {
			name = first + strconv.Itoa(n)
		}
		for _, end := range made {
			taken[name+end] = true
		}
		w.names[c] = name
		if w.sample == nil && !c.Accounts && may(c, roundtrip.Get) {
			w.sample = c
		}
	}
	if w.sample == nil && len(w.schema.Collections) > 0 {
		w.sample = w.schema.Collections[0]
	}
}

// may reports whether a rule allows an action to anybody.
func may(c *roundtrip.Collection, a roundtrip.Action) bool {
	return c.Rules[a].Who() != roundtrip.Nobody
}

func (w *writer) tag(name, says string) { w.tags = append(w.tags, Tag{Name: name, Says: says}) }

func (w *writer) add(o Operation) {
	slices.SortStableFunc(o.Answers, func(a, b Answer) int { return a.Status - b.Status })
	w.operations = append(w.operations, o)
}

// put adds a schema.
func (w *writer) put(name string, schema object) { w.schemas = w.schemas.with(name, schema) }
