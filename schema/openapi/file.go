package openapi

import (
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/naming"
)

// file writes down how the bytes of a file are read.
func (w *writer) file(c *roundtrip.Collection, f *roundtrip.Field) {
	parameters := []Parameter{w.idParameter()}
	if values, words := widths(f.Sizes); len(values) > 0 {
		parameters = append(parameters, Parameter{
			Name: "size", In: "query", schema: object{{"type", "integer"}, {"enum", values}},
			Says: "The image that many pixels wide: " + words + ". One that is no wider comes as it is.",
		})
	}
	parameters = append(parameters, w.share("v", Parameter{
		Name: "v", In: "query", schema: text(),
		Says: "The file's `id` from the record. A path with it never means other bytes, so browsers keep it for a year without asking; after the file was replaced it is a 404.",
	}), w.share("Range", Parameter{Name: "Range", In: "header", schema: text(), Example: "bytes=0-99", Says: "A part of it (RFC 9110 section 14)."}), w.ifNoneMatch())
	headers := w.readHeaders("ETag", "Content-Disposition", "Cache-Control")
	part := w.fileAnswer(f, 206, "The part that `Range` asks for.", append([]string{"Content-Range"}, headers...))
	w.add(Operation{
		ID: "get" + w.names[c] + naming.Pascal(f.Name), Method: "GET", Path: "/files/" + c.Name + "/{id}/" + f.Name, Tag: c.Name, Title: "Get the " + f.Name,
		Says: "The bytes of the file in `" + f.Name + "`. Who may read the record may read its files. Images, films, sounds, PDFs and plain text open in the browser; " +
			"everything else is only ever saved.",
		Parameters: parameters,
		Answers: append(w.always("InvalidFile", "NoFile"), w.fileAnswer(f, 200, "The file.", headers), part,
			w.notModified(),
			Answer{Status: 416, Says: "The file has no such part.", Headers: []string{"Content-Range"}, Type: "text/plain", schema: text()}),
	})
}

// fileAnswer is the bytes of a file, of each of the types that the field takes.
func (w *writer) fileAnswer(f *roundtrip.Field, status int, says string, headers []string) Answer {
	bytes := object{{"type", "string"}, {"format", "binary"}}
	types := f.Accept
	if len(types) == 0 {
		types = []string{"*/*"}
	}
	a := Answer{Status: status, Says: says, Type: types[0], schema: bytes, Headers: headers}
	for _, t := range types[1:] {
		a.more = a.more.with(t, object{{"schema", bytes}})
	}
	return a
}

// batch writes down how many records are written at once.
func (w *writer) batch() {
	var ops, results list
	member := func(name string, schema object) member { return member{name, schema} }
	constant := func(s string) object { return object{{"type", "string"}, {"const", s}} }
	example := ""
	for _, c := range w.schema.Collections {
		name := w.names[c]
		is := []struct {
			op   string
			may  bool
			more object
		}{
			{"create", w.schemas.has(name + "Input"), object{
				member("id", schemaRef("ID").with("description", "Chosen by the client, so that later writes of the batch can refer to the record.")),
				member("data", schemaRef(name+"Input")),
			}},
			{"update", w.schemas.has(name + "Patch"), object{member("id", schemaRef("ID")), member("etag", etagMember()), member("data", schemaRef(name+"Patch"))}},
			{"delete", may(c, roundtrip.Delete), object{member("id", schemaRef("ID")), member("etag", etagMember())}},
		}
		written := false
		for _, v := range is {
			if !v.may {
				continue
			}
			written = written || v.op != "delete"
			required := []string{"op", "collection", "id", "data"}
			switch v.op {
			case "create":
				required = []string{"op", "collection", "data"}
				if example == "" && !c.Accounts {
					example = `{"ops":[{"op":"create","collection":"` + c.Name + `","id":"` + w.ids[c] + `","data":` + w.input(c) + `}]}`
				}
			case "delete":
				required = required[:3]
			}
			properties := append(object{member("op", constant(v.op)), member("collection", constant(c.Name))}, v.more...)
			ops = append(ops, closed(object{{"type", "object"}, {"title", v.op + " " + c.Name}, {"required", required}, {"properties", properties}}))
		}
		if written {
			results = append(results, schemaRef(name))
		}
	}
	if len(ops) == 0 {
		return
	}
	w.put("Batch", closed(object{
		{"type", "object"},
		{"description", "Writes of any collections."},
		{"required", []string{"ops"}},
		{"properties", object{{"ops", object{{"type", "array"}, {"minItems", 1}, {"maxItems", 100}, {"items", object{{"oneOf", ops}}}}}}},
	}))
	w.tag("batch", "Several writes in one transaction.")
	w.add(Operation{
		ID: "batch", Method: "POST", Path: "/batch", Tag: "batch", Title: "Write several records",
		Says: "Up to 100 writes in one transaction: all of them happen, or none. Later writes see the earlier ones. Each is allowed by the rule of its own collection. " +
			"`etag` does for one write what `If-Match` does. Files can't come in a batch.",
		Parameters: []Parameter{w.key()},
		Bodies:     []Body{{Type: jsonType, Example: example, schema: schemaRef("Batch")}},
		Answers: append(w.always("InvalidBatch", "Denied", "Missing", "Taken", "Stale", "TooLarge", "MediaType", "Unprocessable"), Answer{
			Status: 200, Says: "One result for each write, in their order.", Type: jsonType, Headers: w.withRates([]string{"Idempotency-Replayed"}),
			schema: object{{"type", "object"}, {"required", []string{"results"}}, {"properties", object{{"results", object{
				{"type", "array"},
				{"description", "The record; null for a delete, and for a record that the caller may no longer read."},
				{"items", object{{"anyOf", append(results, object{{"type", "null"}})}}},
			}}}}},
		}),
	})
}

func etagMember() object {
	return object{{"type", "string"}, {"pattern", `^(W/)?"?[0-9]+(-[0-9a-f]+)?"?$`}, {"description", "Write only if the record still has this `etag`."}}
}

// documents are the paths of what the API says of itself.
func (w *writer) documents() {
	w.tag("documents", "What the API says of itself. After each change of the declaration it is there anew.")
	for _, d := range []struct{ id, path, says, kind string }{
		{"getOpenAPI", "/openapi.json", "This document.", jsonType},
		{"getDescriptors", "/descriptors.binpb", "The services of gRPC, gRPC-Web and Connect as a `google.protobuf.FileDescriptorSet`: `buf generate` takes its address.", "application/octet-stream"},
		{"getProto", "/descriptors.proto", "The same as text, in the language of protocol buffers.", "text/plain"},
	} {
		schema := object{{"type", "object"}}
		switch d.kind {
		case "text/plain":
			schema = text()
		case "application/octet-stream":
			schema = object{{"type", "string"}, {"format", "binary"}}
		}
		answers := w.refuse("InvalidParameter", "Other")
		if w.Rates {
			answers = append(answers, w.refuse("TooManyRequests")...)
		}
		w.add(Operation{
			ID: d.id, Method: "GET", Path: d.path, Tag: "documents", Title: strings.TrimPrefix(d.path, "/"), Says: d.says, Open: true,
			Parameters: []Parameter{w.ifNoneMatch()},
			Answers: append(answers,
				Answer{Status: 200, Says: "The document.", Type: d.kind, schema: schema, Headers: w.readHeaders("ETag")},
				w.notModified()),
		})
	}
}
