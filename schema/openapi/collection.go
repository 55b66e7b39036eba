package openapi

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/naming"
)

const (
	jsonType  = "application/json"
	patchType = "application/merge-patch+json"
	formType  = "multipart/form-data"
)

// collection writes down what may be done with the records of one collection. What no rule allows to anybody is left out.
func (w *writer) collection(c *roundtrip.Collection) {
	w.schemasOf(c)
	if !may(c, roundtrip.Get) && !may(c, roundtrip.Create) && !may(c, roundtrip.Update) && !may(c, roundtrip.Delete) {
		return
	}
	w.tag(c.Name, w.collectionSays(c))
	path, many, one := "/"+c.Name, naming.Pascal(c.Name), w.names[c]
	if may(c, roundtrip.Get) {
		w.list(c, path, many)
	}
	if may(c, roundtrip.Create) {
		w.create(c, path, one)
	}
	if may(c, roundtrip.Get) {
		w.get(c, path, one)
	}
	if may(c, roundtrip.Update) {
		w.update(c, path, one)
	}
	if may(c, roundtrip.Delete) {
		w.remove(c, path, one)
	}
	if may(c, roundtrip.Get) {
		w.aggregate(c, path, many)
		w.watch(c, path, many)
		for _, f := range c.Fields {
			if f.Type == roundtrip.TypeFile {
				w.file(c, f)
			}
		}
	}
}

