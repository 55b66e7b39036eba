// Package typescript writes the types of a declaration for the client of package clients/js: what records look like, what
// create and update take, and which refs lead where.
package typescript

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// Names is what the types say beside the collections. Each list becomes a union, an empty one never.
type Names struct {
	Login         []string // the fields that name an account at sign-in
	Notifications []string // the kinds
	Channels      []string
}

// Module returns a TypeScript module with an interface for each collection, one for what its create and update take, and
// the Schema that holds them all.
func Module(s *roundtrip.Schema, names Names) []byte {
	w := &writer{types: typeNames(s)}
	w.line("// The types of %s, made by `roundtrip export types`. Don't edit them: change roundtrip.yaml, and make them anew.", s.Name)
	w.line("")
	w.line("import type { %s } from '@roundtrip/client';", strings.Join(imports(s), ", "))
	for _, c := range s.Collections {
		w.record(c)
		w.input(c)
		w.patch(c)
	}
	w.schema(s, names)
	return []byte(w.b.String())
}

// imports are the types of the client that the module needs.
func imports(s *roundtrip.Schema) []string {
	var add, file bool
	for _, c := range s.Collections {
		for _, f := range c.Fields[roundtrip.FirstField:] {
			add = add || !f.Immutable && (f.Type == roundtrip.TypeInt || f.Type == roundtrip.TypeFloat)
			file = file || f.Type == roundtrip.TypeFile
		}
	}
	names := []string{"Base"}
	if add {
		names = append(names, "Add")
	}
	if file {
		names = append(names, "StoredFile")
	}
	slices.Sort(names)
	return names
}

type writer struct {
	b     strings.Builder
	types map[*roundtrip.Collection]string
}

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteByte('\n')
}

func (w *writer) record(c *roundtrip.Collection) {
	w.line("")
	w.line("/** A record of %s. */", c.Name)
	w.line("export interface %s extends Base {", w.types[c])
	for _, f := range c.Fields[roundtrip.FirstField:] {
		w.note(f)
		w.line("  %s: %s;", f.Name, orNull(read(f), f.Optional()))
	}
	w.line("}")
}

// note says of a field what its type does not.
func (w *writer) note(f *roundtrip.Field) {
	switch f.Type {
	case roundtrip.TypeRef:
		w.line("  /** The id of a record of %s. */", f.To.Name)
	case roundtrip.TypeCount:
		w.line("  /** How many records of %s point here. */", f.To.Name)
	case roundtrip.TypeTime:
		w.line("  /** RFC 3339, UTC. */")
	default:
	}
}

func (w *writer) input(c *roundtrip.Collection) {
	w.line("")
	w.line("/** What create takes. */")
	w.line("export interface %sInput {", w.types[c])
	w.line("  id?: string;")
	for _, f := range c.Fields[roundtrip.FirstField:] {
		if f.Type == roundtrip.TypeCount {
			continue
		}
		may := "?"
		if f.Required && f.Default.Source == roundtrip.NoDefault {
			may = ""
		}
		w.line("  %s%s: %s;", f.Name, may, orNull(write(f), !f.Required))
	}
	w.line("}")
}

func (w *writer) patch(c *roundtrip.Collection) {
	w.line("")
	w.line("/** What update takes: what is left out stays. */")
	w.line("export interface %sPatch {", w.types[c])
	for _, f := range c.Fields[roundtrip.FirstField:] {
		if f.Type == roundtrip.TypeCount || f.Immutable {
			continue
		}
		t := write(f)
		if f.Type == roundtrip.TypeInt || f.Type == roundtrip.TypeFloat {
			t += " | Add"
		}
		w.line("  %s?: %s;", f.Name, orNull(t, !f.Required))
	}
	w.line("}")
}

func (w *writer) schema(s *roundtrip.Schema, names Names) {
	w.line("")
	w.line("/** All of it, for createClient<Schema>(…). */")
	w.line("export interface Schema {")
	w.line("  collections: {")
	for _, c := range s.Collections {
		name := w.types[c]
		w.line("    %s: { record: %s; input: %sInput; patch: %sPatch; refs: %s; files: %s };", c.Name, name, name, name, refs(c), union(files(c)))
	}
	w.line("  };")
	accounts := []string(nil)
	if c := s.Accounts(); c != nil {
		accounts = []string{c.Name}
	} else {
		names.Login = nil
	}
	w.line("  accounts: %s;", union(accounts))
	w.line("  login: %s;", union(names.Login))
	w.line("  roles: %s;", union(s.Roles))
	w.line("  notifications: %s;", union(names.Notifications))
	w.line("  channels: %s;", union(names.Channels))
	w.line("}")
}

func refs(c *roundtrip.Collection) string {
	var all []string
	for _, f := range c.Fields {
		if f.Type == roundtrip.TypeRef {
			all = append(all, f.Name+": "+quote(f.To.Name))
		}
	}
	if all == nil {
		return "{}"
	}
	return "{ " + strings.Join(all, "; ") + " }"
}

func files(c *roundtrip.Collection) []string {
	var all []string
	for _, f := range c.Fields {
		if f.Type == roundtrip.TypeFile {
			all = append(all, f.Name)
		}
	}
	return all
}
