package protobuf

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/roundtrip-dev/roundtrip"
)

// Collision says that what is made for a collection has the name of something else.
type Collision struct {
	Collection *roundtrip.Collection // the later one of the two
	Field      *roundtrip.Field      // which of its fields, nil where the collection's own name is the reason
	Message    string                // a sentence that names both
}

// Check returns the names in the schema's file that stand twice. Numbers need not be known. It says one thing of a
// collection; the rest of the same reason would be noise.
func Check(s *roundtrip.Schema) []Collision {
	b := compose(s, false)
	k := &checker{builder: b, said: map[*roundtrip.Collection]bool{}}
	k.top()
	for _, m := range b.file.MessageType {
		k.message(m)
	}
	return k.found
}

type checker struct {
	*builder
	found []Collision
	said  map[*roundtrip.Collection]bool
}

func (k *checker) add(c *roundtrip.Collection, f *roundtrip.Field, format string, args ...any) {
	if c == nil || f == nil && k.said[c] {
		return
	}
	k.said[c] = k.said[c] || f == nil
	k.found = append(k.found, Collision{Collection: c, Field: f, Message: fmt.Sprintf(format, args...)})
}

// top looks at the names of services and messages.
func (k *checker) top() {
	seen := map[string]proto.Message{}
	for _, s := range k.sections {
		for _, item := range s.items {
			name := item.(interface{ GetName() string }).GetName()
			other, twice := seen[name]
			if !twice {
				seen[name] = item
				continue
			}
			c, first := k.owners[item], k.owners[other]
			switch {
			case c != nil && first != nil:
				k.add(c, nil, "%s can't stand beside %s: in gRPC, something of both would be called %s", c.Name, first.Name, name)
			case c != nil:
				k.taken(c, name)
			default:
				k.taken(first, name)
			}
		}
	}
}

func (k *checker) taken(c *roundtrip.Collection, name string) {
	if c != nil {
		k.add(c, nil, "a collection can't be called %s: in gRPC, the API itself has something called %s", c.Name, name)
	}
}

// message looks at the names in one message: of fields, groups of fields and nested messages.
func (k *checker) message(m *descriptorpb.DescriptorProto) {
	seen := map[string]bool{}
	for _, nested := range m.NestedType {
		seen[nested.GetName()] = true
	}
	for _, o := range m.OneofDecl {
		seen[o.GetName()] = true
	}
	json := map[string]string{}
	for _, f := range m.Field {
		name, c := f.GetName(), k.owners[f]
		if seen[name] && c != nil {
			k.add(c, nil, "a collection can't be called %s: in gRPC, the message %s has something called %s itself", c.Name, m.GetName(), name)
		}
		seen[name] = true
		plain := jsonName(name)
		if other, twice := json[plain]; twice && other != name {
			k.similar(m, c, name, other)
		}
		json[plain] = name
	}
	for _, nested := range m.NestedType {
		k.message(nested)
	}
}

// similar says that two fields differ in underscores alone: a compiler of proto refuses them, because JSON may write their
// names without (https://protobuf.dev/programming-guides/json/).
func (k *checker) similar(m *descriptorpb.DescriptorProto, c *roundtrip.Collection, name, other string) {
	if c == nil {
		return
	}
	if i, ok := c.Lookup(name); ok && m.GetName() == MessageName(k.schema, c) {
		k.add(c, c.Fields[i], "%s can't have the fields %s and %s: they differ in underscores alone, which the JSON of gRPC may leave out", c.Name, other, name)
	}
}
