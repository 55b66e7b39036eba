package wire_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// rowOf is a row whose bytes lie in memory already, as a cursor's do.
type rowOf struct {
	*roundtrip.Record
	bytes [][]byte
}

func newRow(r *roundtrip.Record) rowOf {
	row := rowOf{Record: r}
	for i := range r.Values {
		row.bytes = append(row.bytes, r.Bytes(i))
	}
	return row
}

func (r rowOf) Bytes(field int) []byte { return r.bytes[field] }

// gallery is a schema like that of the example, with a JSON field beside it.
func gallery(t testing.TB) world {
	t.Helper()
	users, photos := roundtrip.NewCollection("users", roundtrip.Pos{}), roundtrip.NewCollection("photos", roundtrip.Pos{})
	users.Number, photos.Number = 1, 2
	users.Add(&roundtrip.Field{Name: "handle", Type: roundtrip.TypeText, Number: 16, Required: true})
	users.Add(&roundtrip.Field{Name: "avatar", Type: roundtrip.TypeFile, Number: 17, MaxBytes: 1 << 20})
	photos.Add(&roundtrip.Field{Name: "author", Type: roundtrip.TypeRef, Number: 16, To: users, Default: roundtrip.Default{Source: roundtrip.DefaultAuthID}, Immutable: true})
	photos.Add(&roundtrip.Field{Name: "image", Type: roundtrip.TypeFile, Number: 17, Required: true, MaxBytes: 1 << 20})
	photos.Add(&roundtrip.Field{Name: "caption", Type: roundtrip.TypeText, Number: 18})
	photos.Add(&roundtrip.Field{Name: "private", Type: roundtrip.TypeBool, Number: 19, Default: roundtrip.Default{Source: roundtrip.DefaultConstant, Value: roundtrip.Bool(false)}})
	photos.Add(&roundtrip.Field{Name: "likes", Type: roundtrip.TypeCount, Number: 20, To: users})
	photos.Add(&roundtrip.Field{Name: "rank", Type: roundtrip.TypeInt, Number: 21})
	photos.Add(&roundtrip.Field{Name: "weight", Type: roundtrip.TypeFloat, Number: 22, Required: true})
	photos.Add(&roundtrip.Field{Name: "taken", Type: roundtrip.TypeTime, Number: 23, Required: true})
	photos.Add(&roundtrip.Field{Name: "place", Type: roundtrip.TypeJSON, Number: 24})
	photos.Add(&roundtrip.Field{Name: "editor", Type: roundtrip.TypeRef, Number: 25, To: users})
	photos.Add(&roundtrip.Field{Name: "title", Type: roundtrip.TypeText, Number: 26, Required: true})
	return newWorld(t, roundtrip.NewSchema("gallery", users, photos))
}

// photo is a record of the usual kind; place is its JSON, "" for none.
func photo(w world, place string) *roundtrip.Record {
	r := roundtrip.NewRecord(w.schema.Lookup("photos"))
	for name, v := range map[string]roundtrip.Value{
		"id": roundtrip.Ref(123456789012345), "create_time": roundtrip.Micros(1764360000123000), "update_time": roundtrip.Micros(1764360000456000), "etag": roundtrip.Int(7),
		"author":  roundtrip.Ref(99887766554433),
		"image":   roundtrip.JSON(`{"id":"4f0c29b1a6d7e8f90123456789abcdef","name":"IMG_0042.jpg","type":"image/jpeg","size":2483921,"width":4032,"height":3024}`),
		"caption": roundtrip.Text("Evening at the lake, with everybody who was there and a dog that nobody knew — a good day"),
		"private": roundtrip.Bool(false), "likes": roundtrip.Int(1204), "rank": roundtrip.Int(3), "weight": roundtrip.Float(0.75), "taken": roundtrip.Micros(1764350000000000), "title": roundtrip.Text("Lake"),
	} {
		r.PutName(name, v)
	}
	if place != "" {
		r.PutName("place", roundtrip.JSON(place))
	}
	return r
}

const lake = `{"name":"Starnberg","at":{"lon":11.34,"lat":47.99},"tags":["lake","evening",{"z":null,"a":true}]}`

func TestAppendRecord_AllocatesNothing(t *testing.T) {
	w := gallery(t)
	p, row := w.plans.Of(w.schema.Lookup("photos")), roundtrip.Row(newRow(photo(w, lake)))
	b := make([]byte, 0, 4096)
	for name, f := range map[string]wire.Format{"proto": wire.Proto, "JSON": wire.JSON} {
		if n := testing.AllocsPerRun(200, func() { b = p.AppendRecord(b[:0], f, row, nil) }); n != 0 {
			t.Errorf("%s: %v allocations for one record, want none", name, n)
		}
	}
}

func benchmarkAppend(b *testing.B, f wire.Format, place string) {
	b.Helper()
	w := gallery(b)
	p, row := w.plans.Of(w.schema.Lookup("photos")), roundtrip.Row(newRow(photo(w, place)))
	out := p.AppendRecord(nil, f, row, nil)
	b.SetBytes(int64(len(out)))
	b.ReportAllocs()
	for b.Loop() {
		out = p.AppendRecord(out[:0], f, row, nil)
	}
}

func BenchmarkPlan_AppendRecord_Proto(b *testing.B)          { benchmarkAppend(b, wire.Proto, "") }
func BenchmarkPlan_AppendRecord_JSON(b *testing.B)           { benchmarkAppend(b, wire.JSON, "") }
func BenchmarkPlan_AppendRecord_ProtoWithValue(b *testing.B) { benchmarkAppend(b, wire.Proto, lake) }
func BenchmarkPlan_AppendRecord_JSONWithValue(b *testing.B)  { benchmarkAppend(b, wire.JSON, lake) }

// The same row as REST and webhooks write it.
func BenchmarkPlan_AppendRecord_REST(b *testing.B) {
	w := gallery(b)
	row, c := roundtrip.Row(newRow(photo(w, ""))), w.schema.Lookup("photos")
	out := roundtrip.AppendRecord(nil, c, row)
	b.SetBytes(int64(len(out)))
	b.ReportAllocs()
	for b.Loop() {
		out = roundtrip.AppendRecord(out[:0], c, row)
	}
}

// What a server that goes through descriptors does for the same record: fill a message, marshal it.
func BenchmarkPlan_AppendRecord_Dynamic(b *testing.B) {
	w := gallery(b)
	record := photo(w, "")
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if out, err = (proto.MarshalOptions{Deterministic: true}).MarshalAppend(out[:0], w.message(b, record, nil)); err != nil {
			b.Fatal(err)
		}
	}
}

// The same without filling it.
func BenchmarkPlan_AppendRecord_DynamicMarshalAlone(b *testing.B) {
	w := gallery(b)
	m := w.message(b, photo(w, ""), nil)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if out, err = (proto.MarshalOptions{Deterministic: true}).MarshalAppend(out[:0], m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnmarshal_Dynamic(b *testing.B) {
	w := gallery(b)
	in := marshal(b, w.message(b, photo(w, ""), nil))
	md := w.api.Message(protobuf.MessageName(w.schema, w.schema.Lookup("photos")))
	b.ReportAllocs()
	for b.Loop() {
		if err := proto.Unmarshal(in, dynamicpb.NewMessage(md)); err != nil {
			b.Fatal(err)
		}
	}
}
