package config

import (
	"slices"

	"github.com/roundtrip-dev/roundtrip"
)

func collectionKeys() []key {
	lists := map[string]any{"type": "array", "items": textsJSON()}
	return []key{
		named("fields", "field", func(c *Collection) *[]Field { return &c.Fields },
			func(f *Field, name string, pos roundtrip.Pos) { f.Name, f.Pos = name, pos }, fieldKeys()...).must().
			eg("{ title: { type: text, required: true, max: 200 } }").
			says("The fields of its records. A field's name is the JSON key, the name in filters and rules, and the column."),
		rulesKey(),
		special("unique", "a list of lists of fields, such as [[user, photo]]", lists,
			func(d *decoder, c *Collection, n *node) { c.Unique = d.fieldLists(n) }).eg("[[user, photo]]").orElse("none").
			says("Groups of fields that no two records may have alike together. A record with a null in a group is never alike."),
		special("indexes", "a list of lists of fields, such as [[author, create_time]]", lists,
			func(d *decoder, c *Collection, n *node) { c.Indexes = d.fieldLists(n) }).eg("[[author, create_time]]").orElse("none").
			says("Groups of fields that filters and orders use together, most selective first."),
		text("was", func(c *Collection) *string { return &c.Was }).eg("pictures").
			says("The collection's former name, so that a rename keeps its records."),
	}
}

// rulesKey is the block of access rules; all its keys are expressions.
func rulesKey() key {
	rule := func(action, doc, example string) key {
		k := special(action, "a rule in quotes, such as 'auth.id == record.author'", map[string]any{"type": []string{"string", "boolean"}},
			func(d *decoder, c *Collection, n *node) { decodeRule(d, c, n, action) })
		return k.orElse("nobody may").eg(example).says(doc)
	}
	return block("rules", func(c *Collection) *Collection { return c },
		rule("read", "Who may get, list and count a record.", "'!record.private || auth.id == record.author'"),
		rule("create", "Who may create this record; record is the new one.", "'auth.id == record.author'"),
		rule("update", "Who may change a record; record is the stored one, input what is given.", "'auth.id == record.author'"),
		rule("delete", "Who may delete a record.", "'\"moderator\" in auth.roles'")).
		orElse("none: nobody may do anything").
		says("Who may do what: one expression for each action, in CEL's syntax over auth, record, input, now and request.ip. No rule means nobody. docs/rules.md has the whole language.")
}

func decodeRule(d *decoder, c *Collection, n *node, action string) {
	switch {
	case n.kind == scalarNode && n.typ == BoolScalar:
		c.Rules = append(c.Rules, Rule{Pos: n.pos, Action: action, Source: n.text})
	case n.kind == scalarNode && n.typ == StringScalar:
		if s, ok := d.text(n); ok {
			c.Rules = append(c.Rules, Rule{Pos: n.at, Action: action, Source: s})
		}
	default:
		d.wrong(n, "a rule in quotes, such as 'auth.id == record.author'")
	}
}

// fieldLists reads [[a, b], [c]].
func (d *decoder) fieldLists(n *node) []FieldList {
	words := "a list of lists of fields, such as [[author, create_time]]"
	if n.kind != listNode {
		d.wrong(n, words)
		return nil
	}
	var out []FieldList
	for _, item := range n.items {
		if item.kind != listNode {
			d.add(item, "%s is a list of lists, and this is %s", n.name, item.words()).
				Expect("two pairs of brackets, such as [[author, create_time]]")
			continue
		}
		if names := d.names(item); len(names) > 0 {
			out = append(out, FieldList{Pos: item.pos, Names: names})
		} else {
			d.add(item, "%s has an empty list", n.name).Expect("at least one field in it")
		}
	}
	return out
}

