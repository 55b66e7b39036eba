package rpc_test

import (
	"encoding/json"
	"testing"

	"connectrpc.com/connect"
)

// pixel is a picture.
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// TestUpdate_TakesARecordAsItWasRead reads a record and writes it back: whole, with a change, and with what may not be changed.
func TestUpdate_TakesARecordAsItWasRead(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	anas, bob := h.person("ana"), h.person("bob")
	everyDialect(t, func(t *testing.T, d dialect) {
		ana := &person{h: h.in(t), token: anas.token}
		made := ana.call(d, "Photos/Create", `{"photo":{"caption":"a","image":{"name":"a.png","content":"`+pixel+`"}}}`).ok().text("id")
		read := func() map[string]any {
			var photo map[string]any
			must(t, json.Unmarshal([]byte(ana.call(d, "Photos/Get", `{"id":"`+made+`","expand":["author"]}`).ok().json()), &photo))
			return photo
		}
		update := func(photo map[string]any, more string) *reply {
			b, err := json.Marshal(photo)
			must(t, err)
			return ana.call(d, "Photos/Update", `{"photo":`+string(b)+more+`}`)
		}
		whole := read()
		if update(whole, "").ok().text("caption") != "a" {
			t.Fatal("another caption")
		}
		update(whole, "").is(connect.CodeAborted, "store.stale") // its etag is that of a version before
		whole = read()
		image, _ := whole["image"].(map[string]any)
		whole["caption"] = "b"
		after := update(whole, "").ok()
		if after.text("caption") != "b" || after.text("image", "id") != image["id"] || after.text("image", "name") != "a.png" {
			t.Fatal(after.json())
		}
		update(read(), `,"update_mask":"image,author,caption"`).ok()
		ana.call(d, "Batch/Write", `{"ops":[{"update_photos":{"photo":{"id":"`+made+`","author":"`+anas.id+`","image":{"id":"`+image["id"].(string)+`"}}}}]}`).ok()
		for name, change := range map[string]func(map[string]any){
			"author IMMUTABLE":  func(p map[string]any) { p["author"] = bob.id },
			"image WRONG_VALUE": func(p map[string]any) { p["image"] = map[string]any{"id": "another"} },
			"image.name":        func(p map[string]any) { p["image"] = map[string]any{"id": image["id"], "name": "b.png"} },
		} {
			other := read()
			change(other)
			wrong := update(other, "").is(connect.CodeInvalidArgument, "schema.invalid").wrong()
			if want := map[string]string{"image.name": "image WRONG_VALUE"}[name]; len(wrong) != 1 || wrong[0] != name && wrong[0] != want {
				t.Errorf("%s: %v", name, wrong)
			}
		}
		if got := read(); got["caption"] != "b" || got["etag"] == "" {
			t.Error(got)
		}
	})
}
