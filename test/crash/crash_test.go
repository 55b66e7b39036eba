// Package crash kills the real program while it writes, again and again, and looks whether anything that it acknowledged
// is gone.
package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

const declaration = `
name: ledger
sites:
  ledger.test:
    tls: off
    routes: [{ path: /api/, to: api }]
collections:
  books:
    fields:
      title: { type: text }
      pages: { type: count, of: pages.book }
      marks: { type: int, default: 0 }
    rules: { read: 'true', create: 'true', update: 'true', delete: 'true' }
  pages:
    fields:
      book: { type: ref, to: books, required: true, on_delete: cascade }
      n:    { type: int, required: true, unique: true }
    rules: { read: 'true', create: 'true', update: 'true', delete: 'true' }
  scans:
    fields:
      n:    { type: int, required: true, unique: true }
      file: { type: file, required: true, accept: ['text/plain'] }
    rules: { read: 'true', create: 'true' }
store: { database: 'sqlite:data/ledger.db', files: data/files, pool: { wait: 1m } }
`

const (
	kills   = 50
	writers = 64
)

// ledger is what the test knows was acknowledged.
type ledger struct {
	mu    sync.Mutex // guards all below
	pages map[int64]string
	open  map[int64]string // creates of pages without an answer: the book that each was for
	scans map[int64]string // acknowledged files: n to id
	gone  map[int64]bool   // acknowledged deletes
	wrote int              // acknowledged pages, those that were deleted among them
	marks int64            // acknowledged additions
	maybe int64            // additions without an answer
	next  int64
}

// TestCrash_NothingAcknowledgedIsLost kills the server 50 times under the load of 64 writers. Each acknowledged write must
// be there, each counter equal what it counts, and the database whole.
func TestCrash_NothingAcknowledgedIsLost(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	s := server.Start(t, server.Declare(t, declaration))
	l := &ledger{pages: map[int64]string{}, gone: map[int64]bool{}, open: map[int64]string{}, scans: map[int64]string{}}
	books := make([]string, 4)
	for i := range books {
		books[i] = plain(t, s).create("books", fmt.Sprintf(`{"title":"book %d"}`, i))
	}
	for range kills {
		l.load(t, s, books, time.Duration(20+random.IntN(180))*time.Millisecond)
		s.Restart()
		l.check(t, s, books)
	}
	t.Logf("%d pages, %d files and %d marks acknowledged over %d kills", len(l.pages), len(l.scans), l.marks, kills)
	if l.wrote < 10*kills {
		t.Errorf("only %d writes were acknowledged: the load is too small to show anything", l.wrote)
	}
	integrity(t, filepath.Join(s.Folder, "data", "ledger.db"))
}

// load writes with 64 clients, kills the server after a while, and returns when all clients have noticed.
func (l *ledger) load(t *testing.T, s *server.Server, books []string, after time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), server.Patience)
	defer cancel()
	c := plain(t, s)
	before := l.acknowledged()
	var clients sync.WaitGroup
	for w := range writers {
		clients.Go(func() { l.write(ctx, c, books, w) })
	}
	time.Sleep(after) // the moment of the power cut, or later where the machine is so slow that it would show nothing
	for l.acknowledged() < before+10 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	s.Kill()
	clients.Wait()
}

// acknowledged is how many pages were acknowledged so far.
func (l *ledger) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wrote
}

func (l *ledger) write(ctx context.Context, c *client, books []string, w int) {
	for i := w; ctx.Err() == nil; i++ {
		book := books[i%len(books)]
		if i%5 == 4 {
			err := c.do(ctx, http.MethodPatch, "books/"+book, `{"marks":{"$add":1}}`, nil)
			l.mu.Lock()
			if err == nil {
				l.marks++
			} else {
				l.maybe++
			}
			l.mu.Unlock()
			if err != nil {
				return
			}
			continue
		}
		l.mu.Lock()
		l.next++
		n := l.next
		l.mu.Unlock()
		if i%11 == 10 {
			if !l.upload(ctx, c, n) {
				return
			}
			continue
		}
		var made struct{ ID string }
		if err := c.do(ctx, http.MethodPost, "pages", pageBody(book, n), &made, "Idempotency-Key", key(n)); err != nil {
			l.mu.Lock()
			l.open[n] = book
			l.mu.Unlock()
			return
		}
		l.mu.Lock()
		l.pages[n] = made.ID
		l.wrote++
		l.mu.Unlock()
		if i%7 != 6 {
			continue
		}
		l.mu.Lock()
		delete(l.pages, n) // from now on it may be gone; once acknowledged it must be
		l.mu.Unlock()
		if err := c.do(ctx, http.MethodDelete, "pages/"+made.ID, "", nil); err != nil {
			return
		}
		l.mu.Lock()
		l.gone[n] = true
		l.mu.Unlock()
	}
}

func pageBody(book string, n int64) string { return fmt.Sprintf(`{"book":%q,"n":%d}`, book, n) }

func key(n int64) string { return fmt.Sprintf("page-%d", n) }

func content(n int64) string { return fmt.Sprintf("scan number %d", n) }

