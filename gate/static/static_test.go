package static_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip"
	"github.com/roundtrip-dev/roundtrip/gate/static"
)

// clock is set by hand.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func write(tb testing.TB, path, content string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// site writes a folder as a bundler makes it, with traps in it and beside it.
func site(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "dist")
	write(tb, filepath.Join(dir, "index.html"), "<h1>home</h1>")
	write(tb, filepath.Join(dir, "assets/index-BZ3x9Kq1.js"), "let a")
	write(tb, filepath.Join(dir, "docs/index.html"), "<h1>docs</h1>")
	write(tb, filepath.Join(dir, "empty/file.txt"), "0123456789")
	write(tb, filepath.Join(dir, ".env"), "SECRET=1")
	write(tb, filepath.Join(dir, ".git/config"), "secret")
	write(tb, filepath.Join(dir, "docs/.hidden"), "secret")
	write(tb, filepath.Join(dir, ".well-known/security.txt"), "Contact: x")
	write(tb, filepath.Join(dir, "../secret.txt"), "secret")
	for name, to := range map[string]string{"out": "../secret.txt", "abs": "/etc/hostname", "up": "..", "in": "docs/index.html", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		tb.Fatal(err)
	}
	return dir
}

// result is what is left of a response whose body was read.
type result struct {
	StatusCode int
	Header     http.Header
}

type request struct {
	method, path string
	headers      []string
}

func serve(t *testing.T, f *static.Folder, q request) (result, string, error) {
	t.Helper()
	if q.method == "" {
		q.method = http.MethodGet
	}
	r := httptest.NewRequestWithContext(t.Context(), q.method, q.path, nil)
	for i := 0; i < len(q.headers); i += 2 {
		r.Header.Set(q.headers[i], q.headers[i+1])
	}
	w := httptest.NewRecorder()
	err := f.Serve(w, r, r.URL.Path)
	res := w.Result()
	b, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return result{res.StatusCode, res.Header}, string(b), err
}

func page(path string) request {
	return request{path: path, headers: []string{"Accept", "text/html,*/*"}}
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return roundtrip.AsError(err).Reason
}

func TestStatic_ServesFilesAndNothingElse(t *testing.T) {
	t.Parallel()
	f := static.New(static.Options{Dir: site(t), Mount: "/", Now: time.Now})
	for path, want := range map[string]string{
		"/":                            "<h1>home</h1>",
		"/index.html":                  "<h1>home</h1>",
		"/docs/":                       "<h1>docs</h1>",
		"/in":                          "<h1>docs</h1>",
		"/assets/index-BZ3x9Kq1.js":    "let a",
		"/.well-known/security.txt":    "Contact: x",
		"/.env":                        "static.forbidden_path",
		"/.git/config":                 "static.forbidden_path",
		"/docs/.hidden":                "static.forbidden_path",
		"/.well-known/.env":            "static.forbidden_path",
		"/out":                         "static.forbidden_path",
		"/abs":                         "static.forbidden_path",
		"/up/secret.txt":               "static.forbidden_path",
		"/up":                          "static.forbidden_path",
		"/loop":                        "static.forbidden_path",
		"/pipe":                        "static.not_found",
		"/empty/":                      "static.not_found",
		"/empty":                       "static.not_found",
		"/assets":                      "static.not_found",
		"/nothing":                     "static.not_found",
		"/index.html/":                 "static.not_found",
		"/index.html/x":                "static.not_found",
		"/" + strings.Repeat("a", 300): "static.not_found",
	} {
		res, body, err := serve(t, f, page(path))
		if err != nil {
			if body != "" || roundtrip.AsError(err).HTTPStatus() != 404 {
				t.Errorf("%s: %v, and %q was written", path, err, body)
			}
			body = reason(err)
		} else if res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: no nosniff", path)
		}
		if body != want {
			t.Errorf("%s: %q, want %q", path, body, want)
		}
	}
}

func TestStatic_KeepsTheMountOut(t *testing.T) {
	t.Parallel()
	f := static.New(static.Options{Dir: site(t), Mount: "/web/", Now: time.Now})
	if _, body, err := serve(t, f, page("/web/docs/")); err != nil || body != "<h1>docs</h1>" {
		t.Errorf("%q, %v", body, err)
	}
	res, _, err := serve(t, f, page("/web/docs?q=1"))
	if err != nil || res.StatusCode != 308 || res.Header.Get("Location") != "/web/docs/?q=1" {
		t.Errorf("%d to %q, %v", res.StatusCode, res.Header.Get("Location"), err)
	}
}

