package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roundtrip-dev/roundtrip/test/server"
)

// log is what a receiver of webhooks has got.
type log struct {
	mu   sync.Mutex        // guards the rest
	last map[string]int    // by record, the highest etag
	ids  map[string]string // by record and etag, the message's id
	all  int
	t    *testing.T
}

// ServeHTTP takes a message, and now and then none. Those of a record may repeat the last one, and never go back.
func (l *log) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct{ Data struct{ ID, Etag string } }
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		l.t.Error(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all++; l.all%20 == 0 {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var etag int
	_, _ = fmt.Sscan(m.Data.Etag, &etag)
	if etag != l.last[m.Data.ID]+1 && etag != l.last[m.Data.ID] {
		l.t.Errorf("record %s: version %d came after %d", m.Data.ID, etag, l.last[m.Data.ID])
	}
	l.last[m.Data.ID] = etag
	at := m.Data.ID + m.Data.Etag
	if id := r.Header.Get("webhook-id"); l.ids[at] == "" {
		l.ids[at] = id
	} else if l.ids[at] != id {
		l.t.Errorf("version %s came as %s and as %s", at, l.ids[at], id)
	}
}

func (l *log) has(versions map[string]int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, etag := range versions {
		if l.last[id] < etag {
			return false
		}
	}
	return true
}

// TestWebhook_SurvivesKills kills the server again and again while it is written to. Every write that was acknowledged is
// told, in the order of its record.
func TestWebhook_SurvivesKills(t *testing.T) {
	t.Parallel()
	got := &log{t: t, last: map[string]int{}, ids: map[string]string{}}
	receiver := httptest.NewServer(got)
	t.Cleanup(receiver.Close)
	folder := server.Declare(t, strings.Replace(notes, ", { path: /, static: web, spa: true }", "", 1)+
		"webhooks:\n  a: { when: [notes.created, notes.updated], url: '"+receiver.URL+"', secret: { file: secret.txt }, allow_private: true }\n")
	put(t, folder, "secret.txt", "a secret of the tests")
	s := server.Start(t, folder)
	acknowledged := map[string]int{}
	for range 3 {
		var mu sync.Mutex // guards acknowledged
		var writers sync.WaitGroup
		stop := make(chan struct{})
		for range 4 {
			api := s.API("notes.test")
			writers.Go(func() { writeUntil(stop, api, &mu, acknowledged) })
		}
		for before := count(got); count(got) < before+30; {
			time.Sleep(time.Millisecond)
		}
		s.Kill()
		close(stop)
		writers.Wait()
		s.Restart()
	}
	for late := time.After(server.Patience); !got.has(acknowledged); {
		select {
		case <-late:
			t.Fatal("a write that was acknowledged was never told")
		case <-time.After(10 * time.Millisecond):
		}
	}
	if len(acknowledged) < 20 {
		t.Fatalf("only %d records were written", len(acknowledged))
	}
}

func count(l *log) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all
}

// writeUntil makes notes and updates each twice, and keeps the versions that were acknowledged.
func writeUntil(stop <-chan struct{}, api *server.API, mu *sync.Mutex, acknowledged map[string]int) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		note, err := api.Try("POST", "notes", server.JSON{"title": "x"})
		if err != nil || note.Status != 201 {
			continue // the server was killed
		}
		id := note.Text("id")
		for version := 1; ; version++ {
			mu.Lock()
			acknowledged[id] = version
			mu.Unlock()
			if version == 3 {
				break
			}
			if next, err := api.Try("PATCH", "notes/"+id, server.JSON{"views": version}); err != nil || next.Status != 200 {
				break
			}
		}
	}
}