// upload makes a record with a file, and reports whether it was acknowledged.
func (l *ledger) upload(ctx context.Context, c *client, n int64) bool {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("n", fmt.Sprint(n)) // a bytes.Buffer takes everything
	part, _ := form.CreateFormFile("file", "scan.txt")
	_, _ = io.WriteString(part, content(n))
	_ = form.Close()
	var made struct{ ID string }
	if err := c.do(ctx, http.MethodPost, "scans", body.String(), &made, "Content-Type", form.FormDataContentType()); err != nil {
		return false
	}
	l.mu.Lock()
	l.scans[n] = made.ID
	l.mu.Unlock()
	return true
}

// retry sends every create again that got no answer, with its key. Whether it had happened or not, it is then there once:
// without the key the unique n would refuse the second.
func (l *ledger) retry(t *testing.T, c *client) {
	t.Helper()
	for n, book := range l.open {
		var made struct{ ID string }
		if err := c.do(t.Context(), http.MethodPost, "pages", pageBody(book, n), &made, "Idempotency-Key", key(n)); err != nil {
			t.Fatalf("the retry of page %d: %v", n, err)
		}
		l.pages[n] = made.ID
		delete(l.open, n)
	}
}

// checkFiles wants the bytes of every acknowledged file, and on the disk no file without a record.
func (l *ledger) checkFiles(t *testing.T, s *server.Server, c *client) {
	t.Helper()
	for n, id := range l.scans {
		var text []byte
		if err := c.do(t.Context(), http.MethodGet, "files/scans/"+id+"/file", "", &text); err != nil || string(text) != content(n) {
			t.Fatalf("file of scan %d (%s): %v, %q", n, id, err, text)
		}
	}
	var total struct {
		Groups []struct{ Count int }
	}
	if err := c.do(t.Context(), http.MethodGet, "scans:aggregate?select=count", "", &total); err != nil {
		t.Fatal(err)
	}
	kept := 0
	err := filepath.WalkDir(filepath.Join(s.Folder, "data", "files"), func(at string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			kept++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	if len(total.Groups) > 0 {
		rows = total.Groups[0].Count
	}
	if kept != rows {
		t.Fatalf("%d files lie on the disk for %d records", kept, rows)
	}
}

// check reads everything back.
func (l *ledger) check(t *testing.T, s *server.Server, books []string) {
	t.Helper()
	c := plain(t, s)
	l.retry(t, c)
	l.checkFiles(t, s, c)
	there := map[int64]string{}
	perBook := map[string]int{}
	for token := ""; ; {
		var page struct {
			Pages []struct {
				ID, Book string
				N        int64
			}
			NextPageToken string `json:"next_page_token"`
		}
		if err := c.do(t.Context(), http.MethodGet, "pages?page_size=200&page_token="+token, "", &page); err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Pages {
			there[p.N] = p.ID
			perBook[p.Book]++
		}
		if token = page.NextPageToken; token == "" {
			break
		}
	}
	for n := range l.gone {
		if there[n] != "" {
			t.Fatalf("page %d was deleted, acknowledged, and is back", n)
		}
	}
	for n, id := range l.pages {
		if there[n] != id {
			t.Fatalf("page %d (%s) was acknowledged and is lost", n, id)
		}
	}
	var marks int64
	for _, id := range books {
		var b struct{ Pages, Marks int64 }
		if err := c.do(t.Context(), http.MethodGet, "books/"+id, "", &b); err != nil {
			t.Fatal(err)
		}
		if b.Pages != int64(perBook[id]) {
			t.Fatalf("book %s counts %d pages and has %d", id, b.Pages, perBook[id])
		}
		marks += b.Marks
	}
	if marks < l.marks || marks > l.marks+l.maybe {
		t.Fatalf("marks are %d; %d were acknowledged and %d unanswered", marks, l.marks, l.maybe)
	}
}

// integrity asks SQLite's own program, which shares no code with ours.
func integrity(t *testing.T, database string) {
	t.Helper()
	at, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Fatalf("the test needs Debian's sqlite3: %v", err)
	}
	out, err := exec.Command(at, "-readonly", database, "PRAGMA integrity_check; PRAGMA foreign_key_check;").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Fatalf("integrity_check: %v\n%s", err, out)
	}
}

// client speaks plain HTTP to the server.
type client struct {
	t    *testing.T
	base string
	http *http.Client
}

func plain(t *testing.T, s *server.Server) *client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: writers}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t: t, base: "http://" + s.HTTP + "/api/", http: &http.Client{Transport: transport, Timeout: server.Patience}}
}

func (c *client) create(collection, body string) string {
	c.t.Helper()
	var made struct{ ID string }
	if err := c.do(c.t.Context(), http.MethodPost, collection, body, &made); err != nil {
		c.t.Fatal(err)
	}
	return made.ID
}

// do makes one request. headers are pairs. into takes the body, as it is where it is a *[]byte.
func (c *client) do(ctx context.Context, method, path, body string, into any, headers ...string) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Host = "ledger.test"
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(resp.Body)
		c.t.Errorf("%s %s %s: %s\n%s", method, path, body, resp.Status, text) // nothing here may be refused
		return errors.New(resp.Status)
	}
	if into == nil {
		return nil
	}
	if raw, ok := into.(*[]byte); ok {
		*raw, err = io.ReadAll(resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
