package hostile

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

func TestHostile_Bodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := func(name, body string, status int, reason, at string) []attack {
		return []attack{
			{name: name, method: "POST", path: "things", body: body, status: status, reason: reason, at: at},
			{name: name, method: "PATCH", path: "things/" + w.thing, body: body, status: status, reason: reason, at: at},
			{name: name, method: "POST", path: "batch", body: `{"ops":[{"op":"create","collection":"things","data":` + body + `}]}`, status: status},
			{name: name, method: "POST", path: "auth/sign-in", body: body, status: status},
		}
	}
	attacks := slicesOf(
		post("nothing", ``, 400, "request.json", ""), post("a space", ` `, 400, "request.json", ""), post("nul", "\x00", 400, "request.json", ""),
		post("a bracket", `{`, 400, "request.json", ""), post("cut in a name", `{"la`, 400, "request.json", ""), post("cut in a value", `{"label":`, 400, "request.json", ""),
		post("cut in an escape", `{"label":"\u12`, 400, "request.json", ""), post("two values", `{"label":"a"}{"label":"b"}`, 400, "request.json", ""),
		post("trailing comma", `{"label":"a",}`, 400, "request.json", ""), post("trailing text", `{"label":"a"} x`, 400, "request.json", ""),
		post("single quotes", `{'label':'a'}`, 400, "request.json", ""), post("comment", `{/**/"label":"a"}`, 400, "request.json", ""),
		post("byte order mark", "\ufeff{\"label\":\"a\"}", 400, "request.json", ""), post("utf-16", "{\x00\"\x00l\x00", 400, "request.json", ""),
		post("name twice", `{"label":"a","label":"b"}`, 400, "request.json", ""), post("name twice, escaped", `{"label":"a","l\u0061bel":"b"}`, 400, "request.json", ""),
		post("bad utf-8", "{\"label\":\"\xff\xfe\"}", 400, "request.json", ""), post("overlong utf-8", "{\"label\":\"\xc0\xae\"}", 400, "request.json", ""),
		post("lone surrogate", `{"label":"\ud800"}`, 400, "request.json", ""), post("swapped surrogates", `{"label":"\udc00\ud800"}`, 400, "request.json", ""),
		post("raw control", "{\"label\":\"a\nb\"}", 400, "request.json", ""), post("nan", `{"number":NaN}`, 400, "request.json", ""), post("infinity", `{"weight":Infinity}`, 400, "request.json", ""),
		post("minus infinity", `{"weight":-Infinity}`, 400, "request.json", ""), post("hex", `{"number":0x10}`, 400, "request.json", ""), post("leading zero", `{"number":01}`, 400, "request.json", ""),
		post("plus", `{"number":+1}`, 400, "request.json", ""), post("array", `[{"label":"a"}]`, 400, "request.json", ""), post("null", `null`, 400, "request.json", ""),
		post("text", `"label"`, 400, "request.json", ""), post("deep array", strings.Repeat("[", 100000), 400, "request.json", ""),
		post("deep unknown", `{"x":`+strings.Repeat("[", 50000)+strings.Repeat("]", 50000)+`}`, 400, "", ""),
		post("deep json", `{"data":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`}`, 400, "request.json", "/data"),
		post("deep objects", `{"data":`+strings.Repeat(`{"a":`, 5000)+"1"+strings.Repeat("}", 5000)+`}`, 400, "request.json", ""),
		post("duplicate deep", `{"data":{"a":{"b":1,"b":2}}}`, 400, "request.json", ""), post("surrogate deep", `{"data":["\ud800"]}`, 400, "request.json", ""),
		post("over 1 MB", `{"label":"`+strings.Repeat("a", 1<<20)+`"}`, 413, "request.body_too_large", ""),
		post("spaces over 1 MB", strings.Repeat(" ", 1<<20+1)+`{}`, 413, "request.body_too_large", ""),
		post("many names", "{"+manyNames(5000)+`"z":1}`, 400, "", ""), post("prototype", `{"__proto__":{"admin":true}}`, 400, "", ""),
		post("long name", `{"`+strings.Repeat("n", 100000)+`":1}`, 400, "", ""), post("name with a slash", `{"a/b~c":1}`, 400, "", ""),
		post("read only", `{"etag":"9","create_time":"2000-01-01T00:00:00Z"}`, 400, "", ""),
	)
	w.refuse(t, w.ana, attacks...)
	w.unharmed(t)
}

func slicesOf(lists ...[]attack) []attack {
	var all []attack
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"n%d":1,`, i)
	}
	return b.String()
}

