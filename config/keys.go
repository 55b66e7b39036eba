package config

import (
	"slices"
	"strconv"
	"time"

	"github.com/roundtrip-dev/roundtrip"
)

// key is one line of the table of everything that can be declared. The decoder, the reference page and the JSON Schema
// for editors are all made from the table, so they can't differ.
type key struct {
	name     string
	doc      string // one or two sentences for the reference
	example  string // a value as it would be written
	def      string // the default as it would be written; it goes through the same set as a written value
	defWords string // says what the default is where it is computed or empty
	later    string // a part of the design that is not built yet: what works now instead
	required bool
	typ      typ
	set      func(d *decoder, target any, n *node)
	fill     func(d *decoder, target any) // puts the defaults of a block into its target
	then     func(d *decoder, target any, n *node)
}

// typ is what a key takes.
type typ struct {
	words string             // completes "expected …"
	json  map[string]any     // JSON Schema of the scalar or list; nil for a block alone
	keys  []key              // of a block
	many  bool               // a list of blocks
	named string             // blocks under names of the user's choice: what such a name is called
	texts func(string) error // checks each text
}

func (k key) says(doc string) key     { k.doc = doc; return k }
func (k key) eg(example string) key   { k.example = example; return k }
func (k key) or(def string) key       { k.def = def; return k }
func (k key) orElse(words string) key { k.defWords = words; return k }
func (k key) must() key               { k.required = true; return k }
func (k key) takes(words string) key  { k.typ.words = words; return k }

// each sets the check of each text of the value. Its error completes "NAME …".
func (k key) each(check func(string) error) key { k.typ.texts = check; return k }

// after sets what is checked when the value has been read.
func (k key) after(then func(d *decoder, target any, n *node)) key { k.then = then; return k }

// later is a key of a part that is not built yet.
func later(name, now string) key { return key{name: name, later: now} }

func text[T any](name string, at func(*T) *string) key {
	k := key{name: name, typ: typ{words: "a text", json: map[string]any{"type": "string"}}}
	k.set = func(d *decoder, target any, n *node) {
		if s, ok := d.text(n); ok {
			*at(target.(*T)) = s
		}
	}
	return k
}

// folder is a path; it is kept absolute.
func folder[T any](name string, at func(*T) *string) key {
	k := key{name: name, typ: typ{words: "a path", json: map[string]any{"type": "string"}}}
	k.set = func(d *decoder, target any, n *node) {
		if s, ok := d.text(n); ok {
			*at(target.(*T)) = d.path(s)
		}
	}
	return k
}

// name is a text that keeps its place, because a later room judges it.
func name[T any](name string, at func(*T) *Name) key {
	k := key{name: name, typ: typ{words: "a text", json: map[string]any{"type": "string"}}}
	k.set = func(d *decoder, target any, n *node) {
		if s, ok := d.text(n); ok {
			*at(target.(*T)) = Name{Pos: n.at, Text: s}
		}
	}
	return k
}

func choice[T any](name string, options []string, put func(*T, string)) key {
	words := "one of " + list(options)
	if len(options) == 1 {
		words = options[0]
	}
	k := key{name: name, typ: typ{words: words, json: map[string]any{"enum": options}}}
	k.set = func(d *decoder, target any, n *node) {
		if s, ok := d.option(n, words, options); ok {
			put(target.(*T), s)
		}
	}
	return k
}

func truth[T any](name string, at func(*T) *bool) key {
	k := key{name: name, typ: typ{words: "true or false", json: map[string]any{"type": "boolean"}}}
	k.set = func(d *decoder, target any, n *node) {
		if v, ok := d.truth(n); ok {
			*at(target.(*T)) = v
		}
	}
	return k
}

func integer[T any](name string, low, high int, at func(*T) *int) key {
	k := key{name: name, typ: typ{json: map[string]any{"type": "integer", "minimum": low, "maximum": high}}}
	k.typ.words = "a whole number from " + thousands(low) + " to " + thousands(high)
	k.set = func(d *decoder, target any, n *node) {
		if v, ok := d.integer(n, low, high); ok {
			*at(target.(*T)) = v
		}
	}
	return k
}

// integerOf is a number that is one of a few.
func integerOf[T any](name string, options []int, at func(*T) *int) key {
	words := make([]string, len(options))
	for i, o := range options {
		words[i] = strconv.Itoa(o)
	}
	k := key{name: name, typ: typ{words: "one of " + list(words), json: map[string]any{"enum": options}}}
	k.set = func(d *decoder, target any, n *node) {
		if v, err := strconv.Atoi(n.text); n.kind == scalarNode && err == nil && slices.Contains(options, v) {
			*at(target.(*T)) = v
			return
		}
		d.wrong(n, k.typ.words)
	}
	return k
}

