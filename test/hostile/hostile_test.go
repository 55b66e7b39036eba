// Package hostile attacks the real program from outside, over TLS and raw sockets, as somebody would who wishes it ill.
// Whatever it is sent, it has to say clearly what is wrong, keep its data as they were, and go on serving others.
package hostile

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const site = "gallery.test"

// things is a collection with a field of every type; it goes into the gallery's declaration. Each sees only their own.
const things = `
  things:
    fields:
      owner: { type: ref, to: users, default: auth.id, required: true, immutable: true, on_delete: cascade }
      label: { type: text, max: 100 }
      code: { type: text, max: 40, unique: true }
      number: { type: int, min: -1000 }
      weight: { type: float }
      done: { type: bool }
      at: { type: time }
      data: { type: json }
      kind: { type: select, options: [small, large] }
      mail: { type: email }
      link: { type: url }
      paper: { type: file, accept: [text/plain, image/png], max: 64kB }
    rules:
      read: 'auth.id == record.owner'
      create: 'auth.id == record.owner'
      update: 'auth.id == record.owner'
      delete: 'auth.id == record.owner'
`

// world is a running server with people and their things in it. ana has a public and a hidden photo, nobody follows her.
type world struct {
	s                 *server.Server
	stranger, ana, bo *server.API
	anaID, boID       string
	public, hidden    string // photos of ana
	like, comment     string // of ana, on the hidden photo
	thing             string // of ana
	before            string // everything, as its owners see it
}

func newWorld(t *testing.T) *world {
	t.Helper()
	folder := server.Gallery(t)
	at := filepath.Join(folder, "roundtrip.yaml")
	yaml, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	const mark = "\n# ── where it is kept"
	if !strings.Contains(string(yaml), mark) {
		t.Fatal("the gallery's declaration has no such place any more")
	}
	text := strings.Replace(string(yaml), mark, things+mark, 1)
	if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	trap(t, folder)
	w := &world{s: server.Start(t, folder)}
	w.stranger = w.s.API(site)
	w.ana, w.anaID = w.signUp(t, "ana")
	w.bo, w.boID = w.signUp(t, "bob")
	w.public = w.upload(t, "harbour", "false")
	w.hidden = w.upload(t, "diary of a secret", "true")
	w.like = w.ana.Want(201, "POST", "likes", server.JSON{"photo": w.hidden}).Text("id")
	w.comment = w.ana.Want(201, "POST", "comments", server.JSON{"photo": w.hidden, "text": "a whispered word"}).Text("id")
	w.thing = w.ana.Want(201, "POST", "things", server.JSON{"label": "mine", "code": "unique-of-ana", "number": 7}).Text("id")
	w.before = w.snapshot(t)
	return w
}

