package openapi

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
)

// object is a JSON object whose members stay in their order, so that the document reads as it was written, and is the same
// bytes each time. A value is a string, bool, int, int64, float64, nil, raw, list, []string or object.
type object []member

type member struct {
	name  string
	value any
}

// list is a JSON array.
type list []any

// raw is a value that is JSON already.
type raw string

// with adds a member.
func (o object) with(name string, value any) object { return append(o, member{name, value}) }

// and adds members.
func (o object) and(more ...member) object { return append(o, more...) }

// maybe adds a member whose text is not empty.
func (o object) maybe(name, value string) object {
	if value == "" {
		return o
	}
	return o.with(name, value)
}

// has reports whether there is a member of a name.
func (o object) has(name string) bool {
	for i := range o {
		if o[i].name == name {
			return true
		}
	}
	return false
}

func appendJSON(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		b, _ = jsontext.AppendQuote(b, v) // its only error is about bad UTF-8, which no declaration has
		return b
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return roundtrip.AppendFloat(b, v)
	case raw:
		return append(b, v...)
	case []string:
		b = append(b, '[')
		for i, s := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, s)
		}
		return append(b, ']')
	case list:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e)
		}
		return append(b, ']')
	case object:
		b = append(b, '{')
		for i := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSON(b, v[i].name), ':')
			b = appendJSON(b, v[i].value)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// ref points at a component.
func ref(kind, name string) object { return object{{"$ref", "#/components/" + kind + "/" + name}} }

// schemaRef points at a schema.
func schemaRef(name string) object { return ref("schemas", name) }

// orNull is a schema, or null.
func orNull(schema object, null bool) object {
	if !null {
		return schema
	}
	if len(schema) > 0 && schema[0].name == "type" {
		if kind, ok := schema[0].value.(string); ok {
			out := append(object{{"type", []string{kind, "null"}}}, schema[1:]...)
			for i := range out {
				if options, ok := out[i].value.([]string); ok && out[i].name == "enum" {
					all := make(list, 0, len(options)+1)
					for _, o := range options {
						all = append(all, o)
					}
					out[i].value = append(all, nil)
				}
			}
			return out
		}
	}
	return object{{"anyOf", list{schema, object{{"type", "null"}}}}}
}
