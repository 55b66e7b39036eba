package protobuf

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/roundtrip-dev/roundtrip"
)

// names are the names that are made for one collection.
type names struct {
	list, one     string // photos, photo
	many, message string // Photos, Photo
}

func (b *builder) names(c *roundtrip.Collection) names {
	return names{list: c.Name, one: Single(b.schema, c), many: plural(c), message: MessageName(b.schema, c)}
}

// collection adds the service of a collection, its record and what its methods take and give.
func (b *builder) collection(c *roundtrip.Collection) {
	b.owner = c
	defer func() { b.owner = nil }()
	n := b.names(c)
	b.section(c.Name)
	b.service(ServiceName(c), b.whoMay(c),
		line{fmt.Sprintf("read Get Get%sRequest %s", n.message, n.message), "One record. One that the caller may not read is not_found."},
		line{fmt.Sprintf("read List List%sRequest List%sResponse", n.many, n.many), "The records that the caller may read, a page at a time."},
		line{fmt.Sprintf("read Aggregate Aggregate%sRequest Aggregate%sResponse", n.many, n.many), "Counts, sums, averages, smallest and greatest values of the records that the caller may read."},
		line{fmt.Sprintf("Watch Watch%sRequest stream Watch%sResponse", n.many, n.many), "The records as they are, then what changes, until the caller ends it."},
		line{fmt.Sprintf("Create Create%sRequest %s", n.message, n.message), ""},
		line{fmt.Sprintf("Update Update%sRequest %s", n.message, n.message), ""},
		line{fmt.Sprintf("Delete Delete%sRequest %s", n.message, empty), ""},
	)
	b.record(c, n)
	b.reads(n)
	b.writes(n)
	b.aggregates(n)
	b.watches(n)
}

// record adds the message of a collection's records. 6 to 15 stay free for what all records may have some day.
func (b *builder) record(c *roundtrip.Collection, n names) {
	m := b.message(n.message, "A record of "+c.Name+".",
		line{"string id = 1", "13 characters of Crockford base32, given by the server or chosen at creation."},
		line{"google.protobuf.Timestamp create_time = 2", "When it was made. Set by the server."},
		line{"google.protobuf.Timestamp update_time = 3", "When it was last written. Set by the server."},
		line{"string etag = 4", "Its version, which grows with each write of the record. Set by the server."},
	)
	refs := slices.DeleteFunc(slices.Clone(c.Fields), func(f *roundtrip.Field) bool { return f.Type != roundtrip.TypeRef || f.To == nil })
	if len(refs) > 0 {
		b.field(m, n.message+".Expand expand = 5", "The records that refs point to, where the request asked for them with expand.")
	}
	for _, f := range c.Fields[roundtrip.FirstField:] {
		optional := ""
		if Explicit(f) {
			optional = "optional "
		}
		b.field(m, fmt.Sprintf("%s%s %s = %d", optional, fieldType(f), f.Name, f.Number), describe(f))
	}
	reserve(m, c.Retired, func(name string) bool { _, lives := c.Lookup(name); return lives })
	if len(refs) > 0 {
		b.expand(m, refs, c)
	}
}

// expand adds the message of what refs point to.
func (b *builder) expand(m *descriptorpb.DescriptorProto, refs []*roundtrip.Field, c *roundtrip.Collection) {
	x := b.nest(m, "Expand", "The records that refs point to, each under the name and the number of its ref.")
	for _, f := range refs {
		b.field(x, fmt.Sprintf("%s %s = %d", MessageName(b.schema, f.To), f.Name, f.Number), "")
	}
	reserve(x, c.Retired, func(name string) bool {
		i, lives := c.Lookup(name)
		return lives && c.Fields[i].Type == roundtrip.TypeRef
	})
}

// fieldType returns the proto type of a field.
func fieldType(f *roundtrip.Field) string {
	switch f.Type {
	case roundtrip.TypeInt, roundtrip.TypeCount:
		return "int64"
	case roundtrip.TypeFloat:
		return "double"
	case roundtrip.TypeBool:
		return "bool"
	case roundtrip.TypeTime:
		return "google.protobuf.Timestamp"
	case roundtrip.TypeJSON:
		return "google.protobuf.Value"
	case roundtrip.TypeFile:
		return "File"
	case roundtrip.TypeText, roundtrip.TypeSelect, roundtrip.TypeEmail, roundtrip.TypeURL, roundtrip.TypeRef, roundtrip.TypeID:
	}
	return "string"
}

// reserve keeps numbers, and names that nothing has now, from being used again.
func reserve(m *descriptorpb.DescriptorProto, retired []roundtrip.Retired, lives func(name string) bool) {
	var numbers []int32
	for _, r := range retired {
		numbers = append(numbers, r.Number)
		if !lives(r.Name) && !slices.Contains(m.ReservedName, r.Name) {
			m.ReservedName = append(m.ReservedName, r.Name)
		}
	}
	slices.Sort(numbers)
	slices.Sort(m.ReservedName)
	for _, n := range slices.Compact(numbers) {
		if last := len(m.ReservedRange) - 1; last >= 0 && m.ReservedRange[last].GetEnd() == n {
			m.ReservedRange[last].End = proto.Int32(n + 1)
			continue
		}
		m.ReservedRange = append(m.ReservedRange, &descriptorpb.DescriptorProto_ReservedRange{Start: proto.Int32(n), End: proto.Int32(n + 1)})
	}
}