func TestStatic_AnswersUnknownPagesOfAnAppOnly(t *testing.T) {
	t.Parallel()
	f := static.New(static.Options{Dir: site(t), Mount: "/", SPA: true, Now: time.Now})
	for _, c := range []struct {
		request
		want string
	}{
		{page("/photos/1"), "<h1>home</h1>"},
		{page("/docs/unknown"), "<h1>home</h1>"},
		{page("/empty/"), "<h1>home</h1>"},
		{page("/people/mei.tan"), "<h1>home</h1>"},
		{request{path: "/photos/1"}, "static.not_found"},
		{request{path: "/photos/1", headers: []string{"Accept", "application/json, */*"}}, "static.not_found"},
		{page("/assets/gone-12345abc.js"), "static.not_found"},
		{page("/logo.png"), "static.not_found"},
		{page("/.env"), "static.forbidden_path"},
		{page("/out"), "static.forbidden_path"},
		{request{method: http.MethodPost, path: "/photos/1", headers: []string{"Accept", "text/html"}}, "route.method_not_allowed"},
	} {
		_, body, err := serve(t, f, c.request)
		if err != nil {
			body = reason(err)
		}
		if body != c.want {
			t.Errorf("%s %s %v: %q, want %q", c.method, c.path, c.headers, body, c.want)
		}
	}
}

func TestStatic_ServesItsOwnPageFor404(t *testing.T) {
	t.Parallel()
	dir := site(t)
	write(t, filepath.Join(dir, "404.html"), "<h1>not here</h1>")
	f := static.New(static.Options{Dir: dir, Mount: "/", Now: time.Now})
	res, body, err := serve(t, f, page("/nothing"))
	if err != nil || res.StatusCode != 404 || body != "<h1>not here</h1>" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %q %v, %v", res.StatusCode, body, res.Header, err)
	}
	if res, body, err = serve(t, f, request{method: http.MethodHead, path: "/nothing", headers: []string{"Accept", "text/html"}}); err != nil || res.StatusCode != 404 || body != "" {
		t.Errorf("HEAD: %d %q, %v", res.StatusCode, body, err)
	}
	if _, _, err = serve(t, f, request{path: "/nothing"}); reason(err) != "static.not_found" {
		t.Errorf("a script gets %v", err)
	}
}

