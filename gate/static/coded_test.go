package static_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/roundtrip-dev/roundtrip/gate/encode"
	"github.com/roundtrip-dev/roundtrip/gate/static"
)

// decode undoes the coding of an answer.
func decode(t *testing.T, res result, body string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	var err error
	switch res.Header.Get("Content-Encoding") {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(r); err == nil {
			defer z.Close()
			r = z
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func codingFolder(t *testing.T, now func() time.Time) (dir string, f *static.Folder) {
	t.Helper()
	dir = site(t)
	return dir, static.New(static.Options{Dir: dir, Mount: "/", Encoders: encode.New(), Now: now})
}

func asks(path string, headers ...string) request { return request{path: path, headers: headers} }

func TestStatic_CodesWhatGetsSmaller(t *testing.T) {
	t.Parallel()
	dir, f := codingFolder(t, time.Now)
	text := strings.Repeat("body { margin: 0 } ", 200)
	write(t, filepath.Join(dir, "a.css"), text)
	write(t, filepath.Join(dir, "a.png"), text)
	write(t, filepath.Join(dir, "short.css"), "a{}")
	write(t, filepath.Join(dir, "large.css"), strings.Repeat(text, 1150)) // coded while it is sent
	for _, c := range []struct {
		path, accept, want string
		vary               bool
	}{
		{"/a.css", "gzip, deflate, br, zstd", "br", true},
		{"/a.css", "gzip, zstd;q=0.5", "gzip", true},
		{"/a.css", "zstd", "zstd", true},
		{"/a.css", "", "", true},
		{"/a.css", "br;q=0", "", true},
		{"/a.css", "identity, br;q=0.9", "", true},
		{"/a.png", "br", "", false},
		{"/short.css", "br", "", false},
		{"/short.css", "br, identity;q=0", "br", false},
		{"/large.css", "gzip, br, zstd", "zstd", true},
		{"/large.css", "gzip", "gzip", true},
	} {
		want, err := os.ReadFile(filepath.Join(dir, c.path))
		if err != nil {
			t.Fatal(err)
		}
		var tags []string
		for range 3 { // read, then kept, then from memory
			res, body, err := serve(t, f, asks(c.path, "Accept-Encoding", c.accept))
			if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Encoding") != c.want || decode(t, res, body) != string(want) {
				t.Errorf("%s for %q: %d %v, %v", c.path, c.accept, res.StatusCode, res.Header, err)
			}
			if (res.Header.Get("Vary") == "Accept-Encoding") != c.vary {
				t.Errorf("%s for %q: Vary %q", c.path, c.accept, res.Header.Get("Vary"))
			}
			if length := res.Header.Get("Content-Length"); length != "" && length != strconv.Itoa(len(body)) {
				t.Errorf("%s for %q: %s bytes announced, %d sent", c.path, c.accept, length, len(body))
			}
			tags = append(tags, res.Header.Get("Etag"))
			head, body, err := serve(t, f, request{method: http.MethodHead, path: c.path, headers: []string{"Accept-Encoding", c.accept}})
			if err != nil || body != "" {
				t.Errorf("HEAD %s: %q, %v", c.path, body, err)
			}
			for name := range res.Header {
				if head.Header.Get(name) != res.Header.Get(name) {
					t.Errorf("HEAD %s for %q: %s is %q, and %q for GET", c.path, c.accept, name, head.Header.Get(name), res.Header.Get(name))
				}
			}
		}
		if tags[0] == "" || tags[0] != tags[1] || tags[1] != tags[2] || c.want != "" && !strings.HasSuffix(tags[0], "~"+c.want+`"`) {
			t.Errorf("%s for %q: tags %v", c.path, c.accept, tags)
		}
	}
}

func TestStatic_AnswersConditionsOfEachCoding(t *testing.T) {
	t.Parallel()
	dir, f := codingFolder(t, time.Now)
	write(t, filepath.Join(dir, "a.css"), strings.Repeat("body { margin: 0 } ", 200))
	tags := map[string]string{}
	for _, accept := range []string{"", "gzip", "br", "zstd"} {
		res, _, _ := serve(t, f, asks("/a.css", "Accept-Encoding", accept))
		tags[accept] = res.Header.Get("Etag")
	}
	for accept, tag := range tags {
		for other, its := range tags {
			want := 200
			if other == accept {
				want = 304
			}
			res, body, err := serve(t, f, asks("/a.css", "Accept-Encoding", accept, "If-None-Match", its))
			if err != nil || res.StatusCode != want {
				t.Errorf("%q asks with the tag of %q: %d, %v", accept, other, res.StatusCode, err)
			}
			if res.StatusCode == 304 && (body != "" || res.Header.Get("Etag") != tag || res.Header.Get("Vary") != "Accept-Encoding" ||
				res.Header.Get("Cache-Control") != "no-cache" || res.Header.Get("Content-Encoding") != "" || res.Header.Get("Content-Length") != "") {
				t.Errorf("304: %v %q", res.Header, body)
			}
		}
		if res, _, err := serve(t, f, asks("/a.css", "Accept-Encoding", accept, "If-None-Match", "W/"+tag)); err != nil || res.StatusCode != 304 {
			t.Errorf("%q with a weak tag: %d, %v", accept, res.StatusCode, err)
		}
		if res, _, err := serve(t, f, asks("/a.css", "Accept-Encoding", accept, "If-Match", tag)); err != nil || res.StatusCode != 200 {
			t.Errorf("%q with If-Match: %d, %v", accept, res.StatusCode, err)
		}
	}
	past, future := "Mon, 02 Jan 2006 15:04:05 GMT", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	for _, c := range []struct {
		headers []string
		want    string
	}{
		{[]string{"If-Match", `"other"`}, "static.changed"},
		{[]string{"If-Match", "W/" + tags[""]}, "static.changed"}, // compared strongly
		{[]string{"If-Match", "*"}, "200"},
		{[]string{"If-Match", tags[""], "If-Unmodified-Since", past}, "200"},
		{[]string{"If-Unmodified-Since", past}, "static.changed"},
		{[]string{"If-Unmodified-Since", future}, "200"},
		{[]string{"If-Unmodified-Since", "yesterday"}, "200"},
		{[]string{"If-Modified-Since", past}, "200"},
		{[]string{"If-Modified-Since", future}, "304"},
		{[]string{"If-None-Match", `"other"`, "If-Modified-Since", future}, "200"},
		{[]string{"If-None-Match", "*"}, "304"},
		{[]string{"If-Match", `"other"`, "Range", "bytes=0-1"}, "static.changed"},
		{[]string{"If-None-Match", tags[""], "Range", "bytes=0-1"}, "304"},
	} {
		res, _, err := serve(t, f, asks("/a.css", c.headers...))
		got := strconv.Itoa(res.StatusCode)
		if err != nil {
			got = reason(err)
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.headers, got, c.want)
		}
	}
}

func TestStatic_SendsCodedSiblings(t *testing.T) {
	t.Parallel()
	clock := &clock{now: time.Now()}
	dir, f := codingFolder(t, clock.Now)
	name := filepath.Join(dir, "a.js")
	write(t, name, "let a = 1")
	old := time.Now().Add(-time.Hour)
	look := func(accept string) string {
		clock.add(2 * time.Second)
		res, body, err := serve(t, f, asks("/a.js", "Accept-Encoding", accept))
		if err != nil {
			t.Fatal(err)
		}
		return res.Header.Get("Content-Encoding") + " " + body
	}
	step := func(what, accept, want string) {
		t.Helper()
		for range 3 {
			if got := look(accept); got != want {
				t.Errorf("%s, for %q: %q, want %q", what, accept, got, want)
			}
		}
	}
	step("without siblings", "gzip, br, zstd", " let a = 1")
	write(t, name+".gz", "as gzip")
	step("with one", "gzip, br, zstd", "gzip as gzip")
	write(t, name+".br", "as br")
	write(t, name+".zst", "as zstd")
	step("with all", "gzip, br, zstd", "br as br")
	step("with all", "gzip;q=0.9, zstd", "zstd as zstd")
	step("with all", "identity", " let a = 1")
	write(t, name+".br", "as br again")
	step("a new one", "br", "br as br again")
	if err := os.Chtimes(name+".br", old, old); err != nil {
		t.Fatal(err)
	}
	step("one of an earlier build", "gzip, br", "gzip as gzip")
	if err := os.Remove(name + ".gz"); err != nil {
		t.Fatal(err)
	}
	step("one that is gone", "gzip, br", " let a = 1")
	if err := os.Remove(name + ".zst"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../secret.txt", name+".zst"); err != nil {
		t.Fatal(err)
	}
	step("one that leads out", "zstd", " let a = 1")
}

func TestStatic_SendsPartsOfTheFileAsItIs(t *testing.T) {
	t.Parallel()
	dir, f := codingFolder(t, time.Now)
	text := strings.Repeat("0123456789", 300)
	write(t, filepath.Join(dir, "a.txt"), text)
	write(t, filepath.Join(dir, "a.txt.br"), "coded")
	coded, _, _ := serve(t, f, asks("/a.txt", "Accept-Encoding", "br"))
	for range 3 {
		res, body, err := serve(t, f, asks("/a.txt", "Accept-Encoding", "br", "Range", "bytes=5-14"))
		if err != nil || res.StatusCode != 206 || body != text[5:15] || res.Header.Get("Content-Encoding") != "" || res.Header.Get("Content-Range") != "bytes 5-14/3000" {
			t.Errorf("%d %v %q, %v", res.StatusCode, res.Header, body, err)
		}
		res, body, err = serve(t, f, asks("/a.txt", "Accept-Encoding", "br", "Range", "bytes=5-14", "If-Range", coded.Header.Get("Etag")))
		if err != nil || res.StatusCode != 200 || body != text {
			t.Errorf("a part of another form: %d %v, %v", res.StatusCode, res.Header, err)
		}
		res, body, err = serve(t, f, asks("/a.txt", "Range", "bytes=0-0,-1"))
		if err != nil || res.StatusCode != 206 || !strings.HasPrefix(res.Header.Get("Content-Type"), "multipart/byteranges") || strings.Count(body, "Content-Range: ") != 2 {
			t.Errorf("two parts: %d %v %q, %v", res.StatusCode, res.Header, body, err)
		}
		res, body, err = serve(t, f, asks("/a.txt", "Range", "bytes=0-0"+strings.Repeat(",2-2", 20)))
		if err != nil || res.StatusCode != 200 || body != text {
			t.Errorf("too many parts: %d, %v", res.StatusCode, err)
		}
		res, body, err = serve(t, f, request{method: http.MethodHead, path: "/a.txt", headers: []string{"Range", "bytes=5-14"}})
		if err != nil || res.StatusCode != 200 || body != "" || res.Header.Get("Content-Length") != "3000" {
			t.Errorf("HEAD: %d %v, %v", res.StatusCode, res.Header, err)
		}
	}
}

// TestStatic_ShowsAnEditOfTheSameMoment makes edits that the file's time and size don't tell apart.
func TestStatic_ShowsAnEditOfTheSameMoment(t *testing.T) {
	t.Parallel()
	clock := &clock{now: time.Now()}
	dir, f := codingFolder(t, clock.Now)
	name := filepath.Join(dir, "a.css")
	edit := func(letter string) {
		write(t, name, strings.Repeat(letter, 5000))
		if err := os.Chtimes(name, clock.now, clock.now); err != nil {
			t.Fatal(err)
		}
	}
	look := func(want string) {
		t.Helper()
		for _, accept := range []string{"br", "", "br", ""} {
			res, body, err := serve(t, f, asks("/a.css", "Accept-Encoding", accept))
			if err != nil || decode(t, res, body) != strings.Repeat(want, 5000) {
				t.Errorf("%q: %.5q, want %s, %v", accept, body, want, err)
			}
		}
	}
	edit("a")
	look("a")
	edit("b")
	look("b")
	clock.add(time.Minute)
	look("b")
}

func TestStatic_ShowsAnEditAtOnce(t *testing.T) {
	t.Parallel()
	dir, f := codingFolder(t, time.Now)
	name := filepath.Join(dir, "docs/page.html")
	for i := range 20 {
		want := "version " + strconv.Itoa(i) + strings.Repeat(".", 2000)
		if i%2 == 0 { // as editors do it: another file in its place
			write(t, name+"~", want)
			if err := os.Rename(name+"~", name); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, name, want)
		}
		for _, accept := range []string{"br", "", "gzip", "br"} {
			res, body, err := serve(t, f, asks("/docs/page.html", "Accept-Encoding", accept))
			if err != nil || decode(t, res, body) != want {
				t.Fatalf("edit %d, %q: %.20q, %v", i, accept, body, err)
			}
		}
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, _, err := serve(t, f, asks("/docs/page.html")); reason(err) != "static.not_found" {
		t.Errorf("a file that was removed: %v", err)
	}
	if err := os.Symlink("../../secret.txt", name); err != nil {
		t.Fatal(err)
	}
	if _, body, err := serve(t, f, asks("/docs/page.html")); reason(err) != "static.forbidden_path" {
		t.Errorf("a link that leads out, in its place: %q, %v", body, err)
	}
}

// shrinking is a writer during whose first Write the file gets shorter.
type shrinking struct {
	*httptest.ResponseRecorder
	shrink func()
}

func (s *shrinking) Write(p []byte) (int, error) {
	if s.shrink != nil {
		s.shrink()
		s.shrink = nil
	}
	return s.ResponseRecorder.Write(p)
}

func TestStatic_CutsAFileThatGetsShorter(t *testing.T) {
	t.Parallel()
	for _, headers := range [][]string{nil, {"Range", "bytes=1-"}, {"Accept-Encoding", "zstd"}} {
		dir, f := codingFolder(t, time.Now)
		name := filepath.Join(dir, "a.txt")
		random := make([]byte, 5<<20) // larger than what is kept, and than what is coded whole
		for i := range random {
			random[i] = byte(i * i >> 3)
		}
		write(t, name, string(random))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/a.txt", nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := &shrinking{httptest.NewRecorder(), func() {
			if err := os.Truncate(name, 1<<20); err != nil {
				t.Error(err)
			}
		}}
		func() {
			defer func() {
				if recover() != http.ErrAbortHandler { //nolint:errorlint // a panic's value
					t.Errorf("%v: the answer was not cut", headers)
				}
			}()
			_ = f.Serve(w, r, "/a.txt")
		}()
		if length := w.Header().Get("Content-Length"); length != "" && length == strconv.Itoa(w.Body.Len()) {
			t.Errorf("%v: %s bytes are there", headers, length)
		}
	}
}

