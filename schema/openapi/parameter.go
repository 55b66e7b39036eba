package openapi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/roundtrip-dev/roundtrip"
)

// expandMax is how many paths of refs are listed; where there are more, any is taken.
const expandMax = 40

func text() object { return object{{"type", "string"}} }

func (w *writer) idParameter() Parameter {
	return w.share("id", Parameter{Name: "id", In: "path", Says: "Which record.", Required: true, schema: schemaRef("ID")})
}

func (w *writer) filter(c *roundtrip.Collection) Parameter {
	return w.share("filter", Parameter{
		Name: "filter", In: "query", schema: object{{"type", "string"}, {"maxLength", 4096}}, Example: w.filterExample(c),
		Says: "A condition over the fields: `likes > 10 && author.handle == \"ana\"`. It looks through refs, and only at what the caller may read. " +
			"It knows `== != < <= > >= in`, `&& || !` (and `AND OR NOT`), `startsWith endsWith contains`, `has()`, `size()`, `timestamp()`, `duration()` and `exists()`. " +
			"In a URL `&&` is written `%26%26`.",
	})
}

// filterExample is a condition that holds in every collection: the parameter is shared.
func (w *writer) filterExample(*roundtrip.Collection) string {
	return `create_time > timestamp("2026-01-01T00:00:00Z")`
}

func (w *writer) orderBy() Parameter {
	return w.share("order_by", Parameter{
		Name: "order_by", In: "query", schema: text(), Example: "create_time desc",
		Says: "Up to 4 fields with commas between, each with `asc` or `desc`. Without it: by `id`, so oldest first.",
	})
}

func (w *writer) pageSize() Parameter {
	return w.share("page_size", Parameter{
		Name: "page_size", In: "query", schema: object{{"type", "integer"}, {"minimum", 1}, {"maximum", 200}, {"default", 20}},
		Says: "How many on a page.",
	})
}

func (w *writer) pageToken() Parameter {
	return w.share("page_token", Parameter{
		Name: "page_token", In: "query", schema: text(),
		Says: "The `next_page_token` of the page before. It is good for the same filter, order and caller only.",
	})
}

func (w *writer) count() Parameter {
	return w.share("count", Parameter{
		Name: "count", In: "query", schema: object{{"type", "string"}, {"enum", []string{"exact"}}},
		Says: "`exact` adds `total_size`, the number of all records that match.",
	})
}

func (w *writer) cursor() Parameter {
	return w.share("cursor", Parameter{Name: "cursor", In: "query", schema: text(), Says: "Go on from here: the `cursor` of an earlier message, for 7 days, whichever way it came."})
}

func (w *writer) lastEventID() Parameter {
	return w.share("Last-Event-ID", Parameter{Name: "Last-Event-ID", In: "header", schema: text(), Says: "The cursor, as an `EventSource` sends it by itself when it connects again. It goes before `cursor`."})
}

func (w *writer) ifMatch() Parameter {
	return w.share("If-Match", Parameter{
		Name: "If-Match", In: "header", schema: text(), Example: `"7"`,
		Says: "The `ETag` of the record as you have read it: the write happens only if nobody wrote it since.",
	})
}

func (w *writer) ifNoneMatch() Parameter {
	return w.share("If-None-Match", Parameter{Name: "If-None-Match", In: "header", schema: text(), Says: "An `ETag` that you have: if it is still the one, the answer is 304 without a body."})
}

func (w *writer) key() Parameter {
	return w.share("Idempotency-Key", Parameter{
		Name: "Idempotency-Key", In: "header", schema: object{{"type", "string"}, {"minLength", 1}, {"maxLength", 255}, {"pattern", "^[!-~]+$"}},
		Says: "Makes the write safe to repeat: the same request with the same key within 24 hours is not done again, and gets the answer of the first. Make a random one for each write.",
	})
}

// fields is which members to answer with.
func (w *writer) fields(c *roundtrip.Collection) Parameter {
	return w.share(c.Name+".fields", Parameter{
		Name: "fields", In: "query", many: true, schema: listOf(c.FieldNames()),
		Says: "Answer with these members alone; `id` always comes along. What `" + w.names[c] + "` requires is what comes without this parameter.",
	})
}

