package files_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/store/files"
)

func TestSniff_ContentDecides(t *testing.T) {
	t.Parallel()
	const svg = "<?xml version=\"1.0\"?>\n<!-- a -->\n<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>"
	for _, c := range []struct {
		head, name, accept, want string
	}{
		{"\x89PNG\r\n\x1a\n", "a.html", "", "image/png"},
		{"\xff\xd8\xff\xe0", "a.png", "image/*", "image/jpeg"},
		{"RIFF\x00\x00\x00\x00WEBPVP8 ", "", "", "image/webp"},
		{"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00", "", "", "image/avif"},
		{"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00", "", "", "image/heic"},
		{"<!DOCTYPE html><script>", "a.png", "", "application/octet-stream"},
		{"<!DOCTYPE html><script>", "a.html", "text/html", "text/html"},
		{"<!DOCTYPE html><script>", "a.html", "text/*", "application/octet-stream"},
		{svg, "a.svg", "", "application/octet-stream"},
		{svg, "a.svg", "image/*", "application/octet-stream"},
		{svg, "a.svg", "image/svg+xml", "image/svg+xml"},
		{"<svg onload=alert(1)>", "a.svg", "image/*", "application/octet-stream"},
		{"<?xml version=\"1.0\"?><a/>", "a.xml", "", "application/octet-stream"},
		{"a,b\n1,2\n", "a.csv", "text/csv", "text/csv"},
		{"a,b\n1,2\n", "a.csv", "text/plain", "text/plain"},
		{"a,b\n1,2\n", "a.html", "text/html", "text/plain"},
		{`{"a":1}`, "a.json", "application/json", "application/json"},
		{"PK\x03\x04", "a.docx", "", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"PK\x03\x04", "a.html", "", "application/zip"},
		{"%PDF-1.7", "a", "", "application/pdf"},
		{"", "a", "", "text/plain"},
	} {
		var accept []string
		if c.accept != "" {
			accept = strings.Split(c.accept, " ")
		}
		if got := files.Sniff([]byte(c.head), c.name, accept); got != c.want {
			t.Errorf("%q as %s (%s): %s, want %s", c.head, c.name, c.accept, got, c.want)
		}
	}
}

func TestSniff_UnacceptedTypeIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for _, content := range []string{"<svg xmlns='http://www.w3.org/2000/svg'/>", "<html>", "hello", "MZ\x90\x00", ""} {
		_, err := s.Stage(t.Context(), strings.NewReader(content), "cat.png", imageField())
		e := failure(t, err, roundtrip.Invalid, "file.type")
		if e.HTTPStatus() != 415 || !strings.Contains(e.Public, "image/jpeg, image/png") || e.Details[0].Code != "wrong_type" {
			t.Errorf("%q: %d %v", content, e.HTTPStatus(), e)
		}
	}
}

func TestCleanName_KeepsTheLastElement(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.png": "a.png", "../../etc/passwd": "passwd", `..\..\boot.ini`: "boot.ini", "/": "file", "": "file", "..": "file", "a/..": "file",
		"a\x00b\r\n.png": "ab.png", "gpj.\u202eexe.png": "gpj.exe.png", "\xff\xfea.png": "a.png", "Grüße 😀.jpg": "Grüße 😀.jpg", " . a. ": "a",
		"=?utf-8?q?caf=C3=A9.png?=": "café.png",
	} {
		if got := files.CleanName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{strings.Repeat("ü", 300) + ".jpeg", strings.Repeat("x", 300), "a." + strings.Repeat("y", 300)} {
		got := files.CleanName(name)
		if len(got) > 255 || !utf8.ValidString(got) || (strings.HasSuffix(name, ".jpeg") && !strings.HasSuffix(got, ".jpeg")) {
			t.Errorf("%q is %q", name, got)
		}
	}
}
