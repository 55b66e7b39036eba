package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const notes = `
name: notes
sites:
  notes.test:
    tls: local
    routes: [{ path: /api/, to: api }, { path: /, static: web, spa: true }]
    cors: { origins: ['https://app.example'] }
identity: { accounts: people, roles: [editor] }
collections:
  people:
    fields: { handle: { type: text, required: true, unique: true }, name: { type: text } }
    rules: { read: 'true' }
  notes:
    fields:
      title: { type: text, max: 100 }
      text:  { type: text }
      views: { type: int, default: 0 }
    rules: { read: 'true', create: 'true', update: 'true', delete: '"editor" in auth.roles' }
store: { database: 'sqlite:data/notes.db', files: data/files, pool: { wait: 1m } }
`

// startNotes runs the declaration above with a page.
func startNotes(t *testing.T) (*server.Server, *server.API) {
	t.Helper()
	folder := server.Declare(t, notes)
	if err := os.Mkdir(filepath.Join(folder, "web"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "web", "index.html"), []byte("<!doctype html><title>notes</title>"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := server.Start(t, folder)
	return s, s.API("notes.test")
}

// declare replaces the declaration of a running server and makes it read it. It returns the line that the server says.
func declare(t *testing.T, s *server.Server, yaml string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Folder, "roundtrip.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	before := len(s.Log())
	s.Signal(syscall.SIGHUP)
	deadline := time.Now().Add(server.Patience)
	for time.Now().Before(deadline) {
		for line := range strings.Lines(s.Log()[before:]) {
			if strings.Contains(line, "reload") {
				return line
			}
		}
		time.Sleep(5 * time.Millisecond) // between two looks at the log
	}
	t.Fatal("the server said nothing about the reload")
	return ""
}

func TestOperate_Reload(t *testing.T) {
	t.Parallel()
	s, api := startNotes(t)
	id := api.Want(201, "POST", "notes", server.JSON{"title": "one"}).Text("id")

	if line := declare(t, s, strings.Replace(notes, "title: { type: text, max: 100 }", "title: { type: txt }", 1)); !strings.Contains(line, "refused") || !strings.Contains(line, `did you mean`) {
		t.Errorf("a bad declaration: %s", line)
	}
	api.Want(200, "GET", "notes/"+id, nil)

	if line := declare(t, s, strings.Replace(notes, "      views:", "      pinned: { type: bool, default: false }\n      views:", 1)); !strings.Contains(line, "reloaded") {
		t.Errorf("a good declaration: %s", line)
	}
	if got := api.Want(200, "GET", "notes/"+id, nil).Text("pinned"); got != "false" {
		t.Errorf("the new field is %q", got)
	}
	if line := declare(t, s, strings.Replace(notes, "      text:  { type: text }\n", "", 1)); !strings.Contains(line, "refused") || !strings.Contains(line, "loses data") {
		t.Errorf("a declaration that loses data: %s", line)
	}
	api.Want(201, "POST", "notes", server.JSON{"text": "still there"})
}

// TestOperate_ARefusedReloadLeavesTheOldHouseWhole changes the accounts and breaks a certificate in one save.
func TestOperate_ARefusedReloadLeavesTheOldHouseWhole(t *testing.T) {
	t.Parallel()
	s, api := startNotes(t)
	ana, _ := signUp(t, api, "ana")
	for _, name := range []string{"cert.pem", "key.pem"} {
		if err := os.WriteFile(filepath.Join(s.Folder, name), []byte("no certificate"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bad := strings.Replace(notes, "    fields: { handle:", "    fields: { motto: { type: text }, handle:", 1)
	bad = strings.Replace(bad, "identity:", "  other.test: { tls: { cert: cert.pem, key: key.pem }, routes: [{ path: /, static: web }] }\nidentity:", 1)
	if line := declare(t, s, bad); !strings.Contains(line, "refused") {
		t.Fatalf("a broken certificate: %s", line)
	}
	ana.Want(200, "GET", "auth/me", nil)
	in := api.Want(200, "POST", "auth/sign-in", server.JSON{"handle": "ana", "password": "long enough ana"})
	if in.Text("account.handle") != "ana" || in.Object()["account"].(server.JSON)["motto"] != nil {
		t.Errorf("account of the old declaration: %s", in.Body)
	}
	good := strings.Replace(bad, "cert: cert.pem, key: key.pem", "XX", 1)
	good = strings.Replace(good, "tls: { XX }", "tls: local", 1)
	if line := declare(t, s, good); !strings.Contains(line, "reloaded") {
		t.Fatalf("the mended declaration: %s", line)
	}
	ana.Want(200, "GET", "auth/me", nil)
}

// TestOperate_ReloadsCutNothing reloads while clients work; every request must be answered.
func TestOperate_ReloadsCutNothing(t *testing.T) {
	t.Parallel()
	s, api := startNotes(t)
	id := api.Want(201, "POST", "notes", server.JSON{"title": "one"}).Text("id")
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for ctx.Err() == nil {
				if a, err := api.Try("PATCH", "notes/"+id, server.JSON{"views": server.JSON{"$add": 1}}); err != nil || a.Status != 200 {
					t.Errorf("during a reload: %v %+v", err, a)
					return
				}
			}
		})
	}
	for i := range 10 {
		if line := declare(t, s, strings.Replace(notes, "max: 100", fmt.Sprintf("max: %d", 101+i), 1)); !strings.Contains(line, "reloaded") {
			t.Errorf("reload %d: %s", i, line)
		}
	}
	stop()
	clients.Wait()
}

// TestOperate_UserCommandsReachTheRunningServer gives a role to an account that is signed in.
func TestOperate_UserCommandsReachTheRunningServer(t *testing.T) {
	t.Parallel()
	s, api := startNotes(t)
	run := func(stdin string, args ...string) string {
		t.Helper()
		cmd := exec.Command(server.Binary(t), append([]string{"user", "--file", s.Folder}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("user %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("correct horse battery\n", "add", "handle=ana")
	in := api.Want(200, "POST", "auth/sign-in", server.JSON{"handle": "ana", "password": "correct horse battery"})
	ana := api.As(in.Text("token"))
	id := api.Want(201, "POST", "notes", server.JSON{"title": "x"}).Text("id")
	ana.Want(403, "DELETE", "notes/"+id, nil)
	run("", "roles", "ana", "editor")
	ana.Want(204, "DELETE", "notes/"+id, nil)
	if list := run("", "list"); !strings.Contains(list, "ana") || !strings.Contains(list, "editor") {
		t.Errorf("list:\n%s", list)
	}
	run("another long password\n", "passwd", "ana")
	ana.Want(401, "GET", "auth/me", nil)
}

func TestOperate_ConcurrentAdditionsAreExact(t *testing.T) {
	t.Parallel()
	_, api := startNotes(t)
	id := api.Want(201, "POST", "notes", server.JSON{"title": "counter"}).Text("id")
	const callers, each = 50, 20
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range each {
				if a, err := api.Try("PATCH", "notes/"+id, server.JSON{"views": server.JSON{"$add": 1}}); err != nil || a.Status != 200 {
					t.Errorf("%v %+v", err, a)
				}
			}
		})
	}
	group.Wait()
	if n := api.Want(200, "GET", "notes/"+id, nil).Text("views"); n != "1000" {
		t.Errorf("1000 additions of 1 made %s", n)
	}
}

func TestOperate_PatchesOfDifferentFieldsBothStay(t *testing.T) {
	t.Parallel()
	_, api := startNotes(t)
	for range 50 {
		id := api.Want(201, "POST", "notes", server.JSON{"title": "-", "text": "-"}).Text("id")
		var both sync.WaitGroup
		for _, field := range []string{"title", "text"} {
			both.Go(func() {
				if a, err := api.Try("PATCH", "notes/"+id, server.JSON{field: "new"}); err != nil || a.Status != 200 {
					t.Errorf("%v %+v", err, a)
				}
			})
		}
		both.Wait()
		if got := api.Want(200, "GET", "notes/"+id, nil); got.Text("title") != "new" || got.Text("text") != "new" {
			t.Fatalf("one of two patches is lost: %s", got.Body)
		}
	}
}

// TestOperate_CurlOverBothProtocols uses the client that the README shows.
func TestOperate_CurlOverBothProtocols(t *testing.T) {
	t.Parallel()
	s, _ := startNotes(t)
	_, port, _ := strings.Cut(s.HTTPS, ":")
	for flag, protocol := range map[string]string{"--http1.1": "1.1", "--http2": "2"} {
		out, err := exec.Command("curl", "-sS", flag, "--cacert", s.Authority(), "--resolve", "notes.test:"+port+":127.0.0.1",
			"-w", "\n%{http_version} %{http_code}", "https://notes.test:"+port+"/api/notes").CombinedOutput()
		if err != nil || !strings.HasSuffix(string(out), protocol+" 200") || !strings.Contains(string(out), `"notes":[]`) {
			t.Errorf("curl %s: %v\n%s", flag, err, out)
		}
	}
	if out, err := exec.Command("curl", "-sS", "--resolve", "notes.test:"+port+":127.0.0.1", "https://notes.test:"+port+"/").CombinedOutput(); err == nil {
		t.Errorf("curl trusted an unknown authority: %s", out)
	}
}

func TestOperate_DoorsOfTheGate(t *testing.T) {
	t.Parallel()
	s, api := startNotes(t)
	client := s.Client()
	get := func(url string, headers ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	if r := get("http://notes.test/a?b=c"); r.StatusCode != 308 || !strings.HasPrefix(r.Header.Get("Location"), "https://notes.test") || !strings.HasSuffix(r.Header.Get("Location"), "/a?b=c") {
		t.Errorf("http: %d %s", r.StatusCode, r.Header.Get("Location"))
	}
	if r := get("https://notes.test/some/page", "Accept", "text/html"); r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		t.Errorf("a path of the page: %d %s", r.StatusCode, r.Header.Get("Content-Type"))
	}
	denied := api.Do("GET", "nothing", nil, "Origin", "https://app.example")
	if denied.Status != 404 || denied.Header.Get("Access-Control-Allow-Origin") != "https://app.example" || denied.Header.Get("X-Journey") == "" || denied.Text("journey") != denied.Header.Get("X-Journey") {
		t.Errorf("an error for another origin: %d %v %s", denied.Status, denied.Header, denied.Body)
	}
	preflight := api.Do("OPTIONS", "notes", nil, "Origin", "https://app.example", "Access-Control-Request-Method", "PATCH")
	if preflight.Status != 204 || !strings.Contains(preflight.Header.Get("Access-Control-Allow-Methods"), "PATCH") {
		t.Errorf("preflight: %d %v", preflight.Status, preflight.Header)
	}
	conn, err := tls.Dial("tcp", s.HTTPS, &tls.Config{ServerName: "other.test", InsecureSkipVerify: true})
	if err == nil {
		conn.Close()
		t.Error("a handshake for a foreign name was accepted")
	}
}

// TestOperate_Dev runs the first command of the README on the example itself, as it lands in a user's folder.
func TestOperate_Dev(t *testing.T) {
	t.Parallel()
	folder := server.Gallery(t)
	cmd := exec.Command(server.Binary(t), "dev", "--https", "127.0.0.1:0", "--http", "127.0.0.1:0", folder)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewScanner(pipe)
	said := map[string]string{}
	for lines.Scan() {
		word, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), "  ")
		said[word] = strings.TrimSpace(rest)
		if word == "stop" {
			break
		}
	}
	if !strings.HasPrefix(said["open"], "https://gallery.localhost:") {
		t.Fatalf("the banner says: %v", said)
	}
	out, err := exec.Command("sh", "-c", strings.Replace(said["try"], "curl ", "curl -sS --noproxy '*' ", 1)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"photos":[{"id":`) {
		t.Errorf("the command to try: %s\n%v\n%s", said["try"], err, out)
	}
	if err := os.WriteFile(filepath.Join(folder, "roundtrip.yaml"), []byte("name: [broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		if strings.Contains(lines.Text(), "not reloaded") {
			break
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(pipe)
	if err := cmd.Wait(); err != nil {
		t.Errorf("Ctrl-C: %v\n%s", err, rest)
	}
}

// TestOperate_PagesOfOtherOrigins signs in from a page of each kind, as a browser would send it.
func TestOperate_PagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	folder := server.Declare(t, strings.Replace(notes, "cors: { origins: ['https://app.example'] }",
		"cors: { origins: ['https://app.notes.test', 'https://*.preview.notes.test', 'https://app.example'], credentials: true }", 1))
	if err := os.Mkdir(filepath.Join(folder, "web"), 0o755); err != nil {
		t.Fatal(err)
	}
	api := server.Start(t, folder).API("notes.test")
	signUp(t, api, "ana")
	for _, tt := range []struct {
		origin, site  string
		cookie, write bool
	}{
		{"https://notes.test", "same-origin", true, true},
		{"https://app.notes.test", "same-site", true, true},
		{"https://pr-7.preview.notes.test", "same-site", true, true},
		{"https://a.b.preview.notes.test", "same-site", false, false},
		{"https://other.notes.test", "same-site", false, false},
		{"https://evil.example", "cross-site", false, false},
	} {
		in := api.Want(200, "POST", "auth/sign-in", server.JSON{"handle": "ana", "password": "long enough ana"}, "Origin", tt.origin, "Sec-Fetch-Site", tt.site)
		cookie := in.Header.Get("Set-Cookie")
		if (cookie != "") != tt.cookie || (in.Text("token") == "") != tt.cookie {
			t.Errorf("%s: cookie %q, token %q", tt.origin, cookie, in.Text("token"))
		}
		if cookie == "" { // a cookie that the browser has from elsewhere
			cookie = api.Want(200, "POST", "auth/sign-in", server.JSON{"handle": "ana", "password": "long enough ana"}).Header.Get("Set-Cookie")
		}
		pair, _, _ := strings.Cut(cookie, ";")
		wrote := api.Do("POST", "notes", server.JSON{"title": "x"}, "Origin", tt.origin, "Sec-Fetch-Site", tt.site, "Cookie", pair)
		if (wrote.Status == 201) != tt.write {
			t.Errorf("%s writes with the cookie: %d %s", tt.origin, wrote.Status, wrote.Body)
		}
	}
}
