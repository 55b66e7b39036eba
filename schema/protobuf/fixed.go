package protobuf

import (
	"fmt"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/roundtrip-dev/roundtrip"
)

// hasFiles reports whether some collection has a file, which is what the message File is for.
func hasFiles(s *roundtrip.Schema) bool {
	for _, c := range s.Collections {
		if c.FirstOf(roundtrip.TypeFile) >= 0 {
			return true
		}
	}
	return false
}

// shared adds what all collections use.
func (b *builder) shared() {
	b.section("shared by all collections")
	if hasFiles(b.schema) {
		b.message("File", "A stored file. Its bytes are had with GET files/COLLECTION/ID/FIELD, which takes ranges and sizes.",
			line{"string id = 1", "Names the content: another content has another id."},
			line{"string name = 2", ""},
			line{"string type = 3", "The media type, found from the content."},
			line{"int64 size = 4", "In bytes."},
			line{"int32 width = 5", "In pixels, of images only; so is height."},
			line{"int32 height = 6", ""},
			line{"bytes content = 7", "Given only, on Create and Update: the file itself. name may go with it; the rest is found from it."},
		)
	}
	add := b.message("Add", "An addition to a number, done by the store: none is lost when several come at once.",
		line{"string field = 1", ""})
	b.oneof(add, "by", line{"int64 whole = 2", ""}, line{"double real = 3", ""})

	record := b.message("Record", "A record of any collection.")
	b.oneof(record, "record", b.each(func(c *roundtrip.Collection, n names) []line {
		return []line{{fmt.Sprintf("%s %s = %d", n.message, n.list, c.Number), ""}}
	})...)
	b.reserveCollections(record, func(r roundtrip.Retired) []roundtrip.Retired { return []roundtrip.Retired{r} })
	b.own(record, 1)
}

// each makes lines for all collections.
func (b *builder) each(lines func(c *roundtrip.Collection, n names) []line) []line {
	var all []line
	for _, c := range b.schema.Collections {
		all = append(all, lines(c, b.names(c))...)
	}
	return all
}

// own gives the fields of a message, several a collection, to their collections.
func (b *builder) own(m *descriptorpb.DescriptorProto, several int) {
	for i, c := range b.schema.Collections {
		for _, f := range m.Field[i*several : (i+1)*several] {
			b.owners[f] = c
		}
	}
}

// reserveCollections keeps what dropped collections had in a message from being used again.
func (b *builder) reserveCollections(m *descriptorpb.DescriptorProto, fields func(roundtrip.Retired) []roundtrip.Retired) {
	lives := map[string]bool{}
	for _, f := range m.Field {
		lives[f.GetName()] = true
	}
	var retired []roundtrip.Retired
	for _, r := range b.schema.Retired {
		retired = append(retired, fields(r)...)
	}
	reserve(m, retired, func(name string) bool { return lives[name] })
}

// batch adds the service that writes to several collections at once. A collection has three numbers in the message of a
// write: four times its own, and the two that follow.
func (b *builder) batch() {
	b.section("several writes in one transaction")
	b.service("Batch", "Several writes in one transaction: all of them happen, or none.",
		line{"Write BatchRequest BatchResponse", "Up to 100 writes. Later ones see what earlier ones did."})
	m := b.message("BatchRequest", "",
		line{"repeated BatchRequest.Op ops = 1", ""},
		line{"string request_id = 2", aboutRequest + " A write inside has none."},
	)
	op := b.nest(m, "Op", "")
	b.oneof(op, "op", b.each(func(c *roundtrip.Collection, n names) []line {
		return []line{
			{fmt.Sprintf("Create%sRequest create_%s = %d", n.message, n.list, 4*c.Number), ""},
			{fmt.Sprintf("Update%sRequest update_%s = %d", n.message, n.list, 4*c.Number+1), ""},
			{fmt.Sprintf("Delete%sRequest delete_%s = %d", n.message, n.list, 4*c.Number+2), ""},
		}
	})...)
	b.own(op, 3)
	b.reserveCollections(op, func(r roundtrip.Retired) []roundtrip.Retired {
		return []roundtrip.Retired{
			{Number: 4 * r.Number, Name: "create_" + r.Name},
			{Number: 4*r.Number + 1, Name: "update_" + r.Name},
			{Number: 4*r.Number + 2, Name: "delete_" + r.Name},
		}
	})
	m = b.message("BatchResponse", "", line{"repeated BatchResponse.Result results = 1", "One of each write, in their order."})
	b.nest(m, "Result", "", line{"Record record = 1", "None of a delete, and none that the caller may no longer read."})
}
