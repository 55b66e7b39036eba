package sqlite_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
	"github.com/roundtrip-dev/roundtrip/store/sqlite"
)

// generation is one declaration as it was in force, with the messages that programs have which were made of it.
type generation struct {
	schema *roundtrip.Schema
	api    *protobuf.API
	of     map[protoreflect.Name]*roundtrip.Collection // by the name of the message
}

// life is a database over many starts, each with another declaration.
type life struct {
	t           *testing.T
	path        string
	clock       *clock
	generations []*generation
}

// start opens the database, brings it to a declaration, and ends.
func (l *life) start(schema *roundtrip.Schema, mayLose ...string) *generation {
	l.t.Helper()
	s, err := sqlite.New(sqlite.Options{Path: l.path, Now: l.clock.Now, IDs: roundtrip.NewIDs(1, l.clock.Now)})
	if err != nil {
		l.t.Fatal(err)
	}
	if err := s.Open(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	p, err := s.Plan(l.t.Context(), schema)
	if err == nil {
		err = p.Allow(mayLose)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	api, err := protobuf.Build(schema, protobuf.Options{}) // as the app does: before the database is changed
	if err != nil {
		l.t.Fatal(err)
	}
	if err := s.Apply(l.t.Context(), schema, p); err != nil {
		l.t.Fatal(err)
	}
	after, err := protobuf.Build(schema, protobuf.Options{})
	if err != nil || string(after.Source) != string(api.Source) {
		l.t.Fatalf("the interface is another one once the plan is applied: %v\n%s\n%s", err, api.Source, after.Source)
	}
	if err := s.Close(); err != nil {
		l.t.Fatal(err)
	}
	g := &generation{schema: schema, api: api, of: map[protoreflect.Name]*roundtrip.Collection{}}
	for _, c := range schema.Collections {
		g.of[protoreflect.Name(protobuf.MessageName(schema, c))] = c
	}
	l.generations = append(l.generations, g)
	return g
}

// mark is a number that tells which field a value was made for, whatever it is called.
func mark(c *roundtrip.Collection, f *roundtrip.Field) int64 {
	return int64(c.Number)*1000 + int64(f.Column)
}

// record makes a message of a collection in which each field says which one it is.
func (g *generation) record(c *roundtrip.Collection) *dynamicpb.Message {
	m := dynamicpb.NewMessage(g.api.Message(protobuf.MessageName(g.schema, c)))
	for _, f := range c.Fields[roundtrip.FirstField:] {
		fd, n := m.Descriptor().Fields().ByName(protoreflect.Name(f.Name)), mark(c, f)
		switch fd.Kind() {
		case protoreflect.StringKind:
			m.Set(fd, protoreflect.ValueOfString(fmt.Sprint(n)))
		case protoreflect.Int64Kind:
			m.Set(fd, protoreflect.ValueOfInt64(n))
		case protoreflect.DoubleKind:
			m.Set(fd, protoreflect.ValueOfFloat64(float64(n)))
		case protoreflect.MessageKind: // a File, a Timestamp or a Value: each has a field for it
			sub := m.Mutable(fd).Message()
			for _, name := range []protoreflect.Name{"size", "seconds"} {
				if at := sub.Descriptor().Fields().ByName(name); at != nil {
					sub.Set(at, protoreflect.ValueOfInt64(n))
				}
			}
			if at := sub.Descriptor().Fields().ByName("number_value"); at != nil {
				sub.Set(at, protoreflect.ValueOfFloat64(float64(n)))
			}
		default:
			panic(fd.Kind())
		}
	}
	if x := m.Descriptor().Fields().ByName("expand"); x != nil {
		for _, f := range c.Fields {
			if f.Type == roundtrip.TypeRef && f.To != c {
				sub := m.Mutable(x).Message()
				sub.Set(sub.Descriptor().Fields().ByName(protoreflect.Name(f.Name)), protoreflect.ValueOfMessage(g.record(f.To)))
			}
		}
	}
	return m
}

// messages are what a program of this generation may have sent or kept.
func (g *generation) messages() map[string][]byte {
	out := map[string][]byte{}
	for i, c := range g.schema.Collections {
		record := g.record(c)
		name := string(record.Descriptor().Name())
		put := func(key string, m *dynamicpb.Message) {
			b, err := proto.Marshal(m)
			if err != nil {
				panic(err)
			}
			out[key] = b
		}
		put(name, record)
		any := dynamicpb.NewMessage(g.api.Message("Record"))
		any.Set(any.Descriptor().Fields().ByName(protoreflect.Name(c.Name)), protoreflect.ValueOfMessage(record))
		put(fmt.Sprintf("Record %d", i), any)

		op := dynamicpb.NewMessage(g.api.Message("BatchRequest.Op"))
		request := op.Mutable(op.Descriptor().Fields().ByName(protoreflect.Name("create_" + c.Name))).Message()
		request.Set(request.Descriptor().Fields().ByNumber(1), protoreflect.ValueOfMessage(record))
		put(fmt.Sprintf("BatchRequest.Op %d", i), op)
	}
	return out
}

// reads decodes what another generation has written and fails where a field shows what was another one's. It returns how
// many fields of records came over.
func (g *generation) reads(t *testing.T, from int, key string, b []byte) int {
	t.Helper()
	var name string
	_, _ = fmt.Sscan(key, &name)
	d := g.api.Message(name)
	if d == nil {
		return 0 // the message is no more
	}
	m := dynamicpb.NewMessage(d)
	if err := proto.Unmarshal(b, m); err != nil {
		t.Errorf("generation %d wrote a %s that can't be read: %v", from, key, err)
		return 0
	}
	return g.look(t, from, m)
}

func (g *generation) look(t *testing.T, from int, m protoreflect.Message) (fields int) {
	c := g.of[m.Descriptor().Name()]
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		f := (*roundtrip.Field)(nil)
		if c != nil {
			if at, ok := c.Lookup(string(fd.Name())); ok {
				f = c.Fields[at]
			}
		}
		if f == nil {
			if fd.Kind() == protoreflect.MessageKind && !fd.IsList() {
				fields += g.look(t, from, v.Message())
			}
			return true
		}
		fields++
		if got, want := marked(fd, v), mark(c, f); got != want {
			t.Errorf("%s.%s (%d) shows what was %d's in generation %d", c.Name, f.Name, want, got, from)
		}
		return true
	})
	return fields
}