func TestHostile_ContentTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 1<<20))
	_ = z.Close()
	const body = `{"label":"a"}`
	var attacks []attack
	for _, kind := range []string{
		"text/plain", "application/x-www-form-urlencoded", "application/xml", "application/jsonp", "application/json5", "text/json", "application/json, text/plain",
		"*/*", "json", "application/", "multipart/mixed; boundary=a", "application/octet-stream", "application/vnd.api+json", "application/cbor", strings.Repeat("a", 4000), "multipart/related; boundary=x",
	} {
		for _, at := range []struct{ method, path string }{{"POST", "things"}, {"PATCH", "things/" + w.thing}, {"POST", "batch"}, {"POST", "auth/sign-in"}, {"POST", "auth/sign-up"}, {"POST", "auth/password"}} {
			attacks = append(attacks, attack{name: "type " + clip(kind), method: at.method, path: at.path, body: body, headers: []string{"Content-Type", kind}, status: 415, reason: "request.media_type"})
		}
	}
	for _, coding := range []string{"gzip", "br", "deflate", "zstd", "gzip, gzip", "x-gzip", "compress", "nonsense"} {
		attacks = append(attacks, attack{name: "coding " + coding, method: "POST", path: "things", body: packed.String(), headers: []string{"Content-Encoding", coding}, status: 415, reason: "request.media_type"})
	}
	for _, charset := range []string{"utf-16", "utf-7", "iso-8859-1", "x'; --"} {
		attacks = append(attacks, attack{name: "charset", method: "POST", path: "things", body: "{\"label\":\"\xe4\xf6\"}", headers: []string{"Content-Type", "application/json; charset=" + charset}})
	}
	attacks = append(attacks,
		attack{name: "merge patch as a create", method: "POST", path: "things", body: body, headers: []string{"Content-Type", "application/merge-patch+json"}, status: 415},
		attack{name: "json patch", method: "PATCH", path: "things/" + w.thing, body: `[{"op":"remove","path":"/owner"}]`, headers: []string{"Content-Type", "application/json-patch+json"}, status: 415},
		attack{name: "put", method: "PUT", path: "things/" + w.thing, body: body, status: 405},
		attack{name: "override", method: "POST", path: "things/" + w.thing, body: body, headers: []string{"X-HTTP-Method-Override", "DELETE"}, status: 405},
		attack{name: "unknown method", method: "BREW", path: "things", status: 405},
		attack{name: "propfind", method: "PROPFIND", path: "things", status: 405},
	)
	w.refuse(t, w.ana, attacks...)
	w.unharmed(t)
}

// wrongValues are JSON values, with the fields that may take them.
func wrongValues() []struct{ value, takenBy string } {
	return []struct{ value, takenBy string }{
		{`true`, "done data"},
		{`0`, "number weight data"},
		{`1.5`, "weight data"},
		{`-1e400`, "data"},
		{`1e999999`, "data"},
		{strings.Repeat("9", 400), "data"},
		{`9223372036854775808`, "weight data"},
		{`-9223372036854775809`, "weight data"},
		{`-1001`, "weight data"},
		{`"\u0000"`, "data"},
		{`"x\u0000y"`, "data"},
		{`[]`, "data"},
		{`[1,"a"]`, "data"},
		{`{}`, "data"},
		{`{"$add":1}`, "data"},
		{`{"$inc":1}`, "data"},
		{`{"id":"../../../etc/passwd","name":"x","type":"text/html"}`, "data"},
		{`"1"`, "label code data"},
		{`"true"`, "label code data"},
		{`"null"`, "label code data"},
		{`"2026-13-45T99:99:99Z"`, "label code data"},
		{`"-9999-01-01T00:00:00Z"`, "label code data"},
		{`"0000000000000"`, "label code data"},
		{`"zzzzzzzzzzzzz"`, "label code data"},
		{`"javascript:alert(1)"`, "label code data"},
		{`"http://"`, "label code data"},
		{`"file:///etc/passwd"`, "label code data"},
		{`"a@b\r\nBcc: c@d"`, "label code data"},
		{`"@"`, "label code data"},
		{`"small "`, "label code data"},
		{`"SMALL"`, "label code data"},
		{`"` + strings.Repeat("a", 5000) + `"`, "data"},
		{`"` + strings.Repeat("\U0001F600", 500) + `"`, "data"},
		{`"'; DROP TABLE things; --"`, "label code data"},
	}
}

