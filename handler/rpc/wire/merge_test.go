package wire_test

import (
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/rpc/wire"
	"github.com/roundtrip-dev/roundtrip/internal/walk"
)

// Messages that stand behind each other are one message: the last value of a field counts, those inside are put together,
// lists go on, and of a oneof the last one stays. The library of protobuf is the judge.
func TestRead_PutsPartsTogetherAsProtobufDoes(t *testing.T) {
	t.Parallel()
	w := gallery(t)
	r := rand.New(rand.NewPCG(11, 2026))
	parts := map[roundtrip.Action][]string{
		roundtrip.Get:    {`{"id":"` + idA + `"}`, `{"id":"` + idB + `","expand":["a","b"]}`, `{"read_mask":"title"}`, `{"read_mask":"","expand":["c"]}`},
		roundtrip.List:   {`{"filter":"a"}`, `{"filter":"","page_size":3}`, `{"page_size":-2,"count":true}`, `{"read_mask":"title,rank"}`},
		roundtrip.Delete: {`{"id":"` + idA + `","etag":"3"}`, `{"etag":"4"}`, `{"id":"` + idB + `"}`},
		roundtrip.Create: {
			`{"photo":{"place":{"a":1,"b":{"c":[1]}}}}`, `{"photo":{"place":{"b":2,"z":null}}}`, `{"photo":{"place":[1]}}`, `{"photo":{"place":[2,3]}}`, `{"photo":{"place":"x"}}`, `{"photo":{"place":null}}`,
			`{"photo":{"taken":"2026-01-01T00:00:00Z"}}`, `{"photo":{"taken":"1970-01-01T00:00:00.5Z"}}`, `{"photo":{"title":"T","rank":"0"}}`, `{"photo":{"rank":"7","private":true}}`,
			`{"photo":{"image":{"name":"a"}}}`, `{"photo":{"image":{"content":"AAEC"}}}`, `{"request_id":"k"}`, `{}`, `{"photo":{}}`,
		},
		roundtrip.Update: {
			`{"photo":{"id":"` + idA + `"}}`, `{"photo":{"id":"` + idB + `","title":"T"}}`, `{"update_mask":"title"}`, `{"update_mask":"rank,place"}`,
			`{"add":[{"field":"rank","whole":"1"}]}`, `{"add":[{"field":"weight","real":1}]}`, `{"photo":{"place":{"a":1}}}`,
		},
		roundtrip.Batch: {
			`{"ops":[{"create_photos":{"photo":{"title":"T"}}}]}`, `{"ops":[{"delete_users":{"id":"` + idA + `"}},{"update_photos":{"photo":{"id":"` + idA + `"}}}]}`, `{"request_id":"k"}`,
		},
	}
	for action, texts := range parts {
		for range walk.Steps(300) {
			var whole []byte
			for range 1 + r.IntN(4) {
				whole = append(whole, w.bodies(t, requestOf(action), pick(r, texts...))[wire.Proto]...)
			}
			w.sameAsMerged(t, action, whole)
		}
	}
	// The writes of one op, again and again another one.
	ops := [][]byte{part(8, part(1, part(26, []byte("T")))), part(8, part(1, part(18, []byte("C")))), part(10, part(1, []byte(idA))), part(9, part(1, part(1, []byte(idB)))), part(9, part(2, part(1, []byte("title"))))}
	for range walk.Steps(300) {
		w.sameAsMerged(t, roundtrip.Batch, part(1, pick(r, ops...), pick(r, ops...), pick(r, ops...)))
	}
}

// sameAsMerged compares what is read of parts with what is read of the message that protobuf makes of them.
func (w world) sameAsMerged(t *testing.T, action roundtrip.Action, parts []byte) {
	t.Helper()
	m := dynamicpb.NewMessage(w.api.Message(requestOf(action)))
	if err := proto.Unmarshal(parts, m); err != nil {
		t.Fatal(err)
	}
	have, want := w.outcome(wire.Proto, "", action, parts), w.outcome(wire.Proto, "", action, marshal(t, m))
	if have != want {
		t.Errorf("%s %x:\n have %s\n want %s", requestOf(action), parts, have, want)
	}
}
