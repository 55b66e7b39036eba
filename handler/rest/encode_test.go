package rest_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rest"
)

// rowOf is a row whose bytes lie ready, as the store's do.
type rowOf struct {
	*roundtrip.Record
	bytes [][]byte
}

func (r rowOf) Bytes(i int) []byte { return r.bytes[i] }

func fullRow(c *roundtrip.Collection) rowOf {
	r := roundtrip.NewRecord(c)
	at := roundtrip.Time(time.Date(2026, 11, 22, 19, 3, 31, 114000000, time.UTC))
	r.Put(roundtrip.FieldID, roundtrip.Ref(someID))
	r.Put(roundtrip.FieldCreateTime, at)
	r.Put(roundtrip.FieldUpdateTime, at)
	r.Put(roundtrip.FieldETag, roundtrip.Int(7))
	r.PutName("text", roundtrip.Text("the sea at \"six\"\nbefore the rain, and nobody there but two gulls — a good morning"))
	r.PutName("int", roundtrip.Int(math.MaxInt64))
	r.PutName("float", roundtrip.Float(0.1))
	r.PutName("bool", roundtrip.Bool(true))
	r.PutName("time", at)
	r.PutName("json", roundtrip.JSON(`{"a":1}`))
	r.PutName("ref", roundtrip.Ref(someID))
	r.PutName("file", roundtrip.JSON(`{"id":"x","name":"a.jpg","type":"image/jpeg","size":1}`))
	r.PutName("count", roundtrip.Int(3))
	row := rowOf{Record: r}
	for i := range c.Fields {
		row.bytes = append(row.bytes, []byte(r.Values[i].Text()))
	}
	return row
}

func TestEncode_WritesAllMembers(t *testing.T) {
	t.Parallel()
	c := things()
	got := string(rest.Encoder(c)(nil, fullRow(c), nil))
	want := `{"id":"` + someID.String() + `","create_time":"2026-11-22T19:03:31.114Z","update_time":"2026-11-22T19:03:31.114Z","etag":"7",` +
		`"text":"the sea at \"six\"\nbefore the rain, and nobody there but two gulls — a good morning","int":9223372036854775807,"float":0.1,"bool":true,` +
		`"time":"2026-11-22T19:03:31.114Z","json":{"a":1},"ref":"` + someID.String() + `","file":{"id":"x","name":"a.jpg","type":"image/jpeg","size":1},` +
		`"select":null,"email":null,"url":null,"count":3}`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	mask := make([]bool, len(c.Fields))
	mask[roundtrip.FieldID], mask[5] = true, true
	if got := string(rest.Encoder(c)(nil, fullRow(c), mask)); got != `{"id":"`+someID.String()+`","int":9223372036854775807}` {
		t.Error(got)
	}
	if got := string(rest.Encoder(c)(nil, fullRow(c), make([]bool, len(c.Fields)))); got != `{}` {
		t.Error(got)
	}
}

func TestEncode_AnyBytesBecomeGoodJSON(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a", "\x00\x1f\x7f", "\xff\xfe", "a\xc3", "\u2028", "\"\\\b\f\n\r\t", "\xed\xa0\x80", "é\xff漢", "😀"} {
		checkString(t, []byte(s))
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add([]byte("a\xff\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) { checkString(t, text) })
}

func checkString(t *testing.T, text []byte) {
	t.Helper()
	out := rest.AppendString(nil, text)
	var back string
	if err := json.Unmarshal(out, &back); err != nil || !utf8.Valid(out) {
		t.Fatalf("%q -> %q: %v", text, out, err)
	}
	if utf8.Valid(text) && back != string(text) {
		t.Fatalf("%q came back as %q", text, back)
	}
}

func BenchmarkEncode(b *testing.B) {
	c := things()
	encode, row := rest.Encoder(c), roundtrip.Row(fullRow(c))
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = encode(buf[:0], row, nil)
	}
	b.SetBytes(int64(len(buf)))
}

func TestEncode_AllocatesNothing(t *testing.T) {
	c := things()
	encode, row := rest.Encoder(c), roundtrip.Row(fullRow(c))
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf = encode(buf[:0], row, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
