package wire_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
)

func stringValue(s string) protoreflect.Value { return protoreflect.ValueOfString(s) }

func validJSON(text string) bool { return jsontext.Value(text).IsValid() }

// part is a field of bytes.
func part(number int32, content ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, protowire.Number(number), protowire.BytesType), bytes.Join(content, nil))
}

func times(n int, b []byte) []byte { return bytes.Repeat(b, n) }

// valueIn nests lists in each other, from the inside.
func valueIn(depth int) []byte {
	v := []byte{1 << 3, 0}
	for range depth {
		v = part(6, part(1, v))
	}
	return v
}

// inJSON stands for an Update in JSON.
const inJSON roundtrip.Action = 255

// A message is refused, or read, at a cost that its length bounds.
func TestRead_AHostileMessageCostsLittle(t *testing.T) {
	w := gallery(t)
	const mb = 1 << 20
	photo, place, rank, taken, image := int32(1), int32(24), int32(21), int32(23), int32(17)
	id := part(1, []byte(idA))
	for name, c := range map[string]struct {
		action roundtrip.Action
		body   []byte
		want   string // how it is refused; "" for not at all
	}{
		"a length beyond the end":     {roundtrip.Create, []byte{photo8(1), 0xff, 0xff, 0xff, 0xff, 0x7f}, "request.protobuf"},
		"a length of 64 bits":         {roundtrip.Create, append([]byte{photo8(1)}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), "request.protobuf"},
		"a tag without end":           {roundtrip.Create, times(mb, []byte{0xff}), "request.protobuf"},
		"a field number over all":     {roundtrip.Create, protowire.AppendVarint(nil, 1<<32), "request.protobuf"},
		"field number 0":              {roundtrip.Create, []byte{0, 0}, "request.protobuf"},
		"a group without end":         {roundtrip.Create, []byte{15<<3 | 3}, "request.protobuf"},
		"an end without a group":      {roundtrip.Create, []byte{15<<3 | 4}, "request.protobuf"},
		"groups in groups":            {roundtrip.Create, times(mb, []byte{15<<3 | 3}), "request.protobuf"},
		"groups in groups, closed":    {roundtrip.Create, append(times(9000, []byte{15<<3 | 3}), times(9000, []byte{15<<3 | 4})...), ""},
		"unknown fields":              {roundtrip.Create, times(mb/2, []byte{15 << 3, 0}), ""},
		"empty parts of the record":   {roundtrip.Create, times(mb/2, part(photo)), ""},
		"one field again and again":   {roundtrip.Create, part(photo, times(mb/4, protowire.AppendVarint(protowire.AppendTag(nil, protowire.Number(rank), protowire.VarintType), 1))), ""},
		"a time in parts":             {roundtrip.Create, part(photo, times(mb/8, part(taken, []byte{1 << 3, 1}))), ""},
		"a value in parts":            {roundtrip.Create, part(photo, times(mb/8, part(place, part(6, part(1, []byte{1 << 3, 0}))))), ""},
		"a value in other parts":      {roundtrip.Create, part(photo, times(mb/8, part(place, []byte{4 << 3, 1}))), ""},
		"a list of nothing":           {roundtrip.Create, part(photo, part(place, part(6, times(mb/2, part(1))))), ""},
		"an object of nothing":        {roundtrip.Create, part(photo, part(place, part(5, times(mb/2, part(1))))), ""},
		"an object in parts":          {roundtrip.Create, part(photo, part(place, times(mb/8, part(5, part(1, part(1, []byte("a"))))))), ""},
		"lists in lists":              {roundtrip.Create, part(photo, part(place, valueIn(5000))), "WRONG /place too_deep"},
		"a file in parts":             {roundtrip.Create, part(photo, times(mb/8, part(image, part(7, []byte("x"))))), ""},
		"a million paths":             {roundtrip.Update, append(part(photo, id), part(2, times(mb/3, part(1, []byte("x"))))...), "WRONG /x unknown_field"},
		"a million empty paths":       {roundtrip.Update, append(part(photo, id), part(2, times(mb/2, part(1)))...), "WRONG / unknown_field"},
		"one long path":               {roundtrip.Update, append(part(photo, id), part(2, part(1, times(mb, []byte("xY."))))...), "unknown_field"},
		"the same path":               {roundtrip.Update, append(part(photo, id), part(2, times(mb/8, part(1, []byte("title"))))...), ""},
		"additions":                   {roundtrip.Update, append(part(photo, id), times(mb/2, part(3))...), "WRONG /add required"},
		"ops":                         {roundtrip.Batch, times(mb/2, part(1)), "request.invalid /ops too_many"},
		"one op, chosen again":        {roundtrip.Batch, part(1, times(mb/4, append(part(8), part(10)...))), "request.invalid /ops/0 repeated"},
		"a read over its limit":       {roundtrip.List, times(mb/4, part(5, []byte("ab"))), "request.invalid"},
		"a wrong wire type":           {roundtrip.Create, []byte{1 << 3, 1}, "request.protobuf"},
		"a text that is no UTF-8":     {roundtrip.Create, part(2, []byte("\xff")), "request.protobuf"},
		"a value that is no message":  {roundtrip.Create, part(photo, part(place, []byte{0xff})), "WRONG /place syntax"},
		"a value that is no number":   {roundtrip.Create, part(photo, part(place, []byte{2<<3 | 1, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f})), "WRONG /place wrong_value"},
		"a time that is no message":   {roundtrip.Create, part(photo, part(taken, []byte{0xff})), "request.protobuf"},
		"a time out of all time":      {roundtrip.Create, part(photo, part(taken, protowire.AppendVarint([]byte{1 << 3}, 1<<62))), "WRONG /taken out_of_range"},
		"a time of too many nanos":    {roundtrip.Create, part(photo, part(taken, protowire.AppendVarint([]byte{2 << 3}, 1_000_000_000))), "WRONG /taken out_of_range"},
		"JSON: a million paths":       {inJSON, []byte(`{"photo":{"id":"` + idA + `"},"update_mask":"` + strings.Repeat("x,", mb/2) + `"}`), "WRONG /x unknown_field"},
		"JSON: arrays":                {inJSON, []byte(`{"photo":{"id":"` + idA + `","place":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}}`), "WRONG /place too_deep"},
		"JSON: arrays nobody asked":   {inJSON, []byte(`{"x":` + strings.Repeat("[", mb) + `}`), "too_deep"},
		"JSON: unknown members":       {inJSON, []byte(`{"photo":{"id":"` + idA + `"` + members(mb/12) + `}}`), "WRONG /u0 unknown_field"},
		"JSON: unknown members above": {inJSON, []byte(`{"photo":{"id":"` + idA + `"}` + members(mb/12) + `}`), "WRONG /u0 unknown_field"},
	} {
		t.Run(name, func(t *testing.T) {
			format, action := wire.Proto, c.action
			if action == inJSON {
				format, action = wire.JSON, roundtrip.Update
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			call, err := w.read(format, action, c.body)
			runtime.ReadMemStats(&after)
			if cost, limit := after.TotalAlloc-before.TotalAlloc, uint64(64*mb); cost > limit {
				t.Errorf("%d bytes were allocated for %d, over the limit of %d", cost, len(c.body), limit)
			}
			have := show(call)
			if err != nil {
				have = fails(err)
			} else if len(call.Wrong) > 0 {
				have = have[strings.Index(have, "WRONG"):]
			} else {
				have = ""
			}
			if c.want == "" && have != "" || !strings.Contains(have, c.want) {
				t.Errorf("have %.300s\nwant %s", have, c.want)
			}
		})
	}
}

// photo8 is the tag of a record's field in a request.
func photo8(number byte) byte { return number<<3 | 2 }

func members(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"u%d":0`, i)
	}
	return b.String()
}