func TestHostile_WrongTypesInEveryField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fields := map[string][]string{
		"things":   {"id", "create_time", "update_time", "etag", "owner", "label", "code", "number", "weight", "done", "at", "data", "kind", "mail", "link", "paper"},
		"users":    {"id", "create_time", "handle", "avatar", "followers"},
		"photos":   {"id", "etag", "author", "image", "private", "likes", "comments"},
		"likes":    {"id", "user", "photo"},
		"comments": {"id", "author", "photo"},
		"follows":  {"id", "follower", "followee"},
	}
	for collection, names := range fields {
		for _, field := range names {
			for _, v := range wrongValues() {
				if collection != "things" && (field == "private" && v.value == "true") {
					continue
				}
				if collection == "things" && contains(v.takenBy, field) {
					continue
				}
				if field == "private" && contains(v.takenBy, "done") || field == "id" && v.value == `"zzzzzzzzzzzzz"` {
					continue
				}
				body := fmt.Sprintf(`{%q:%s}`, field, v.value)
				w.refuse(t, w.ana, attack{name: "create " + clip(body), method: "POST", path: collection, body: body})
				if collection == "things" {
					w.change(t, field, body)
				}
			}
		}
	}
	w.unharmed(t)
}

// change sends a wrong value as an update and as one write of a batch.
func (w *world) change(t *testing.T, field, body string) {
	t.Helper()
	at := "/" + field
	if (field == "number" || field == "weight") && strings.Contains(body, "$add") {
		return // an update may add
	}
	w.refuse(t, w.ana,
		attack{name: "update " + clip(body), method: "PATCH", path: "things/" + w.thing, body: body, at: at},
		attack{
			name: "batch " + clip(body), method: "POST", path: "batch", at: "/ops/1/data" + at,
			body: `{"ops":[{"op":"create","collection":"things","data":{"label":"ok"}},{"op":"update","collection":"things","id":"` + w.thing + `","data":` + body + `}]}`,
		},
	)
}

func contains(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}

func TestHostile_Batches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	op := `{"op":"create","collection":"things","data":{"label":"a"}}`
	attacks := []attack{
		{name: "101 ops", body: `{"ops":[` + strings.Repeat(op+",", 100) + op + `]}`, at: "/ops"},
		{name: "no ops", body: `{"ops":[]}`, at: "/ops"},
		{name: "nothing", body: `{}`, at: "/ops"},
		{name: "null", body: `{"ops":null}`},
		{name: "object", body: `{"ops":{}}`},
		{name: "numbers", body: `{"ops":[1,2]}`},
		{name: "ops twice", body: `{"ops":[` + op + `],"ops":[` + op + `]}`},
		{name: "more beside", body: `{"ops":[` + op + `],"atomic":false}`, at: "/atomic"},
		{name: "nested", body: `{"ops":[{"op":"batch","ops":[` + op + `]}]}`, at: "/ops/0/op"},
		{name: "unknown op", body: `{"ops":[{"op":"drop","collection":"things"}]}`, at: "/ops/0/op"},
		{name: "read", body: `{"ops":[{"op":"get","collection":"things","id":"` + w.thing + `"}]}`, at: "/ops/0/op"},
		{name: "unknown collection", body: `{"ops":[` + op + `,{"op":"create","collection":"_sessions","data":{}}]}`, at: "/ops/1/collection"},
		{name: "path as a collection", body: `{"ops":[{"op":"create","collection":"../auth/sign-up","data":{}}]}`, at: "/ops/0/collection"},
		{name: "no id", body: `{"ops":[{"op":"delete","collection":"things"}]}`, at: "/ops/0/id"},
		{name: "bad id", body: `{"ops":[{"op":"delete","collection":"things","id":"' OR 1=1"}]}`, at: "/ops/0/id"},
		{name: "bad etag", body: `{"ops":[{"op":"delete","collection":"things","id":"` + w.thing + `","etag":"*"}]}`, at: "/ops/0/etag"},
		{name: "etag 0", body: `{"ops":[{"op":"delete","collection":"things","id":"` + w.thing + `","etag":"0"}]}`, at: "/ops/0/etag"},
		{name: "empty etag", body: `{"ops":[{"op":"delete","collection":"things","id":"` + w.thing + `","etag":""}]}`, at: "/ops/0/etag"},
		{name: "old etag", body: `{"ops":[` + op + `,{"op":"delete","collection":"things","id":"` + w.thing + `","etag":"99"}]}`, status: 412},
		{name: "somebody's", body: `{"ops":[` + op + `,{"op":"update","collection":"users","id":"` + w.boID + `","data":{"name":"mine now"}}]}`},
		{name: "id twice", body: `{"ops":[{"op":"create","collection":"things","id":"0am611z8g00zz","data":{}},{"op":"create","collection":"things","id":"0am611z8g00zz","data":{}}]}`, status: 409},
		{name: "deleted, then changed", body: `{"ops":[{"op":"delete","collection":"things","id":"` + w.thing + `"},{"op":"update","collection":"things","id":"` + w.thing + `","data":{"label":"x"}}]}`, status: 404},
		{name: "the last is denied", body: `{"ops":[` + strings.Repeat(op+",", 98) + `{"op":"delete","collection":"photos","id":"` + w.public + `"},{"op":"delete","collection":"users","id":"` + w.anaID + `"}]}`},
	}
	for i := range attacks {
		a := &attacks[i]
		a.method, a.path = "POST", "batch"
		if a.status == 0 && a.at != "" {
			a.status = 400
		}
	}
	w.refuse(t, w.ana, attacks...)
	w.unharmed(t)
}

