package schema

import (
	"regexp"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// reservedCollections are the first parts of paths that the API serves itself.
func reservedCollections() []string {
	return []string{"auth", "batch", "files", "inbox", "live", "openapi", "descriptors"}
}

// reservedFields are the system fields, the parameters of the API, which stand beside field names in a query string, and
// the words that start a path or are values in rules and filters.
func reservedFields() []string {
	return []string{
		"id", "create_time", "update_time", "etag",
		"filter", "order_by", "page_size", "page_token", "fields", "expand", "count", "select", "group_by",
		"auth", "record", "input", "now", "request", "true", "false", "null", "in", "rowid",
	}
}

var goodName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// goodName reports whether something may have a name, and says why not.
func (b *builder) goodName(pos roundtrip.Pos, name, what string, reserved []string) bool {
	switch {
	case !goodName.MatchString(name):
		problem := b.problems.Add(pos, "%q is no name for a %s", name, what).
			Expect("small letters, digits and _, a letter first, at most 63")
		if better := tidy(name); goodName.MatchString(better) {
			problem.Nearest = better
		}
		return false
	case slices.Contains(reserved, name):
		why := "the API uses that name itself"
		if what == "field" && slices.Contains(reserved[:roundtrip.FirstField], name) {
			why = "every record has it already"
		}
		b.problems.Add(pos, "a %s can't be called %s: %s", what, name, why).Expect("another name")
		return false
	case what == "collection" && strings.HasPrefix(name, "sqlite_"):
		b.problems.Add(pos, "a collection can't be called %s: SQLite keeps names that start with sqlite_ for itself", name).
			Expect("another name")
		return false
	}
	return true
}

// tidy makes a valid name of one that is nearly so: createdAt becomes created_at.
func tidy(name string) string {
	var out strings.Builder
	for i, r := range name {
		switch {
		case r >= 'A' && r <= 'Z':
			if i > 0 {
				out.WriteByte('_')
			}
			out.WriteRune(r + 'a' - 'A')
		case r == '-' || r == ' ' || r == '.':
			out.WriteByte('_')
		default:
			out.WriteRune(r)
		}
	}
	return strings.Trim(strings.ReplaceAll(out.String(), "__", "_"), "_")
}

// renames looks at the former names.
func (b *builder) renames() {
	former := map[string]bool{}
	for i, c := range b.built {
		switch {
		case c.Was == "":
		case b.has(c.Was):
			b.problems.Add(c.Pos, "%s was %s, but %s is still declared", c.Name, c.Was, c.Was).
				Expect("was: with the name of a collection that is gone")
		case former[c.Was]:
			b.problems.Add(c.Pos, "two collections were %s", c.Was).Expect("was: in one of them")
		}
		former[c.Was] = true
		b.fieldRenames(b.built[i])
	}
}

func (b *builder) fieldRenames(c *roundtrip.Collection) {
	former := map[string]bool{}
	for _, f := range c.Fields {
		if f.Was == "" {
			continue
		}
		if _, still := c.Lookup(f.Was); still {
			b.problems.Add(f.Pos, "%s was %s, but %s is still a field of %s", f.Name, f.Was, f.Was, c.Name).
				Expect("was: with the name of a field that is gone")
		} else if former[f.Was] {
			b.problems.Add(f.Pos, "two fields of %s were %s", c.Name, f.Was).Expect("was: in one of them")
		}
		former[f.Was] = true
	}
}

// list joins names as prose does.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// oneOf completes "expected …" with names to choose from.
func oneOf(names []string) string {
	if len(names) < 2 {
		return list(names)
	}
	return "one of " + list(names)
}
