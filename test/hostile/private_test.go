package hostile

import (
	"strconv"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// TestHostile_HiddenRecordsTellNothing asks every question about a hidden photo, and about what hangs on it, by which an
// answer could differ from that for a photo which does not exist.
func TestHostile_HiddenRecordsTellNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const nobody = "0am611z8g0000" // an id that nothing has
	for _, who := range []*server.API{w.bo, w.stranger} {
		for _, kind := range []struct{ collection, id string }{{"photos", w.hidden}, {"likes", w.like}, {"comments", w.comment}, {"things", w.thing}} {
			w.sameAsMissing(t, who, kind.collection, kind.id, nobody)
			for _, q := range []string{
				"filter=" + esc(`id == "`+kind.id+`"`), "id=" + kind.id, "filter=" + esc(`id in ["`+kind.id+`"]`), "filter=" + esc(`id >= "`+kind.id+`" && id <= "`+kind.id+`"`),
				"filter=" + esc(`!(id != "`+kind.id+`")`), "filter=" + esc(`true || id == "`+kind.id+`"`) + "&order_by=id", "order_by=" + esc("update_time desc"), "fields=id",
			} {
				list := who.Want(200, "GET", kind.collection+"?page_size=200&count=exact&"+q, nil)
				if strings.Contains(string(list.Body), kind.id) {
					t.Errorf("%s?%s lists it: %s", kind.collection, q, list.Body)
				}
				if n := strconv.Itoa(len(list.List(kind.collection))); list.Text("total_size") != n {
					t.Errorf("%s?%s counts %s and lists %s", kind.collection, q, list.Text("total_size"), n)
				}
			}
			for _, q := range []string{"group_by=id&select=count", "select=count,min(create_time),max(update_time)", "filter=" + esc(`id == "`+kind.id+`"`)} {
				a := who.Want(200, "GET", kind.collection+":aggregate?"+q, nil)
				with := who.Want(200, "GET", kind.collection+":aggregate?select=count&filter="+esc(`id == "`+kind.id+`"`), nil)
				if strings.Contains(string(a.Body), kind.id) || with.List("groups")[0]["count"].(interface{ String() string }).String() != "0" {
					t.Errorf("%s:aggregate?%s tells: %s %s", kind.collection, q, a.Body, with.Body)
				}
			}
		}
		w.secretFree(t, who)
	}
	w.unharmed(t)
}

func esc(s string) string { return strings.TrimPrefix(query("", s), "=") }

// sameAsMissing compares what is answered about a hidden record with what is answered about none.
func (w *world) sameAsMissing(t *testing.T, who *server.API, collection, hidden, missing string) {
	t.Helper()
	ask := func(id string) []*server.Answer {
		op := func(text string) string { return `{"ops":[` + strings.ReplaceAll(text, "ID", id) + `]}` }
		return []*server.Answer{
			who.Do("GET", collection+"/"+id, nil), who.Do("HEAD", collection+"/"+id, nil), who.Do("GET", collection+"/"+id+"?fields=id&expand=author", nil),
			who.Do("GET", collection+"/"+id, nil, "If-None-Match", `"1"`), who.Do("GET", collection+"/"+id, nil, "If-None-Match", `*`),
			who.Do("PATCH", collection+"/"+id, server.JSON{}), who.Do("PATCH", collection+"/"+id, server.JSON{}, "If-Match", `"1"`), who.Do("PATCH", collection+"/"+id, server.JSON{}, "If-Match", `"9"`),
			who.Do("PATCH", collection+"/"+id, server.JSON{"caption": "x"}), who.Do("PATCH", collection+"/"+id, server.JSON{"label": "x"}), who.Do("PATCH", collection+"/"+id, server.JSON{"nonsense": 1}),
			who.Do("DELETE", collection+"/"+id, nil), who.Do("DELETE", collection+"/"+id, nil, "If-Match", `"1"`), who.Do("DELETE", collection+"/"+id, nil, "If-Match", `"9"`),
			who.Do("GET", "files/"+collection+"/"+id+"/image", nil), who.Do("GET", "files/"+collection+"/"+id+"/image?size=320", nil), who.Do("GET", "files/"+collection+"/"+id+"/paper", nil),
			who.Do("POST", "batch", op(`{"op":"update","collection":"`+collection+`","id":"ID","data":{}}`)), who.Do("POST", "batch", op(`{"op":"delete","collection":"`+collection+`","id":"ID"}`)),
			who.Do("POST", "batch", op(`{"op":"delete","collection":"`+collection+`","id":"ID","etag":"9"}`)),
		}
	}
	a, b := ask(hidden), ask(missing)
	for i := range a {
		one, two := strings.ReplaceAll(anonymous(a[i]), hidden, missing), anonymous(b[i])
		if a[i].Status < 400 || a[i].Status >= 500 || a[i].Status != b[i].Status || one != two {
			t.Errorf("%s, question %d: a hidden record is told from none:\n%d %s\n%d %s", collection, i, a[i].Status, a[i].Body, b[i].Status, b[i].Body)
		}
	}
}

