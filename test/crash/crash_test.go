// Package crash kills the real program while it writes, again and again, and looks whether anything that it acknowledged
// is gone.
package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
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
store: { database: 'sqlite:data/ledger.db', files: data/files }
`

const (
	kills   = 50
	writers = 64
)

// ledger is what the test knows was acknowledged.
type ledger struct {
	mu    sync.Mutex // guards all below
	pages map[int64]string
	gone  map[int64]bool // acknowledged deletes
	marks int64          // acknowledged additions
	maybe int64          // additions without an answer
	next  int64
}

// TestCrash_NothingAcknowledgedIsLost kills the server 50 times under the load of 64 writers. Each acknowledged write must
// be there, each counter equal what it counts, and the database whole.
func TestCrash_NothingAcknowledgedIsLost(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	s := server.Start(t, server.Declare(t, declaration))
	l := &ledger{pages: map[int64]string{}, gone: map[int64]bool{}}
	books := make([]string, 4)
	for i := range books {
		books[i] = plain(t, s).create("books", fmt.Sprintf(`{"title":"book %d"}`, i))
	}
	for range kills {
		l.load(t, s, books, time.Duration(20+random.IntN(180))*time.Millisecond)
		s.Restart()
		l.check(t, s, books)
	}
	t.Logf("%d pages and %d marks acknowledged over %d kills", len(l.pages), l.marks, kills)
	if len(l.pages) < 10*kills {
		t.Errorf("only %d writes were acknowledged: the load is too small to show anything", len(l.pages))
	}
	integrity(t, filepath.Join(s.Folder, "data", "ledger.db"))
}

// load writes with 64 clients, kills the server after a while, and returns when all clients have noticed.
func (l *ledger) load(t *testing.T, s *server.Server, books []string, after time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), server.Patience)
	defer cancel()
	c := plain(t, s)
	var clients sync.WaitGroup
	for w := range writers {
		clients.Go(func() { l.write(ctx, c, books, w) })
	}
	time.Sleep(after) // the moment of the power cut
	s.Kill()
	clients.Wait()
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
		var made struct{ ID string }
		if err := c.do(ctx, http.MethodPost, "pages", fmt.Sprintf(`{"book":%q,"n":%d}`, book, n), &made); err != nil {
			return
		}
		l.mu.Lock()
		l.pages[n] = made.ID
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

// check reads everything back.
func (l *ledger) check(t *testing.T, s *server.Server, books []string) {
	t.Helper()
	c := plain(t, s)
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

func (c *client) do(ctx context.Context, method, path, body string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Host = "ledger.test"
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
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
	return json.NewDecoder(resp.Body).Decode(into)
}