func TestHostile_Forms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	jpg := string(photo(t))
	part := func(disposition, kind, content string) string {
		return "--b\r\nContent-Disposition: " + disposition + "\r\n" + kind + "\r\n" + content + "\r\n"
	}
	file := func(content string) string {
		return part(`form-data; name="image"; filename="a.jpg"`, "Content-Type: image/jpeg\r\n", content)
	}
	const end = "--b--\r\n"
	attacks := []attack{
		{name: "empty", body: "", status: 400},
		{name: "no parts", body: end, status: 400},
		{name: "only a preamble", body: strings.Repeat("x", 1<<20), status: 400},
		{name: "no end", body: file(jpg), status: 400},
		{name: "cut in a file", body: file(jpg)[:200], status: 400},
		{name: "cut in a head", body: "--b\r\nContent-Dispo", status: 400},
		{name: "no disposition", body: "--b\r\n\r\nx\r\n" + end, status: 400},
		{name: "not form-data", body: part(`attachment; name="image"; filename="a.jpg"`, "", jpg) + end, status: 400},
		{name: "1000 parts", body: strings.Repeat(part(`form-data; name="x"`, "", "1"), 1000) + end, status: 400},
		{name: "1000 good parts", body: strings.Repeat(part(`form-data; name="caption"`, "", "1"), 1000) + end, status: 400},
		{name: "huge head", body: part(`form-data; name="caption"; x="`+strings.Repeat("a", 5<<20)+`"`, "", "1") + file(jpg) + end},
		{name: "many heads", body: part(`form-data; name="caption"`, strings.Repeat("X-A: b\r\n", 9000), "1") + file(jpg) + end},
		{name: "file twice", body: file(jpg) + file(jpg) + end, status: 400, at: "/image"},
		{name: "text and file", body: part(`form-data; name="image"`, "", "x") + file(jpg) + end, status: 400, at: "/image"},
		{name: "file as text", body: part(`form-data; name="image"`, "", "../../etc/passwd") + end, status: 400, at: "/image"},
		{name: "file from json", body: part(`form-data; name="data"`, "", `{"image":{"id":"x","name":"/etc/passwd"}}`) + end, status: 400, at: "/image"},
		{name: "text as a file", body: part(`form-data; name="caption"; filename="a.txt"`, "", "x") + file(jpg) + end, status: 400, at: "/caption"},
		{name: "unknown file", body: part(`form-data; name="shell"; filename="a.php"`, "", "<?php") + file(jpg) + end, status: 400, at: "/shell"},
		{name: "caption twice", body: part(`form-data; name="caption"`, "", "a") + part(`form-data; name="caption"`, "", "b") + file(jpg) + end, status: 400, at: "/caption"},
		{name: "bad utf-8", body: part(`form-data; name="caption"`, "", "\xff\xfe") + file(jpg) + end, status: 400, at: "/caption"},
		{name: "nul", body: part(`form-data; name="caption"`, "", "a\x00b") + file(jpg) + end, status: 400, at: "/caption"},
		{name: "long caption", body: part(`form-data; name="caption"`, "", strings.Repeat("a", 3000)) + file(jpg) + end, status: 400, at: "/caption"},
		{name: "text over 1 MB", body: part(`form-data; name="caption"`, "", strings.Repeat("a", 2<<20)) + file(jpg) + end, status: 413},
		{name: "bad bool", body: part(`form-data; name="private"`, "", "yes") + file(jpg) + end, status: 400, at: "/private"},
		{name: "read only", body: part(`form-data; name="likes"`, "", "9") + file(jpg) + end, status: 400, at: "/likes"},
		{name: "author", body: part(`form-data; name="author"`, "", w.boID) + file(jpg) + end, status: 403},
		{name: "bad data", body: part(`form-data; name="data"`, "", "{") + file(jpg) + end, status: 400},
		{name: "html", body: file("<html><script>alert(1)</script>") + end, reason: "file.type"},
		{name: "svg", body: file(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`) + end, reason: "file.type"},
		{name: "gif", body: file("GIF89a\x01\x00\x01\x00\x00\x00\x00;") + end, reason: "file.type"},
		{name: "elf", body: file("\x7fELF\x02\x01\x01") + end, reason: "file.type"},
		{name: "empty file", body: file("") + end},
		{name: "cut jpeg", body: file(jpg[:20]) + end},
		{name: "html after a jpeg's mark", body: file("\xff\xd8\xff<html><script>") + end},
		{name: "image bomb", body: file(bomb(60000, 60000)) + end, reason: "file.image"},
		{name: "no width", body: file(bomb(0, 10)) + end},
		{name: "width 2^31", body: file(bomb(1<<31-1, 1<<31-1)) + end},
		{name: "webp", body: file("RIFF\xff\xff\xff\xffWEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff") + end},
		{name: "over the field's max", body: file(jpg+strings.Repeat("\x00", 10<<20)) + end, status: 413, reason: "file.too_large"},
		{name: "over the site's max", body: file(jpg+strings.Repeat("\x00", 13<<20)) + end, status: 413},
	}
	for i := range attacks {
		a := &attacks[i]
		a.method, a.path, a.headers = "POST", "photos", []string{"Content-Type", "multipart/form-data; boundary=b"}
	}
	for _, kind := range []string{"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + strings.Repeat("b", 80), `multipart/form-data; boundary="b`, "multipart/form-data; boundary=c", "multipart/form-data; boundary=\u2603"} {
		attacks = append(attacks, attack{name: "boundary " + kind, method: "POST", path: "photos", body: file(jpg) + end, headers: []string{"Content-Type", kind}, status: 400})
	}
	w.refuse(t, w.ana, attacks...)
	w.refuse(t, w.stranger, attack{name: "a stranger's 13 MB", method: "POST", path: "photos", body: file(jpg+strings.Repeat("\x00", 11<<20)) + end, headers: []string{"Content-Type", "multipart/form-data; boundary=b"}, status: 401})
	if left := w.files(t); left != 2 {
		t.Errorf("%d files are kept, want 2", left)
	}
	w.unharmed(t)
}

// bomb is the head of a PNG that claims a size.
func bomb(width, height uint32) string {
	head := binary.BigEndian.AppendUint32(append([]byte("IHDR"), 0, 0, 0, 0)[:4], width)
	head = append(binary.BigEndian.AppendUint32(head, height), 8, 2, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(head)))
}

