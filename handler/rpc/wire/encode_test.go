package wire_test

import (
	"math/rand/v2"
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/internal/walk"
)

// The encoders know nothing of descriptors; what they write must be what the standard library of protobuf writes from them.
func TestAppendRecord_IsWhatProtobufMakesOfIt(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 2026))
	records := 0
	for records < walk.Steps(10_000) {
		w := newWorld(t, randomSchema(r))
		for range 100 {
			c := w.schema.Collections[r.IntN(len(w.schema.Collections))]
			record := randomRecord(r, c)
			var mask []bool
			if r.IntN(3) == 0 {
				mask = make([]bool, len(c.Fields))
				for i := range mask {
					mask[i] = r.IntN(2) == 0
				}
			}
			p := w.plans.Of(c)
			prefix := []byte("what stands before")
			inProto := p.AppendRecord(prefix, wire.Proto, record, mask)[len(prefix):]
			sameAs(t, w.message(t, record, mask), inProto, p.AppendRecord(nil, wire.JSON, record, mask))
			records++
		}
	}
}

// Zero is told from nothing where the field may be nothing, and there alone.
func TestAppendRecord_WritesZerosThatMeanSomething(t *testing.T) {
	t.Parallel()
	c := roundtrip.NewCollection("things", roundtrip.Pos{})
	c.Number = 1
	c.Add(&roundtrip.Field{Name: "free", Type: roundtrip.TypeInt, Number: 16})
	c.Add(&roundtrip.Field{Name: "must", Type: roundtrip.TypeInt, Number: 17, Required: true})
	c.Add(&roundtrip.Field{Name: "preset", Type: roundtrip.TypeBool, Number: 18, Required: true, Default: roundtrip.Default{Source: roundtrip.DefaultConstant, Value: roundtrip.Bool(true)}})
	c.Add(&roundtrip.Field{Name: "title", Type: roundtrip.TypeText, Number: 19})
	w := newWorld(t, roundtrip.NewSchema("s", c))
	record := roundtrip.NewRecord(c)
	mask := []bool{false, false, false, false, true, true, true, true}
	for i, v := range map[int]roundtrip.Value{4: roundtrip.Int(0), 5: roundtrip.Int(0), 6: roundtrip.Bool(false), 7: roundtrip.Text("")} {
		record.Put(i, v)
	}
	have := string(w.plans.Of(c).AppendRecord(nil, wire.Proto, record, mask))
	if want := "\x80\x01\x00\x90\x01\x00\x9a\x01\x00"; have != want {
		t.Errorf("proto: have %x, want %x", have, want)
	}
	have = string(w.plans.Of(c).AppendRecord(nil, wire.JSON, record, mask))
	if want := `{"free":"0","must":"0","preset":false,"title":""}`; have != want {
		t.Errorf("JSON: have %s, want %s", have, want)
	}
}

// What lies in a database may be broken; what leaves is not.
func TestAppendRecord_MendsWhatIsBroken(t *testing.T) {
	t.Parallel()
	c := roundtrip.NewCollection("things", roundtrip.Pos{})
	c.Number = 1
	c.Add(&roundtrip.Field{Name: "title", Type: roundtrip.TypeText, Number: 16})
	c.Add(&roundtrip.Field{Name: "extra", Type: roundtrip.TypeJSON, Number: 17})
	c.Add(&roundtrip.Field{Name: "image", Type: roundtrip.TypeFile, Number: 18})
	w := newWorld(t, roundtrip.NewSchema("s", c))
	for _, broken := range []string{"", "{", `{"a"`, `{"a":`, `{"a":}`, "[1,", "[", `"`, `"\`, "tru", "{\"a\":1}}", "1e999", "-", "{,}", `{"id":"x","size":`, "\xff", "[\"\xff\"]", "\"\\\x94\"", "\"\\\u00fc\"", `{"\ud800":1}`} {
		record := roundtrip.NewRecord(c)
		record.Put(4, roundtrip.Text("a\xff\xfeb"))
		record.Put(5, roundtrip.JSON(broken))
		record.Put(6, roundtrip.JSON(broken))
		mask := []bool{4: true, 5: true, 6: true}
		b := w.plans.Of(c).AppendRecord(nil, wire.Proto, record, mask)
		if err := w.unmarshal(c, b); err != nil {
			t.Errorf("%q: %v\n%x", broken, err, b)
		}
	}
}
