package hostile

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// files counts the files that the server keeps.
func (w *world) files(t *testing.T) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(filepath.Join(w.s.Folder, "data", "files"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestHostile_Paths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, up := range []string{
		"../secret.txt", "../../etc/passwd", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt", "..%2fsecret.txt", "%252e%252e%252fsecret.txt", "..%5csecret.txt", `..\secret.txt`, "..%255csecret.txt",
		"..;/secret.txt", "..%00/secret.txt", "secret.txt%00.html", "%c0%ae%c0%ae/secret.txt", "%u002e%u002e/secret.txt", "....//secret.txt", "..././secret.txt", "./../secret.txt", "%2e/%2e%2e/secret.txt",
		"/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", "file:///etc/passwd", "..%ef%bc%8fsecret.txt", "．．/secret.txt", ".%2e/secret.txt", "%2e./secret.txt", "..%0d%0a/secret.txt", "../roundtrip.yaml", "../data/gallery.db", "../data/certs/local-ca.key",
		".env", "%2eenv", "%2Egit/config", ".git/config", "./.env", "x/../.env", "out.txt", "abs", "up/secret.txt", "up/roundtrip.yaml", "up/data/certs/local-ca.key", "loop", "loop/loop", "index.html/../.env", ".env/", ".env.", ".env%20", ".env::$DATA", "INDEX~1.HTM",
	} {
		for _, prefix := range []string{"/", "/api/", "/api/files/", "/api/files/photos/" + w.public + "/", "/api/photos/", "/api/auth/", "/index.html/"} {
			w.path(t, prefix+up)
		}
	}
	for _, p := range []string{
		"/api/_sessions", "/api/sqlite_master", "/api/_keys/0000000000001", "/api/photos:drop", "/api/photos:watch/x", "/api/_sessions:watch", "/api/photos:watch%00", "/api/photos:aggregate/x", "/api/photos:", "/api/:aggregate", "/api/photos%3Aaggregate%3Aaggregate",
		"/api/files", "/api/files/", "/api/files/photos", "/api/files/photos/" + w.public, "/api/files/photos/" + w.public + "/caption", "/api/files/users/" + w.public + "/avatar", "/api/files/photos/" + w.public + "/image/x",
		"/api/photos/" + w.public + "/", "/api/photos/" + w.public + "/image", "/api/photos/" + w.public + "%20", "/api/photos/" + strings.ToUpper(w.public) + "x", "/api/photos/'%20OR%201=1", "/api/photos/%27;--", "/api/photos/" + strings.Repeat("0", 4000), "/api/photos/0",
		"/api/photos/-000000000001", "/api/photos/zzzzzzzzzzzzz", "/api/auth", "/api/auth/", "/api/auth/me/x", "/api/auth/sessions/", "/api/auth/sign-in/../me", "/api/inbox", "/api/live", "/api/openapi.json/x", "/api/batch/x", "/api/", "/api", "/api/Photos", "/api/photos%00",
		"/api/photos;jsessionid=1", "/api/%70hotos%2f" + w.hidden, "/api/\u2603", "/api/" + strings.Repeat("a/", 3000),
	} {
		w.path(t, p)
	}
	w.unharmed(t)
}

// path asks for a path as it is written and wants it refused, without a secret in the answer.
func (w *world) path(t *testing.T, path string) {
	t.Helper()
	answers := w.raw(t, "GET "+path+" HTTP/1.1\r\nHost: gallery.test\r\nConnection: close\r\n\r\n", 1)
	if len(answers) != 1 {
		t.Errorf("%s: no answer", path)
		return
	}
	a := answers[0]
	for _, secret := range []string{"SECRET", "root:x", "BEGIN", "collections:", "SQLite format"} {
		if bytes.Contains(a.Body, []byte(secret)) {
			t.Errorf("%s: the answer holds %q", path, secret)
		}
	}
	if a.Status == 200 && strings.HasSuffix(path, "/") && bytes.Contains(a.Body, []byte("<!doctype html>")) {
		return
	}
	refused(t, path, a, 0, "", "")
}