func TestHostile_FileNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{
		"../../../../etc/cron.d/x", `..\..\x.jpg`, "/etc/passwd", "a\x00b.jpg", "con", ".htaccess", "a.jpg\r\nX-Injected: 1", `a"; filename="b.html`, strings.Repeat("n", 2000) + ".jpg",
		"\u202egpj.exe", "file.php", "<script>.html", "%2e%2e%2f", "", ".", "..", "💥.jpg",
	} {
		form := server.NewForm().File("image", name, "text/html", photo(t))
		made := w.bo.Do("POST", "photos", form)
		if made.Status != 201 {
			refused(t, "name "+clip(name), made, 0, "", "")
			continue
		}
		at := "photos/" + made.Text("id")
		if kept := made.Text("image.name"); strings.ContainsAny(kept, "/\\\x00\r\n") || kept == ".." || len(kept) > 255 {
			t.Errorf("%q is kept as %q", clip(name), clip(kept))
		}
		file := w.bo.Want(200, "GET", "files/"+at+"/image", nil)
		if file.Header.Get("Content-Type") != "image/jpeg" || file.Header.Get("X-Injected") != "" || file.Header.Get("X-Content-Type-Options") != "nosniff" || strings.Contains(file.Header.Get("Content-Disposition"), "..") {
			t.Errorf("%q is served with %v", clip(name), file.Header)
		}
		w.bo.Want(204, "DELETE", at, nil)
	}
	w.unharmed(t)
}
