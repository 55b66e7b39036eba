package wire_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/schema/protobuf"
)

// world is a schema with everything that is made of it.
type world struct {
	schema *roundtrip.Schema
	api    *protobuf.API
	plans  *wire.Plans
}

func newWorld(t testing.TB, s *roundtrip.Schema) world {
	t.Helper()
	api, err := protobuf.Build(s, protobuf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plans, err := wire.NewPlans(s)
	if err != nil {
		t.Fatal(err)
	}
	return world{s, api, plans}
}

// randomSchema makes collections with fields of all types, in random order and with numbers that have gaps.
func randomSchema(r *rand.Rand) *roundtrip.Schema {
	names := []string{"photos", "users", "likes", "boxes"}[:1+r.IntN(4)]
	var list []*roundtrip.Collection
	for i, name := range names {
		c := roundtrip.NewCollection(name, roundtrip.Pos{})
		c.Number = int32(1 + i*3)
		list = append(list, c)
	}
	for _, c := range list {
		number := int32(16)
		for i := range r.IntN(20) {
			number += int32(1 + r.IntN(3)*r.IntN(200))
			f := &roundtrip.Field{Name: fmt.Sprintf("f%d", i), Number: number, Type: roundtrip.FieldType(1 + r.IntN(12)), Required: r.IntN(3) == 0}
			switch f.Type {
			case roundtrip.TypeRef, roundtrip.TypeCount:
				f.To = list[r.IntN(len(list))]
			case roundtrip.TypeSelect:
				f.Options = []string{"", "on", "off"}
			case roundtrip.TypeBool:
				if r.IntN(2) == 0 {
					f.Default = roundtrip.Default{Source: roundtrip.DefaultConstant, Value: roundtrip.Bool(true)}
				}
			default:
			}
			c.Add(f)
		}
		r.Shuffle(len(c.Fields)-roundtrip.FirstField, func(i, j int) { // declared in another order than numbered
			a, b := c.Fields[roundtrip.FirstField+i], c.Fields[roundtrip.FirstField+j]
			a.Number, b.Number = b.Number, a.Number
		})
	}
	return roundtrip.NewSchema("world", list...)
}

// randomRecord makes a record with values of all kinds, extremes among them.
func randomRecord(r *rand.Rand, c *roundtrip.Collection) *roundtrip.Record {
	record := roundtrip.NewRecord(c)
	for i, f := range c.Fields {
		if f.Optional() && r.IntN(4) == 0 {
			continue
		}
		record.Put(i, randomValue(r, f))
	}
	record.Put(roundtrip.FieldETag, roundtrip.Int(1+r.Int64N(1000)))
	return record
}

func randomValue(r *rand.Rand, f *roundtrip.Field) roundtrip.Value {
	switch f.Type.Value() {
	case roundtrip.BoolValue:
		return roundtrip.Bool(r.IntN(2) == 0)
	case roundtrip.IntValue:
		return roundtrip.Int(pick(r, 0, 1, -1, math.MaxInt64, math.MinInt64, 127, 128, r.Int64()))
	case roundtrip.FloatValue:
		return roundtrip.Float(pick(r, 0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, 1e21, 1e-7, r.NormFloat64()))
	case roundtrip.TimeValue:
		return roundtrip.Micros(pick(r, 0, -1, 1, 999_999, 1_000_000, -62135596800_000_000, 253402300799_999_999, r.Int64N(4_000_000_000_000_000)))
	case roundtrip.IDValue:
		return roundtrip.Ref(roundtrip.ID(1 + r.Int64N(math.MaxInt64-1)))
	case roundtrip.JSONValue:
		if f.Type == roundtrip.TypeFile {
			return roundtrip.JSON(randomFile(r))
		}
		return roundtrip.JSON(randomJSON(r, 0))
	default:
		return roundtrip.Text(randomText(r))
	}
}

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

func randomText(r *rand.Rand) string {
	parts := []string{"", "a", "\x01", "\"\\/", "ü", "日本", "😀", "<&>\u2028", "\n\r\t\b\f", strings.Repeat("long ", r.IntN(60)), "\u007f", "\ufffd"}
	var b strings.Builder
	for range r.IntN(4) {
		b.WriteString(pick(r, parts...))
	}
	return b.String()
}

func randomFile(r *rand.Rand) string {
	f := roundtrip.File{ID: randomText(r), Name: randomText(r), Type: "image/png", Size: r.Int64N(1 << 40)}
	if r.IntN(2) == 0 {
		f.Width, f.Height = r.IntN(5000), r.IntN(5000)
	}
	b, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// randomJSON makes a JSON value as the store keeps it: without spaces. Some of its texts have escapes that they don't need.
func randomJSON(r *rand.Rand, depth int) string {
	if depth > 8 {
		return "0"
	}
	switch r.IntN(9) {
	case 0:
		return "null"
	case 1:
		return "true"
	case 2:
		return pick(r, "0", "-0", "1e300", "-1.5e-10", "9007199254740993", "123456789012345678901234567890123456789012345678901234567890", "0.1")
	case 3, 4:
		return quoteJSON(r, randomText(r))
	case 5, 6:
		items := make([]string, r.IntN(5))
		for i := range items {
			items[i] = randomJSON(r, depth+1)
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	var members []string
	seen := map[string]bool{}
	for range r.IntN(6) {
		name := randomText(r)
		if seen[name] {
			continue
		}
		seen[name] = true
		members = append(members, quoteJSON(r, name)+":"+randomJSON(r, depth+1))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func quoteJSON(r *rand.Rand, s string) string {
	if r.IntN(3) == 0 { // every character as an escape
		var b strings.Builder
		b.WriteByte('"')
		for _, c := range s {
			if c > 0xffff {
				c -= 0x10000
				fmt.Fprintf(&b, `\u%04x\u%04X`, 0xd800+c>>10, 0xdc00+c&0x3ff)
				continue
			}
			fmt.Fprintf(&b, `\u%04x`, c)
		}
		b.WriteByte('"')
		return b.String()
	}
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
