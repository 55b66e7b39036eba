package openapi

import (
	"strconv"
	"strings"
)

// document puts the parts together in the order in which people read them.
func (w *writer) document(d *Document) object {
	o := object{
		{"openapi", "3.1.1"},
		{"info", object{{"title", d.Title}, {"version", "1"}, {"description", w.about()}}},
	}
	servers := list{}
	for _, s := range w.Servers {
		servers = append(servers, object{{"url", s.URL}}.maybe("description", s.Says))
	}
	if len(servers) > 0 {
		o = o.with("servers", servers)
	}
	if w.schema.Accounts() != nil {
		o = o.with("security", list{object{}, object{{"token", list{}}}, object{{"cookie", list{}}}})
	} else {
		o = o.with("security", list{})
	}
	tags := list{}
	for _, t := range w.tags {
		tags = append(tags, object{{"name", t.Name}, {"description", t.Says}})
	}
	o = o.and(member{"tags", tags}, member{"paths", paths(w.operations)})
	return o.with("components", w.components())
}

// paths groups operations by their paths, in the order in which they came.
func paths(operations []Operation) object {
	var o object
	at := map[string]int{}
	for i := range operations {
		op := &operations[i]
		n, there := at[op.Path]
		if !there {
			n = len(o)
			at[op.Path] = n
			o = o.with(op.Path, object{})
		}
		o[n].value = o[n].value.(object).with(strings.ToLower(op.Method), op.json())
	}
	return o
}

func (op *Operation) json() object {
	o := object{{"operationId", op.ID}, {"tags", []string{op.Tag}}, {"summary", op.Title}}.maybe("description", op.Says)
	switch {
	case op.Open:
		o = o.with("security", list{})
	case op.SignedIn:
		o = o.with("security", list{object{{"token", list{}}}, object{{"cookie", list{}}}})
	}
	if len(op.Parameters) > 0 {
		all := list{}
		for i := range op.Parameters {
			all = append(all, op.Parameters[i].json())
		}
		o = o.with("parameters", all)
	}
	if len(op.Bodies) > 0 {
		var content object
		for _, b := range op.Bodies {
			media := object{{"schema", b.schema}}
			if len(b.encoding) > 0 {
				media = media.with("encoding", b.encoding)
			}
			if b.Example != "" {
				media = media.with("example", raw(b.Example))
			}
			content = content.with(b.Type, media)
		}
		o = o.with("requestBody", object{{"required", true}, {"content", content}})
	}
	var answers object
	for i := range op.Answers {
		a := &op.Answers[i]
		answers = answers.with(a.status(), a.json())
	}
	return o.with("responses", answers)
}

func (p *Parameter) json() object {
	if p.shared != "" {
		return ref("parameters", p.shared)
	}
	o := object{{"name", p.Name}, {"in", p.In}}
	if p.Required {
		o = o.with("required", true)
	}
	o = o.maybe("description", p.Says)
	if p.many {
		o = o.and(member{"style", "form"}, member{"explode", false})
	}
	o = o.with("schema", p.schema)
	if p.Example != "" && !p.many && !p.apart {
		o = o.with("example", p.Example)
	}
	return o
}

// share makes a component of a parameter and returns it as such.
func (w *writer) share(name string, p Parameter) Parameter {
	if !w.parameters.has(name) {
		p.shared = ""
		w.parameters = w.parameters.with(name, p.json())
	}
	p.shared = name
	return p
}

func (a *Answer) status() string {
	if a.Status > 999 {
		return "default"
	}
	return strconv.Itoa(a.Status)
}

func (a *Answer) json() object {
	if a.shared != "" {
		return ref("responses", a.shared)
	}
	o := object{{"description", a.Says}, {"headers", headerRefs(a.Headers)}}
	if a.Type == "" {
		return o
	}
	media := object{{"schema", a.schema}}
	if a.Example != "" && !a.implied {
		media = media.with("example", raw(a.Example))
	}
	return o.with("content", append(object{{a.Type, media}}, a.more...))
}

