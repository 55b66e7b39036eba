package socket

import (
	"encoding/json"
	"testing"
)

func FuzzParseOrder(f *testing.F) {
	for _, s := range []string{
		`{"id":1,"auth":"rt_s_x"}`, `{"id":2,"subscribe":"photos?filter=a","cursor":"k3f9a2-1841"}`, `{"ack":"k-1"}`,
		`{"id":4,"send":"channel/photo/1","data":{"a":[1,null]}}`, `{"id":5,"ping":true}`, `{"ping":`, `[]`, `{"a":1,"a":2}`, "{\"id\":1e3}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := parseOrder(b)
		if err != nil {
			return
		}
		if !json.Valid(b) || o.Verb == "" || o.ID != "" && !json.Valid([]byte(o.ID)) || (o.Data != nil) != (o.Verb == "send") {
			t.Errorf("%q was taken as %+v", b, o)
		}
	})
}
