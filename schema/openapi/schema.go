package openapi

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// commonSchemas are those that do not speak of one collection. What nothing refers to is not there.
func (w *writer) commonSchemas() {
	w.put("ID", object{
		{"type", "string"},
		{"pattern", idPattern},
		{"description", "13 characters of Crockford's base32 in lower case. The first part is the time at which it was made."},
		{"examples", []string{exampleID(0)}},
	})
	w.put("Problem", problemSchema())
	if w.any(func(c *roundtrip.Collection, f *roundtrip.Field) bool {
		return w.shown(c) && f.Type == roundtrip.TypeFile
	}) {
		w.put("File", object{
			{"type", "object"},
			{"description", "A file as its record holds it. Its bytes are at `files/COLLECTION/ID/FIELD`."},
			{"required", []string{"id", "name", "type", "size"}},
			{"properties", object{
				{"id", object{{"type", "string"}, {"description", "Names the content: another content has another id. `?v=` of the file's path takes it."}}},
				{"name", object{{"type", "string"}, {"description", "As the client called it."}}},
				{"type", object{{"type", "string"}, {"description", "The media type, found from the content."}}},
				{"size", object{{"type", "integer"}, {"format", "int64"}, {"description", "Bytes."}}},
				{"width", object{{"type", "integer"}, {"description", "Pixels, of images alone."}}},
				{"height", object{{"type", "integer"}, {"description", "Pixels, of images alone."}}},
			}},
			{"readOnly", true},
			{"examples", list{raw(exampleFile)}},
		})
	}
	if w.any(func(c *roundtrip.Collection, f *roundtrip.Field) bool {
		return may(c, roundtrip.Update) && !f.Immutable && (f.Type == roundtrip.TypeInt || f.Type == roundtrip.TypeFloat)
	}) {
		w.put("Add", closed(object{
			{"type", "object"},
			{"description", "Adds to the number in the database, so that two at once don't overwrite each other. A negative number takes away."},
			{"required", []string{"$add"}},
			{"properties", object{{"$add", object{{"type", "number"}}}}},
			{"examples", list{raw(`{"$add":1}`)}},
		}))
	}
}

// shown reports whether a record of the collection is in any answer.
func (w *writer) shown(c *roundtrip.Collection) bool {
	return c.Accounts || may(c, roundtrip.Get) || may(c, roundtrip.Create) || may(c, roundtrip.Update)
}

// any reports whether a declared field is of a kind.
func (w *writer) any(is func(c *roundtrip.Collection, f *roundtrip.Field) bool) bool {
	for _, c := range w.schema.Collections {
		for _, f := range c.Fields[roundtrip.FirstField:] {
			if is(c, f) {
				return true
			}
		}
	}
	return false
}

// closed says that an object has no other members.
func closed(o object) object { return o.with("additionalProperties", false) }

func problemSchema() object {
	kinds := []string{}
	for k := roundtrip.Internal; k <= roundtrip.Deadline; k++ {
		if !contains(kinds, k.Code()) {
			kinds = append(kinds, k.Code())
		}
	}
	return object{
		{"type", "object"},
		{"description", "An error (RFC 9457). Decide by `code`, or more exactly by `reason`; show `detail`."},
		{"required", []string{"type", "title", "status", "code", "reason"}},
		{"properties", object{
			{"type", object{{"type", "string"}, {"format", "uri-reference"}, {"description", "`/problems/` and the code."}}},
			{"title", object{{"type", "string"}, {"description", "What kind of error it is, in a sentence."}}},
			{"status", object{{"type", "integer"}, {"minimum", 400}, {"maximum", 599}, {"description", "The status of the answer."}}},
			{"code", object{{"type", "string"}, {"enum", kinds}, {"description", "The family: one of the names that gRPC and Connect have too."}}},
			{"reason", object{{"type", "string"}, {"pattern", `^[a-z0-9]+\.[a-z0-9_]+$`}, {"description", "What it was exactly. A reason never changes its meaning; there may be new ones. `roundtrip reasons CODE` explains each."}}},
			{"detail", object{{"type", "string"}, {"description", "What is wrong here, and how to mend it: a sentence for people."}}},
			{"instance", object{{"type", "string"}, {"format", "uri-reference"}, {"description", "The path of the request."}}},
			{"journey", object{{"type", "string"}, {"pattern", "^[0-9a-f]{32}$"}, {"description", "The same as in `X-Journey`."}}},
			{"errors", object{
				{"type", "array"},
				{"maxItems", 100},
				{"description", "Everything that is wrong, at once."},
				{"items", object{
					{"type", "object"},
					{"required", []string{"code"}},
					{"properties", object{
						{"code", object{{"type", "string"}, {"description", "What is wrong: `required`, `too_long`, `unknown_field` …"}}},
						{"pointer", object{{"type", "string"}, {"description", "Where, in the body (RFC 6901): `/caption`."}}},
						{"parameter", object{{"type", "string"}, {"description", "Or in which parameter or header."}}},
						{"column", object{{"type", "integer"}, {"minimum", 1}, {"description", "And where in it."}}},
						{"detail", object{{"type", "string"}, {"description", "A sentence for people."}}},
					}},
				}},
			}},
		}},
	}
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}