// headerRefs point at the headers of an answer; all have X-Journey.
func headerRefs(names []string) object {
	o := object{}
	for _, name := range names {
		o = o.with(name, ref("headers", name))
	}
	return o.with("X-Journey", ref("headers", "X-Journey"))
}

func (w *writer) components() object {
	o := object{{"schemas", w.schemas}, {"parameters", w.parameters}, {"responses", w.responses}, {"headers", w.headers()}}
	if w.schema.Accounts() == nil {
		return o
	}
	return o.with("securitySchemes", object{
		{"token", object{
			{"type", "http"},
			{"scheme", "bearer"},
			{"description", "The `token` of an answer to sign-in or sign-up, as `Authorization: Bearer rt_s_…`. It goes before the cookie."},
		}},
		{"cookie", object{
			{"type", "apiKey"},
			{"in", "cookie"},
			{"name", "__Host-session"},
			{"description", "What a page of the site itself gets at sign-in. No script can read it; `fetch` sends it. Writes with it are taken from pages of the site's own origin, and of those that its `cors` names with credentials. (`session` on a site without TLS.)"},
		}},
	})
}

func (w *writer) headers() object {
	text := func(says, example string) object {
		return object{{"description", says}, {"schema", object{{"type", "string"}}}}.maybe("example", example)
	}
	all := object{
		{"X-Journey", object{
			{"description", "The id of the request's journey. Give it to whoever runs the server: `roundtrip journey ID` shows what happened at each station."},
			{"schema", object{{"type", "string"}, {"pattern", "^[0-9a-f]{32}$"}}},
			{"example", exampleJourney},
		}},
		{"ETag", text("The version of the answer. Send it back as `If-None-Match` to be answered 304 as long as nothing has changed, or as `If-Match` with a write.", `"7"`)},
		{"Location", text("The path of the new record.", "")},
		{"Idempotency-Replayed", object{
			{"description", "There, and true, where this is the answer of an earlier request with the same `Idempotency-Key`."},
			{"schema", object{{"type", "string"}, {"enum", []string{"true"}}}},
		}},
		{"Retry-After", object{{"description", "Seconds to wait before the next try."}, {"schema", object{{"type", "integer"}, {"minimum", 1}}}, {"example", 1}}},
		{"WWW-Authenticate", text("How to authenticate (RFC 6750).", `Bearer realm="api", error="invalid_token"`)},
		{"Accept-Patch", text("On a PATCH: the media types that are read (RFC 5789).", "application/merge-patch+json, application/json")},
		{"Set-Cookie", text("The session's cookie, for pages of the site itself and for commands; or its end.", "")},
		{"Content-Range", text("Which bytes these are (RFC 9110 section 14.4).", "bytes 0-99/40213")},
		{"Content-Disposition", text("Whether a browser shows the file or saves it, and its name.", `inline; filename=lake.jpg`)},
		{"Cache-Control", text("Who may keep the file, and whether they must ask again.", "private, max-age=31536000, immutable")},
	}
	all = all.and(
		member{"RateLimit", text("What is left of a limit, and in how many seconds all of it is there again (draft-ietf-httpapi-ratelimit-headers).", `"client";r=49;t=1`)},
		member{"RateLimit-Policy", text("The limits that hold for the request.", `"client";q=50;w=1`)},
	)
	used := w.usedHeaders()
	var o object
	for _, h := range all {
		if used[h.name] {
			o = append(o, h)
		}
	}
	return o
}

// usedHeaders are those that an answer refers to.
func (w *writer) usedHeaders() map[string]bool {
	used := map[string]bool{"X-Journey": true}
	note := func(names []string) {
		for _, name := range names {
			used[name] = true
		}
	}
	for i := range w.operations {
		for _, a := range w.operations[i].Answers {
			note(a.Headers)
			if a.shared != "" {
				note(w.refusals[a.shared].headers)
			}
		}
	}
	return used
}
