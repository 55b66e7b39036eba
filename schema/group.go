package schema

import (
	"fmt"
	"slices"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/config"
)

// maxGroup is how many fields one index may have.
const maxGroup = 8

// groups reads unique and indexes of a collection.
func (b *builder) groups(i int) {
	seen := map[string]bool{}
	for _, group := range b.sources[i].Unique {
		b.group(i, group, true, seen)
	}
	for _, group := range b.sources[i].Indexes {
		b.group(i, group, false, seen)
	}
}

func (b *builder) group(i int, group config.FieldList, unique bool, seen map[string]bool) {
	c := b.built[i]
	index := roundtrip.Index{Unique: unique, Pos: group.Pos}
	for _, name := range group.Names {
		position, ok := c.Lookup(name.Text)
		if !ok {
			if b.declared(i, name.Text) {
				return // the field itself is wrong, which was said
			}
			b.problems.Add(name.Pos, "%s has no field %q", c.Name, name.Text).
				Expect("%s", oneOf(indexable(c))).Near(name.Text, indexable(c))
			return
		}
		if why := refuseInGroup(c.Fields[position], position, unique); why != "" {
			b.problems.Add(name.Pos, "%s can't stand here: %s", name.Text, why).Expect("%s", oneOf(indexable(c)))
			return
		}
		index.Fields = append(index.Fields, position)
	}
	key := fmt.Sprint(index.Fields)
	switch {
	case len(index.Fields) > maxGroup:
		b.problems.Add(group.Pos, "this has %d fields", len(index.Fields)).Expect("at most %d", maxGroup)
	case seen[key]:
		b.problems.Add(group.Pos, "these fields stand together already").Expect("them once; unique serves as an index too")
	case !unique && len(index.Fields) == 1 && c.Fields[index.Fields[0]].Unique:
		b.problems.Add(group.Pos, "%s is unique, which serves as an index already", group.Names[0].Text).Expect("the line left out")
	}
	seen[key] = true
	c.Indexes = append(c.Indexes, index)
}

// declared reports whether the file has a field, be it right or wrong.
func (b *builder) declared(i int, name string) bool {
	return slices.ContainsFunc(b.sources[i].Fields, func(f config.Field) bool { return f.Name == name })
}

// refuseInGroup says why a field can't be part of an index; "" means that it can.
func refuseInGroup(f *roundtrip.Field, position int, unique bool) string {
	switch {
	case position == roundtrip.FieldID:
		return "every index ends with id already"
	case position == roundtrip.FieldETag:
		return "etag changes with every write"
	case f.Type == roundtrip.TypeJSON || f.Type == roundtrip.TypeFile:
		return "a " + f.Type.String() + " can't be compared"
	case unique && position < roundtrip.FirstField:
		return "the server sets it"
	case unique && f.Type == roundtrip.TypeCount:
		return "the store keeps its number"
	}
	return ""
}

func indexable(c *roundtrip.Collection) []string {
	var out []string
	for position, f := range c.Fields {
		if refuseInGroup(f, position, false) == "" && position >= roundtrip.FirstField {
			out = append(out, f.Name)
		}
	}
	return append(out, "create_time", "update_time")
}

// identity finds the accounts collection and looks at the fields that name an account.
func (b *builder) identity() {
	id := b.config.Identity
	if id.Accounts == "" {
		return
	}
	c := b.schema.Lookup(id.Accounts)
	switch {
	case c == nil && b.misnamed(id.Accounts):
		return
	case c == nil && len(b.built) == 0:
		b.problems.Add(id.AccountsPos, "there are no collections, so %q can't be the accounts", id.Accounts).
			Expect("collections: with a collection %s in it", id.Accounts)
		return
	case c == nil:
		b.problems.Add(id.AccountsPos, "there is no collection %q for the accounts", id.Accounts).
			Expect("%s", oneOf(b.schema.Names())).Near(id.Accounts, b.schema.Names())
		return
	}
	c.Accounts = true
	for _, f := range c.Fields {
		if f.Name == "roles" || f.Name == "password" {
			b.problems.Add(f.Pos, "the accounts can't have a field %s: each account has it already, kept apart", f.Name).
				Expect("another name; rules see the roles as auth.roles")
		}
	}
	names := loginFields(c)
	if len(names) == 0 && len(id.Login) == 0 {
		b.problems.Add(c.Pos, "nothing names an account of %s at sign-in", c.Name).
			Expect("a text or email field with unique: true in it")
	}
	for i, name := range id.Login {
		if slices.Contains(names, name) || i >= len(id.LoginPos) {
			continue
		}
		what := "%s has no field %q to sign in with"
		if _, ok := c.Lookup(name); ok {
			what = "in %s, %q can't name an account: it is not a unique text or email field"
		}
		expected := "a text or email field with unique: true"
		if len(names) > 0 {
			expected += "; there is " + list(names)
		}
		b.problems.Add(id.LoginPos[i], what, c.Name, name).Expect("%s", expected).Near(name, names)
	}
}

// loginFields are the fields that can name an account.
func loginFields(c *roundtrip.Collection) []string {
	var out []string
	for _, f := range c.Fields {
		if f.Unique && (f.Type == roundtrip.TypeText || f.Type == roundtrip.TypeEmail) {
			out = append(out, f.Name)
		}
	}
	return out
}
