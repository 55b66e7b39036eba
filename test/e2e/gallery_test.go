// Package e2e drives the real program from outside, over TLS, as its users would.
package e2e

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"net/url"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const site = "gallery.test"

// photo returns a small JPEG of one colour.
func photo(t testing.TB, width, height int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = byte(i * 7)
	}
	img.Set(0, 0, color.White)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// signUp makes an account and returns a caller with its token, and its id.
func signUp(t testing.TB, stranger *server.API, handle string) (*server.API, string) {
	t.Helper()
	a := stranger.Want(201, "POST", "auth/sign-up", server.JSON{"handle": handle, "name": strings.ToUpper(handle), "password": "long enough " + handle})
	token, id := a.Text("token"), a.Text("account.id")
	if token == "" || id == "" {
		t.Fatalf("sign-up answered without token or account: %s", a.Body)
	}
	return stranger.As(token), id
}

// upload makes a photo and returns its id.
func upload(t testing.TB, who *server.API, caption string, private bool) string {
	t.Helper()
	form := server.NewForm().Field("caption", caption).File("image", "cat.jpg", "image/jpeg", photo(t, 640, 480))
	if private {
		form.Field("private", "true")
	}
	return who.Want(201, "POST", "photos", form).Text("id")
}

func TestGallery_Journey(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Gallery(t))
	stranger := s.API(site)

	ana, anaID := signUp(t, stranger, "ana")
	bo, boID := signUp(t, stranger, "bob")
	if in := stranger.Want(200, "POST", "auth/sign-in", server.JSON{"handle": "ana", "password": "long enough ana"}); in.Text("account.id") != anaID {
		t.Fatalf("signed in as somebody else: %s", in.Body)
	}
	stranger.Want(401, "POST", "auth/sign-in", server.JSON{"handle": "ana", "password": "wrong password"})

	var ids []string
	for _, caption := range []string{"harbour", "dunes", "night market", "first snow", "ferry"} {
		ids = append(ids, upload(t, ana, caption, false))
	}
	hidden := upload(t, ana, "diary", true)

	t.Run("list with filter, order, pages, expand and fields", func(t *testing.T) {
		var seen []string
		token := ""
		for pages := 0; pages < 10; pages++ {
			q := url.Values{"order_by": {"create_time desc"}, "page_size": {"2"}, "expand": {"author"}, "fields": {"caption,author"}, "filter": {`author.handle == "ana" && likes == 0`}, "count": {"exact"}}
			if token != "" {
				q.Set("page_token", token)
			}
			page := stranger.Want(200, "GET", "photos?"+q.Encode(), nil)
			if page.Text("total_size") != "5" {
				t.Fatalf("total_size %s, want 5: %s", page.Text("total_size"), page.Body)
			}
			for _, p := range page.List("photos") {
				author := p["expand"].(server.JSON)["author"].(server.JSON)
				if author["handle"] != "ana" || p["author"] != anaID || p["likes"] != nil {
					t.Errorf("wrong fields or expansion: %v", p)
				}
				seen = append(seen, p["caption"].(string))
			}
			if token = page.Text("next_page_token"); token == "" {
				break
			}
		}
		if got := strings.Join(seen, ", "); got != "ferry, first snow, night market, dunes, harbour" {
			t.Errorf("pages gave: %s", got)
		}
	})

	t.Run("like and unlike keep the counter right", func(t *testing.T) {
		likes := func() string { return stranger.Want(200, "GET", "photos/"+ids[0], nil).Text("likes") }
		first := bo.Want(201, "POST", "likes", server.JSON{"photo": ids[0]}).Text("id")
		if likes() != "1" {
			t.Errorf("after one like: %s", likes())
		}
		bo.Want(409, "POST", "likes", server.JSON{"photo": ids[0]})
		ana.Want(201, "POST", "likes", server.JSON{"photo": ids[0]})
		if likes() != "2" {
			t.Errorf("after two likes: %s", likes())
		}
		ana.Want(403, "DELETE", "likes/"+first, nil)
		bo.Want(204, "DELETE", "likes/"+first, nil)
		if likes() != "1" {
			t.Errorf("after an unlike: %s", likes())
		}
	})

	t.Run("a private photo is invisible to strangers everywhere", func(t *testing.T) {
		for _, who := range []*server.API{stranger, bo} {
			who.Want(404, "GET", "photos/"+hidden, nil)
			who.Want(404, "GET", "files/photos/"+hidden+"/image", nil)
			if list := who.Want(200, "GET", "photos?page_size=200", nil); strings.Contains(string(list.Body), hidden) {
				t.Errorf("listed: %s", list.Body)
			}
			total := who.Want(200, "GET", "photos:aggregate?select=count", nil)
			if n := total.List("groups")[0]["count"]; n == nil || strings.TrimSpace(asText(n)) != "5" {
				t.Errorf("aggregate counts hidden photos: %s", total.Body)
			}
		}
		ana.Want(200, "GET", "photos/"+hidden, nil)
		bo.Want(403, "POST", "likes", server.JSON{"photo": hidden})
		like := ana.Want(201, "POST", "likes", server.JSON{"photo": hidden}).Text("id")
		stranger.Want(404, "GET", "likes/"+like, nil) // the rule: whoever sees the photo sees its likes
		bo.Want(201, "POST", "follows", server.JSON{"followee": anaID})
		bo.Want(200, "GET", "photos/"+hidden, nil) // the rule: followers see it
		_ = boID
	})

	t.Run("a stale etag is refused", func(t *testing.T) {
		old := ana.Want(200, "GET", "photos/"+ids[1], nil).Header.Get("ETag")
		ana.Want(200, "PATCH", "photos/"+ids[1], server.JSON{"caption": "dunes, again"}, "If-Match", old)
		stale := ana.Want(412, "PATCH", "photos/"+ids[1], server.JSON{"caption": "lost update"}, "If-Match", old)
		if stale.Text("reason") != "store.stale" {
			t.Errorf("answer: %s", stale.Body)
		}
		if now := ana.Want(200, "GET", "photos/"+ids[1], nil).Text("caption"); now != "dunes, again" {
			t.Errorf("caption is %q", now)
		}
	})

	t.Run("a batch that fails leaves nothing", func(t *testing.T) {
		op := func(photo string) server.JSON {
			return server.JSON{"op": "create", "collection": "comments", "data": server.JSON{"photo": photo, "text": "from a batch"}}
		}
		failed := bo.Want(403, "POST", "batch", server.JSON{"ops": []any{op(ids[0]), op(ids[1]), op("0000000000001")}})
		if !strings.Contains(string(failed.Body), "/ops/2") {
			t.Errorf("the answer doesn't point at the third write: %s", failed.Body)
		}
		if n := len(stranger.Want(200, "GET", "comments", nil).List("comments")); n != 0 {
			t.Errorf("%d comments were left behind", n)
		}
		bo.Want(200, "POST", "batch", server.JSON{"ops": []any{op(ids[0]), op(ids[1])}})
		if n := stranger.Want(200, "GET", "photos/"+ids[0], nil).Text("comments"); n != "1" {
			t.Errorf("comments of the photo: %s", n)
		}
	})

	t.Run("a retry with the same key does it once", func(t *testing.T) {
		body := server.JSON{"photo": ids[2], "text": "only once"}
		one := bo.Want(201, "POST", "comments", body, "Idempotency-Key", "k-1")
		two := bo.Want(201, "POST", "comments", body, "Idempotency-Key", "k-1")
		if one.Text("id") != two.Text("id") {
			t.Errorf("the retry made another record: %s, %s", one.Text("id"), two.Text("id"))
		}
		body["text"] = "another"
		bo.Want(422, "POST", "comments", body, "Idempotency-Key", "k-1")
	})

	t.Run("a session ended elsewhere stops at once", func(t *testing.T) {
		in := stranger.Want(200, "POST", "auth/sign-in", server.JSON{"handle": "bob", "password": "long enough bob"})
		other := stranger.As(in.Text("token"))
		other.Want(200, "GET", "auth/me", nil)
		bo.Want(204, "DELETE", "auth/sessions/"+in.Text("session.id"), nil)
		if gone := other.Want(401, "GET", "auth/me", nil); gone.Text("reason") == "" {
			t.Errorf("answer: %s", gone.Body)
		}
	})

	t.Run("files have sizes, ranges and tags", func(t *testing.T) {
		full := stranger.Want(200, "GET", "files/photos/"+ids[0]+"/image", nil)
		if full.Header.Get("Content-Type") != "image/jpeg" || !bytes.Equal(full.Body, photo(t, 640, 480)) {
			t.Errorf("the file is another one: %s, %d bytes", full.Header.Get("Content-Type"), len(full.Body))
		}
		stranger.Want(304, "GET", "files/photos/"+ids[0]+"/image", nil, "If-None-Match", full.Header.Get("ETag"))
		part := stranger.Want(206, "GET", "files/photos/"+ids[0]+"/image", nil, "Range", "bytes=10-19")
		if !bytes.Equal(part.Body, full.Body[10:20]) {
			t.Errorf("range: %x", part.Body)
		}
		small := stranger.Want(200, "GET", "files/photos/"+ids[0]+"/image?size=320", nil)
		img, err := jpeg.Decode(bytes.NewReader(small.Body))
		if err != nil || img.Bounds().Dx() != 320 || img.Bounds().Dy() != 240 {
			t.Errorf("the small image: %v, %v", err, img)
		}
		stranger.Want(400, "GET", "files/photos/"+ids[0]+"/image?size=333", nil)
	})

	t.Run("a deleted photo takes its likes, comments and files along", func(t *testing.T) {
		ana.Want(204, "DELETE", "photos/"+ids[0], nil)
		stranger.Want(404, "GET", "files/photos/"+ids[0]+"/image", nil)
		if left := stranger.Want(200, "GET", "likes?photo="+ids[0], nil).List("likes"); len(left) != 0 {
			t.Errorf("likes left: %v", left)
		}
	})
}

func asText(v any) string {
	if s, ok := v.(interface{ String() string }); ok {
		return s.String()
	}
	return ""
}