// secretFree asks for the words of hidden records by every way that leads to them, and wants the same answer as for words
// that stand nowhere.
func (w *world) secretFree(t *testing.T, who *server.API) {
	t.Helper()
	var pairs [][3]string // collection, a filter for what is hidden, the same for what is nowhere
	photo := func(path string) []string {
		return []string{
			path + `.caption.contains("XX")`, path + `.caption.startsWith("XX")`, path + `.caption == "XX of a secret"`, path + `.caption >= "XX" && ` + path + `.caption < "XX~"`,
			`!(` + path + `.caption == null) && ` + path + `.caption.endsWith("XX of a secret")`, path + `.caption in ["XX of a secret"]`, `size(` + path + `.caption) == 17 && ` + path + `.caption.contains("XX")`,
		}
	}
	add := func(collection string, filters ...string) {
		for _, f := range filters {
			pairs = append(pairs, [3]string{collection, strings.ReplaceAll(f, "XX", "diary"), strings.ReplaceAll(f, "XX", "dairy")})
		}
	}
	add("likes", photo("record.photo")...)
	add("comments", photo("record.photo")...)
	for _, f := range photo("p") {
		add("users", `photos.exists(p, p.author == record.id && `+f+`)`, `!photos.exists(p, p.author == record.id && `+f+`)`)
		add("photos", `photos.exists(p, p.author == record.author && `+f+`)`)
		add("follows", `photos.exists(p, (p.author == record.followee || p.author == record.follower) && `+f+`)`)
	}
	add("users", `photos.exists(p, p.author == record.id && p.private && p.caption.contains("XX"))`, `likes.exists(l, (l.user == record.id || l.user == auth.id) && l.photo.caption.contains("XX"))`, `likes.exists(l, l.user == record.id && l.photo.caption.contains("XX"))`,
		`comments.exists(c, c.photo.caption.contains("XX") && c.author == record.id)`, `likes.exists(l, l.user == record.id && l.photo.author == record.id && l.photo.caption.contains("XX"))`)
	add("photos", `caption.contains("XX")`, `!caption.contains("XX")`, `caption.contains("XX") || false`, `author.handle == "ana" && caption.contains("XX")`)
	w.sameCounts(t, who, pairs)
	// What is there or not, by any way: a hidden like, comment and photo are as if they were not.
	for _, f := range []struct{ collection, filter, want string }{
		{"users", `likes.exists(l, l.user == record.id)`, "0"},
		{"users", `comments.exists(c, c.author == record.id)`, "0"},
		{"users", `photos.exists(p, p.author == record.id && p.private)`, "0"},
		{"users", `comments.exists(c, c.author == record.id && c.text.contains("whisper"))`, "0"},
		{"users", `things.exists(h, h.owner == record.id)`, "0"},
		{"users", `things.exists(h, h.code == "unique-of-ana")`, "0"},
		{"photos", `private`, "0"},
		{"photos", `likes > 0 || comments > 0`, "0"},
		{"likes", `true`, "0"},
		{"comments", `true`, "0"},
		{"things", `true`, "0"},
		{"users", `photos.exists(p, p.id == "` + w.hidden + `")`, "0"},
		{"users", `photos.exists(p, p.author == record.id && p.likes > 0)`, "0"},
		{"users", `!photos.exists(p, p.author == record.id && readable(p.author) && !p.private)`, "1"},
	} {
		a := who.Do("GET", f.collection+":aggregate?select=count&filter="+esc(f.filter), nil)
		if a.Status == 400 {
			t.Errorf("%s is no filter of %s: %s", f.filter, f.collection, a.Body)
			continue
		}
		if got := count(a); got != f.want {
			t.Errorf("%s where %s: %s, want %s", f.collection, f.filter, got, f.want)
		}
	}
}

