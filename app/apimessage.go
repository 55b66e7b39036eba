package app

import (
	"encoding/json"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/naming"
	"github.com/roundtrip-dev/roundtrip/schema/openapi"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// procedures are those that do what an operation of REST does, of the parts of the API that are no collections.
func procedures() map[string]string {
	return map[string]string{ //nolint:gosec // names, no credentials
		"signUp": "Auth/SignUp", "signIn": "Auth/SignIn", "signOut": "Auth/SignOut", "getMe": "Auth/Me",
		"listSessions": "Auth/ListSessions", "endSession": "Auth/EndSession", "endOtherSessions": "Auth/EndOtherSessions",
		"changePassword": "Auth/ChangePassword",
		"listInbox":      "Inbox/List", "markSeen": "Inbox/MarkSeen", "markRead": "Inbox/MarkRead",
		"getPreferences": "Inbox/GetPreferences", "setPreferences": "Inbox/SetPreferences",
		"batch": "Batch/Write", "live": "Live/Open",
	}
}

// procedureOf finds the procedure of an operation among the descriptors, and makes a request of it from the example of REST.
func (h *house) procedureOf(op *openapi.Operation, v *apiCall) (name, message string, stream bool) {
	if h.described == nil {
		return "", "", false
	}
	call := procedures()[op.ID]
	if c := h.schema.Lookup(op.Tag); c != nil {
		call = protobuf.ServiceName(c) + "/" + naming.Pascal(verbOf(op))
	}
	service, method, _ := strings.Cut(call, "/")
	s := h.described.File().Services().ByName(protoreflect.Name(service))
	if s == nil {
		return "", "", false
	}
	m := s.Methods().ByName(protoreflect.Name(method))
	if m == nil {
		return "", "", false
	}
	return string(s.FullName()) + "/" + method, h.messageOf(op, v), m.IsStreamingServer()
}

// messageOf is an example of a procedure's request, in ProtoJSON.
func (h *house) messageOf(op *openapi.Operation, v *apiCall) string {
	example := bodyOf(v.Bodies)
	if c := h.schema.Lookup(op.Tag); c != nil {
		return h.messageAt(c, verbOf(op), example, exampleID(v))
	}
	switch op.ID {
	case "signUp":
		account := map[string]any{}
		for name, value := range example {
			if name != "password" {
				account[name] = value
			}
		}
		return text(map[string]any{"account": account, "password": example["password"]})
	case "signIn":
		for name, value := range example {
			if name != "password" {
				return text(map[string]any{"login": value, "password": example["password"]})
			}
		}
	case "endSession":
		return text(map[string]any{"id": exampleID(v)})
	case "listInbox":
		return text(map[string]any{"page_size": 20})
	case "setPreferences":
		kinds := map[string]any{}
		for kind, channels := range example {
			kinds[kind] = map[string]any{"channels": channels}
		}
		return text(map[string]any{"kinds": kinds})
	case "batch":
		return h.batchOf(example)
	case "live":
		if len(h.schema.Collections) > 0 {
			return text(map[string]any{"id": 1, "subscribe": map[string]any{"topic": h.schema.Collections[0].Name}})
		}
	}
	return text(example)
}

// messageAt is the same of what is done to records; data is what REST's body has.
func (h *house) messageAt(c *roundtrip.Collection, verb string, data map[string]any, id string) string {
	single := protobuf.Single(h.schema.Schema, c)
	switch verb {
	case "get", "delete":
		return text(map[string]any{"id": id})
	case "list", "watch":
		return text(map[string]any{"page_size": 20})
	case "aggregate":
		return text(map[string]any{"select": []string{"count"}})
	case "create":
		return text(map[string]any{single: data})
	case "update":
		record := map[string]any{"id": id}
		for name, value := range data {
			record[name] = value
		}
		return text(map[string]any{single: record})
	}
	return "{}"
}

// batchOf puts the operations of REST's batch into the words of Batch/Write.
func (h *house) batchOf(example map[string]any) string {
	ops := []any{}
	list, _ := example["ops"].([]any)
	for _, one := range list {
		op, _ := one.(map[string]any)
		kind, _ := op["op"].(string)
		name, _ := op["collection"].(string)
		c := h.schema.Lookup(name)
		if c == nil {
			continue
		}
		data, _ := op["data"].(map[string]any)
		id, _ := op["id"].(string)
		var message any
		switch kind {
		case "create":
			record := map[string]any{}
			for field, value := range data {
				record[field] = value
			}
			if id != "" {
				record["id"] = id
			}
			message = map[string]any{protobuf.Single(h.schema.Schema, c): record}
		case "update":
			message = json.RawMessage(h.messageAt(c, "update", data, id))
		default:
			message = json.RawMessage(h.messageAt(c, "delete", nil, id))
		}
		ops = append(ops, map[string]any{kind + "_" + name: message})
	}
	return text(map[string]any{"ops": ops})
}

// bodyOf is the example of a JSON body; of a form alone, its parts: a file is its name and its bytes.
func bodyOf(bodies []apiBody) map[string]any {
	data := map[string]any{}
	for _, b := range bodies {
		if b.Example != "" && json.Unmarshal([]byte(b.Example), &data) == nil {
			return data
		}
	}
	for _, b := range bodies {
		for _, p := range b.Parts {
			switch {
			case p.File:
				data[p.Name] = map[string]any{"name": p.Name + ".jpg", "content": "BASE64"}
			default:
				data[p.Name] = plain(p.Text)
			}
		}
	}
	return data
}

// plain is a part of a form as JSON has it: numbers and truth as such.
func plain(s string) any {
	var v any
	if json.Unmarshal([]byte(s), &v) == nil {
		switch v.(type) {
		case bool, float64:
			return v
		}
	}
	return s
}

func exampleID(v *apiCall) string {
	for _, p := range v.Parameters {
		if p.Name == "id" && p.In == "path" && p.Example != "" {
			return p.Example
		}
	}
	return "0am65rkcg0000"
}

func text(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil { // maps of JSON values: it can't fail
		return "{}"
	}
	return strings.TrimSpace(b.String())
}