func duration[T any](name string, low, high string, at func(*T) *time.Duration) key {
	k := key{name: name, typ: typ{json: map[string]any{"type": "string", "pattern": durationPattern}}}
	k.typ.words = "a duration with its unit (ms, s, m, h, d) from " + low + " to " + high + ", such as 30s, 10m or 7d"
	k.set = func(d *decoder, target any, n *node) {
		if v, ok := d.duration(n, low, high); ok {
			*at(target.(*T)) = v
		}
	}
	return k
}

func size[T any](name string, low, high string, at func(*T) *int64) key {
	k := key{name: name, typ: typ{json: map[string]any{"type": "string", "pattern": sizePattern}}}
	k.typ.words = "a size with its unit (B, kB, MB, GB) from " + low + " to " + high + ", such as 10MB"
	k.set = func(d *decoder, target any, n *node) {
		if v, ok := d.size(n, low, high); ok {
			*at(target.(*T)) = v
		}
	}
	return k
}

func texts[T any](name string, at func(*T) *[]string) key {
	k := key{name: name, typ: typ{words: "a list of texts, such as [a, b]", json: textsJSON()}}
	k.set = func(d *decoder, target any, n *node) {
		to := at(target.(*T))
		*to = nil
		for _, name := range d.names(n) {
			*to = append(*to, name.Text)
		}
	}
	return k
}

func names[T any](name string, at func(*T) *[]Name) key {
	k := key{name: name, typ: typ{words: "a list of texts, such as [a, b]", json: textsJSON()}}
	k.set = func(d *decoder, target any, n *node) { *at(target.(*T)) = d.names(n) }
	return k
}

func textsJSON() map[string]any {
	return map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
}

// block is one block of keys that writes into a part of T.
func block[T, U any](name string, at func(*T) *U, keys ...key) key {
	k := key{name: name, typ: typ{words: "a block with " + keyWords(keys), keys: keys}}
	k.set = func(d *decoder, target any, n *node) { d.block(n, at(target.(*T)), keys) }
	k.fill = func(d *decoder, target any) { d.defaults(at(target.(*T)), keys) }
	return k
}

// optional is a block that is nil when it is not declared.
func optional[T, U any](name string, at func(*T) **U, place func(*U, roundtrip.Pos), keys ...key) key {
	k := key{name: name, typ: typ{words: "a block with " + keyWords(keys), keys: keys}}
	k.set = func(d *decoder, target any, n *node) {
		u := new(U)
		place(u, n.pos)
		d.defaults(u, keys)
		if d.block(n, u, keys) {
			*at(target.(*T)) = u
		}
	}
	return k
}

// many is a list of blocks.
func many[T, U any](name string, at func(*T) *[]U, place func(*U, roundtrip.Pos), keys ...key) key {
	k := key{name: name, typ: typ{words: "a list of blocks with " + keyWords(keys), keys: keys, many: true}}
	k.set = func(d *decoder, target any, n *node) {
		if n.kind != listNode {
			d.wrong(n, k.typ.words)
			return
		}
		for _, item := range n.items {
			u := new(U)
			place(u, item.pos)
			d.defaults(u, keys)
			if d.block(item, u, keys) {
				*at(target.(*T)) = append(*at(target.(*T)), *u)
			}
		}
	}
	return k
}

// named is a map of blocks under names of the user's choice, in declared order. what is what such a name is called.
func named[T, U any](name, what string, at func(*T) *[]U, place func(*U, string, roundtrip.Pos), keys ...key) key {
	k := key{name: name, typ: typ{words: "a block with the name of each " + what + " and its keys below", keys: keys, named: what}}
	k.set = func(d *decoder, target any, n *node) {
		if n.kind != mapNode {
			d.wrong(n, k.typ.words)
			return
		}
		for _, p := range d.once(n) {
			u := new(U)
			place(u, p.key, p.pos)
			d.defaults(u, keys)
			if d.block(p.value, u, keys) {
				*at(target.(*T)) = append(*at(target.(*T)), *u)
			}
		}
	}
	return k
}

// special is a key whose value has a form of its own.
func special[T any](name, words string, json map[string]any, set func(d *decoder, target *T, n *node)) key {
	k := key{name: name, typ: typ{words: words, json: json}}
	k.set = func(d *decoder, target any, n *node) { set(d, target.(*T), n) }
	return k
}
