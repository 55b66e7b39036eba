package rest_test

import (
	"strings"
	"testing"
)

// TestRest_PrivatePhotosAreInvisible looks through every window that the API has.
func TestRest_PrivatePhotosAreInvisible(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, bo := h.person("ana"), h.person("bo_")
	ana.photo(`{"caption":"open"}`)
	made := ana.form("POST", "photos", part{"caption", "", "hidden"}, part{"private", "", "true"}, part{"image", "a.png", picture(t, 8, 8)}).is(201)
	id := made.text("id")
	like := ana.do("POST", "likes", `{"photo":"`+id+`"}`).is(201).text("id")
	for name, p := range map[string]*person{"stranger": h.stranger(), "somebody else": bo} {
		missing := p.do("GET", "photos/0000000000abc", "").is(404)
		hidden := p.do("GET", "photos/"+id, "").is(404)
		if missing.text("reason") != hidden.text("reason") || strings.ReplaceAll(missing.text("detail"), "0000000000abc", id) != hidden.text("detail") {
			t.Errorf("%s can tell hidden from missing: %s %s", name, missing.body, hidden.body)
		}
		p.do("GET", "photos?count=exact", "").is(200).hasNot("hidden").has(`"total_size":1`)
		p.do("GET", "photos"+q("filter", `caption == "hidden"`, "count", "exact"), "").is(200).has(`"photos":[]`, `"total_size":0`)
		p.do("GET", "photos?id="+id, "").is(200).has(`"photos":[]`)
		p.do("GET", "photos:aggregate"+q("select", "count,sum(likes)", "group_by", "private"), "").is(200).has(`{"groups":[{"private":false,"count":1,"sum_likes":0}]}`)
		p.do("GET", "likes/"+like+"?expand=photo", "").is(200).hasNot("hidden").has(`"expand":{}`)
		p.do("GET", "likes?expand=photo.author", "").is(200).hasNot("hidden")
		p.do("GET", "likes"+q("filter", `photo.caption == "hidden"`), "").is(200).has(`"likes":[]`)
		p.do("GET", "files/photos/"+id+"/image", "").is(404)
		p.do("GET", "files/photos/"+id+"/image?v="+made.text("image", "id"), "").is(404)
		if p == bo {
			p.do("PATCH", "photos/"+id, `{"caption":"x"}`).is(404)
			p.do("DELETE", "photos/"+id, "").is(404)
			p.do("POST", "likes", `{"photo":"`+id+`"}`).is(403)
			p.do("POST", "batch", `{"ops":[{"op":"update","collection":"photos","id":"`+id+`","data":{"caption":"x"}}]}`).is(404)
		}
	}
	ana.do("GET", "photos/"+id, "").is(200)
	ana.do("GET", "files/photos/"+id+"/image", "").is(200)
	bo.do("POST", "follows", `{"followee":"`+ana.id+`"}`).is(201)
	bo.do("GET", "photos/"+id, "").is(200).has("hidden")
	bo.do("GET", "likes/"+like+"?expand=photo", "").is(200).has("hidden")
	bo.do("GET", "files/photos/"+id+"/image", "").is(200)
}