// trap puts into and beside the served folder what must not be served.
func trap(t *testing.T, folder string) {
	t.Helper()
	for name, text := range map[string]string{"web/dist/index.html": "<!doctype html>", "web/dist/.env": "SECRET=1", "web/dist/.git/config": "SECRET=2", "secret.txt": "SECRET=3"} {
		at := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"web/dist/out.txt": "../../secret.txt", "web/dist/abs": "/etc/passwd", "web/dist/up": "../..", "web/dist/loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) signUp(t *testing.T, handle string) (*server.API, string) {
	t.Helper()
	a := w.stranger.Want(201, "POST", "auth/sign-up", server.JSON{"handle": handle, "password": "long enough " + handle})
	return w.stranger.As(a.Text("token")), a.Text("account.id")
}

func (w *world) upload(t *testing.T, caption, private string) string {
	t.Helper()
	form := server.NewForm().Field("caption", caption).Field("private", private).File("image", "a.jpg", "image/jpeg", photo(t))
	return w.ana.Want(201, "POST", "photos", form).Text("id")
}

func photo(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// snapshot is all data that there are, as their owners see them.
func (w *world) snapshot(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, who := range []*server.API{w.ana, w.bo} {
		for _, path := range []string{"users", "photos", "likes", "comments", "follows", "things"} {
			b.Write(who.Want(200, "GET", path+"?page_size=200&count=exact", nil).Body)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// unharmed fails the test unless the server still answers, has crashed nowhere, and has its data as they were.
func (w *world) unharmed(t *testing.T) {
	t.Helper()
	if now := w.snapshot(t); now != w.before {
		t.Errorf("the data have changed: %s", difference(w.before, now))
	}
	w.s.API(site).Want(200, "GET", "users", nil) // another client, on a connection of its own
	for line := range strings.SplitSeq(w.s.Log(), "\n") {
		if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "goroutine ") {
			t.Errorf("the log says: %s", line)
		}
	}
}

// attack is one hostile request and how it has to be refused.
type attack struct {
	name         string
	method, path string
	body         any
	headers      []string
	status       int    // 0: any of 4xx
	reason       string // "": any
	at           string // pointer or parameter of one of the errors; "": not looked at
}

// refuse sends each of the attacks and checks the refusal.
func (w *world) refuse(t *testing.T, who *server.API, attacks ...attack) {
	t.Helper()
	for _, a := range attacks {
		answer, err := who.Try(a.method, a.path, a.body, a.headers...)
		name := a.name + ": " + a.method + " " + clip(a.path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		refused(t, name, answer, a.status, a.reason, a.at)
	}
}

// refused fails the test unless the answer is a clear refusal of the client's mistake, which tells nothing of our inside.
func refused(t *testing.T, name string, a *server.Answer, status int, reason, at string) {
	t.Helper()
	o := a.Object()
	switch {
	case a.Status < 400 || a.Status > 499 || (status != 0 && a.Status != status):
		t.Errorf("%s: status %d, want %d\n%s", name, a.Status, status, clip(string(a.Body)))
		return
	case a.Header.Get("Content-Type") != "application/problem+json":
		t.Errorf("%s: %d of type %q\n%s", name, a.Status, a.Header.Get("Content-Type"), clip(string(a.Body)))
		return
	case a.Text("status") != itoa(a.Status) || a.Text("code") == "" || a.Text("reason") == "" || a.Text("detail") == "" || a.Header.Get("X-Journey") == "":
		t.Errorf("%s: a problem without status, code, reason, detail or journey: %v\n%s", name, a.Header, a.Body)
	case reason != "" && o["reason"] != reason:
		t.Errorf("%s: reason %v, want %s\n%s", name, o["reason"], reason, clip(string(a.Body)))
	case at != "" && !slices.ContainsFunc(a.List("errors"), func(e server.JSON) bool { return e["pointer"] == at || e["parameter"] == at }):
		t.Errorf("%s: no error points at %s\n%s", name, at, clip(string(a.Body)))
	}
	if len(a.Body) > 32<<10 {
		t.Errorf("%s: the answer has %d bytes", name, len(a.Body))
	}
	leaks(t, name, string(a.Body))
}

// leaks fails the test where an answer tells of our inside.
func leaks(t *testing.T, name, body string) {
	t.Helper()
	for _, word := range []string{"no such table", "no such column", "near \"", "constraint failed", "SQLITE_", "modernc", "goroutine ", "runtime error", "/tmp/", ".go:", "invalid memory"} {
		if strings.Contains(body, word) {
			t.Errorf("%s: the answer holds %q: %s", name, word, clip(body))
		}
	}
}

func clip(s string) string {
	if len(s) > 400 {
		return s[:400] + "…"
	}
	return s
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

// dial opens a TLS connection that speaks HTTP/1.1 and nothing else.
func (w *world) dial(t *testing.T) *tls.Conn {
	t.Helper()
	pem, err := os.ReadFile(w.s.Authority())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: server.Patience}, Config: &tls.Config{RootCAs: roots, ServerName: site, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}}
	c, err := d.DialContext(t.Context(), "tcp", w.s.HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(server.Patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*tls.Conn)
}

// untilClose is for raw: all answers up to the one that closes the connection, or else the first.
const untilClose = -1

// raw sends bytes as they are and returns the first n answers, fewer where the connection ends before.
func (w *world) raw(t *testing.T, text string, n int) []*server.Answer {
	t.Helper()
	c := w.dial(t)
	defer c.Close()
	go func() { _, _ = io.WriteString(c, text) }() // a server that refuses need not read all of it
	r := bufio.NewReader(c)
	var all []*server.Answer
	for n == untilClose || len(all) < n {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		a := &server.Answer{Status: resp.StatusCode, Header: resp.Header}
		a.Body, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			break
		}
		all = append(all, a)
		if n == untilClose && !resp.Close {
			break
		}
	}
	return all
}

// difference returns the lines that are not the same.
func difference(before, now string) string {
	a, b := strings.Split(before, "\n"), strings.Split(now, "\n")
	var out []string
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			out = append(out, "\n- "+a[i]+"\n+ "+b[i])
		}
	}
	return strings.Join(out, "")
}