// collectionSays tells who may do what.
func (w *writer) collectionSays(c *roundtrip.Collection) string {
	var b strings.Builder
	b.WriteString("The records of `" + c.Name + "`")
	if c.Accounts {
		b.WriteString(", which are the accounts of people")
	}
	b.WriteString(".\n\n| who may | rule |\n| --- | --- |\n")
	for _, row := range []struct {
		name   string
		action roundtrip.Action
	}{{"read", roundtrip.Get}, {"create", roundtrip.Create}, {"update", roundtrip.Update}, {"delete", roundtrip.Delete}} {
		b.WriteString("| " + row.name + " | " + w.ruleCell(c.Rules[row.action]) + " |\n")
	}
	for _, index := range c.Indexes {
		if index.Unique && len(index.Fields) > 1 {
			var names []string
			for _, f := range index.Fields {
				names = append(names, "`"+c.Fields[f].Name+"`")
			}
			b.WriteString("\nNo two records have the same " + strings.Join(names, " and ") + " together.\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (w *writer) ruleCell(r roundtrip.Rule) string {
	if who := r.Who(); who != roundtrip.ByRule || !w.Rules {
		return who.String()
	}
	return "`" + strings.ReplaceAll(oneLine(r.Source), "|", `\|`) + "`"
}

// ruleSays tells of an operation who may.
func (w *writer) ruleSays(c *roundtrip.Collection, a roundtrip.Action) string {
	switch r := c.Rules[a]; {
	case r.Who() == roundtrip.Anybody:
		return "Anybody may."
	case r.Who() == roundtrip.SignedIn:
		return "Whoever is signed in may."
	case w.Rules:
		return "Who may: `" + oneLine(r.Source) + "`."
	}
	return "A rule decides who may."
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (w *writer) list(c *roundtrip.Collection, path, many string) {
	parameters := []Parameter{w.filter(c), w.orderBy(), w.pageSize(), w.pageToken(), w.fields(c)}
	if p, ok := w.expand(c); ok {
		parameters = append(parameters, p)
	}
	parameters = append(append(parameters, w.count()), w.equals(c)...)
	w.add(Operation{
		ID: "list" + many, Method: "GET", Path: path, Tag: c.Name, Title: "List " + c.Name,
		Says:       "A page of the records that the caller may read. " + w.reading(c) + " Records that come or go while you page don't make you see one twice or miss one that stays.",
		Parameters: parameters,
		Answers: append(w.always("InvalidQuery", "AnswerTooLarge"), Answer{
			Status: 200, Says: "A page.", Type: jsonType, schema: schemaRef(w.names[c] + "List"), Headers: w.readHeaders(),
			Example: `{"` + c.Name + `":[` + w.record(c) + `],"next_page_token":""}`, implied: true,
		}),
	})
}

func (w *writer) reading(c *roundtrip.Collection) string {
	switch r := c.Rules[roundtrip.Get]; {
	case r.Who() == roundtrip.Anybody:
		return "Anybody may read all of them."
	case r.Who() == roundtrip.SignedIn:
		return "Whoever is signed in may read all of them."
	case w.Rules:
		return "Which those are: `" + oneLine(r.Source) + "`."
	}
	return "A rule decides which those are."
}

// readHeaders are those of reads.
func (w *writer) readHeaders(more ...string) []string { return w.withRates(more) }

func (w *writer) withRates(names []string) []string {
	if w.Rates {
		return append(names, "RateLimit", "RateLimit-Policy")
	}
	return names
}

func (w *writer) get(c *roundtrip.Collection, path, one string) {
	parameters := []Parameter{w.idParameter(), w.fields(c)}
	if p, ok := w.expand(c); ok {
		parameters = append(parameters, p)
	}
	w.add(Operation{
		ID: "get" + one, Method: "GET", Path: path + "/{id}", Tag: c.Name, Title: "Get a record",
		Says:       "One record of `" + c.Name + "`. " + w.ruleSays(c, roundtrip.Get),
		Parameters: append(parameters, w.ifNoneMatch()),
		Answers: append(w.always("InvalidParameter", "Missing", "AnswerTooLarge"),
			Answer{Status: 200, Says: "The record.", Type: jsonType, schema: schemaRef(one), Headers: w.readHeaders("ETag"), Example: w.record(c), implied: true},
			w.notModified()),
	})
}

func (w *writer) create(c *roundtrip.Collection, path, one string) {
	o := Operation{
		ID: "create" + one, Method: "POST", Path: path, Tag: c.Name, Title: "Create a record",
		Says: "Makes a record of `" + c.Name + "`. " + w.ruleSays(c, roundtrip.Create) +
			" Fields that are left out get their default. Who creates a record gets it back, also where the read rule would hide it afterwards.",
		Parameters: []Parameter{w.key()},
		Answers: append(w.writes(c, "Taken"), Answer{
			Status: 201, Says: "The new record.", Type: jsonType, schema: schemaRef(one), Example: w.record(c), implied: true,
			Headers: w.withRates([]string{"Location", "ETag", "Idempotency-Replayed"}),
		}),
	}
	if name := requiredFile(c); name == "" {
		o.Bodies = append(o.Bodies, Body{Type: jsonType, Example: w.input(c), schema: schemaRef(one + "Input")})
	} else {
		o.Says += " It needs a file in `" + name + "`, and so is a form."
	}
	if hasFile(c) {
		o.Bodies = append(o.Bodies, w.form(c, one+"Form", false))
	}
	w.add(o)
}

func (w *writer) update(c *roundtrip.Collection, path, one string) {
	o := Operation{
		ID: "update" + one, Method: "PATCH", Path: path + "/{id}", Tag: c.Name, Title: "Update a record",
		Says: "Changes a record of `" + c.Name + "`, as a JSON merge patch (RFC 7396): what is left out stays, `null` takes a value away. " +
			w.ruleSays(c, roundtrip.Update) + " With `If-Match` it happens only if nobody wrote the record since.",
		Parameters: []Parameter{w.idParameter(), w.ifMatch(), w.key()},
		Bodies: []Body{
			{Type: patchType, Example: w.change(c), schema: schemaRef(one + "Patch")},
			{Type: jsonType, Example: w.change(c), schema: schemaRef(one + "Patch")},
		},
		Answers: append(w.writes(c, "Missing", "Taken", "Stale"),
			Answer{
				Status: 200, Says: "The record as it is now.", Type: jsonType, schema: schemaRef(one), Example: w.record(c), implied: true,
				Headers: w.withRates([]string{"ETag", "Idempotency-Replayed"}),
			},
			Answer{Status: 204, Says: "It is done, and the caller may no longer read the record.", Headers: w.withRates([]string{"Idempotency-Replayed"})}),
	}
	if changesFile(c) {
		o.Bodies = append(o.Bodies, w.form(c, one+"PatchForm", true))
	}
	w.add(o)
}

func (w *writer) remove(c *roundtrip.Collection, path, one string) {
	w.add(Operation{
		ID: "delete" + one, Method: "DELETE", Path: path + "/{id}", Tag: c.Name, Title: "Delete a record",
		Says:       "Deletes a record of `" + c.Name + "`. " + w.ruleSays(c, roundtrip.Delete) + w.whatGoesToo(c),
		Parameters: []Parameter{w.idParameter(), w.ifMatch(), w.key()},
		Answers: append(w.always("InvalidParameter", "Denied", "Missing", "Stale", "Unprocessable"),
			Answer{Status: 204, Says: "It is gone.", Headers: w.withRates([]string{"Idempotency-Replayed"})}),
	})
}

// whatGoesToo tells what becomes of the records that point to a deleted one.
func (w *writer) whatGoesToo(c *roundtrip.Collection) string {
	var gone, stay, null []string
	for _, child := range c.Children {
		f := child.From.Fields[child.Ref]
		name := "`" + child.From.Name + "." + f.Name + "`"
		switch f.OnDelete {
		case roundtrip.Cascade:
			gone = append(gone, name)
		case roundtrip.SetNull:
			null = append(null, name)
		case roundtrip.Restrict:
			stay = append(stay, name)
		}
	}
	var b strings.Builder
	if len(gone) > 0 {
		b.WriteString(" Records that point to it with " + either(gone) + " go too.")
	}
	if len(null) > 0 {
		b.WriteString(" " + strings.Join(null, ", ") + " of records that point to it become null.")
	}
	if len(stay) > 0 {
		b.WriteString(" As long as records point to it with " + either(stay) + ", it stays: 422.")
	}
	return b.String()
}

// writes are the errors of a create or update.
func (w *writer) writes(c *roundtrip.Collection, more ...string) []Answer {
	names := []string{"InvalidRecord", "TooLarge", "MediaType"}
	if hasFile(c) {
		names = []string{"InvalidForm", "FileTooLarge", "FileType"}
	}
	return w.always(append(append(names, "Denied", "Unprocessable"), more...)...)
}

func (w *writer) aggregate(c *roundtrip.Collection, path, many string) {
	w.add(Operation{
		ID: "aggregate" + many, Method: "GET", Path: path + ":aggregate", Tag: c.Name, Title: "Count and sum " + c.Name,
		Says:       "Counts, sums, averages and extremes of the records that the caller may read, in at most 1,000 groups. " + w.reading(c),
		Parameters: append([]Parameter{w.groupBy(c), w.selected(c), w.filter(c)}, w.equals(c)...),
		Answers: append(w.always("InvalidQuery", "AnswerTooLarge"), Answer{
			Status: 200, Says: "The groups.", Type: jsonType, schema: schemaRef(w.names[c] + "Groups"), Headers: w.readHeaders(), Example: `{"groups":[{"count":3}]}`,
		}),
	})
}

func (w *writer) watch(c *roundtrip.Collection, path, many string) {
	parameters := []Parameter{w.cursor(), w.lastEventID(), w.filter(c), w.orderBy(), {
		Name: "page_size", In: "query", schema: object{{"type", "integer"}, {"minimum", 0}, {"maximum", 200}, {"default", 20}},
		Says: "How many records the snapshot has; 0 for no snapshot.",
	}, w.fields(c)}
	if p, ok := w.expand(c); ok {
		parameters = append(parameters, p)
	}
	example := `{"topic":"` + c.Name + `","changes":[{"removed":"` + w.ids[c] + `"}],"cursor":"k3f9a2-1845"}`
	w.add(Operation{
		ID: "watch" + many, Method: "GET", Path: path + ":watch", Tag: c.Name, Title: "Watch " + c.Name,
		Says: "A stream of server-sent events: a snapshot, then each change, as far as the caller may read it. With `Accept: application/json` " +
			"one message at once instead, to poll with its `cursor`. `GET live` carries many of these on one connection.",
		Parameters: append(parameters, w.equals(c)...),
		Answers: append(w.streamErrors("InvalidTopic", "AnswerTooLarge"), Answer{
			Status: 200, Says: "Events, one message each; or one message.", Type: jsonType, schema: schemaRef(w.names[c] + "Message"),
			Headers: w.readHeaders(), Example: example, more: events(),
		}),
	})
}

// notModified is the answer to who has it already.
func (w *writer) notModified() Answer {
	a := Answer{Status: 304, Says: "It is still what `If-None-Match` names.", Headers: w.readHeaders("ETag")}
	if !w.responses.has("NotModified") {
		w.responses = w.responses.with("NotModified", a.json())
	}
	a.shared = "NotModified"
	return a
}

// events is a body of server-sent events.
func events() object {
	return object{{"text/event-stream", object{{"schema", object{
		{"type", "string"}, {"description", "`id:` is the cursor, `data:` one message in JSON."},
	}}}}}
}

// streamErrors are the errors of what opens a stream.
func (w *writer) streamErrors(names ...string) []Answer {
	if w.schema.Accounts() != nil {
		names = append(names, "Unauthenticated")
	}
	return w.refuse(append(names, "TooManyStreams", "Internal", "Unavailable", "Deadline", "Other")...)
}

// form is a record with its files as a body.
func (w *writer) form(c *roundtrip.Collection, schema string, update bool) Body {
	b := Body{Type: formType, schema: schemaRef(schema)}
	for i, f := range c.Fields {
		if i < roundtrip.FirstField || f.Type == roundtrip.TypeCount || update && f.Immutable {
			continue
		}
		switch {
		case f.Type == roundtrip.TypeFile:
			b.Parts = append(b.Parts, Part{Name: f.Name, File: true})
			if len(f.Accept) > 0 {
				b.encoding = b.encoding.with(f.Name, object{{"contentType", strings.Join(f.Accept, ", ")}})
			}
		case f.Default.Source != roundtrip.DefaultAuthID:
			if v := w.valueOf(c, f, i); v != "null" {
				b.Parts = append(b.Parts, Part{Name: f.Name, Text: strings.Trim(v, `"`)})
			}
		}
	}
	b.encoding = b.encoding.with("data", object{{"contentType", jsonType}})
	return b
}