func fieldKeys() []key {
	anyScalar := map[string]any{"type": []string{"string", "number", "boolean"}}
	scalar := func(name, words string, at func(*Field) **Scalar) key {
		return special(name, words, anyScalar, func(d *decoder, f *Field, n *node) { *at(f) = d.scalar(n) })
	}
	keys := []key{
		typeKey(),
		truth("required", func(f *Field) *bool { return &f.Required }).or("false").eg("true").
			says("Whether every record must have a value. Null is none, and neither is an empty text."),
		truth("unique", func(f *Field) *bool { return &f.Unique }).or("false").eg("true").
			says("Whether no two records may have the same value. Nulls are never the same."),
		truth("immutable", func(f *Field) *bool { return &f.Immutable }).or("false").eg("true").
			says("Whether the value can be set at creation only."),
		scalar("default", "a value of the field's type, auth.id for a ref to the accounts, or now for a time",
			func(f *Field) **Scalar { return &f.Default }).eg("auth.id").orElse("null").
			says("The value of a new record that comes without one: a constant, auth.id (the caller's account) or now."),
		name("match", func(f *Field) *Name { return &f.Match }).eg("'^[a-z0-9_.]{3,30}$'").
			says("For text: a regular expression (RE2) that the whole value must match."),
		scalar("min", "a number: the least value, or the fewest characters of a text", func(f *Field) **Scalar { return &f.Min }).eg("1").
			says("The least value of an int or float, or the fewest characters of a text."),
		scalar("max", "a number (the greatest value, or the most characters of a text), or a size such as 10MB for file and json",
			func(f *Field) **Scalar { return &f.Max }).eg("10MB").
			orElse("10,000 characters for text, 64kB for json, 10MB for file").
			says("The greatest value of an int or float, the most characters of a text, or the largest size of a file or json."),
		name("to", func(f *Field) *Name { return &f.To }).eg("users").
			says("For ref: the collection that it points to."),
		name("on_delete", func(f *Field) *Name { return &f.OnDelete }).eg("cascade").orElse("restrict").
			says("For ref: what happens when the record it points to is deleted. restrict: that is refused. cascade: this record is deleted too. 'null': the ref becomes null."),
		name("of", func(f *Field) *Name { return &f.Of }).eg("likes.photo").
			says("For count: the ref that is counted, as collection.field. The store keeps the number in the transaction of each write."),
		names("options", func(f *Field) *[]Name { return &f.Options }).eg("[draft, published]").
			says("For select: the values it may have."),
		names("accept", func(f *Field) *[]Name { return &f.Accept }).eg("[image/jpeg, image/png]").orElse("every type").
			says("For file: the media types it takes; image/* takes all images. The type is found from the content."),
		special("sizes", "a list of widths in pixels, such as [320, 1080]", map[string]any{"type": "array", "items": map[string]any{"type": "integer"}},
			decodeSizes).eg("[320, 1080]").orElse("none").
			says("For file: widths in pixels at which an image can be asked for, up to 8."),
		later("search", "filters with == and startsWith; there is no full-text search yet"),
		text("was", func(f *Field) *string { return &f.Was }).eg("title").
			says("The field's former name, so that a rename keeps its values."),
	}
	if i := slices.IndexFunc(keys, func(k key) bool { return k.name == "on_delete" }); i >= 0 {
		keys[i].typ.json = map[string]any{"enum": []string{"restrict", "cascade", "null"}}
		keys[i].typ.words = "restrict, cascade or 'null' in quotes"
	}
	return keys
}

func typeKey() key {
	types := roundtrip.FieldTypes()
	k := special("type", "one of "+list(types), map[string]any{"enum": types}, func(d *decoder, f *Field, n *node) {
		before := len(d.problems.List)
		if s, ok := d.option(n, "one of "+list(types), types); ok {
			f.Type = Name{Pos: n.at, Text: s}
		} else if ours := foreignType(n.text); ours != "" && len(d.problems.List) > before {
			d.problems.List[before].Nearest = ours
		}
	})
	return k.must().eg("text").
		says("What the field holds. count is kept by the store; the others are set by callers.")
}

// foreignType returns our name for a type that other systems call otherwise, or "".
func foreignType(s string) string {
	switch s {
	case "string", "str", "varchar", "char", "uuid":
		return "text"
	case "integer", "int64", "int32", "bigint", "long":
		return "int"
	case "number", "double", "decimal", "real", "float64":
		return "float"
	case "boolean":
		return "bool"
	case "date", "datetime", "timestamp", "timestamptz", "autodate":
		return "time"
	case "relation", "reference", "foreign_key", "link":
		return "ref"
	case "enum", "option", "choice":
		return "select"
	case "object", "array", "map", "jsonb":
		return "json"
	case "image", "blob", "upload", "attachment":
		return "file"
	}
	return ""
}

func decodeSizes(d *decoder, f *Field, n *node) {
	if n.kind != listNode {
		d.wrong(n, "a list of widths in pixels, such as [320, 1080]")
		return
	}
	f.SizesPos = n.pos
	for _, item := range n.items {
		if v, ok := d.integer(item, 16, 4096); ok {
			f.Sizes = append(f.Sizes, v)
		}
	}
}
