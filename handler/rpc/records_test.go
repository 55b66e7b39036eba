package rpc_test

import (
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
)

func TestRecords_AllMethodsInEveryDialect(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo")
	everyDialect(t, func(t *testing.T, d dialect) {
		id := ana.call(d, "Photos/Create", `{"photo":{"caption":"été","private":true}}`).text("id")
		if got := ana.call(d, "Photos/Get", `{"id":"`+id+`"}`); got.text("caption") != "été" || got.text("author") != ana.id || got.text("etag") != "1" {
			t.Errorf("it is %s", got.json())
		}
		bo.call(d, "Photos/Get", `{"id":"`+id+`"}`).is(connect.CodeNotFound, "store.missing")
		h.stranger().call(d, "Photos/Create", `{"photo":{"caption":"x"}}`).is(connect.CodeUnauthenticated, "auth.missing")
		bo.call(d, "Photos/Update", `{"photo":{"id":"`+id+`","caption":"mine"}}`).is(connect.CodeNotFound, "store.missing")

		changed := ana.call(d, "Photos/Update", `{"photo":{"id":"`+id+`","private":false,"etag":"1"},"update_mask":"private,caption"}`)
		if changed.at("caption") != nil || changed.text("etag") != "2" {
			t.Errorf("the update: %s", changed.json())
		}
		ana.call(d, "Photos/Update", `{"photo":{"id":"`+id+`","caption":"again","etag":"1"}}`).is(connect.CodeAborted, "store.stale")

		wrong := ana.call(d, "Photos/Update", `{"photo":{"id":"`+id+`","caption":"`+strings.Repeat("x", 2201)+`"}}`).is(connect.CodeInvalidArgument, "schema.invalid")
		if got := wrong.wrong(); !slices.Equal(got, []string{"caption TOO_LONG"}) {
			t.Errorf("wrong is %v", got)
		}
		list := bo.call(d, "Photos/List", `{"filter":"author = \"`+ana.id+`\"","order_by":"create_time desc","page_size":1,"expand":["author"],"count":true}`)
		if list.text("photos", 0, "id") != id || list.text("photos", 0, "expand", "author", "handle") != "ana" || list.text("total_size") == "" {
			t.Errorf("the list: %s", list.json())
		}
		filtered := bo.call(d, "Photos/List", `{"filter":"authr = \"x\""}`).is(connect.CodeInvalidArgument, "request.filter")
		if filtered.info().GetMetadata()["column"] != "1" || len(filtered.wrong()) != 1 {
			t.Errorf("the filter: %v", filtered.details())
		}
		groups := bo.call(d, "Photos/Aggregate", `{"filter":"author = \"`+ana.id+`\"","group_by":["author"],"select":["count"]}`)
		if groups.text("groups", 0, "by", "author") != ana.id {
			t.Errorf("the groups: %s", groups.json())
		}
		bo.call(d, "Photos/Delete", `{"id":"`+id+`"}`).is(connect.CodePermissionDenied, "access.rule_denied")
		ana.call(d, "Photos/Delete", `{"id":"`+id+`","etag":"2"}`).ok()
		ana.call(d, "Photos/Delete", `{"id":"`+id+`"}`).is(connect.CodeNotFound, "store.missing")
	})
}

func TestRecords_AKeyRepeatsTheAnswer(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	everyDialect(t, func(t *testing.T, d dialect) {
		key := strings.ReplaceAll(d.name, " ", "-")
		body := `{"photo":{"caption":"once"},"request_id":"` + key + `"}`
		first := ana.call(d, "Photos/Create", body)
		again := ana.call(d, "Photos/Create", body)
		if first.text("id") != again.text("id") || first.header.Get("Idempotency-Replayed") != "" || again.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("first %s, then %s %v", first.json(), again.json(), again.header)
		}
		ana.call(d, "Photos/Create", `{"photo":{"caption":"twice"},"request_id":"`+key+`"}`).is(connect.CodeFailedPrecondition, "store.key_reused")
		ana.call(d, "Photos/Create", body, "Idempotency-Key", "another").is(connect.CodeInvalidArgument, "request.invalid")
		if meta := ana.call(d, "Photos/Create", `{"photo":{"caption":"once"}}`, "Idempotency-Key", key); meta.text("id") != first.text("id") {
			t.Errorf("by metadata it is another record: %s", meta.json())
		}
	})
}

func TestBatch_WritesAllOrNothing(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	everyDialect(t, func(t *testing.T, d dialect) {
		done := ana.call(d, "Batch/Write", `{"ops":[{"create_photos":{"photo":{"caption":"a"}}},{"create_things":{"thing":{"text":"b"}}}]}`)
		id := done.text("results", 0, "record", "photos", "id")
		thing := done.text("results", 1, "record", "things", "id")
		for _, tt := range []struct {
			name, ops     string
			code          connect.Code
			reason, wrong string
		}{
			{"two wrong values", `{"create_photos":{"photo":{}}},{"update_photos":{"photo":{"id":"` + id + `","caption":"` + strings.Repeat("x", 2201) + `"}}}`, connect.CodeInvalidArgument, "schema.invalid", "ops[1].update_photos.photo.caption TOO_LONG"},
			{"a key inside", `{"delete_photos":{"id":"` + id + `","request_id":"x"}}`, connect.CodeInvalidArgument, "request.invalid", "ops[0].delete_photos.request_id UNKNOWN_FIELD"},
			{"no id", `{},{"update_things":{"thing":{"text":"x"}}}`, connect.CodeInvalidArgument, "request.invalid", "ops[0] REQUIRED,ops[1].update_things.thing.id REQUIRED"},
			{"a stale etag", `{"delete_things":{"id":"` + thing + `","etag":"9"}}`, connect.CodeAborted, "store.stale", "ops[0] ABORTED"},
		} {
			refused := ana.call(d, "Batch/Write", `{"ops":[`+tt.ops+`]}`).is(tt.code, tt.reason)
			if got := strings.Join(refused.wrong(), ","); got != tt.wrong {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.wrong)
			}
		}
		ana.call(d, "Batch/Write", `{"ops":[{"delete_photos":{"id":"`+id+`"}},{"delete_things":{"id":"`+thing+`"}}]}`).ok()
	})
}