const (
	aboutFilter  = `A condition over the fields, such as likes > 10 && author.handle == "ana".`
	aboutOrder   = "Fields to sort by, such as create_time desc."
	aboutSize    = "How many records, at most 200; 0 is 20."
	aboutExpand  = "Refs to follow, such as author or photo.author."
	aboutMask    = "The fields to answer with; all where it is not given."
	aboutRequest = "A key of your choice. The same request with the same key is done once, within 24 hours."
)

func (b *builder) reads(n names) {
	b.message("Get"+n.message+"Request", "",
		line{"string id = 1", ""},
		line{"repeated string expand = 2", aboutExpand},
		line{"google.protobuf.FieldMask read_mask = 3", aboutMask},
	)
	b.message("List"+n.many+"Request", "",
		line{"string filter = 1", aboutFilter},
		line{"string order_by = 2", aboutOrder},
		line{"int32 page_size = 3", aboutSize},
		line{"string page_token = 4", "The next_page_token of the page before."},
		line{"repeated string expand = 5", aboutExpand},
		line{"google.protobuf.FieldMask read_mask = 6", aboutMask},
		line{"bool count = 7", "Fill total_size."},
	)
	b.message("List"+n.many+"Response", "",
		line{fmt.Sprintf("repeated %s %s = 1", n.message, n.list), ""},
		line{"string next_page_token = 2", "Empty on the last page."},
		line{"optional int64 total_size = 3", "How many records there are on all pages, where count asked for it."},
	)
}

func (b *builder) writes(n names) {
	b.message("Create"+n.message+"Request", "",
		line{fmt.Sprintf("%s %s = 1", n.message, n.one), ""},
		line{"string request_id = 2", aboutRequest},
	)
	b.message("Update"+n.message+"Request", "",
		line{fmt.Sprintf("%s %s = 1", n.message, n.one), "id says which. If etag is given, it must be the record's, or the answer is aborted."},
		line{"google.protobuf.FieldMask update_mask = 2", fmt.Sprintf("The fields to write. One that is in the mask and not in %s becomes null. Without a mask: all fields that are set in %s.", n.one, n.one)},
		line{"repeated Add add = 3", "What is added to numbers, whatever they are by then."},
		line{"string request_id = 4", aboutRequest},
	)
	b.message("Delete"+n.message+"Request", "",
		line{"string id = 1", ""},
		line{"string etag = 2", "If given, it must be the record's, or the answer is aborted."},
		line{"string request_id = 3", aboutRequest},
	)
}

func (b *builder) aggregates(n names) {
	b.message("Aggregate"+n.many+"Request", "",
		line{"string filter = 1", aboutFilter},
		line{"repeated string group_by = 2", "Fields whose equal values make a group; without any there is one group."},
		line{"repeated string select = 3", "What to compute: count, sum(FIELD), avg(FIELD), min(FIELD), max(FIELD)."},
	)
	name := "Aggregate" + n.many + "Response"
	m := b.message(name, "", line{"repeated " + name + ".Group groups = 1", ""})
	b.nest(m, "Group", "",
		line{n.message + " by = 1", "The values that are the same in the group."},
		line{"optional int64 count = 2", ""},
		line{n.message + " sum = 3", "The sums, each in its field; so are min and max."},
		line{"map<string, double> avg = 4", "The averages by the names of their fields."},
		line{n.message + " min = 5", ""},
		line{n.message + " max = 6", ""},
	)
}

func (b *builder) watches(n names) {
	b.message("Watch"+n.many+"Request", "",
		line{"string id = 1", "One record; without it the records that the rest describes."},
		line{"string filter = 2", aboutFilter},
		line{"string order_by = 3", aboutOrder},
		line{"int32 page_size = 4", "How many records the snapshot has at most; 0 is 20."},
		line{"repeated string expand = 5", aboutExpand},
		line{"google.protobuf.FieldMask read_mask = 6", aboutMask},
		line{"bool changes_only = 7", "No snapshot first."},
		line{"string resume_token = 8", "The last one that came: go on from there. It is good on every door, for 7 days."},
	)
	name := "Watch" + n.many + "Response"
	m := b.message(name, "The first message of a stream has a snapshot, unless it goes on from a resume_token or is of changes only; all later ones have changes. One with resume_token alone says that the stream is alive.",
		line{name + ".Snapshot snapshot = 1", ""},
		line{"repeated " + name + ".Change changes = 2", ""},
		line{"string resume_token = 3", "Everything up to here has been sent."},
	)
	b.nest(m, "Snapshot", "Drop what you hold of the stream, and take this.",
		line{fmt.Sprintf("repeated %s %s = 1", n.message, n.list), ""},
		line{"string reset = 2", "Why the stream could not go on from its resume_token: too_old, epoch, too_many or rule."},
	)
	b.oneof(b.nest(m, "Change", ""), "what",
		line{n.message + " put = 1", "A record that is new, changed, or in sight again."},
		line{"string removed = 2", "The id of a record that is gone, or out of sight."},
	)
}

// whoMay says who may do what.
func (b *builder) whoMay(c *roundtrip.Collection) string {
	out := []string{"The records of " + c.Name + "."}
	for _, r := range []struct {
		name   string
		action roundtrip.Action
	}{{"read", roundtrip.Get}, {"create", roundtrip.Create}, {"update", roundtrip.Update}, {"delete", roundtrip.Delete}} {
		rule := c.Rules[r.action]
		who := rule.Who().String()
		if b.rules && rule.Who() == roundtrip.ByRule {
			who = oneLine(rule.Source)
		}
		out = append(out, fmt.Sprintf("May %s: %s", r.name, who))
	}
	return strings.Join(out, "\n")
}
