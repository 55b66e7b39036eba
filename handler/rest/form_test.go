package rest_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"mime/multipart"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// part is one part of a form; a part with a file name is a file.
type part struct{ name, file, content string }

func form(tb testing.TB, parts ...part) (body, contentType string) {
	tb.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		h := textproto.MIMEHeader{"Content-Disposition": {multipart.FileContentDisposition(p.name, p.file)}}
		if p.file == "" {
			h.Set("Content-Disposition", `form-data; name="`+p.name+`"`)
		} else {
			h.Set("Content-Type", "application/octet-stream")
		}
		pw, err := w.CreatePart(h)
		must(tb, err)
		_, err = pw.Write([]byte(p.content))
		must(tb, err)
	}
	must(tb, w.Close())
	return b.String(), w.FormDataContentType()
}

func (p *person) form(method, path string, parts ...part) *reply {
	p.h.t.Helper()
	body, contentType := form(p.h.t, parts...)
	return p.do(method, path, body, "Content-Type", contentType)
}

func picture(tb testing.TB, width, height int) string {
	tb.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			m.Set(x, y, color.RGBA{uint8(x), uint8(y), 100, 255})
		}
	}
	var b bytes.Buffer
	must(tb, png.Encode(&b, m))
	return b.String()
}

// kept counts the files on the disk, those that still arrive among them.
func (h *house) kept() int {
	n := 0
	must(h.t, filepath.WalkDir(h.files, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}))
	return n
}

func TestRest_FormCreatesRecordWithFile(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana := h.person("ana")
	sea := picture(t, 64, 48)
	made := ana.form("POST", "photos", part{"caption", "", "sea, \u00e9"}, part{"private", "", "false"}, part{"image", "s\u00e9a.png", sea}).is(201).
		has(`"caption":"sea, é"`, `"type":"image/png"`, `"width":64`, `"height":48`)
	id, file := made.text("id"), made.text("image", "id")
	path := "files/photos/" + id + "/image"
	got := h.stranger().do("GET", path, "").is(200)
	if got.body != sea || got.header.Get("Content-Type") != "image/png" || got.header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("%d bytes, %v", len(got.body), got.header)
	}
	if d := got.header.Get("Content-Disposition"); !strings.HasPrefix(d, "inline") || !strings.Contains(d, "s%C3%A9a.png") {
		t.Error(d)
	}
	if csp := got.header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") {
		t.Error(csp)
	}
	ranged := ana.do("GET", path, "", "Range", "bytes=1-3").is(206)
	if ranged.body != sea[1:4] || ranged.header.Get("Content-Range") == "" {
		t.Errorf("%q", ranged.body)
	}
	ana.do("GET", path, "", "If-None-Match", got.header.Get("Etag")).is(304)
	small := ana.do("GET", path+"?size=32&v="+file, "").is(200)
	if small.header.Get("Cache-Control") != "private, max-age=31536000, immutable" || small.body == sea || small.header.Get("Etag") == got.header.Get("Etag") {
		t.Errorf("%v", small.header)
	}
	ana.do("GET", path+"?size=33", "").is(400).has("32")
	ana.do("GET", path+"?size=x", "").is(400)
	wrong := ana.do("GET", path+"?v=another", "").is(404).because("file.missing")
	if journey, ok := h.journeys.Find(wrong.text("journey")); !ok || journey.Reason.Code() != "file.missing" {
		t.Errorf("%+v", journey)
	}
	ana.do("GET", path+"?width=32", "").is(400).because("request.unknown_parameter")
	ana.do("GET", "files/photos/0000000000abc/image", "").is(404)
	head := ana.do("HEAD", path, "").is(200)
	if head.body != "" || head.header.Get("Content-Length") == "" {
		t.Errorf("%v", head.header)
	}
	other := picture(t, 20, 20)
	ana.form("PATCH", "photos/"+id, part{"image", "b.png", other}, part{"data", "", `{"caption":"two"}`}).is(200).has(`"caption":"two"`, `"width":20`)
	if got := ana.do("GET", path, "").is(200); got.body != other {
		t.Error("the old file came back")
	}
	ana.do("PATCH", "photos/"+id, `{"image":null}`).is(200).has(`"image":null`)
	ana.do("GET", path, "").is(404).because("file.missing")
	ana.do("PATCH", "photos/"+id, `{"image":{"id":"`+file+`"}}`).is(400).has("multipart")
}