func marked(fd protoreflect.FieldDescriptor, v protoreflect.Value) (n int64) {
	switch fd.Kind() {
	case protoreflect.StringKind:
		_, _ = fmt.Sscan(v.String(), &n)
	case protoreflect.Int64Kind:
		n = v.Int()
	case protoreflect.DoubleKind:
		n = int64(v.Float())
	case protoreflect.MessageKind:
		v.Message().Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			n = marked(fd, v)
			return true
		})
	default:
		panic(fd.Kind())
	}
	return n
}

// compare has each generation read what each wrote, itself too.
func (l *life) compare() {
	l.t.Helper()
	for i, writer := range l.generations {
		for key, b := range writer.messages() {
			for j, reader := range l.generations {
				n := reader.reads(l.t, i, key, b)
				if i == j && n == 0 {
					l.t.Errorf("generation %d does not read its own %s", i, key)
				}
			}
		}
	}
}

func typed(name string, t roundtrip.FieldType, was string) *roundtrip.Field {
	f := &roundtrip.Field{Name: name, Type: t, Was: was}
	if t == roundtrip.TypeSelect {
		f.Options = []string{"a"}
	}
	return f
}

func renamed(c *roundtrip.Collection, was string) *roundtrip.Collection {
	c.Was = was
	return c
}