// schemasOf are those of one collection.
func (w *writer) schemasOf(c *roundtrip.Collection) {
	name := w.names[c]
	if w.shown(c) {
		w.put(name, w.recordSchema(c))
	}
	if may(c, roundtrip.Create) {
		if requiredFile(c) == "" {
			w.put(name+"Input", w.inputSchema(c))
		}
		if hasFile(c) {
			w.put(name+"Form", w.formSchema(c, false))
		}
	}
	if may(c, roundtrip.Update) {
		w.put(name+"Patch", w.patchSchema(c))
		if changesFile(c) {
			w.put(name+"PatchForm", w.formSchema(c, true))
		}
	}
	if may(c, roundtrip.Get) {
		w.put(name+"List", object{
			{"type", "object"},
			{"required", []string{c.Name, "next_page_token"}},
			{"properties", object{
				{c.Name, object{{"type", "array"}, {"items", schemaRef(name)}}},
				{"next_page_token", object{{"type", "string"}, {"description", "For the next page; empty on the last one."}}},
				{"total_size", object{{"type", "integer"}, {"format", "int64"}, {"description", "With `count=exact`: how many there are in all."}}},
			}},
		})
		w.put(name+"Groups", w.groupsSchema(c))
		w.put(name+"Message", w.messageSchema(c))
	}
}

func (w *writer) recordSchema(c *roundtrip.Collection) object {
	var properties object
	for i, f := range c.Fields {
		properties = properties.with(f.Name, read(f, i))
	}
	if refs := w.refs(c); len(refs) > 0 {
		properties = properties.with("expand", object{
			{"type", "object"},
			{"description", "With `expand`: the records that its refs lead to. One that is null, or that the caller may not read, has no member here."},
			{"properties", refs},
			{"readOnly", true},
		})
	}
	return object{
		{"type", "object"},
		{"description", "A record of `" + c.Name + "`."},
		{"required", c.FieldNames()},
		{"properties", properties},
		{"examples", list{raw(w.record(c))}},
	}
}

// refs are the members below expand.
func (w *writer) refs(c *roundtrip.Collection) object {
	var refs object
	for _, f := range c.Fields {
		if f.Type == roundtrip.TypeRef && may(f.To, roundtrip.Get) {
			refs = refs.with(f.Name, schemaRef(w.names[f.To]))
		}
	}
	return refs
}

// inputMembers are the fields that create takes in JSON, and those of them that must be there.
func inputMembers(c *roundtrip.Collection) (properties object, required []string) {
	for i, f := range c.Fields {
		if i < roundtrip.FirstField || f.Type == roundtrip.TypeCount || f.Type == roundtrip.TypeFile && f.Required {
			continue
		}
		properties = properties.with(f.Name, write(f, false))
		if f.Required && f.Default.Source == roundtrip.NoDefault && f.Type != roundtrip.TypeFile {
			required = append(required, f.Name)
		}
	}
	return properties, required
}

func (w *writer) inputSchema(c *roundtrip.Collection) object {
	properties, required := inputMembers(c)
	properties = append(object{{"id", schemaRef("ID").with("description", "Chosen by the client; leave it out to get one.")}}, properties...)
	return closed(objectOf("What creates a record of `"+c.Name+"`.", properties, required)).with("examples", list{raw(w.input(c))})
}

func objectOf(says string, properties object, required []string) object {
	o := object{{"type", "object"}, {"description", says}}
	if len(required) > 0 {
		o = o.with("required", required)
	}
	return o.with("properties", properties)
}

func (w *writer) patchSchema(c *roundtrip.Collection) object {
	var properties object
	for i, f := range c.Fields {
		if i < roundtrip.FirstField || f.Type == roundtrip.TypeCount || f.Immutable || f.Type == roundtrip.TypeFile && f.Required {
			continue
		}
		properties = properties.with(f.Name, write(f, true))
	}
	return closed(objectOf("What changes a record of `"+c.Name+"`: what is left out stays, `null` takes a value away.", properties, nil)).
		with("examples", list{raw(w.change(c))})
}

