package wire

import (
	"crypto/sha256"
	"hash"
	"strconv"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/handler/input"
)

// sign takes the idempotency key of a request, which may have come as metadata too, and ties it to what is asked for. The
// hash is made of the meaning, not of the bytes: no writer of protobuf promises the same bytes twice.
func (r *request) sign() error {
	if err := takeKey(r.call, r.key); err != nil || r.call.Key == "" {
		return err
	}
	h := sha256.New()
	r.tell(h)
	h.Sum(r.call.KeyHash[:0])
	return nil
}

func takeKey(call *roundtrip.Call, key string) error {
	switch {
	case key == "":
		return nil
	case !input.GoodKey(key):
		return wrongKey(input.KeyForm)
	case call.Key != "" && call.Key != key:
		return wrongKey("another key than that of the metadata idempotency-key; give one of them")
	}
	call.Key = key
	return nil
}

func wrongKey(message string) error {
	return roundtrip.E(roundtrip.Invalid, "request.invalid", "request_id is wrong: %s", message).
		With(roundtrip.Detail{Parameter: "request_id", Code: "wrong_value", Message: message})
}

// tell adds a write to the hash, each text with its length, so that no two writes read the same.
func (r *request) tell(h hash.Hash) {
	c := r.call
	tell(h, c.Collection.On(c.Action), c.ID.String(), strconv.FormatInt(c.IfMatch, 10))
	if r.in == nil {
		return
	}
	var b []byte
	for i, f := range c.Collection.Fields {
		switch file := r.in.values[i].file; {
		case !c.Input.Set[i]:
			continue
		case file != nil && !c.Input.Null(i): // what is kept of it has another id each time
			tell(h, f.Name, file.name, string(file.content))
		default:
			b = c.Input.Values[i].AppendJSON(b[:0])
			tell(h, f.Name, string(b))
		}
	}
	for _, s := range c.Same {
		tell(h, c.Collection.Fields[s.Field].Name, "=", string(s.Value.AppendJSON(nil)))
	}
	for _, a := range c.Adds {
		tell(h, c.Collection.Fields[a.Field].Name, "+", string(a.By.AppendJSON(nil)))
	}
}

func tell(h hash.Hash, texts ...string) {
	for _, t := range texts {
		n := len(t)
		_, _ = h.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		_, _ = h.Write([]byte(t))
	}
}