func TestNumbers_NoFieldEverShowsAnothersValue(t *testing.T) {
	t.Parallel()
	l := &life{t: t, path: filepath.Join(t.TempDir(), "x.db"), clock: newClock()}
	users := func() *roundtrip.Collection { return collection("users", text("handle")) }
	photos := func(name string, fields ...*roundtrip.Field) (*roundtrip.Collection, *roundtrip.Collection) {
		u := users()
		return u, collection(name, append([]*roundtrip.Field{ref("author", u)}, fields...)...)
	}
	start := func(mayLose []string, u, p *roundtrip.Collection, more ...*roundtrip.Collection) *generation {
		t.Helper()
		return l.start(declare(append([]*roundtrip.Collection{u, p}, more...)...), mayLose...)
	}
	of := func(g *generation, collection, field string) int32 {
		c := g.schema.Lookup(collection)
		at, _ := c.Lookup(field)
		return c.Fields[at].Number
	}

	u, p := photos("photos", text("caption"), typed("likes", roundtrip.TypeInt, ""), typed("place", roundtrip.TypeURL, ""), file("image"))
	first := start(nil, u, p)
	u, p = photos("photos", typed("title", roundtrip.TypeText, "caption"), typed("likes", roundtrip.TypeInt, ""), typed("place", roundtrip.TypeURL, ""), file("image"))
	if g := start(nil, u, p); of(g, "photos", "title") != of(first, "photos", "caption") {
		t.Error("a field got another number with its name")
	}
	u, p = photos("photos", text("title"), text("caption"), typed("place", roundtrip.TypeText, ""), file("image")) // likes goes, the name caption lives again, place takes any text
	g := start([]string{"photos.likes"}, u, p)
	if of(g, "photos", "place") != of(first, "photos", "place") {
		t.Error("a field got another number with a type that the same bytes are good for")
	}
	u, p = photos("photos", typed("likes", roundtrip.TypeText, ""), text("title"), text("caption"), typed("place", roundtrip.TypeText, ""), typed("taken", roundtrip.TypeTime, "")) // restored, with another type
	g = start([]string{"photos.image"}, u, p)
	if of(g, "photos", "likes") == of(first, "photos", "likes") {
		t.Error("a number was used again")
	}
	u, p = photos("pictures", text("likes"), text("title"), typed("extra", roundtrip.TypeJSON, ""))
	start([]string{"pictures.place", "pictures.taken", "pictures.caption"}, u, renamed(p, "photos"))
	u, p = photos("pictures", text("likes"), text("title"), typed("extra", roundtrip.TypeJSON, ""))
	_, other := photos("photos", typed("width", roundtrip.TypeInt, ""), typed("height", roundtrip.TypeFloat, ""), typed("shot", roundtrip.TypeTime, "")) // another collection under the old name
	other.Fields[roundtrip.FirstField].To = u
	start(nil, u, p, other)
	u, p = photos("photo", typed("width", roundtrip.TypeInt, ""), typed("height", roundtrip.TypeFloat, ""), typed("shot", roundtrip.TypeTime, "")) // its message stays Photo
	g = start([]string{"pictures"}, u, renamed(p, "photos"))
	width := of(g, "photo", "width")
	u, p = photos("photos", text("a"), text("b"), text("c")) // dropped, and made anew
	start([]string{"photo"}, u, p)
	u, p = photos("albums", text("a"), text("b"), text("c"))
	_, notes := photos("notes", text("d"), typed("e", roundtrip.TypeInt, ""), file("f"))
	notes.Fields[roundtrip.FirstField].To = u
	start(nil, u, renamed(p, "photos"), notes)
	u, p = photos("photos", text("d"), typed("e", roundtrip.TypeInt, ""), file("f")) // notes takes a name that others had
	g = start([]string{"albums"}, u, renamed(p, "notes"))
	if n := of(g, "photos", "d"); n <= width {
		t.Errorf("photos.d is number %d, which another photo had", n)
	}
	u, p = photos("notes", text("d"), typed("e", roundtrip.TypeInt, ""), file("f"))
	g = start(nil, u, renamed(p, "photos")) // and gives it back
	if n := of(g, "notes", "d"); n != 17 {
		t.Errorf("notes.d is number %d, and was 17", n)
	}
	l.compare()
}

func TestNumbers_OldDatabasesHaveThoseOfTheirColumns(t *testing.T) {
	t.Parallel()
	path, c := filepath.Join(t.TempDir(), "x.db"), newClock()
	s := open(t, path, c)
	lose(t, s, declare(collection("gone", text("a"))))
	lose(t, s, declare(collection("notes", text("a"), text("b"), text("c")), collection("tags", text("x"))), "gone")
	lose(t, s, declare(collection("notes", text("b"), text("c")), collection("tags", text("x"))), "notes.a")
	if err := s.Exec(t.Context(), "DELETE FROM _numbers"); err != nil { // as if it had been made before there were any
		t.Fatal(err)
	}
	again := declare(collection("notes", text("b"), text("c"), text("d")), collection("tags", text("x")))
	for range 2 {
		p, err := s.Plan(t.Context(), again)
		if err != nil {
			t.Fatal(err)
		}
		notes := again.Lookup("notes")
		if notes.Number != 2 || notes.Fields[4].Number != 17 || notes.Fields[5].Number != 18 || notes.Fields[6].Number != 19 {
			t.Fatalf("numbers %d: %d %d %d", notes.Number, notes.Fields[4].Number, notes.Fields[5].Number, notes.Fields[6].Number)
		}
		if !slices.Equal(notes.Retired, []roundtrip.Retired{{Number: 16, Name: "a"}}) || !slices.Equal(again.Retired, []roundtrip.Retired{{Number: 1, Name: "gone"}}) {
			t.Fatalf("retired %v and %v", notes.Retired, again.Retired)
		}
		if err := s.Apply(t.Context(), again, p); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Number(t.Context(), "SELECT count(*) FROM _numbers WHERE message = 'Note'"); err != nil || n != 4 {
		t.Fatalf("%d numbers of notes are kept, %v", n, err)
	}
}

func TestNumbers_APreviewNeedsNoTableOfThem(t *testing.T) {
	t.Parallel()
	path, c := filepath.Join(t.TempDir(), "x.db"), newClock()
	s := open(t, path, c)
	lose(t, s, declare(collection("notes", text("a"))))
	if err := s.Exec(t.Context(), "DROP TABLE _numbers"); err != nil {
		t.Fatal(err)
	}
	schema := declare(collection("notes", text("a"), text("b")))
	if p, err := s.Preview(t.Context(), schema); err != nil || len(p.Steps) != 1 || schema.Lookup("notes").Fields[5].Number != 17 {
		t.Fatalf("%v %v", p, err)
	}
}