func TestStatic_SaysWhichMethods(t *testing.T) {
	t.Parallel()
	f := static.New(static.Options{Dir: site(t), Mount: "/", Now: time.Now})
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "BREW"} {
		_, _, err := serve(t, f, request{method: method, path: "/"})
		if e := roundtrip.AsError(err); e.HTTPStatus() != 405 || e.Allow != "GET, HEAD" {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestStatic_AnswersConditionsAndRanges(t *testing.T) {
	t.Parallel()
	f := static.New(static.Options{Dir: site(t), Mount: "/", Now: time.Now})
	res, _, err := serve(t, f, request{path: "/empty/file.txt"})
	tag := res.Header.Get("Etag")
	if err != nil || !strings.HasPrefix(tag, `"`) || len(tag) < 6 {
		t.Fatalf("%v, ETag %q", err, tag)
	}
	for _, c := range []struct {
		headers []string
		status  int
		body    string
	}{
		{[]string{"If-None-Match", tag}, 304, ""},
		{[]string{"If-None-Match", `"other", ` + tag}, 304, ""},
		{[]string{"If-None-Match", `"other"`}, 200, "0123456789"},
		{[]string{"Range", "bytes=2-4"}, 206, "234"},
		{[]string{"Range", "bytes=-2"}, 206, "89"},
		{[]string{"Range", "bytes=2-4", "If-Range", tag}, 206, "234"},
		{[]string{"Range", "bytes=2-4", "If-Range", `"old"`}, 200, "0123456789"},
		{[]string{"Range", "bytes=100-"}, 416, "invalid range: failed to overlap\n"},
		{[]string{"Range", "lines=1"}, 416, "invalid range\n"},
	} {
		res, body, err := serve(t, f, request{path: "/empty/file.txt", headers: c.headers})
		if err != nil || res.StatusCode != c.status || body != c.body {
			t.Errorf("%v: %d %q, %v", c.headers, res.StatusCode, body, err)
		}
	}
	if res, body, err := serve(t, f, request{method: http.MethodHead, path: "/empty/file.txt"}); err != nil || body != "" || res.Header.Get("Content-Length") != "10" {
		t.Errorf("HEAD: %q %v, %v", body, res.Header, err)
	}
}

func TestStatic_TellsHowLongAFileMayBeKept(t *testing.T) {
	t.Parallel()
	dir := site(t)
	for name, immutable := range map[string]bool{
		"assets/index-BZ3x9Kq1.js": true, "a-abc12345.js": true, "a.0123456789abcdef0123.css": true, "a-BZ3x9Kq1.js.map": true,
		"index.html": false, "my-application.js": false, "photo-20241122.jpg": false, "jquery.min.js": false, "a-12ab.js": false,
		"abc12345.js": false, "noextension-abc12345": false, "sw.js": false,
	} {
		write(t, filepath.Join(dir, name), "x")
		f := static.New(static.Options{Dir: dir, Mount: "/", Now: time.Now})
		res, _, err := serve(t, f, request{path: "/" + name})
		want := "no-cache"
		if immutable {
			want = "public, max-age=31536000, immutable"
		}
		if got := res.Header.Get("Cache-Control"); err != nil || got != want {
			t.Errorf("%s: %q, want %q (%v)", name, got, want, err)
		}
	}
}

func TestStatic_KnowsTypes(t *testing.T) {
	t.Parallel()
	dir := site(t)
	f := static.New(static.Options{Dir: dir, Mount: "/", Now: time.Now})
	for name, want := range map[string]string{
		"a.js": "text/javascript; charset=utf-8", "a.mjs": "text/javascript; charset=utf-8", "a.wasm": "application/wasm",
		"a.svg": "image/svg+xml", "a.webmanifest": "application/manifest+json", "a.HTML": "text/html; charset=utf-8",
		"a.css": "text/css; charset=utf-8", "a.woff2": "font/woff2", "a.JPG": "image/jpeg", "a.unknown": "application/octet-stream", "plain": "application/octet-stream",
	} {
		write(t, filepath.Join(dir, name), "<script>")
		res, _, err := serve(t, f, request{path: "/" + name})
		if got := res.Header.Get("Content-Type"); err != nil || got != want {
			t.Errorf("%s: %q, want %q (%v)", name, got, want, err)
		}
		if html := strings.HasPrefix(want, "text/html"); html != (res.Header.Get("X-Frame-Options") != "") || html != (res.Header.Get("Content-Security-Policy") != "") {
			t.Errorf("%s: %v", name, res.Header)
		}
	}
}

func TestStatic_FollowsAFolderThatIsReplaced(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dist")
	time := &clock{now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	f := static.New(static.Options{Dir: dir, Mount: "/", Now: time.Now})
	look := func() string {
		time.add(2_000_000_000)
		_, body, err := serve(t, f, page("/"))
		if err != nil {
			return reason(err)
		}
		return body
	}
	if got := look(); got != "static.no_folder" {
		t.Errorf("before the first build: %q", got)
	}
	write(t, filepath.Join(dir, "index.html"), "one")
	if got := look(); got != "one" {
		t.Errorf("after it: %q", got)
	}
	if err := errors.Join(os.Rename(dir, dir+".old")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "index.html"), "two")
	if got := look(); got != "two" {
		t.Errorf("after the second: %q", got)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if got := look(); got != "static.no_folder" {
		t.Errorf("after it was removed: %q", got)
	}
}

func FuzzStatic_NeverLeavesItsFolder(f *testing.F) {
	for _, seed := range []string{"/", "/.env", "/out", "/up/secret.txt", "/docs/../../secret.txt", "/%2e%2e/secret.txt", "//secret.txt", "/pipe", "/in/\x00"} {
		f.Add(seed)
	}
	dir := site(f)
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		folder := static.New(static.Options{Dir: dir, Mount: "/", SPA: true, Now: time.Now})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		w := httptest.NewRecorder()
		if err := folder.Serve(w, r, path); err == nil && strings.Contains(strings.ToLower(w.Body.String()), "secret") {
			t.Errorf("%q gives %q", path, w.Body)
		}
	})
}
