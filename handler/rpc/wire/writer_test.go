package wire_test

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
)

// all is a message with a field of each kind that a Writer writes and a Table reads.
func all(t testing.TB) protoreflect.MessageDescriptor {
	t.Helper()
	var file descriptorpb.FileDescriptorProto
	const text = `name: "all.proto" syntax: "proto3" dependency: "google/protobuf/struct.proto" dependency: "google/protobuf/timestamp.proto" message_type {
 name: "All"
 field { name: "s" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL json_name: "s" }
 field { name: "i" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL json_name: "i" }
 field { name: "l" number: 3 type: TYPE_INT64 label: LABEL_OPTIONAL json_name: "l" }
 field { name: "b" number: 4 type: TYPE_BOOL label: LABEL_OPTIONAL json_name: "b" }
 field { name: "d" number: 5 type: TYPE_DOUBLE label: LABEL_OPTIONAL json_name: "d" }
 field { name: "at" number: 6 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL json_name: "at" }
 field { name: "v" number: 7 type: TYPE_MESSAGE type_name: ".google.protobuf.Value" label: LABEL_OPTIONAL json_name: "v" }
 field { name: "ss" number: 8 type: TYPE_STRING label: LABEL_REPEATED json_name: "ss" }
 field { name: "m" number: 9 type: TYPE_MESSAGE type_name: ".All" label: LABEL_OPTIONAL json_name: "m" }
 field { name: "ms" number: 10 type: TYPE_MESSAGE type_name: ".All" label: LABEL_REPEATED json_name: "ms" }
 field { name: "flags" number: 11 type: TYPE_MESSAGE type_name: ".All.FlagsEntry" label: LABEL_REPEATED json_name: "flags" }
 field { name: "names" number: 12 type: TYPE_MESSAGE type_name: ".All.NamesEntry" label: LABEL_REPEATED json_name: "names" }
 field { name: "by" number: 1000 type: TYPE_MESSAGE type_name: ".All.ByEntry" label: LABEL_REPEATED json_name: "by" }
 field { name: "x" number: 1001 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 json_name: "x" }
 field { name: "y" number: 1002 type: TYPE_INT64 label: LABEL_OPTIONAL oneof_index: 0 json_name: "y" }
 field { name: "raw" number: 1003 type: TYPE_BYTES label: LABEL_OPTIONAL json_name: "raw" }
 oneof_decl { name: "one" }
 nested_type { name: "FlagsEntry" options { map_entry: true } field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL json_name: "key" } field { name: "value" number: 2 type: TYPE_BOOL label: LABEL_OPTIONAL json_name: "value" } }
 nested_type { name: "NamesEntry" options { map_entry: true } field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL json_name: "key" } field { name: "value" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL json_name: "value" } }
 nested_type { name: "ByEntry" options { map_entry: true } field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL json_name: "key" } field { name: "value" number: 2 type: TYPE_MESSAGE type_name: ".All" label: LABEL_OPTIONAL json_name: "value" } }
}`
	if err := prototext.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	d, err := protodesc.NewFile(&file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return d.Messages().ByName("All")
}

func TestWriter_WritesWhatProtobufWrites(t *testing.T) {
	t.Parallel()
	md, world := all(t), gallery(t)
	long := strings.Repeat("é", 200)
	for name, c := range map[string]struct {
		write func(w *wire.Writer)
		json  string
	}{
		"nothing": {func(*wire.Writer) {}, `{}`},
		"zeros": {func(w *wire.Writer) {
			w.String(1, "s", "")
			w.Int32(2, "i", 0)
			w.Int64(3, "l", 0)
			w.Bool(4, "b", false)
			w.Double(5, "d", 0)
			w.Strings(8, "ss", nil)
		}, `{}`},
		"kept zero": {func(w *wire.Writer) { w.Keep().Int64(1002, "y", 0) }, `{"y":"0"}`},
		"scalars": {func(w *wire.Writer) {
			w.String(1, "s", long+"\"\u0001")
			w.Int32(2, "i", -5)
			w.Int64(3, "l", math.MinInt64)
			w.Bool(4, "b", true)
			w.Double(5, "d", math.Copysign(0, -1))
			w.Time(6, "at", -1)
			w.Value(7, "v", world.plans, []byte(`{"b":[1,null],"a":"x"}`))
			w.Strings(8, "ss", []string{"", "b"})
		}, `{"s":"` + long + `\"\u0001","i":-5,"l":"-9223372036854775808","b":true,"d":-0.0,"at":"1969-12-31T23:59:59.999999Z","v":{"a":"x","b":[1,null]},"ss":["","b"]}`},
		"messages": {func(w *wire.Writer) {
			w.Message(9, "m")
			w.Message(9, "m")
			w.String(1, "s", long)
			w.End()
			w.Bool(1004, "", false)
			w.End()
			w.List(10, "ms")
			w.Item()
			w.End()
			w.Item()
			w.Int32(2, "i", 1)
			w.List(10, "ms")
			w.EndList()
			w.End()
			w.EndList()
			w.Map(11, "flags")
			w.BoolEntry("", false)
			w.BoolEntry("z", true)
			w.EndMap()
			w.Map(12, "names")
			w.StringEntry("k", "")
			w.EndMap()
			w.Map(1000, "by")
			w.Entry("a")
			w.Int32(2, "i", 3)
			w.End()
			w.Entry(long)
			w.End()
			w.EndMap()
			w.String(1001, "x", "x")
		}, `{"m":{"m":{"s":"` + long + `"}},"ms":[{},{"i":1}],"flags":{"":false,"z":true},"names":{"k":""},"by":{"a":{"i":3},"` + long + `":{}},"x":"x"}`},
	} {
		want := dynamicpb.NewMessage(md)
		if err := protojson.Unmarshal([]byte(c.json), want); err != nil {
			t.Fatal(name, err)
		}
		bodies := map[wire.Format][]byte{}
		for _, f := range []wire.Format{wire.Proto, wire.JSON} {
			var w wire.Writer
			w.Start(nil, f)
			c.write(&w)
			bodies[f] = w.Bytes()
		}
		t.Run(name, func(t *testing.T) { sameAs(t, want, bodies[wire.Proto], bodies[wire.JSON]) })
	}
}

// read is what a Table took of All.
type taken struct {
	s, x  string
	i     int32
	l, y  int64
	b     bool
	d     float64
	v     wire.Value
	ss    []string
	m     *taken
	ms    []*taken
	flags map[string]bool
	by    map[string]*taken
	one   int32
	raw   []byte
}

func (k *taken) table() wire.Table {
	return wire.Table{
		{Number: 1, Name: "s", To: &k.s},
		{Number: 2, Name: "i", To: &k.i},
		{Number: 3, Name: "l", To: &k.l},
		{Number: 4, Name: "b", To: &k.b},
		{Number: 5, Name: "d", To: &k.d},
		{Number: 7, Name: "v", To: &k.v},
		{Number: 8, Name: "ss", To: &k.ss},
		{Number: 9, Name: "m", To: func() wire.Table {
			if k.m == nil {
				k.m = &taken{}
			}
			return k.m.table()
		}},
		{Number: 10, Name: "ms", To: wire.Repeated(func() wire.Table {
			k.ms = append(k.ms, &taken{})
			return k.ms[len(k.ms)-1].table()
		})},
		{Number: 11, Name: "flags", To: &k.flags},
		{Number: 1000, Name: "by", To: func(key string) wire.Table {
			if k.by == nil {
				k.by = map[string]*taken{}
			}
			k.by[key] = &taken{}
			return k.by[key].table()
		}},
		{Number: 1001, Name: "x", To: &k.x, Case: &k.one},
		{Number: 1002, Name: "y", To: &k.y, Case: &k.one},
		{Number: 1003, Name: "raw", To: &k.raw},
	}
}

// message writes what was taken again.
func (k *taken) write(w *wire.Writer, p *wire.Plans) {
	w.String(1, "s", k.s)
	w.Int32(2, "i", k.i)
	w.Int64(3, "l", k.l)
	w.Bool(4, "b", k.b)
	w.Double(5, "d", k.d)
	if k.v != nil {
		w.Value(7, "v", p, k.v)
	}
	w.Strings(8, "ss", k.ss)
	if k.m != nil {
		w.Message(9, "m")
		k.m.write(w, p)
		w.End()
	}
	w.List(10, "ms")
	for _, m := range k.ms {
		w.Item()
		m.write(w, p)
		w.End()
	}
	w.EndList()
}

// What a Table reads and a Writer writes is what came, in each format and from one to the other.
func TestRead_TakesAllKinds(t *testing.T) {
	t.Parallel()
	md, world := all(t), gallery(t)
	const text = `{"s":"é","i":-5,"l":"-9223372036854775808","b":true,"d":"-Infinity","v":{"a":[1,{"b":null}]},"ss":["","b"],"m":{"m":{"s":"deep"},"ms":[{"l":3}]},"ms":[{},{"i":1.0},{"v":null}],"flags":{"z":true,"y":false},"by":{"k":{"s":"kk"}},"y":"0","raw":"_-8"}`
	want := dynamicpb.NewMessage(md)
	if err := protojson.Unmarshal([]byte(text), want); err != nil {
		t.Fatal(err)
	}
	for f, body := range map[wire.Format][]byte{wire.Proto: marshal(t, want), wire.JSON: []byte(text)} {
		var k taken
		if err := wire.Read(f, body, k.table()); err != nil {
			t.Fatal(err)
		}
		if k.one != 1002 || !k.flags["z"] || k.flags["y"] || len(k.flags) != 2 || k.by["k"].s != "kk" || string(k.raw) != "\xff\xef" {
			t.Errorf("format %d: %+v", f, k)
		}
		for _, to := range []wire.Format{wire.Proto, wire.JSON} {
			var w wire.Writer
			w.Start(nil, to)
			k.write(&w, world.plans)
			again := taken{}
			if err := wire.Read(to, w.Bytes(), again.table()); err != nil {
				t.Fatal(err)
			}
			if again.s != k.s || again.d != k.d || string(again.v) != string(k.v) || len(again.ms) != 3 || again.m.m.s != "deep" || string(again.ms[2].v) != "null" {
				t.Errorf("format %d to %d: %+v", f, to, again)
			}
		}
	}
}

func TestRead_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"si":1}`:                  `request.invalid /si unknown_field`,
		`{"s":1,"b":"true"}`:        `request.invalid /s wrong_type /b wrong_type`,
		`{"i":"2147483648"}`:        `request.invalid /i out_of_range`,
		`{"l":9223372036854775808}`: `request.invalid /l out_of_range`,
		`{"l":1.5}`:                 `request.invalid /l wrong_type`,
		`{"l":"x"}`:                 `request.invalid /l wrong_type`,
		`{"l":" 1"}`:                `request.invalid /l wrong_type`,
		`{"d":"x"}`:                 `request.invalid /d wrong_type`,
		`{"m":{"m":{"s":[]}}}`:      `request.invalid /m/m/s wrong_type`,
		`{"m":3}`:                   `request.invalid /m wrong_type`,
		`{"ms":{}}`:                 `request.invalid /ms wrong_type`,
		`{"ms":[null]}`:             `request.invalid /ms wrong_type`,
		`{"ss":[1]}`:                `request.invalid /ss wrong_type`,
		`{"flags":{"a":1}}`:         `request.invalid /flags wrong_type`,
		`{"flags":[]}`:              `request.invalid /flags wrong_type`,
		`{"by":{"a/b":{"s":1}}}`:    `request.invalid /by/a~1b/s wrong_type`,
		`{"x":"a","y":1}`:           `request.invalid /y repeated`,
		`{"raw":"*"}`:               `request.invalid /raw wrong_type`,
		`{"v":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`: `request.invalid /v too_deep`,
		`{`:                 `request.json  syntax`,
		`[]`:                `request.json  wrong_type`,
		`{} {}`:             `request.json  trailing`,
		`{"s":"a","s":"b"}`: `request.json /s duplicate_name`,
		"{\"s\":\"\xff\"}":  `request.json /s bad_utf8`,
	} {
		var k taken
		if err := wire.Read(wire.JSON, []byte(text), k.table()); err == nil || fails(err) != want {
			t.Errorf("%s:\n have %v\n want %s", text, err, want)
		}
	}
	for _, good := range []string{``, `{}`, `{"s":null,"i":null,"b":null,"m":null,"ms":null,"flags":null,"by":null,"ss":null}`, `{"l":1e3}`, `{"l":"1e3"}`, `{"d":"1.5"}`, `{"raw":"AAE="}`} {
		var k taken
		if err := wire.Read(wire.JSON, []byte(good), k.table()); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func TestTranscode_TakesWhatRESTWrites(t *testing.T) {
	t.Parallel()
	w := gallery(t)
	record := photo(w, `{"deep":[null,{"n":null}],"big":1}`)
	want := w.message(t, record, nil)
	rest := roundtrip.AppendRecord(nil, record.Collection, record)
	inProto, err := wire.Transcode(nil, w.api.Message("Photo"), rest, wire.Proto)
	if err != nil {
		t.Fatal(err)
	}
	inJSON, err := wire.Transcode([]byte("before"), w.api.Message("Photo"), rest, wire.JSON)
	if err != nil {
		t.Fatal(err)
	}
	sameAs(t, want, inProto, []byte(strings.TrimPrefix(string(inJSON), "before")))
	own := w.plans.Of(record.Collection).AppendRecord(nil, wire.Proto, record, nil)
	if string(own) != string(inProto) {
		t.Errorf("the encoder and what it transcodes to differ:\n %x\n %x", own, inProto)
	}
	if _, err := wire.Transcode(nil, w.api.Message("Photo"), []byte(`{"captoin":"x"}`), wire.Proto); roundtrip.AsError(err).Kind != roundtrip.Internal || err == nil {
		t.Errorf("a member that the message does not have: %v", err)
	}
	empty, err := wire.Transcode(nil, w.api.Message("Photo"), []byte(`{"place":null,"caption":null}`), wire.Proto)
	if err != nil || len(empty) != 0 {
		t.Errorf("null is something: %x %v", empty, err)
	}
}
