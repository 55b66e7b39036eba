// Package schema is the shape of records: it builds the collections of a declaration, and says everything that is wrong
// with a record in one answer.
package schema

import (
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// Schema is a built declaration with what is needed to check records. It does not change and may be used by many
// goroutines.
type Schema struct {
	*roundtrip.Schema
	checks [][]check // by the position of the collection, then of the field
}

// Build makes the schema of a declaration. The error is a *config.Problems with every mistake.
func Build(c *config.Config) (*Schema, error) {
	b := &builder{config: c, problems: c.Problems()}
	b.collections()
	b.schema = roundtrip.NewSchema(c.Name, b.built...)
	b.schema.Roles = c.Identity.Roles
	b.unserved()
	b.identity()
	for i := range b.sources {
		b.links(i)
	}
	checks := make([][]check, len(b.built))
	for i := range b.sources {
		checks[i] = b.fieldChecks(i)
		b.groups(i)
		b.rules(i)
	}
	b.hooks()
	b.letters()
	b.renames()
	b.notices()
	b.channels()
	b.interfaces()
	if err := b.problems.Err(); err != nil {
		return nil, err
	}
	return &Schema{Schema: b.schema, checks: checks}, nil
}

// checksOf returns the checks of one of the schema's collections, by field.
func (s *Schema) checksOf(c *roundtrip.Collection) []check {
	for i, other := range s.Collections {
		if other == c {
			return s.checks[i]
		}
	}
	return nil
}

// builder turns declared collections into built ones. Fields whose declaration is wrong are left out.
type builder struct {
	config   *config.Config
	problems *config.Problems
	schema   *roundtrip.Schema
	built    []*roundtrip.Collection
	sources  []*config.Collection // of built
	fields   [][]*config.Field    // of built, by position; nil for system fields

	wrongNames []string // of collections that are left out because they can't be called so
}

// collections makes the collections and their fields, as far as they can be seen alone.
func (b *builder) collections() {
	for i := range b.config.Collections {
		source := &b.config.Collections[i]
		if !b.goodName(source.Pos, source.Name, "collection", reservedCollections()) {
			b.wrongNames = append(b.wrongNames, source.Name)
			continue
		}
		if b.has(source.Name) {
			continue // the file names it twice, which was said
		}
		c := roundtrip.NewCollection(source.Name, source.Pos)
		c.Was = source.Was
		fields := append([]*config.Field(nil), nil, nil, nil, nil) // the system fields have no source
		for j := range source.Fields {
			f := &source.Fields[j]
			if f.Type.Text == "" || !b.goodName(f.Pos, f.Name, "field", reservedFields()) {
				continue
			}
			if _, twice := c.Lookup(f.Name); twice {
				continue
			}
			c.Add(b.field(f))
			fields = append(fields, f)
		}
		if len(source.Fields) > maxFields {
			b.problems.Add(source.Pos, "%s has %d fields", source.Name, len(source.Fields)).Expect("at most %d", maxFields)
		}
		b.built, b.sources, b.fields = append(b.built, c), append(b.sources, source), append(b.fields, fields)
	}
}

// maxFields is how many fields a collection may have.
const maxFields = 200

// misnamed reports whether a name is that of a collection that was left out for it: what is said of the name is enough. It
// is also meant by its better form, which the mistake suggests.
func (b *builder) misnamed(name string) bool {
	return slices.ContainsFunc(b.wrongNames, func(wrong string) bool { return wrong == name || tidy(wrong) == name })
}

func (b *builder) has(name string) bool {
	for _, c := range b.built {
		if c.Name == name {
			return true
		}
	}
	return false
}

// unserved notices collections that no route leads to.
func (b *builder) unserved() {
	if len(b.built) == 0 {
		return
	}
	for _, site := range b.config.Sites {
		if slices.ContainsFunc(site.Routes, func(r config.Route) bool { return r.API }) {
			return
		}
	}
	b.schema.Warnings = append(b.schema.Warnings, roundtrip.Warning{
		Pos:     b.built[0].Pos,
		Message: "no route of a site leads to the collections, so nobody can reach them; give a site the route { path: /api/, to: api }",
	})
}

// links joins refs and counts to the collections that they name.
func (b *builder) links(i int) {
	c := b.built[i]
	for position := roundtrip.FirstField; position < len(c.Fields); position++ {
		f, source := c.Fields[position], b.fields[i][position]
		switch f.Type {
		case roundtrip.TypeRef:
			b.ref(c, position, source)
		case roundtrip.TypeCount:
			b.count(c, position, source)
		default:
		}
	}
}

func (b *builder) ref(c *roundtrip.Collection, position int, source *config.Field) {
	f := c.Fields[position]
	if source.To.Text == "" {
		b.problems.Add(source.Pos, "the ref %s points nowhere", f.Name).
			Expect("to: with one of %s", list(b.schema.Names()))
		return
	}
	if f.To = b.schema.Lookup(source.To.Text); f.To == nil {
		if b.misnamed(source.To.Text) {
			return
		}
		b.problems.Add(source.To.Pos, "there is no collection %q", source.To.Text).
			Expect("%s", oneOf(b.schema.Names())).Near(source.To.Text, b.schema.Names())
		return
	}
	f.To.Children = append(f.To.Children, roundtrip.Child{From: c, Ref: position})
	switch source.OnDelete.Text {
	case "", "restrict":
	case "cascade":
		f.OnDelete = roundtrip.Cascade
	case "null":
		f.OnDelete = roundtrip.SetNull
		if f.Required {
			b.problems.Add(source.OnDelete.Pos, "%s is required, so it can't become null", f.Name).
				Expect("on_delete: restrict or cascade, or required: false")
		}
	default:
		choices := []string{"restrict", "cascade", "null"}
		b.problems.Add(source.OnDelete.Pos, "on_delete can't be %q", source.OnDelete.Text).
			Expect("%s", oneOf(choices)).Near(source.OnDelete.Text, choices)
	}
}

func (b *builder) count(c *roundtrip.Collection, position int, source *config.Field) {
	f := c.Fields[position]
	refs := b.refsTo(c)
	expected := "of: with one of the refs that point to " + c.Name + ": " + list(refs)
	if len(refs) == 0 {
		expected = "a collection with a ref to " + c.Name + " first, then of: with its collection.field"
	}
	if source.Of.Text == "" {
		b.problems.Add(source.Pos, "the count %s counts nothing", f.Name).Expect("%s", expected)
		return
	}
	for _, child := range b.built {
		for ref, g := range child.Fields {
			if g.Type == roundtrip.TypeRef && child.Name+"."+g.Name == source.Of.Text && b.target(child, ref) == c.Name {
				f.To, f.Of = child, ref
				child.Counters = append(child.Counters, roundtrip.Counter{Ref: ref, Holder: c, Field: position})
				return
			}
		}
	}
	if from, _, _ := strings.Cut(source.Of.Text, "."); b.misnamed(from) {
		return
	}
	b.problems.Add(source.Of.Pos, "%q is no ref that points to %s", source.Of.Text, c.Name).
		Expect("%s", expected).Near(source.Of.Text, refs)
}

// target returns the name that a ref is declared to point to; the ref itself may not be joined yet.
func (b *builder) target(c *roundtrip.Collection, ref int) string {
	for i, built := range b.built {
		if built == c {
			return b.fields[i][ref].To.Text
		}
	}
	return ""
}

// refsTo lists the refs that point to a collection, as collection.field.
func (b *builder) refsTo(c *roundtrip.Collection) []string {
	var out []string
	for _, child := range b.built {
		for position, f := range child.Fields {
			if f.Type == roundtrip.TypeRef && b.target(child, position) == c.Name {
				out = append(out, child.Name+"."+f.Name)
			}
		}
	}
	return out
}

// interfaces looks whether the names that gRPC makes of the declared ones are different too.
func (b *builder) interfaces() {
	for _, c := range protobuf.Check(b.schema) {
		pos := c.Collection.Pos
		if c.Field != nil {
			pos = c.Field.Pos
		}
		b.problems.Add(pos, "%s", c.Message).Expect("another name")
	}
}

func (b *builder) rules(i int) {
	c := b.built[i]
	for _, rule := range b.sources[i].Rules {
		action := roundtrip.Get
		switch rule.Action {
		case "create":
			action = roundtrip.Create
		case "update":
			action = roundtrip.Update
		case "delete":
			action = roundtrip.Delete
		}
		c.Rules[action] = roundtrip.Rule{Source: rule.Source, Pos: rule.Pos}
	}
}
