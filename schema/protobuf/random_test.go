package protobuf_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// fieldNames mean something to proto, to programs that generate code, or in the messages that we make.
func fieldNames() []string {
	return strings.Fields(`message string package descriptor reset proto_message marshal constructor to_string prototype class
		func type map range interface import default option reserved oneof rpc stream returns extend enum service syntax google
		a_ a_1b a_1_b a1b a__c a_c ac get_id name what optional repeated bytes double int64 bool value file add put removed photo
		avg by sum groups snapshot max to inf nan weak public extensions group edition export local`)
}

// collectionNames give messages that are called like others, at the top or in another message.
func collectionNames() []string {
	return strings.Fields(`photos photo groups snapshots changes expands ops results errors objects strings messages timestamps
		functions types options enums packages values structs empties googles protos records adds batches lives sessions users
		preferences notifications actors news series update_masks request_ids total_size next_page_tokens record change files
		photo_responses get_photo_requests list_photos list_photos_requests subscribes problems presences kinds avg_entries
		channels grants me_responses a_b ab a_bs`)
}

// random makes a schema of any shape, with numbers as a database over many changes may have them.
func random(r *rand.Rand) *roundtrip.Schema {
	var collections []*roundtrip.Collection
	names := collectionNames()
	for range r.IntN(6) {
		c := roundtrip.NewCollection(names[r.IntN(len(names))], roundtrip.Pos{})
		twice := false
		for _, other := range collections {
			twice = twice || other.Name == c.Name
		}
		if !twice {
			collections = append(collections, c)
		}
	}
	s := roundtrip.NewSchema([]string{"x", "my-app", "google", "message", "photo"}[r.IntN(5)], collections...)
	for _, c := range collections {
		for range r.IntN(31) {
			f := &roundtrip.Field{Name: fieldNames()[r.IntN(len(fieldNames()))]}
			if _, twice := c.Lookup(f.Name); !twice {
				shape(r, f, collections)
				c.Add(f)
			}
		}
		for _, a := range []roundtrip.Action{roundtrip.Get, roundtrip.Create, roundtrip.Update, roundtrip.Delete} {
			c.Rules[a] = roundtrip.Rule{Source: text(r)}
		}
	}
	if len(collections) > 0 && r.IntN(2) == 0 {
		collections[0].Accounts = true
		if r.IntN(2) == 0 {
			s.Notices = []*roundtrip.Notice{{Name: "told"}}
		}
	}
	scatter(r, s)
	return s
}

func shape(r *rand.Rand, f *roundtrip.Field, collections []*roundtrip.Collection) {
	f.Type = roundtrip.FieldType(1 + r.IntN(len(roundtrip.FieldTypes())))
	f.Required, f.Unique, f.Immutable = r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0
	f.Match, f.Options, f.Accept, f.Sizes = text(r), []string{text(r), text(r)}, []string{text(r)}, []int{r.IntN(999)}
	f.MaxBytes = r.Int64N(1 << 40)
	if low, high := r.NormFloat64()*1e6, r.Int64(); r.IntN(2) == 0 {
		f.Min, f.Max, f.MaxInt = &low, &low, &high
	}
	f.Default = roundtrip.Default{Source: roundtrip.DefaultSource(r.IntN(4)), Value: roundtrip.Text(text(r))}
	f.OnDelete = roundtrip.OnDelete(r.IntN(3))
	switch f.Type {
	case roundtrip.TypeRef:
		f.To = collections[r.IntN(len(collections))]
	case roundtrip.TypeCount:
		f.To = collections[r.IntN(len(collections))] // which field of it does not matter here
	default:
	}
}

// scatter numbers a schema in any order, with gaps that were other fields.
func scatter(r *rand.Rand, s *roundtrip.Schema) {
	for i, n := range r.Perm(len(s.Collections) + 2) {
		if i >= len(s.Collections) {
			s.Retired = append(s.Retired, roundtrip.Retired{Number: int32(n + 1), Name: collectionNames()[r.IntN(9)]})
			continue
		}
		c := s.Collections[i]
		c.Number = int32(n + 1)
		fields := c.Fields[roundtrip.FirstField:]
		for j, n := range r.Perm(len(fields) + 3) {
			if j < len(fields) {
				fields[j].Number = int32(16 + n)
			} else {
				c.Retired = append(c.Retired, roundtrip.Retired{Number: int32(16 + n), Name: fieldNames()[r.IntN(len(fieldNames()))]})
			}
		}
	}
}

// text is what somebody may write into a declaration.
func text(r *rand.Rand) string {
	parts := []string{"true", "a == b", "\n", "*/", "//", "\\", "\"", "'", " ", "\t", "ä", "\u2028", "\x00", "\r", strings.Repeat("long", 40), "\xff", "{", ";", ""}
	var b strings.Builder
	for range r.IntN(12) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	return b.String()
}

func compiles(name string, source []byte) error {
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{name: string(source)}),
	})}
	_, err := compiler.Compile(context.Background(), name)
	return err
}

