package rest_test

import (
	"testing"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store"
)

// What webhooks are told of a record is what a GET of it answers.
func TestRecord_HasOneForm(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	photos := h.schema.Lookup("photos")
	ana := h.person("ana")
	text := ana.photo(`{"caption":"a \"b\" <\u00fc> \u2028"}`)
	id, _ := roundtrip.ParseID(text)
	permit, err := h.policy.Job(&roundtrip.Call{Action: roundtrip.Get, Collection: photos, ID: id}, "a test")
	must(t, err)
	var form string
	must(t, h.store.View(t.Context(), func(v store.View) error {
		return v.Get(permit, func(row roundtrip.Row) error {
			form = string(roundtrip.AppendRecord(nil, photos, row))
			return nil
		})
	}))
	if got := ana.do("GET", "photos/"+text, "").is(200).body; got != form {
		t.Fatalf("GET answers\n%s\nAppendRecord gives\n%s", got, form)
	}
}
