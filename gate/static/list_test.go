package static_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/gate/static"
)

func listed(t *testing.T) (string, *static.Folder) {
	t.Helper()
	dir := site(t)
	write(t, filepath.Join(dir, "empty/<b>&\"'.txt"), "x")
	write(t, filepath.Join(dir, "empty/javascript:alert(1)"), "x")
	write(t, filepath.Join(dir, "empty/Ä b?#%.txt"), strings.Repeat("x", 1500))
	write(t, filepath.Join(dir, "empty/.secret"), "x")
	write(t, filepath.Join(dir, "empty/zz/file"), "x")
	if err := os.Symlink("../../secret.txt", filepath.Join(dir, "empty/out")); err != nil {
		t.Fatal(err)
	}
	return dir, static.New(static.Options{Dir: dir, Mount: "/", Listing: true, Now: time.Now})
}

func TestStatic_ListsAFolder(t *testing.T) {
	t.Parallel()
	_, f := listed(t)
	res, body, err := serve(t, f, page("/empty/"))
	if err != nil || res.StatusCode != 200 || res.Header.Get("Vary") != "Accept" || !strings.HasPrefix(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatalf("%d %v, %v", res.StatusCode, res.Header, err)
	}
	for _, want := range []string{
		`<a href="./zz/">zz/</a>`, `&lt;b&gt;&amp;&#34;&#39;.txt`, `href="./%3Cb%3E&amp;%22%27.txt"`, `href="./javascript:alert%281%29"`,
		`href="./%C3%84%20b%3F%23%25.txt"`, "1.5 kB", `<a href="../">`, "10 B",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	for _, not := range []string{"secret", ">out<", "<b>"} {
		if strings.Contains(body, not) {
			t.Errorf("%s is in\n%s", not, body)
		}
	}
	if zz, file := strings.Index(body, ">zz/<"), strings.Index(body, ">file.txt<"); zz > file || file < 0 {
		t.Error("folders do not come first")
	}
	if head, body, err := serve(t, f, request{method: http.MethodHead, path: "/empty/"}); err != nil || body != "" || head.Header.Get("Content-Length") != res.Header.Get("Content-Length") {
		t.Errorf("HEAD: %v %q, %v", head.Header, body, err)
	}
}

func TestStatic_ListsAFolderAsJSON(t *testing.T) {
	t.Parallel()
	_, f := listed(t)
	res, body, err := serve(t, f, asks("/empty/", "Accept", "application/json"))
	var got struct {
		Files []struct {
			Name    string
			Folder  bool
			Size    *int64
			Changed time.Time
		}
		More bool
	}
	if err != nil || res.Header.Get("Content-Type") != "application/json" || json.Unmarshal([]byte(body), &got) != nil {
		t.Fatalf("%v %q, %v", res.Header, body, err)
	}
	var names []string
	for _, file := range got.Files {
		names = append(names, file.Name)
		if file.Folder != (file.Size == nil) || file.Changed.IsZero() {
			t.Errorf("%+v", file)
		}
	}
	if want := "zz|<b>&\"'.txt|file.txt|javascript:alert(1)|Ä b?#%.txt"; strings.Join(names, "|") != want || got.More {
		t.Errorf("%q, want %q", names, want)
	}
}

func TestStatic_ListsOnlyWhereItIsWished(t *testing.T) {
	t.Parallel()
	dir, f := listed(t)
	if res, _, err := serve(t, f, asks("/empty?q=1")); err != nil || res.StatusCode != 308 || res.Header.Get("Location") != "/empty/?q=1" {
		t.Errorf("without the slash: %d %v, %v", res.StatusCode, res.Header, err)
	}
	if _, body, err := serve(t, f, page("/docs/")); err != nil || body != "<h1>docs</h1>" {
		t.Errorf("a folder with an index: %q, %v", body, err)
	}
	for _, path := range []string{"/.git/", "/up/", "/nothing/", "/index.html/"} {
		if _, body, err := serve(t, f, page(path)); err == nil {
			t.Errorf("%s: %q", path, body)
		}
	}
	closed := static.New(static.Options{Dir: dir, Mount: "/", Now: time.Now})
	if _, _, err := serve(t, closed, page("/empty/")); reason(err) != "static.not_found" {
		t.Errorf("a list that nobody wished: %v", err)
	}
	if _, body, err := serve(t, f, asks("/", "Accept", "application/json")); err != nil || body != "<h1>home</h1>" {
		t.Errorf("the top: %q, %v", body, err)
	}
}