func count(a *server.Answer) string {
	groups := a.List("groups")
	if len(groups) != 1 {
		return string(a.Body)
	}
	s, _ := groups[0]["count"].(interface{ String() string })
	if s == nil {
		return string(a.Body)
	}
	return s.String()
}

// sameCounts wants each pair of filters to find as much.
func (w *world) sameCounts(t *testing.T, who *server.API, pairs [][3]string) {
	t.Helper()
	for _, p := range pairs {
		secret, nowhere := who.Do("GET", p[0]+":aggregate?select=count&filter="+esc(p[1]), nil), who.Do("GET", p[0]+":aggregate?select=count&filter="+esc(p[2]), nil)
		if secret.Status != 200 || nowhere.Status != 200 {
			t.Errorf("%s where %s: %d %s", p[0], p[1], secret.Status, secret.Body)
			continue
		}
		if a, b := count(secret), count(nowhere); a != b {
			t.Errorf("%s where %s finds %s, where %s finds %s", p[0], p[1], a, p[2], b)
		}
	}
}

func TestHostile_WritesTellNothingOfHiddenRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.bo.Want(201, "POST", "things", server.JSON{"label": "bob's"}).Text("id")
	w.before = w.snapshot(t)
	const nobody = "0am611z8g0000"
	for name, body := range map[string]func(id string) (collection string, fields server.JSON){
		"like":    func(id string) (string, server.JSON) { return "likes", server.JSON{"photo": id} },
		"comment": func(id string) (string, server.JSON) { return "comments", server.JSON{"photo": id, "text": "x"} },
	} {
		collection, fields := body(w.hidden)
		hidden := w.bo.Do("POST", collection, fields)
		_, fields = body(nobody)
		missing := w.bo.Do("POST", collection, fields)
		refused(t, name, hidden, 403, "access.rule_denied", "")
		if one, two := strings.ReplaceAll(anonymous(hidden), w.hidden, nobody), anonymous(missing); one != two {
			t.Errorf("a %s tells a hidden photo from none:\n%s\n%s", name, one, two)
		}
		for _, secret := range []string{"diary", w.anaID, "whisper"} {
			if strings.Contains(string(hidden.Body), secret) {
				t.Errorf("the refusal of a %s tells %q: %s", name, secret, hidden.Body)
			}
		}
	}
	// The values of what is hidden are not repeated by the error of a value that is taken.
	taken := w.bo.Do("POST", "things", server.JSON{"code": "unique-of-ana"})
	refused(t, "a code that is taken", taken, 409, "store.unique", "/code")
	if body := string(taken.Body); strings.Contains(body, w.thing) || strings.Contains(body, w.anaID) || strings.Contains(body, "mine") {
		t.Errorf("the error tells whose it is: %s", body)
	}
	w.refuse(t, w.bo,
		attack{name: "the same by an update", method: "PATCH", path: "things/" + made, body: server.JSON{"code": "unique-of-ana"}, status: 409},
		attack{name: "the same in a batch", method: "POST", path: "batch", body: `{"ops":[{"op":"create","collection":"things","data":{"code":"unique-of-ana"}}]}`, status: 409, at: "/ops/0/data/code"},
		attack{name: "her id", method: "POST", path: "things", body: server.JSON{"id": w.thing}, status: 409},
		attack{name: "a photo for her", method: "POST", path: "photos", body: server.NewForm().Field("author", w.anaID).File("image", "a.jpg", "image/jpeg", photo(t)), status: 403},
		attack{name: "an expansion of a write", method: "POST", path: "likes?expand=photo", body: server.JSON{"photo": w.public}, status: 400},
	)
	w.unharmed(t)
}
