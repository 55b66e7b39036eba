package wire_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
)

// messages are good requests of all kinds, to start from.
func messages() map[roundtrip.Action][]string {
	return map[roundtrip.Action][]string{
		roundtrip.Get:       {`{"id":"` + idA + `","expand":["author"],"read_mask":"caption,likes"}`},
		roundtrip.List:      {`{"filter":"likes > 1","order_by":"likes","page_size":7,"page_token":"t","expand":["author"],"read_mask":"title","count":true}`},
		roundtrip.Aggregate: {`{"filter":"f","group_by":["author"],"select":["count"]}`},
		roundtrip.Create:    {`{"photo":{"author":"` + idB + `","private":true,"rank":"-9","weight":2.5,"taken":"2026-11-28T01:02:03Z","place":{"a":[1,null,"x"]},"image":{"name":"a","content":"AAEC"}},"request_id":"k"}`},
		roundtrip.Update:    {`{"photo":{"id":"` + idA + `","etag":"3","title":"t"},"update_mask":"title,place","add":[{"field":"rank","whole":"3"}]}`},
		roundtrip.Delete:    {`{"id":"` + idA + `","etag":"4","request_id":"k"}`},
		roundtrip.Batch:     {`{"ops":[{"create_photos":{"photo":{"title":"T"}}},{"delete_users":{"id":"` + idB + `"}}]}`},
	}
}

// Nothing that comes makes a reader panic; what it takes without a word is good for the library of protobuf too.
func FuzzReadProto(f *testing.F) {
	w := gallery(f)
	for action, texts := range messages() {
		for _, text := range texts {
			f.Add(uint8(action), w.bodies(f, requestOf(action), text)[wire.Proto])
		}
	}
	f.Fuzz(func(t *testing.T, action uint8, body []byte) {
		a := roundtrip.Action(action%7) + roundtrip.Get
		call, err := w.read(wire.Proto, a, body)
		_, _, _ = wire.ReadWatch(w.plans, w.schema.Lookup("photos"), wire.Proto, body)
		sound(t, call, err)
		if err == nil && len(call.Wrong) == 0 {
			if err := proto.Unmarshal(body, dynamicpb.NewMessage(w.api.Message(requestOf(a)))); err != nil {
				t.Errorf("%x was read, and is no %s: %v", body, requestOf(a), err)
			}
		}
	})
}

func FuzzReadJSON(f *testing.F) {
	w := gallery(f)
	for action, texts := range messages() {
		for _, text := range texts {
			f.Add(uint8(action), []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, action uint8, body []byte) {
		a := roundtrip.Action(action%7) + roundtrip.Get
		call, err := w.read(wire.JSON, a, body)
		_, _, _ = wire.ReadWatch(w.plans, w.schema.Lookup("photos"), wire.JSON, body)
		sound(t, call, err)
		// And what the library takes means the same in both formats.
		m := dynamicpb.NewMessage(w.api.Message(requestOf(a)))
		if len(body) == 0 || protojson.Unmarshal(body, m) != nil || strings.Contains(string(body), "null") {
			return
		}
		other, otherErr := w.read(wire.Proto, a, marshal(t, m))
		if err == nil && otherErr == nil && len(call.Wrong)+len(other.Wrong) == 0 && len(call.Ops) == len(other.Ops) && call.ID != other.ID {
			t.Errorf("%s: %s, and in proto %s", body, show(call), show(other))
		}
	})
}

// sound checks what the rest of the house may rely on.
func sound(t *testing.T, call *roundtrip.Call, err error) {
	t.Helper()
	if err != nil {
		if e := roundtrip.AsError(err); e.Kind != roundtrip.Invalid && e.Kind != roundtrip.Missing {
			t.Errorf("a message made an error of kind %s: %v", e.Kind, err)
		}
		return
	}
	if len(call.Wrong) > 60 || len(call.Ops) > 100 {
		t.Errorf("%d details, %d ops", len(call.Wrong), len(call.Ops))
	}
	for i := range call.Ops {
		sound(t, &call.Ops[i], nil)
	}
	if call.Input == nil {
		return
	}
	for i, f := range call.Collection.Fields {
		v := call.Input.Values[i]
		if call.Input.Set[i] && !v.IsNull() && v.Kind() != f.Type.Value() {
			t.Errorf("%s is of kind %d", f.Name, v.Kind())
		}
		if f.Type == roundtrip.TypeJSON && !v.IsNull() && !validJSON(v.Text()) {
			t.Errorf("%s is no JSON: %q", f.Name, v.Text())
		}
	}
}

func FuzzUpdateMask(f *testing.F) {
	w := gallery(f)
	photos := w.schema.Lookup("photos")
	for _, mask := range []string{"", "title", "title,caption", "createTime", "id", "expand", "*", "image.name", ",,", "captoin", "\x00", "Title", "_", "titleTitle", "tit\x9ale"} {
		f.Add(mask)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "")
		m := dynamicpb.NewMessage(w.api.Message("UpdatePhotoRequest"))
		fields := m.Descriptor().Fields()
		unmarshalJSON(t, `{"id":"`+idA+`"}`, m.Mutable(fields.ByName("photo")).Message())
		mask := m.Mutable(fields.ByName("update_mask")).Message()
		paths := mask.Mutable(mask.Descriptor().Fields().ByName("paths")).List()
		for path := range strings.SplitSeq(text, ",") {
			paths.Append(stringValue(path))
		}
		call, err := w.read(wire.Proto, roundtrip.Update, marshal(t, m))
		if err != nil {
			t.Fatal(err)
		}
		sound(t, call, nil)
		for i, set := range call.Input.Set { // what is not named is not touched; what the server keeps never is
			name := photos.Fields[i].Name
			if set && (i < roundtrip.FirstField || !strings.Contains(snake(text), name)) {
				t.Errorf("mask %q writes %s", text, name)
			}
		}
	})
}