func TestStatic_RespectsNoTransform(t *testing.T) {
	t.Parallel()
	dir, f := codingFolder(t, time.Now)
	write(t, filepath.Join(dir, "a.css"), strings.Repeat("body { margin: 0 } ", 200))
	res, _, err := serve(t, f, asks("/a.css", "Accept-Encoding", "br", "Cache-Control", "no-transform"))
	if err != nil || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("%v, %v", res.Header, err)
	}
}

func TestCache_IsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cache := static.NewCache()
	f := static.New(static.Options{Dir: dir, Mount: "/", Encoders: encode.New(), Cache: cache, Now: time.Now})
	for i := range 36 { // 72 MB
		write(t, filepath.Join(dir, strconv.Itoa(i)+".bin"), string(bytes.Repeat([]byte{byte(i)}, 2<<20)))
	}
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for range 2 {
				for i := range 36 {
					w := httptest.NewRecorder()
					path := "/" + strconv.Itoa(i) + ".bin"
					r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
					if err := f.Serve(w, r, path); err != nil || w.Body.Len() != 2<<20 || w.Body.Bytes()[1<<20] != byte(i) {
						t.Errorf("%s: %d bytes, %v", path, w.Body.Len(), err)
					}
				}
			}
		})
	}
	group.Wait()
	if files, kept := cache.Size(); kept > 64<<20 || kept < 32<<20 || files > 36 {
		t.Errorf("%d bytes of %d files are kept", kept, files)
	}
}