func TestRest_FormReadsPartsByType(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	s.form("POST", "things", part{"int", "", "-7"}, part{"float", "", "1.5"}, part{"flag", "", "true"}, part{"moment", "", "2026-01-01T00:00:00Z"},
		part{"json", "", `{"a": 1}`}, part{"colour", "", "red"}, part{"link", "", ""}, part{"text", "", ""}, part{"user", "", ""}).is(201).
		has(`"int":-7`, `"float":1.5`, `"flag":true`, `"json":{"a":1}`, `"colour":"red"`, `"user":null`)
	r := s.form("POST", "things", part{"int", "", "0x10"}, part{"float", "", "inf"}, part{"flag", "", "yes"}, part{"moment", "", "now"},
		part{"json", "", `{`}, part{"txt", "", "1"}, part{"text", "a.txt", "x"}, part{"etag", "", "1"}, part{"doc", "", "no file"}).is(400).because("schema.invalid")
	for _, f := range []string{"int", "float", "flag", "moment", "json", "txt", "text", "etag", "doc"} {
		r.has(`"pointer":"/` + f + `"`)
	}
	s.form("POST", "things", part{"int", "", "1"}, part{"int", "", "2"}).is(400).has("repeated")
	s.form("POST", "things", part{"text", "", "a\xff"}).is(400).has("bad_utf8")
	s.form("POST", "things", part{"text", "", strings.Repeat("a", 1<<20+1)}).is(413)
	s.do("POST", "things", "--x\r\n", "Content-Type", "multipart/form-data; boundary=x").is(400)
	s.do("POST", "things", "--x\r\n", "Content-Type", "multipart/form-data").is(400)
	many := make([]part, 101)
	for i := range many {
		many[i] = part{"text", "", ""}
	}
	s.form("POST", "things", many...).is(400)
}

func TestRest_FilesOfFailedWritesAreGone(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	ana, s := h.person("ana"), h.stranger()
	doc := part{"doc", "a.txt", "hello"}
	s.form("POST", "things", doc, part{"serial", "", "one"}).is(201)
	if n := h.kept(); n != 1 {
		t.Fatalf("%d files", n)
	}
	s.form("POST", "things", doc, part{"serial", "", "one"}).is(409).because("store.unique")
	s.form("POST", "things", doc, part{"int", "", "x"}).is(400)
	s.form("POST", "things", doc, part{"doc", "b.txt", "x"}).is(400)
	s.form("POST", "things", part{"doc", "a.bin", strings.Repeat("x", 1025)}).is(413).because("file.too_large")
	ana.form("POST", "photos", part{"image", "a.html", "<html><script>"}).is(415).because("file.type")
	ana.form("PATCH", "photos/0000000000abc", part{"image", "a.png", picture(t, 8, 8)}).is(404)
	if n := h.kept(); n != 1 {
		t.Errorf("%d files", n)
	}
	r := s.form("POST", "photos", part{"image", "a.png", picture(t, 8, 8)}).is(401)
	if journey, ok := h.journeys.Find(r.text("journey")); !ok || journey.Reason.Code() != "auth.missing" {
		t.Errorf("%+v", journey)
	}
	body, contentType := form(t, doc, part{"serial", "", "two"})
	one := s.do("POST", "things", body, "Content-Type", contentType, "Idempotency-Key", "f")
	body, contentType = form(t, doc, part{"serial", "", "two"}) // with another boundary
	two := s.do("POST", "things", body, "Content-Type", contentType, "Idempotency-Key", "f").is(201)
	if one.body != two.body || two.header.Get("Idempotency-Replayed") != "true" || h.kept() != 2 {
		t.Errorf("%s %s %d", one.body, two.body, h.kept())
	}
	s.do("GET", "files/things/"+one.text("id")+"/doc", "").is(200).has("hello")
}

func TestRest_PublicFilesMayBeSharedByCaches(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	s := h.stranger()
	made := s.form("POST", "things", part{"doc", `a"\b.svg`, `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`}).is(201)
	got := s.do("GET", "files/things/"+made.text("id")+"/doc?v="+made.text("doc", "id"), "").is(200)
	if got.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
		t.Error(got.header.Get("Cache-Control"))
	}
	if d := got.header.Get("Content-Disposition"); strings.Contains(got.header.Get("Content-Type"), "svg") && !strings.HasPrefix(d, "attachment") {
		t.Error(d)
	}
}