// Whatever is declared: either two names are the same, which Check says, or the text compiles to the descriptors.
func TestBuild_AnySchemaIsTheSameAsItsText(t *testing.T) {
	t.Parallel()
	good, bad := 0, 0
	for seed := range uint64(120) {
		s := random(rand.New(rand.NewPCG(seed, 15)))
		if collisions := protobuf.Check(s); len(collisions) > 0 {
			bad++
			if source := protobuf.Print(s); compiles("x.proto", source) == nil {
				t.Errorf("seed %d: this is said to collide, and does not: %v", seed, collisions[0].Message)
			}
			continue
		}
		good++
		api := build(t, s)
		sameAsText(t, api)
		if again := build(t, s); string(again.Source) != string(api.Source) || !proto.Equal(set(t, again), set(t, api)) {
			t.Errorf("seed %d: it is not the same twice", seed)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if good < 20 || bad < 20 {
		t.Errorf("%d schemas are good and %d are not: these names prove little", good, bad)
	}
}

func TestCheck_SaysWhichOfTwoNames(t *testing.T) {
	t.Parallel()
	declare := func(names string) *roundtrip.Schema {
		var all []*roundtrip.Collection
		for _, name := range strings.Fields(names) {
			all = append(all, roundtrip.NewCollection(name, roundtrip.Pos{}))
		}
		return roundtrip.NewSchema("x", all...)
	}
	for names, want := range map[string]string{
		"photos users":                 "",
		"photo photos":                 "photos",
		"photos photo":                 "photo",
		"photos get_photo_requests":    "get_photo_requests",
		"records":                      "",
		"record":                       "record",
		"batches photos lives":         "",
		"sessions session_records":     "session_records",
		"add_requests":                 "",
		"list_photos_requests photos":  "photos",
		"sessions":                     "",
		"next_page_token":              "next_page_token",
		"request_ids":                  "request_ids",
		"news news_services":           "news_services",
		"groups snapshots changes ops": "",
	} {
		var got []string
		for _, c := range protobuf.Check(declare(names)) {
			got = append(got, c.Collection.Name)
			if !strings.Contains(c.Message, c.Collection.Name) {
				t.Errorf("%s: %s", c.Collection.Name, c.Message)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: refused are %v, not %s", names, got, want)
		}
	}
}

// A collection may be called as something of the API itself: a name that loads does not depend on what else is declared.
func TestNames_OfTheAPIAreFreeForCollections(t *testing.T) {
	t.Parallel()
	users := roundtrip.NewCollection("users", roundtrip.Pos{})
	users.Accounts = true
	all := []*roundtrip.Collection{users}
	for _, name := range []string{
		"actors", "auths", "batches", "batch_requests", "batch_responses", "change_password_requests", "end_session_requests", "grants",
		"inboxes", "inbox_pages", "list_inbox_requests", "lives", "live_requests", "live_responses", "mark_read_requests", "mark_seen_requests",
		"me_responses", "notifications", "preferences", "records", "sessions", "sign_in_requests", "sign_up_requests", "watch_inbox_requests",
		"watch_inbox_responses", "inbox_numbers", "list_sessions_responses",
	} {
		all = append(all, roundtrip.NewCollection(name, roundtrip.Pos{}))
	}
	s := roundtrip.NewSchema("x", all...)
	s.Notices = []*roundtrip.Notice{{Name: "told"}}
	for _, c := range protobuf.Check(s) {
		t.Error(c.Message)
	}
	number(s)
	sameAsText(t, build(t, s))
	for name, want := range map[string]string{"sessions": "SessionRecord", "preferences": "Preference", "photos": "Photo", "records": "RecordRecord"} {
		if got := protobuf.MessageOf(name); got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
	}
	api := build(t, s)
	for _, m := range []string{"Session", "SessionRecord", "Record", "RecordRecord", "Preferences", "Preference", "ListSessionsResponse", "ListSessionRecordsResponse"} {
		if api.Message(m) == nil {
			t.Errorf("there is no message %s", m)
		}
	}
}

// FuzzBuild_TextsStayInTheirComments puts what people write into rules, patterns and options where the text has comments.
func FuzzBuild_TextsStayInTheirComments(f *testing.F) {
	for _, s := range []string{"true", "a\nb", "*/ message X {}", "\u2028message X {}", "\r\nmessage X {}", "\x0b\x0c\x85", "\\", "//", "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := roundtrip.NewCollection("notes", roundtrip.Pos{})
		c.Rules[roundtrip.Get] = roundtrip.Rule{Source: s}
		for i, typ := range []roundtrip.FieldType{roundtrip.TypeText, roundtrip.TypeSelect, roundtrip.TypeFile} {
			c.Add(&roundtrip.Field{
				Name: fmt.Sprint("f", i), Type: typ, Match: s, Options: []string{s, "b"}, Accept: []string{s},
				Default: roundtrip.Default{Source: roundtrip.DefaultConstant, Value: roundtrip.Text(s)},
			})
		}
		schema := roundtrip.NewSchema("x", c)
		number(schema)
		sameAsText(t, build(t, schema))
	})
}