// expand is which refs to follow; ok is false where there are none.
func (w *writer) expand(c *roundtrip.Collection) (p Parameter, ok bool) {
	paths := refPaths(c, 3)
	if len(paths) == 0 {
		return p, false
	}
	p = Parameter{
		Name: "expand", In: "query", many: true, schema: listOf(paths),
		Says: "Refs to follow: the records that they lead to come along below `expand`, as far as the caller may read them.",
	}
	if len(paths) > expandMax {
		p.schema = object{{"type", "array"}, {"items", object{{"type", "string"}, {"pattern", `^[a-z0-9_]+(\.[a-z0-9_]+){0,2}$`}}}, {"maxItems", 16}}
	} else {
		p.schema = p.schema.with("maxItems", 16)
	}
	return w.share(c.Name+".expand", p), true
}

// refPaths lists the paths of refs from a collection, the short ones before those that go on from them. It ends soon after
// there are more than are shown.
func refPaths(c *roundtrip.Collection, depth int) []string {
	var paths []string
	for _, f := range c.Fields {
		if f.Type != roundtrip.TypeRef || depth == 0 || !may(f.To, roundtrip.Get) || len(paths) > expandMax {
			continue
		}
		paths = append(paths, f.Name)
		for _, more := range refPaths(f.To, depth-1) {
			paths = append(paths, f.Name+"."+more)
		}
	}
	return paths
}

// equals are the short conditions, one for each field that can be compared.
func (w *writer) equals(c *roundtrip.Collection) []Parameter {
	var all []Parameter
	for _, f := range c.Fields {
		if f.Type == roundtrip.TypeJSON || f.Type == roundtrip.TypeFile {
			continue
		}
		schema := value(f)
		if f.Type == roundtrip.TypeEmail || f.Type == roundtrip.TypeURL {
			schema = text()
		}
		all = append(all, w.share(c.Name+"."+f.Name, Parameter{Name: f.Name, In: "query", schema: schema, Says: "Only those whose `" + f.Name + "` is this."}))
	}
	return all
}

// groupBy and selected are the parameters of an aggregate.
func (w *writer) groupBy(c *roundtrip.Collection) Parameter {
	var names []string
	for _, f := range c.Fields {
		if f.Type != roundtrip.TypeJSON && f.Type != roundtrip.TypeFile {
			names = append(names, f.Name)
		}
	}
	return Parameter{
		Name: "group_by", In: "query", many: true, schema: listOf(names).with("maxItems", 4),
		Says: "One group for each of the values of these fields; without it there is one group of all.",
	}
}

func (w *writer) selected(c *roundtrip.Collection) Parameter {
	names := []string{"count"}
	for _, a := range aggregates(c) {
		names = append(names, a.text)
	}
	return Parameter{
		Name: "select", In: "query", many: true, schema: listOf(names).with("maxItems", 16),
		Says: "What to say of each group; without it `count`.",
	}
}

// aggregate is one value that can be selected: sum(likes), which is answered as sum_likes.
type aggregate struct {
	text, name string
	field      *roundtrip.Field
	schema     object
}

func aggregates(c *roundtrip.Collection) []aggregate {
	var all []aggregate
	for i, f := range c.Fields {
		var functions []string
		switch f.Type {
		case roundtrip.TypeInt, roundtrip.TypeFloat, roundtrip.TypeCount:
			functions = []string{"sum", "avg", "min", "max"}
		case roundtrip.TypeTime, roundtrip.TypeText, roundtrip.TypeSelect, roundtrip.TypeEmail, roundtrip.TypeURL:
			functions = []string{"min", "max"}
		default:
		}
		if i == roundtrip.FieldETag { // nobody means it
			continue
		}
		for _, function := range functions {
			a := aggregate{text: function + "(" + f.Name + ")", name: function + "_" + f.Name, field: f, schema: value(f)}
			if function == "avg" {
				a.schema = object{{"type", "number"}, {"format", "double"}}
			}
			all = append(all, a)
		}
	}
	return all
}

// listOf is an array of names that are known.
func listOf(names []string) object {
	return object{{"type", "array"}, {"items", object{{"type", "string"}, {"enum", slices.Clone(names)}}}}
}

func widths(sizes []int) (values list, words string) {
	names := make([]string, len(sizes))
	for i, s := range sizes {
		values, names[i] = append(values, s), strconv.Itoa(s)
	}
	return values, strings.Join(names, ", ")
}
