package config

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// JSONSchema returns the JSON Schema (draft 2020-12) of a declaration, for editors. It is made from the table of keys.
func JSONSchema() []byte {
	schema := object(rootKeys())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "roundtrip.yaml"
	schema["description"] = "A Roundtrip declaration."
	out, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic(err) // the table holds texts, numbers, lists and maps only
	}
	return append(out, '\n')
}

// object is the schema of a block.
func object(keys []key) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, k := range keys {
		if k.later != "" {
			continue
		}
		properties[k.name] = property(k)
		if k.required {
			required = append(required, k.name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		slices.Sort(required)
		out["required"] = required
	}
	return out
}

// property is the schema of one key's value.
func property(k key) map[string]any {
	var out map[string]any
	switch {
	case k.typ.named != "" && k.typ.many:
		lists := map[string]any{"type": []string{"array", "null"}, "items": object(k.typ.keys)}
		out = map[string]any{"type": "object", "additionalProperties": lists}
	case k.typ.named != "":
		out = map[string]any{"type": "object", "additionalProperties": object(k.typ.keys)}
	case k.typ.many:
		out = map[string]any{"type": "array", "items": object(k.typ.keys)}
	case k.typ.keys != nil && k.typ.json != nil:
		out = map[string]any{"anyOf": []any{maps.Clone(k.typ.json), object(k.typ.keys)}}
	case k.typ.keys != nil:
		out = object(k.typ.keys)
	default:
		out = maps.Clone(k.typ.json)
	}
	out["description"] = strings.TrimSpace(k.doc)
	if k.def != "" {
		out["default"] = literal(k.def).value()
	}
	return out
}

// value is a default as JSON holds it.
func (n *node) value() any {
	if n.kind == listNode {
		out := make([]any, 0, len(n.items))
		for _, item := range n.items {
			out = append(out, item.value())
		}
		return out
	}
	switch n.typ {
	case IntScalar:
		return json.Number(n.text)
	case BoolScalar:
		return n.text == "true"
	case StringScalar, FloatScalar:
	}
	return n.text
}