// snake takes capitals and what is between words away, roughly: enough to find a name in a mask.
func snake(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func FuzzTranscode(f *testing.F) {
	w := gallery(f)
	f.Add([]byte(`{"id":"` + idA + `","likes":3,"place":{"a":null},"image":null,"weight":1.5,"taken":"2026-11-28T01:02:03.000Z"}`))
	f.Add([]byte(`{"x":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		inProto, err := wire.Transcode(nil, w.api.Message("Photo"), text, wire.Proto)
		inJSON, errJSON := wire.Transcode(nil, w.api.Message("Photo"), text, wire.JSON)
		if err != nil {
			return
		}
		if errJSON != nil {
			t.Fatalf("%s: one format alone fails: %v", text, errJSON)
		}
		m := dynamicpb.NewMessage(w.api.Message("Photo"))
		if err := proto.Unmarshal(inProto, m); err != nil {
			t.Fatal(err)
		}
		sameAs(t, m, inProto, inJSON)
	})
}

// What lies in a JSON field becomes a good Value, whatever it is; and comes back as the same.
func FuzzValue(f *testing.F) {
	c := roundtrip.NewCollection("photos", roundtrip.Pos{})
	c.Number = 1
	c.Add(&roundtrip.Field{Name: "place", Type: roundtrip.TypeJSON, Number: 16})
	w := newWorld(f, roundtrip.NewSchema("gallery", c))
	for _, text := range []string{lake, `null`, `"\ud83d\ude00"`, `{"b":{},"a":[]}`, `{"a":1,"a":2}`, `{`, `1e999`, "", `[[[[]]]]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		record := roundtrip.NewRecord(c)
		record.Put(4, roundtrip.JSON(text))
		mask := []bool{4: true}
		b := w.plans.Of(c).AppendRecord(nil, wire.Proto, record, mask)
		if err := w.unmarshal(c, b); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		call := &roundtrip.Call{Action: roundtrip.Create, Collection: c}
		if err := wire.ReadCreate(w.plans, wire.Proto, append([]byte{1<<3 | 2, byte(len(b)) | 0x80, byte(len(b) >> 7)}, b...), call, nil); err != nil || len(b) >= 1<<14 {
			return
		}
		again := w.plans.Of(c).AppendRecord(nil, wire.Proto, call.Input, mask)
		if validJSON(text) && len(call.Wrong) == 0 && !call.Input.Null(4) && string(again) != string(b) && !strings.Contains(text, "E") && !strings.Contains(text, "e") {
			t.Errorf("%q: %x came back as %x", text, b, again)
		}
	})
}