// formSchema is a record with its files, as a form.
func (w *writer) formSchema(c *roundtrip.Collection, update bool) object {
	var properties object
	var required []string
	if !update {
		properties = object{{"id", schemaRef("ID")}}
	}
	for i, f := range c.Fields {
		if i < roundtrip.FirstField || f.Type == roundtrip.TypeCount || update && f.Immutable {
			continue
		}
		if f.Type == roundtrip.TypeFile {
			properties = properties.with(f.Name, object{{"type", "string"}, {"format", "binary"}, {"description", tells(f, i)}})
			if f.Required && !update {
				required = append(required, f.Name)
			}
			continue
		}
		properties = properties.with(f.Name, bounded(f).maybe("description", tells(f, i)))
	}
	data := "Input"
	if update {
		data = "Patch"
	}
	whole := object{{"type", "object"}}
	if name := w.names[c] + data; w.schemas.has(name) {
		whole = schemaRef(name)
	}
	properties = properties.with("data", whole.with("description", "All but the files in one part of JSON, instead of a part for each."))
	says := "A record of `" + c.Name + "` with its files: a part for each field."
	if r := notFiles(c); !update && len(r) > 0 {
		says += " " + strings.Join(codes(r), " and ") + " must be there too, as a part or in `data`."
	}
	return objectOf(says, properties, required)
}

// notFiles are the required fields that are no files.
func notFiles(c *roundtrip.Collection) []string {
	_, required := inputMembers(c)
	return required
}

func hasFile(c *roundtrip.Collection) bool { return c.FirstOf(roundtrip.TypeFile) >= 0 }

func changesFile(c *roundtrip.Collection) bool {
	for _, f := range c.Fields {
		if f.Type == roundtrip.TypeFile && !f.Immutable {
			return true
		}
	}
	return false
}

// requiredFile returns a field without which no record can be made, so that JSON alone makes none, or "".
func requiredFile(c *roundtrip.Collection) string {
	for _, f := range c.Fields {
		if f.Type == roundtrip.TypeFile && f.Required {
			return f.Name
		}
	}
	return ""
}

func (w *writer) groupsSchema(c *roundtrip.Collection) object {
	var members object
	for i, f := range c.Fields {
		if f.Type != roundtrip.TypeJSON && f.Type != roundtrip.TypeFile {
			members = members.with(f.Name, orNull(withoutReadOnly(read(f, i), value(f), i), f.Optional()))
		}
	}
	if !members.has("count") {
		members = members.with("count", object{{"type", "integer"}, {"format", "int64"}})
	}
	for _, a := range aggregates(c) {
		if !members.has(a.name) {
			members = members.with(a.name, orNull(a.schema, true))
		}
	}
	return object{
		{"type", "object"},
		{"required", []string{"groups"}},
		{"properties", object{{"groups", object{{"type", "array"}, {"maxItems", 1000}, {"items", object{
			{"type", "object"}, {"description", "One group: the fields of `group_by`, and the values of `select`: `sum(likes)` is `sum_likes`."}, {"properties", members},
		}}}}}},
	}
}

// withoutReadOnly is the plain schema of a field in a group.
func withoutReadOnly(as, plain object, position int) object {
	if position == roundtrip.FieldETag {
		return as[:2]
	}
	return plain
}

// messageSchema is one message of a watch.
func (w *writer) messageSchema(c *roundtrip.Collection) object {
	return message("What is sent to those who watch `"+c.Name+"`: first a snapshot, then changes.", schemaRef(w.names[c]))
}

// message is the form of a message with a snapshot or changes.
func message(says string, record object, more ...member) object {
	return object{
		{"type", "object"},
		{"description", says},
		{"required", []string{"topic", "cursor"}},
		{"properties", object{
			{"topic", object{{"type", "string"}, {"description", "What is watched."}}},
			{"snapshot", object{{"type", "array"}, {"items", record}, {"description", "All there is: drop what you hold, and take this."}}},
			{"reset", object{{"type", "string"}, {"enum", []string{"too_old", "epoch", "too_many", "rule"}}, {"description", "With a snapshot: why the cursor could not be followed."}}},
			{"changes", object{{"type", "array"}, {"description", "What has changed, in the order of the commits."}, {"items", object{{"oneOf", list{
				object{{"type", "object"}, {"required", []string{"put"}}, {"properties", object{{"put", record}}}},
				object{{"type", "object"}, {"required", []string{"removed"}}, {"properties", object{{"removed", schemaRef("ID")}}}},
			}}}}}},
			{"cursor", object{{"type", "string"}, {"description", "Give it back to go on from here."}}},
		}.and(more...)},
	}
}
